"""One command at a time in a deployment's folder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from crypto.durable_files import open_or_make
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


WAIT_SECONDS: Final = 1.0
"""A process that was killed while it began another may leave the lock with that one, which lets go of it as soon as it has begun."""
_LOOK_AGAIN_SECONDS: Final = 0.05


@contextmanager
def alone_in(folder: Path, lock_file: str, *, code: str, kind: Kind = Kind.CONFLICT) -> Iterator[None]:
    """Hold the lock until the block ends; a process that dies lets go of it. Raises TrustError of this ``code`` and ``kind`` where another holds it."""
    descriptor = open_or_make(folder / lock_file)
    try:
        until = time.monotonic() + WAIT_SECONDS
        while not _is_locked(descriptor):
            if time.monotonic() > until:
                raise TrustError(kind, code, dir=str(folder))
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
