"""Which account is behind a person's token, whatever name its client is told: for the gates of the same process."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from idp.limits import GRANTS_REMEMBERED_MAX
from idp.store.grants import find_grant

if TYPE_CHECKING:
    from service_kit.callers import Caller
    from service_kit.database import Database


class AccountsBehind:
    """The accounts behind the grants that this process has seen. Whose a grant is never changes; whether it stands is asked elsewhere."""

    def __init__(self, database: Database, mac_key: bytes) -> None:
        self._database = database
        self._mac_key = mac_key
        self._known: OrderedDict[str, str] = OrderedDict()

    def find(self, caller: Caller) -> str:
        """The id of the natural person's account; empty where no grant is behind the token. Blocks. ROW_ALTERED."""
        if not caller.grant_id:
            return ""
        known = self._known.get(caller.grant_id)
        if known is None:
            with self._database.read() as connection:
                grant = find_grant(connection, caller.grant_id, self._mac_key)
            if grant is None:
                return ""
            known = self._known[caller.grant_id] = grant.account_id
            if len(self._known) > GRANTS_REMEMBERED_MAX:
                self._known.popitem(last=False)
        return known
