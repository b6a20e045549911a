"""Small files that are there whole or not at all, also after a crash or a loss of power: written aside, synced, then put in place."""

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


def create_file(path: Path, content: bytes) -> None:
    """Create ``path`` with ``content``, readable by its owner alone, durable on return. :class:`FileExistsError` when it is there."""
    temporary = _write_aside(path, content)
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


def _write_aside(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
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
