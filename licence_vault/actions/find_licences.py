"""Licences for those who act for their authority. Everybody else gets the answer of a licence that does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.enter_issuer import own_issuer_codes
from licence_vault.actions.issuer_look import record_issuer_look
from licence_vault.errors import licence_erased, licence_file_not_found, licence_not_found
from licence_vault.log.entries import index_of
from licence_vault.model import LicenceState, read_salted_licence
from licence_vault.uses import UseAction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.model import LicenceData
    from licence_vault.register import EventRecord, LicenceFile, LicenceRecord
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class LicenceView:
    """A licence with what it says (None once that was erased) and its files."""

    record: LicenceRecord
    data: LicenceData | None
    files: tuple[LicenceFile, ...]


@dataclass(frozen=True, slots=True)
class LicenceWish:
    """Which licences are looked for; None: whichever. ``holder``: code type and code; ``number``: as printed."""

    issuer_code: str | None = None
    type_code: str | None = None
    state: LicenceState | None = None
    holder: tuple[str, str] | None = None
    number: str | None = None


def load_own_licence(conn: Connection, caller: Caller, licence_id: str, *, is_locked: bool = False) -> LicenceRecord:
    """A licence of an authority the caller acts for. LICENCE_NOT_FOUND."""
    record = store.load_licence(conn, licence_id, is_locked=is_locked)
    if record is None or not store.is_member(conn, record.issuer_code, caller.holder):
        raise licence_not_found(licence_id)
    return record


def find_own_licence(context: ServiceContext, caller: Caller, licence_id: str) -> LicenceRecord:
    """A licence without what it says. LICENCE_NOT_FOUND."""
    with context.database.read() as conn:
        return load_own_licence(conn, caller, licence_id)


def find_licence(context: ServiceContext, contents: ContentVault, caller: Caller, licence_id: str) -> LicenceView:
    """One licence, for who has just made or changed it. LICENCE_NOT_FOUND."""
    with context.database.read() as conn:
        return _view(conn, contents, load_own_licence(conn, caller, licence_id))


def read_licence(context: ServiceContext, contents: ContentVault, caller: Caller, licence_id: str) -> LicenceView:
    """One licence, looked at; its holders see that, once it is released. LICENCE_NOT_FOUND."""
    view = find_licence(context, contents, caller, licence_id)
    if view.data is not None and view.record.state is not LicenceState.DRAFT:
        record_issuer_look(context, contents, caller, UseAction.ISSUER_READ, licence=view.record)
    return view


def list_licences(
    context: ServiceContext,
    contents: ContentVault,
    caller: Caller,
    wish: LicenceWish,
    *,
    after: str,
    limit: int,
    is_newest_first: bool = False,
) -> list[LicenceRecord]:
    """Licences of the authorities the caller acts for, newest last or first, behind the id ``after``. Errors as ``own_issuer_codes``."""
    with context.database.read() as conn:
        return store.list_licences(
            conn,
            issuer_codes=own_issuer_codes(conn, caller, wish.issuer_code),
            type_code=wish.type_code,
            state=wish.state,
            number_digest=None if wish.number is None else contents.find_number(wish.number),
            holder_digests=None if wish.holder is None else contents.find_holder_as_typed(*wish.holder),
            after=after,
            limit=limit,
            is_newest_first=is_newest_first,
        )


def list_history(context: ServiceContext, caller: Caller, licence_id: str) -> list[tuple[EventRecord, int | None]]:
    """What happened to one licence, each with where it stands in the public log; None in the moment before the log has taken it in. LICENCE_NOT_FOUND."""
    with context.database.read() as conn:
        load_own_licence(conn, caller, licence_id)
        return [(each, index_of(conn, each.entry_id)) for each in store.list_events(conn, licence_id)]


def read_licence_file(context: ServiceContext, contents: ContentVault, caller: Caller, licence_id: str, form: str) -> bytes:
    """A released file; that it was read is on record, and for its holders to see. LICENCE_NOT_FOUND, LICENCE_FILE_NOT_FOUND, LICENCE_ERASED."""
    # 1. Which file, and the key to it.
    with context.database.read() as conn:
        record = load_own_licence(conn, caller, licence_id)
        file = next((each for each in store.list_files(conn, licence_id) if each.form == form), None)
        key_sealed = store.load_key(conn, licence_id)
    if file is None:
        raise licence_file_not_found(licence_id, form)
    if key_sealed is None:
        raise licence_erased(licence_id)
    content = contents.open_key(licence_id, key_sealed).open_file(form, context.blobs.get(file.blob))

    # 2. Nothing leaves before it is on record that it does.
    def record_reading(conn: Connection) -> str:
        return context.audit.record(
            conn,
            at=context.clock.now(),
            actor=caller.actor,
            action="licence.read-file",
            subject=f"licence:{licence_id}",
            outcome="done",
            facts={"identifier": record.identifier, "form": form, "file": file.digest.hex()},
        )

    context.database.write(record_reading)
    record_issuer_look(context, contents, caller, UseAction.DOWNLOADED, licence=record)
    return content


def _view(conn: Connection, contents: ContentVault, record: LicenceRecord) -> LicenceView:
    key_sealed = store.load_key(conn, record.id)
    data = None
    if key_sealed is not None and record.data_sealed is not None:
        data = read_salted_licence(contents.open_key(record.id, key_sealed).open_data(record.data_sealed)).data
    return LicenceView(record, data, tuple(store.list_files(conn, record.id)))
