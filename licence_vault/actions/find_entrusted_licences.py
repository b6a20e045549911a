"""What was entrusted to a signed-in person: by which entrustments that stand, and which licences he may let others use by them, masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.decide_use import Attempt, decide_use
from licence_vault.actions.find_own_licences import masked_licence
from licence_vault.actions.use_desk import who_is_behind
from licence_vault.errors import entrustment_not_found
from licence_vault.limits import PAGE_SIZE, PAGE_SIZE_MAX
from licence_vault.model import LicenceState
from licence_vault.uses import ENTRUSTED_LOOK, UseAction, UseMode

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.find_own_licences import OwnLicence
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import Entrustment
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class ReceivedEntrustment:
    """An entrustment, and the holder's newest licences of its type that are issued, masked. ``has_more``: he has others that are not listed."""

    entrustment: Entrustment
    licences: list[OwnLicence]
    has_more: bool


def find_entrusted_licences(desk: UseDesk, caller: Caller, *, before: str | None, limit: int) -> list[ReceivedEntrustment]:
    """Those by which there is a licence first, then the empty ones, each newest first, from behind the entrustment ``before``; with a page of licences
    each, and the longest page of licences in all. Each licence that is shown has its line in its holder's log.

    Raises TrustError LICENCE_HOLDER_UNKNOWN, LICENCE_ENTRUSTMENT_NOT_FOUND.
    """
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        return Attempt(UseAction.QUERIED, caller, caller.client_id, ENTRUSTED_LOOK, at, UseMode.ENTRUSTED, subjects=standing.own)

    def decide(conn: Connection, attempt: Attempt) -> list[ReceivedEntrustment]:
        behind = None if before is None else store.load_entrustment(conn, before)
        if before is not None and (behind is None or behind.agent_digest not in standing.own):
            raise entrustment_not_found(before)
        received = []
        shown: dict[str, LicenceRecord] = {}
        left = PAGE_SIZE_MAX  # each is opened and noted in the one job that writes
        for each in store.list_standing_entrustments_to(conn, standing.own, at, behind=behind, limit=limit):
            most = min(PAGE_SIZE, left)
            found = store.list_licences_of_holders(
                conn, {each.holder_digest}, type_code=each.type_code, states={LicenceState.ISSUED}, before=None, limit=most + 1
            )
            listed, left = found[:most], left - len(found[:most])
            shown |= {record.id: record for record in listed}
            received.append(ReceivedEntrustment(each, [masked_licence(desk, conn, record) for record in listed], len(found) > most))
        attempt.licences, attempt.subjects = list(shown.values()), () if shown else standing.own
        return received

    return decide_use(desk, begin, decide)
