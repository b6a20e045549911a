"""Rows of the seal service: read and written inside the caller's transaction. Nothing here commits, nothing here decides.

Statements are built once, so that a call costs the database and not the building of SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select, text, update

from seal_service.model import USABLE, Seal, SealState, SealUse, UseKind, UseState
from seal_service.tables import grants, seals, uses
from standards.x690_der import SEQUENCE, read_node

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, CursorResult, Executable, RowMapping

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def write_time(at: datetime) -> int:
    """Aware time -> microseconds since 1970 UTC."""
    return (at - _EPOCH) // _MICROSECOND


def read_time(microseconds: int) -> datetime:
    """Microseconds since 1970 UTC -> aware UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _read_optional_time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else read_time(microseconds)


class _Prepared:
    """A statement without result of the hot path: compiled once per database, run past what SQLAlchemy does for each execution.

    For a SELECT its own cache is better: it also keeps what is known of the columns.
    """

    def __init__(self, statement: Executable, columns: Collection[str] | None = None) -> None:
        """``columns``: of an INSERT, those that are given."""
        self._statement: Any = statement
        self._columns = columns
        self._compiled: dict[str, tuple[str, dict[str, Any], list[str] | None]] = {}

    def run(self, conn: Connection, values: dict[str, Any]) -> CursorResult[Any]:
        """Run it. Values are given as the driver takes them: bytes, text, integers, true and false."""
        compiled = self._compiled.get(conn.dialect.name)
        if compiled is None:
            made = self._statement.compile(dialect=conn.dialect, column_keys=self._columns)
            compiled = self._compiled[conn.dialect.name] = (str(made), made.params, made.positiontup)
        sql, constants, order = compiled
        given = {**constants, **values}
        return conn.exec_driver_sql(sql, given if order is None else tuple([given[name] for name in order]))


# Seals


def _read_chain(concatenated: bytes | None) -> tuple[bytes, ...]:
    chain: list[bytes] = []
    offset, data = 0, concatenated or b""
    while offset < len(data):
        node = read_node(data, offset, len(data)).expect(SEQUENCE)
        chain.append(node.raw)
        offset = node.end
    return tuple(chain)


def _seal(row: RowMapping) -> Seal:
    return Seal(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        organisation=row["organisation"],
        purpose=row["purpose"],
        credit_code=row["credit_code"],
        type_code=row["type_code"],
        state=SealState(row["state"]),
        state_reason=row["state_reason"],
        version=row["version"],
        managed_by=row["managed_by"],
        made_by=row["made_by"],
        claim_digest=row["claim_digest"],
        key_id=row["key_id"],
        certificate_der=row["certificate_der"],
        chain_der=_read_chain(row["chain_der"]),
        seal_data_der=row["seal_data_der"],
        is_certificate_revoked=bool(row["is_certificate_revoked"]),
        picture_width_mm=row["picture_width_mm"],
        made_at=read_time(row["made_at"]),
        state_at=read_time(row["state_at"]),
    )


_NEXT_SERIAL: Final = text(
    "INSERT INTO seal_code_counters (division, last_serial) VALUES (:division, 1) "
    "ON CONFLICT (division) DO UPDATE SET last_serial = seal_code_counters.last_serial + 1 RETURNING last_serial"
)
_INSERT_SEAL: Final = insert(seals)
_SEAL_BY_ID: Final = select(seals).where(seals.c.id == bindparam("seal_id"))
# The row is locked against a change of state until this transaction ends (PostgreSQL; SQLite has one writer anyway).
_STATE_LOCKED: Final = select(seals.c.state).where(seals.c.id == bindparam("seal_id")).with_for_update(read=True)
_SEAL_LOCKED: Final = _SEAL_BY_ID.with_for_update()


def take_next_serial(conn: Connection, division: str) -> int:
    """The next running number of a division, 1 upwards; unique under concurrency because the counter row is locked by the update."""
    return int(conn.execute(_NEXT_SERIAL, {"division": division}).scalar_one())


