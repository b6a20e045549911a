"""Which rows of the licence vault name blobs. Of a licence whose content was erased nothing is missed: its key is gone, and what it sealed is noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from licence_vault.copy_tables import copies
from licence_vault.tables import files, imports, licence_keys
from service_kit.named_blobs import BlobPlace

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement


def _is_not_erased(licence_id: Column[Any]) -> ColumnElement[bool]:
    return select(licence_keys.c.licence_id).where(licence_keys.c.licence_id == licence_id).exists()


BLOB_PLACES: Final = (
    BlobPlace(files.c.blob, (files.c.licence_id, files.c.form), _is_not_erased(files.c.licence_id)),
    BlobPlace(copies.c.blob, (copies.c.id,), _is_not_erased(copies.c.licence_id)),
    BlobPlace(imports.c.file_blob, (imports.c.id,)),
)
