"""What every error code means, in English and Chinese: a title, the cause, and what to do.

Each floor and service registers its own codes in a module named ``errors`` or ``problem_catalogue``; the error pages, the API
documentation and the ``title`` and ``detail`` of every problem document are made from this. A test walks the code for codes without
an entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ProblemText:
    """One code. ``cause`` says why it happens, ``remedy`` what the reader can do. ``is_lasting``: what a start refuses over it no later start mends by
    itself; somebody has to put something right first.
    """

    code: str
    title_en: str
    title_zh: str
    cause_en: str
    cause_zh: str
    remedy_en: str
    remedy_zh: str
    is_lasting: bool = False

    def title(self, language: str) -> str:
        """The title in ``en`` or ``zh``."""
        return self.title_zh if language == "zh" else self.title_en

    def cause(self, language: str) -> str:
        """The cause in ``en`` or ``zh``."""
        return self.cause_zh if language == "zh" else self.cause_en

    def remedy(self, language: str) -> str:
        """What to do, in ``en`` or ``zh``."""
        return self.remedy_zh if language == "zh" else self.remedy_en


_registered: Final[dict[str, ProblemText]] = {}


def register(*texts: ProblemText) -> None:
    """Enter codes. The same entry twice is harmless (a module imported twice); another text for a known code is an error."""
    for entry in texts:
        if _registered.setdefault(entry.code, entry) != entry:
            raise ValueError(f"{entry.code} is already registered with another text")


def text_of(code: str) -> ProblemText | None:
    """The entry of a code, or None."""
    return _registered.get(code)


def all_texts() -> Iterable[ProblemText]:
    """Every entry, by code."""
    return tuple(_registered[code] for code in sorted(_registered))
