"""Seal a document: the main job of the house, from the right to do so to the bytes that go back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.report import Outcome, Verdict
from seal_service import store
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.prepare_ofd import prepare_ofd
from seal_service.actions.prepare_pdf import prepare_pdf
from seal_service.actions.record_use import (
    Intent,
    Repeatable,
    User,
    ended_if_failing,
    hold_process_mark,
    record_intent,
    record_result,
)
from seal_service.actions.seal_order import B_B, B_LT, B_LTA, SealMeans, SealOrder
from seal_service.errors import (
    document_tampered,
    own_check_failed,
    seal_not_found,
    seal_not_usable,
    seal_version_conflict,
    text_unacceptable,
    time_stamp_not_configured,
)
from seal_service.model import USABLE, DocumentForm, UseKind, is_plain_text, new_use_id
from seal_service.pdf.long_term import make_long_term
from seal_service.verify import OFD, media_type_of, verify_file
from service_kit import fail_points
from service_kit.idempotency import digest_of_request

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from service_kit.composition import ServiceContext

SIGNATURE_MARK: Final = b"ByteRange"  # stands in clear in every signed PDF


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """The sealed bytes and where they are on record. ``is_repeated``: the answer to the same request given before.

    ``warnings``: codes of what was done otherwise than ordered.
    """

    content: bytes
    use_id: str
    audit_id: str
    is_repeated: bool
    warnings: tuple[str, ...] = ()


def seal_document(context: ServiceContext, user: User, seal_id: str, order: SealOrder) -> SealedDocument:
    """Seal ``order.document``, PDF or OFD, with the seal. A sealed PDF begins with the document byte for byte; the files of a sealed OFD
    keep theirs.

    Raises TrustError: SEAL_NOT_FOUND, SEAL_NOT_ACTIVE, FIELD_UNACCEPTABLE, PDF_*, OFD_*, PLACEMENT_*, PAGES_UNCLEAR, SEAM_*,
    PAGE_NOT_FOUND, KEYWORD_NOT_FOUND, IDEMPOTENCY_*, AUDIT_UNAVAILABLE, TIME_STAMP_*, SEAL_SELF_CHECK_FAILED, SEAL_USE_VOIDED,
    SEAL_WITHOUT_SEAL_DATA, SEAL_NOT_VALID_AT_SIGNING.
    """
    # 1. May this user use this seal? Asked first, so that nobody else's document is even read; decided in step 6.
    hold_process_mark(context)
    with context.database.read() as conn:
        seal = store.load_seal(conn, seal_id)
        is_granted = user.is_operator or store.is_granted(conn, seal_id, user.name)
    if seal is None or not is_granted:
        raise seal_not_found(seal_id)
    if seal.certificate_der is None or (seal.state is not USABLE and order.idempotency_key is None):
        raise seal_not_usable(seal_id, seal.state)
    is_timestamped = context.time_stamp is not None if order.is_timestamped is None else order.is_timestamped
    if order.level is not None:
        is_timestamped = order.level != B_B
    if is_timestamped and context.time_stamp is None:
        raise time_stamp_not_configured()

    for field, text in (("reason", order.reason), ("location", order.location)):
        if text is not None and not is_plain_text(text):
            raise text_unacceptable(field)

    # 2. A document that was changed after an earlier signature gets no seal of ours on top of that.
    is_ofd = media_type_of(order.document) == OFD
    if (is_ofd or SIGNATURE_MARK in order.document) and verify_file(order.document, context.trust(), context.clock.now()).tampered:
        raise document_tampered()

    # 3. With what: key, certificate, chain, picture, time.
    use_id = new_use_id(context.clock.now())
    means = SealMeans(
        seal=seal,
        use_id=use_id,
        signer=context.keystore.signer(seal.key_id),
        certificate=Certificate.from_der(seal.certificate_der),
        chain=tuple(Certificate.from_der(der) for der in seal.chain_der),
        picture=draw_picture(seal),
        at=context.clock.now(),
        is_timestamped=is_timestamped,
    )

    # 4. The document with room for the signature, and the digest over everything else.
    ses_names = (context.settings.pdf_ses_filter, context.settings.pdf_ses_subfilter)
    draft = prepare_ofd(means, order) if is_ofd else prepare_pdf(means, order, ses_names=ses_names)
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
            digest=draft.digest,
            input_digest=None if repeatable is None else repeatable.document_digest,
            is_timestamped=is_timestamped,
            repeatable=None if repeatable is None else repeatable.request,
            form=DocumentForm.OFD if is_ofd else DocumentForm.PDF,
            document_type=order.document_type,
        )

    intent = context.database.write(intend)
    if intent.is_done:
        return replace(_given_before(context, intent), warnings=draft.warnings)
    fail_points.reach("seal-document.intended")

    with ended_if_failing(context, user, intent):
        if intent.seal.key_id != seal.key_id:  # made again since step 1: what was prepared names the certificate of before
            raise seal_version_conflict(seal_id, str(seal.version), intent.seal.version)

        # 7. The signature, with no transaction open; where one signature is part of what another signs, the inner one first.
        signature = means.signer.sign(draft.to_be_signed)
        while draft.follow is not None:
            draft = draft.follow(signature)
            signature = means.signer.sign(draft.to_be_signed)
        fail_points.reach("seal-document.signed")

        # 8. The time-stamp over it.
        token = context.time_stamp(signature) if is_timestamped and context.time_stamp is not None else None
        fail_points.reach("seal-document.time-stamped")

        # 9. The whole document, and what our own verifier says of it. Nothing it does not call valid is released.
        sealed = draft.finish(signature, token)
        if order.level in {B_LT, B_LTA}:
            stamp = context.time_stamp if order.level == B_LTA else None
            sealed = make_long_term(sealed, trust=context.trust(), at=context.clock.now(), stamp=stamp)
        _check(sealed, order, draft.name, context.trust(), context.clock.now(), use_id)
        fail_points.reach("seal-document.checked")

        # 10. The result is durable before it is on record.
        result_digest = context.blobs.put(sealed)
        fail_points.reach("seal-document.stored")

        # 11. tx 2: the result, the idempotency answer and the audit entry; refused where the seal was frozen in the meantime.
        def record(conn: Connection) -> str:
            return record_result(context, conn, user, intent, result_digest=result_digest, result_bytes=len(sealed))

        audit_id = context.database.write(record)
    fail_points.reach("seal-document.recorded")
    return SealedDocument(sealed, use_id, audit_id, is_repeated=False, warnings=draft.warnings)


@dataclass(frozen=True, slots=True)
class _RepeatableDocument:
    request: Repeatable
    document_digest: bytes


def _repeatable(seal_id: str, order: SealOrder) -> _RepeatableDocument | None:
    if order.idempotency_key is None:
        return None
    document_digest = digest_of_request(order.document)
    wishes = asdict(replace(order, document=b"", idempotency_key=None)) | {"document": document_digest.hex()}
    request_digest = digest_of_request(json.dumps(wishes, sort_keys=True).encode())
    return _RepeatableDocument(Repeatable(order.idempotency_key, f"POST /v1/seals/{seal_id}/signatures", request_digest), document_digest)


def _check(sealed: bytes, order: SealOrder, name: str, trust: TrustList, at: datetime, use_id: str) -> None:
    """Our own signature must be valid, and no earlier one may be worse off than before."""
    report = verify_file(sealed, trust, at)
    own = next((signature for signature in report.signatures if signature.name == name), None)
    if own is None or own.verdict is not Verdict.VALID:
        steps = report.steps if own is None else own.steps
        codes = [step.code for step in steps if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED}]
        raise own_check_failed(use_id, " ".join(codes))
    if order.level == B_LTA and report.signatures[-1].verdict is not Verdict.VALID:
        raise own_check_failed(use_id, "DOCUMENT_TIME_STAMP")
    broken = _broken(report)
    if broken and broken - _broken(verify_file(order.document, trust, at)):
        raise own_check_failed(use_id, "EARLIER_SIGNATURE_BROKEN")


def _broken(report: Report) -> set[str]:
    """What is wrong beside our own signature: the signatures that are invalid, and the failures that concern the whole document."""
    invalid = {signature.name for signature in report.signatures if signature.verdict is Verdict.INVALID}
    return invalid | {step.code for step in report.steps if step.outcome is Outcome.FAIL}


def _given_before(context: ServiceContext, intent: Intent) -> SealedDocument:
    with context.database.read() as conn:
        use = store.load_use(conn, intent.use_id)
    if use is None or use.result_digest is None or use.result_audit_id is None:
        raise seal_not_found(intent.seal.id)
    return SealedDocument(context.blobs.get(use.result_digest), use.id, use.result_audit_id, is_repeated=True)
