"""Small files that are there whole or not at all, also after a crash or a loss of power: written aside, synced, then put in place.

What root makes belongs to the owner of what it replaces, or of the folder that it is put in: a command run as root would otherwise lock out the
server, which runs as another.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FILE_MODE: Final = 0o600
PRIVATE_FOLDER_MODE: Final = 0o700
TEMPORARY_PREFIX: Final = ".writing-"
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def create_file(path: Path, content: bytes, *, like: Path | None = None) -> None:
    """Create ``path`` with ``content``, readable by its owner alone, durable on return. :class:`FileExistsError` when it is there.

    ``like``: a file or folder with the owner that it shall have where root makes it, in place of its folder.
    """
    temporary = _write_aside(path, content, like or path.parent)
    try:
        os.link(temporary, path)  # unlike a rename, a link never replaces
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of ``path``: whoever opens it sees the old or the new whole. Durable on return."""
    temporary = _write_aside(path, content, path if path.exists() else path.parent)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove ``path``, durable on return."""
    path.unlink()
    sync_folder(path.parent)


def _write_aside(path: Path, content: bytes, like: Path) -> Path:
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            give_to_owner(descriptor, like)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and what is missing above it, private, with durable names."""
    missing = []
    current = folder
    while not current.exists():
        missing.append(current)
        current = current.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True, mode=PRIVATE_FOLDER_MODE)
        if os.geteuid() == 0:
            descriptor = os.open(each, _FOLDER_FLAGS)
            try:
                give_to_owner(descriptor, each.parent)
            finally:
                os.close(descriptor)
        sync_folder(each.parent)


def open_or_make(path: Path, *, mode: int = PRIVATE_FILE_MODE) -> int:
    """A descriptor for reading and writing a file, which is made, empty, where there is none. For locks, and for what others write into."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_EXCL, mode)  # of a file that was there already nothing is known: a link may lead anywhere
    except FileExistsError:
        return os.open(path, flags, mode)
    give_to_owner(descriptor, path.parent)
    return descriptor


def give_to_owner(descriptor: int, like: Path) -> None:
    """Let a file or folder that was just made, where root made it, belong to whom ``like`` belongs."""
    if os.geteuid() != 0:
        return
    present = like.stat()
    if (present.st_uid, present.st_gid) != (0, 0):
        with contextlib.suppress(OSError):  # the root of a container may not give to everybody: there the file is its own
            os.fchown(descriptor, present.st_uid, present.st_gid)
