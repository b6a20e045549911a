"""Take over licences of an older repository (旧证照库): metadata row by row, files one by one, each with marks that say what could be verified.

Nothing is issued: an imported licence has no leaf in our log, no status list and no seal of ours, and is never shown as if it had. The same file
sent again takes over only what is not there yet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict
from crypto.sm3 import sm3
from licence_vault import limits, store
from licence_vault.actions.batch_orders import holder_codes_of, order_of_row
from licence_vault.actions.enter_issuer import own_issuer_codes
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.actions.issue_licence import check_order
from licence_vault.actions.issuer_look import record_issuer_look
from licence_vault.errors import field_unacceptable, import_file_not_found, import_not_found, issuer_not_found, type_not_published
from licence_vault.import_archives import is_packed_otherwise
from licence_vault.imported import ImportedLicence, Mark, Marks, new_import_id
from licence_vault.model import read_salted_licence
from licence_vault.row_files import NUMBER, read_rows
from licence_vault.uses import UseAction
from licence_vault.verify import DATA_NAME, ORIGINAL_NAME
from service_kit import fail_points
from standards.errors import TrustError
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from licence_vault.actions.claim_batch import BatchFile
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.content_vault import ContentVault
    from licence_vault.ports import JudgedDocument
    from licence_vault.register import IssuingAuthority
    from licence_vault.row_files import Row
    from licence_vault.type_rules.definition import TypeDefinition
    from service_kit.callers import Caller

IDENTIFIER: Final = ("identifier", "电子证照标识")  # the column of the number of GB/T 36904
_MARKS: Final = {
    NumberVerdict.VALID: Mark.VALID,
    NumberVerdict.LEGACY_VARIANT: Mark.LEGACY_VARIANT,
    NumberVerdict.INVALID: Mark.INVALID,
}
_FORMS: Final = {b"%PDF": "pdf", b"PK\x03\x04": "ofd"}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a file. ``marked``: rows taken over of which something is not valid; ``skipped``: rows that were there before or again,
    ``issued_here`` of them because a licence issued here has that printed number or identifier.
    """

    rows: int
    taken_over: int
    marked: int
    skipped: int
    issued_here: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """An imported licence with its file. ``before``: SM3 of the file that was attached until then, None where none was."""

    imported: ImportedLicence
    before: bytes | None


@dataclass(frozen=True, slots=True)
class _Stored:
    """What came of some rows."""

    taken_over: int = 0
    marked: int = 0
    issued_here: int = 0

    def with_more(self, more: _Stored) -> _Stored:
        return _Stored(self.taken_over + more.taken_over, self.marked + more.marked, self.issued_here + more.issued_here)


def import_licences(means: IssuingMeans, caller: Caller, file: BatchFile) -> ImportReport:
    """Take over every row of the file. TrustError LICENCE_ISSUER_NOT_FOUND, LICENCE_TYPE_NOT_PUBLISHED, LICENCE_ROW_FILE_UNACCEPTABLE,
    FIELD_UNACCEPTABLE for a row without a printed number; rows before such a one stay taken over.
    """
    # 1. The right, and the type the rows are held against.
    with means.context.database.read() as conn:
        if not store.is_member(conn, file.issuer_code, caller.holder):
            raise issuer_not_found(file.issuer_code)
        version = store.load_published_type(conn, file.type_code)
    if version is None:
        raise type_not_published(file.type_code)
    definition = definition_of_version(version)

    # 2. Some hundred rows in a transaction, each under a key of its own.
    rows = 0
    found = _Stored()
    chunk: list[ImportedLicence] = []
    for row in read_rows(file.content, file.form):
        rows += 1
        chunk.append(_imported(means, caller, definition, file, row))
        if len(chunk) == limits.ROWS_PER_WRITE:
            found, chunk = found.with_more(_store(means, caller, file, chunk)), []
    if chunk:
        found = found.with_more(_store(means, caller, file, chunk))
    return ImportReport(rows, found.taken_over, found.marked, rows - found.taken_over, found.issued_here)


def attach_file(means: IssuingMeans, caller: Caller, import_id: str, content: bytes) -> ImportedLicence:
    """The file of an imported licence, PDF or OFD, judged by our verifier: its verdict is the mark, where the seal is its authority's and the file does
    not say of itself that it is another licence.

    LICENCE_IMPORT_NOT_FOUND, FIELD_UNACCEPTABLE.
    """
    return attach_unless_there(means, caller, import_id, content, is_same_left=False).imported


