"""The trust list file that an operator adds to the deployment's own trust (setting ``trust_path``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.trust_list import MAX_TRUST_LIST_BYTES, TrustList, read_trust_list
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from pathlib import Path


def file_state(path: Path) -> tuple[int, int, int]:
    """What changes when the file is replaced or written to. TRUST_FILE_UNUSABLE where it is missing."""
    try:
        stat = path.stat()
    except OSError as error:
        raise _unusable(path, error.strerror or "") from None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def read_trust_file(path: Path) -> TrustList:
    """The list in the file. TRUST_FILE_UNUSABLE: without it we do not know whom the operator trusts, so nothing is judged."""
    try:
        with path.open("rb") as file:
            return read_trust_list(file.read(MAX_TRUST_LIST_BYTES + 1))
    except OSError as error:
        raise _unusable(path, error.strerror or "") from None
    except TrustError as error:
        raise _unusable(path, f"{error.code} {error.facts.get('where', '')}".strip()) from error


def _unusable(path: Path, reason: str) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "TRUST_FILE_UNUSABLE", file=path.name, reason=reason)
