"""Bring accounts in from a file of another directory: received whole, then dealt with row by row, each in a transaction of its own.

A row and its outcome become durable together, so an import goes on after a crash where it ended, and no row counts twice. A trial run does
everything a real one does and lets the database undo it. Rows are never joined with accounts of other sources: whoever has the same number
or login name already is a conflict, for a person to look at.
"""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from idp.actions.import_sources import demand_source, record_foreign_source
from idp.actions.manage_accounts import change_in, change_status_in, checked_change, make_account, store_account
from idp.actions.protect_administrators import check_open
from idp.actions.provision_account import Wanted, new_of, source_identifier, take_status, wanted_change
from idp.credentials.passwords import check_kept_hash
from idp.model.clients import ClientStatus
from idp.model.imports import (
    ATTRIBUTE_COLUMNS,
    IDENTIFIER_COLUMNS,
    IMPORT_LEVEL_MAX,
    VERSION_MAX,
    Import,
    ImportState,
    RowOutcome,
    RowReport,
    check_source,
    names_of,
    read_rows,
)
from idp.model.people import (
    ATTRIBUTES,
    ID_NUMBERS,
    ID_PREFIX,
    AccountKind,
    AccountStatus,
    Credential,
    CredentialKind,
    Evidence,
    Identifier,
    IdentifierKind,
    field_invalid,
    new_id,
)
from idp.store.accounts import account_id_by, account_status, load_account
from idp.store.clients import find_client
from idp.store.credentials import list_credentials, put_credential
from idp.store.imports import (
    count_outcomes,
    finish_row,
    insert_import,
    insert_rows,
    keep_lease,
    load_import,
    refuse_waiting,
    set_state,
    take_import,
    take_version,
    waiting_import,
    waiting_rows,
)
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.imports import FileRow, ImportForm

LEASE: Final = timedelta(seconds=60)
ROWS_PER_TURN: Final = 1000  # then others get the thread, and a process that is to end can
_STORED_AT_ONCE: Final = 200
_ROWS_AT_ONCE: Final = 32  # half a batch of the writer: others get their turn
OF_THE_ROW: Final = frozenset({Kind.MALFORMED, Kind.UNACCEPTABLE, Kind.CONFLICT, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.TOO_LARGE})
_NUMBERS: Final = frozenset().union(*ID_NUMBERS.values())


class _TriedError(Exception):
    """Ends the transaction of a row that was only tried; the database undoes it."""

    def __init__(self, report: RowReport) -> None:
        self.report = report
        super().__init__()


def receive_import(
    desk: PeopleDesk,
    source: str,
    data: bytes,
    form: ImportForm,
    *,
    encoding: str = "utf-8",
    is_dry_run: bool,
    actor: str,
    client_id: str | None = None,
) -> Import:
    """Take a file in; ``run_imports`` deals with it. IMPORT_UNREADABLE, IMPORT_TOO_LARGE, ACCOUNT_FOREIGN: then nothing is stored. AUDIT_UNAVAILABLE.

    ``client_id``: whose import it is, None: the operator's, to whom every source is open.
    """
    # 1. Is it such a file at all, and under a name that is the client's
    check_source(source)
    rows = sum(1 for _ in read_rows(data, form, encoding))
    at = desk.clock.now()
    made = Import(new_id("im_"), source, ImportState.RECEIVING, is_dry_run, rows, sm3(data), at, actor)

    def take_in(connection: Connection) -> None:
        if client_id is not None:
            demand_source(connection, desk, source, client_id, actor, at, is_dry_run=is_dry_run)
        insert_import(connection, desk.vault, made)

    try:
        desk.database.write(take_in)
    except TrustError as error:
        if error.code == "ACCOUNT_FOREIGN":
            record_foreign_source(desk, source, actor)
        raise
    # 2. Its rows, sealed; a row that repeats another of the file is refused here, the same way in a trial and in earnest
    seen: set[tuple[str, str]] = set()
    read = read_rows(data, form, encoding)
    while batch := list(islice(read, _STORED_AT_ONCE)):
        reports = [_received(row, seen) for row in batch]
        desk.database.write(partial(insert_rows, vault=desk.vault, import_id=made.import_id, rows=reports))

    # 3. From here on it will be run
    def begin(connection: Connection) -> None:
        set_state(connection, made.import_id, ImportState.RUNNING, at)
        facts: dict[str, str | int | bool | None] = {"source": source, "rows": rows, "dry_run": is_dry_run, "file": made.file_digest.hex()}
        subject = f"import:{made.import_id}"
        desk.audit.record(connection, at=at, actor=actor, action="import.receive", subject=subject, outcome="done", facts=facts)

    desk.database.write(begin)
    return replace(made, state=ImportState.RUNNING)


