"""Rows of grants and of the refresh tokens that hang on them. Spent and ended are set once, by conditional updates, and are then under the row's MAC. Nothing here commits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from idp.model.grants import TWO_FACTORS, PersonGrant
from idp.store.rows import check_ending, ended_row, row_mac, without_unset
from idp.tables import accounts, agents, grants, refresh_tokens
from service_kit.callers import PERSON_PREFIX
from service_kit.prepared import Prepared
from service_kit.row_values import read_optional_time, read_time, write_time
from service_kit.tables import role_holders
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from service_kit.database import Database

_ONE: Final = Prepared(select(grants).where(grants.c.grant_id == bindparam("wanted")))
_REFRESH: Final = Prepared(select(refresh_tokens).where(refresh_tokens.c.token_digest == bindparam("wanted")))
_INSERT: Final = Prepared(insert(grants))
_INSERT_REFRESH: Final = Prepared(insert(refresh_tokens))
_SPEND: Final = Prepared(
    update(refresh_tokens)
    .where(refresh_tokens.c.token_digest == bindparam("wanted"), refresh_tokens.c.spent_at.is_(None))
    .values(spent_at=bindparam("at"), row_mac=bindparam("mac"))
)
_LATER_IN_JSON: Final = ("exchanged_by",)  # not in rows from before
_IN_JSON: Final = ("acting_for", "acr", "audience", "nonce", "is_offline", "dpop_jkt", "certificate_digest")
_NEWER: Final = frozenset({"is_offline", "acting_for", "source_id"})
_CAME_OF: Final = select(grants).where(grants.c.source_id == bindparam("source"), grants.c.ended_at.is_(None)).order_by(grants.c.grant_id)
_FROM_BEFORE: Final = grants.c.is_offline.is_(None)
_COLUMNS: Final = tuple(column.name for column in grants.c)
_LOOK: Final = (  # last, whether the account, or whom it acts for, needs two factors by now
    f"SELECT {', '.join(_COLUMNS)}, EXISTS (SELECT 1 FROM {role_holders.name} "  # noqa: S608 - names of our own
    f"WHERE holder IN ('{PERSON_PREFIX}' || {grants.name}.account_id, '{PERSON_PREFIX}' || {grants.name}.acting_for)) "
    f"OR EXISTS (SELECT 1 FROM {accounts.name} WHERE account_id = {grants.name}.account_id AND needs_two_factors) "
    f"FROM {grants.name} WHERE grant_id = :wanted"
)
_LOOK_AT_OFFICE: Final = f"SELECT 1 FROM {role_holders.name} WHERE holder = :holder"  # noqa: S608 - a name of our own
_ENDS: Final = frozenset({"ended_at", "ended_why"})
_SPENT: Final = frozenset({"spent_at"})


def insert_grant(connection: Connection, grant: PersonGrant, mac_key: bytes) -> None:
    """Store a new grant."""
    inner = {name: getattr(grant, name) for name in _IN_JSON} | {
        "scopes": list(grant.scopes),
        "amr": list(grant.amr),
        "auth_at": write_time(grant.auth_at),
        "claims": dict(grant.claims),
    }
    inner |= {name: getattr(grant, name) for name in _LATER_IN_JSON if getattr(grant, name) is not None}
    row: dict[str, Any] = {
        "grant_id": grant.grant_id,
        "client_id": grant.client_id,
        "account_id": grant.account_id,
        "session_id": grant.session_id,
        "grant_json": json.dumps(inner, sort_keys=True, separators=(",", ":")),
        "created_at": write_time(grant.created_at),
        "is_offline": grant.is_offline,
        "acting_for": grant.acting_for,
        "source_id": grant.source_id,
    }
    row["row_mac"] = row_mac(mac_key, grants.name, without_unset(row, _NEWER))
    _INSERT.change(connection, {**row, "ended_at": None, "ended_why": ""})


def find_grant(connection: Connection, grant_id: str, mac_key: bytes) -> PersonGrant | None:
    """A grant, ended ones too; None where there is none. ROW_ALTERED for an edited row."""
    row = _ONE.first(connection, {"wanted": grant_id})
    return None if row is None else _grant(row, mac_key)


def _check(row: Mapping[Any, Any], mac_key: bytes) -> None:
    whole = {**without_unset(row, _NEWER), "ended_why": row["ended_why"] or None}
    check_ending(mac_key, grants.name, row["grant_id"], whole, _ENDS)


def is_living(database: Database, grant_id: str, mac_key: bytes) -> bool:
    """Whether there is such a grant, it has not ended, and it came of two factors where its account, or whom it acts for, needs them by now: for every use of a token, by
    one small look. ROW_ALTERED for an edited row.
    """
    found = database.look(_LOOK, {"wanted": grant_id})
    if found is None:
        return False
    *values, needs_two = found
    row = dict(zip(_COLUMNS, values, strict=True))
    if row["is_offline"] is not None:
        row["is_offline"] = bool(row["is_offline"])  # a number, where the look went past the table's types
    _check(row, mac_key)
    if row["is_offline"] is None and not needs_two:  # a row from before names whom it acts for in its JSON alone
        office = {"holder": f"{PERSON_PREFIX}{json.loads(row['grant_json'])['acting_for']}"}
        needs_two = database.look(_LOOK_AT_OFFICE, office) is not None
    return row["ended_at"] is None and not (needs_two and TWO_FACTORS not in json.loads(row["grant_json"])["amr"])


def _grant(row: Mapping[Any, Any], mac_key: bytes) -> PersonGrant:
    _check(row, mac_key)
    inner = json.loads(row["grant_json"])
    return PersonGrant(
        grant_id=row["grant_id"],
        client_id=row["client_id"],
        account_id=row["account_id"],
        session_id=row["session_id"],
        **{name: inner[name] for name in _IN_JSON},
        **{name: inner.get(name) for name in _LATER_IN_JSON},
        scopes=tuple(inner["scopes"]),
        amr=tuple(inner["amr"]),
        auth_at=read_time(inner["auth_at"]),
        claims=inner["claims"],
        created_at=read_time(row["created_at"]),
        ended_at=read_optional_time(row["ended_at"]),
        ended_why=row["ended_why"],
        source_id=row["source_id"],
    )


def end_grant(connection: Connection, grant_id: str, at: datetime, why: str, mac_key: bytes) -> int:
    """End a grant with all its tokens, and what came of it by trust tickets or in exchange; how many ended, 0 where it had, or is none. ROW_ALTERED for an edited row."""
    row = _ONE.first(connection, {"wanted": grant_id})
    if row is None:
        return 0
    _check(row, mac_key)
    return _end_with_what_came_of_it(connection, row, at, why, mac_key)


def _end_with_what_came_of_it(connection: Connection, row: Mapping[Any, Any], at: datetime, why: str, mac_key: bytes) -> int:
    """How many ended: nothing here hangs longer on a sign-in that was passed on than on the sign-in itself, through however many hands it went."""
    ended, waiting = 0, [row]
    while waiting:
        source = waiting.pop()
        if _end_row(connection, source, at, why, mac_key):
            ended += 1
            waiting += connection.execute(_CAME_OF, {"source": source["grant_id"]}).mappings().all()
    return ended


def _end_row(connection: Connection, row: Mapping[Any, Any], at: datetime, why: str, mac_key: bytes) -> bool:
    living = update(grants).where(grants.c.grant_id == row["grant_id"], grants.c.ended_at.is_(None))
    end = {"ended_at": write_time(at), "ended_why": why}
    ended = ended_row(mac_key, grants.name, row, end, _NEWER) if _is_ours(row, mac_key) else end  # no MAC for what is not of ours
    return connection.execute(living.values(ended)).rowcount == 1


def end_grants_of_session(connection: Connection, session_id: str, at: datetime, mac_key: bytes) -> int:
    """End what hangs on a session; grants that were made to outlive it go on. How many ended."""
    within = (grants.c.session_id == session_id) & (grants.c.is_offline.is_(None) | ~grants.c.is_offline)
    return _end(connection, within, lambda grant: not grant.is_offline, at, "session", mac_key)


def offline_grants(connection: Connection, account_id: str, at: datetime, mac_key: bytes) -> tuple[tuple[str, datetime], ...]:
    """What a person has let clients keep without him there, for himself or others, and can still be used: (client, since when), the oldest first.

    One that was written past the program is told by its columns, as it is ended by them: it must not keep the others from being seen.
    """
    usable = select(refresh_tokens.c.grant_id).where(
        refresh_tokens.c.grant_id == grants.c.grant_id, refresh_tokens.c.spent_at.is_(None), refresh_tokens.c.expires_at > write_time(at)
    )
    kept = _kept_by(account_id) & grants.c.ended_at.is_(None) & usable.exists()
    rows = connection.execute(select(grants).where(kept).order_by(grants.c.created_at, grants.c.grant_id)).mappings()
    return tuple((row["client_id"], read_time(row["created_at"])) for row in rows if _is_to_end(row, _is_offline, mac_key))


def end_offline_grants(connection: Connection, account_id: str, client_id: str, at: datetime, mac_key: bytes) -> int:
    """End what a person has let a client keep without him there. How many ended."""
    return _end(connection, _kept_by(account_id) & (grants.c.client_id == client_id), _is_offline, at, "taken back", mac_key)


def end_grants_of_client(connection: Connection, account_id: str, client_id: str, at: datetime, mac_key: bytes) -> int:
    """End all that a person has let a client have, also what ends with a session. How many ended."""
    return _end(
        connection, (grants.c.account_id == account_id) & (grants.c.client_id == client_id), lambda _: True, at, "taken back", mac_key
    )


def _kept_by(account_id: str) -> ColumnElement[bool]:
    return (grants.c.account_id == account_id) & (_FROM_BEFORE | grants.c.is_offline)


def _is_offline(grant: PersonGrant) -> bool:
    return grant.is_offline


def end_grants_of_agent(connection: Connection, person_id: str, organisation_id: str, at: datetime, mac_key: bytes) -> int:
    """End what a person holds for an organisation, also what outlives its session. How many ended."""
    held = (grants.c.account_id == person_id) & (_FROM_BEFORE | (grants.c.acting_for == organisation_id))
    return _end(connection, held, lambda grant: grant.acting_for == organisation_id, at, "agent revoked", mac_key)


def end_grants_of_account(
    connection: Connection, account_id: str, at: datetime, mac_key: bytes, *, why: str, but: str | None = None
) -> int:
    """End all that a person holds, for himself or others, also what outlives its session; but what hangs on one session. How many ended."""
    return _end(connection, grants.c.account_id == account_id, lambda grant: but is None or grant.session_id != but, at, why, mac_key)


def end_grants_of_organisation(connection: Connection, organisation_id: str, at: datetime, mac_key: bytes) -> int:
    """End all that anybody holds for an organisation. How many ended."""
    people = select(agents.c.person_id).where(agents.c.organisation_id == organisation_id)
    held = (grants.c.acting_for == organisation_id) | (_FROM_BEFORE & grants.c.account_id.in_(people))
    return _end(connection, held, lambda grant: grant.acting_for == organisation_id, at, "account not active", mac_key)


def _end(
    connection: Connection, found: ColumnElement[bool], ends: Callable[[PersonGrant], bool], at: datetime, why: str, mac_key: bytes
) -> int:
    """End the living grants among those found of which ``ends`` is true. Columns find rows; what a grant is, it says itself, under its MAC.

    One that was written past the program is ended by its columns, and stays refused: it must not keep the others, or its account, from ending.
    """
    rows = connection.execute(select(grants).where(found, grants.c.ended_at.is_(None)).order_by(grants.c.grant_id)).mappings().all()
    return sum(_end_with_what_came_of_it(connection, row, at, why, mac_key) for row in rows if _is_to_end(row, ends, mac_key))


def _is_to_end(row: Mapping[Any, Any], ends: Callable[[PersonGrant], bool], mac_key: bytes) -> bool:
    return not _is_ours(row, mac_key) or ends(_grant(row, mac_key))


def _is_ours(row: Mapping[Any, Any], mac_key: bytes) -> bool:
    try:
        _check(row, mac_key)
    except TrustError:
        return False
    return True


def grants_in_session(connection: Connection, session_id: str, client_id: str, mac_key: bytes) -> tuple[PersonGrant, ...]:
    """The grants that a client got in a session, ended or not, the newest first; of each person or organisation they are about, one."""
    newest = select(grants).where(grants.c.session_id == session_id, grants.c.client_id == client_id)
    rows = connection.execute(newest.order_by(grants.c.created_at.desc(), grants.c.grant_id)).mappings()
    found: dict[str, PersonGrant] = {}
    for grant in (_grant(row, mac_key) for row in rows):
        found.setdefault(grant.subject_id, grant)
    return tuple(found.values())


def insert_refresh_token(
    connection: Connection, token_digest: bytes, grant_id: str, at: datetime, expires_at: datetime, mac_key: bytes
) -> None:
    """Store a refresh token under its digest."""
    row: dict[str, Any] = {
        "token_digest": token_digest,
        "grant_id": grant_id,
        "issued_at": write_time(at),
        "expires_at": write_time(expires_at),
    }
    row["row_mac"] = row_mac(mac_key, refresh_tokens.name, row)
    _INSERT_REFRESH.change(connection, {**row, "spent_at": None})


def find_refresh_token(connection: Connection, token_digest: bytes, mac_key: bytes) -> tuple[str, datetime, bool] | None:
    """Of a refresh token: its grant, when it expires, and whether it has been spent. None where it was never issued."""
    row = _REFRESH.first(connection, {"wanted": token_digest})
    if row is None:
        return None
    check_ending(mac_key, refresh_tokens.name, token_digest.hex()[:16], row, _SPENT)
    return row["grant_id"], read_time(row["expires_at"]), row["spent_at"] is not None


def spend_refresh_token(connection: Connection, token_digest: bytes, at: datetime, mac_key: bytes) -> bool:
    """Spend a refresh token that was found; True for exactly one of all who try."""
    row = _REFRESH.first(connection, {"wanted": token_digest})
    if row is None:
        return False
    spent = ended_row(mac_key, refresh_tokens.name, row, {"spent_at": write_time(at)})
    return _SPEND.change(connection, {"wanted": token_digest, "at": spent["spent_at"], "mac": spent["row_mac"]}) == 1


def sweep_grants(connection: Connection, before: datetime, limit: int) -> int:
    """Remove grants from before a time, at most ``limit``, with their refresh tokens: those of which no refresh token lasted until then, and of which
    nothing came that is still here. How many. ``before`` is longer ago than access tokens and sessions last, so that nothing rests on them.
    """
    lasting = select(refresh_tokens.c.grant_id).where(
        refresh_tokens.c.grant_id == grants.c.grant_id, refresh_tokens.c.expires_at >= write_time(before)
    )
    came_of_it = grants.alias()
    here = select(came_of_it.c.grant_id).where(came_of_it.c.source_id == grants.c.grant_id)
    over = select(grants.c.grant_id).where(grants.c.created_at < write_time(before), ~lasting.exists(), ~here.exists())
    gone = tuple(connection.execute(over.order_by(grants.c.created_at).limit(limit)).scalars())
    if gone:
        connection.execute(delete(refresh_tokens).where(refresh_tokens.c.grant_id.in_(gone)))
        connection.execute(delete(grants).where(grants.c.grant_id.in_(gone)))
    return len(gone)
