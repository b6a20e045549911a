"""Files to try the page with: of a demonstration only, and only those that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

CODE_FILE: Final = "licence-code.txt"  # the text of the code on the licence: an address of this page
# (key of the text, name in the demonstration's folder): in the order of the page
SAMPLES: Final[tuple[tuple[str, str], ...]] = (
    ("sample_valid", "sealed.pdf"),
    ("sample_forged", "forged.pdf"),
    ("sample_licence", "licence.pdf"),
    ("sample_licence_ofd", "licence.ofd"),
    ("sample_revoked", "revoked-licence.pdf"),
    ("sample_expired", "expired-licence.pdf"),
    ("sample_frozen", "frozen.pdf"),
    ("sample_credential", "credential.txt"),
    ("sample_unsealed", "original.pdf"),
)
MEDIA_TYPES: Final = {".pdf": "application/pdf", ".ofd": "application/ofd", ".txt": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Samples:
    """``folder``: of the demonstration's files; None where this is no demonstration, which then has none."""

    folder: Path | None

    def listed(self) -> list[tuple[str, str]]:
        """Key of the text and name of each that is there now."""
        if self.folder is None:
            return []
        return [(key, name) for key, name in SAMPLES if (self.folder / name).is_file()]

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and media type; None for any name that is not on the list."""
        if self.folder is None or name not in {each for _, each in self.listed()}:
            return None
        return (self.folder / name).read_bytes(), MEDIA_TYPES[name[name.rindex(".") :]]

    def code(self) -> str:
        """The address in the code on the licence, empty where there is none."""
        path = None if self.folder is None else self.folder / CODE_FILE
        return path.read_text(encoding="ascii").strip() if path is not None and path.is_file() else ""
