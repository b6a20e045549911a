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
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def create_file(path: Path, content: bytes, *, like: Path | None = None) -> None:
    """Create ``path`` with ``content``, readable by its owner alone, durable on return. :class:`FileExistsError` when it is there.

    ``like``: a file or folder with the owner that it shall have where root makes it, in place of its folder.
    """
    temporary = _write_aside(path, content, like)
    try:
        os.link(temporary, path)  # unlike a rename, a link never replaces
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of ``path``: whoever opens it sees the old or the new whole. Durable on return."""
    temporary = _write_aside(path, content)
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


def _write_aside(path: Path, content: bytes, like: Path | None = None) -> Path:
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            give_to_owner(descriptor, temporary, replaces=path.name, like=like)
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
    descriptor = os.open(folder, _FOLDER_FLAGS)
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
        try:
            each.mkdir(mode=PRIVATE_FOLDER_MODE)
        except FileExistsError:  # another was quicker; it is not ours to give
            if not each.is_dir():
                raise
        else:
            _give_folder(each)
        sync_folder(each.parent)


def _give_folder(folder: Path) -> None:
    if os.geteuid() == 0:
        descriptor = os.open(folder, _FOLDER_FLAGS | os.O_NOFOLLOW)
        try:
            give_to_owner(descriptor, folder)
        finally:
            os.close(descriptor)


def open_or_make(path: Path, *, mode: int = PRIVATE_FILE_MODE) -> int:
    """A descriptor for reading and writing a file, which is made, empty, where there is none. For locks, and for what others write into."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_EXCL, mode)  # of a file that was there already nothing is known: a link may lead anywhere
    except FileExistsError:
        return os.open(path, flags, mode)
    give_to_owner(descriptor, path)
    return descriptor


def give_to_owner(descriptor: int, path: Path, *, replaces: str = "", like: Path | None = None) -> None:
    """Let a file or folder that was just made at ``path``, where root made it, belong to whom the folder that it lies in belongs, or to whom the file
    of that folder does which it ``replaces``; to whom ``like`` belongs where that is given.
    """
    if os.geteuid() != 0:
        return
    owner = _owner_beside(descriptor, path, replaces) if like is None else like.stat()
    if owner is not None and (owner.st_uid, owner.st_gid) != (0, 0):
        with contextlib.suppress(OSError):  # the root of a container may not give to everybody: there the file is its own
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _owner_beside(descriptor: int, path: Path, replaces: str) -> os.stat_result | None:
    """None where it does not lie there: whose the folders above are may put a link in the place of one at any moment, and take it away again, so that
    what was made elsewhere would be his.
    """
    folder = os.open(path.parent, _FOLDER_FLAGS)
    try:
        if not os.path.samestat(os.fstat(descriptor), os.stat(path.name, dir_fd=folder, follow_symlinks=False)):
            return None
        with contextlib.suppress(OSError):
            if replaces:
                return os.stat(replaces, dir_fd=folder)
        return os.fstat(folder)
    except FileNotFoundError:
        return None
    finally:
        os.close(folder)
