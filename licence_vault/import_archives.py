"""An archive (ZIP) with the files of licences of an older repository: which files it has, what is wrong with which, and what its index says.

Nothing of an archive is trusted, and nothing is written: a file is unpacked where it is asked for, one at a time, in memory. What is wrong with one file
is that file's trouble; an archive in which readers find different files is refused as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from licence_vault import limits
from licence_vault.errors import import_archive_unacceptable, import_file_unacceptable, row_file_unacceptable
from licence_vault.row_files import NUMBER, RowForm, read_rows
from standards.errors import MalformedError
from standards.gbt33190_ofd.container import DUPLICATE, NAME_ENCODING, STRAY_BYTES, Container
from standards.gbt33190_ofd.limits import MAX_RATIO
from standards.gbt33190_ofd.zip_records import read_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.gbt33190_ofd.container import Irregularity

_FILE: Final = ("file", "文件")
_INDEXES: Final = {"files.csv": RowForm.CSV, "files.xlsx": RowForm.XLSX}
_OFD_ENTRY: Final = b"ofd.xml"
_SYSTEM_FOLDER: Final = "__macosx"
_SYSTEM_FILES: Final = frozenset({".ds_store", "thumbs.db"})
_HARMLESS: Final = frozenset({"comment", "after-end"})  # behind the archive: what some programs write, and padding

_PACKED_ANEW: Final = "in an archive whose records agree: pack it anew with a common program"
_RULES: Final = {
    "encrypted": "not encrypted",
    "absolute": "a path within the archive, without a drive or / before it and without ..",
    "parent-folder": "a path within the archive, without a drive or / before it and without ..",
    "backslash": "a path whose folders end with /, not with a backslash",
    "control-character": "a path of ordinary steps, not too long, without control characters",
    "empty-step": "a path of ordinary steps, not too long, without control characters",
    "too-long": "a path of ordinary steps, not too long, without control characters",
    "symbolic-link": "an ordinary file, no link",
    "special-file": "an ordinary file, no link",
    "folder-with-data": "an ordinary file, no link",
}
_UNREADABLE: Final = {
    "method": "stored or deflated",
    "too-large": f"at most {limits.IMPORT_FILE_BYTES} bytes",
    "ratio": f"unpacked at most {MAX_RATIO} times its size",
}


class FileArchive:
    """The files of an archive. ``paths``: of all there are, in their order, those behind them that nobody may follow; what systems leave in folders
    and the index are none of them. TrustError LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE.
    """

    def __init__(self, data: bytes) -> None:
        # 1. Its records, counted before each is looked at.
        try:
            records = read_directory(data).records
            if len(records) > limits.IMPORT_ARCHIVE_ENTRIES:
                raise import_archive_unacceptable(f"at most {limits.IMPORT_ARCHIVE_ENTRIES} entries")
            self._container = Container(data)
        except MalformedError:
            raise import_archive_unacceptable("a whole ZIP archive") from None
        if any(record.name.lower() == _OFD_ENTRY for record in records):
            raise import_archive_unacceptable("an archive of files, no OFD document itself: that is attached to its licence by itself")

        # 2. What is wrong with it, and with which file.
        self._troubles: dict[str, str] = {}
        for each in self._container.irregularities:
            self._note(each)

        # 3. What counts as a file.
        found = [path for path in dict.fromkeys((*self._container.members, *self._troubles)) if not _is_of_a_system(path)]
        indexes = [path for path in found if _last_step(path).lower() in _INDEXES]
        if len(indexes) > 1:
            raise import_archive_unacceptable("one index, files.csv or files.xlsx", indexes[1])
        self._index_path = indexes[0] if indexes else None
        self.paths = tuple(path for path in found if path != self._index_path)
        if not self.paths:
            raise import_archive_unacceptable("a file at least")
        if len(self.paths) > limits.IMPORT_ARCHIVE_FILES:
            raise import_archive_unacceptable(f"at most {limits.IMPORT_ARCHIVE_FILES} files")
        unpacked = sum(self._container.members[path].size for path in found if path in self._container.members)
        if unpacked > limits.IMPORT_ARCHIVE_UNPACKED_BYTES:
            raise import_archive_unacceptable(f"at most {limits.IMPORT_ARCHIVE_UNPACKED_BYTES} bytes unpacked")

    def check_file(self, path: str) -> None:
        """What is wrong with a file before it is unpacked. LICENCE_IMPORT_FILE_UNACCEPTABLE."""
        trouble = self._troubles.get(path)
        if trouble is not None:
            raise import_file_unacceptable(trouble)

    def read(self, path: str) -> bytes:
        """A file, unpacked and whole. LICENCE_IMPORT_FILE_UNACCEPTABLE."""
        self.check_file(path)
        try:
            return self._container.read(path, limits.IMPORT_FILE_BYTES)
        except MalformedError as error:
            raise import_file_unacceptable(_UNREADABLE.get(str(error.facts["reason"]), "undamaged")) from None

    def read_index(self) -> list[tuple[str, str]] | None:
        """Number and path of each row, the path as it stands in ``paths`` where there is such a file; None where the archive has no index.

        LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE where the index cannot be unpacked, LICENCE_ROW_FILE_UNACCEPTABLE where it cannot be read.
        """
        path = self._index_path
        if path is None:
            return None
        if path in self._troubles:
            raise import_archive_unacceptable(self._troubles[path], path)
        try:
            content = self._container.read(path, limits.IMPORT_INDEX_BYTES)
        except MalformedError as error:
            is_large = error.facts["reason"] == "too-large"
            rule = f"an index of at most {limits.IMPORT_INDEX_BYTES} bytes" if is_large else "undamaged"
            raise import_archive_unacceptable(rule, path) from None
        folder = path[: len(path) - len(_last_step(path))]
        rows = []
        for row in read_rows(content, _INDEXES[_last_step(path).lower()]):
            if row.number > limits.IMPORT_ARCHIVE_FILES:
                raise row_file_unacceptable(f"at most {limits.IMPORT_ARCHIVE_FILES} rows", row.number)
            number, file = _cell(row.cells, NUMBER), _cell(row.cells, _FILE)
            if number is None or file is None:
                raise row_file_unacceptable("number and file in every row", row.number)
            rows.append((number, self._path_of(folder + file.replace("\\", "/").removeprefix("./"))))  # as `find` lists files
        return rows

    def _path_of(self, path: str) -> str:
        """As the archive writes it: in other letters, or composed otherwise, it is the same file to people."""
        alike = None if path in self._container else self._container.name_like(path)
        return path if alike is None else alike

    def _note(self, found: Irregularity) -> None:
        if found.code == NAME_ENCODING or (found.code == STRAY_BYTES and found.reason in _HARMLESS):
            return
        if not found.path:
            raise import_archive_unacceptable("nothing but its entries, each seen by every reader: pack it anew with a common program")
        if found.code == DUPLICATE:
            rule = "a name of its own, in other letters and another encoding too"
            for path in self._container.duplicates:
                self._troubles.setdefault(path, rule)
            return
        self._troubles.setdefault(found.path, _RULES.get(found.reason, _PACKED_ANEW))


def is_packed_otherwise(content: bytes) -> bool:
    """Whether a file that begins as a ZIP archive can be read as one and is no OFD document."""
    try:
        return content.startswith(b"PK") and all(record.name.lower() != _OFD_ENTRY for record in read_directory(content).records)
    except MalformedError:
        return False


def _cell(cells: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((cells[name] for name in names if name in cells), None)


def _last_step(path: str) -> str:
    return path.rpartition("/")[2]


def _is_of_a_system(path: str) -> bool:
    """What macOS and Windows leave in folders; nobody means it."""
    return path.partition("/")[0].lower() == _SYSTEM_FOLDER or _last_step(path).lower() in _SYSTEM_FILES
