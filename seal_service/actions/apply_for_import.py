"""Apply for a seal that was made elsewhere to be kept here. It is verified as far as it can be; somebody else reviews it first.

Three steps around the key: what was handed in is on record with the name its key will have, the key is kept, the application is on record.
Where this process ends in between, the sweeper removes the key and the record.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from crypto.signer import software_signer
from crypto.sm3 import sm3
from seal_service import limits, store
from seal_service.actions.change_seal_state import remove_key
from seal_service.actions.check_power import check_wanted
from seal_service.actions.grant_seal import check_client_id
from seal_service.actions.keep_powers_apart import powers_in
from seal_service.actions.owners_key import OUTSIDE, check_holds_key, read_owners_key
from seal_service.actions.read_import import HandedIn, ImportOrder, read_import, verify_import, write_steps
from seal_service.actions.record_act import check_reason, load_papers, record_act
from seal_service.errors import (
    application_not_found,
    code_taken,
    field_unacceptable,
    import_cut_off,
    import_key_refused,
    import_open,
    power_held,
)
from seal_service.model import (
    Application,
    ApplicationKind,
    ApplicationState,
    KeyCustody,
    Paper,
    Power,
    SealImport,
    new_application_id,
    new_paper_id,
)
from service_kit import fail_points
from service_kit.idempotency import Claim, ClaimState, digest_of_request
from standards.errors import TrustError
from standards.gb32100_credit_code import read_credit_code

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.seal_data.import_checks import ImportFindings
    from service_kit.callers import Person
    from service_kit.composition import ServiceContext

ROUTE: Final = "POST /v1/seal-imports"
SEAL_PAPER: Final = "seal.esl"
KEY_PREFIX: Final = "import-"


def apply_for_import(
    context: ServiceContext, person: Person, order: ImportOrder, *, idempotency_key: str | None = None
) -> tuple[Application, SealImport]:
    """Record the application and what was found out about the seal.

    Raises SES_MALFORMED, FILE_TOO_LARGE, SEAL_IMPORT_UNACCEPTABLE, SEAL_IMPORT_REFUSED, SEAL_IMPORT_KEY_REFUSED, SEAL_KEY_REQUEST_REFUSED,
    SEAL_IMPORT_OPEN, SEAL_CODE_TAKEN, SEAL_POWER_HELD, ROLE_HOLDER_UNKNOWN, ROLE_FORBIDS, CREDIT_CODE_*, FIELD_UNACCEPTABLE,
    PAPER_UNKNOWN, IDEMPOTENCY_*.
    """
    # 1. What can be checked without anything else.
    owner = context.mark.hold()
    order = replace(order, reason=check_reason(order.reason, is_required=True))
    _check_holders(order)
    handed_in = read_import(order)

    # 2. The seal and its certificate, as far as they can be verified; and the proof that the key is where it is said to be.
    at = context.clock.now()
    findings = verify_import(handed_in, order.custody, context.trust(), at)
    application = _application_of(handed_in, order, person.holder, at)
    taken_in = _import_of(handed_in, order, application.id, findings, owner, at)
    _check_key(context, handed_in, order)
    request_digest = digest_of_request(
        order.seal_der, order.certificates, order.key_file, order.key_request_der, json.dumps(_wishes(order), sort_keys=True).encode()
    )

    # 3. What this very request left behind where its process died would stand in the way of it.
    if idempotency_key is not None:
        _end_left_behind(context, person, idempotency_key, request_digest)

    # 4. tx 1: what was handed in is on record, and with it the name of the key.
    def begin(conn: Connection) -> tuple[Claim | None, SealImport]:
        begun_at = context.clock.now()
        claim = None
        if idempotency_key is not None:
            claim = context.idempotency.claim(
                conn,
                caller=person.claimant,
                route=ROUTE,
                key=idempotency_key,
                request_digest=request_digest,
                reference=application.id,
                at=begun_at,
            )
            if claim.state is ClaimState.DONE:
                return claim, taken_in
            context.idempotency.set_reference(conn, claim, application.id)
        store.hold_division(conn, application.division)
        taken = (
            taken_in.code
            if taken_in.code and store.is_code_taken(conn, taken_in.code)
            else store.find_kept_code(conn, taken_in.seal_digest)
        )
        if taken is not None:
            raise code_taken(taken)
        if store.has_open_import(conn, taken_in.code, taken_in.seal_digest):
            raise import_open(handed_in.seal.es_id)
        if order.device_key and store.is_key_taken(conn, order.device_key):
            raise import_key_refused("the key of another seal")
        check_wanted(context, conn, order, at)
        load_papers(conn, order.papers, person.holder)
        begun = replace(taken_in, begun_at=begun_at, claim_digest=None if claim is None else claim.key_digest)
        store.insert_import(conn, begun)
        return claim, begun

    claim, begun = context.database.write(begin)
    if claim is not None and claim.state is ClaimState.DONE:
        return _given_before(context, str(claim.reference))

    with ExitStack() as on_failure:
        on_failure.callback(give_up_import, context, begun)
        fail_points.reach("import-seal.intended")

        # 5. The key, sealed under the master key; the seal itself and its picture as papers for the reviewer.
        if handed_in.private_key is not None:
            context.keystore.import_key(begun.key_id, handed_in.private_key)
        digest = context.blobs.put(order.seal_der)
        fail_points.reach("import-seal.key-kept")

        # 6. tx 2: the application, its papers and its first line of history stand together.
        def record(conn: Connection) -> Application:
            recorded_at = context.clock.now()
            standing = store.load_import(conn, application.id, is_locked=True)
            if standing is None or standing.is_given_up:
                raise import_cut_off(application.id)
            paper = Paper(new_paper_id(), SEAL_PAPER, digest, len(order.seal_der), person.holder, recorded_at)
            store.insert_paper(conn, paper)
            made = replace(application, applied_at=recorded_at, state_at=recorded_at, papers=(*order.papers, paper.id))
            store.insert_application(conn, made)
            record_act(
                context,
                conn,
                person,
                act="apply",
                from_state="",
                to_state=made.state.value,
                at=recorded_at,
                application_id=made.id,
                reason=order.reason,
                papers=load_papers(conn, made.papers[-limits.PAPERS_PER_ACT :], person.holder),
                facts={"kind": made.kind.value, "credit_code": made.credit_code, "code": begun.code, "verdict": begun.verdict}
                | {"custody": begun.custody.value, "certificate": sm3(handed_in.certificate_der).hex()},
            )
            if claim is not None:
                context.idempotency.finish(conn, claim, status=201)
            return made

        made = context.database.write(record)
        on_failure.pop_all()
    fail_points.reach("import-seal.recorded")
    return made, begun


def _end_left_behind(context: ServiceContext, person: Person, key: str, request_digest: bytes) -> None:
    with context.database.read() as conn:
        found = context.idempotency.find(
            conn, caller=person.claimant, route=ROUTE, key=key, request_digest=request_digest, at=context.clock.now()
        )
        left = store.load_import(conn, str(found.reference)) if found is not None and found.state is ClaimState.RESUMED else None
    if left is not None:
        end_import(context, left)


def give_up_import(context: ServiceContext, begun: SealImport) -> None:
    """End what did not become an application. Where that cannot be written, the sweeper will."""
    with suppress(TrustError):
        end_import(context, begun)


def end_import(context: ServiceContext, begun: SealImport) -> bool:
    """Remove the key and the record of what did not become an application; False, and nothing is touched, where it did.

    First it is on record that it becomes none any more: an application whose commit was answered late, or never, keeps its key.
    """

    def give_up(conn: Connection) -> bool:
        store.load_import(conn, begun.application_id, is_locked=True)  # the application is recorded before, or never
        if store.load_application(conn, begun.application_id) is not None:
            return False
        store.give_up_import(conn, begun.application_id)
        return True

    def forget(conn: Connection) -> None:
        if store.delete_import(conn, begun.application_id) and begun.claim_digest is not None:
            context.idempotency.release(conn, Claim(begun.claim_digest, ClaimState.RESUMED, None))

    if not context.database.write(give_up):
        return False
    if begun.custody is KeyCustody.KEYSTORE:
        remove_key(context, begun.key_id)
    context.database.write(forget)
    return True


def _check_holders(order: ImportOrder) -> None:
    held: dict[str, Power] = {}
    for power, holders in powers_in(order):
        is_needed = power is Power.MANAGE or (power is Power.USE and order.custody is not KeyCustody.ABSENT)
        if not int(is_needed) <= len(holders) <= limits.HOLDERS_PER_POWER:
            raise field_unacceptable(f"{power.value} power", f"{int(is_needed)} to {limits.HOLDERS_PER_POWER} holders of the power")
        for holder in holders:
            check_client_id(holder)
            if held.setdefault(holder, power) is not power:
                raise power_held("", holder, held[holder], power)


def _check_key(context: ServiceContext, handed_in: HandedIn, order: ImportOrder) -> None:
    """The proof, by a signature, that the key is the seal's. Of the key of an owner's device it is the request that the device signed."""
    if (order.custody is KeyCustody.DEVICE) != bool(order.device_key) or (order.custody is KeyCustody.OWNER) != bool(order.key_request_der):
        raise import_key_refused("device_key for custody device, certificate_request for custody owner")
    spki_der = b"" if handed_in.certificate is None else handed_in.certificate.spki_der
    if handed_in.private_key is not None:
        check_holds_key(software_signer(handed_in.private_key, "import"), spki_der)
    elif order.device_key:
        try:
            signer = context.keystore.device_signer(order.device_key)
        except TrustError as error:
            raise import_key_refused(error.code) from None
        check_holds_key(signer, spki_der)
    elif order.key_request_der and read_owners_key(order.key_request_der) != spki_der:
        raise import_key_refused("another key")


def _wishes(order: ImportOrder) -> dict[str, object]:
    """What else makes the order what it is; the password is left out, so that nothing of it is stored."""
    plain = asdict(replace(order, seal_der=b"", certificates=b"", key_file=b"", password="", key_request_der=b""))
    return {name: value for name, value in plain.items() if not isinstance(value, bytes)}


def _application_of(handed_in: HandedIn, order: ImportOrder, holder: str, at: datetime) -> Application:
    seal = handed_in.seal
    return Application(
        id=new_application_id(),
        kind=ApplicationKind.IMPORT,
        state=ApplicationState.APPLIED,
        seal_id=None,
        applied_by=holder,
        applied_at=at,
        reason=order.reason,
        organisation=handed_in.organisation,
        credit_code=handed_in.credit_code,
        name=seal.property.name,
        name_mongolian=handed_in.name_mongolian,
        name_romanised=handed_in.name_romanised,
        purpose="",
        type_code=str(seal.property.kind),
        division=handed_in.code[: limits.DIVISION_DIGITS] or read_credit_code(handed_in.credit_code).division,
        design_json=handed_in.design_json,
        picture_width_mm=float(seal.picture.width_mm),
        managers=order.managers,
        users=order.users,
        auditors=order.auditors,
        is_certificate_outside=True,
        papers=order.papers,
        state_at=at,
    )


def _import_of(
    handed_in: HandedIn, order: ImportOrder, application_id: str, findings: ImportFindings, owner: str, at: datetime
) -> SealImport:
    name = application_id[3:]
    key_ids = {KeyCustody.KEYSTORE: KEY_PREFIX + name, KeyCustody.DEVICE: order.device_key}
    return SealImport(
        application_id=application_id,
        code=handed_in.code,
        seal_digest=sm3(order.seal_der).hex(),
        custody=order.custody,
        key_id=key_ids.get(order.custody, OUTSIDE + name),
        seal_data_der=order.seal_der,
        certificates_der=(handed_in.certificate_der, *(each.der for each in handed_in.others)),
        verdict=findings.verdict.value,
        steps_json=write_steps(findings.steps),
        checked_at=at,
        owner=owner,
        begun_at=at,
    )


def _given_before(context: ServiceContext, application_id: str) -> tuple[Application, SealImport]:
    with context.database.read() as conn:
        application, taken_in = store.load_application(conn, application_id), store.load_import(conn, application_id)
    if application is None or taken_in is None:
        raise application_not_found(application_id)
    return application, taken_in