def insert_seal(conn: Connection, seal: Seal) -> None:
    """A new seal, in whatever state it says."""
    conn.execute(
        _INSERT_SEAL,
        {
            "id": seal.id,
            "code": seal.code,
            "name": seal.name,
            "organisation": seal.organisation,
            "purpose": seal.purpose,
            "credit_code": seal.credit_code,
            "type_code": seal.type_code,
            "state": seal.state.value,
            "state_reason": seal.state_reason,
            "version": seal.version,
            "managed_by": seal.managed_by,
            "made_by": seal.made_by,
            "claim_digest": seal.claim_digest,
            "key_id": seal.key_id,
            "certificate_der": seal.certificate_der,
            "chain_der": b"".join(seal.chain_der) or None,
            "seal_data_der": seal.seal_data_der,
            "is_certificate_revoked": seal.is_certificate_revoked,
            "picture_width_mm": seal.picture_width_mm,
            "made_at": write_time(seal.made_at),
            "state_at": write_time(seal.state_at),
        },
    )


def load_seal(conn: Connection, seal_id: str, *, is_locked: bool = False) -> Seal | None:
    """One seal; ``is_locked`` keeps others from changing it until this transaction ends."""
    row = conn.execute(_SEAL_LOCKED if is_locked else _SEAL_BY_ID, {"seal_id": seal_id}).mappings().one_or_none()
    return None if row is None else _seal(row)


def load_state(conn: Connection, seal_id: str) -> SealState | None:
    """The present state of a seal, held as it is until this transaction ends: no change of state can come in between."""
    state = conn.execute(_STATE_LOCKED, {"seal_id": seal_id}).scalar_one_or_none()
    return None if state is None else SealState(state)


def update_state(conn: Connection, seal: Seal, *, state: SealState, reason: str | None, at: datetime) -> None:
    """Move a seal to another state; its version goes up by one."""
    conn.execute(
        update(seals)
        .where(seals.c.id == seal.id)
        .values(state=state.value, state_reason=reason, state_at=write_time(at), version=seals.c.version + 1)
    )


def update_certificate(conn: Connection, seal_id: str, certificate_der: bytes, chain_der: Collection[bytes], seal_data_der: bytes) -> None:
    """Record the certificate of a seal that is being made, and the SESeal made for it."""
    conn.execute(
        update(seals)
        .where(seals.c.id == seal_id)
        .values(certificate_der=certificate_der, chain_der=b"".join(chain_der), seal_data_der=seal_data_der)
    )


def update_certificate_revoked(conn: Connection, seal_id: str) -> None:
    """Record that the certificate of a seal is revoked."""
    conn.execute(update(seals).where(seals.c.id == seal_id).values(is_certificate_revoked=True))


def list_seals_known_to(conn: Connection, client_id: str, *, after: str, limit: int) -> list[Seal]:
    """The seals a client manages or may use, in the order of their ids, those behind ``after`` only."""
    is_granted = exists().where(and_(grants.c.seal_id == seals.c.id, grants.c.client_id == client_id))
    statement = (
        select(seals).where(and_(seals.c.id > after, or_(seals.c.managed_by == client_id, is_granted))).order_by(seals.c.id).limit(limit)
    )
    return [_seal(row) for row in conn.execute(statement).mappings()]


def list_seals_in_making(conn: Connection, *, limit: int) -> list[Seal]:
    """Seals whose making has begun and has no end yet, the oldest first."""
    statement = select(seals).where(seals.c.state == SealState.MAKING.value).order_by(seals.c.made_at).limit(limit)
    return [_seal(row) for row in conn.execute(statement).mappings()]


def list_seals_with_certificate_to_revoke(conn: Connection, *, limit: int) -> list[Seal]:
    """Revoked seals whose certificate is not revoked yet."""
    statement = (
        select(seals)
        .where(
            and_(
                seals.c.state == SealState.REVOKED.value,
                seals.c.is_certificate_revoked.is_(False),
                seals.c.certificate_der.is_not(None),
            )
        )
        .order_by(seals.c.id)
        .limit(limit)
    )
    return [_seal(row) for row in conn.execute(statement).mappings()]


# Grants

_INSERT_GRANT: Final = text(
    "INSERT INTO seal_grants (seal_id, client_id, granted_by, granted_at) VALUES (:seal_id, :client_id, :granted_by, :granted_at) "
    "ON CONFLICT (seal_id, client_id) DO NOTHING"
)
_IS_GRANTED: Final = select(grants.c.client_id).where(
    and_(grants.c.seal_id == bindparam("seal_id"), grants.c.client_id == bindparam("client_id"))
)


def insert_grant(conn: Connection, seal_id: str, client_id: str, *, granted_by: str, at: datetime) -> None:
    """Let a client use a seal; a grant that is there already stays as it is."""
    conn.execute(_INSERT_GRANT, {"seal_id": seal_id, "client_id": client_id, "granted_by": granted_by, "granted_at": write_time(at)})


