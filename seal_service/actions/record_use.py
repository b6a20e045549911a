"""The two transactions around each use of a seal's key, the same for documents and digests: the intent before, the result after.

Both run inside the caller's write job. Between them the key is used with no transaction open.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.choose_grant import Wish, choose_grant
from seal_service.actions.keep_powers_apart import check_use
from seal_service.actions.publish_news import tell_of_use
from seal_service.errors import NOT_ACTIVE, seal_not_found, seal_not_usable, use_was_voided
from seal_service.model import USABLE, DocumentForm, Power, Seal, SealState, UseKind, UseState
from service_kit.callers import claimant_of
from service_kit.idempotency import Claim, ClaimState
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

ACTION: Final = "seal.use"
VOIDED_BY_STATE: Final = "seal-not-active"
VOIDED_BY_FAILURE: Final = "failed"
VOIDED_AS_ORPHAN: Final = "orphan"
VOIDED_AS_OVER: Final = "not-signed-in-time"
VOIDED_BY_HOLDER: Final = "given-up"
KNOWN_SEALS: Final = 1024  # seals remembered per process, some 4 KB each


_known: Final[
    dict[tuple[str, int], Seal]
] = {}  # by id and version; each step on it is one of the interpreter's own, so threads may share it


@dataclass(frozen=True, slots=True)
class User:
    """Who uses a seal. ``is_operator``: at this machine's command line, with the deployment's folder at hand; grants do not bind him,
    states and the audit trail do. No HTTP request ever makes an operator.
    """

    client_id: str
    actor: str  # as the audit trail names him
    is_operator: bool = False
    holder: str = ""  # as powers are kept by (``Caller.holder``); empty: the client itself
    token_grant_id: str = ""  # what his token hangs on (``Caller.grant_id``)
    human: str = ""  # the natural person behind it all (``Caller.human``); empty: the holder himself

    @property
    def name(self) -> str:
        """Under which name his powers and grants stand."""
        return self.holder or self.client_id

    @property
    def claimant(self) -> str:
        """Whose idempotency keys his are."""
        return claimant_of(self.client_id, self.name)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that carries an idempotency key. ``request_digest``: SM3 over everything that makes the request what it is."""

    key: str
    route: str
    request_digest: bytes


@dataclass(frozen=True, slots=True)
class Intent:
    """What tx 1 found and left: the seal, the use under way, or (``is_done``) the use that answered the same request before. ``named_types``: the document types
    that the grant names; none where it has no limit.
    """

    seal: Seal
    use_id: str
    at: datetime
    claim: Claim | None = None
    is_done: bool = False
    named_types: frozenset[str] = frozenset()


def record_intent(
    context: ServiceContext,
    conn: Connection,
    user: User,
    *,
    seal_id: str,
    use_id: str,
    kind: UseKind,
    digest: bytes,
    input_digest: bytes | None,
    is_timestamped: bool,
    repeatable: Repeatable | None,
    form: DocumentForm | None = None,
    document_type: str = "",
) -> Intent:
    """Check that the user may use the seal now and record that he is about to; all in one transaction. Once that is committed, the caller
    may ``remember`` the seal.

    ``form`` None: a digest, or else a PDF. ``document_type``: the label the user gives, for grants that name types.

    Raises TrustError SEAL_NOT_FOUND (unknown, or no grant: the same answer), SEAL_NOT_ACTIVE, SEAL_POWER_HELD, ROLE_FORBIDS, GRANT_*, AUDIT_UNAVAILABLE, IDEMPOTENCY_*.
    """
    # 1. May this user use this seal? The row is held as it is until the commit.
    form = form or (DocumentForm.DIGEST if kind is UseKind.DIGEST else DocumentForm.PDF)
    right = store.load_right(conn, seal_id, user.name)
    if right is None or not (right[1] or user.is_operator):
        raise seal_not_found(seal_id)
    standing, grants = right
    seal, at = _seal_of_version(conn, seal_id, standing.version), context.clock.now()

    # 2. Has this very request been answered before, or begun by a process that died?
    claim = None
    if repeatable is not None:
        claim = context.idempotency.claim(
            conn,
            caller=user.claimant,
            route=repeatable.route,
            key=repeatable.key,
            request_digest=repeatable.request_digest,
            reference=use_id,
            at=at,
        )
        if claim.state is ClaimState.DONE:
            return Intent(seal, str(claim.reference), at, claim, is_done=True)
        if claim.state is ClaimState.RESUMED:
            earlier = None if claim.reference is None else store.load_use(conn, claim.reference)
            if earlier is not None and earlier.state is UseState.INTENT:
                record_void(context, conn, user.actor, seal_id=seal_id, use_id=earlier.id, reason=VOIDED_AS_ORPHAN)
            context.idempotency.set_reference(conn, claim, use_id)

    # 3. Now? And does a grant cover this use? One that counts is counted here, where the intent is recorded.
    if standing.state is not USABLE:
        raise seal_not_usable(seal_id, standing.state)
    if standing.valid_until is not None and at > standing.valid_until:
        raise seal_not_usable(seal_id, SealState.EXPIRED)
    if not user.is_operator:
        check_use(context, conn, seal, user.name, user.human or user.name, Power.USE, at)
    grant = None if user.is_operator else choose_grant(conn, grants, Wish(seal_id, user.client_id, form, document_type, at))

    # 4. The intent, on record before the key is used.
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=user.actor,
        action=ACTION,
        subject=f"seal:{seal_id}",
        outcome="intended",
        facts={
            "seal_use": use_id,
            "kind": kind.value,
            "digest": digest.hex(),
            "timestamped": is_timestamped,
            **({"document_type": document_type} if document_type else {}),
            **({"grant": grant.id} if grant is not None else {}),
        },
    )
    store.insert_intent(
        conn,
        use_id=use_id,
        seal_id=seal_id,
        client_id=user.client_id,
        kind=kind,
        digest=digest,
        input_digest=input_digest,
        owner=context.audit.writer_id,
        claim_digest=None if claim is None else claim.key_digest,
        at=at,
        is_timestamped=is_timestamped,
        audit_id=audit_id,
        holder=user.name,
        form=form,
        document_type=document_type,
        grant_id=None if grant is None else grant.id,
    )
    return Intent(seal, use_id, at, claim, named_types=frozenset() if grant is None else grant.document_types)


