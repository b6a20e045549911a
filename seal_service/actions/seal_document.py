"""Seal a document: the main job of the house, from the right to do so to the bytes that go back."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from seal_service import store
from seal_service.actions.draft_document import check_wishes, draft_document, finish_draft, seal_for_document
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.record_use import (
    Intent,
    Repeatable,
    User,
    ended_if_failing,
    record_intent,
    record_result,
)
from seal_service.actions.reserved_files import refuse_reserved_files
from seal_service.actions.seal_order import B_LT, B_LTA, SealMeans, SealOrder
from seal_service.errors import key_elsewhere, seal_not_found, seal_not_usable, seal_version_conflict
from seal_service.model import SealState, UseKind, new_use_id
from service_kit import fail_points
from service_kit.idempotency import ClaimState, digest_of_request

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seal_service.model import Seal
    from seal_service.verify import Examined
    from service_kit.composition import ServiceContext

_SMALL_BYTES: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """The sealed bytes and where they are on record. ``is_repeated``: the answer to the same request given before.

    ``digest``: SM3 of the bytes; ``warnings``: codes of what was done otherwise than ordered. ``examined``: what our own verifier found in it; None where it was not asked
    now.
    """

    content: bytes
    digest: bytes
    use_id: str
    audit_id: str
    is_repeated: bool
    warnings: tuple[str, ...] = ()
    examined: Examined | None = None


def seal_document(context: ServiceContext, user: User, seal_id: str, order: SealOrder) -> SealedDocument:
    """Seal ``order.document``, PDF or OFD, with the seal. A sealed PDF begins with the document byte for byte; the files of a sealed OFD
    keep theirs.

    Raises TrustError: SEAL_NOT_FOUND, SEAL_NOT_ACTIVE, SEAL_KEY_ELSEWHERE, SEAL_POWER_HELD, ROLE_FORBIDS, GRANT_*, SEAL_CHANGED (made again meanwhile),
    FIELD_UNACCEPTABLE, PDF_*, OFD_*, PLACEMENT_*, PAGES_UNCLEAR, SEAM_*, PAGE_NOT_FOUND, KEYWORD_NOT_FOUND, IDEMPOTENCY_*, AUDIT_UNAVAILABLE,
    BLOB_STORE_UNAVAILABLE, TIME_STAMP_*, DOCUMENT_FILES_RESERVED, SEAL_SELF_CHECK_FAILED, SEAL_USE_VOIDED, SEAL_WITHOUT_SEAL_DATA, SEAL_NOT_VALID_AT_SIGNING.
    """
    # 1. May this user use this seal? Asked first, so that nobody else's document is even read; decided in step 6.
    context.mark.hold()
    step = context.cohorts.step if _is_small(order) else _beside_others
    with step("seal.see", reads=True):
        seal, certificate = seal_for_document(context, user, seal_id, order)
        trust = context.trust()
    if not seal.is_key_here or seal.state is SealState.DESTROYED:  # without its key: only what was answered before is answered still
        return _answered_before(context, user, seal, order)
    signer = context.keystore.signer(seal.key_id)  # in no step: a key in a device is asked there for its public half

    with step("seal.draft"):
        # 2. Can it be sealed as it is wished? One that was changed after an earlier signature gets no seal of ours on top of that.
        wishes = check_wishes(context, order, trust)
        is_timestamped, form = wishes.is_timestamped, wishes.form

        # 3. With what: key, certificate, chain, picture, time.
        use_id = new_use_id(context.clock.now())
        means = SealMeans(
            seal=seal,
            use_id=use_id,
            signer=signer,
            certificate=certificate,
            chain=tuple(Certificate.from_der(der) for der in seal.chain_der),
            picture=draw_picture(seal),
            at=context.clock.now(),
            is_timestamped=is_timestamped,
            time_stamp_bytes=context.time_stamp_bytes,
        )

        # 4. The document with room for the signature, and the digest over everything else.
        draft = draft_document(context, means, order, form, package=wishes.package)
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
            form=form,
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

        # 9. The whole document, and what our own verifier says of it. Nothing it does not call valid is released, nor what would pass for another
        # service's document.
        trust = context.trust()
        with step("seal.finish"):
            finished = finish_draft(context, draft, order, signature, token, use_id, trust=trust)
            kind, named = order.document_type, intent.named_types
            refuse_reserved_files(context, user, finished.examined, draft.name, document_type=kind, named_types=named)
        sealed = finished.content
        fail_points.reach("seal-document.checked")

        # 10. The result is durable before it is on record; or it is kept elsewhere, by whom it was ordered.
        result_digest = context.blobs.put(sealed) if order.is_result_kept else draft.sm3_of(sealed).hex()
        fail_points.reach("seal-document.stored")

        # 11. tx 2: the result, the idempotency answer and the audit entry; refused where the seal was frozen in the meantime.
        def record(conn: Connection) -> str:
            return record_result(
                context,
                conn,
                user,
                intent,
                result_digest=result_digest,
                result_bytes=len(sealed),
                is_result_kept=order.is_result_kept,
            )

        audit_id = context.database.write(record)
    fail_points.reach("seal-document.recorded")
    digest = bytes.fromhex(result_digest)
    return SealedDocument(sealed, digest, use_id, audit_id, is_repeated=False, warnings=draft.warnings, examined=finished.examined)


def _is_small(order: SealOrder) -> bool:
    """Whether sealing it computes for milliseconds and asks nobody: larger documents are hashed beside others, long-term material is fetched."""
    return len(order.document) <= _SMALL_BYTES and order.level not in {B_LT, B_LTA}


def _beside_others(name: str, *, reads: bool = False) -> nullcontext[None]:
    """No step at all."""
    del name, reads
    return nullcontext()


@dataclass(frozen=True, slots=True)
class _RepeatableDocument:
    request: Repeatable
    document_digest: bytes


def _repeatable(seal_id: str, order: SealOrder) -> _RepeatableDocument | None:
    if order.idempotency_key is None:
        return None
    document_digest = digest_of_request(order.document)
    request_digest = digest_of_order(order, document_digest)
    return _RepeatableDocument(Repeatable(order.idempotency_key, route_of_sealing(seal_id), request_digest), document_digest)


def route_of_sealing(seal_id: str) -> str:
    """Under which route idempotency keys of sealing stand."""
    return f"POST /v1/seals/{seal_id}/signatures"


def digest_of_order(order: SealOrder, document_digest: bytes) -> bytes:
    """What makes an order what it is."""
    wishes = asdict(replace(order, document=b"", idempotency_key=None)) | {"document": document_digest.hex()}
    return digest_of_request(json.dumps(wishes, sort_keys=True).encode())


def _answered_before(context: ServiceContext, user: User, seal: Seal, order: SealOrder) -> SealedDocument:
    """The document that this very request was answered with. SEAL_KEY_ELSEWHERE, SEAL_NOT_ACTIVE, IDEMPOTENCY_*."""
    repeatable = _repeatable(seal.id, order)
    if repeatable is not None:
        request, at = repeatable.request, context.clock.now()
        with context.database.read() as conn:
            claim = context.idempotency.find(
                conn, caller=user.claimant, route=request.route, key=request.key, request_digest=request.request_digest, at=at
            )
        if claim is not None and claim.state is ClaimState.DONE:
            return _given_before(context, Intent(seal, str(claim.reference), at, claim, is_done=True))
    raise seal_not_usable(seal.id, seal.state) if seal.is_key_here else key_elsewhere(seal.id)


def _given_before(context: ServiceContext, intent: Intent) -> SealedDocument:
    with context.database.read() as conn:
        use = store.load_use(conn, intent.use_id)
    if use is None or use.result_digest is None or use.result_audit_id is None:
        raise seal_not_found(intent.seal.id)
    content = context.blobs.get(use.result_digest)
    return SealedDocument(content, bytes.fromhex(use.result_digest), use.id, use.result_audit_id, is_repeated=True)
