"""Rows of credentials, and the counts of failed attempts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from idp.model.hash_costs import dear_milliseconds
from idp.model.people import Credential, CredentialKind
from idp.store.rows import check_mac, row_mac, without_unset
from idp.tables import attempts, credentials, spent_challenges
from service_kit.prepared import Prepared
from service_kit.row_values import read_optional_time, read_time, write_optional_time, write_time
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.store.accounts import Vault

_OF_ACCOUNT: Final = Prepared(
    select(credentials).where(credentials.c.account_id == bindparam("wanted")).order_by(credentials.c.credential_id)
)
_BY_HASH: Final = select(credentials).where(credentials.c.find_hash == bindparam("hash"))
_BY_ID: Final = Prepared(select(credentials).where(credentials.c.credential_id == bindparam("wanted")))
_CHANGE: Final = Prepared(
    update(credentials).where(credentials.c.credential_id == bindparam("same"), credentials.c.version == bindparam("before")),
    is_whole_row=True,
)
_SINGLE: Final = Prepared(select(credentials).where(credentials.c.single == bindparam("single")))
_NOTE_USE: Final = Prepared(
    update(credentials)
    .where(credentials.c.credential_id == bindparam("same"), credentials.c.version == bindparam("before"))
    .values(last_used_at=bindparam("used"), version=bindparam("next"), row_mac=bindparam("mac"))
)
_DEAREST: Final = Prepared(select(func.max(credentials.c.check_milliseconds)).where(text("check_milliseconds > 0")))
_UNWEIGHED: Final = (
    select(credentials)
    .where(text("kind = 'password' AND check_milliseconds IS NULL"), credentials.c.credential_id > bindparam("after"))
    .order_by(credentials.c.credential_id)
    .limit(bindparam("most"))
)
_SPENT: Final = select(spent_challenges.c.challenge_hash).where(spent_challenges.c.challenge_hash == bindparam("hash"))
_ATTEMPTS_OF_TWO: Final = Prepared(
    select(attempts).where((attempts.c.subject_hash == bindparam("one")) | (attempts.c.subject_hash == bindparam("other")))
)
_FAILED_LESS: Final = Prepared(
    update(attempts)
    .where(attempts.c.subject_hash == bindparam("hash"), attempts.c.failures > 0)
    .values(failures=attempts.c.failures - 1, locked_until=0, last_at=bindparam("at"))
)
_NOTE_ATTEMPTS: Final = Prepared(update(attempts).where(attempts.c.subject_hash == bindparam("hash")), is_whole_row=True)
_FIRST_ATTEMPT: Final = Prepared(insert(attempts))
_FORGET_ATTEMPTS: Final = Prepared(delete(attempts).where(attempts.c.subject_hash == bindparam("hash")))
_NEWER: Final = frozenset({"check_milliseconds"})
SINGLE: Final = frozenset({CredentialKind.PASSWORD, CredentialKind.TOTP, CredentialKind.RECOVERY})
"""Kinds of which an account has one: a new one takes the place of the old."""


def _place(credential: Credential) -> str:
    return f"idp_credentials.value:{credential.credential_id}:{credential.account_id}"


def credential_row(vault: Vault, credential: Credential) -> dict[str, Any]:
    """The row of a credential, sealed and with its MAC."""
    row: dict[str, Any] = {
        "credential_id": credential.credential_id,
        "account_id": credential.account_id,
        "kind": credential.kind.value,
        "value_sealed": vault.sealer.seal(credential.value, _place(credential)),
        "find_hash": credential.find_hash,
        "single": _single(credential.account_id, credential.kind) if credential.kind in SINGLE else None,
        "label": credential.label,
        "counter": credential.counter,
        "created_at": write_time(credential.created_at),
        "last_used_at": write_optional_time(credential.last_used_at),
        "expires_at": write_optional_time(credential.expires_at),
        "version": credential.version,
    }
    if credential.kind is CredentialKind.PASSWORD:
        row["check_milliseconds"] = dear_milliseconds(credential.value)
    row["row_mac"] = row_mac(vault.mac_key, credentials.name, row)
    return {"check_milliseconds": None, **row}


def _single(account_id: str, kind: CredentialKind) -> str:
    return f"{account_id}/{kind.value}"


def _credential(vault: Vault, row: Mapping[Any, Any]) -> Credential:
    check_mac(vault.mac_key, credentials.name, row["credential_id"], without_unset(row, _NEWER))
    place = f"idp_credentials.value:{row['credential_id']}:{row['account_id']}"
    return Credential(
        credential_id=row["credential_id"],
        account_id=row["account_id"],
        kind=CredentialKind(row["kind"]),
        value=vault.sealer.open(row["value_sealed"], place),
        label=row["label"],
        created_at=read_time(row["created_at"]),
        find_hash=row["find_hash"],
        counter=row["counter"],
        last_used_at=read_optional_time(row["last_used_at"]),
        expires_at=read_optional_time(row["expires_at"]),
        version=row["version"],
    )


def put_credential(connection: Connection, vault: Vault, credential: Credential) -> bool:
    """Add a credential; one of a kind of which an account has one takes the place of the old: whether it did. CREDENTIAL_TAKEN."""
    replaced = 0
    if credential.kind in SINGLE:
        same = (credentials.c.account_id == credential.account_id) & (credentials.c.kind == credential.kind.value)
        replaced = connection.execute(delete(credentials).where(same)).rowcount
    if credential.find_hash is not None and connection.execute(_BY_HASH, {"hash": credential.find_hash}).first() is not None:
        raise TrustError(Kind.CONFLICT, "CREDENTIAL_TAKEN")
    connection.execute(insert(credentials), credential_row(vault, credential))
    return replaced > 0


def update_credential(connection: Connection, vault: Vault, credential: Credential) -> bool:
    """Write a changed credential over its version before; False where someone else used or changed it meanwhile."""
    changed = {**credential_row(vault, credential), "same": credential.credential_id, "before": credential.version - 1}
    return _CHANGE.change(connection, changed) == 1


def list_credentials(connection: Connection, vault: Vault, account_id: str) -> tuple[Credential, ...]:
    """All credentials of an account."""
    return tuple(_credential(vault, row) for row in _OF_ACCOUNT.all(connection, {"wanted": account_id}))


def held_credentials(connection: Connection, vault: Vault, account_id: str) -> dict[str, dict[str, Any]]:
    """The rows of an account's credentials by their ids, as the program wrote them, with none of them opened. ROW_ALTERED."""
    rows = _OF_ACCOUNT.all(connection, {"wanted": account_id})
    for row in rows:
        check_mac(vault.mac_key, credentials.name, row["credential_id"], without_unset(row, _NEWER))
    return {row["credential_id"]: row for row in rows}


