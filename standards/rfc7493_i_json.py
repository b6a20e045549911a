"""JSON read so that every reader reads the same (RFC 7493, I-JSON). The one reader of JSON that comes from outside: its callers differ by
their limits of size and by what they call a refusal, never by what they let pass.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, Final

from standards.errors import Kind, TrustError

DEPTH: Final = 64  # objects and arrays in each other; no format read here needs twenty, and what walks a value later is spared the stack
INTEGER_CHARACTERS: Final = 20  # 2^63 has 19 digits and a sign; longer ones only cost time
NO_JSON: Final = "JSON"
NO_OBJECT: Final = "JSON object"
REPEATED: Final = "duplicate member"
NO_NUMBER: Final = "not a number"
TOO_LARGE: Final = "number too large"
_NAME_CHARACTERS: Final = 64
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_HALF_ESCAPED: Final = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJsonError(ValueError):
    """What is no JSON that everybody reads alike. ``rule``: one of the words above; ``member``: which one stands twice; ``place``: the character
    (from 0) where it ends to be JSON, 0 where the whole is meant.
    """

    def __init__(self, rule: str, member: str = "", place: int = 0) -> None:
        super().__init__(rule)
        self.rule, self.member, self.place = rule, member, place


def read_strict(text: bytes | str) -> Any:
    """The value in a JSON text (RFC 8259; bytes are UTF-8 without a mark at the front): no object has a member twice (RFC 7493 2.3), nothing is
    NaN, infinite or longer than ``INTEGER_CHARACTERS``, no text has half of a character, and nothing is nested deeper than ``DEPTH``.

    StrictJsonError names the rule. How long the text may be is for the caller to see to, before.
    """
    try:
        whole = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise StrictJsonError(NO_JSON) from None
    value, end = read_strict_at(whole, _BLANKS.match(whole).end())  # type: ignore[union-attr]  # it also matches nothing
    if _BLANKS.fullmatch(whole, end) is None:
        raise StrictJsonError(NO_JSON, place=end)
    return value


def read_strict_at(text: str, place: int) -> tuple[Any, int]:
    """The value that begins at ``place``, and the place behind it: for lists that are read one element after the other."""
    try:
        value, end = _STRICT.raw_decode(text, place)
        if not text.isascii():
            text[place:end].encode("utf-8")
        if _HALF_ESCAPED.search(text, place, end):
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # which no half of a character survives (RFC 7493 2.1)
    except StrictJsonError:
        raise
    except json.JSONDecodeError as error:
        raise StrictJsonError(NO_JSON, place=error.pos) from None
    except (ValueError, RecursionError):
        raise StrictJsonError(NO_JSON) from None
    if text.count("{", place, end) + text.count("[", place, end) > DEPTH:  # fewer cannot nest deeper
        _demand_depth(value)
    return value, end


def read_strict_object(text: bytes | str) -> dict[str, Any]:
    """The same of a text that must be an object."""
    value = read_strict(text)
    if not isinstance(value, dict):
        raise StrictJsonError(NO_OBJECT)
    return value


def read_json(text: bytes | str) -> Any:
    """The same of what a caller of ours sent: TrustError MEMBER_REPEATED names the member that stands twice, all else is StrictJsonError."""
    try:
        return read_strict(text)
    except StrictJsonError as error:
        if error.rule != REPEATED:
            raise
        raise TrustError(Kind.UNACCEPTABLE, "MEMBER_REPEATED", member=error.member) from None


def _unrepeated(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        counts = Counter(name for name, _ in members)
        raise StrictJsonError(REPEATED, next(name for name, count in counts.items() if count > 1)[:_NAME_CHARACTERS])
    return found


def _no_constant(_: str) -> Any:
    raise StrictJsonError(NO_NUMBER)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise StrictJsonError(TOO_LARGE)
    return value


def _bounded(text: str) -> int:
    if len(text) > INTEGER_CHARACTERS:
        raise StrictJsonError(TOO_LARGE)
    return int(text)


def _demand_depth(value: object) -> None:
    level = [value]
    for _ in range(DEPTH):
        inside = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [child for children in inside for child in children if isinstance(child, dict | list)]
        if not level:
            return
    raise StrictJsonError(NO_JSON)


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_unrepeated, parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded)
