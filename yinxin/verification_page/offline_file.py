"""The offline verifier as it is offered for download: one file and its digests, which are also published with the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from crypto.sm3 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class OfflineFile:
    """``sm3``, ``sha256``: hexadecimal."""

    content: bytes = field(repr=False)
    sm3: str
    sha256: str

    @property
    def size(self) -> str:
        """Bytes, with thousands set apart."""
        return f"{len(self.content):,}"


def read_offline_file(build: Callable[[], bytes] | None) -> OfflineFile | None:
    """The file, made by ``build``; None where this program has none."""
    if build is None:
        return None
    content = build()
    return OfflineFile(content, sm3(content).hex(), sha256(content).hexdigest())
