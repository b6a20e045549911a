"""Everything that is held on one person, or organisation, part by part: for himself, or for an administrator with a reason. Each part is on
record before it leaves.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.find_own_licences import RELEASED, seen_use
from licence_vault.actions.finish_copy import read_note
from licence_vault.actions.kept_foreign import kept_since, open_kept
from licence_vault.actions.use_desk import open_data, who_is_behind
from licence_vault.errors import field_unacceptable, holder_unknown
from licence_vault.limits import EXPORT_LICENCES, EXPORT_LINES, HOLDER_LEVEL_LEAST, PAGE_SIZE_MAX
from licence_vault.store.credentials import list_credentials_of_licence
from licence_vault.store.foreign import list_kept_of_holders
from licence_vault.uses import OWN_LOOK, UseAction, UseMode
from standards.gbt36903_metadata import HOLDER_CODE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.find_own_licences import SeenUse
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.foreign import KeptLicence
    from licence_vault.imported import ImportedLicence
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import Entrustment, UseCode
    from service_kit.callers import Caller

Part = dict[str, Any]


def export_own(desk: UseDesk, caller: Caller) -> Iterator[Part]:
    """What is held on the person who is signed in; of organisations in his power nothing. LICENCE_HOLDER_UNKNOWN."""
    own = who_is_behind(desk, caller, desk.context.clock.now()).own
    if not own:
        raise holder_unknown(HOLDER_LEVEL_LEAST)
    return _export(desk, caller, own, OWN_LOOK, UseMode.OWN)


def export_subject(desk: UseDesk, caller: Caller, holder: tuple[str, str], *, reason: str) -> Iterator[Part]:
    """What is held on a holder (code type and code); every licence's holders see that it was exported, and why. FIELD_UNACCEPTABLE."""
    if holder[0] not in HOLDER_CODE_TYPES:
        raise field_unacceptable("holder.code_type", "a code type of GB/T 36903 Annex A")
    return _export(desk, caller, desk.contents.find_holder_as_typed(*holder), check_purpose(reason), None)


def _export(desk: UseDesk, caller: Caller, subjects: frozenset[bytes], reason: str, mode: UseMode | None) -> Iterator[Part]:
    """The parts; the first is recorded, and read, before this returns, so that what stands in the way is said before anything has left."""
    first = _licences(desk, caller, subjects, reason, mode, before=None)
    return _parts(desk, caller, subjects, reason, mode, first)


def _parts(
    desk: UseDesk, caller: Caller, subjects: frozenset[bytes], reason: str, mode: UseMode | None, page: list[Part]
) -> Iterator[Part]:
    # 1. Licences, page by page, the newest first, each with all that hangs on it.
    told = 0
    while page:
        yield from page
        told += len(page)
        if told >= EXPORT_LINES:
            yield {"kind": "end", "complete": False}
            return
        page = _licences(desk, caller, subjects, reason, mode, before=page[-1]["id"])

    # 2. What older repositories had, what other regions gave and is kept still, whom he entrusted and what was entrusted to him, and every use, his own too.
    with desk.context.database.read() as conn:
        imported = store.list_imports_of_holders(conn, subjects, limit=EXPORT_LINES)
        foreign = list_kept_of_holders(conn, subjects, since=kept_since(desk.context.clock.now()), limit=EXPORT_LINES)
        given = store.list_entrustments_of_holders(conn, subjects, limit=EXPORT_LINES)
        received = store.list_entrustments_to(conn, subjects, limit=EXPORT_LINES)
    yield from (_imported(desk, each) for each in imported)
    yield from (_foreign(desk, each) for each in foreign)
    yield from (_entrustment("entrustment", each) for each in given)
    yield from (_entrustment("received_entrustment", each) for each in received)
    before, lines = None, 0
    while lines < EXPORT_LINES:
        with desk.context.database.read() as conn:
            found = store.list_uses_of_subjects(conn, subjects, before=before, limit=PAGE_SIZE_MAX)
        if not found:
            break
        yield from (_use(seen_use(desk, each)) for each in found)
        before, lines = found[-1].id, lines + len(found)

    # 3. Without this line it was cut off.
    yield {"kind": "end", "complete": max(lines, len(imported), len(foreign), len(given), len(received)) < EXPORT_LINES}


