"""Make an annotated copy (加注件) of a licence: afresh for each use, with who, why and until when on its face, in its data and in the public log.

Here is the first half: what the copy will say stands durably, with its leaf in the log, before anything is drawn or sealed (transaction 1).
``finish_copy`` does the second, for this request or, after a crash, for the sweeper.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.finish_copy import CopyNote, CopyUse, MadeCopy, check_copyable, finish_copy, read_note, record_copy_use
from licence_vault.actions.record_event import leaf_of, previous_index
from licence_vault.copies import FORMS, CopyRecord, CopyState, CopyStatement, SaltedCopy, is_copy_text, new_copy_id
from licence_vault.copy_errors import copy_over
from licence_vault.errors import field_unacceptable, licence_not_found
from licence_vault.limits import COPY_DAYS, COPY_DAYS_MAX, COPY_LEASE_SECONDS, COPY_MAKER_CHARACTERS, COPY_REASON_CHARACTERS
from licence_vault.log.entries import append_leaf
from licence_vault.model import LicenceEvent, new_salt
from licence_vault.uses import DONE, UseAction
from service_kit import fail_points
from service_kit.idempotency import ClaimState, digest_of_request
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord
    from service_kit.idempotency import Claim

ROUTE: Final = "licence copies"
ROUTE_OF_CODES: Final = "licence copies by use code"  # what a system calls its requests gets in the way of no code


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """Which copy. ``made_by``: who has it made and may use it, as it stands on the copy; ``until``: aware, None for as long as is usual."""

    licence_id: str
    form: str
    made_by: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefusedUse:
    """A refusal by ``decide`` that the access log is to tell more of than the caller is told. ``licence``: of which, None: of the one that was ordered."""

    error: TrustError
    use: CopyUse
    outcome: str
    licence: LicenceRecord | None = None


Decide = Callable[["Connection", "LicenceRecord"], CopyUse | RefusedUse]
"""By what right somebody comes to have a copy, or why not."""


def make_copy(
    means: IssuingMeans,
    order: CopyOrder,
    use: CopyUse,
    *,
    idempotency_key: str | None = None,
    decide: Decide | None = None,
    again: Decide | None = None,
) -> MadeCopy:
    """Make it, and return it with its file. Every copy that is made, and every one that is refused, is in the access log.

    Whether ``use`` may have it is the caller's business. ``decide``: called in the first transaction, once for each copy; it says by what right,
    or refuses (``RefusedUse``, or a TrustError), and changes rows only as its very last step.

    ``again``: where ``idempotency_key`` is no key that the request came with but what it is good for once, such as a use code. It says by what right
    the copy that was begun is given once more to the same request; of another one, ``decide`` says that it has been used.

    Raises TrustError FIELD_UNACCEPTABLE, LICENCE_NOT_FOUND, LICENCE_ERASED, LICENCE_STATE_CONFLICT (not in force), FACE_*, GLYPH_MISSING,
    LICENCE_LOG_PENDING, LICENCE_SELF_CHECK_FAILED, LICENCE_COPY_ABANDONED, LICENCE_COPY_OVER, IDEMPOTENCY_*, and what the sealer refuses.
    """
    # 1. Annotated, committed to the log: durable (tx 1).
    record = begin_copy(means, order, use, idempotency_key=idempotency_key, decide=decide, again=again)
    fail_points.reach("make-copy.intended")

    # 2. Proof, drawing, sealing, checking, tx 2.
    return finish_copy(means, record)


def begin_copy(
    means: IssuingMeans,
    order: CopyOrder,
    use: CopyUse,
    *,
    idempotency_key: str | None = None,
    decide: Decide | None = None,
    again: Decide | None = None,
) -> CopyRecord:
    """The first half: a copy that ``finish_copy`` makes. Parameters and errors as of ``make_copy``."""
    # 1. Is the order in order, and is there anything to seal with?
    means.need_seals()
    _check_order(means, order)

    # 2. The newest event of the licence is in the log: the copy's leaf names its index.
    with means.context.database.read() as conn:
        licence = store.load_licence(conn, order.licence_id)
    if licence is None:
        raise licence_not_found(order.licence_id)
    means.await_proof(licence.last_entry_id)

    # 3. tx 1: statement, leaf, audit entry and idempotency claim stand together; or the refusal stands in the access log.
    def intend(conn: Connection) -> CopyRecord | TrustError:
        return _record_intent(means, conn, order, use, idempotency_key, decide, again)

    decided = means.context.database.write(intend)
    if isinstance(decided, TrustError):
        raise decided
    return decided


def _check_order(means: IssuingMeans, order: CopyOrder) -> None:
    if order.form not in FORMS:
        raise field_unacceptable("form", "pdf or ofd")
    for name, limit in (("made_by", COPY_MAKER_CHARACTERS), ("reason", COPY_REASON_CHARACTERS)):
        if not is_copy_text(getattr(order, name), limit):
            raise field_unacceptable(name, f"1 to {limit} characters on one line, without blanks around them")
    if order.until is not None:
        lasts = order.until - means.context.clock.now()
        if not timedelta(seconds=1) <= lasts <= timedelta(days=COPY_DAYS_MAX):
            raise field_unacceptable("until", f"in the future, at most {COPY_DAYS_MAX} days from now")


def _record_intent(
    means: IssuingMeans,
    conn: Connection,
    order: CopyOrder,
    use: CopyUse,
    idempotency_key: str | None,
    decide: Decide | None,
    again: Decide | None,
) -> CopyRecord | TrustError:
    context, at = means.context, means.context.clock.now()
    copy_id = new_copy_id(at)

    # 1. The licence, held until the commit.
    licence = store.load_licence(conn, order.licence_id, is_locked=True)
    if licence is None:
        raise licence_not_found(order.licence_id)

    # 2. Has this very request been answered before, or begun by a process that died?
    claim = _claim(means, conn, order, use, idempotency_key, copy_id, at, is_of_code=again is not None)
    earlier = None
    if claim is not None and claim.state is not ClaimState.NEW:
        earlier = store.load_copy(conn, str(claim.reference))
        if earlier is not None and claim.state is not ClaimState.DONE and earlier.state is not CopyState.MAKING:
            earlier = None
        if earlier is None:
            context.idempotency.set_reference(conn, claim, copy_id)

    # 3. By what right; and it is in force, with what it says still there. A refusal is on record.
    by_right, about = decide if earlier is None else again, licence
    decided = use if by_right is None else _decided(by_right, conn, licence, use)
    if isinstance(decided, CopyUse):
        use, refusal = decided, check_copyable(licence, at)
        outcome = "" if refusal is None else refusal.code
    else:
        use, refusal, outcome, about = decided.use, decided.error, decided.outcome, decided.licence or licence
    if refusal is not None:
        if claim is not None:
            context.idempotency.release(conn, claim)
        record_copy_use(means, conn, about, use, UseAction.REFUSED, order.reason, outcome, at)
        return refusal
    if earlier is not None:
        if earlier.state is CopyState.MADE and at > earlier.until:
            return copy_over(earlier.id)
        if earlier.state is CopyState.MADE:  # the same file once more: that is a reading of its own
            record_copy_use(means, conn, licence, _use_of(means, conn, earlier), UseAction.DOWNLOADED, order.reason, DONE, at)
        return earlier

    # 4. What the copy will say, sealed under the licence's key, and the commitment to it.
    made_at = at.replace(microsecond=0)
    until = (order.until or made_at + timedelta(days=COPY_DAYS)).astimezone(UTC).replace(microsecond=0)
    if until <= made_at:  # it was in the future when it was asked for; the log or other writers took that long
        raise field_unacceptable("until", "in the future when the copy is made")
    salted = SaltedCopy(CopyStatement(order.form, licence.commitment, order.made_by, order.reason, made_at, until), new_salt())
    key = means.contents.open_key(licence.id, store.load_key(conn, licence.id) or b"")
    sealed = key.seal_note(copy_id, CopyNote(salted, use).write())

    # 5. The leaf, the row, the audit entry.
    leaf = leaf_of(licence, LicenceEvent.ANNOTATED, at, previous_index(conn, licence), None, commitment=salted.commitment())
    record = CopyRecord(
        id=copy_id,
        licence_id=licence.id,
        form=order.form,
        state=CopyState.MAKING,
        note_sealed=sealed,
        made_by=use.client,
        actor=use.actor,
        made_at=made_at,
        until=until,
        entry_id=append_leaf(conn, leaf),
        file_digest=None,
        size_bytes=0,
        blob=None,
        refusal="",
        lease_until=at + timedelta(seconds=COPY_LEASE_SECONDS),
        claim_digest=None if claim is None else claim.key_digest,
    )
    store.insert_copy(conn, record)
    context.audit.record(
        conn,
        at=at,
        actor=use.actor,
        action="licence.copy",
        subject=f"licence:{licence.id}",
        outcome="intended",
        facts={"copy": copy_id, "form": order.form, "commitment": salted.commitment().hex(), "until": until.isoformat()},
    )
    return record


def _decided(decide: Decide, conn: Connection, licence: LicenceRecord, use: CopyUse) -> CopyUse | RefusedUse:
    try:
        return decide(conn, licence)
    except TrustError as refused:
        if refused.kind is Kind.UNAVAILABLE:  # it says nothing about the use: raised as it is, and nothing is recorded
            raise
        return RefusedUse(refused, use, refused.code)


def _use_of(means: IssuingMeans, conn: Connection, copy: CopyRecord) -> CopyUse:
    key = means.contents.open_key(copy.licence_id, store.load_key(conn, copy.licence_id) or b"")
    return read_note(key.open_note(copy.id, copy.note_sealed or b"")).use


def _claim(
    means: IssuingMeans, conn: Connection, order: CopyOrder, use: CopyUse, key: str | None, copy_id: str, at: datetime, *, is_of_code: bool
) -> Claim | None:
    """None without a key, and where a code was claimed by another request: it is decided as any use of a code that was used."""
    if key is None:
        return None
    wishes = [order.licence_id, order.form, order.made_by, order.reason, None if order.until is None else order.until.isoformat()]
    request_digest = digest_of_request(json.dumps(wishes).encode())
    route = ROUTE_OF_CODES if is_of_code else ROUTE
    try:
        return means.context.idempotency.claim(
            conn, caller=use.actor, route=route, key=key, request_digest=request_digest, reference=copy_id, at=at
        )
    except TrustError as error:
        if not is_of_code or error.code != "IDEMPOTENCY_KEY_REUSED":
            raise
        return None
