"""Files of accounts from another directory: how their rows are read, and what becomes of each. No input or output here.

CSV (RFC 4180, the first line names the columns) or JSON lines (one object of texts per line) with the same names. A column or name that is
not there leaves what an account has; an empty value removes it.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from idp.model.people import ATTRIBUTES, EXCLUSIVE, IdentifierKind
from service_kit.callers import client_in
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
ROWS_MAX: Final = 100_000
ROW_BYTES_MAX: Final = 16 * 1024
VERSION_MAX: Final = 2**53 - 1  # what every reader of JSON can hold (RFC 7493 2.2)
IMPORT_LEVEL_MAX: Final = 2  # what another directory's word is worth at most: real name, compared from afar
PAGE_ROWS_MAX: Final = 1000
SOURCE_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
ENCODINGS: Final = ("utf-8", "gb18030")
IDENTIFIER_COLUMNS: Final = {each.value: each for each in IdentifierKind if each is not IdentifierKind.UPSTREAM}
ATTRIBUTE_COLUMNS: Final = tuple(dict.fromkeys(name for names in ATTRIBUTES.values() for name in names if name != "parent_account"))
COLUMNS: Final = (
    "source_id",
    "kind",
    "name",
    "status",
    "version",
    "area",
    "level",
    "password_hash",
    *IDENTIFIER_COLUMNS,
    *ATTRIBUTE_COLUMNS,
)


class ImportForm(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"


class ImportState(StrEnum):
    """How far an import is."""

    RECEIVING = "receiving"
    RUNNING = "running"
    FINISHED = "finished"


class RowOutcome(StrEnum):
    """What became of a row."""

    WAITING = "waiting"
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Import:
    """An import. ``file_digest``: SM3 of the file, 32 bytes. Times are aware UTC."""

    import_id: str
    source: str
    state: ImportState
    is_dry_run: bool
    rows: int
    file_digest: bytes
    created_at: datetime
    created_by: str
    finished_at: datetime | None = None

    @property
    def client_id(self) -> str:
        """The client by which it came, for whomever; what is no client's id where it was the operator's."""
        return client_in(self.created_by)


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of a row, without anything personal: ``code`` and ``field`` say why it was refused."""

    number: int
    outcome: RowOutcome
    code: str = ""
    field: str = ""
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row as it stands in the file, numbered from 1. ``fields`` None: it cannot be read. Personal data."""

    number: int
    fields: dict[str, str] | None

    def __repr__(self) -> str:
        """Without personal data."""
        return f"FileRow({self.number})"


def check_source(source: str) -> None:
    """Raise IMPORT_UNREADABLE unless it can name a source."""
    if not SOURCE_PATTERN.fullmatch(source):
        raise _unreadable("source", "a lower-case name of up to 32 letters, digits and hyphens")


def _unreadable(found: str, expected: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "IMPORT_UNREADABLE", found=found, expected=expected)


def read_rows(data: bytes, form: ImportForm, encoding: str = "utf-8") -> Iterator[FileRow]:
    """The rows of a file. IMPORT_UNREADABLE for what is no such file at all; rows that cannot be read come as such."""
    if len(data) > FILE_BYTES_MAX:
        raise TrustError(Kind.TOO_LARGE, "IMPORT_TOO_LARGE", limit_bytes=FILE_BYTES_MAX)
    if encoding not in ENCODINGS:
        raise _unreadable("encoding", " or ".join(ENCODINGS))
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise _unreadable(f"octet {error.start}", encoding) from None
    number = 0
    for row in _csv_rows(text) if form is ImportForm.CSV else _json_rows(text):
        number += 1
        if number > ROWS_MAX:
            raise TrustError(Kind.TOO_LARGE, "IMPORT_TOO_LARGE", limit_rows=ROWS_MAX)
        yield FileRow(number, row)
    if number == 0:
        raise _unreadable("no rows", "at least one row")


def _csv_rows(text: str) -> Iterator[dict[str, str] | None]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        unknown = next((name for name in header if name not in COLUMNS), None)
        if unknown is not None or "source_id" not in header or len(set(header)) != len(header):
            raise _unreadable((unknown or "header")[:40], "columns " + ", ".join(COLUMNS))
        for values in reader:
            if not values:
                continue
            fits = len(values) == len(header) and sum(map(len, values)) <= ROW_BYTES_MAX
            yield {name: value.strip() for name, value in zip(header, values, strict=True)} if fits else None
    except csv.Error:
        raise _unreadable(f"line {reader.line_num}", "CSV (RFC 4180)") from None


def _json_rows(text: str) -> Iterator[dict[str, str] | None]:
    for line in text.split("\n"):
        if line.strip():
            yield _json_row(line)


def _json_row(line: str) -> dict[str, str] | None:
    if len(line) > ROW_BYTES_MAX:
        return None
    try:
        value = read_strict_object(line)
    except StrictJsonError:
        return None
    if not set(value) <= set(COLUMNS) or not all(isinstance(each, str) for each in value.values()):
        return None
    return {name: each.strip() for name, each in value.items()}


def names_of(fields: dict[str, str]) -> list[tuple[str, str]]:
    """What two rows of one file must not share: the subject's name in the source, and identifiers that belong to one account."""
    exclusive = [name for name, kind in IDENTIFIER_COLUMNS.items() if kind in EXCLUSIVE]
    return [(name, fields[name].casefold()) for name in ("source_id", *exclusive) if fields.get(name)]