def delete_grant(conn: Connection, seal_id: str, client_id: str) -> bool:
    """Take a grant back; False where there was none."""
    return conn.execute(delete(grants).where(and_(grants.c.seal_id == seal_id, grants.c.client_id == client_id))).rowcount > 0


def list_grants(conn: Connection, seal_id: str) -> list[str]:
    """The clients that may use a seal."""
    return list(conn.execute(select(grants.c.client_id).where(grants.c.seal_id == seal_id).order_by(grants.c.client_id)).scalars())


def is_granted(conn: Connection, seal_id: str, client_id: str) -> bool:
    """Whether a client may use a seal."""
    return conn.execute(_IS_GRANTED, {"seal_id": seal_id, "client_id": client_id}).first() is not None


# Whether a client may use a seal now; the row is held against a change of state until the transaction ends.
_RIGHT: Final = select(
    seals.c.state,
    seals.c.version,
    exists().where(and_(grants.c.seal_id == seals.c.id, grants.c.client_id == bindparam("client_id"))).label("is_granted"),
).where(seals.c.id == bindparam("seal_id"))
_RIGHT_LOCKED: Final = _RIGHT.with_for_update(read=True, of=seals)


@dataclass(frozen=True, slots=True)
class Right:
    """What decides whether a client may use a seal now. A seal of this version has the same key and certificate everywhere."""

    state: SealState
    version: int
    is_granted: bool


def load_right(conn: Connection, seal_id: str, client_id: str, *, is_locked: bool = False) -> Right | None:
    """A client's right to use a seal; ``is_locked`` holds the seal as it is until this transaction ends. None: there is no such seal."""
    row = conn.execute(_RIGHT_LOCKED if is_locked else _RIGHT, {"seal_id": seal_id, "client_id": client_id}).first()
    return None if row is None else Right(SealState(row[0]), row[1], bool(row[2]))


# Uses

_INSERT_USE: Final = _Prepared(insert(uses), uses.c.keys())
_USE_BY_ID: Final = select(uses).where(uses.c.id == bindparam("use_id"))
_FINISH_USE: Final = _Prepared(
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
        finished_at=_read_optional_time(row["finished_at"]),
        result_digest=row["result_digest"],
        result_bytes=row["result_bytes"],
        result_inline=row["result_inline"],
        is_timestamped=row["is_timestamped"],
        void_reason=row["void_reason"],
        intent_audit_id=row["intent_audit_id"],
        result_audit_id=row["result_audit_id"],
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
        "is_timestamped": is_timestamped,
        "void_reason": None,
        "intent_audit_id": audit_id,
        "result_audit_id": None,
    }
    _INSERT_USE.run(conn, values)


def finish_use(
    conn: Connection,
    use_id: str,
    *,
    seal_id: str,
    at: datetime,
    result_digest: str,
    result_bytes: int,
    result_inline: bytes | None,
    audit_id: str,
) -> bool:
    """Record the result of an intent; False where it is none any more (it was voided), or the seal is not usable now."""
    if conn.dialect.name != "sqlite":  # which has one writer: nobody changes the seal before this transaction ends
        conn.execute(_STATE_LOCKED, {"seal_id": seal_id})
    values = {
        "use_id": use_id,
        "finished": write_time(at),
        "digest_of_result": result_digest,
        "bytes_of_result": result_bytes,
        "inline": result_inline,
        "audit_id": audit_id,
    }
    return _FINISH_USE.run(conn, values).rowcount == 1


def void_use(conn: Connection, use_id: str, *, at: datetime, reason: str, audit_id: str) -> bool:
    """Void an intent; False where it is none any more."""
    return conn.execute(_VOID_USE, {"use_id": use_id, "finished": write_time(at), "reason": reason, "audit_id": audit_id}).rowcount == 1


def load_use(conn: Connection, use_id: str) -> SealUse | None:
    """One use of a seal."""
    row = conn.execute(_USE_BY_ID, {"use_id": use_id}).mappings().one_or_none()
    return None if row is None else _use(row)


def list_intents(conn: Connection, *, limit: int) -> list[SealUse]:
    """Intents that have neither result nor end, the oldest first."""
    statement = select(uses).where(uses.c.state == UseState.INTENT.value).order_by(uses.c.intent_at).limit(limit)
    return [_use(row) for row in conn.execute(statement).mappings()]
