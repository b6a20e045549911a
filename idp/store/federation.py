"""Rows of sign-ins at other providers: who is away there, which of our sessions rest on theirs, identities in doubt."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from idp.model.federation import STANDING, Conflict, ConflictState, Doubt, Trip, upstream_identifier
from idp.model.sign_in import SESSION_PREFIX
from idp.store.rows import check_mac, row_mac
from idp.tables import identity_conflicts, upstream_notices, upstream_sessions, upstream_trips
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from idp.store.accounts import Vault

_TRIP: Final = select(upstream_trips).where(upstream_trips.c.state_hash == bindparam("wanted"))
_CONFLICT: Final = select(identity_conflicts).where(identity_conflicts.c.conflict_id == bindparam("wanted"))
_STANDING: Final = select(identity_conflicts).where(identity_conflicts.c.standing == bindparam("wanted"))
_UPSTREAM: Final = select(upstream_sessions.c.upstream).where(upstream_sessions.c.session_id == bindparam("wanted"))
_SEALED: Final = ("subject", "kind", "name", "id_type", "id_number", "level")


# Trips


def _state_hash(vault: Vault, state: str) -> bytes:
    return vault.sealer.find(state.encode(), "idp.upstream-state")


def insert_trip(connection: Connection, vault: Vault, trip: Trip) -> None:
    """Remember who has gone to an upstream."""
    found = _state_hash(vault, trip.state)
    kept = {**asdict(trip), "browser_hash": trip.browser_hash.hex(), "expires_at": write_time(trip.expires_at)}
    sealed = vault.sealer.seal(json.dumps(kept).encode(), f"idp_upstream_trips.trip:{found.hex()}")
    row = {"state_hash": found, "trip_sealed": sealed, "expires_at": write_time(trip.expires_at)}
    connection.execute(insert(upstream_trips), row)


def find_trip(connection: Connection, vault: Vault, state: str) -> Trip | None:
    """The trip that a state belongs to, None where there is none or its answer has come."""
    found = _state_hash(vault, state)
    row = connection.execute(_TRIP, {"wanted": found}).mappings().first()
    if row is None:
        return None
    kept = json.loads(vault.sealer.open(row["trip_sealed"], f"idp_upstream_trips.trip:{found.hex()}"))
    return Trip(**{**kept, "browser_hash": bytes.fromhex(kept["browser_hash"]), "expires_at": read_time(kept["expires_at"])})


def take_trip(connection: Connection, vault: Vault, state: str) -> bool:
    """Take it away; False where another answer was faster."""
    return connection.execute(delete(upstream_trips).where(upstream_trips.c.state_hash == _state_hash(vault, state))).rowcount == 1


def sweep_trips(connection: Connection, before: datetime) -> int:
    """Remove trips from which nobody came back, and notices that need not be remembered any longer."""
    connection.execute(delete(upstream_notices).where(upstream_notices.c.expires_at < write_time(before)))
    return connection.execute(delete(upstream_trips).where(upstream_trips.c.expires_at < write_time(before))).rowcount


# Sessions


def _subject_hash(vault: Vault, upstream: str, subject: str) -> bytes:
    return vault.sealer.find(upstream_identifier(upstream, subject).encode(), "idp.upstream-subject")


def _session_hash(vault: Vault, upstream: str, session: str) -> bytes:
    return vault.sealer.find(upstream_identifier(upstream, session).encode(), "idp.upstream-session")


def note_upstream(connection: Connection, vault: Vault, session_id: str, upstream: str, subject: str, session: str) -> None:
    """Remember on whose sign-in a session of ours rests, or a sign-in under way here; ``session``: the upstream's own name of its session, may be empty."""
    forget_upstream(connection, session_id)
    row = {
        "session_id": session_id,
        "upstream": upstream,
        "subject_hash": _subject_hash(vault, upstream, subject),
        "upstream_session_hash": _session_hash(vault, upstream, session) if session else None,
    }
    connection.execute(insert(upstream_sessions), row)


def forget_upstream(connection: Connection, session_id: str) -> None:
    """A session, or a sign-in under way, rests on no upstream (any more)."""
    connection.execute(delete(upstream_sessions).where(upstream_sessions.c.session_id == session_id))


def upstream_of(connection: Connection, session_id: str) -> str:
    """The upstream on which a session rests; empty: none."""
    found: str | None = connection.execute(_UPSTREAM, {"wanted": session_id}).scalar()
    return found or ""


def sessions_of_upstream(connection: Connection, vault: Vault, upstream: str, *, subject: str, session: str) -> tuple[str, ...]:
    """Our sessions, and sign-ins under way, that rest on a session of the upstream (of that subject, where both are given), or on any of a subject's."""
    wanted = select(upstream_sessions.c.session_id)
    if session:
        wanted = wanted.where(upstream_sessions.c.upstream_session_hash == _session_hash(vault, upstream, session))
    if subject:
        wanted = wanted.where(upstream_sessions.c.subject_hash == _subject_hash(vault, upstream, subject))
    return tuple(connection.execute(wanted.order_by(upstream_sessions.c.session_id)).scalars()) if subject or session else ()


