"""Seal a digest: the document never leaves its owner. The hot job of the service: awaited, no thread, two grouped commits."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from crypto.signatures import SignatureCheck, algorithm_identifier, verify_signature
from crypto.sm3 import sm3
from seal_service import store
from seal_service.actions.digest_values import PLAIN, begin_value, find_faults
from seal_service.actions.record_use import Repeatable, User, give_up, record_intent, record_result, remember
from seal_service.errors import (
    digest_unacceptable,
    key_elsewhere,
    own_check_failed,
    seal_not_found,
    time_stamp_not_configured,
)
from seal_service.model import UseKind, new_use_id
from service_kit import fail_points
from service_kit.idempotency import digest_of_request

if TYPE_CHECKING:
    from crypto.signer import Signer
    from seal_service.actions.digest_values import DigestForm
    from seal_service.actions.record_use import Intent
    from service_kit.composition import ServiceContext

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_DIGEST_BYTES: Final = 32
JUDGED_FOR: Final = timedelta(seconds=1)  # how long the full verifier's word on a seal's certificate stands for further signatures with it
KNOWN_CERTIFICATES: Final = 1024  # that are remembered per process

_found_good: Final[dict[bytes, datetime]] = {}  # when the full verifier last called a signature with this certificate valid


@dataclass(frozen=True, slots=True)
class SealedDigest:
    """A value over the digest, in the wished form, and where it is on record. ``value_der``: a detached CMS, or a SES_Signature."""

    value_der: bytes
    use_id: str
    audit_id: str
    signed_at: datetime
    is_repeated: bool


def read_digest(text: str) -> bytes:
    """32 bytes from hex (64 digits) or base64 (44 characters, padded). Raises TrustError DIGEST_UNACCEPTABLE."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    with suppress(binascii.Error, ValueError):
        digest = base64.b64decode(text, validate=True)
        if len(digest) == _DIGEST_BYTES:
            return digest
    raise digest_unacceptable()


async def sign_digest(
    context: ServiceContext,
    user: User,
    seal_id: str,
    digest: bytes,
    *,
    is_timestamped: bool = False,
    idempotency_key: str | None = None,
    document_type: str = "",
    form: DigestForm = PLAIN,
) -> SealedDigest:
    """A value over a content of which ``digest`` is the SM3: by default a detached CMS (RFC 5652, SM2 with SM3, signing time inside).

    Raises TrustError as ``seal_document`` does.
    """
    if is_timestamped and context.time_stamp is None:
        raise time_stamp_not_configured()
    context.mark.hold()
    use_id = new_use_id(context.clock.now())
    repeatable = None
    if idempotency_key is not None:
        wishes = (document_type.encode(),) if document_type or form.wishes else ()
        request_digest = digest_of_request(digest, b"stamped" if is_timestamped else b"", *wishes, *form.wishes)
        repeatable = Repeatable(idempotency_key, f"POST /v1/seals/{seal_id}/digest-signatures", request_digest)

    # 1. tx 1: the right, the intent with the digest, the idempotency claim and the audit entry stand together or not at all.
    recording = context.database.awrite(
        lambda conn: record_intent(
            context,
            conn,
            user,
            seal_id=seal_id,
            use_id=use_id,
            kind=UseKind.DIGEST,
            digest=digest,
            input_digest=None,
            is_timestamped=is_timestamped,
            repeatable=repeatable,
            document_type=document_type,
        )
    )
    try:
        intent = await asyncio.shield(recording)
    except asyncio.CancelledError:  # a time-out, or the caller went away: the job is done all the same, and nobody would end what it leaves
        asyncio.ensure_future(recording).add_done_callback(partial(_end_unwanted, context, user))
        raise
    remember(intent.seal)
    if intent.is_done:
        return await anyio.to_thread.run_sync(_given_before, context, intent)
    fail_points.reach("sign-digest.intended")

    try:
        # 2. The signature, checked before it is used, with no transaction open. Half a millisecond: cheaper here than in a thread.
        value_der = await _sign(context, intent, digest, form, is_timestamped=is_timestamped)
        fail_points.reach("sign-digest.signed")

        # 3. tx 2: result, idempotency answer and audit entry; refused where the seal was frozen in the meantime.
        result_digest = sm3(value_der).hex()
        audit_id = await context.database.awrite(
            lambda conn: record_result(
                context, conn, user, intent, result_digest=result_digest, result_bytes=len(value_der), result_inline=value_der
            )
        )
    except BaseException as error:  # edge: no intent of a living process is left open; the cause goes on its way
        await anyio.to_thread.run_sync(give_up, context, user, intent, error)
        raise
    fail_points.reach("sign-digest.recorded")
    return SealedDigest(value_der, use_id, audit_id, intent.at, is_repeated=False)


