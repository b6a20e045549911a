"""Rows of sign-ins under way, of sessions and of consents."""

from __future__ import annotations

import json
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from idp.model.requests import AuthorizationRequest
from idp.model.sign_in import Session, SignIn
from idp.store.rows import check_mac, row_mac, without_unset
from idp.tables import consents, session_clients, sessions, sign_ins, upstream_sessions
from service_kit.prepared import Prepared
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.store.accounts import Vault

_SIGN_IN: Final = Prepared(select(sign_ins).where(sign_ins.c.sign_in_id == bindparam("wanted")))
_BY_COOKIE: Final = Prepared(select(sessions).where(sessions.c.cookie_hash == bindparam("hash")))
_BY_ID: Final = Prepared(select(sessions).where(sessions.c.session_id == bindparam("wanted")))
_LIVING: Final = Prepared(
    select(sessions)
    .where(sessions.c.account_id == bindparam("account"), sessions.c.ended_at.is_(None), sessions.c.expires_at > bindparam("at"))
    .order_by(sessions.c.session_id)
)
_INSERT_SIGN_IN: Final = Prepared(insert(sign_ins))
_CHANGE_SIGN_IN: Final = Prepared(
    update(sign_ins).where(sign_ins.c.sign_in_id == bindparam("same"), sign_ins.c.version == bindparam("before")), is_whole_row=True
)
_INSERT_SESSION: Final = Prepared(insert(sessions))
_CHANGE_SESSION: Final = Prepared(
    update(sessions).where(sessions.c.session_id == bindparam("same"), sessions.c.version == bindparam("before")), is_whole_row=True
)
_NOTE_CLIENT: Final = Prepared(
    update(session_clients)
    .where(session_clients.c.session_id == bindparam("session"), session_clients.c.client_id == bindparam("client"))
    .values(last_at=bindparam("at"))
)
_CONSENT: Final = Prepared(
    select(consents).where(
        consents.c.account_id == bindparam("account"),
        consents.c.acting_for == bindparam("acting"),
        consents.c.client_id == bindparam("client"),
    )
)
_NEWER: Final = frozenset({"credential_epoch"})
_SEALED_TIMES: Final = ("created_at", "auth_at")
_PLAIN: Final = frozenset({"sign_in_id", "browser_hash", "version", "expires_at"})
_SEALED: Final = tuple(each.name for each in fields(SignIn) if each.name not in _PLAIN)
_OF_REQUEST: Final = tuple(each.name for each in fields(AuthorizationRequest))
_sealed_of: Final = attrgetter(*_SEALED)
_request_of: Final = attrgetter(*_OF_REQUEST)
REMEMBERED_MAX: Final = 1024  # about 4 MB


def _state(row: SignIn) -> str:
    return "refused" if row.error is not None else "finished" if row.is_finished else "open"


def _sign_in_row(vault: Vault, row: SignIn) -> dict[str, Any]:
    kept: dict[str, Any] = dict(zip(_SEALED, _sealed_of(row), strict=True))
    for name in _SEALED_TIMES:
        kept[name] = write_optional_time(kept[name])
    if row.request is not None:
        kept["request"] = {**dict(zip(_OF_REQUEST, _request_of(row.request), strict=True)), "raw_digest": row.request.raw_digest.hex()}
    data = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
    return {
        "sign_in_id": row.sign_in_id,
        "browser_hash": row.browser_hash,
        "client_id": row.request.client_id if row.request else "",
        "state": _state(row),
        "row_sealed": vault.sealer.seal(data, f"idp_sign_ins.row:{row.sign_in_id}:{row.browser_hash.hex()}:{row.version}"),
        "expires_at": write_time(row.expires_at),
        "version": row.version,
    }


def _request(kept: dict[str, Any]) -> AuthorizationRequest:
    for name in ("scopes", "prompt", "ui_locales", "acr_values"):
        kept[name] = tuple(kept[name])
    return AuthorizationRequest(**{**kept, "raw_digest": bytes.fromhex(kept["raw_digest"])})


def _sign_in(vault: Vault, row: Mapping[Any, Any]) -> SignIn:
    opened_from = (row["sign_in_id"], row["browser_hash"], row["version"], row["expires_at"], row["row_sealed"])
    known = vault.read_sign_ins.get(opened_from)
    if known is None:
        known = vault.read_sign_ins[opened_from] = _opened(vault, row)
        if len(vault.read_sign_ins) > REMEMBERED_MAX:
            vault.read_sign_ins.popitem(last=False)
    return known


