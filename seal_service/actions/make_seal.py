"""Make a seal: code, key, certificate and picture, in two transactions around the issuing of the certificate."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from seal_service import store
from seal_service.actions.certify_seal import certify_seal, revoke_unused
from seal_service.actions.change_seal_state import announce_state
from seal_service.actions.check_power import give_power
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.grant_seal import check_client_id
from seal_service.actions.owners_key import OUTSIDE, make_key, read_owners_key
from seal_service.actions.record_act import record_act
from seal_service.actions.record_use import VOIDED_BY_FAILURE
from seal_service.errors import review_required, seal_codes_exhausted, seal_making_cut_off, text_unacceptable
from seal_service.limits import SERIAL_DIGITS, SERIALS_PER_DIVISION
from seal_service.model import Edition, EditionState, Grant, Power, Seal, SealState, new_grant_id, new_seal_id
from service_kit import fail_points
from service_kit.callers import person_of
from service_kit.idempotency import ClaimState, digest_of_request
from standards.errors import TrustError
from standards.gb32100_credit_code import read_credit_code
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.certificates import Certificate
    from seal_service.actions.certify_seal import Certified
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext
    from service_kit.idempotency import Claim
    from standards.gb32100_credit_code import CreditCode

ROUTE = "POST /v1/seals"
ACT = "make"


@dataclass(frozen=True, slots=True)
class SealRequest:
    """What a seal is made from. ``name`` and ``division`` empty: derived from the rest. ``grants`` None: the calling client.

    ``key_request_der``: a certificate request (PKCS #10) of the owner's device, whose key the seal gets; empty: a key of ours.
    ``data_version`` of the SESeal: 4, 5, or None as the deployment's setting has it.
    """

    organisation: str
    credit_code: str
    name: str = ""
    purpose: str = ""
    type_code: str = "1"
    division: str = ""
    picture_width_mm: float = 42.0
    grants: tuple[str, ...] | None = None
    key_request_der: bytes = b""
    data_version: int | None = None


def make_seal(context: ServiceContext, caller: Caller, request: SealRequest, *, idempotency_key: str | None = None) -> Seal:
    """Make a seal and let the clients in ``grants`` use it; the caller manages it from now on.

    Raises TrustError SEAL_REVIEW_REQUIRED, SEAL_KEY_REQUEST_REFUSED, CREDIT_CODE_*, SEAL_NAME_*, SEAL_GLYPH_MISSING, FIELD_UNACCEPTABLE,
    SEAL_CODES_EXHAUSTED, SEAL_MAKING_CUT_OFF, IDEMPOTENCY_*, AUDIT_UNAVAILABLE and what the issuer raises.
    """
    # 0. Is anything made in one step here at all?
    if context.settings.is_review_required:
        raise review_required()

    # 1. What can be checked without anything else: the credit code, and that the picture can be drawn (with a code to stand for its own).
    credit_code = read_credit_code(request.credit_code)
    granted = (caller.client_id,) if request.grants is None else request.grants
    for client_id in granted:
        check_client_id(client_id)
    wanted, owners_spki_der = _wanted_seal(context, request, credit_code)
    draw_picture(wanted)
    wishes = asdict(request) | {"key_request_der": request.key_request_der.hex()}
    request_digest = digest_of_request(json.dumps(wishes, sort_keys=True).encode())

    # 2. tx 1: the code is taken, the making is on record. Whoever repeats a request gets the seal of the first one.
    seal, claim = context.database.write(
        lambda conn: _record_intent(context, conn, caller, wanted, granted, idempotency_key, request_digest)
    )
    if claim is not None and claim.state is ClaimState.DONE:
        with context.database.read() as conn:
            made = store.load_seal(conn, str(claim.reference))
        if made is None:
            raise seal_making_cut_off(str(claim.reference))
        return made
    fail_points.reach("make-seal.intended")

    with ExitStack() as on_failure:
        on_failure.callback(_give_up, context, caller, seal, claim)

        # 3. The key: a new one, or the owner's.
        spki_der, _ = make_key(context, seal.key_id, owners_spki_der)
        fail_points.reach("make-seal.key-made")
        # 4. The certificate, and the seal itself as GB/T 38540 has it: picture and certificate under the maker's signature.
        certified = certify_seal(context, seal, spki_der, actor=caller.actor, data_version=request.data_version)
        on_failure.pop_all()
        on_failure.callback(_give_up, context, caller, seal, claim, certified.certificate)
        fail_points.reach("make-seal.built")

        # 5. tx 2: the seal becomes active together with its certificate.
        made = context.database.write(lambda conn: _record_made(context, conn, caller, seal, certified, claim))
        on_failure.pop_all()
    fail_points.reach("make-seal.recorded")
    return made


def _wanted_seal(context: ServiceContext, request: SealRequest, credit_code: CreditCode) -> tuple[Seal, bytes | None]:
    """The seal as it is wanted, with zeros for its number, and the owner's public key (SubjectPublicKeyInfo), None for a key of ours."""
    seal_id, name = new_seal_id(), request.name or request.organisation + request.purpose
    made_by, at = context.mark.hold(), context.clock.now()
    if not is_plain_text(name):
        raise text_unacceptable("name")
    owners_spki_der = read_owners_key(request.key_request_der) if request.key_request_der else None
    is_here = owners_spki_der is None
    seal = Seal(
        id=seal_id,
        code=(request.division or credit_code.division) + "0" * SERIAL_DIGITS,
        name=name,
        organisation=request.organisation,
        purpose=request.purpose,
        credit_code=credit_code.text,
        type_code=request.type_code,
        state=SealState.MAKING,
        state_reason=None,
        version=1,
        made_by=made_by,
        claim_digest=None,
        key_id=f"{'seal-' if is_here else OUTSIDE}{seal_id[3:]}",
        certificate_der=None,
        chain_der=(),
        seal_data_der=None,
        is_certificate_revoked=False,
        picture_width_mm=request.picture_width_mm,
        made_at=at,
        state_at=at,
        edition=0,
        is_key_here=is_here,
    )
    return seal, owners_spki_der


def _record_intent(
    context: ServiceContext,
    conn: Connection,
    caller: Caller,
    wanted: Seal,
    granted: tuple[str, ...],
    idempotency_key: str | None,
    request_digest: bytes,
) -> tuple[Seal, Claim | None]:
    """Transaction 1. The counter's row is locked, so two makings never meet on a code. Where the claim is done, nothing is begun."""
    at = context.clock.now()
    claim = None
    if idempotency_key is not None:
        claim = context.idempotency.claim(
            conn, caller=caller.claimant, route=ROUTE, key=idempotency_key, request_digest=request_digest, reference=wanted.id, at=at
        )
        if claim.state is ClaimState.DONE:
            return wanted, claim
        if claim.state is ClaimState.RESUMED and claim.reference is not None:
            _abandon(context, conn, caller, claim.reference)  # or its end would let go of the key that is ours now
        context.idempotency.set_reference(conn, claim, wanted.id)
    division = wanted.code[:-SERIAL_DIGITS]
    serial = store.take_next_serial(conn, division)
    if serial > SERIALS_PER_DIVISION:
        raise seal_codes_exhausted(division)
    begun = replace(
        wanted,
        code=f"{division}{serial:0{SERIAL_DIGITS}d}",
        claim_digest=None if claim is None else claim.key_digest,
        made_at=at,
        state_at=at,
    )
    store.insert_seal(conn, begun)
    give_power(context, conn, begun, caller.holder, Power.MANAGE, given_by=caller.holder, at=at)
    for holder in granted:
        give_power(context, conn, begun, holder, Power.USE, given_by=caller.holder, at=at)
        store.insert_grant(conn, Grant(new_grant_id(), begun.id, holder, granted_by=caller.holder, granted_at=at))
    record_act(
        context,
        conn,
        person_of(caller),
        act=ACT,
        from_state="",
        to_state=begun.state.value,
        at=at,
        seal_id=begun.id,
        outcome="intended",
        facts={"code": begun.code, "credit_code": begun.credit_code, "key_id": begun.key_id, "grants": " ".join(granted)},
    )
    return begun, claim


def _record_made(context: ServiceContext, conn: Connection, caller: Caller, seal: Seal, certified: Certified, claim: Claim | None) -> Seal:
    """Transaction 2. SEAL_MAKING_CUT_OFF where somebody has given the making up meanwhile."""
    found = store.load_seal(conn, seal.id, is_locked=True)
    if found is None or found.state is not SealState.MAKING:
        raise seal_making_cut_off(seal.id)
    at = context.clock.now()
    made = replace(
        found,
        edition=1,
        certificate_der=certified.certificate.der,
        chain_der=certified.chain_der,
        seal_data_der=certified.seal_data_der,
        valid_until=certified.valid_until,
    )
    store.update_edition(conn, made)
    store.insert_edition(conn, first_edition(made, at))
    store.update_state(conn, found, state=SealState.ACTIVE, reason=None, at=at)
    record_act(
        context,
        conn,
        person_of(caller),
        act=ACT,
        from_state=found.state.value,
        to_state=SealState.ACTIVE.value,
        at=at,
        seal_id=seal.id,
        facts={"code": seal.code, **certified.facts},
    )
    if claim is not None:
        context.idempotency.finish(conn, claim, status=201)
    active = replace(made, state=SealState.ACTIVE, state_at=at, version=found.version + 1)
    announce_state(context, conn, active, at)
    return active


def first_edition(seal: Seal, at: datetime) -> Edition:
    """The record of a seal's first making, finished at ``at``."""
    return Edition(
        seal_id=seal.id,
        edition=1,
        state=EditionState.MADE,
        key_id=seal.key_id,
        owner=seal.made_by,
        begun_at=seal.made_at,
        name=seal.name,
        organisation=seal.organisation,
        purpose=seal.purpose,
        certificate_der=seal.certificate_der,
        seal_data_der=seal.seal_data_der,
        made_at=at,
    )


def _give_up(context: ServiceContext, caller: Caller, seal: Seal, claim: Claim | None, certificate: Certificate | None = None) -> None:
    """Abandon a seal whose making failed. Where even that cannot be written, the sweeper will do it.

    ``certificate``: of this making; it is revoked once the seal is found abandoned, and not where the making was recorded after all.
    """

    def abandon(conn: Connection) -> bool:
        if _abandon(context, conn, caller, seal.id) and claim is not None:
            context.idempotency.release(conn, claim)
        found = store.load_seal(conn, seal.id)
        return found is not None and found.state is SealState.ABANDONED

    with suppress(TrustError):
        if context.database.write(abandon) and certificate is not None:
            revoke_unused(context, certificate, actor=caller.actor)


def _abandon(context: ServiceContext, conn: Connection, caller: Caller, seal_id: str) -> bool:
    """Abandon a seal that is still being made; False where it is not."""
    found = store.load_seal(conn, seal_id, is_locked=True)
    if found is None or found.state is not SealState.MAKING:
        return False
    at = context.clock.now()
    store.update_state(conn, found, state=SealState.ABANDONED, reason=VOIDED_BY_FAILURE, at=at)
    record_act(
        context,
        conn,
        person_of(caller),
        act=ACT,
        from_state=found.state.value,
        to_state=SealState.ABANDONED.value,
        at=at,
        seal_id=seal_id,
        reason=VOIDED_BY_FAILURE,
        outcome="voided",
    )
    return True
