"""Seals: their rows, their codes, and how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, exists, insert, or_, select, text, update

from seal_service.limits import SERIAL_DIGITS
from seal_service.model import ENDED, Seal, SealState
from seal_service.tables import powers, seals
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.x690_der import SEQUENCE, read_node

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


def read_chain(concatenated: bytes | None) -> tuple[bytes, ...]:
    """Certificates (DER) that stand one after the other in a column."""
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
        made_by=row["made_by"],
        claim_digest=row["claim_digest"],
        key_id=row["key_id"],
        certificate_der=row["certificate_der"],
        chain_der=read_chain(row["chain_der"]),
        seal_data_der=row["seal_data_der"],
        is_certificate_revoked=bool(row["is_certificate_revoked"]),
        picture_width_mm=row["picture_width_mm"],
        made_at=read_time(row["made_at"]),
        state_at=read_time(row["state_at"]),
        name_mongolian=row["name_mongolian"],
        name_romanised=row["name_romanised"],
        design_json=row["design_json"],
        edition=row["edition"],
        application_id=row["application_id"],
        are_powers_separated=bool(row["are_powers_separated"]),
        is_key_here=bool(row["is_key_here"]),
        is_key_destroyed=bool(row["is_key_destroyed"]),
        is_certificate_outside=bool(row["is_certificate_outside"]),
        filing=row["filing"],
        valid_until=read_optional_time(row["valid_until"]),
        key_left_with=row["key_left_with"],
    )


_NEXT_SERIAL: Final = text(
    "INSERT INTO seal_code_counters (division, last_serial) VALUES (:division, 1) "
    "ON CONFLICT (division) DO UPDATE SET last_serial = seal_code_counters.last_serial + 1 RETURNING last_serial"
)
_HOLD_DIVISION: Final = text(
    "INSERT INTO seal_code_counters (division, last_serial) VALUES (:division, 0) "
    "ON CONFLICT (division) DO UPDATE SET last_serial = seal_code_counters.last_serial"
)
_INSERT_SEAL: Final = insert(seals)
_SEAL_BY_ID: Final = select(seals).where(seals.c.id == bindparam("seal_id"))
# The row is locked against a change of state until this transaction ends (PostgreSQL; SQLite has one writer anyway).
_STATE_LOCKED: Final = select(seals.c.state).where(seals.c.id == bindparam("seal_id")).with_for_update(read=True)
_SEAL_LOCKED: Final = _SEAL_BY_ID.with_for_update()


def take_next_serial(conn: Connection, division: str) -> int:
    """The next running number of a division, 1 upwards; unique under concurrency because the counter row is locked by the update.

    Numbers of seals that came from elsewhere are passed over.
    """
    while True:
        serial = int(conn.execute(_NEXT_SERIAL, {"division": division}).scalar_one())
        if not is_code_taken(conn, f"{division}{serial:0{SERIAL_DIGITS}d}"):
            return serial


def hold_division(conn: Connection, division: str) -> None:
    """Let nobody take a code of this division until this transaction ends, and take none."""
    conn.execute(_HOLD_DIVISION, {"division": division})


def is_code_taken(conn: Connection, code: str) -> bool:
    """Whether there is a seal of this code."""
    return conn.execute(select(seals.c.id).where(seals.c.code == code).limit(1)).first() is not None


def is_key_taken(conn: Connection, key_id: str) -> bool:
    """Whether a seal has the key of this name."""
    return conn.execute(select(seals.c.id).where(seals.c.key_id == key_id).limit(1)).first() is not None


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
            "name_mongolian": seal.name_mongolian,
            "name_romanised": seal.name_romanised,
            "design_json": seal.design_json,
            "edition": seal.edition,
            "application_id": seal.application_id,
            "are_powers_separated": seal.are_powers_separated,
            "is_key_here": seal.is_key_here,
            "is_key_destroyed": seal.is_key_destroyed,
            "is_certificate_outside": seal.is_certificate_outside,
            "filing": seal.filing,
            "valid_until": write_optional_time(seal.valid_until),
            "key_left_with": seal.key_left_with,
        },
    )


def load_seal(conn: Connection, seal_id: str, *, is_locked: bool = False) -> Seal | None:
    """One seal; ``is_locked`` keeps others from changing it until this transaction ends."""
    row = conn.execute(_SEAL_LOCKED if is_locked else _SEAL_BY_ID, {"seal_id": seal_id}).mappings().one_or_none()
    return None if row is None else _seal(row)


def hold_state(conn: Connection, seal_id: str) -> SealState | None:
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


def update_edition(conn: Connection, seal: Seal) -> None:
    """Record what a seal is from its next edition on: names, picture, key, certificate, SESeal. State and version are not touched."""
    conn.execute(
        update(seals)
        .where(seals.c.id == seal.id)
        .values(
            name=seal.name,
            organisation=seal.organisation,
            purpose=seal.purpose,
            name_mongolian=seal.name_mongolian,
            name_romanised=seal.name_romanised,
            design_json=seal.design_json,
            picture_width_mm=seal.picture_width_mm,
            edition=seal.edition,
            key_id=seal.key_id,
            is_key_here=seal.is_key_here,
            certificate_der=seal.certificate_der,
            chain_der=b"".join(seal.chain_der),
            seal_data_der=seal.seal_data_der,
            is_certificate_revoked=False,
            is_certificate_outside=seal.is_certificate_outside,
            filing=None,
            valid_until=write_optional_time(seal.valid_until),
        )
    )


def is_filing_of_another(conn: Connection, seal_id: str, filing: str) -> bool:
    """Whether another seal is on file under this number."""
    condition = and_(seals.c.filing == filing, seals.c.id != seal_id)
    return conn.execute(select(seals.c.id).where(condition).limit(1)).first() is not None


def update_filing(conn: Connection, seal_id: str, filing: str) -> None:
    """Record under which number a seal is on file."""
    conn.execute(update(seals).where(seals.c.id == seal_id).values(filing=filing))


def update_valid_until(conn: Connection, seal_id: str, valid_until: datetime) -> None:
    """Record when a seal ends that was made before this was recorded."""
    conn.execute(update(seals).where(seals.c.id == seal_id).values(valid_until=write_time(valid_until)))


def update_key_destroyed(conn: Connection, seal_id: str) -> None:
    """Record that the key of a seal is gone."""
    conn.execute(update(seals).where(seals.c.id == seal_id).values(is_key_destroyed=True))


def update_key_left(conn: Connection, seal_id: str, keeper: str) -> None:
    """Record that the key of a seal is over and left with ``keeper``."""
    conn.execute(update(seals).where(seals.c.id == seal_id).values(key_left_with=keeper))


def update_certificate_revoked(conn: Connection, seal_id: str) -> None:
    """Record that the certificate of a seal is revoked."""
    conn.execute(update(seals).where(seals.c.id == seal_id).values(is_certificate_revoked=True))


def list_seals_of_holder(
    conn: Connection, holder: str | None, *, after: str, limit: int, state: SealState | None = None, search: str = ""
) -> list[Seal]:
    """The seals over which somebody holds a power (None: all seals), in the order of their ids, those behind ``after`` only.

    ``search``: a part of the name or the beginning of the code.
    """
    conditions = [seals.c.id > after]
    if holder is not None:
        conditions.append(exists().where(and_(powers.c.seal_id == seals.c.id, powers.c.holder == holder)))
    if state is not None:
        conditions.append(seals.c.state == state.value)
    if search:
        conditions.append(or_(seals.c.name.contains(search, autoescape=True), seals.c.code.startswith(search, autoescape=True)))
    return [_seal(row) for row in conn.execute(select(seals).where(and_(*conditions)).order_by(seals.c.id).limit(limit)).mappings()]


def list_seals_in_making(conn: Connection, *, limit: int) -> list[Seal]:
    """Seals whose making has begun and has no end yet, the oldest first."""
    statement = select(seals).where(seals.c.state == SealState.MAKING.value).order_by(seals.c.made_at).limit(limit)
    return [_seal(row) for row in conn.execute(statement).mappings()]


def list_seals_with_certificate_to_revoke(conn: Connection, *, limit: int) -> list[Seal]:
    """Seals that have ended and whose certificate is not revoked yet, where we can revoke it."""
    statement = (
        select(seals)
        .where(
            and_(
                seals.c.state.in_([state.value for state in ENDED]),
                seals.c.is_certificate_revoked.is_(False),
                seals.c.is_certificate_outside.is_(False),
                seals.c.certificate_der.is_not(None),
            )
        )
        .order_by(seals.c.id)
        .limit(limit)
    )
    return [_seal(row) for row in conn.execute(statement).mappings()]


def list_seals_with_key_to_destroy(conn: Connection, *, limit: int) -> list[Seal]:
    """Destroyed and abandoned seals whose key is not gone yet, where we can destroy it."""
    states = (SealState.DESTROYED.value, SealState.ABANDONED.value)
    is_ours = and_(seals.c.is_key_here.is_(True), seals.c.key_left_with.is_(None))
    conditions = (seals.c.state.in_(states), seals.c.is_key_destroyed.is_(False), is_ours)
    return [_seal(row) for row in conn.execute(select(seals).where(and_(*conditions)).order_by(seals.c.id).limit(limit)).mappings()]


def list_seals_over(conn: Connection, at: datetime, sources: Collection[str], *, limit: int) -> list[Seal]:
    """Seals in one of ``sources`` whose time is over at ``at``, and those of which it is not known when they end."""
    is_over = or_(seals.c.valid_until < write_time(at), seals.c.valid_until.is_(None))
    statement = select(seals).where(and_(seals.c.state.in_(sorted(sources)), is_over)).order_by(seals.c.id).limit(limit)
    return [_seal(row) for row in conn.execute(statement).mappings()]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a seal may be used now. A seal of this version has the same key and certificate everywhere."""

    state: SealState
    version: int
    valid_until: datetime | None