def _licences(
    desk: UseDesk, caller: Caller, subjects: frozenset[bytes], reason: str, mode: UseMode | None, *, before: str | None
) -> list[Part]:
    at = desk.context.clock.now()

    def begin() -> Attempt:
        return Attempt(UseAction.DOWNLOADED, caller, caller.client_id, reason, at, mode)

    def decide(conn: Connection, attempt: Attempt) -> list[Part]:
        found = store.list_licences_of_holders(
            conn, subjects, type_code=None, states=RELEASED, before=before, limit=EXPORT_LICENCES, with_abandoned=True
        )
        attempt.licences, attempt.subjects = found, () if found else subjects
        return [_licence(desk, conn, each) for each in found]

    return decide_use(desk, begin, decide)


def _licence(desk: UseDesk, conn: Connection, record: LicenceRecord) -> Part:
    codes = store.list_use_codes_of_licences(conn, [record.id], limit=EXPORT_LINES)
    return {
        "kind": "licence",
        "id": record.id,
        "identifier": record.identifier,
        "state": record.state.value,
        "transferred_from": record.transferred_from,
        "data": None if record.data_sealed is None else open_data(desk.contents, conn, record).as_json(),
        "files": [{"form": each.form, "digest": each.digest.hex(), "bytes": each.size_bytes} for each in store.list_files(conn, record.id)],
        "events": [
            {"event": each.event.value, "at": _time(each.at), "by": each.actor, "reason": each.reason}
            for each in store.list_events(conn, record.id)
        ],
        "consents": [_code(each) for each in codes],
        "copies": _copies(desk, conn, record),
        "credentials": [
            {
                "id": each.credential_id,
                "configuration": each.configuration,
                "state": each.state,
                "issued_at": _time(each.intended_at),
                "expires_at": _time(each.expires_at),
                "digest": None if each.digest is None else each.digest.hex(),
            }
            for each in list_credentials_of_licence(conn, record.id)
        ],
    }


def _copies(desk: UseDesk, conn: Connection, record: LicenceRecord) -> list[Part]:
    key_sealed = store.load_key(conn, record.id)
    if key_sealed is None:
        return []
    key, found = desk.contents.open_key(record.id, key_sealed), []
    for copy in store.list_copies(conn, record.id, before=None, limit=EXPORT_LINES):
        if copy.note_sealed is not None:
            statement = read_note(key.open_note(copy.id, copy.note_sealed)).salted.statement
            digest = None if copy.file_digest is None else copy.file_digest.hex()
            found.append({"id": copy.id, "state": copy.state.value, "digest": digest} | statement.as_json())
    return found


def _code(code: UseCode) -> Part:
    return {
        "id": code.id,
        "mode": code.mode.value,
        "client": code.client_id,
        "purpose": code.purpose,
        "service_item": code.service_item,
        "granted_by": code.granted_by,
        "granted_at": _time(code.granted_at),
        "expires_at": _time(code.expires_at),
        "used_at": None if code.used_at is None else _time(code.used_at),
    }


def _imported(desk: UseDesk, imported: ImportedLicence) -> Part:
    cells = json.loads(desk.contents.open_key(imported.id, imported.key_sealed).open_data(imported.data_sealed))
    return {
        "kind": "imported",
        "id": imported.id,
        "type": imported.type_code,
        "issuer": imported.issuer_code,
        "identifier": imported.identifier,
        "cells": cells,
        "marks": asdict(imported.marks),
        "file_digest": None if imported.file_digest is None else imported.file_digest.hex(),
        "imported_at": _time(imported.imported_at),
    }


def _foreign(desk: UseDesk, kept: KeptLicence) -> Part:
    content = open_kept(desk.contents, kept)
    return {
        "kind": "foreign",
        "id": kept.id,
        "region": kept.region,
        "identifier": kept.identifier,
        "asked_by": kept.asked_by,
        "fetched_at": _time(kept.fetched_at),
        "data": content.data,
        "file_digest": sm3(content.answer.document).hex(),
    }


def _entrustment(kind: str, given: Entrustment) -> Part:
    return {
        "kind": kind,
        "id": given.id,
        "type": given.type_code,
        "reason": given.reason,
        "given_at": _time(given.given_at),
        "until": _time(given.until),
        "ended_at": None if given.ended_at is None else _time(given.ended_at),
    }


def _use(seen: SeenUse) -> Part:
    record, officer = seen.record, seen.officer
    return {
        "kind": "use",
        "at": _time(record.at),
        "licence": record.licence_id,
        "type": record.type_code,
        "client": record.client,
        "by": record.actor,
        "officer": None if officer is None else {"name": officer.name, "role": officer.role, "division": officer.division},
        "mode": None if record.mode is None else record.mode.value,
        "action": record.action.value,
        "reason": record.reason,
        "outcome": record.outcome,
        "audit_entry": record.audit_id,
    }


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
