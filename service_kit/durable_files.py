"""Files that are whole or absent, also after a power cut: written beside, synced, renamed, folder synced."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.durable_files import give_to_owner, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PRIVATE_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644  # of what is for everyone: a web server may serve it under another user
WRITERS: Final = 8  # more do not make a disk sync any faster
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # on the disk, in a quota, under a limit of the process
_WRITE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


def write_durably(path: Path, data: bytes | memoryview, *, mode: int = PRIVATE_MODE, sync: bool = True) -> None:
    """Put ``data`` at ``path``, replacing what is there at one stroke. What root writes belongs to whom it did before, or to whom
    its folder does. ``sync=False``: whole or absent, but perhaps lost in a power cut.

    Raises OSError as the system does (disk full, no permission); then ``path`` is as before.
    """
    _write_synced(path, data, mode, sync=sync)
    if sync:
        sync_folder(path.parent)


def _write_synced(path: Path, data: bytes | memoryview, mode: int, *, sync: bool = True) -> None:
    """All of ``write_durably`` but the name in the folder."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(beside, _WRITE_FLAGS, mode)
        try:
            give_to_owner(descriptor, beside, replaces=path.name)
            with naming_full(path):
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                if sync:
                    os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(path)
    except BaseException:  # edge: tidied up and passed on
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise


@contextlib.contextmanager
def naming_full(path: Path) -> Iterator[None]:
    """Give what finds no room within the name of the file that it was for: the system's error has none."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise


def write_all_durably(files: Sequence[tuple[Path, bytes]], *, mode: int = PRIVATE_MODE) -> None:
    """The same for many files at once, when all of them are durable: their syncs wait for the disk side by side, and each folder is synced once.

    Raises what the first failing one raised; then some of the files may be there.
    """
    rest = [_writers().submit(_write_synced, path, data, mode) for path, data in files[1:]]
    try:
        for path, data in files[:1]:
            _write_synced(path, data, mode)
    finally:
        wait(rest)
    for each in rest:
        each.result()
    for folder in {path.parent for path, _ in files}:
        sync_folder(folder)


@lru_cache(maxsize=1)
def _writers() -> ThreadPoolExecutor:
    """Threads that are kept: a log writes a few files in every turn, and a thread costs more than such a file."""
    return ThreadPoolExecutor(WRITERS, "durable-files")


os.register_at_fork(after_in_child=_writers.cache_clear)  # threads are not handed down
