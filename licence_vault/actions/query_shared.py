"""What the share interface is told of licences: masked, unless a use code or an officer's duty allows more; each told licence has its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.actions.grant_by_duty import check_officer, is_in_force
from licence_vault.actions.own_trust import own_trust
from licence_vault.actions.redeem_use_code import check_use_code, use_up, who_granted
from licence_vault.actions.use_desk import demand_in_force, demand_system, open_data
from licence_vault.errors import licence_unmatched, no_licence_of_holder, sharing_denied
from licence_vault.faces.qr import read_qr
from licence_vault.limits import SHARE_LICENCES
from licence_vault.model import LicenceState
from licence_vault.type_rules.masked_view import mask_data
from licence_vault.uses import CODE_PREFIX, ShareRight, UseAction, UseMode
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import Standing, UseDesk
    from licence_vault.model import LicenceData
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import Officer
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class SharedLicence:
    """A licence as it is told. ``status``: its state as the collection interface calls it (certState), by the status rule of its type;
    ``is_whole``: nothing in ``data`` is masked.
    """

    record: LicenceRecord
    data: LicenceData
    status: str
    is_whole: bool


@dataclass(frozen=True, slots=True)
class ShareCall:
    """Who asks, why, and by what right besides his permission: a use code, or an officer's duty. Without either the answer is masked."""

    caller: Caller
    reason: str
    use_code: str | None = None
    officer: Officer | None = None


def query_by_identifier(desk: UseDesk, call: ShareCall, identifier: str) -> SharedLicence:
    """The licence of a number (GB/T 36904).

    Raises TrustError SHARE_NO_MATCH, LICENCE_SHARING_DENIED, LICENCE_NOT_IN_FORCE, LICENCE_ERASED, FIELD_UNACCEPTABLE, and what
    ``redeem_use_code`` raises.
    """
    begin = _begin(desk, call)
    standing = None if call.use_code is None else who_granted(desk, call.caller, call.use_code, begin().at)

    def decide(conn: Connection, attempt: Attempt) -> SharedLicence:
        record = store.load_licence_of_identifier(conn, identifier)
        if record is None or not record.is_released:
            raise licence_unmatched()
        attempt.licences = [record]
        return _tell(desk, conn, attempt, call, record, standing)

    return decide_use(desk, begin, decide)


def query_by_code(desk: UseDesk, call: ShareCall, code: str) -> SharedLicence:
    """The licence of a use code, whole; or of the code that is printed on a licence, masked. Errors as ``query_by_identifier``."""
    if code.startswith(CODE_PREFIX):
        begin = _begin(desk, call)
        standing = who_granted(desk, call.caller, code, begin().at)

        def use(conn: Connection, attempt: Attempt) -> SharedLicence:
            record, found = check_use_code(desk, conn, attempt, code, standing, right=ShareRight.QUERY)
            data = open_data(desk.contents, conn, record)
            use_up(conn, found, attempt.at)
            return SharedLicence(record, data, _status_of(conn, record), is_whole=True)

        return decide_use(desk, begin, use)
    try:
        claims = read_qr(code, own_trust(desk.context).status_issuers)
    except TrustError:
        raise licence_unmatched() from None  # a code that nobody here signed names no licence of ours
    return query_by_identifier(desk, call, claims.identifier)


def query_of_holder(desk: UseDesk, call: ShareCall, type_code: str, holder: tuple[str, str], number: str | None) -> list[SharedLicence]:
    """The licences in force of a holder (code type and code), newest first; ``number``: the one that is printed so.

    Raises TrustError LICENCE_OF_HOLDER_NOT_FOUND, LICENCE_SHARING_DENIED, FIELD_UNACCEPTABLE.
    """
    subject = desk.contents.find_holder(*holder)
    number_digest = None if number is None else desk.contents.find_number(number)

    def decide(conn: Connection, attempt: Attempt) -> list[SharedLicence]:
        # 1. Whether this system may, and how much it is told.
        attempt.type_code, attempt.subjects = type_code, (subject,)
        is_whole, definition = _by_what_right(conn, attempt, call, type_code)

        # 2. Which licences.
        found = store.list_licences_of_holders(
            conn,
            (subject,),
            type_code=type_code,
            states=(LicenceState.ISSUED,),
            before=None,
            limit=SHARE_LICENCES,
            number_digest=number_digest,
        )
        counting = [each for each in found if each.data_sealed is not None and is_in_force(each, definition, attempt.at)]
        if not counting:
            raise no_licence_of_holder(type_code)
        attempt.licences = counting
        return [_shared(desk, conn, each, definition, is_whole=is_whole) for each in counting]

    return decide_use(desk, _begin(desk, call), decide)


def _begin(desk: UseDesk, call: ShareCall) -> Callable[[], Attempt]:
    reason, at = check_purpose(call.reason), desk.context.clock.now()
    officer = None if call.officer is None else check_officer(call.officer)
    mode = None if officer is None else UseMode.BY_DUTY
    return lambda: Attempt(UseAction.QUERIED, call.caller, call.caller.client_id, reason, at, mode, officer)


def _by_what_right(conn: Connection, attempt: Attempt, call: ShareCall, type_code: str) -> tuple[bool, TypeDefinition]:
    """Whether the answer is whole; LICENCE_SHARING_DENIED where there is to be none, also to an officer without duty here."""
    demand_system(attempt.caller, type_code)
    modes, definition = modes_permitted(conn, attempt.client, type_code, frozenset({ShareRight.QUERY}))
    if call.officer is not None and UseMode.BY_DUTY not in modes:
        raise sharing_denied(type_code)
    return call.officer is not None, definition


def _tell(
    desk: UseDesk, conn: Connection, attempt: Attempt, call: ShareCall, record: LicenceRecord, standing: Standing | None
) -> SharedLicence:
    if call.use_code is not None:
        of_code, found = check_use_code(desk, conn, attempt, call.use_code, standing, right=ShareRight.QUERY)
        if of_code.id != record.id:  # a code for one licence opens no other
            raise licence_unmatched()
        data = open_data(desk.contents, conn, record)
        use_up(conn, found, attempt.at)
        return SharedLicence(record, data, _status_of(conn, record), is_whole=True)
    is_whole, definition = _by_what_right(conn, attempt, call, record.type_code)
    demand_in_force(record, definition, attempt.at)
    return _shared(desk, conn, record, definition, is_whole=is_whole)


def _shared(desk: UseDesk, conn: Connection, record: LicenceRecord, definition: TypeDefinition, *, is_whole: bool) -> SharedLicence:
    data = open_data(desk.contents, conn, record)
    return SharedLicence(record, data if is_whole else mask_data(data, definition), definition.codes_of(record.state).region, is_whole)


def _status_of(conn: Connection, record: LicenceRecord) -> str:
    version = store.recall_type(conn, record.type_code, record.type_version)
    if version is None:
        raise licence_unmatched()
    return definition_of_version(version).codes_of(record.state).region
