"""What was not drawn, or not as it is stated: kept once for each page and kind, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from service_kit.ofd_drawing.limits import MAX_OMISSIONS

LEFT_OUT: Final = "left-out"
REPLACED: Final = "replaced"


@dataclass(frozen=True, slots=True)
class Omission:
    """``effect`` is ``left-out`` or ``replaced``; ``what`` the kind of thing, ``detail`` which one or why. ``page`` from 1, 0 is the whole."""

    page: int
    effect: str
    what: str
    detail: str
    count: int


class Omissions:
    """The list while a document is drawn."""

    def __init__(self) -> None:
        self.page = 0
        self._found: dict[tuple[int, str, str, str], int] = {}
        self._more = 0

    def left_out(self, what: str, detail: str = "") -> None:
        """Something is not drawn."""
        self._note(LEFT_OUT, what, detail)

    def replaced(self, what: str, detail: str = "") -> None:
        """Something is drawn otherwise than stated."""
        self._note(REPLACED, what, detail)

    def _note(self, effect: str, what: str, detail: str) -> None:
        key = (self.page, effect, what, detail[:80])
        if key in self._found or len(self._found) < MAX_OMISSIONS:
            self._found[key] = self._found.get(key, 0) + 1
        else:
            self._more += 1

    def listed(self) -> tuple[Omission, ...]:
        """All of them; where there were too many kinds, the last entry counts the rest."""
        rows = [Omission(*key, count) for key, count in self._found.items()]
        if self._more:
            rows.append(Omission(0, LEFT_OUT, "more", "", self._more))
        return tuple(rows)
