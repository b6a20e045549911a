"""Which processes of this deployment are alive: each holds a lock on a file of its own, and the system lets go of it when the process ends,
however it ends. So what a dead process left behind is known at once, without waiting for a lease.

Only processes of this machine can be told dead. Of another machine's nothing is known here; leases are for those.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crypto.durable_files import make_folder, open_or_make

FOLDER_NAME: Final = "run"

_held: Final[dict[Path, int]] = {}
_holding: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """That of one process: ``folder`` has the marks of all of them, ``name`` is its own (``Audit.writer_id``)."""

    folder: Path
    name: str

    def hold(self) -> str:
        """Show that it is alive before it begins anything; its name, under which to note what it begins."""
        hold_mark(self.folder, self.name)
        return self.name

    def release(self) -> None:
        """End it in good order."""
        release_mark(self.folder, self.name)

    def is_orphaned(self, owner: str) -> bool:
        """Whether what ``owner`` began is known to be left behind: it is another process of this machine, and has ended."""
        return owner != self.name and is_dead(self.folder, owner)


def hold_mark(folder: Path, name: str) -> None:
    """Show that this process, called ``name`` (``audit.new_writer_id``), is alive, until it ends. Doing it again costs nothing."""
    path = folder / name
    if path in _held:
        return
    with _holding:  # a second descriptor of this same process would wait for the first for ever
        if path in _held:
            return
        make_folder(folder)
        while True:
            descriptor = open_or_make(path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                break
            os.close(descriptor)  # between making and locking it, another process took it for a dead one's and removed it
        _held[path] = descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def release_mark(folder: Path, name: str) -> None:
    """End it in good order."""
    path = folder / name
    descriptor = _held.pop(path, None)
    if descriptor is not None:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_dead(folder: Path, name: str) -> bool:
    """Whether the process called ``name`` ran on this machine and has ended. False where that is not known."""
    if not name.startswith(socket.gethostname()[:32] + "-") or Path(name).name != name:
        return False
    path = folder / name
    if path in _held:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # a process holds its mark before it begins anything
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)
