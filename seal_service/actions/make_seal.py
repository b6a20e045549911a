"""Make a seal: code, key, certificate and picture, in two transactions around the issuing of the certificate."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, cast

from crypto.authority import Profile
from crypto.signatures import SignatureAlgorithm
from crypto.sm3 import sm3
from seal_service import store
from seal_service.actions.change_seal_state import REVOCATION_REASON
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.grant_seal import check_client_id
from seal_service.actions.record_use import VOIDED_BY_FAILURE, hold_process_mark
from seal_service.errors import seal_codes_exhausted, seal_making_cut_off, text_unacceptable
from seal_service.limits import PICTURE_DPI, SERIAL_DIGITS, SERIALS_PER_DIVISION, VENDOR_ID
from seal_service.model import Seal, SealState, is_plain_text, new_seal_id
from seal_service.ports import SEAL_MAKER
from seal_service.render import draw_picture as draw_png
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from service_kit import fail_points
from service_kit.idempotency import ClaimState, digest_of_request
from standards.errors import TrustError
from standards.gb32100_credit_code import read_credit_code
from standards.gbt38540_seal.values import SealPicture

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from crypto.certificates import Certificate
    from seal_service.ports import MakerIdentity
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext
    from service_kit.idempotency import Claim

ROUTE = "POST /v1/seals"
ACTION = "seal.make"


@dataclass(frozen=True, slots=True)
class SealRequest:
    """What a seal is made from. ``name`` and ``division`` empty: derived from the rest. ``grants`` None: the calling client."""

    organisation: str
    credit_code: str
    name: str = ""
    purpose: str = ""
    type_code: str = "1"
    division: str = ""
    picture_width_mm: float = 42.0
    grants: tuple[str, ...] | None = None


def make_seal(context: ServiceContext, caller: Caller, request: SealRequest, *, idempotency_key: str | None = None) -> Seal:
    """Make a seal and let the clients in ``grants`` use it; the caller manages it from now on.

    Raises TrustError CREDIT_CODE_*, SEAL_NAME_*, SEAL_GLYPH_MISSING, FIELD_UNACCEPTABLE, SEAL_CODES_EXHAUSTED, IDEMPOTENCY_*,
    AUDIT_UNAVAILABLE and what the issuer raises.
    """
    # 1. What can be checked without anything else: the credit code, and that the picture can be drawn (with a code to stand for its own).
    credit_code = read_credit_code(request.credit_code)
    division = request.division or credit_code.division
    granted = (caller.client_id,) if request.grants is None else request.grants
    for client_id in granted:
        check_client_id(client_id)
    seal = Seal(
        id=new_seal_id(),
        code=division + "0" * SERIAL_DIGITS,
        name=request.name or request.organisation + request.purpose,
        organisation=request.organisation,
        purpose=request.purpose,
        credit_code=credit_code.text,
        type_code=request.type_code,
        state=SealState.MAKING,
        state_reason=None,
        version=1,
        managed_by=caller.client_id,
        made_by=hold_process_mark(context),
        claim_digest=None,
        key_id="",
        certificate_der=None,
        chain_der=(),
        seal_data_der=None,
        is_certificate_revoked=False,
        picture_width_mm=request.picture_width_mm,
        made_at=context.clock.now(),
        state_at=context.clock.now(),
    )
    if not is_plain_text(seal.name):
        raise text_unacceptable("name")
    seal = replace(seal, key_id=f"seal-{seal.id[3:]}")
    draw_picture(seal)
    request_digest = digest_of_request(json.dumps(asdict(request), sort_keys=True).encode())

    # 2. tx 1: the code is taken, the making is on record. The counter's row is locked, so two makings never meet on a code.
    def begin(conn: Connection) -> tuple[Seal, Claim | None]:
        at = context.clock.now()
        claim = None
        if idempotency_key is not None:
            claim = context.idempotency.claim(
                conn, caller=caller.client_id, route=ROUTE, key=idempotency_key, request_digest=request_digest, reference=seal.id, at=at
            )
            if claim.state is ClaimState.DONE:
                return seal, claim
            if claim.state is ClaimState.RESUMED and claim.reference is not None:
                _abandon(context, conn, caller, claim.reference)  # or its end would let go of the key that is ours now
            context.idempotency.set_reference(conn, claim, seal.id)
        serial = store.take_next_serial(conn, division)
        if serial > SERIALS_PER_DIVISION:
            raise seal_codes_exhausted(division)
        begun = replace(
            seal,
            code=f"{division}{serial:0{SERIAL_DIGITS}d}",
            claim_digest=None if claim is None else claim.key_digest,
            made_at=at,
            state_at=at,
        )
        store.insert_seal(conn, begun)
        for client_id in granted:
            store.insert_grant(conn, seal.id, client_id, granted_by=caller.client_id, at=at)
        context.audit.record(
            conn,
            at=at,
            actor=caller.actor,
            action=ACTION,
            subject=f"seal:{seal.id}",
            outcome="intended",
            facts={"code": begun.code, "credit_code": begun.credit_code, "key_id": begun.key_id, "grants": " ".join(granted)},
        )
        return begun, claim

    seal, claim = context.database.write(begin)
    if claim is not None and claim.state is ClaimState.DONE:
        with context.database.read() as conn:
            made = store.load_seal(conn, str(claim.reference))
        if made is None:
            raise seal_making_cut_off(str(claim.reference))
        return made
    fail_points.reach("make-seal.intended")

    with ExitStack() as on_failure:
        on_failure.callback(_give_up, context, caller, seal, claim)

        # 3. Key and certificate. National convention for seals: O is the credit code followed by the name, CN is the seal code.
        signer = context.keystore.create(seal.key_id, SignatureAlgorithm.SM2_SM3)
        fail_points.reach("make-seal.key-made")
        certificate = context.issuer.issue(
            common_name=seal.code,
            organisation=seal.credit_code + seal.organisation,
            spki_der=signer.public_spki_der,
            profile=Profile.SEAL_SIGNING,
            actor=caller.actor,
        )
        on_failure.callback(_revoke, context, caller, certificate.serial)
        chain_der = tuple(above.der for above in context.issuer.chain())
        fail_points.reach("make-seal.certified")

        # 4. The seal itself as GB/T 38540 has it: picture and certificate under the maker's signature.
        seal_data_der = _build_seal_data(context, seal, certificate)
        fail_points.reach("make-seal.built")

        # 5. tx 2: the seal becomes active together with its certificate.
        def finish(conn: Connection) -> Seal:
            found = store.load_seal(conn, seal.id, is_locked=True)
            if found is None or found.state is not SealState.MAKING:
                raise seal_making_cut_off(seal.id)
            at = context.clock.now()
            store.update_certificate(conn, seal.id, certificate.der, chain_der, seal_data_der)
            store.update_state(conn, found, state=SealState.ACTIVE, reason=None, at=at)
            context.audit.record(
                conn,
                at=at,
                actor=caller.actor,
                action=ACTION,
                subject=f"seal:{seal.id}",
                outcome="done",
                facts={
                    "code": seal.code,
                    "certificate": certificate.fingerprint,
                    "serial": f"{certificate.serial:x}",
                    "seal_data": sm3(seal_data_der).hex(),
                },
            )
            if claim is not None:
                context.idempotency.finish(conn, claim, status=201, headers={})
            return replace(
                found,
                state=SealState.ACTIVE,
                state_at=at,
                version=found.version + 1,
                certificate_der=certificate.der,
                chain_der=chain_der,
                seal_data_der=seal_data_der,
            )

        made = context.database.write(finish)
        on_failure.pop_all()
    fail_points.reach("make-seal.recorded")
    return made


def _build_seal_data(context: ServiceContext, seal: Seal, certificate: Certificate) -> bytes:
    """SESeal (version 4) for the certificate: valid as long as it is, with the seal's picture in its true size."""
    maker = cast("MakerIdentity", context.links[SEAL_MAKER])
    picture = draw_picture(seal)
    at = max(context.clock.now().replace(microsecond=0), certificate.not_before)
    description = SealDescription(
        es_id=seal.code,
        vid=VENDOR_ID,
        kind=int(seal.type_code),
        name=seal.name,
        created_at=at,
        valid_from=certificate.not_before,
        valid_until=certificate.not_after,
        picture=SealPicture("PNG", draw_png(picture, dpi=PICTURE_DPI), round(picture.width_mm), round(picture.height_mm)),
    )
    return build_seal(description, [certificate], SealMaker(maker.certificate, maker.signer))