def _opened(vault: Vault, row: Mapping[Any, Any]) -> SignIn:
    place = f"idp_sign_ins.row:{row['sign_in_id']}:{row['browser_hash'].hex()}:{row['version']}"
    kept = json.loads(vault.sealer.open(row["row_sealed"], place))
    for name in _SEALED_TIMES:
        kept[name] = read_optional_time(kept[name])
    for name in ("methods", "organisations", "administering"):
        kept[name] = tuple(kept.get(name, ()))  # the last is not in rows from before
    if kept["request"] is not None:
        kept["request"] = _request(kept["request"])
    plain = {"sign_in_id": row["sign_in_id"], "browser_hash": row["browser_hash"], "version": row["version"]}
    return SignIn(**plain, expires_at=read_time(row["expires_at"]), **kept)


def insert_sign_in(connection: Connection, vault: Vault, row: SignIn) -> None:
    """Add a sign-in."""
    _INSERT_SIGN_IN.change(connection, _sign_in_row(vault, row))


def update_sign_in(connection: Connection, vault: Vault, row: SignIn) -> None:
    """Write a changed sign-in over its version before; SIGN_IN_OVERTAKEN where another request of the browser was faster."""
    changed = {**_sign_in_row(vault, row), "same": row.sign_in_id, "before": row.version - 1}
    if _CHANGE_SIGN_IN.change(connection, changed) != 1:
        raise TrustError(Kind.CONFLICT, "SIGN_IN_OVERTAKEN")


def find_sign_in(connection: Connection, vault: Vault, sign_in_id: str) -> SignIn | None:
    """A sign-in, None where there is none (any more)."""
    row = _SIGN_IN.first(connection, {"wanted": sign_in_id})
    return None if row is None else _sign_in(vault, row)


def count_sign_ins(connection: Connection, most: int) -> int:
    """How many sign-ins are kept; no more than ``most`` are counted."""
    found: int = connection.execute(select(func.count()).select_from(select(sign_ins.c.expires_at).limit(most).subquery())).scalar_one()
    return found


def sweep_sign_ins(connection: Connection, before: datetime) -> int:
    """Remove those that ended or expired before a time, with what they remember of upstreams."""
    old = select(sign_ins.c.sign_in_id).where(sign_ins.c.expires_at < write_time(before))
    connection.execute(delete(upstream_sessions).where(upstream_sessions.c.session_id.in_(old)))
    return connection.execute(delete(sign_ins).where(sign_ins.c.expires_at < write_time(before))).rowcount


# Sessions


def _session_row(vault: Vault, session: Session) -> dict[str, Any]:
    row: dict[str, Any] = {
        "session_id": session.session_id,
        "cookie_hash": session.cookie_hash,
        "account_id": session.account_id,
        "acting_for": session.acting_for,
        "level": session.level,
        "amr": " ".join(session.methods),
        "browser": session.browser,
        "auth_at": write_time(session.auth_at),
        "created_at": write_time(session.created_at),
        "last_seen_at": write_time(session.last_seen_at),
        "expires_at": write_time(session.expires_at),
        "ended_at": write_optional_time(session.ended_at),
        "ended_by": session.ended_by,
        "version": session.version,
        "credential_epoch": session.credential_epoch or None,
    }
    row["row_mac"] = row_mac(vault.mac_key, sessions.name, without_unset(row, _NEWER))
    return row


def _session(vault: Vault, row: Mapping[Any, Any]) -> Session:
    check_mac(vault.mac_key, sessions.name, row["session_id"], without_unset(row, _NEWER))
    return Session(
        session_id=row["session_id"],
        cookie_hash=row["cookie_hash"],
        account_id=row["account_id"],
        acting_for=row["acting_for"],
        level=row["level"],
        methods=tuple(row["amr"].split()),
        browser=row["browser"],
        auth_at=read_time(row["auth_at"]),
        created_at=read_time(row["created_at"]),
        last_seen_at=read_time(row["last_seen_at"]),
        expires_at=read_time(row["expires_at"]),
        ended_at=read_optional_time(row["ended_at"]),
        ended_by=row["ended_by"],
        version=row["version"],
        credential_epoch=row["credential_epoch"] or 0,
    )


def insert_session(connection: Connection, vault: Vault, session: Session) -> None:
    """Add a session."""
    _INSERT_SESSION.change(connection, _session_row(vault, session))


def update_session(connection: Connection, vault: Vault, session: Session) -> None:
    """Write a changed session over its version before; SIGN_IN_OVERTAKEN where another request was faster."""
    changed = {**_session_row(vault, session), "same": session.session_id, "before": session.version - 1}
    if _CHANGE_SESSION.change(connection, changed) != 1:
        raise TrustError(Kind.CONFLICT, "SIGN_IN_OVERTAKEN")


def session_by_cookie(connection: Connection, vault: Vault, cookie_hash: bytes) -> Session | None:
    """The session of a cookie, whether it is still alive or not."""
    row = _BY_COOKIE.first(connection, {"hash": cookie_hash})
    return None if row is None else _session(vault, row)


def find_session(connection: Connection, vault: Vault, session_id: str) -> Session | None:
    """A session by its id."""
    row = _BY_ID.first(connection, {"wanted": session_id})
    return None if row is None else _session(vault, row)


