"""Licences of older repositories."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, union_all, update

from licence_vault.imported import ImportedLicence, Mark, Marks
from licence_vault.tables import import_holders, imports
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

_OF_NUMBER: Final = Prepared(
    select(imports.c.id).where(
        imports.c.issuer_code == bindparam("issuer"),
        imports.c.type_code == bindparam("type"),
        imports.c.number_digest == bindparam("digest"),
    )
)


def _imported(row: RowMapping) -> ImportedLicence:
    whole = json.loads(row["marks"])
    marks = Marks(Mark(whole["number"]), Mark(whole["content"]), whole["content_place"], whole["content_rule"], Mark(whole["seal"]))
    return ImportedLicence(**(dict(row) | {"marks": marks, "imported_at": read_time(row["imported_at"])}))


def insert_import(conn: Connection, imported: ImportedLicence) -> None:
    """One more."""
    values: dict[str, Any] = {name: getattr(imported, name) for name in ImportedLicence.__slots__ if name != "further_holders"}
    marks = json.dumps(asdict(imported.marks), ensure_ascii=False)
    conn.execute(insert(imports), values | {"marks": marks, "imported_at": write_time(imported.imported_at)})
    if imported.further_holders:
        conn.execute(insert(import_holders), [{"import_id": imported.id, "holder_digest": each} for each in imported.further_holders])


def update_import_file(conn: Connection, imported: ImportedLicence) -> None:
    """Its file, and the marks that follow."""
    values = {"file_form": imported.file_form, "file_digest": imported.file_digest, "file_blob": imported.file_blob}
    marks = json.dumps(asdict(imported.marks), ensure_ascii=False)
    conn.execute(update(imports).where(imports.c.id == imported.id).values(values | {"marks": marks}))


def load_import(conn: Connection, import_id: str, *, is_locked: bool = False) -> ImportedLicence | None:
    """One of them; ``is_locked`` keeps others from changing it until this transaction ends."""
    statement = select(imports).where(imports.c.id == import_id)
    row = conn.execute(statement.with_for_update() if is_locked else statement).mappings().one_or_none()
    return None if row is None else _imported(row)


def list_import_holders(conn: Connection, import_id: str) -> list[bytes]:
    """What its holders behind the first are found by."""
    statement = select(import_holders.c.holder_digest).where(import_holders.c.import_id == import_id)
    return list(conn.execute(statement).scalars())


def is_imported(conn: Connection, issuer_code: str, type_code: str, number_digest: bytes) -> bool:
    """Whether a licence of this printed number was imported before."""
    return _OF_NUMBER.first(conn, {"issuer": issuer_code, "type": type_code, "digest": number_digest}) is not None


def list_import_names(
    conn: Connection, issuer_code: str, type_code: str, *, ids: Collection[str], identifiers: Collection[str], numbers: Collection[bytes]
) -> list[tuple[str, str | None, bytes]]:
    """Id, identifier and digest of the printed number of each import of an issuer and type that goes by one of these."""
    sought = ((imports.c.id, ids), (imports.c.identifier, identifiers), (imports.c.number_digest, numbers))
    found = [conn.execute(_named(issuer_code, type_code, column, values)) for column, values in sought if values]
    return [(row.id, row.identifier, row.number_digest) for each in found for row in each]


def _named(issuer_code: str, type_code: str, column: ColumnElement[Any], values: Collection[Any]) -> Select[Any]:
    """Found among those of the issuer and type, for which there is an index; identifiers have none of their own."""
    return select(imports.c.id, imports.c.identifier, imports.c.number_digest).where(
        imports.c.issuer_code == issuer_code, imports.c.type_code == type_code, column.in_(values)
    )


def list_imports(
    conn: Connection,
    *,
    issuer_codes: Collection[str],
    number_digest: bytes | None,
    holder_digests: Collection[bytes] | None,
    after: str,
    limit: int,
) -> list[ImportedLicence]:
    """Imported licences of these issuers by id, behind ``after``."""
    statement = select(imports).where(imports.c.issuer_code.in_(issuer_codes), imports.c.id > after)
    if number_digest is not None:
        statement = statement.where(imports.c.number_digest == number_digest)
    if holder_digests is not None:
        statement = statement.where(_held_by(holder_digests))
    return [_imported(row) for row in conn.execute(statement.order_by(imports.c.id).limit(limit)).mappings()]


def _held_by(subjects: Collection[bytes]) -> ColumnElement[bool]:
    """Both looked for by their index: PostgreSQL reads every row for an OR with a further table."""
    first = imports.alias()
    return imports.c.id.in_(
        union_all(
            select(first.c.id).where(first.c.holder_digest.in_(subjects)),
            select(import_holders.c.import_id).where(import_holders.c.holder_digest.in_(subjects)),
        )
    )


def list_imports_of_holders(conn: Connection, subjects: Collection[bytes], *, limit: int) -> list[ImportedLicence]:
    """Imported licences that any of these (keyed hashes) holds, of any authority, by id."""
    statement = select(imports).where(_held_by(subjects))
    return [_imported(row) for row in conn.execute(statement.order_by(imports.c.id).limit(limit)).mappings()]