def credential_kinds(held: Mapping[str, Mapping[str, Any]]) -> frozenset[CredentialKind]:
    """Of what kinds held credentials are."""
    return frozenset(CredentialKind(row["kind"]) for row in held.values())


def find_single(connection: Connection, vault: Vault, account_id: str, kind: CredentialKind) -> Credential | None:
    """An account's credential of a kind of which it has one."""
    row = _SINGLE.first(connection, {"single": _single(account_id, kind)})
    return None if row is None else _credential(vault, row)


def note_use(connection: Connection, vault: Vault, held: Mapping[str, Any], at: datetime) -> bool:
    """Note that a held credential has been used, its value as it is; False where someone else used or changed it meanwhile."""
    row = {**held, "last_used_at": write_time(at), "version": held["version"] + 1}
    values = {
        "used": row["last_used_at"],
        "next": row["version"],
        "mac": row_mac(vault.mac_key, credentials.name, without_unset(row, _NEWER)),
    }
    return _NOTE_USE.change(connection, {**values, "same": row["credential_id"], "before": held["version"]}) == 1


def find_credential(connection: Connection, vault: Vault, credential_id: str) -> Credential | None:
    """A credential by its id."""
    row = _BY_ID.first(connection, {"wanted": credential_id})
    return None if row is None else _credential(vault, row)


