"""Make what was approved: a new seal, or the next edition of one that is changed or renewed. Two transactions around the making.

A renewed certificate means a seal that is made again (GB/T 38540): same code, new key, new certificate, new SESeal. From the first
transaction on the edition before is used no more.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.certificate_requests import create_request
from seal_service import store
from seal_service.actions.apply_for_seal import changed_seal, seal_of_application
from seal_service.actions.certify_seal import certify_seal, revoke_unused
from seal_service.actions.change_seal_state import record_step
from seal_service.actions.check_power import check_not_applicant, give_power
from seal_service.actions.import_approved_seal import import_approved_seal
from seal_service.actions.owners_key import OUTSIDE, make_key, read_owners_key
from seal_service.actions.record_act import record_act
from seal_service.actions.record_making import Making, finish_making, give_up_making
from seal_service.errors import (
    application_changed,
    application_not_found,
    application_state_conflict,
    field_unacceptable,
    making_under_way,
    seal_codes_exhausted,
    seal_making_cut_off,
    seal_not_found,
    seal_state_conflict,
)
from seal_service.limits import SERIAL_DIGITS, SERIALS_PER_DIVISION
from seal_service.model import (
    APPLICATION_LIFE,
    Application,
    ApplicationKind,
    ApplicationState,
    Edition,
    EditionState,
    Grant,
    Power,
    Seal,
    SealState,
    new_grant_id,
    new_seal_id,
    transition_named,
)
from service_kit import fail_points
from service_kit.callers import person_of
from standards.errors import TrustError
from standards.rfc5280_names import write_name

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.certificates import Certificate
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

BEGIN: Final = transition_named("begin", APPLICATION_LIFE)
CHANGE: Final = transition_named("change")
REQUEST: Final = transition_named("request-certificate")


@dataclass(frozen=True, slots=True)
class _Begun:
    """What tx 1 left: the making under way, or the seal that was made for the same application before."""

    making: Making | None
    made: Seal | None = None


def make_approved_seal(
    context: ServiceContext,
    caller: Caller,
    application_id: str,
    *,
    key_request_der: bytes = b"",
    data_version: int | None = None,
    if_version: int | None = None,
) -> Seal:
    """Make the seal of an approved application; made before: that seal. The applicant is not the maker.

    Where the certificate comes from an outside authority the seal waits for it, see ``install_certificate``. ``key_request_der``: a request
    (PKCS #10) of the owner's device, whose key this edition gets; empty: a new key of ours. ``data_version`` of the SESeal: 4, 5, or None as
    the deployment's setting has it. A seal that was made elsewhere is taken over
    (``import_approved_seal``).

    Raises SEAL_KEY_REQUEST_REFUSED, APPLICATION_NOT_FOUND, APPLICATION_CHANGED, APPLICATION_STATE_CONFLICT, SECOND_PERSON_NEEDED,
    SEAL_STATE_CONFLICT, SEAL_MAKING_UNDER_WAY, SEAL_CODES_EXHAUSTED, SEAL_MAKING_CUT_OFF and what the issuer raises.
    """
    if _is_import(context, application_id):
        if key_request_der or data_version is not None:
            raise field_unacceptable("certificate_request, data_version", "not for a seal that was made elsewhere")
        return import_approved_seal(context, caller, application_id, if_version=if_version)
    owner = context.mark.hold()
    owners_spki_der = read_owners_key(key_request_der) if key_request_der else None
    is_key_here = owners_spki_der is None

    # 1. tx 1: the making is on record. The application is locked, so two makers never make it twice.
    def begin(conn: Connection) -> _Begun:
        application = store.load_application(conn, application_id, is_locked=True)
        if application is None:
            raise application_not_found(application_id)
        if application.state is ApplicationState.CARRIED_OUT and application.kind is not ApplicationKind.CANCEL:
            return _Begun(None, store.load_seal(conn, str(application.seal_id)))
        if if_version is not None and application.version != if_version:
            raise application_changed(application_id, if_version, application.version)
        if application.state is ApplicationState.BEING_CARRIED_OUT:
            raise making_under_way(str(application.seal_id))
        if application.state not in BEGIN.sources:
            raise application_state_conflict(application_id, "make", application.state)
        check_not_applicant(conn, caller, application, "make")
        at = context.clock.now()
        if application.kind is ApplicationKind.NEW:
            making = _begin_new(context, conn, caller, application, owner, at, is_key_here=is_key_here)
        else:
            making = _begin_again(context, conn, caller, application, owner, at, is_key_here=is_key_here)
        store.update_application(conn, application_id, state=ApplicationState(BEGIN.target), at=at, seal_id=making.wanted.id)
        return _Begun(making)

    begun = context.database.write(begin)
    if begun.making is None:
        if begun.made is None:
            raise seal_making_cut_off(application_id)
        return begun.made
    making = begun.making
    fail_points.reach("make-approved.intended")

    with ExitStack() as on_failure:
        on_failure.callback(_give_up, context, caller, making)

        # 2. The key, a new one for every edition, or the owner's.
        spki_der, signer = make_key(context, making.edition.key_id, owners_spki_der)
        fail_points.reach("make-approved.key-made")

        # 3. An outside authority is asked: the request is on record, and the seal waits.
        if making.wanted.is_certificate_outside:
            subject = (("C", "CN"), ("O", making.wanted.credit_code + making.wanted.organisation), ("CN", making.wanted.code))
            request_der = key_request_der if signer is None else create_request(signer, write_name(subject))
            waiting = context.database.write(lambda conn: _wait(context, conn, caller, making, request_der))
            on_failure.pop_all()
            return waiting

        # 4. Certificate and SESeal, with no transaction open.
        certified = certify_seal(context, making.wanted, spki_der, actor=caller.actor, data_version=data_version)
        on_failure.pop_all()
        on_failure.callback(_give_up, context, caller, making, certified.certificate)
        fail_points.reach("make-approved.built")

        # 5. tx 2: the seal is made; the region is told by the outbox.
        made = context.database.write(lambda conn: finish_making(context, conn, person_of(caller), making, certified))
        on_failure.pop_all()
    fail_points.reach("make-approved.recorded")
    return made


def _is_import(context: ServiceContext, application_id: str) -> bool:
    with context.database.read() as conn:
        application = store.load_application(conn, application_id)
    return application is not None and application.kind is ApplicationKind.IMPORT


def _begin_new(
    context: ServiceContext, conn: Connection, caller: Caller, application: Application, owner: str, at: datetime, *, is_key_here: bool
) -> Making:
    serial = store.take_next_serial(conn, application.division)
    if serial > SERIALS_PER_DIVISION:
        raise seal_codes_exhausted(application.division)
    code = f"{application.division}{serial:0{SERIAL_DIGITS}d}"
    seal = seal_of_application(application, seal_id=new_seal_id(), code=code, made_by=owner, at=at)
    if not is_key_here:
        seal = replace(seal, key_id=OUTSIDE + seal.id[3:], is_key_here=False)
    store.insert_seal(conn, seal)
    for power, holders in ((Power.MANAGE, application.managers), (Power.USE, application.users), (Power.AUDIT, application.auditors)):
        for holder in holders:
            give_power(context, conn, seal, holder, power, given_by=application.reviewed_by or "", at=at)
            if power is Power.USE:
                store.insert_grant(conn, Grant(new_grant_id(), seal.id, holder, granted_by=application.reviewed_by or "", granted_at=at))
    edition = _insert_edition(conn, seal, 1, owner, at)
    record_act(
        context,
        conn,
        person_of(caller),
        act="make",
        from_state="",
        to_state=seal.state.value,
        at=at,
        seal_id=seal.id,
        application_id=application.id,
        outcome="intended",
        facts={"code": code, "credit_code": seal.credit_code, "key_id": seal.key_id},
    )
    return Making(seal, seal, edition, application)


def _begin_again(
    context: ServiceContext, conn: Connection, caller: Caller, application: Application, owner: str, at: datetime, *, is_key_here: bool
) -> Making:
    seal = store.load_seal(conn, str(application.seal_id), is_locked=True)
    if seal is None:
        raise seal_not_found(str(application.seal_id))
    if seal.state not in CHANGE.sources:
        raise seal_state_conflict(seal.id, application.kind.value, seal.state)
    number = store.next_edition(conn, seal.id)
    if seal.state is not SealState.CHANGED:
        seal = record_step(context, conn, person_of(caller), seal, CHANGE, reason=application.reason, at=at, application_id=application.id)
    wanted = replace(
        changed_seal(seal, application),
        edition=number,
        key_id=f"{'seal-' if is_key_here else OUTSIDE}{seal.id[3:]}-{number}",
        is_key_here=is_key_here,
        application_id=application.id,
        is_certificate_outside=application.is_certificate_outside,
    )
    return Making(seal, wanted, _insert_edition(conn, wanted, number, owner, at), application)


def _insert_edition(conn: Connection, seal: Seal, number: int, owner: str, at: datetime) -> Edition:
    edition = Edition(
        seal_id=seal.id,
        edition=number,
        state=EditionState.MAKING,
        key_id=seal.key_id,
        owner=owner,
        begun_at=at,
        name=seal.name,
        organisation=seal.organisation,
        purpose=seal.purpose,
        application_id=seal.application_id,
    )
    store.insert_edition(conn, edition)
    return edition


def _wait(context: ServiceContext, conn: Connection, caller: Caller, making: Making, request_der: bytes) -> Seal:
    seal = store.load_seal(conn, making.wanted.id, is_locked=True)
    if seal is None or not store.update_edition_request(conn, seal.id, making.edition.edition, request_der):
        raise seal_making_cut_off(making.wanted.id)
    if seal.state not in REQUEST.sources:  # a seal that is changed stays so while it waits
        return seal
    return record_step(
        context, conn, person_of(caller), seal, REQUEST, reason="", at=context.clock.now(), application_id=making.application.id
    )


def _give_up(context: ServiceContext, caller: Caller, making: Making, certificate: Certificate | None = None) -> None:
    """Give the making up. Where even that cannot be written, the sweeper will.

    ``certificate``: of this making; it is revoked once the edition is found abandoned, and not where the making was recorded after all.
    """

    def give_up(conn: Connection) -> bool:
        give_up_making(context, conn, person_of(caller), making.wanted.id, making.edition.edition, reason="failed")
        edition = store.load_edition(conn, making.wanted.id, making.edition.edition)
        return edition is not None and edition.state is EditionState.ABANDONED

    with suppress(TrustError):
        if context.database.write(give_up) and certificate is not None:
            revoke_unused(context, certificate, actor=caller.actor)