def attach_unless_there(means: IssuingMeans, caller: Caller, import_id: str, content: bytes, *, is_same_left: bool = True) -> Attachment:
    """As ``attach_file``; ``is_same_left``: where this very file is attached already, nothing is judged, kept and recorded anew."""
    # 1. Whose is it, and what is it?
    with means.context.database.read() as conn:
        imported = _owned(conn, caller, import_id)
        authority = store.load_issuer(conn, imported.issuer_code)
    form = _FORMS.get(content[:4])
    if form is None or is_packed_otherwise(content):
        raise field_unacceptable("file", "PDF or OFD")
    digest = sm3(content)
    if is_same_left and imported.file_digest == digest:
        return Attachment(imported, digest)

    # 2. The verdict on its seal; without one there is nothing to verify.
    judged = means.need_seals().judge.judge(content, means.context.trust(), means.context.clock.now())
    seal = Mark.INVALID if _is_of_another(means.contents, judged, imported) else _mark_seal(judged, authority)

    # 3. Kept under its key, and on record.
    key = means.contents.open_key(import_id, imported.key_sealed)
    blob = means.context.blobs.put(key.seal_file(form, content))
    fail_points.reach("attach-file.stored")
    changed = replace(imported, marks=replace(imported.marks, seal=seal), file_form=form, file_digest=digest, file_blob=blob)

    def record(conn: Connection) -> Attachment:
        now = _owned(conn, caller, import_id, is_locked=True)
        if is_same_left and now.file_digest == digest:  # the same archive is sent twice at once
            return Attachment(now, digest)
        store.update_import_file(conn, changed)
        means.context.audit.record(
            conn,
            at=means.context.clock.now(),
            actor=caller.actor,
            action="licence-import.file",
            subject=f"licence-import:{import_id}",
            outcome="done",
            facts={"file": digest.hex(), "seal": seal.value},
        )
        return Attachment(changed, now.file_digest)

    return means.context.database.write(record)


def read_file(means: IssuingMeans, caller: Caller, import_id: str) -> tuple[str, bytes]:
    """The form (``pdf``, ``ofd``) and the file that was attached, as it came; that it was read is on record, and for its holders to see.

    LICENCE_IMPORT_NOT_FOUND, LICENCE_IMPORT_FILE_NOT_FOUND.
    """
    # 1. Which file, and the key to it.
    with means.context.database.read() as conn:
        imported = _owned(conn, caller, import_id)
    form, blob, digest = imported.file_form, imported.file_blob, imported.file_digest
    if form is None or blob is None or digest is None:
        raise import_file_not_found(import_id)
    content = means.contents.open_key(import_id, imported.key_sealed).open_file(form, means.context.blobs.get(blob))

    # 2. Nothing leaves before it is on record that it does.
    def record(conn: Connection) -> None:
        _owned(conn, caller, import_id)
        means.context.audit.record(
            conn,
            at=means.context.clock.now(),
            actor=caller.actor,
            action="licence-import.read-file",
            subject=f"licence-import:{import_id}",
            outcome="done",
            facts={"file": digest.hex()},
        )

    means.context.database.write(record)
    _record_look(means, caller, imported, UseAction.DOWNLOADED)
    return form, content


def find_import(means: IssuingMeans, caller: Caller, import_id: str) -> tuple[ImportedLicence, dict[str, str]]:
    """An imported licence with its cells as they came; its holders see that it was looked at. LICENCE_IMPORT_NOT_FOUND."""
    with means.context.database.read() as conn:
        imported = _owned(conn, caller, import_id)
    cells: dict[str, str] = json.loads(means.contents.open_key(import_id, imported.key_sealed).open_data(imported.data_sealed))
    _record_look(means, caller, imported, UseAction.ISSUER_READ)
    return imported, cells


def list_imports(
    means: IssuingMeans,
    caller: Caller,
    *,
    holder: tuple[str, str] | None,
    number: str | None,
    after: str,
    limit: int,
    issuer_code: str | None = None,
) -> list[ImportedLicence]:
    """Imported licences of the authorities the caller acts for, by id, behind ``after``. Errors as ``own_issuer_codes``."""
    contents = means.contents
    with means.context.database.read() as conn:
        return store.list_imports(
            conn,
            issuer_codes=own_issuer_codes(conn, caller, issuer_code),
            number_digest=None if number is None else contents.find_number(number),
            holder_digests=None if holder is None else contents.find_holder_as_typed(*holder),
            after=after,
            limit=limit,
        )


def _record_look(means: IssuingMeans, caller: Caller, imported: ImportedLicence, action: UseAction) -> None:
    with means.context.database.read() as conn:
        holders = store.list_import_holders(conn, imported.id)
    subjects = {imported.holder_digest, *holders}
    record_issuer_look(means.context, means.contents, caller, action, type_code=imported.type_code, subjects=subjects)