def _received(row: FileRow, seen: set[tuple[str, str]]) -> tuple[RowReport, dict[str, str] | None]:
    if row.fields is None:
        return RowReport(row.number, RowOutcome.REFUSED, "IMPORT_ROW_UNREADABLE"), None
    names = names_of(row.fields)
    repeated = next((name for name in names if name in seen), None)
    if repeated is not None:
        return RowReport(row.number, RowOutcome.REFUSED, "IMPORT_ROW_REPEATED", repeated[0]), None
    seen.update(names)
    return RowReport(row.number, RowOutcome.WAITING), row.fields


def run_imports(desk: PeopleDesk) -> int:
    """Go on with the oldest import for a turn of ROWS_PER_TURN; returns how many rows were dealt with. Several processes may call it."""
    at = desk.clock.now()
    with desk.database.read() as connection:
        is_any = waiting_import(connection, at)
    import_id = desk.database.write(partial(take_import, at=at, until=at + LEASE)) if is_any else None
    return 0 if import_id is None else _run(desk, import_id)


def _run(desk: PeopleDesk, import_id: str) -> int:
    with desk.database.read() as connection:
        made = load_import(connection, desk.vault, import_id)
    done = 0
    while True:
        with desk.database.read() as connection:
            rows = waiting_rows(connection, desk.vault, import_id, _ROWS_AT_ONCE)
            is_stopped = bool(rows) and not _may_go_on(connection, desk, made)
        if not rows or is_stopped:
            _finish(desk, made, is_stopped=is_stopped)
            return done
        if done >= ROWS_PER_TURN:
            desk.database.write(partial(keep_lease, import_id=import_id, until=desk.clock.now()))
            return done
        # 1. All at once, so that they share commits; each is undone or kept for itself
        tried = [(number, desk.database.submit(partial(_store_row, desk, made, number, fields))) for number, fields in rows]
        wait([future for _, future in tried])  # where one ends the turn, none of the others is still under way behind it
        told = [report for number, future in tried if (report := _outcome(number, future)) is not None]

        # 2. What was undone is told afterwards
        def tell(connection: Connection, told: list[RowReport] = told) -> None:
            for report in told:
                finish_row(connection, import_id, report)
            keep_lease(connection, import_id, desk.clock.now() + LEASE)

        desk.database.write(tell)
        done += len(rows)


def _may_go_on(connection: Connection, desk: PeopleDesk, made: Import) -> bool:
    """Whether who sent it may still: the client by which it came is not disabled, nor is anybody in whose name it came. True for the operator's."""
    if not made.created_by.startswith("client:"):
        return True
    found = find_client(connection, made.client_id, desk.vault.mac_key)
    people = [each for each in made.created_by.split(" ") if each.startswith(tuple(ID_PREFIX.values()))]
    standing = all(account_status(connection, desk.vault, each) in {None, AccountStatus.ACTIVE} for each in people)
    return found is not None and found[0].status is ClientStatus.ACTIVE and standing


def _outcome(number: int, future: Future[None]) -> RowReport | None:
    """What has still to be told of a row; None where it is durable with the row itself. What is not the row's fault is raised."""
    try:
        future.result()
    except _TriedError as tried:
        return tried.report
    except TrustError as error:
        if error.kind not in OF_THE_ROW:
            raise
        return RowReport(number, RowOutcome.REFUSED, error.code, field_of(error))
    return None