def _end_unwanted(context: ServiceContext, user: User, recorded: asyncio.Future[Intent]) -> None:
    """Give up an intent that nobody waits for any more, once it is on record; in a thread, since an event loop does not wait for a database."""
    if recorded.cancelled() or recorded.exception() is not None or recorded.result().is_done:
        return
    recorded.get_loop().run_in_executor(None, give_up, context, user, recorded.result(), None)


async def _sign(context: ServiceContext, intent: Intent, digest: bytes, form: DigestForm, *, is_timestamped: bool) -> bytes:
    seal = intent.seal
    if not seal.is_key_here:
        raise key_elsewhere(seal.id)
    signer = context.keystore.signer(seal.key_id)
    wanted = begin_value(seal, digest, form, algorithm=signer.algorithm, at=intent.at)
    signature = _checked_signature(signer, wanted.to_be_signed, intent.use_id)
    while not wanted.is_last:
        wanted = wanted.follow(signature)
        signature = _checked_signature(signer, wanted.to_be_signed, intent.use_id)
    token = await anyio.to_thread.run_sync(context.time_stamp, signature) if is_timestamped and context.time_stamp is not None else None
    value_der = wanted.finish(signature, token)

    # The whole of it, certificate and revocation included, costs more than the signature. So it is judged once a second for each
    # certificate, and always with a time-stamp or a seal; in between, what can differ from one signature to the next has been checked above.
    certificate_der = wanted.order.certificate.der
    judged_at = _found_good.get(certificate_der)
    is_judged = judged_at is not None and timedelta(0) <= context.clock.now() - judged_at < JUDGED_FOR
    if token is not None or form.has_seal or not is_judged:
        await anyio.to_thread.run_sync(_check, context, intent, certificate_der, digest, value_der, form)
    return value_der


def _checked_signature(signer: Signer, to_be_signed: bytes, use_id: str) -> bytes:
    """A signature that verifies with the signer's key: a faulted one could betray it."""
    signature = signer.sign(to_be_signed)
    if verify_signature(signer.public_spki_der, algorithm_identifier(signer.algorithm), to_be_signed, signature) is not SignatureCheck.GOOD:
        raise own_check_failed(use_id, "SIG_VALUE_BAD")
    return signature


def _check(context: ServiceContext, intent: Intent, certificate_der: bytes, digest: bytes, value_der: bytes, form: DigestForm) -> None:
    """What our own verifier says of the whole. Nothing it does not call valid is released."""
    at = context.clock.now()
    faults = find_faults(value_der, digest, form, context.trust(), signed_at=intent.at, at=at)
    if faults is not None:
        _found_good.pop(certificate_der, None)
        raise own_check_failed(intent.use_id, faults)
    if len(_found_good) >= KNOWN_CERTIFICATES:
        _found_good.clear()
    _found_good[certificate_der] = at


def _given_before(context: ServiceContext, intent: Intent) -> SealedDigest:
    with context.database.read() as conn:
        use = store.load_use(conn, intent.use_id)
    if use is None or use.result_inline is None or use.result_audit_id is None:
        raise seal_not_found(intent.seal.id)
    return SealedDigest(use.result_inline, use.id, use.result_audit_id, use.intent_at, is_repeated=True)
