"""How following stands: for operators, readiness, and whoever asks the API. Nothing personal, no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.store.follow import count_noted, list_sources, load_source
from service_kit.written_times import write_utc

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.follow_desk import FollowDesk
    from idp.model.follow import FollowedSource, SourceState
    from service_kit.composition import Facts


def view_source(desk: FollowDesk, code: str) -> dict[str, Any]:
    """A source and how far it is, as JSON-compatible values; SOURCE_NOT_FOUND."""
    with desk.people.database.read() as connection:
        return _view(connection, desk, *load_source(connection, desk.people.vault, code))


def view_sources(desk: FollowDesk) -> list[dict[str, Any]]:
    """All of them, as ``view_source`` shows one, in the order of their codes."""
    with desk.people.database.read() as connection:
        return [_view(connection, desk, *each) for each in list_sources(connection, desk.people.vault)]


def _view(connection: Connection, desk: FollowDesk, source: FollowedSource, state: SourceState) -> dict[str, Any]:
    return {
        "code": source.code,
        "protocol": source.protocol.value,
        "base_url": source.base_url,
        "token_url": source.token_address,
        "client_id": source.client_id,
        "public_jwk": desk.public_jwk(source),
        "scope": source.scope,
        "kinds": list(source.kinds),
        "areas": list(source.areas),
        "fields": dict(source.fields),
        "believed_level": source.believed_level,
        "interval_seconds": source.interval_seconds,
        "reconcile_hours": source.reconcile_hours,
        "created_at": write_utc(state.created_at),
        "created_by": state.created_by,
        "cursor": state.cursor,
        "current_at": write_utc(state.current_at),
        "lag_seconds": lag_seconds(state, desk.people.clock.now()),
        "failures": state.failures,
        "last_error": state.last_error,
        "next_at": write_utc(state.next_at),
        "subjects": count_noted(connection, source.code),
        "report": state.report,
    }


def lag_seconds(state: SourceState, now: datetime) -> int:
    """For how long not everything that the source tells has been known to be here; of one that was never caught up with, since it is followed."""
    return max(int((now - (state.current_at or state.created_at)).total_seconds()), 0)


def followed_facts(desk: FollowDesk) -> Facts:
    """For readiness: a source that cannot be reached makes nothing here unready, but is seen."""
    with desk.people.database.read() as connection:
        found = list_sources(connection, desk.people.vault)
    facts: Facts = {"sources": len(found)}
    for source, state in found:
        facts |= _facts(source, state, desk.people.clock.now())
    return facts


def _facts(source: FollowedSource, state: SourceState, now: datetime) -> Facts:
    return {
        f"{source.code}_cursor": state.cursor[:40],
        f"{source.code}_current_at": write_utc(state.current_at),
        f"{source.code}_lag_seconds": lag_seconds(state, now),
        f"{source.code}_last_error": state.last_error,
    }
