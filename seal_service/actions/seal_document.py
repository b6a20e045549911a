"""Seal a document: the main job of the house, from the right to do so to the bytes that go back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.cms import TIMESTAMP_RESERVED_BYTES, estimate_size, prepare_signed_data
from crypto.report import Outcome, Verdict
from seal_service import store
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.record_use import (
    Intent,
    Repeatable,
    User,
    ended_if_failing,
    hold_process_mark,
    record_intent,
    record_result,
)
from seal_service.errors import (
    document_tampered,
    own_check_failed,
    placement_unclear,
    seal_not_found,
    seal_not_usable,
    text_unacceptable,
    time_stamp_not_configured,
)
from seal_service.model import USABLE, UseKind, is_plain_text, new_use_id
from seal_service.pdf.placement import Placement, find_keyword
from seal_service.pdf.seal import prepare_seal
from seal_service.pdf.verify import verify_pdf
from seal_service.render import LAST_PAGE
from service_kit import fail_points
from service_kit.idempotency import digest_of_request
from standards.gbt33560_oids import SM3

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from seal_service.pictures.outline import SealPicture
    from service_kit.composition import ServiceContext

FIELD_PREFIX: Final = "Seal-"  # followed by the id of the use: whoever holds the document can name its record
SIGNATURE_MARK: Final = b"ByteRange"  # stands in clear in every signed PDF


@dataclass(frozen=True, slots=True)
class SealOrder:
    """How a document is to be sealed.

    Visible at page (from 1; -1 last) and centre in mm from the lower-left corner as seen, or at a keyword; invisible without either.
    ``is_timestamped`` None: where the deployment has a time-stamp authority.
    """

    document: bytes
    page: int | None = None
    x_mm: float | None = None
    y_mm: float | None = None
    width_mm: float | None = None
    keyword: str | None = None
    reason: str | None = None
    location: str | None = None
    is_timestamped: bool | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """The sealed bytes and where they are on record. ``is_repeated``: the answer to the same request given before."""

    content: bytes
    use_id: str
    audit_id: str
    is_repeated: bool


def seal_document(context: ServiceContext, user: User, seal_id: str, order: SealOrder) -> SealedDocument:
    """Seal ``order.document`` with the seal. The result begins with the document, byte for byte.

    Raises TrustError: SEAL_NOT_FOUND, SEAL_NOT_ACTIVE, FIELD_UNACCEPTABLE, PDF_*, PLACEMENT_*, PAGE_NOT_FOUND, KEYWORD_NOT_FOUND, IDEMPOTENCY_*,
    AUDIT_UNAVAILABLE, TIME_STAMP_*, SEAL_SELF_CHECK_FAILED, SEAL_USE_VOIDED.
    """
    # 1. May this user use this seal? Asked first, so that nobody else's document is even read; decided in step 6.
    hold_process_mark(context)
    with context.database.read() as conn:
        right, seal = store.load_right(conn, seal_id, user.client_id), store.load_seal(conn, seal_id)
    if seal is None or right is None or not (right.is_granted or user.is_operator):
        raise seal_not_found(seal_id)
    if seal.certificate_der is None or (seal.state is not USABLE and order.idempotency_key is None):
        raise seal_not_usable(seal_id, seal.state)
    is_timestamped = context.time_stamp is not None if order.is_timestamped is None else order.is_timestamped
    if is_timestamped and context.time_stamp is None:
        raise time_stamp_not_configured()

    for field, text in (("reason", order.reason), ("location", order.location)):
        if text is not None and not is_plain_text(text):
            raise text_unacceptable(field)

    # 2. A document that was changed after an earlier signature gets no seal of ours on top of that.
    if SIGNATURE_MARK in order.document and verify_pdf(order.document, context.trust(), context.clock.now()).tampered:
        raise document_tampered()

    # 3. With what: key, certificate, chain, picture, place.
    use_id = new_use_id(context.clock.now())
    signer = context.keystore.signer(seal.key_id)
    certificate = Certificate.from_der(seal.certificate_der)
    chain = tuple(Certificate.from_der(der) for der in seal.chain_der)
    picture = draw_picture(seal)
    placement = _place(order, picture)

    # 4. The revision with room for the signature, and the digest over everything else.
    at = context.clock.now()
    field_name = FIELD_PREFIX + use_id[3:]
    prepared = prepare_seal(
        order.document,
        placement=placement,
        picture=picture if placement is not None else None,
        field_name=field_name,
        reserved_bytes=estimate_size(
            signer_certificate=certificate,
            chain=chain,
            algorithm=signer.algorithm,
            timestamp_bytes=TIMESTAMP_RESERVED_BYTES if is_timestamped else 0,
        ),
        signed_at=at,
        name=seal.name,
        reason=order.reason,
        location=order.location,
        digest_oid=SM3,
    )
    fail_points.reach("seal-document.prepared")

    # 5. What makes this request what it is, where it may come again.
    repeatable = _repeatable(seal_id, order)

    # 6. tx 1: the right, the intent with the digest, the idempotency claim and the audit entry stand together or not at all.
    def intend(conn: Connection) -> Intent:
        return record_intent(
            context,
            conn,
            user,
            seal_id=seal_id,
            use_id=use_id,
            kind=UseKind.DOCUMENT,
            digest=prepared.digest,
            input_digest=None if repeatable is None else repeatable.document_digest,
            is_timestamped=is_timestamped,
            repeatable=None if repeatable is None else repeatable.request,
        )

    intent = context.database.write(intend)
    if intent.is_done:
        return _given_before(context, intent)
    fail_points.reach("seal-document.intended")

    with ended_if_failing(context, user, intent):
        # 7. The signature, with no transaction open. The time stands in the document; PAdES wants no signing-time beside it.
        cms = prepare_signed_data(
            content_digest=prepared.digest, digest_oid=SM3, signer_certificate=certificate, chain=chain, algorithm=signer.algorithm
        )
        signature = signer.sign(cms.to_be_signed)
        fail_points.reach("seal-document.signed")

        # 8. The time-stamp over it.
        token = context.time_stamp(signature) if is_timestamped and context.time_stamp is not None else None
        fail_points.reach("seal-document.time-stamped")

        # 9. The whole document, and what our own verifier says of it. Nothing it does not call valid is released.
        sealed = prepared.finish(cms.finish(signature, algorithm=signer.algorithm, timestamp_token=token))
        _check(sealed, order.document, field_name, context.trust(), context.clock.now(), use_id)
        fail_points.reach("seal-document.checked")

        # 10. The result is durable before it is on record.
        result_digest = context.blobs.put(sealed)
        fail_points.reach("seal-document.stored")

        # 11. tx 2: the result, the idempotency answer and the audit entry; refused where the seal was frozen in the meantime.
        def record(conn: Connection) -> str:
            return record_result(context, conn, user, intent, result_digest=result_digest, result_bytes=len(sealed))

        audit_id = context.database.write(record)
    fail_points.reach("seal-document.recorded")
    return SealedDocument(sealed, use_id, audit_id, is_repeated=False)


@dataclass(frozen=True, slots=True)
class _RepeatableDocument:
    request: Repeatable
    document_digest: bytes


def _repeatable(seal_id: str, order: SealOrder) -> _RepeatableDocument | None:
    if order.idempotency_key is None:
        return None
    document_digest = digest_of_request(order.document)
    wishes = [order.page, order.x_mm, order.y_mm, order.width_mm, order.keyword, order.reason, order.location, order.is_timestamped]
    request_digest = digest_of_request(json.dumps(wishes).encode(), document_digest)
    return _RepeatableDocument(Repeatable(order.idempotency_key, f"POST /v1/seals/{seal_id}/signatures", request_digest), document_digest)


def _place(order: SealOrder, picture: SealPicture) -> Placement | None:
    width_mm = picture.width_mm if order.width_mm is None else order.width_mm
    height_mm = width_mm * picture.height_mm / picture.width_mm
    if order.keyword is not None:
        if order.x_mm is not None or order.y_mm is not None:
            raise placement_unclear("keyword or x_mm and y_mm, not both")
        return find_keyword(order.document, order.keyword, page=order.page, width_mm=width_mm, height_mm=height_mm)
    if order.x_mm is None and order.y_mm is None and order.page is None and order.width_mm is None:
        return None
    if order.x_mm is None or order.y_mm is None:
        raise placement_unclear("x_mm and y_mm, or keyword")
    return Placement(LAST_PAGE if order.page is None else order.page, order.x_mm, order.y_mm, width_mm, height_mm)


def _check(sealed: bytes, original: bytes, field_name: str, trust: TrustList, at: datetime, use_id: str) -> None:
    """Our own signature must be valid, and no earlier one may be worse off than before."""
    report = verify_pdf(sealed, trust, at)
    own = next((signature for signature in report.signatures if signature.name == field_name), None)
    if own is None or own.verdict is not Verdict.VALID:
        steps = report.steps if own is None else own.steps
        codes = [step.code for step in steps if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED}]
        raise own_check_failed(use_id, " ".join(codes))
    broken = _broken(report)
    if broken and broken - _broken(verify_pdf(original, trust, at)):
        raise own_check_failed(use_id, "EARLIER_SIGNATURE_BROKEN")


def _broken(report: Report) -> set[str]:
    return {signature.name for signature in report.signatures if signature.verdict is Verdict.INVALID}


def _given_before(context: ServiceContext, intent: Intent) -> SealedDocument:
    with context.database.read() as conn:
        use = store.load_use(conn, intent.use_id)
    if use is None or use.result_digest is None or use.result_audit_id is None:
        raise seal_not_found(intent.seal.id)
    return SealedDocument(context.blobs.get(use.result_digest), use.id, use.result_audit_id, is_repeated=True)
