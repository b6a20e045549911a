"""In which language a command speaks: the locale of the environment decides, as for every other program of the terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CHINESE: Final = "zh"
ENGLISH: Final = "en"


def language_of_reader(environment: Mapping[str, str] | None = None) -> str:
    """``zh`` or ``en``, from the first of LC_ALL, LC_MESSAGES, LANG that is set (POSIX order); anything else is English."""
    variables = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = variables.get(name)
        if value:
            return CHINESE if value.lower().startswith("zh") else ENGLISH
    return ENGLISH
