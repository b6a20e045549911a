"""Remote signing, second phase: the owner's signature comes, is checked, and the sealed document goes out; or the order is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, verify_signature
from seal_service import store
from seal_service.actions.draft_document import finish_draft
from seal_service.actions.prepare_remote_signature import Awaited, draft_again, find_awaited, open_order
from seal_service.actions.record_use import VOIDED_BY_HOLDER, Intent, record_result, record_void
from seal_service.actions.reserved_files import refuse_reserved_files
from seal_service.actions.seal_document import SealedDocument
from seal_service.actions.seal_order import read_order
from seal_service.errors import (
    remote_order_conflict,
    remote_order_over,
    remote_signature_bad,
    seal_use_not_found,
    time_stamp_not_configured,
)
from seal_service.model import UseState
from service_kit import fail_points
from standards.errors import MalformedError, TrustError
from standards.gbt32918_sm2 import write_signature

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seal_service.actions.record_use import User
    from seal_service.model import SealUse
    from service_kit.composition import ServiceContext

_RAW_BYTES: Final = 64  # r and s, 32 bytes each, as devices give them


def finish_remote_signature(
    context: ServiceContext, user: User, seal_id: str, use_id: str, *, number: int, signature: bytes
) -> SealedDocument | Awaited:
    """Take the signature of round ``number`` (64 raw bytes r ‖ s, or DER): the sealed document, or what has to be signed next.

    The same signature again gives the same answer. Raises TrustError SEAL_USE_NOT_FOUND, REMOTE_ORDER_OVER, REMOTE_ROUND_CONFLICT,
    REMOTE_SIGNATURE_BAD, GRANT_*, SEAL_NOT_ACTIVE, SEAL_SELF_CHECK_FAILED, TIME_STAMP_*, AUDIT_UNAVAILABLE.
    """
    # 1. The order of this user, and the round that is open; what has ended is given again, or said to be over.
    kept, use, seal = open_order(context, user, seal_id, use_id)
    if use.state is UseState.DONE:
        return _given_before(context, use)
    if use.state is not UseState.INTENT:
        raise remote_order_over(use_id)
    value_der = read_signature_value(signature)
    opened = 1 if kept.first_signature is None else 2
    if number == 1 and opened == 2 and kept.first_signature == value_der:
        return find_awaited(context, user, seal_id, use_id)
    if number != opened:
        raise remote_order_conflict(use_id, opened, number)

    # 2. Is it the seal's key over what was asked for? Nothing is changed by one that is not.
    draft = draft_again(context, kept, seal)
    certificate = Certificate.from_der(seal.certificate_der or b"")
    identifier = algorithm_identifier(SignatureAlgorithm.SM2_SM3)
    if verify_signature(certificate.spki_der, identifier, draft.to_be_signed, value_der) is not SignatureCheck.GOOD:
        raise remote_signature_bad("not by the key of the seal over to_be_signed")

    # 3. The first of two rounds: the value is part of what is signed next.
    if draft.follow is not None:
        if not context.database.write(lambda conn: store.put_first_signature(conn, use_id, value_der)):
            raise remote_order_conflict(use_id, 2, number)
        fail_points.reach("remote-signature.first-round")
        return find_awaited(context, user, seal_id, use_id)

    # 4. Time-stamp, document, and what our own verifier says of it, with no transaction open.
    stamp = context.time_stamp if use.is_timestamped else None
    if use.is_timestamped and stamp is None:  # since it was ordered: what was ordered with a time-stamp is not given without
        raise time_stamp_not_configured()
    token = None if stamp is None else stamp(value_der)
    order = read_order(kept.order_json, context.blobs.get(kept.document_digest))
    finished = finish_draft(context, draft, order, value_der, token, use_id, trust=context.trust())
    refuse_reserved_files(context, user, finished.examined, draft.name, document_type=order.document_type, named_types=frozenset())
    sealed = finished.content
    result_digest = context.blobs.put(sealed)
    fail_points.reach("remote-signature.stored")

    # 5. The result is on record before it goes out; refused where the seal was frozen, and for all but one of those who come at once.
    intent = Intent(seal, use_id, use.intent_at)

    def record(conn: Connection) -> str:
        return record_result(context, conn, user, intent, result_digest=result_digest, result_bytes=len(sealed))

    try:
        audit_id = context.database.write(record)
    except TrustError:
        with context.database.read() as conn:
            now = store.load_use(conn, use_id)
        if now is not None and now.state is UseState.DONE:
            return _given_before(context, now)
        raise
    fail_points.reach("remote-signature.recorded")
    return SealedDocument(sealed, bytes.fromhex(result_digest), use_id, audit_id, is_repeated=False, warnings=draft.warnings)


def give_up_remote_signature(context: ServiceContext, user: User, seal_id: str, use_id: str) -> None:
    """Give an order up; given up already, it stays so. SEAL_USE_NOT_FOUND; SEAL_USE_VOIDED where it is sealed already."""
    with context.database.read() as conn:
        order, use = store.load_remote_order(conn, use_id), store.load_use(conn, use_id)
    if order is None or use is None or order.seal_id != seal_id or order.holder != user.name:
        raise seal_use_not_found(use_id)
    if use.state is UseState.VOIDED:
        return
    context.database.write(lambda conn: record_void(context, conn, user.actor, seal_id=seal_id, use_id=use_id, reason=VOIDED_BY_HOLDER))


def read_signature_value(signature: bytes) -> bytes:
    """64 raw bytes or DER -> DER, strictly. REMOTE_SIGNATURE_BAD."""
    from standards.gbt32918_sm2 import read_signature

    try:
        if len(signature) == _RAW_BYTES:
            half = _RAW_BYTES // 2
            return write_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        read_signature(signature)
    except (MalformedError, ValueError):
        raise remote_signature_bad("neither 64 bytes r, s nor DER") from None
    return signature


def _given_before(context: ServiceContext, use: SealUse) -> SealedDocument:
    if use.result_digest is None or use.result_audit_id is None:
        raise seal_use_not_found(use.id)
    content = context.blobs.get(use.result_digest)
    return SealedDocument(content, bytes.fromhex(use.result_digest), use.id, use.result_audit_id, is_repeated=True)