def _imported(means: IssuingMeans, caller: Caller, definition: TypeDefinition, file: BatchFile, row: Row) -> ImportedLicence:
    cells = row.cells
    identifier = next((cells[name] for name in IDENTIFIER if name in cells), None)
    number = next((cells[name] for name in NUMBER if name in cells), None)
    if number is None:
        raise field_unacceptable("number", f"needed in every row, missing in row {row.number}")
    if identifier is not None and len(identifier) > limits.IDENTIFIER_CHARACTERS:
        raise field_unacceptable("identifier", f"at most {limits.IDENTIFIER_CHARACTERS} characters, in row {row.number}")
    content, place, rule = Mark.VALID, "", ""
    try:
        own = {name: cell for name, cell in cells.items() if name not in IDENTIFIER}
        order = order_of_row(definition, file.issuer_code, ("pdf",), own, columns=row.columns)
        check_order(order, definition)
    except TrustError as error:
        content, place, rule = Mark.INVALID, str(error.facts.get("place", error.facts.get("field", ""))), str(error.facts.get("rule", ""))
    first, *further = [means.contents.find_holder(*each) for each in holder_codes_of(cells) or [("", "")]]
    import_id = new_import_id()
    key, key_sealed = means.contents.new_key(import_id)
    return ImportedLicence(
        id=import_id,
        issuer_code=file.issuer_code,
        type_code=file.type_code,
        identifier=identifier,
        number_digest=means.contents.find_number(number),
        holder_digest=first,
        data_sealed=key.seal_data(json.dumps(dict(cells), ensure_ascii=False).encode()),
        key_sealed=key_sealed,
        marks=Marks(_mark_number(identifier, file), content, place, rule, Mark.ABSENT),
        file_form=None,
        file_digest=None,
        file_blob=None,
        imported_by=caller.holder,
        imported_at=means.context.clock.now(),
        further_holders=frozenset(further) - {first},
    )


def _mark_number(identifier: str | None, file: BatchFile) -> Mark:
    """The check character, and that it is a number of this type and authority."""
    if identifier is None:
        return Mark.ABSENT
    findings = examine_licence_number(identifier)
    if findings.number is None or (findings.number.type_code, findings.number.issuer) != (file.type_code, file.issuer_code):
        return Mark.INVALID
    return _MARKS[findings.verdict]


def _mark_seal(judged: JudgedDocument, authority: IssuingAuthority | None) -> Mark:
    """The seals of a file hold, and they are the authority's: a good seal of somebody else says nothing good of its licence."""
    if not judged.report.signatures and judged.sealed_files is None:
        return Mark.ABSENT
    if judged.report.verdict is not Verdict.VALID:
        return Mark.INVALID if judged.report.verdict is Verdict.INVALID else Mark.INDETERMINATE
    stated = judged.sealer_code or judged.sealer_name
    if authority is None or stated is None:
        return Mark.INDETERMINATE
    return Mark.VALID if stated == (authority.name if judged.sealer_code is None else authority.code) else Mark.INVALID


def _is_of_another(contents: ContentVault, judged: JudgedDocument, imported: ImportedLicence) -> bool:
    """Whether the file carries licence data that are not this licence's: a good seal over another licence says nothing good of this one."""
    files = judged.sealed_files or {}
    data = files.get(DATA_NAME, files.get(ORIGINAL_NAME))
    if data is None:
        return False
    try:
        found = read_salted_licence(data).data
    except TrustError:
        return True
    if imported.identifier is not None:
        return found.identifier != imported.identifier
    return contents.find_number(found.number) != imported.number_digest


def _store(means: IssuingMeans, caller: Caller, file: BatchFile, chunk: Sequence[ImportedLicence]) -> _Stored:
    def record(conn: Connection) -> _Stored:
        if not store.is_member(conn, file.issuer_code, caller.holder):
            raise issuer_not_found(file.issuer_code)
        taken, issued_here = [], 0
        for each in chunk:
            number = each.issuer_code, each.type_code, each.number_digest
            if store.is_imported(conn, *number):
                continue
            if store.is_printed_number_taken(conn, *number, except_root="") or _is_issued_here(conn, each):
                issued_here += 1  # two licences of one number would answer who asks for it
                continue
            store.insert_import(conn, each)
            taken.append(each)
        faulty = sum(each.marks.content is not Mark.VALID or each.marks.number is not Mark.VALID for each in taken)
        means.context.audit.record(
            conn,
            at=means.context.clock.now(),
            actor=caller.actor,
            action="licence-import.rows",
            subject=f"licence-issuer:{file.issuer_code}",
            outcome="done",
            facts={"type": file.type_code, "rows": len(chunk), "taken_over": len(taken), "marked": faulty, "issued_here": issued_here},
        )
        return _Stored(len(taken), faulty, issued_here)

    return means.context.database.write(record)


def _is_issued_here(conn: Connection, imported: ImportedLicence) -> bool:
    """A row that names by its identifier, under whichever printed number, a licence that its authority issued here; of others' nobody learns."""
    found = None if imported.identifier is None else store.load_licence_of_identifier(conn, imported.identifier)
    return found is not None and found.issuer_code == imported.issuer_code


def _owned(conn: Connection, caller: Caller, import_id: str, *, is_locked: bool = False) -> ImportedLicence:
    imported = store.load_import(conn, import_id, is_locked=is_locked)
    if imported is None or not store.is_member(conn, imported.issuer_code, caller.holder):
        raise import_not_found(import_id)
    return imported