def end_altered_sessions(connection: Connection, vault: Vault, account_id: str, at: datetime, actor: str) -> int:
    """End what stands among an account's sessions and was written past the program: it is refused when it is read, and must not keep the others
    from ending. How many. No MAC is made for what is not of ours.
    """
    altered = []
    for row in _LIVING.all(connection, {"account": account_id, "at": write_time(at)}):
        try:
            _session(vault, row)
        except TrustError:
            altered.append(row["session_id"])
    ended = update(sessions).where(sessions.c.session_id.in_(altered)).values(ended_at=write_time(at), ended_by=actor)
    return connection.execute(ended).rowcount if altered else 0


def living_sessions(connection: Connection, vault: Vault, account_id: str, at: datetime) -> tuple[Session, ...]:
    """All sessions of an account that count at this moment, however many there are and however many have ended."""
    rows = _LIVING.all(connection, {"account": account_id, "at": write_time(at)})
    return tuple(each for each in (_session(vault, row) for row in rows) if each.is_alive_at(at))


def list_sessions(connection: Connection, vault: Vault, account_id: str, *, count: int, after: str = "") -> tuple[Session, ...]:
    """A page of the sessions of an account in the order of their ids, ended ones too until they are swept."""
    wanted = select(sessions).where(sessions.c.account_id == account_id, sessions.c.session_id > after)
    return tuple(_session(vault, row) for row in connection.execute(wanted.order_by(sessions.c.session_id).limit(count)).mappings())


def sweep_sessions(connection: Connection, before: datetime) -> int:
    """Remove those whose time was over before a time, with what they remember of clients and upstreams."""
    old = select(sessions.c.session_id).where(sessions.c.expires_at < write_time(before))
    connection.execute(delete(session_clients).where(session_clients.c.session_id.in_(old)))
    connection.execute(delete(upstream_sessions).where(upstream_sessions.c.session_id.in_(old)))
    return connection.execute(delete(sessions).where(sessions.c.expires_at < write_time(before))).rowcount


def note_client(connection: Connection, session_id: str, client_id: str, at: datetime) -> None:
    """Remember that a client has tokens of a session, so that it can be told of its end."""
    if _NOTE_CLIENT.change(connection, {"session": session_id, "client": client_id, "at": write_time(at)}) == 0:
        connection.execute(insert(session_clients), {"session_id": session_id, "client_id": client_id, "last_at": write_time(at)})


def clients_of_session(connection: Connection, session_id: str) -> tuple[str, ...]:
    """The clients that have tokens of a session."""
    wanted = select(session_clients.c.client_id).where(session_clients.c.session_id == session_id).order_by(session_clients.c.client_id)
    return tuple(connection.execute(wanted).scalars())


# Consents


def find_consent(
    connection: Connection, vault: Vault, account_id: str, acting_for: str | None, client_id: str, *, purpose: str | None = None
) -> tuple[frozenset[str], frozenset[str]]:
    """The scopes and claims that a person has let a client have, in one capacity. ROW_ALTERED; one from before there were MACs is none.

    ``purpose``: what the client now says it is for: a consent to another purpose is none (PIPL 14). None: whatever it was given for.
    """
    row = _CONSENT.first(connection, {"account": account_id, "acting": acting_for or "", "client": client_id})
    if row is None or row["row_mac"] is None:
        return frozenset(), frozenset()
    check_mac(vault.mac_key, consents.name, row["consent_id"], row)
    if purpose is not None and row["purpose"] != purpose:
        return frozenset(), frozenset()
    return frozenset(row["scopes"].split()), frozenset(row["claims"].split())


def forget_consents(connection: Connection, account_id: str, client_id: str) -> int:
    """Let a person's consents to what a client asked for, for himself or others, count no more. How many there were."""
    return connection.execute(delete(consents).where(consents.c.account_id == account_id, consents.c.client_id == client_id)).rowcount


def put_consent(
    connection: Connection,
    vault: Vault,
    consent_id: str,
    account_id: str,
    acting_for: str | None,
    client_id: str,
    *,
    purpose: str,
    scopes: frozenset[str],
    claims: frozenset[str],
    at: datetime,
) -> None:
    """Note a consent over the one before, whose place and id it takes."""
    before = _CONSENT.first(connection, {"account": account_id, "acting": acting_for or "", "client": client_id})
    row: dict[str, Any] = {
        "consent_id": consent_id if before is None else before["consent_id"],
        "account_id": account_id,
        "acting_for": acting_for or "",
        "client_id": client_id,
        "purpose": purpose,
        "scopes": " ".join(sorted(scopes)),
        "claims": " ".join(sorted(claims)),
        "given_at": write_time(at),
    }
    row["row_mac"] = row_mac(vault.mac_key, consents.name, row)
    if before is None:
        connection.execute(insert(consents), row)
    else:
        connection.execute(update(consents).where(consents.c.consent_id == before["consent_id"]).values(row))
