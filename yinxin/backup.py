"""A deployment in one file, taken while it is served, in an order that holds together when it is put back.

The checkpoints of the logs come first; then the database is copied as of one moment; then the tiles that its entries need, keys, documents
and settings. So the database knows at least what the logs have published (an older one would refuse to go on, LOG_ROLLED_BACK), and
everything it names is there, but no tile of a later entry: who goes on from here gives that place to another one. The master key is never
in it: who finds the file opens nothing.

The file is a tar archive. Its last member, ``manifest.json``, names every other one with size and SM3.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import URL, NullPool, create_engine

from crypto.durable_files import give_to_owner, make_folder, sync_folder
from crypto.keystore import is_master_key, locked_store, masters_named
from crypto.master_key import MAX_KEY_FILE_BYTES
from crypto.sm3 import Sm3
from licence_vault.log.instance import LOG_NAME as LICENCE_LOG_NAME
from service_kit.blobs import PREFIX_CHARACTERS
from service_kit.database import check_database_pages, check_pages, read_database_url
from service_kit.database_errors import as_trust_error
from service_kit.durable_files import PRIVATE_MODE, naming_full
from service_kit.lost_blobs import lost_as_told
from service_kit.named_blobs import named_blobs
from service_kit.setting_rules import absolute_database_url
from service_kit.settings import load_settings
from service_kit.tables import log_head as heads
from standards.c2sp_tlog_tiles import leaves_wanted
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import read_strict
from yinxin.deployment import BLOBS, KEYS, LOG, LOG_NAME, MARKER, MASTER_KEY_FILE, RUN, is_complete, master_key_path
from yinxin.links import blob_places
from yinxin.version import program_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.settings import Settings

FORMAT: Final = "yinxin-backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "yinxin.sqlite3"
LICENCES: Final = "licences"
MANIFEST_BYTES_MAX: Final = 512 * 1024 * 1024  # some millions of documents
CHUNK_BYTES: Final = 1024 * 1024
_CHECKPOINT: Final = "checkpoint"
_NOT_KEPT: Final = re.compile(r"^(\..*|.*\.lock|.*\.sqlite3(-\w+)?)$")  # locks, and the database, which is taken as of one moment
_NAME: Final = re.compile(r"[^/\0]+(/[^/\0]+)*")


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. ``files``: name -> (bytes, SM3 in hexadecimal). ``has_database``: False where it lives elsewhere. ``missing``: files
    that rows of its database name and that were not there to be taken; None where nobody looked (database elsewhere, an older backup).
    ``lost``: those of them that the database calls lost for good; ``yinxin audit check`` proves it, where the key is.
    """

    made_at: str
    program: str
    has_database: bool
    files: dict[str, tuple[int, str]]
    missing: tuple[str, ...] | None = None
    lost: tuple[str, ...] = ()

    @property
    def bytes_count(self) -> int:
        """All files together."""
        return sum(size for size, _ in self.files.values())

    @property
    def missed(self) -> tuple[str, ...]:
        """What is missing and not on record as lost: another backup may have it."""
        lost = frozenset(self.lost)
        return tuple(name for name in self.missing or () if name not in lost)


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._state = Sm3()

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        self._state.update(data)
        return data

    def digest(self) -> str:
        return self._state.digest().hex()


def make_backup(settings: Settings, out: Path, at: datetime) -> Backup:
    """Write everything of a deployment into ``out`` (0600). ``at``: aware UTC, what it says of its age.

    TrustError DEPLOYMENT_MISSING, FILE_EXISTS. What was cut off leaves no file ``out``.
    """
    folder = settings.dir.resolve()
    if not is_complete(folder):
        raise TrustError(Kind.UNACCEPTABLE, "DEPLOYMENT_MISSING", dir=str(folder))
    if out.exists():
        raise TrustError(Kind.CONFLICT, "FILE_EXISTS", path=str(out))
    partial = out.with_name(out.name + ".part")
    partial.unlink(missing_ok=True)  # of a backup that was cut off, or put there by somebody who wants to read this one
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        with (
            naming_full(out),
            os.fdopen(descriptor, "wb") as raw,
            tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            backup = _write_archive(archive, settings, {out.resolve(), partial.resolve()}, at)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)  # of one that did not come to its end
    sync_folder(out.parent)
    return backup


