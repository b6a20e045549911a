"""Make a person's grant durable, whatever led to it: the grant, its refresh token and the audit row, before anything is signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crypto.sm3 import sm3
from idp.actions.cut_scopes import cut_scopes, cut_to_agreed
from idp.actions.person_desk import claims_in_id_token, demand_standing, demand_unchanged
from idp.model.grants import GRANT_SECONDS
from idp.store.grants import insert_grant, insert_refresh_token

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk, Signings
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import PersonGrant
    from idp.model.registrations import Registration


@dataclass(frozen=True, slots=True)
class Stored:
    """A grant that stands, the id of its audit row, and what its ID token is to say besides."""

    grant: PersonGrant
    token_id: str
    wanted: dict[str, Any]


def store_grant(
    connection: Connection,
    desk: PersonDesk,
    known: KnownClient,
    registration: Registration,
    signings: Signings,
    grant: PersonGrant,
    *,
    by: str,
    refresh_token: str | None,
    at: datetime,
    **facts: str | int | bool | None,
) -> Stored:
    """Within a write job. ``by``: what led to it, for the record. Its scopes are cut to those that stand now.

    GRANT_ENDED where account or session do not stand now, or the person has taken his consent back; SCOPE_NOT_GRANTED where no scope is left.
    """
    grant = cut_scopes(connection, desk.people.vault, grant, known, registration, at, desk.scope_limits)
    grant = cut_to_agreed(connection, desk.people.vault, grant, registration)
    demand_standing(connection, desk, replace(grant, is_offline=False), at)  # what is to outlive its session begins in a living one
    demand_unchanged(connection, desk, known, signings)
    insert_grant(connection, grant, desk.mac_key)
    if refresh_token is not None:
        expires_at = at + timedelta(seconds=GRANT_SECONDS)
        insert_refresh_token(connection, sm3(refresh_token.encode()), grant.grant_id, at, expires_at, desk.mac_key)
    further = {"session": grant.session_id, "acting_for": grant.acting_for, "refresh": refresh_token is not None, **facts}
    token_id = record_tokens(connection, desk, grant, signings, by=by, scopes=grant.scopes, at=at, **further)
    return Stored(grant, token_id, claims_in_id_token(connection, desk, grant, known.client, registration))


def record_tokens(
    connection: Connection,
    desk: PersonDesk,
    grant: PersonGrant,
    signings: Signings,
    *,
    by: str,
    scopes: tuple[str, ...],
    at: datetime,
    **facts: str | int | bool | None,
) -> str:
    """The record that tokens of a grant are issued; its id is the token's (``jti``)."""
    return desk.people.audit.record(
        connection,
        at=at,
        actor=f"client:{grant.client_id}",
        action="token.issue",
        subject=f"account:{grant.account_id}",
        outcome="done",
        facts={
            "by": by,
            "grant": grant.grant_id,
            "scope": " ".join(scopes),
            "audience": grant.audience,
            "key": signings.access.key.key_id,
            **facts,
        },
    )
