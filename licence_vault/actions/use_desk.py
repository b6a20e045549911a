"""What using licences needs: the vault, its keys, and who can say who is behind a token. And who that is to the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.errors import holder_unknown, licence_erased, licence_not_in_force, sharing_denied
from licence_vault.limits import HOLDER_LEVEL_LEAST
from licence_vault.model import STATUS_CODES, LicenceState, read_salted_licence
from licence_vault.share_codes import OK
from licence_vault.uses import UseMode
from licence_vault.validity import check_days
from service_kit.callers import Caller

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.model import LicenceData
    from licence_vault.ports import HolderDirectory
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import Entrustment
    from service_kit.composition import ServiceContext

POWER: Final = "licence"
"""The power over an organisation's licences, as agents are granted it; who may everything has it too."""


@dataclass(frozen=True, slots=True)
class UseDesk:
    """All of it. ``directory``: None where nothing knows who is behind a token; everything of holders is refused then."""

    context: ServiceContext
    contents: ContentVault
    directory: HolderDirectory | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A signed-in person as the tables know him: keyed hashes of the codes he proved (``own``), of those of organisations whose licences are in
    his power (``represented``), and of those for which he may everything (``headed``, part of them).
    """

    account: str
    own: frozenset[bytes]
    represented: frozenset[bytes]
    headed: frozenset[bytes]

    @property
    def holders(self) -> frozenset[bytes]:
        """Whose licences are his to use."""
        return self.own | self.represented


def who_is_behind(desk: UseDesk, caller: Caller, at: datetime) -> Standing:
    """The person, with what is proven well enough. LICENCE_HOLDER_UNKNOWN where nothing is. Never within a transaction."""
    standing = _standing_of(desk, caller, at)
    if standing is None:
        raise holder_unknown(HOLDER_LEVEL_LEAST)
    return standing


def who_came(desk: UseDesk, client_id: str, grant_id: str, at: datetime) -> Standing | None:
    """The same of somebody who called before, by which client and on what grant; None where nothing is proven any more. Never within a transaction."""
    return _standing_of(desk, Caller(client_id, "", frozenset(), grant_id=grant_id), at)


def _standing_of(desk: UseDesk, caller: Caller, at: datetime) -> Standing | None:
    person = None if desk.directory is None else desk.directory.find(caller, at)
    if person is None:
        return None
    find, least = desk.contents.find_holder, HOLDER_LEVEL_LEAST
    own = frozenset(find(each.code_type, each.code) for each in person.own if each.level >= least)
    acted = [each for each in person.acts_for if each.holder.level >= least and (each.powers is None or POWER in each.powers)]
    represented = frozenset(find(each.holder.code_type, each.holder.code) for each in acted)
    headed = frozenset(find(each.holder.code_type, each.holder.code) for each in acted if each.powers is None)
    return Standing(person.account, own, represented, headed) if own | represented else None


def right_to(conn: Connection, standing: Standing, record: LicenceRecord, at: datetime) -> tuple[UseMode, Entrustment | None] | None:
    """By what right a person may let others use a licence, None where by none: OWN where he is one of its holders; ENTRUSTED where an
    organisation in his power is, or one of its holders entrusted him (by which entrustment).
    """
    held_by = set(store.list_holder_digests(conn, record.id))
    if held_by & standing.own:
        return UseMode.OWN, None
    if held_by & standing.represented:
        return UseMode.ENTRUSTED, None
    given = store.list_entrustments_between(conn, standing.own, held_by, record.type_code) if held_by and standing.own else []
    entrustment = next((each for each in given if each.is_valid_at(at)), None)
    return None if entrustment is None else (UseMode.ENTRUSTED, entrustment)


def right_to_see(conn: Connection, standing: Standing, record: LicenceRecord, at: datetime) -> UseMode | None:
    """By what right a person sees a licence whole, None where by none: as ``right_to``, but whom a holder entrusted may only let others use it."""
    right = right_to(conn, standing, record, at)
    return None if right is None or right[1] is not None else right[0]


def is_still_entrusted(conn: Connection, entrustment_id: str | None, at: datetime) -> bool:
    """Whether what was granted on an entrustment (None: on none) still stands."""
    entrustment = None if entrustment_id is None else store.load_entrustment(conn, entrustment_id)
    return entrustment_id is None or (entrustment is not None and entrustment.is_valid_at(at))


def is_still_empowered(conn: Connection, standing: Standing | None, record: LicenceRecord, at: datetime) -> bool:
    """Whether what was granted by the power over an organisation's licences still stands. ``standing``: who granted it, as ``who_came`` has him now."""
    return standing is not None and right_to(conn, standing, record, at) == (UseMode.ENTRUSTED, None)


def demand_system(caller: Caller, type_code: str) -> None:
    """LICENCE_SHARING_DENIED where a person stands behind a call that a system has to make itself: what it may is not what he may through it."""
    if caller.subject != caller.client_id:
        raise sharing_denied(type_code)


def demand_in_force(record: LicenceRecord, definition: TypeDefinition | None, at: datetime) -> None:
    """LICENCE_NOT_IN_FORCE unless it is issued, and its days say so; with the return code of its type's status rule, where one is known."""
    if record.state is not LicenceState.ISSUED:
        raise licence_not_in_force(record.state, _return_code(definition, record.state))
    days = check_days(record.valid_from, record.valid_to, at)
    if days.code == "LICENCE_EXPIRED":  # before the job that notes it has come by
        raise licence_not_in_force(LicenceState.EXPIRED, _return_code(definition, LicenceState.EXPIRED))
    if days.code != "LICENCE_IN_FORCE":
        raise licence_not_in_force("not_yet", _return_code(definition, LicenceState.DRAFT))


def _return_code(definition: TypeDefinition | None, state: LicenceState) -> int:
    """By the type's status rule; never that of a licence in force, which versions from before may have for any state."""
    stated = OK if definition is None else definition.codes_of(state).share
    return STATUS_CODES[state].share if stated == OK else stated


def open_data(contents: ContentVault, conn: Connection, record: LicenceRecord) -> LicenceData:
    """What a licence says. LICENCE_ERASED. Whoever shows it records it in the same transaction."""
    key_sealed = store.load_key(conn, record.id)
    if key_sealed is None or record.data_sealed is None:
        raise licence_erased(record.id)
    return read_salted_licence(contents.open_key(record.id, key_sealed).open_data(record.data_sealed)).data