def credential_by_hash(connection: Connection, vault: Vault, find_hash: bytes) -> Credential | None:
    """A passkey or certificate by its keyed hash."""
    row = connection.execute(_BY_HASH, {"hash": find_hash}).mappings().first()
    return None if row is None else _credential(vault, row)


def delete_credential(connection: Connection, account_id: str, credential_id: str) -> bool:
    """Remove a credential of an account; False where there is none."""
    same = (credentials.c.account_id == account_id) & (credentials.c.credential_id == credential_id)
    return connection.execute(delete(credentials).where(same)).rowcount == 1


def dearest_milliseconds(connection: Connection) -> int:
    """How long the dearest comparison takes of all passwords on record, as ``hash_costs`` has it; 0 where none is dear."""
    row = _DEAREST.first(connection, {})
    return 0 if row is None else next(iter(row.values())) or 0


def weigh_passwords(connection: Connection, vault: Vault, *, after: str, most: int) -> tuple[int, str | None]:
    """Enter the cost of passwords that were there before costs were: of how many, at most ``most`` behind an id, and the last id; None: no more is left.

    A row that was written past the program is passed over: it is refused when it is read, and must not keep the others from being looked at.
    """
    rows = connection.execute(_UNWEIGHED, {"after": after, "most": most}).mappings().all()
    entered = 0
    for row in rows:
        try:
            found = _credential(vault, row)
        except TrustError:
            continue
        entered += update_credential(connection, vault, replace(found, version=found.version + 1))
    return entered, rows[-1]["credential_id"] if rows else None


# Challenges


def note_spent(connection: Connection, challenge_hash: bytes, expires_at: datetime) -> bool:
    """Remember that a challenge has been answered; False where it was before."""
    if connection.execute(_SPENT, {"hash": challenge_hash}).first() is not None:
        return False
    try:
        connection.execute(insert(spent_challenges), {"challenge_hash": challenge_hash, "expires_at": write_time(expires_at)})
    except IntegrityError:
        return False
    return True


def sweep_challenges(connection: Connection, before: datetime) -> None:
    """Forget challenges that are too old to be answered."""
    connection.execute(delete(spent_challenges).where(spent_challenges.c.expires_at < write_time(before)))


# Attempts


def attempts_of_two(connection: Connection, one: bytes, other: bytes) -> dict[bytes, tuple[int, int, int]]:
    """By subject its failures, when the first of them was and until when it is locked (microseconds); without those of whom nothing is noted."""
    rows = _ATTEMPTS_OF_TWO.all(connection, {"one": one, "other": other})
    return {row["subject_hash"]: (row["failures"], row["first_at"], row["locked_until"]) for row in rows}


def write_attempts(
    connection: Connection, subject_hash: bytes, failures: int, first_at: int, locked_until: int, at: datetime, *, is_new: bool
) -> None:
    """Note the failures of a subject. ``is_new``: nothing is noted of it."""
    row = {
        "subject_hash": subject_hash,
        "failures": failures,
        "first_at": first_at,
        "locked_until": locked_until,
        "last_at": write_time(at),
    }
    if is_new:
        _FIRST_ATTEMPT.change(connection, row)
    else:
        _NOTE_ATTEMPTS.change(connection, {**row, "hash": subject_hash})


def count_one_less(connection: Connection, subject_hash: bytes, at: datetime) -> None:
    """One of the failures of a subject was none; it is locked no more."""
    _FAILED_LESS.change(connection, {"hash": subject_hash, "at": write_time(at)})


def forget_attempts(connection: Connection, subject_hash: bytes) -> None:
    """A success: the failures before it count no more."""
    _FORGET_ATTEMPTS.change(connection, {"hash": subject_hash})


def sweep_attempts(connection: Connection, before: datetime) -> None:
    """Forget what is older than any rule looks back."""
    connection.execute(delete(attempts).where(attempts.c.last_at < write_time(before)))
