"""Publish the status of the seals made here: one signed list for verifiers without a network, one line for those with.

The list is made from the history of the seals, so it tells of every moment, not only of now. It is made anew as soon as any seal
has changed: what was frozen is frozen in the very next answer. The interface of the national release system is not public; the form is
ours (``seal_data.status_list``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.timestamp_tokens import CLOCK_TOLERANCE_SECONDS
from crypto.trust_list import TrustList
from seal_service.errors import seal_not_found
from seal_service.life import SealState
from seal_service.ports import SEAL_MAKER
from seal_service.seal_data.status_list import (
    MAX_RECORDS,
    SealHistory,
    SealStatus,
    SealStatusList,
    StatusRecord,
    seal_digest,
    write_status_list,
)
from seal_service.store import statuses
from standards.gbt38540_seal.read import read_seal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

VALIDITY: Final = timedelta(days=7)  # as the revocation lists: what is carried offline is judged by its age
RENEWED_AFTER: Final = timedelta(hours=1)
REMADE: Final = "made again"
SECOND: Final = timedelta(seconds=1)
TOLERATED: Final = timedelta(seconds=CLOCK_TOLERANCE_SECONDS)  # verifiers take a list that is issued so far ahead of them, not further

STATUS_OF: Final = {
    SealState.MADE_REQUESTED: None,  # None: nobody can have sealed with it yet, so it is not listed
    SealState.MADE: None,
    SealState.FILED: None,
    SealState.ISSUED: None,
    SealState.MAKING: None,
    SealState.ABANDONED: None,
    SealState.ARCHIVED: None,  # whoever keeps its key says how it stands
    SealState.ACTIVE: SealStatus.VALID,
    SealState.FROZEN: SealStatus.FROZEN,
    SealState.CHANGED: SealStatus.FROZEN,  # not to be used until it is made again
    SealState.EXPIRED: SealStatus.EXPIRED,
    SealState.CANCELLED: SealStatus.CANCELLED,
    SealState.INVALIDATED: SealStatus.CANCELLED,
    SealState.DESTROYED: SealStatus.CANCELLED,
}
"""What the published codes say of each state of a seal's life."""


@dataclass(slots=True)
class StatusPublisher:
    """The published list of one process: kept, and made anew when a seal changed or the list grew old."""

    context: ServiceContext
    _number: int = -1
    _issued_at: datetime | None = None
    _list_der: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> tuple[int, datetime, bytes]:
        """Number, time of issue, and the signed list (CMS, DER). One small read where nothing changed."""
        with self.context.database.read() as conn:
            number = statuses.read_number(conn)
        with self._lock:
            now = self.context.clock.now().replace(microsecond=0)
            if self._issued_at is None or number != self._number or now - self._issued_at >= RENEWED_AFTER:
                self._number, self._issued_at, self._list_der = self._make(now)
            return self._number, self._issued_at, self._list_der

    def trust(self) -> TrustList:
        """The deployment's trust list with the present status of its seals."""
        _, _, list_der = self.current()
        return self.context.trust().joined_with(TrustList(status_lists=(list_der,)))

    def _make(self, now: datetime) -> tuple[int, datetime, bytes]:
        maker = SEAL_MAKER.needed(self.context)
        with self.context.database.read() as conn:
            number = statuses.read_number(conn)
            seals = _histories(conn, now)
        # A change of this very second is dated in it, so the list cannot be older
        issued_at = max([now, *(history.records[-1].since for history in seals)])
        content = SealStatusList(number, issued_at, issued_at + VALIDITY, seals)
        return number, issued_at, write_status_list(content, maker.signer, maker.certificate, self.context.issuer.chain()[:-1])


def published_number(conn: Connection) -> int:
    """A number that grows with every change of what is published; whoever reads the same one reads the same list."""
    return statuses.read_number(conn)


def find_status(context: ServiceContext, code: str) -> StatusRecord:
    """The present status of the seal with this code. SEAL_NOT_FOUND for a seal that was never usable or does not exist."""
    with context.database.read() as conn:
        records = _records(statuses.list_steps_of_code(conn, code), context.clock.now())
    if not records:
        raise seal_not_found(code)
    return records[-1]


def _histories(conn: Connection, now: datetime) -> tuple[SealHistory, ...]:
    codes: dict[str, str] = {}
    steps: dict[str, list[tuple[str, str, datetime]]] = {}
    for seal_id, code, act, state, at in statuses.walk_steps(conn):
        codes[seal_id] = code
        steps.setdefault(seal_id, []).append((act, state, at))
    found: list[SealHistory] = []
    for seal_id, of_seal in steps.items():
        records = _records(of_seal, now)
        if records:
            found.append(SealHistory(codes[seal_id], records))
    for seal_id, seal_data_der, at in statuses.walk_retired_editions(conn):
        of_seal = steps.get(seal_id, [])
        # By their order, not by their times: the step that replaced it was recorded with it, as of the same moment
        before = of_seal[: next((place for place, step in enumerate(of_seal) if step[2] == at), len(of_seal))]
        if _records(before, now):
            records = _records([*before, (REMADE, SealState.CANCELLED.value, at)], now)
            found.append(SealHistory(codes[seal_id], records, seal_digest(read_seal(seal_data_der))))
    return tuple(found)


def _records(steps: Iterable[tuple[str, str, datetime]], now: datetime) -> tuple[StatusRecord, ...]:
    """Steps of a life in their order -> the published records: whole seconds, one for each second, only where the status changes.

    Of two changes within one second the later counts. Where clocks were at odds the order counts: a step that is dated before the one
    it followed is published a second after that, one that is dated in the future as of ``now``, and none is lost. The newest are kept
    where there are more than a list may carry.
    """
    records: list[StatusRecord] = []
    for act, state, at in steps:
        status = STATUS_OF[SealState(state)]
        since = at.replace(microsecond=0)
        if status is None and not records:
            continue
        status = SealStatus.FROZEN if status is None else status  # between two makings nobody may use it
        last = records[-1].since if records else None
        if since > now + TOLERATED or (last is not None and since < last):
            since = min(since, now.replace(microsecond=0))
            since = since if last is None else max(since, last + SECOND)
        elif since == last:
            records.pop()
        if not records or records[-1].status is not status:
            records.append(StatusRecord(status, since, act))
    return tuple(records[-MAX_RECORDS:])
