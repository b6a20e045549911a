"""What asking wallets for licences needs: whose credentials count, and where their status is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault.status.register import StatusPlace, list_numbers, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crypto.jose import VerificationKey
    from crypto.sealed_values import ValueSealer
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database

    Issuers = Mapping[str, Mapping[str, VerificationKey]]
    StatusOf = Callable[[str, int], int | None]

_LIST: Final = re.compile(r"/licences/status/([1-9][0-9]{0,6})")


@dataclass(frozen=True, slots=True)
class PresentationDesk:
    """What the jobs on presentations share. ``issuers``: whose credentials count, as they are now; ``status_of``: see ``status_here``."""

    database: Database
    audit: Audit
    clock: Clock
    base_url: str
    sealer: ValueSealer
    issuers: Callable[[], Issuers]
    status_of: StatusOf

    def __repr__(self) -> str:
        """Without the sealer."""
        return "PresentationDesk()"


def status_here(database: Database, base_url: str) -> StatusOf:
    """The status of licences of this vault, as it stands at this moment: what is revoked counts before the next list says so.

    Lists of others are not known here: None.
    """

    def find(uri: str, index: int) -> int | None:
        found = _LIST.fullmatch(uri.removeprefix(base_url)) if uri.startswith(base_url) else None
        if found is None:
            return None
        with database.read() as connection:
            if int(found[1]) not in list_numbers(connection):
                return None
            return status_of(connection, StatusPlace(int(found[1]), index))

    return find