def _revoke(context: ServiceContext, caller: Caller, serial: int) -> None:
    """Revoke the certificate of a seal that did not come to be. Where that fails it stays in the issuer's register, for a key nobody uses."""
    with suppress(TrustError):
        context.issuer.revoke(serial, reason=REVOCATION_REASON, actor=caller.actor)


def _give_up(context: ServiceContext, caller: Caller, seal: Seal, claim: Claim | None) -> None:
    """Abandon a seal whose making failed. Where even that cannot be written, the sweeper will do it."""

    def abandon(conn: Connection) -> None:
        if _abandon(context, conn, caller, seal.id) and claim is not None:
            context.idempotency.release(conn, claim)

    with suppress(TrustError):
        context.database.write(abandon)


def _abandon(context: ServiceContext, conn: Connection, caller: Caller, seal_id: str) -> bool:
    """Abandon a seal that is still being made; False where it is not."""
    found = store.load_seal(conn, seal_id, is_locked=True)
    if found is None or found.state is not SealState.MAKING:
        return False
    at = context.clock.now()
    store.update_state(conn, found, state=SealState.ABANDONED, reason=VOIDED_BY_FAILURE, at=at)
    context.audit.record(
        conn, at=at, actor=caller.actor, action=ACTION, subject=f"seal:{seal_id}", outcome="voided", facts={"reason": VOIDED_BY_FAILURE}
    )
    return True
