"""Remote signing, first phase: a document is made ready for the signature of a key that its owner keeps, and waits for it.

The intent, with the digest that will be signed, is on record before anybody is told what to sign. Order and document are kept, so that
the second phase makes the very same draft again, in whatever process it comes to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from crypto.certificates import Certificate
from crypto.signatures import SignatureAlgorithm
from crypto.sm2 import SM2PublicKey
from crypto.sm3 import sm3
from seal_service import store
from seal_service.actions.choose_grant import Wish, refusal_of
from seal_service.actions.draft_document import check_wishes, draft_document, form_of, seal_for_document
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.keep_powers_apart import check_use
from seal_service.actions.record_use import Repeatable, record_intent
from seal_service.actions.seal_document import digest_of_order
from seal_service.actions.seal_order import SealMeans, SealOrder, read_order, write_order
from seal_service.errors import (
    key_elsewhere,
    key_is_here,
    remote_order_over,
    seal_not_found,
    seal_use_not_found,
    seal_version_conflict,
)
from seal_service.limits import REMOTE_ORDER_SECONDS
from seal_service.model import DocumentForm, Power, UseKind, UseState, new_use_id
from seal_service.store import RemoteOrder
from service_kit import fail_points

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.actions.record_use import User
    from seal_service.actions.seal_order import Draft
    from seal_service.model import Seal, SealUse
    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class OwnersKey:
    """A key that its owner keeps, in the place of a signer: it says which key it is and never signs."""

    key_id: str
    public_spki_der: bytes
    algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3

    def sign(self, message: bytes) -> NoReturn:
        """SEAL_KEY_ELSEWHERE."""
        del message
        raise key_elsewhere(self.key_id)

    def sign_digest(self, digest: bytes) -> NoReturn:
        """SEAL_KEY_ELSEWHERE."""
        del digest
        raise key_elsewhere(self.key_id)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What the owner's device has to sign now. ``digest``: e = SM3(Z_A ‖ to_be_signed), 32 bytes, for devices that take it."""

    use_id: str
    round: int
    to_be_signed: bytes
    digest: bytes
    expires_at: datetime
    warnings: tuple[str, ...] = ()
    is_repeated: bool = False


def prepare_remote_signature(context: ServiceContext, user: User, seal_id: str, order: SealOrder) -> Awaited:
    """Record that ``order`` is to be sealed, and what has to be signed for it.

    Raises TrustError as ``seal_document`` does, and SEAL_KEY_HERE for a seal whose key is in this service.
    """
    # 1. May this user use this seal, and is its key with its owner?
    context.mark.hold()
    seal, certificate = seal_for_document(context, user, seal_id, order)
    if seal.is_key_here:
        raise key_is_here(seal_id)

    # 2. The draft, and the document kept for the second phase.
    wishes = check_wishes(context, order, context.trust())
    is_timestamped, form = wishes.is_timestamped, wishes.form
    order = replace(order, is_timestamped=is_timestamped)
    at = context.clock.now()
    use_id = new_use_id(at)
    draft = draft_document(context, means_of(seal, use_id, at, order), order, form, package=wishes.package)
    document_digest = context.blobs.put(order.document)
    fail_points.reach("remote-signature.prepared")

    # 3. One transaction: right, intent, order and the answer to the idempotency key stand together or not at all.
    repeatable = None
    if order.idempotency_key is not None:
        request_digest = digest_of_order(order, bytes.fromhex(document_digest))
        repeatable = Repeatable(order.idempotency_key, f"POST /v1/seals/{seal_id}/remote-signatures", request_digest)
    kept = RemoteOrder(
        use_id=use_id,
        seal_id=seal_id,
        certificate_digest=sm3(certificate.der).hex(),
        holder=user.name,
        document_digest=document_digest,
        order_json=write_order(order),
        at=at,
        expires_at=at + timedelta(seconds=REMOTE_ORDER_SECONDS),
    )

    def intend(conn: Connection) -> str:
        intent = record_intent(
            context,
            conn,
            user,
            seal_id=seal_id,
            use_id=use_id,
            kind=UseKind.REMOTE,
            digest=draft.digest,
            input_digest=bytes.fromhex(document_digest),
            is_timestamped=is_timestamped,
            repeatable=repeatable,
            form=form,
            document_type=order.document_type,
        )
        if intent.is_done:
            return intent.use_id
        if intent.seal.certificate_der != seal.certificate_der:  # made anew since step 1
            raise seal_version_conflict(seal_id, str(seal.version), intent.seal.version)
        store.insert_remote_order(conn, kept)
        if intent.claim is not None:
            context.idempotency.finish(conn, intent.claim, status=201)
        return use_id

    recorded = context.database.write(intend)
    fail_points.reach("remote-signature.intended")
    if recorded != use_id:
        return replace(find_awaited(context, user, seal_id, recorded), is_repeated=True)
    return awaited(kept, draft, _public_key(seal))


