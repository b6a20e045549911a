"""Cursors of SCIM (RFC 9865): the id to go on behind, with a code that only this deployment makes, for one search of one client.

So a cursor that nobody gave out, or that belongs to another search, is refused and not taken for a place: whoever follows the directory by it would
pass over accounts without noticing.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError

if TYPE_CHECKING:
    from crypto.sealed_values import ValueSealer
    from idp.model.people import AccountKind

_DOMAIN: Final = "idp.scim-cursor"
_TAG_BYTES: Final = 12
_CURSOR_CHARACTERS: Final = 128


@dataclass(frozen=True, slots=True)
class Cursors:
    """Of one search: what is searched, for whom, by which filter (as it was sent, empty: none)."""

    sealer: ValueSealer
    kind: AccountKind
    client_id: str
    filter_text: str

    def write(self, account_id: str) -> str:
        """The cursor to go on behind an account."""
        fields = (self.kind.value, self.client_id, self.filter_text, account_id)
        told = b"".join(len(each).to_bytes(4) + each for each in (field.encode("utf-8", "surrogatepass") for field in fields))
        tag = base64.urlsafe_b64encode(self.sealer.find(told, _DOMAIN)[:_TAG_BYTES]).decode("ascii")
        return f"{account_id}.{tag}"

    def read(self, cursor: str) -> str:
        """The account to go on behind; empty for the first page, which is asked for by an empty cursor. MalformedError SCIM_CURSOR_INVALID."""
        if not cursor:
            return ""
        account_id = cursor.rpartition(".")[0]
        is_ours = len(cursor) <= _CURSOR_CHARACTERS and cursor.isascii() and hmac.compare_digest(cursor, self.write(account_id))
        if not is_ours:
            raise MalformedError("SCIM_CURSOR_INVALID")
        return account_id
