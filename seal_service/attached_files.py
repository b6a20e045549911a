"""Files that documents carry inside: the rules their names, number and size must follow before anybody relies on them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from standards.errors import Kind, MalformedError, TrustError
from standards.uax9_plain_text import DIRECTION_CHARACTERS

MAX_FILES: Final = 64  # in one document; licences carry four
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 32 * 1024 * 1024
MAX_NAME_CHARACTERS: Final = 128
_NO_NAME: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
NAMES_REMEMBERED: Final = 256  # documents of one kind carry files of the same names
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')


def refused(reason: str, **facts: str | int | float | bool | None) -> MalformedError:
    """``SEALED_FILES_REFUSED``: what is attached is not read, and why."""
    return MalformedError("SEALED_FILES_REFUSED", reason=reason, **facts)


class AttachedFiles:
    """Files by name as they are found; every rule is checked as they are added."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._folded: set[str] = set()
        self._bytes = 0

    def check_name(self, name: str) -> None:
        """Raises ``SEALED_FILES_REFUSED`` for a name that is unsafe, that readers would show differently, or that is there already."""
        shown = name[:64].encode("ascii", "backslashreplace").decode("ascii")
        if not 0 < len(name) <= MAX_NAME_CHARACTERS or not _is_safe(name):
            raise refused("name", name=shown)
        if unicodedata.normalize("NFKC", name).casefold() in self._folded:
            raise refused("duplicate", name=shown)
        if len(self.files) >= MAX_FILES:
            raise TrustError(Kind.TOO_LARGE, "SEALED_FILES_REFUSED", reason="too-many", limit=MAX_FILES)

    def add(self, name: str, content: bytes) -> None:
        """One more file. Raises ``SEALED_FILES_REFUSED``."""
        self.check_name(name)
        if len(content) > MAX_FILE_BYTES or self._bytes + len(content) > MAX_TOTAL_BYTES:
            raise TrustError(Kind.TOO_LARGE, "SEALED_FILES_REFUSED", reason="too-large", limit=MAX_TOTAL_BYTES)
        self._bytes += len(content)
        self._folded.add(unicodedata.normalize("NFKC", name).casefold())
        self.files[name] = content


@lru_cache(maxsize=NAMES_REMEMBERED)
def _is_safe(name: str) -> bool:
    """Whether every reader and every system takes the name for what it shows."""
    if unicodedata.normalize("NFC", name) != name or name != name.strip() or name.strip(".") == "":
        return False
    return not any(
        character in _FORBIDDEN or character in DIRECTION_CHARACTERS or unicodedata.category(character) in _NO_NAME for character in name
    )
