"""Rules that a value breaks, in the reader's language. A refusal names its rule in English, which stays as it is for programs (``facts.rule``).

Each service registers the rules of its own in a module of messages, once; the API, the console and reports of rows say them from here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standards.errors import TrustError

_PLACES: Final = ("place", "field", "cell", "member")
_registered: Final[dict[str, tuple[re.Pattern[str], str]]] = {}


def register_rules(*texts: tuple[str, str]) -> None:
    """Enter rules: what each says in English, as a pattern whose groups are filled in, and in Chinese, where ``{0}`` stands for the first of them.

    The same entry twice is harmless; another text for a known pattern is an error.
    """
    for english, chinese in texts:
        if _registered.setdefault(english, (re.compile(english), chinese))[1] != chinese:
            raise ValueError(f"{english} is already registered with another text")


def rule_in(language: str, rule: str | None) -> str:
    """A rule in ``en`` or ``zh``; one that is not known here stays as it is, None is empty."""
    told = None if rule is None else _chinese_of(rule)
    return told if told is not None and language == "zh" else rule or ""


def violations_in(language: str, error: TrustError) -> list[dict[str, str]]:
    """The rules that a refusal names: ``at``, ``rule`` as it is for programs, ``told`` for people. Nothing of what is none of those here."""
    return [
        {"at": at, "rule": rule, "told": rule_in(language, rule)}
        for at, rule in error.violations or _named_in(error.facts)
        if _chinese_of(rule) is not None
    ]


def _named_in(facts: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    rule = facts.get("rule")
    at = next((str(facts[each]) for each in _PLACES if each in facts), "")
    return ((at, rule),) if isinstance(rule, str) else ()


def _chinese_of(rule: str) -> str | None:
    """Where two patterns fit, the one that leaves less open: ``one of the choices of the type`` is no ``one of (.+)``."""
    for english, chinese in sorted(_registered.values(), key=lambda each: each[0].groups):
        found = english.fullmatch(rule)
        if found is not None:
            return chinese.format(*found.groups())
    return None