def note_notice(connection: Connection, vault: Vault, upstream: str, notice: str, expires_at: datetime) -> bool:
    """Remember a notice of an upstream; False where it has come before."""
    found = vault.sealer.find(upstream_identifier(upstream, notice).encode(), "idp.upstream-notice")
    if connection.execute(select(upstream_notices.c.notice_hash).where(upstream_notices.c.notice_hash == found)).first() is not None:
        return False
    try:
        connection.execute(insert(upstream_notices), {"notice_hash": found, "expires_at": write_time(expires_at)})
    except IntegrityError:
        return False
    return True


# Identities in doubt


def _conflict_row(vault: Vault, conflict: Conflict) -> dict[str, Any]:
    sealed = json.dumps({name: getattr(conflict, name) for name in _SEALED}, ensure_ascii=False).encode()
    row: dict[str, Any] = {
        "conflict_id": conflict.conflict_id,
        "upstream": conflict.upstream,
        "standing": _subject_hash(vault, conflict.upstream, conflict.subject) if conflict.state in STANDING else None,
        "doubt": conflict.doubt.value,
        "account_id": conflict.account_id,
        "identity_sealed": vault.sealer.seal(sealed, f"idp_identity_conflicts.identity:{conflict.conflict_id}"),
        "state": conflict.state.value,
        "opened_at": write_time(conflict.opened_at),
        "last_at": write_time(conflict.last_at),
        "tries": conflict.tries,
        "decided_at": write_optional_time(conflict.decided_at),
        "decided_by": conflict.decided_by,
        "reason": conflict.reason,
        "version": conflict.version,
    }
    row["row_mac"] = row_mac(vault.mac_key, identity_conflicts.name, row)
    return row


def _conflict(vault: Vault, row: RowMapping) -> Conflict:
    check_mac(vault.mac_key, identity_conflicts.name, row["conflict_id"], row)
    sealed = json.loads(vault.sealer.open(row["identity_sealed"], f"idp_identity_conflicts.identity:{row['conflict_id']}"))
    return Conflict(
        conflict_id=row["conflict_id"],
        upstream=row["upstream"],
        doubt=Doubt(row["doubt"]),
        account_id=row["account_id"],
        state=ConflictState(row["state"]),
        opened_at=read_time(row["opened_at"]),
        last_at=read_time(row["last_at"]),
        tries=row["tries"],
        decided_at=read_optional_time(row["decided_at"]),
        decided_by=row["decided_by"],
        reason=row["reason"],
        version=row["version"],
        **sealed,
    )


def insert_conflict(connection: Connection, vault: Vault, conflict: Conflict) -> None:
    """Add an identity in doubt."""
    connection.execute(insert(identity_conflicts), _conflict_row(vault, conflict))


def update_conflict(connection: Connection, vault: Vault, conflict: Conflict) -> None:
    """Write a changed one over its version before; CONFLICT_DECIDED where somebody else was faster."""
    same = (identity_conflicts.c.conflict_id == conflict.conflict_id) & (identity_conflicts.c.version == conflict.version - 1)
    if connection.execute(update(identity_conflicts).where(same).values(_conflict_row(vault, conflict))).rowcount != 1:
        raise TrustError(Kind.CONFLICT, "CONFLICT_DECIDED", state=conflict.state.value)


def standing_conflict(connection: Connection, vault: Vault, upstream: str, subject: str) -> Conflict | None:
    """The doubt that keeps a subject of an upstream out."""
    row = connection.execute(_STANDING, {"wanted": _subject_hash(vault, upstream, subject)}).mappings().first()
    return None if row is None else _conflict(vault, row)


def load_conflict(connection: Connection, vault: Vault, conflict_id: str) -> Conflict:
    """One; CONFLICT_NOT_FOUND."""
    row = connection.execute(_CONFLICT, {"wanted": conflict_id}).mappings().first()
    if row is None:
        raise TrustError(Kind.NOT_FOUND, "CONFLICT_NOT_FOUND")
    return _conflict(vault, row)


def list_conflicts(connection: Connection, vault: Vault, *, state: ConflictState, after: str, count: int) -> tuple[Conflict, ...]:
    """Those in a state, in the order of their ids."""
    wanted = select(identity_conflicts).where(identity_conflicts.c.state == state.value, identity_conflicts.c.conflict_id > after)
    query = wanted.order_by(identity_conflicts.c.conflict_id).limit(count)
    return tuple(_conflict(vault, row) for row in connection.execute(query).mappings().all())


def count_open_conflicts(connection: Connection) -> dict[str, int]:
    """How many identities of each upstream wait for somebody to decide."""
    counted = select(identity_conflicts.c.upstream, func.count()).where(identity_conflicts.c.state == ConflictState.OPEN.value)
    return {row[0]: row[1] for row in connection.execute(counted.group_by(identity_conflicts.c.upstream))}


def count_upstream_sessions(connection: Connection) -> dict[str, int]:
    """How many sessions here rest on a sign-in at each upstream; sign-ins under way are none yet."""
    are_sessions = upstream_sessions.c.session_id.startswith(SESSION_PREFIX, autoescape=True)
    counted = select(upstream_sessions.c.upstream, func.count()).where(are_sessions).group_by(upstream_sessions.c.upstream)
    return {row[0]: row[1] for row in connection.execute(counted)}
