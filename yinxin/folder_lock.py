"""One command at a time in a deployment's folder."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def alone_in(folder: Path, lock_file: str, *, code: str) -> Iterator[None]:
    """Hold the lock until the block ends; a process that dies lets go of it. Raises TrustError of this ``code`` where another holds it."""
    descriptor = os.open(folder / lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrustError(Kind.CONFLICT, code, dir=str(folder)) from None
        yield
    finally:
        os.close(descriptor)