def field_of(error: TrustError) -> str:
    """Which field a row was refused for; empty where no one is."""
    return str(error.facts.get("field") or error.facts.get("identifier") or "")[:64]


def _finish(desk: PeopleDesk, made: Import, *, is_stopped: bool) -> None:
    """``is_stopped``: who sent it may no more, and what has not been dealt with is refused and forgotten."""
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        if not set_state(connection, made.import_id, ImportState.FINISHED, at):
            return
        if is_stopped:
            refuse_waiting(connection, made.import_id, "IMPORT_STOPPED")
        counts = count_outcomes(connection, made.import_id)
        facts: dict[str, str | int | bool | None] = {"source": made.source, "dry_run": made.is_dry_run, **counts}
        facts |= {"stopped": True} if is_stopped else {}
        desk.audit.record(
            connection,
            at=at,
            actor=made.created_by,
            action="import.finish",
            subject=f"import:{made.import_id}",
            outcome="done",
            facts=facts,
        )

    desk.database.write(store)


def _store_row(desk: PeopleDesk, made: Import, number: int, fields: dict[str, str], connection: Connection) -> None:
    report = apply_row(connection, desk, f"import:{made.source}", number, fields, made.created_by)
    if not finish_row(connection, made.import_id, report) or made.is_dry_run:
        raise _TriedError(replace(report, account_id=None if report.outcome is RowOutcome.CREATED else report.account_id))


def apply_row(connection: Connection, desk: PeopleDesk, origin: str, number: int, fields: dict[str, str], actor: str) -> RowReport:
    """What a row asks for, within a write job. ``origin``: whose word it is, such as ``import:hr``.

    Raises what the row is refused for: ACCOUNT_FIELD_INVALID, IDENTIFIER_TAKEN, ACCOUNT_PROVEN, ACCOUNT_PROTECTED, ACCOUNT_HELD, ACCOUNT_STATUS_CONFLICT.
    """
    at = desk.clock.now()
    wanted, status, kept_hash, level = read_wanted(origin, fields)
    known = source_identifier(wanted.source, wanted.source_id or "")
    account_id = account_id_by(connection, desk.vault, IdentifierKind.UPSTREAM, known.value)
    # 1. An older word than the one that was taken changes nothing: messages may come twice, and in any order
    version = read_version(fields)
    if version is not None and not take_version(connection, desk.vault, known.value, version):
        return RowReport(number, RowOutcome.UNCHANGED, "IMPORT_ROW_NOT_NEWER", "version", account_id)
    # 2. New: with the evidence that the source's word is
    if account_id is None:
        evidence = (Evidence(new_id("ev_"), "import", origin.partition(":")[2], level, at),) if level else ()
        new = new_of(wanted, evidence)
        account = make_account(new, at, actor=actor)
        store_account(connection, desk, account, evidence)
        if status is AccountStatus.DISABLED:
            change_status_in(connection, desk, account, status, actor, at, source=origin)
        _take_over_hash(connection, desk, account.account_id, kept_hash, actor, at)
        return RowReport(number, RowOutcome.CREATED, account_id=account.account_id)
    # 3. Known: only what differs, and nothing that is not the source's to say
    present = load_account(connection, desk.vault, account_id)
    if present.kind is not wanted.kind:
        raise field_invalid("kind", present.kind.value)
    check_open(connection, present.account_id)
    change = checked_change(wanted.kind, wanted_change(connection, desk, present, wanted))
    changed = change_in(connection, desk, account_id, wanted.kind, change, actor, at)
    if status is not None:
        changed = take_status(connection, desk, changed, status, actor, at, source=origin)
    is_changed = _take_over_hash(connection, desk, account_id, kept_hash, actor, at) or changed.version != present.version
    return RowReport(number, RowOutcome.CHANGED if is_changed else RowOutcome.UNCHANGED, account_id=account_id)


