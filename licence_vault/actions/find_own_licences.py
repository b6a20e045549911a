"""A signed-in person's own licences, and those in his power: a masked list, one of them whole, and every use of them by anybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.decide_use import Attempt, decide_use
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.actions.use_desk import open_data, right_to_see, who_is_behind
from licence_vault.errors import licence_not_found
from licence_vault.model import LicenceState
from licence_vault.type_rules.masked_view import mask_data
from licence_vault.uses import OWN_LOOK, Officer, UseAction, UseMode, read_officer
from service_kit.callers import PERSON_PREFIX, human_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.model import LicenceData
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import UseRecord
    from service_kit.callers import Caller

RELEASED = frozenset(LicenceState) - {LicenceState.DRAFT}


@dataclass(frozen=True, slots=True)
class OwnLicence:
    """A licence as its holder sees it; ``data`` is None once that was erased. ``names``: what its fields are called, by key."""

    record: LicenceRecord
    data: LicenceData | None
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SeenUse:
    """A use as the holder sees it. ``is_own``: whether whoever asks did it himself."""

    record: UseRecord
    officer: Officer | None
    is_own: bool = False


def list_own_licences(desk: UseDesk, caller: Caller, *, before: str | None, limit: int) -> list[OwnLicence]:
    """Masked, newest first, from behind the id ``before``, also those that are not in force any more. LICENCE_HOLDER_UNKNOWN."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        # Of a line about nothing, which others see of the organisation alone
        mode = UseMode.ENTRUSTED if standing.represented else UseMode.OWN
        return Attempt(UseAction.QUERIED, caller, caller.client_id, OWN_LOOK, at, mode, subjects=standing.holders)

    def decide(conn: Connection, attempt: Attempt) -> list[OwnLicence]:
        found = store.list_licences_of_holders(conn, standing.holders, type_code=None, states=RELEASED, before=before, limit=limit)
        attempt.licences, attempt.subjects = found, () if found else standing.holders
        attempt.rights = {each.id: right_to_see(conn, standing, each, at) for each in found}
        return [masked_licence(desk, conn, each) for each in found]

    return decide_use(desk, begin, decide)


def show_own_licence(desk: UseDesk, caller: Caller, licence_id: str, *, is_masked: bool = False) -> OwnLicence:
    """One of them, whole, or ``is_masked`` as in the list. LICENCE_HOLDER_UNKNOWN, LICENCE_NOT_FOUND (also for one of somebody else), LICENCE_ERASED.

    Whom a holder entrusted may let others use a licence; seeing it whole is the holder's, and that of who has power over the organisation.
    """
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        return Attempt(UseAction.QUERIED if is_masked else UseAction.SHOWN, caller, caller.client_id, OWN_LOOK, at)

    def decide(conn: Connection, attempt: Attempt) -> OwnLicence:
        record = store.load_licence(conn, licence_id)
        if record is None or not record.is_released:
            raise licence_not_found(licence_id)
        attempt.licences = [record]
        attempt.mode = right_to_see(conn, standing, record, at)
        if attempt.mode is None:
            raise licence_not_found(licence_id)
        if is_masked:
            return masked_licence(desk, conn, record)
        version = store.load_type(conn, record.type_code, record.type_version)
        names = {} if version is None else _names(definition_of_version(version))
        return OwnLicence(record, open_data(desk.contents, conn, record), names)

    return decide_use(desk, begin, decide)


def list_own_uses(
    desk: UseDesk, caller: Caller, *, before: int | None, limit: int, has_own: bool, licence_id: str | None = None
) -> list[SeenUse]:
    """Every use of the person's licences, newest first, from behind the number ``before``; that he looked is in the audit trail.

    ``has_own``: with what he looked at himself, as what other holders and those who act for an organisation looked at stands there always;
    ``licence_id``: of one licence only, none where it is not his. LICENCE_HOLDER_UNKNOWN.
    """
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)
    looker = None if has_own else caller.human.removeprefix(PERSON_PREFIX)

    def read(conn: Connection) -> list[SeenUse]:
        found = store.list_uses_of_subjects(
            conn, standing.holders, before=before, limit=limit, without_looks_of=looker, licence_id=licence_id
        )
        return tell_uses(desk, conn, caller, found, subject=f"account:{standing.account}", at=at)

    return desk.context.database.write(read)


def tell_uses(desk: UseDesk, conn: Connection, caller: Caller, found: list[UseRecord], *, subject: str, at: datetime) -> list[SeenUse]:
    """Lines with their officers readable; that somebody looked is audited in the same transaction. ``subject``: what they are all of."""
    desk.context.audit.record(
        conn, at=at, actor=caller.actor, action="licence-use.read", subject=subject, outcome="done", facts={"lines": len(found)}
    )
    return [replace(seen_use(desk, each), is_own=human_in(each.actor) == caller.human) for each in found]


def seen_use(desk: UseDesk, record: UseRecord) -> SeenUse:
    """A line with its officer readable."""
    sealed = record.officer_sealed
    return SeenUse(record, None if sealed is None else read_officer(desk.contents.open_officer(sealed)))


def masked_licence(desk: UseDesk, conn: Connection, record: LicenceRecord) -> OwnLicence:
    """As in a list: of what it says no more than its type shows to everybody."""
    version = store.load_type(conn, record.type_code, record.type_version)
    if record.data_sealed is None or version is None:
        return OwnLicence(record, None, {})
    definition = definition_of_version(version)
    return OwnLicence(record, mask_data(open_data(desk.contents, conn, record), definition), _names(definition))


def _names(definition: TypeDefinition) -> dict[str, str]:
    return {each.key: each.name for each in definition.items}