def _write_archive(archive: tarfile.TarFile, settings: Settings, own: set[Path], at: datetime) -> Backup:
    folder, files = settings.dir.resolve(), dict[str, tuple[int, str]]()
    named: set[str] | None = None
    lost = set[str]()
    logs = {LOG: LOG_NAME, LICENCES: LICENCE_LOG_NAME}
    # 1. The checkpoints, which say how much was published
    for name in logs:
        for path in _files_below(folder / name):
            if path.name.startswith(_CHECKPOINT):
                _add(archive, files, path, path.relative_to(folder).as_posix())
    url = read_database_url(settings.database_url)
    has_database = url.get_backend_name() == "sqlite"
    with TemporaryDirectory(dir=min(own).parent, prefix=".yinxin-backup-") as temporary:
        # 2. The database as of one moment, at least as new as what was published
        copy = Path(temporary) / DATABASE
        numbered = _copy_database(Path(url.database or ""), copy) if has_database else None
        # 3. The tiles of its entries: a log may have grown meanwhile
        for name, log in logs.items():
            for path in _files_below(folder / name):
                below = path.relative_to(folder / name).as_posix()
                wanted = leaves_wanted(below[below.find("tile/") :])
                if not path.name.startswith(_CHECKPOINT) and (numbered is None or wanted is None or wanted <= numbered.get(log, 0)):
                    _add(archive, files, path, f"{name}/{below}")
        if has_database:
            _add(archive, files, copy, DATABASE)
            named, lost = _named_files(copy)
    # 4. What it names: keys, documents, settings; last what makes the folder a finished deployment
    left_out = {(folder / MASTER_KEY_FILE).resolve(), master_key_path(folder, os.environ).resolve(), *own}
    if has_database:  # by whatever name: it has been taken as of one moment
        left_out |= {Path(f"{url.database}{suffix}").resolve() for suffix in ("", "-wal", "-shm", "-turn")}

    def add(paths: Iterator[Path]) -> None:
        for path in paths:
            if path.resolve() not in left_out and not _is_master_key(path, masters):
                _add(archive, files, path, path.relative_to(folder).as_posix())

    with locked_store(folder / KEYS):  # under one master key, all of them; no longer than that: who starts, or makes a key, waits for it
        masters = masters_named(folder / KEYS)
        add(_files_below(folder / KEYS))
    add(_rest(folder))
    _add(archive, files, folder / MARKER, MARKER)
    # A document is written before its row, so that it was there by then
    missing = None if named is None else tuple(sorted(named.difference(files)))
    backup = Backup(
        at.isoformat(timespec="seconds"), program_version(), has_database, files, missing, tuple(sorted(lost.intersection(missing or ())))
    )
    _write_manifest(archive, backup)
    return backup


def _is_master_key(path: Path, masters: frozenset[str]) -> bool:
    """Whether the master key of the keys in the backup lies there: by another name than the environment of this command says, or as a copy."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except FileNotFoundError:  # gone since it was listed, as ``_add`` will find
        return False
    return len(content) <= MAX_KEY_FILE_BYTES and is_master_key(content, masters)


def _copy_database(source: Path, copy: Path) -> dict[str, int]:
    """Copy it as of one moment and look whether the copy is whole; returns how many entries of each log have a number in it."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as live, closing(sqlite3.connect(copy)) as taken:
            live.backup(taken)
            check_pages(taken)
            if taken.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (heads.name,)).fetchone() is None:
                raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", reason="without tables")
            rows = taken.execute(f"SELECT log, assigned FROM {heads.name}").fetchall()  # noqa: S608 - the name of a table
    except sqlite3.Error as error:
        raise as_trust_error(error) from error
    return dict(rows)


