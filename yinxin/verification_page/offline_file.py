"""The offline verifier as it is offered for download: one file and its digests, which are also published with the program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from crypto.sm3 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class OfflineFile:
    """Built when it is first asked for, which takes half a second. ``sm3``, ``sha256``: hexadecimal."""

    build: Callable[[], bytes]

    @cached_property
    def content(self) -> bytes:
        """The file."""
        return self.build()

    @cached_property
    def sm3(self) -> str:
        """Its digest."""
        return sm3(self.content).hex()

    @cached_property
    def sha256(self) -> str:
        """Its digest."""
        return sha256(self.content).hexdigest()

    @property
    def size(self) -> str:
        """Bytes, with thousands set apart."""
        return f"{len(self.content):,}"


def read_offline_file(build: Callable[[], bytes] | None) -> OfflineFile | None:
    """The file, made by ``build``; None where this program has none."""
    return None if build is None else OfflineFile(build)
