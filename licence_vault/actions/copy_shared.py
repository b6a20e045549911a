"""What the share interface is given of licences as files: annotated copies, by a use code or by an officer's duty, never without either."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import Attempt, check_purpose
from licence_vault.actions.download_copy import OfferedDownload, offer_download
from licence_vault.actions.finish_copy import CopyUse, MadeCopy
from licence_vault.actions.grant_by_duty import check_officer, is_in_force
from licence_vault.actions.make_copy import CopyOrder, RefusedUse, make_copy
from licence_vault.actions.record_use import record_use
from licence_vault.actions.redeem_use_code import check_use_code, digest_of_code, use_up, who_granted
from licence_vault.actions.use_desk import demand_in_force, demand_system
from licence_vault.copies import FORMS
from licence_vault.errors import licence_erased, licence_unmatched, no_licence_of_holder, share_malformed, sharing_denied
from licence_vault.limits import COPY_PICTURE_DPI, SHARE_COPIES
from licence_vault.model import LicenceState
from licence_vault.uses import ShareRight, UseAction, UseMode
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.query_shared import ShareCall
    from licence_vault.actions.use_desk import Standing, UseDesk
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import UseCode

_RIGHT = frozenset({ShareRight.DOWNLOAD})


@dataclass(frozen=True, slots=True)
class WantedCopy:
    """How the copy is to be. ``made_by``: for whom; ``until``: aware UTC, None for as long as is usual."""

    form: str
    made_by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CopyPicture:
    """A copy as somebody sees it. ``png``: its first page; a licence has no other. It carries no seal: only the copy can be verified."""

    copy: SharedCopy
    png: bytes


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """A copy and which licence it is of. ``address``: where it is fetched once, None where the file itself is given."""

    identifier: str
    made: MadeCopy
    address: OfferedDownload | None = None


def copy_shared(means: IssuingMeans, desk: UseDesk, call: ShareCall, identifier: str, wanted: WantedCopy) -> SharedCopy:
    """A copy of the licence of a number (GB/T 36904). The same call with the same use code gives the same copy, while the code's time lasts.

    Raises TrustError SHARE_NO_MATCH, LICENCE_SHARING_DENIED (also where there is neither code nor duty), LICENCE_NOT_IN_FORCE, LICENCE_ERASED, what
    ``redeem_use_code`` raises, and as ``make_copy``.
    """
    reason = _check_call(call)
    with desk.context.database.read() as conn:
        record = store.load_licence_of_identifier(conn, identifier)
    if record is None or not record.is_released:
        _record_refusal(desk, call, reason, licence_unmatched())
        raise licence_unmatched()
    return SharedCopy(identifier, _copy(means, desk, call, record, reason, wanted))


def picture_shared(means: IssuingMeans, desk: UseDesk, call: ShareCall, identifier: str, wanted: WantedCopy) -> CopyPicture:
    """A picture of such a copy, which is made, logged, sealed and on record as any other: its band says for whom, why and until when.

    Raises TrustError SHARE_REQUEST_MALFORMED where nobody draws pages, and as ``copy_shared``.
    """
    if means.pictures is None:
        raise share_malformed("fileType", " or ".join(FORMS))
    copy = copy_shared(means, desk, call, identifier, replace(wanted, form="pdf"))
    return CopyPicture(copy, means.pictures(copy.made.content, dpi=COPY_PICTURE_DPI))


def offer_shared(means: IssuingMeans, desk: UseDesk, call: ShareCall, identifier: str, wanted: WantedCopy) -> SharedCopy:
    """The same, to be fetched by the calling system, once, within ten minutes."""
    return _offered(means, call, copy_shared(means, desk, call, identifier, wanted))


def offer_shared_of_holder(
    means: IssuingMeans, desk: UseDesk, call: ShareCall, type_code: str, holder: tuple[str, str], number: str | None, wanted: WantedCopy
) -> list[SharedCopy]:
    """Copies of the newest licences in force of a holder (code type and code), SHARE_COPIES at most: by duty alone, a use code is for one licence.

    Raises TrustError LICENCE_OF_HOLDER_NOT_FOUND, LICENCE_SHARING_DENIED, and as ``make_copy``.
    """
    # 1. Whether this system may at all, and which licences. What is refused here is found by whom it was about.
    reason = _check_call(call)
    subject = desk.contents.find_holder(*holder)
    number_digest = None if number is None else desk.contents.find_number(number)
    at = desk.context.clock.now()
    try:
        with desk.context.database.read() as conn:
            definition = _demand_duty(conn, call, type_code)
            found = store.list_licences_of_holders(
                conn,
                (subject,),
                type_code=type_code,
                states=(LicenceState.ISSUED,),
                before=None,
                limit=SHARE_COPIES * 4,
                number_digest=number_digest,
            )
        counting = [each for each in found if each.data_sealed is not None and is_in_force(each, definition, at)][:SHARE_COPIES]
        if not counting:
            raise no_licence_of_holder(type_code)
    except TrustError as refusal:
        if refusal.kind is not Kind.UNAVAILABLE:
            _record_refusal(desk, call, reason, refusal, type_code=type_code, subjects=(subject,))
        raise

    # 2. A copy of each, decided and on record for each.
    return [_offered(means, call, SharedCopy(each.identifier, _copy(means, desk, call, each, reason, wanted))) for each in counting]


def _check_call(call: ShareCall) -> str:
    """The reason, in order; the officer too, before anything of the call is on record. FIELD_UNACCEPTABLE."""
    if call.officer is not None:
        check_officer(call.officer)
    return check_purpose(call.reason)


def _copy(means: IssuingMeans, desk: UseDesk, call: ShareCall, record: LicenceRecord, reason: str, wanted: WantedCopy) -> MadeCopy:
    caller = call.caller
    officer = call.officer
    mode = None if officer is None else UseMode.BY_DUTY
    at = desk.context.clock.now()
    standing = None if call.use_code is None else who_granted(desk, caller, call.use_code, at, is_used_too=True)

    def decide(conn: Connection, licence: LicenceRecord, *, is_again: bool) -> CopyUse | RefusedUse:
        attempt = Attempt(UseAction.COPIED, caller, caller.client_id, reason, desk.context.clock.now(), mode, officer)
        try:
            code = _allow(desk, conn, attempt, call, licence, standing, is_again=is_again)
        except TrustError as refusal:
            if refusal.kind is Kind.UNAVAILABLE:
                raise
            return RefusedUse(refusal, _use(attempt), attempt.outcome or refusal.code, next(iter(attempt.licences), None))
        use = _use(attempt)
        if code is None:
            return use
        return replace(use, entrustment_id=code.entrustment_id, power_client=code.power_client, power_grant=code.power_grant)

    order = CopyOrder(record.id, wanted.form, wanted.made_by, reason, wanted.until)
    use, first = CopyUse(caller.client_id, caller.actor, mode, officer), partial(decide, is_again=False)
    if call.use_code is None:
        return make_copy(means, order, use, decide=first)
    key = digest_of_code(call.use_code).hex()  # used up before the copy is there: the same call comes to the one that was begun
    return make_copy(means, order, use, idempotency_key=key, decide=first, again=partial(decide, is_again=True))


def _allow(
    desk: UseDesk, conn: Connection, attempt: Attempt, call: ShareCall, licence: LicenceRecord, standing: Standing | None, *, is_again: bool
) -> UseCode | None:
    """By which code it is given, None where by duty; raises what it is refused with."""
    if call.use_code is None:
        demand_in_force(licence, _demand_duty(conn, call, licence.type_code), attempt.at)
        return None
    of_code, code = check_use_code(desk, conn, attempt, call.use_code, standing, right=ShareRight.DOWNLOAD, is_again=is_again)
    if of_code.id != licence.id:  # a code for one licence opens no other
        raise licence_unmatched()
    if licence.data_sealed is None:
        raise licence_erased(licence.id)
    if not is_again:
        use_up(conn, code, attempt.at)
    return code


def _demand_duty(conn: Connection, call: ShareCall, type_code: str) -> TypeDefinition:
    """What is given by duty: a named officer, and the permission for it."""
    demand_system(call.caller, type_code)
    modes, definition = modes_permitted(conn, call.caller.client_id, type_code, _RIGHT)
    if call.officer is None:
        raise sharing_denied(type_code, "useCode or operator")
    if UseMode.BY_DUTY not in modes:
        raise sharing_denied(type_code)
    return definition


def _use(attempt: Attempt) -> CopyUse:
    return CopyUse(attempt.client, attempt.caller.actor, attempt.mode, attempt.officer)


def _offered(means: IssuingMeans, call: ShareCall, copy: SharedCopy) -> SharedCopy:
    client, actor = call.caller.client_id, call.caller.actor
    address = means.context.database.write(lambda conn: offer_download(means, conn, copy.made.record, client=client, actor=actor))
    return SharedCopy(copy.identifier, copy.made, address)


def _record_refusal(
    desk: UseDesk, call: ShareCall, reason: str, refusal: TrustError, *, type_code: str | None = None, subjects: Collection[bytes] = ()
) -> None:
    """Of what led to no licence: the line of the access log, found by whom it was about."""

    def record(conn: Connection) -> int:
        return record_use(
            desk.context,
            desk.contents,
            conn,
            licence=None,
            action=UseAction.REFUSED,
            mode=None if call.officer is None else UseMode.BY_DUTY,
            client=call.caller.client_id,
            actor=call.caller.actor,
            officer=call.officer,
            reason=reason,
            outcome=refusal.code,
            at=desk.context.clock.now(),
            type_code=type_code,
            subjects=subjects,
        )

    desk.context.database.write(record)
