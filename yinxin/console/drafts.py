"""Documents that somebody is about to seal, kept between two pages: sealed at rest, for an hour, a few for each person.

Files, not rows: every worker of the machine sees them, and the database does not grow by what nobody keeps.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.sealed_values import ValueSealer

KEPT_SECONDS: Final = 3600
DRAFTS_PER_PERSON: Final = 4  # further ones take the place of the oldest
BYTES_MAX: Final = 1024**3  # of everybody's together
NAME_CHARACTERS: Final = 255
_ID: Final = re.compile(r"dr_[0-9a-f]{24}")
_OWNER_CHARACTERS: Final = 24
_HEAD_END: Final = b"\n"


@dataclass(frozen=True, slots=True)
class Draft:
    """A document and what its owner calls it. ``draft_id`` names it in addresses; nobody else opens it by that."""

    draft_id: str
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of a deployment, in ``folder``. ``sealer``: of what lies there."""

    folder: Path
    sealer: ValueSealer

    def keep(self, owner: str, name: str, content: bytes) -> str:
        """Keep a document for ``owner``; returns its id. TOO_BUSY where all of them together would be too large. Blocks."""
        # 1. Make room: what is old goes, and the oldest of this person's
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sweep()
        total, own = 0, []
        for path in sorted(self.folder.iterdir()):
            with suppress(FileNotFoundError):  # another process was quicker
                state = path.stat()
                total += state.st_size
                if path.name.startswith(_prefix(owner)):
                    own.append((state.st_mtime, state.st_size, path))
        for _, size, path in sorted(own)[: max(0, len(own) - DRAFTS_PER_PERSON + 1)]:
            path.unlink(missing_ok=True)
            total -= size
        if total + len(content) > BYTES_MAX:
            raise TrustError(Kind.UNAVAILABLE, "TOO_BUSY", retry_after_seconds=60)

        # 2. Whole or not at all
        draft_id = f"dr_{secrets.token_hex(12)}"
        head = json.dumps({"name": name[:NAME_CHARACTERS]}, ensure_ascii=False).encode()
        sealed = self.sealer.seal(head + _HEAD_END + content, _place(owner, draft_id))
        path = self._path(owner, draft_id)
        partial = path.with_suffix(".part")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(sealed)
        partial.replace(path)
        return draft_id

    def open(self, owner: str, draft_id: str) -> Draft:
        """The document, which only its owner opens. DRAFT_GONE, also for those of others. Blocks."""
        if not _ID.fullmatch(draft_id):
            raise draft_gone()
        path = self._path(owner, draft_id)
        try:
            if path.stat().st_mtime < time.time() - KEPT_SECONDS:
                raise draft_gone()
            opened = self.sealer.open(path.read_bytes(), _place(owner, draft_id))
        except FileNotFoundError:
            raise draft_gone() from None
        head, _, content = opened.partition(_HEAD_END)
        return Draft(draft_id, json.loads(head)["name"], content)

    def sweep(self) -> None:
        """Remove what is older than KEPT_SECONDS. Blocks."""
        if not self.folder.is_dir():
            return
        oldest = time.time() - KEPT_SECONDS
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process was quicker
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def forget(self, owner: str, draft_id: str) -> None:
        """Remove it; one that is gone stays so. Blocks."""
        if _ID.fullmatch(draft_id):
            self._path(owner, draft_id).unlink(missing_ok=True)

    def _path(self, owner: str, draft_id: str) -> Path:
        return self.folder / f"{_prefix(owner)}{draft_id}"


def draft_gone() -> TrustError:
    """It is not there any more, or never was this person's."""
    return TrustError(Kind.NOT_FOUND, "DRAFT_GONE")


def _prefix(owner: str) -> str:
    return sm3(owner.encode()).hex()[:_OWNER_CHARACTERS] + "-"


def _place(owner: str, draft_id: str) -> str:
    return f"console.draft:{owner}:{draft_id}"