def _named_files(database: Path) -> tuple[set[str], set[str]]:
    """The files, by their paths in the folder, which rows of a copied database name, and which it calls lost."""
    engine = create_engine(URL.create("sqlite", database=str(database)), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            named = {_file_of(each.blob) for each in named_blobs(connection, blob_places())}
            return named, {_file_of(blob) for blob in lost_as_told(connection)}
    finally:
        engine.dispose()


def _file_of(blob: str) -> str:
    return f"{BLOBS}/{blob[:PREFIX_CHARACTERS]}/{blob}"


def check_backup(path: Path) -> Backup:
    """Read a backup to its end and compare every byte with what it says of itself. TrustError BACKUP_DAMAGED, BACKUP_TOO_NEW, FILE_UNREADABLE."""
    found: dict[str, tuple[int, str]] = {}
    manifest: bytes | None = None
    try:
        with tarfile.open(path, mode="r:") as archive:
            for member in archive:
                # One with holes is small and says that it is large: reading it to its end would not end
                content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
                if content is None or manifest is not None or member.name in found or not _is_safe(member.name):
                    raise _damaged(member.name)
                if member.name == MANIFEST:
                    if member.size > MANIFEST_BYTES_MAX:
                        raise _damaged(MANIFEST)
                    manifest = content.read()
                    continue
                hashed = _Hashed(content)
                while hashed.read(CHUNK_BYTES):
                    pass
                found[member.name] = (member.size, hashed.digest())
    except (tarfile.TarError, EOFError):
        raise _damaged("archive") from None
    except OSError as error:
        raise TrustError(Kind.UNACCEPTABLE, "FILE_UNREADABLE", path=str(path), reason=type(error).__name__) from None
    folders = {folder.as_posix() for name in found for folder in PurePosixPath(name).parents}
    both = sorted(folders.intersection(found))
    if both:  # a file where another needs a folder: nobody could put both back
        raise _damaged(both[0])
    backup = _read_manifest(manifest)
    if backup.files != found:
        different = sorted({name for name in {*found, *backup.files} if found.get(name) != backup.files.get(name)})
        raise _damaged(different[0])
    return backup


def restore_backup(path: Path, folder: Path) -> Backup:
    """Put a backup back into ``folder``, which is empty or not there. The deployment counts as finished only when all of it is there.

    TrustError BACKUP_DAMAGED, BACKUP_TOO_NEW, FILE_UNREADABLE, FOLDER_NOT_EMPTY, DATABASE_UNAVAILABLE.
    """
    # 1. All of it is looked at before any of it is written
    backup = check_backup(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TrustError(Kind.UNACCEPTABLE, "FOLDER_NOT_EMPTY", dir=str(folder))
    make_folder(folder)
    # 2. Every file under its name, private; the mark of a finished deployment comes last in the archive
    folders = {folder}
    with tarfile.open(path, mode="r:") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None or member.name == MANIFEST:
                continue
            target = folder / member.name
            make_folder(target.parent)  # private, like every folder above it
            folders.add(target.parent)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_MODE)
            with naming_full(target), os.fdopen(descriptor, "wb") as file:
                give_to_owner(descriptor, target)
                shutil.copyfileobj(content, file, CHUNK_BYTES)
                file.flush()
                os.fsync(file.fileno())
    make_folder(folder / RUN)
    for each in folders:
        sync_folder(each)
    # 3. The database is asked about itself
    if backup.has_database:
        check_database_pages(absolute_database_url(f"sqlite:///{DATABASE}", folder))
    return backup


def database_elsewhere(folder: Path) -> str | None:
    """The SQLite file that the settings of a restored deployment name, where it is not the one that was restored; None where it is, or they cannot be read."""
    try:
        url = read_database_url(load_settings(folder).database_url)
    except TrustError:
        return None
    is_other = url.get_backend_name() == "sqlite" and Path(url.database or "").resolve() != (folder / DATABASE).resolve()
    return url.database if is_other else None


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if not _NOT_KEPT.match(name))


def _rest(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in {LOG, LICENCES, RUN, MARKER, KEYS} or _NOT_KEPT.match(entry.name):
            continue
        if entry.is_dir():
            yield from _files_below(entry)
        elif entry.is_file():
            yield entry


def _add(archive: tarfile.TarFile, files: dict[str, tuple[int, str]], path: Path, name: str) -> None:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # replaced or removed since it was listed: its successor has a name of its own
        return
    with file:
        member = tarfile.TarInfo(name)
        member.size = os.fstat(file.fileno()).st_size
        member.mode = PRIVATE_MODE
        hashed: Any = _Hashed(file)
        archive.addfile(member, hashed)
        files[name] = (member.size, hashed.digest())


def _write_manifest(archive: tarfile.TarFile, backup: Backup) -> None:
    said = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": backup.made_at,
        "program": backup.program,
        "has_database": backup.has_database,
        "files": {name: {"bytes": size, "sm3": digest} for name, (size, digest) in backup.files.items()},
        "missing": None if backup.missing is None else list(backup.missing),
        "lost": list(backup.lost),
    }
    data = json.dumps(said, ensure_ascii=False, indent=1).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(data), PRIVATE_MODE
    archive.addfile(member, BytesIO(data))


def _read_manifest(data: bytes | None) -> Backup:
    try:
        said = read_strict(data or b"")
        if said["format"] != FORMAT or not isinstance(said["version"], int) or said["version"] < VERSION:
            raise _damaged(MANIFEST)
        if said["version"] > VERSION:
            raise TrustError(Kind.UNACCEPTABLE, "BACKUP_TOO_NEW", program=str(said["program"])[:64])
        files = {str(name): (int(each["bytes"]), str(each["sm3"])) for name, each in said["files"].items()}
        datetime.fromisoformat(said["made_at"])
        missing = said.get("missing")
        names = None if missing is None else tuple(str(name) for name in missing)
        lost = tuple(str(name) for name in said.get("lost", ()))
        return Backup(said["made_at"], str(said["program"]), said["has_database"] is True, files, names, lost)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(MANIFEST) from None


def _is_safe(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and not {".", ".."} & set(name.split("/"))


def _damaged(name: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "BACKUP_DAMAGED", name=name[:200])