def find_awaited(context: ServiceContext, user: User, seal_id: str, use_id: str) -> Awaited:
    """What has to be signed now for an order that waits. SEAL_USE_NOT_FOUND, REMOTE_ORDER_OVER."""
    order, use, seal = open_order(context, user, seal_id, use_id)
    if use.state is not UseState.INTENT:
        raise remote_order_over(use_id)
    return awaited(order, draft_again(context, order, seal), _public_key(seal))


def open_order(context: ServiceContext, user: User, seal_id: str, use_id: str) -> tuple[RemoteOrder, SealUse, Seal]:
    """An order of this user with its use and its seal.

    Raises TrustError SEAL_USE_NOT_FOUND, also for another's; SEAL_NOT_FOUND where the right was taken back since, GRANT_*, SEAL_POWER_HELD and ROLE_FORBIDS
    where it does not cover the use any more; REMOTE_ORDER_OVER.
    """
    with context.database.read() as conn:
        order, use, seal = store.load_remote_order(conn, use_id), store.load_use(conn, use_id), store.load_seal(conn, seal_id)
        if order is None or use is None or seal is None or order.seal_id != seal_id or order.holder != user.name:
            raise seal_use_not_found(use_id)
        if use.state is UseState.INTENT and not user.is_operator:
            _check_right(context, conn, user, use, seal)
    if use.state is UseState.INTENT and (context.clock.now() >= order.expires_at or _is_made_anew(order, seal)):
        raise remote_order_over(use_id)
    return order, use, seal


def _check_right(context: ServiceContext, conn: Connection, user: User, use: SealUse, seal: Seal) -> None:
    """May he still, and by the grant that the use was counted on? The seal is used when it is signed with, a quarter of an hour later perhaps:
    taken back or over, a right ends with the very next request, whatever other grants there are.
    """
    at = context.clock.now()
    grants = store.list_standing_grants(conn, seal.id, user.name)
    if not grants:
        raise seal_not_found(seal.id)
    check_use(context, conn, seal, user.name, user.human or user.name, Power.USE, at)
    grant = next((each for each in grants if each.id == use.grant_id), None)
    if grant is None:
        raise remote_order_over(use.id)
    form = use.form or DocumentForm.PDF  # named for every remote use
    refusal = refusal_of(grant, Wish(seal.id, user.client_id, form, use.document_type, at))
    if refusal is not None:
        raise refusal[1]


def _is_made_anew(order: RemoteOrder, seal: Seal) -> bool:
    # A step in between, such as freezing and unfreezing, does no harm to what is prepared; another certificate does
    return sm3(seal.certificate_der or b"").hex() != order.certificate_digest


def draft_again(context: ServiceContext, kept: RemoteOrder, seal: Seal) -> Draft:
    """The very draft of the first phase, in the round that is open."""
    order = read_order(kept.order_json, context.blobs.get(kept.document_digest))
    draft = draft_document(context, means_of(seal, kept.use_id, kept.at, order), order, form_of(order.document))
    if kept.first_signature is None or draft.follow is None:
        return draft
    return draft.follow(kept.first_signature)


def means_of(seal: Seal, use_id: str, at: datetime, order: SealOrder) -> SealMeans:
    """With what a document is sealed whose signature comes from outside."""
    certificate = Certificate.from_der(seal.certificate_der or b"")
    return SealMeans(
        seal=seal,
        use_id=use_id,
        signer=OwnersKey(seal.key_id, certificate.spki_der),
        certificate=certificate,
        chain=tuple(Certificate.from_der(der) for der in seal.chain_der),
        picture=draw_picture(seal),
        at=at,
        is_timestamped=bool(order.is_timestamped),
    )


def awaited(kept: RemoteOrder, draft: Draft, key: SM2PublicKey) -> Awaited:
    """What has to be signed now."""
    number = 1 if kept.first_signature is None else 2
    return Awaited(kept.use_id, number, draft.to_be_signed, key.digest(draft.to_be_signed), kept.expires_at, draft.warnings)


def _public_key(seal: Seal) -> SM2PublicKey:
    return SM2PublicKey.from_spki(Certificate.from_der(seal.certificate_der or b"").spki_der)
