"""Keep a seal that was made elsewhere, once it is approved: verified anew, its key proved anew, then everything in one transaction.

Nothing is made and nothing is sealed; so there is nothing to be on record before. A seal whose key is within reach goes the way of a seal
that was made here: to the region's file, to its owner, into use. Any other is archived, with what could not be verified as the reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.sm3 import sm3
from seal_service import store
from seal_service.actions.apply_for_seal import seal_of_application
from seal_service.actions.change_seal_state import announce_state
from seal_service.actions.check_power import check_not_applicant, give_power
from seal_service.actions.make_seal import first_edition
from seal_service.actions.owners_key import check_holds_key
from seal_service.actions.read_import import chain_above, write_steps
from seal_service.actions.record_act import record_act
from seal_service.actions.record_making import FILING_TOPIC
from seal_service.errors import (
    application_changed,
    application_not_found,
    application_state_conflict,
    code_taken,
    import_key_refused,
    import_refused,
    seal_codes_exhausted,
    seal_making_cut_off,
)
from seal_service.limits import SERIAL_DIGITS, SERIALS_PER_DIVISION
from seal_service.model import (
    APPLICATION_LIFE,
    Application,
    ApplicationState,
    Grant,
    KeyCustody,
    Power,
    Seal,
    SealImport,
    SealState,
    new_grant_id,
    new_seal_id,
    transition_named,
)
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.import_checks import ImportFindings, end_of, examine_import
from seal_service.verify import status_lists_of
from service_kit.callers import person_of
from standards.gbt38540_seal.read import read_seal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

TAKE_OVER: Final = transition_named("take-over", APPLICATION_LIFE)
IMPORT: Final = transition_named("import")
ARCHIVE: Final = transition_named("archive")
_HERE: Final = frozenset({KeyCustody.KEYSTORE, KeyCustody.DEVICE})
KEY_ABSENT: Final = "KEY_ABSENT"
CODE_ASSIGNED: Final = "CODE_ASSIGNED"


def import_approved_seal(context: ServiceContext, caller: Caller, application_id: str, *, if_version: int | None = None) -> Seal:
    """Take the seal over; taken over before: that seal. The applicant is not who does it.

    Raises APPLICATION_NOT_FOUND, APPLICATION_CHANGED, APPLICATION_STATE_CONFLICT, SECOND_PERSON_NEEDED, SEAL_IMPORT_REFUSED,
    SEAL_IMPORT_KEY_REFUSED, SEAL_CODE_TAKEN, and what the key store raises.
    """
    owner = context.mark.hold()
    with context.database.read() as conn:
        application, taken_in = store.load_application(conn, application_id), store.load_import(conn, application_id)
        if application is None or taken_in is None:
            raise application_not_found(application_id)
        if application.state is not ApplicationState.CARRIED_OUT:
            _check(conn, application, caller, if_version)
    if application.state is ApplicationState.CARRIED_OUT:
        return _kept_before(context, application)

    # 1. Verified as of now: what was good when it was handed in may be so no more.
    at = context.clock.now()
    trust = context.trust()
    certificate_der, others = taken_in.certificates_der[0], [Certificate.from_der(each) for each in taken_in.certificates_der[1:]]
    findings = examine_import(read_seal(taken_in.seal_data_der), certificate_der, others, trust, at, status=status_lists_of(trust, at))
    if findings.failures:
        raise import_refused(" ".join(findings.failures))
    is_usable = taken_in.custody is not KeyCustody.ABSENT
    if is_usable and not findings.is_usable:
        raise import_key_refused(" ".join(findings.unverified) or "expired")

    # 2. The key here proves itself. That of an owner's device did with its request, and does with every signature.
    if taken_in.custody in _HERE:
        check_holds_key(context.keystore.signer(taken_in.key_id), Certificate.from_der(certificate_der).spki_der)
    wanted = _seal_of(application, taken_in, certificate_der, others, owner, at)

    # 3. One transaction: seal, edition, powers, grants, history, the end of the application. The locked division keeps its codes unique.
    def record(conn: Connection) -> Seal:
        locked = store.load_application(conn, application_id, is_locked=True)
        if locked is None:
            raise application_not_found(application_id)
        if locked.state is ApplicationState.CARRIED_OUT:
            return _load_kept(conn, locked)
        _check(conn, locked, caller, if_version)
        store.hold_division(conn, application.division)
        taken = (
            taken_in.code
            if taken_in.code and store.is_code_taken(conn, taken_in.code)
            else store.find_kept_code(conn, taken_in.seal_digest)
        )
        if taken is not None:
            raise code_taken(taken)
        if store.is_key_taken(conn, taken_in.key_id):
            raise import_key_refused("the key of another seal")
        kept_at = context.clock.now()
        code = taken_in.code or _next_code(conn, application.division)
        kept = replace(wanted, code=code, made_at=kept_at, state_at=kept_at, state_reason=_mark(taken_in, findings))
        _insert(context, conn, kept, locked, kept_at)
        store.update_findings(conn, application_id, verdict=findings.verdict.value, steps_json=write_steps(findings.steps), at=at)
        store.update_application(conn, application_id, state=ApplicationState(TAKE_OVER.target), at=kept_at, seal_id=kept.id)
        record_act(
            context,
            conn,
            person_of(caller),
            act=(IMPORT if is_usable else ARCHIVE).name,
            from_state="",
            to_state=kept.state.value,
            at=kept_at,
            seal_id=kept.id,
            application_id=application_id,
            second_to=locked.applied_by,
            facts={
                "code": kept.code,
                "custody": taken_in.custody.value,
                "verdict": findings.verdict.value,
                "unverified": " ".join(findings.unverified),
                "certificate": sm3(certificate_der).hex(),
            },
        )
        announce_state(context, conn, kept, kept_at)
        if is_usable:
            context.outbox.put(conn, topic=FILING_TOPIC, payload={"seal_id": kept.id, "version": kept.version}, at=kept_at)
        return kept

    return context.database.write(record)


def _check(conn: Connection, application: Application, caller: Caller, if_version: int | None) -> None:
    if if_version is not None and application.version != if_version:
        raise application_changed(application.id, if_version, application.version)
    if application.state not in TAKE_OVER.sources:
        raise application_state_conflict(application.id, "make", application.state)
    check_not_applicant(conn, caller, application, "make")


def _mark(taken_in: SealImport, findings: ImportFindings) -> str | None:
    """Why a seal is only archived: no key, a number of ours in place of its own, and what could not be verified."""
    if taken_in.custody is not KeyCustody.ABSENT:
        return None
    return " ".join((KEY_ABSENT, *([] if taken_in.code else [CODE_ASSIGNED]), *findings.unverified))


def _next_code(conn: Connection, division: str) -> str:
    """A number of ours for a seal whose own is none of 14 digits."""
    serial = store.take_next_serial(conn, division)
    if serial > SERIALS_PER_DIVISION:
        raise seal_codes_exhausted(division)
    return f"{division}{serial:0{SERIAL_DIGITS}d}"


def _seal_of(
    application: Application, taken_in: SealImport, certificate_der: bytes, others: list[Certificate], owner: str, at: datetime
) -> Seal:
    key = open_certificate(certificate_der)
    return replace(
        seal_of_application(application, seal_id=new_seal_id(), code=taken_in.code, made_by=owner, at=at),
        state=SealState((ARCHIVE if taken_in.custody is KeyCustody.ABSENT else IMPORT).target),
        key_id=taken_in.key_id,
        is_key_here=taken_in.custody in _HERE,
        certificate_der=certificate_der,
        chain_der=() if key.certificate is None else tuple(each.der for each in chain_above(key.certificate, others)),
        seal_data_der=taken_in.seal_data_der,
        edition=1,
        valid_until=end_of(read_seal(taken_in.seal_data_der), key),
    )


def _insert(context: ServiceContext, conn: Connection, kept: Seal, application: Application, at: datetime) -> None:
    store.insert_seal(conn, kept)
    store.insert_edition(conn, replace(first_edition(kept, at), application_id=application.id))
    given_by = application.reviewed_by or ""
    for power, holders in ((Power.MANAGE, application.managers), (Power.USE, application.users), (Power.AUDIT, application.auditors)):
        for holder in holders:
            give_power(context, conn, kept, holder, power, given_by=given_by, at=at)
            if power is Power.USE:
                store.insert_grant(conn, Grant(new_grant_id(), kept.id, holder, granted_by=given_by, granted_at=at))


def _kept_before(context: ServiceContext, application: Application) -> Seal:
    with context.database.read() as conn:
        return _load_kept(conn, application)


def _load_kept(conn: Connection, application: Application) -> Seal:
    kept = store.load_seal(conn, str(application.seal_id))
    if kept is None:
        raise seal_making_cut_off(application.id)
    return kept