def read_version(fields: dict[str, str]) -> int | None:
    """The source's own count of the subject's changes; None where the row does not say. ACCOUNT_FIELD_INVALID."""
    text = fields.get("version", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= len(str(VERSION_MAX)) and int(text) <= VERSION_MAX):
        raise field_invalid("version", f"0 to {VERSION_MAX}")
    return int(text) if text else None


def read_wanted(origin: str, fields: dict[str, str]) -> tuple[Wanted, AccountStatus | None, str, int]:
    """What a row asks for: the account, its state (None: leave it), a password's hash (empty: none), a level. ACCOUNT_FIELD_INVALID."""
    kind_text, status_text, level_text = fields.get("kind") or "person", fields.get("status", ""), fields.get("level") or "0"
    if kind_text not in set(AccountKind):
        raise field_invalid("kind", " or ".join(AccountKind))
    kind = AccountKind(kind_text)
    if not fields.get("source_id"):
        raise field_invalid("source_id", "the subject's name in the source")
    if status_text not in {"", "active", "disabled"}:
        raise field_invalid("status", "active or disabled")
    if level_text not in {str(each) for each in range(IMPORT_LEVEL_MAX + 1)}:
        raise field_invalid("level", f"0 to {IMPORT_LEVEL_MAX}")
    kept_hash = fields.get("password_hash", "")
    if kept_hash and kind is AccountKind.ORGANISATION:
        raise field_invalid("password_hash", "persons only")
    if kept_hash:
        check_kept_hash(kept_hash)
    numbers = [Identifier(each, fields[name]) for name, each in IDENTIFIER_COLUMNS.items() if each in _NUMBERS and fields.get(name)]
    if len(numbers) > 1 or any(each.kind not in ID_NUMBERS[kind] for each in numbers):
        raise field_invalid("identifiers", "one number of a kind that such an account has")
    others = {name: each for name, each in IDENTIFIER_COLUMNS.items() if each not in _NUMBERS}
    unknown = next((name for name in ATTRIBUTE_COLUMNS if fields.get(name) and name not in ATTRIBUTES[kind]), None)
    if unknown is not None:
        raise field_invalid(unknown, ", ".join(ATTRIBUTES[kind]))
    wanted = Wanted(
        kind=kind,
        name=fields.get("name", ""),
        source=origin,
        source_id=fields["source_id"],
        identifiers=tuple(Identifier(each, fields[name]) for name, each in others.items() if fields.get(name)),
        number=numbers[0] if numbers else None,
        attributes={name: fields[name] or None for name in ATTRIBUTES[kind] if name in fields},
        area=fields.get("area"),
        spoken_of=frozenset(each for name, each in others.items() if name in fields),
    )
    return wanted, AccountStatus(status_text) if status_text else None, kept_hash, int(level_text)


def _take_over_hash(connection: Connection, desk: PeopleDesk, account_id: str, kept_hash: str, actor: str, at: datetime) -> bool:
    """Give a person who has no password the one of the source; its first use replaces the hash. A password set here is never overwritten, and one
    that was taken away, as where it was stolen, does not come back with the next file.
    """
    if not kept_hash or any(each.kind is CredentialKind.PASSWORD for each in list_credentials(connection, desk.vault, account_id)):
        return False
    removed = desk.audit.own_entries(connection, f"account:{account_id}", ("credential.remove",))
    if any(each.facts.get("kind") == CredentialKind.PASSWORD.value for each in removed):
        return False
    credential = Credential(new_id("cr_"), account_id, CredentialKind.PASSWORD, kept_hash.encode(), "password", at)
    put_credential(connection, desk.vault, credential)
    facts: dict[str, str | int | bool | None] = {"credential": credential.credential_id, "taken_over": True}
    subject = f"account:{account_id}"
    desk.audit.record(connection, at=at, actor=actor, action="credential.set-password", subject=subject, outcome="done", facts=facts)
    desk.tell(connection, "account.sign-in-alert", {"account_id": account_id, "what": "password set"}, at)
    return True
