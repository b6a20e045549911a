"""Remember client rows, and never act on a remembered row that has changed since.

Reading and checking a client's row for each token would cost more than the token. So rows are remembered per process, and each grant
carries the MAC of the row it was decided on: at the end of the batch in which the grant becomes durable, in the same transaction, the
row's MAC is compared with what stands in the database. Where it differs (another process has disabled the client, rotated its secret,
changed its scopes, or someone edited the row) the grant fails, nothing is recorded, and the decision is taken again on the new row.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from idp.limits import CLIENTS_REMEMBERED_MAX
from idp.model.clients import ClientStatus
from idp.store.clients import CLIENT_MAC_QUERY, client_mac, find_client
from idp.store.registrations import find_registration
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from idp.model.clients import Client
    from idp.model.registrations import Registration
    from service_kit.database import Database


_BY_THE_ROW: Final = frozenset(
    {
        "CERTIFICATE_MISSING",
        "CODE_INVALID",
        "DPOP_PROOF_MISSING",
        "EXCHANGE_REFUSED",
        "GRANT_ENDED",
        "GRANT_NOT_ALLOWED",
        "JWS_ALGORITHM_UNSUPPORTED",
        "REFRESH_INVALID",
        "RESOURCE_NOT_GRANTED",
        "SCOPE_NOT_GRANTED",
    }
)
"""Refusals that may come of what the client has registered, and change nothing."""


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client as it was read, with the MAC of its row, and what it registered: a change of that changes the client's row too."""

    client: Client
    row_mac: bytes
    registration: Registration | None = None


class ClientChangedError(TrustError):
    """The row a decision was taken on is no longer what the database holds: decide again. Never leaves the identity provider."""

    def __init__(self) -> None:
        super().__init__(Kind.CONFLICT, "CLIENT_CHANGED")


class ClientMemory:
    """The remembered rows of one process. Used from the event loop and, for ``write_rows``, from the writer thread."""

    def __init__(self, database: Database, mac_key: bytes) -> None:
        self._database = database
        self._mac_key = mac_key
        self._known: OrderedDict[str, KnownClient] = OrderedDict()
        self._begun: dict[str, asyncio.Task[KnownClient | None]] = {}
        self._due: dict[str, asyncio.Task[KnownClient | None]] = {}

    def recall(self, client_id: str) -> KnownClient | None:
        """What is remembered; None where nothing is. May be out of date."""
        return self._known.get(client_id)

    def read(self, client_id: str) -> KnownClient | None:
        """Read the row anew and remember it. Blocks: to be called in a thread. ROW_ALTERED where its MAC does not hold."""
        with self._database.read() as connection:
            found = find_client(connection, client_id, self._mac_key)
            registration = find_registration(connection, client_id, self._mac_key)
        if found is None:
            self._known.pop(client_id, None)
            return None
        known = KnownClient(*found, registration)
        self._known[client_id] = known
        if len(self._known) > CLIENTS_REMEMBERED_MAX:
            self._known.popitem(last=False)
        return known

    def renewed(self, client_id: str) -> KnownClient | None:
        """As ``read``, but a row whose MAC is still that of what is remembered is not opened again: a wrong secret for a client that is known costs
        the one look that it costs for one that is not, and how long it took tells nobody which it was.
        """
        row = self._database.look(CLIENT_MAC_QUERY, {"wanted": client_id})
        return self._renewed_by(client_id, None if row is None else row[0])

    def _renewed_by(self, client_id: str, row_mac: bytes | None) -> KnownClient | None:
        if row_mac is None:
            self._known.pop(client_id, None)
            return None
        known = self._known.get(client_id)
        return known if known is not None and known.row_mac == row_mac else self.read(client_id)

    async def read_for_all(self, client_id: str) -> KnownClient | None:
        """As ``renewed``, from the event loop. Who asks while the row is being read waits for the next reading, together with all who ask until that
        begins: each gets the row as it was after he asked, and a thousand who come at once need two readings.
        """
        reading = self._due.get(client_id)
        if reading is None:
            reading = self._due[client_id] = asyncio.create_task(self._read_after(self._begun.get(client_id), client_id))
        return await asyncio.shield(reading)

    async def _read_after(self, before: asyncio.Task[KnownClient | None] | None, client_id: str) -> KnownClient | None:
        if before is not None:
            await asyncio.wait((before,))
        task = self._begun[client_id] = self._due.pop(client_id)
        try:
            return await anyio.to_thread.run_sync(self.renewed, client_id)
        finally:
            if self._begun.get(client_id) is task:
                del self._begun[client_id]

    def present(self, client_id: str) -> KnownClient | None:
        """The client as of now: what is remembered counts only while the row's MAC is the same. None: unknown or disabled."""
        row = self._database.look(CLIENT_MAC_QUERY, {"wanted": client_id})
        return self.present_by(client_id, None if row is None else row[0])

    def present_by(self, client_id: str, row_mac: bytes | None) -> KnownClient | None:
        """As ``present``, for who has just looked at what MAC the row has. None: there is no row."""
        known = self._renewed_by(client_id, row_mac)
        return known if known is not None and known.client.status is ClientStatus.ACTIVE else None

    def is_active(self, client_id: str) -> bool:
        """Whether the client may act, as of now."""
        return self.present(client_id) is not None

    def forget(self, client_id: str) -> None:
        """Read the row again next time."""
        self._known.pop(client_id, None)

    def is_overtaken(self, remembered: KnownClient | None, error: TrustError) -> bool:
        """Whether a refusal rests on a row that was remembered and is no longer what the database holds: it is forgotten then, and is to be decided anew.
        A token becomes durable only by the row as it is (``demand_unchanged``), a refusal would come by the old one for as long as that is remembered.
        """
        if remembered is None or error.code not in _BY_THE_ROW:
            return False
        client_id = remembered.client.client_id
        row = self._database.look(CLIENT_MAC_QUERY, {"wanted": client_id})
        if row is not None and row[0] == remembered.row_mac:
            return False
        self.forget(client_id)
        return True

    def demand_unchanged(self, connection: Connection, known: KnownClient) -> None:
        """Within a write job: let it become durable only if the client's row is still the one that was read."""
        self._database.defer(connection, self, known)

    # ---- as a row sink of the group-commit writer: one look per client and batch

    def write_rows(self, connection: Connection, rows: Sequence[KnownClient]) -> None:
        """Compare each client's row with the database; ClientChangedError where one differs."""
        for client_id, mac in {(known.client.client_id, known.row_mac) for known in rows}:
            if client_mac(connection, client_id) != mac:
                raise ClientChangedError

    def rows_committed(self) -> None:
        """Nothing to do: nothing was written."""

    def rows_undone(self) -> None:
        """Nothing to do: nothing was written."""