def _seal_of_version(conn: Connection, seal_id: str, version: int) -> Seal:
    """The seal as it is at a version: key and certificate do not change with the same version, so it is read once per process."""
    seal = _known.get((seal_id, version)) or store.load_seal(conn, seal_id)
    if seal is None:
        raise seal_not_found(seal_id)
    return seal


def remember(seal: Seal) -> None:
    """Spare the next use the reading of a seal. Only of what is committed: what a transaction reads may be another job's of the same commit,
    and where that fails the version never was.
    """
    if (seal.id, seal.version) in _known:
        return
    if len(_known) >= KNOWN_SEALS:
        _known.clear()
    _known[seal.id, seal.version] = seal


def see_seal(context: ServiceContext, user: User, seal_id: str) -> Seal:
    """The seal as it is now, if this user may use it. A first look, with no transaction: :func:`record_intent` decides.

    Raises TrustError SEAL_NOT_FOUND (unknown, or no grant: the same answer).
    """
    seen = context.database.look(store.SEEN_QUERY, {"seal_id": seal_id, "holder_name": user.name})
    if seen is None or not (seen[2] or user.is_operator):
        raise seal_not_found(seal_id)
    seal = _known.get((seal_id, seen[0]))
    if seal is None:
        with context.database.read() as conn:
            seal = store.load_seal(conn, seal_id)
        if seal is None:
            raise seal_not_found(seal_id)
        remember(seal)  # under the version that was read, whatever the look said a moment before
    return seal


def record_result(
    context: ServiceContext,
    conn: Connection,
    user: User,
    intent: Intent,
    *,
    result_digest: str,
    result_bytes: int,
    result_inline: bytes | None = None,
    is_result_kept: bool = True,
) -> str:
    """Record the result; the audit entry's id. ``is_result_kept`` False: it lies neither here nor in the blobs. Refused where the seal is not active any more, so that nothing is released behind a freeze.

    Raises TrustError SEAL_NOT_ACTIVE, or SEAL_USE_VOIDED where the sweeper was faster; then nothing is changed.
    """
    at = context.clock.now()
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=user.actor,
        action=ACTION,
        subject=f"seal:{intent.seal.id}",
        outcome="done",
        facts={"seal_use": intent.use_id, "result": result_digest, "bytes": result_bytes},
    )
    if not store.finish_use(
        conn,
        intent.use_id,
        seal_id=intent.seal.id,
        at=at,
        result_digest=result_digest,
        result_bytes=result_bytes,
        result_inline=result_inline,
        is_result_kept=is_result_kept,
        audit_id=audit_id,
    ):
        state = store.hold_state(conn, intent.seal.id)
        raise use_was_voided(intent.use_id) if state is USABLE else seal_not_usable(intent.seal.id, str(state))
    if intent.claim is not None:
        context.idempotency.finish(conn, intent.claim, status=200)
    tell_of_use(context, conn, seal_id=intent.seal.id, use_id=intent.use_id, user=user.client_id, at=at, audit_id=audit_id)
    return audit_id


def record_void(context: ServiceContext, conn: Connection, actor: str, *, seal_id: str, use_id: str, reason: str) -> str:
    """Void an intent: its result is never released. Returns the audit entry's id.

    Raises TrustError SEAL_USE_VOIDED where the use has ended already; then nothing is changed.
    """
    at = context.clock.now()
    audit_id = context.audit.record(
        conn,
        at=at,
        actor=actor,
        action=ACTION,
        subject=f"seal:{seal_id}",
        outcome="voided",
        facts={"seal_use": use_id, "reason": reason},
    )
    if not store.void_use(conn, use_id, at=at, reason=reason, audit_id=audit_id):
        raise use_was_voided(use_id)
    store.give_one_use_back(conn, use_id)
    return audit_id


def give_up(context: ServiceContext, user: User, intent: Intent, error: BaseException | None) -> None:
    """Void a use that ``error`` ended, and let its idempotency key be used again. Where even that cannot be written, the sweeper will."""
    by_state = isinstance(error, TrustError) and error.code == NOT_ACTIVE

    def void(conn: Connection) -> None:
        reason = VOIDED_BY_STATE if by_state else VOIDED_BY_FAILURE
        record_void(context, conn, user.actor, seal_id=intent.seal.id, use_id=intent.use_id, reason=reason)
        if intent.claim is not None:
            context.idempotency.release(conn, intent.claim)

    with suppress(TrustError):
        context.database.write(void)


@contextmanager
def ended_if_failing(context: ServiceContext, user: User, intent: Intent) -> Iterator[None]:
    """Whatever ends the block, the intent is ended too, and the cause goes on its way."""
    try:
        yield
    except BaseException as error:  # edge: no intent of a living process is left open
        give_up(context, user, intent, error)
        raise
