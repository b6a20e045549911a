"""Uses of seals: the intent before the key is used, the result after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, insert, select, update

from seal_service.model import USABLE, DocumentForm, SealUse, UseKind, UseState
from seal_service.store.seals import hold_state
from seal_service.tables import seals, uses
from service_kit.prepared import Prepared
from service_kit.row_values import read_optional_time, read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_INSERT_USE: Final = Prepared(insert(uses))
_USE_BY_ID: Final = select(uses).where(uses.c.id == bindparam("use_id"))
_FINISH_USE: Final = Prepared(
    update(uses)
    .where(
        and_(
            uses.c.id == bindparam("use_id"),
            uses.c.state == UseState.INTENT.value,
            select(seals.c.state).where(seals.c.id == uses.c.seal_id).scalar_subquery() == USABLE.value,
        )
    )
    .values(
        state=UseState.DONE.value,
        finished_at=bindparam("finished"),
        result_digest=bindparam("digest_of_result"),
        result_bytes=bindparam("bytes_of_result"),
        result_inline=bindparam("inline"),
        is_result_kept=bindparam("is_kept"),
        result_audit_id=bindparam("audit_id"),
    )
)
_VOID_USE: Final = (
    update(uses)
    .where(and_(uses.c.id == bindparam("use_id"), uses.c.state == UseState.INTENT.value))
    .values(
        state=UseState.VOIDED.value,
        finished_at=bindparam("finished"),
        void_reason=bindparam("reason"),
        result_audit_id=bindparam("audit_id"),
    )
)


def _use(row: RowMapping) -> SealUse:
    return SealUse(
        id=row["id"],
        seal_id=row["seal_id"],
        client_id=row["client_id"],
        kind=UseKind(row["kind"]),
        state=UseState(row["state"]),
        digest=row["digest"],
        input_digest=row["input_digest"],
        owner=row["owner"],
        claim_digest=row["claim_digest"],
        intent_at=read_time(row["intent_at"]),
        finished_at=read_optional_time(row["finished_at"]),
        result_digest=row["result_digest"],
        result_bytes=row["result_bytes"],
        result_inline=row["result_inline"],
        is_timestamped=row["is_timestamped"],
        void_reason=row["void_reason"],
        intent_audit_id=row["intent_audit_id"],
        result_audit_id=row["result_audit_id"],
        holder=row["holder"] or row["client_id"],
        form=None if row["form"] is None else DocumentForm(row["form"]),
        document_type=row["document_type"] or "",
        grant_id=row["grant_id"],
    )


def insert_intent(
    conn: Connection,
    *,
    use_id: str,
    seal_id: str,
    client_id: str,
    kind: UseKind,
    digest: bytes,
    input_digest: bytes | None,
    owner: str,
    claim_digest: bytes | None,
    at: datetime,
    is_timestamped: bool,
    audit_id: str,
    holder: str,
    form: DocumentForm,
    document_type: str,
    grant_id: str | None,
) -> None:
    """The intent to use a seal over ``digest`` (SM3, 32 bytes)."""
    values: dict[str, Any] = {
        "id": use_id,
        "seal_id": seal_id,
        "client_id": client_id,
        "kind": kind.value,
        "state": UseState.INTENT.value,
        "digest": digest,
        "input_digest": input_digest,
        "owner": owner,
        "claim_digest": claim_digest,
        "intent_at": write_time(at),
        "finished_at": None,
        "result_digest": None,
        "result_bytes": None,
        "result_inline": None,
        "is_result_kept": None,
        "is_timestamped": is_timestamped,
        "void_reason": None,
        "intent_audit_id": audit_id,
        "result_audit_id": None,
        "holder": holder,
        "form": form.value,
        "document_type": document_type,
        "grant_id": grant_id,
    }
    _INSERT_USE.change(conn, values)


def finish_use(
    conn: Connection,
    use_id: str,
    *,
    seal_id: str,
    at: datetime,
    result_digest: str,
    result_bytes: int,
    result_inline: bytes | None,
    is_result_kept: bool,
    audit_id: str,
) -> bool:
    """Record the result of an intent; False where it is none any more (it was voided), or the seal is not usable now."""
    if conn.dialect.name != "sqlite":  # which has one writer: nobody changes the seal before this transaction ends
        hold_state(conn, seal_id)
    values = {
        "use_id": use_id,
        "finished": write_time(at),
        "digest_of_result": result_digest,
        "bytes_of_result": result_bytes,
        "inline": result_inline,
        "is_kept": is_result_kept,
        "audit_id": audit_id,
    }
    return _FINISH_USE.change(conn, values) == 1


def void_use(conn: Connection, use_id: str, *, at: datetime, reason: str, audit_id: str) -> bool:
    """Void an intent; False where it is none any more."""
    return conn.execute(_VOID_USE, {"use_id": use_id, "finished": write_time(at), "reason": reason, "audit_id": audit_id}).rowcount == 1


def find_use_by_claim(conn: Connection, seal_id: str, claim_digest: bytes, *, since: datetime) -> str | None:
    """The finished use of a seal that answered an idempotency claim, among those begun ``since`` then: their ids stand by time."""
    first = f"su_{int(since.timestamp() * 1000):012x}"
    wanted = and_(uses.c.seal_id == seal_id, uses.c.id >= first, uses.c.claim_digest == claim_digest, uses.c.state == UseState.DONE.value)
    return conn.execute(select(uses.c.id).where(wanted).limit(1)).scalar_one_or_none()


def load_use(conn: Connection, use_id: str) -> SealUse | None:
    """One use of a seal."""
    row = conn.execute(_USE_BY_ID, {"use_id": use_id}).mappings().one_or_none()
    return None if row is None else _use(row)


def list_intents(conn: Connection, *, limit: int) -> list[SealUse]:
    """Intents that have neither result nor end, the oldest first; without those that wait for their owner's signature."""
    waits_for_nobody = and_(uses.c.state == UseState.INTENT.value, uses.c.kind != UseKind.REMOTE.value)
    statement = select(uses).where(waits_for_nobody).order_by(uses.c.intent_at).limit(limit)
    return [_use(row) for row in conn.execute(statement).mappings()]


def list_uses_of_seal(conn: Connection, seal_id: str, *, after: str, limit: int, holder: str | None = None) -> list[SealUse]:
    """Uses of a seal (by one holder, or all) in the order of their ids, which is that of time, those behind ``after`` only."""
    conditions = [uses.c.seal_id == seal_id, uses.c.id > after]
    if holder is not None:
        conditions.append(uses.c.holder == holder)
    statement = select(uses).where(and_(*conditions)).order_by(uses.c.id).limit(limit)
    return [_use(row) for row in conn.execute(statement).mappings()]
