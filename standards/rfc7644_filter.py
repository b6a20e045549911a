"""RFC 7644 3.4.2.2 (SCIM 2.0 protocol): filters and attribute paths over resources as JSON values.

All of the grammar: every comparison operator, ``and``, ``or``, ``not``, brackets, and filters on the elements of a list
(``emails[type eq "work" and value co "@example.org"]``). Names of attributes and operators are compared without case (RFC 7643 2.1). No input or
output here, and nothing of what a resource means.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from standards.errors import MalformedError
from standards.rfc7493_i_json import StrictJsonError, read_strict

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTER_CHARACTERS_MAX: Final = 2000
TERMS_MAX: Final = 10
DEPTH_MAX: Final = 10  # brackets within brackets
_CASE_EXACT: Final = frozenset({"id", "externalid", "members"})
_PATH: Final = re.compile(r"(?:(urn:[A-Za-z0-9:._-]+):)?([A-Za-z$][A-Za-z0-9_$-]{0,63})(?:\.([A-Za-z$][A-Za-z0-9_$-]{0,63}))?")
_TOKEN: Final = re.compile(r'\s*("(?:[^"\\\x00-\x1f]|\\.)*"|[^\s"()\[\]]+|[()\[\]])')
_LITERALS: Final = {"true": True, "false": False, "null": None}
_EQUAL: Final = frozenset({"eq", "ne"})
_TEXT: Final = frozenset({"co", "sw", "ew"})
_ORDER: Final = frozenset({"gt", "ge", "lt", "le"})


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute: of the extension ``schema`` (empty: of the resource itself), and a part of it. As written: compared without case."""

    schema: str
    attribute: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison. ``operator``: eq, ne, co, sw, ew, gt, ge, lt, le or pr."""

    path: Path
    operator: str
    value: str | bool | float | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds at least."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a list is such that the filter, over the element's own parts, holds for it."""

    path: Path
    inner: Filter


Filter = Term | AllOf | AnyOf | Not | Element


@dataclass(frozen=True, slots=True)
class Shape:
    """What a resource consists of. ``names``: its attributes as they are written; ``multiple``: those that are lists; ``core``: its schema."""

    core: str
    names: tuple[str, ...]
    multiple: frozenset[str] = frozenset()
    extensions: tuple[str, ...] = ()

    def written(self, attribute: str) -> str:
        """The attribute as it is written; one nobody knows stays as it came."""
        return next((each for each in self.names if each.lower() == attribute.lower()), attribute)


def invalid_filter() -> MalformedError:
    """SCIM_FILTER_INVALID."""
    return MalformedError("SCIM_FILTER_INVALID")


def invalid_path() -> MalformedError:
    """SCIM_PATH_INVALID."""
    return MalformedError("SCIM_PATH_INVALID")


def split_path(text: str, shape: Shape) -> Path:
    """An attribute path of whatever schema; one that is known here as it is written here. SCIM_PATH_INVALID where it is malformed."""
    match = _PATH.fullmatch(text)
    if match is None:
        raise invalid_path()
    schema = match[1] or ""
    if schema.lower() == shape.core.lower():
        schema = ""
    return Path(next((each for each in shape.extensions if each.lower() == schema.lower()), schema), match[2], match[3] or "")


def read_path(text: str, shape: Shape) -> Path:
    """An attribute path. SCIM_PATH_INVALID, also of a schema that is not known here."""
    path = split_path(text, shape)
    if path.schema and path.schema not in shape.extensions:
        raise invalid_path()
    return path


def read_filter(text: str, shape: Shape) -> Filter:
    """What must hold. SCIM_FILTER_INVALID, also beyond FILTER_CHARACTERS_MAX, TERMS_MAX and DEPTH_MAX; SCIM_PATH_INVALID."""
    if len(text) > FILTER_CHARACTERS_MAX:
        raise invalid_filter()
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise invalid_filter()
        tokens.append(match[1])
        position = match.end()
    return _Reader(tokens, shape).read()


class _Reader:
    """Recursive descent over the tokens; brackets bind before ``not``, this before ``and``, that before ``or``."""

    def __init__(self, tokens: list[str], shape: Shape) -> None:
        self._tokens, self._shape, self._at, self._terms = tokens, shape, 0, 0

    def read(self) -> Filter:
        found = self._any(0, of_element=False)
        if self._at != len(self._tokens):
            raise invalid_filter()
        return found

    def _next(self) -> str:
        return self._tokens[self._at].lower() if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        if self._at == len(self._tokens) or (wanted and self._next() != wanted):
            raise invalid_filter()
        self._at += 1
        return self._tokens[self._at - 1]

    def _any(self, depth: int, *, of_element: bool) -> Filter:
        if depth > DEPTH_MAX:
            raise invalid_filter()
        parts = [self._all(depth, of_element=of_element)]
        while self._next() == "or":
            self._take()
            parts.append(self._all(depth, of_element=of_element))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self, depth: int, *, of_element: bool) -> Filter:
        parts = [self._one(depth, of_element=of_element)]
        while self._next() == "and":
            self._take()
            parts.append(self._one(depth, of_element=of_element))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self, depth: int, *, of_element: bool) -> Filter:
        if self._next() == "not" and self._tokens[self._at + 1 : self._at + 2] == ["("]:
            self._take()
            return Not(self._one(depth, of_element=of_element))
        if self._next() == "(":
            self._take()
            found = self._any(depth + 1, of_element=of_element)
            self._take(")")
            return found
        return self._term(depth, of_element=of_element)

    def _term(self, depth: int, *, of_element: bool) -> Filter:
        word = self._take()
        if word in set("()[]"):
            raise invalid_filter()
        path = read_path(word, self._shape)
        if self._next() == "[" and not of_element and not path.part:  # an element's own parts are no lists
            self._take()
            inner = self._any(depth + 1, of_element=True)
            self._take("]")
            return Element(path, inner)
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise invalid_filter()
        operator = self._take().lower()
        if operator == "pr":
            return Term(path, operator)
        if operator not in _EQUAL | _TEXT | _ORDER:
            raise invalid_filter()
        return Term(path, operator, _literal(self._take(), operator))


def _literal(token: str, operator: str) -> str | bool | float | None:
    if token in _LITERALS and operator in _EQUAL:
        return _LITERALS[token]
    value: Any
    try:
        value = read_strict(token)
    except StrictJsonError:
        raise invalid_filter() from None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str) and not (operator not in _TEXT and is_number):
        raise invalid_filter()
    read: str | float = value
    return read


def terms_of(wanted: Filter) -> tuple[Term, ...]:
    """The comparisons that all must hold for the filter to hold: of a filter with ``or`` or ``not`` only those beside them."""
    if isinstance(wanted, Term):
        return (wanted,)
    return tuple(term for part in wanted.parts for term in terms_of(part)) if isinstance(wanted, AllOf) else ()


def is_match(resource: Mapping[str, Any], wanted: Filter) -> bool:
    """Whether the filter holds for the resource."""
    if isinstance(wanted, Term):
        return _holds(resource, wanted)
    if isinstance(wanted, AllOf):
        return all(is_match(resource, part) for part in wanted.parts)
    if isinstance(wanted, AnyOf):
        return any(is_match(resource, part) for part in wanted.parts)
    if isinstance(wanted, Not):
        return not is_match(resource, wanted.part)
    found = member_of(_holder(resource, wanted.path), wanted.path.attribute)
    elements = found if isinstance(found, list) else [found]
    return any(is_match(each, wanted.inner) for each in elements if isinstance(each, dict))


def _holds(resource: Mapping[str, Any], term: Term) -> bool:
    values = [value for value in _values(resource, term.path) if value not in (None, "", [], {})]
    if term.operator == "pr":
        return bool(values)
    if term.operator in _EQUAL:
        is_equal = _equals(values, term)
        return is_equal if term.operator == "eq" else not is_equal
    if not isinstance(term.value, str):
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        return any(_in_order(value, term.value, term.operator) for value in numbers)
    is_exact = term.path.attribute.lower() in _CASE_EXACT
    wanted = term.value if is_exact else _folded(term.value)
    texts = [value if is_exact else _folded(value) for value in values if isinstance(value, str)]
    if term.operator in _TEXT:
        return any(_has(text, wanted, term.operator) for text in texts)
    moment = _moment(term.value)
    if moment is not None:  # 3.4.2.2: times are compared as times
        return any(_in_order(each, moment, term.operator) for text in texts if (each := _moment(text)) is not None)
    return any(_in_order(text, wanted, term.operator) for text in texts)


def _equals(values: list[Any], term: Term) -> bool:
    """Whether one of the values is the wanted one; what is not there equals null (RFC 7643 2.5)."""
    if term.value is None:
        return not values
    if not isinstance(term.value, str):
        return any(value is term.value or (not isinstance(value, bool) and value == term.value) for value in values)
    texts = [value for value in values if isinstance(value, str)]
    if term.path.attribute.lower() in _CASE_EXACT:
        return term.value in texts
    return _folded(term.value) in [_folded(text) for text in texts]


def _folded(text: str) -> str:
    """As texts are compared: without case, and of the spellings that Unicode calls the same the composed one (UAX #15)."""
    return unicodedata.normalize("NFC", text).casefold()


def _has(text: str, wanted: str, operator: str) -> bool:
    if operator == "co":
        return wanted in text
    return text.startswith(wanted) if operator == "sw" else text.endswith(wanted)


def _in_order(value: Any, wanted: Any, operator: str) -> bool:
    if value == wanted:
        return operator in {"ge", "le"}
    return bool(value > wanted) if operator in {"gt", "ge"} else bool(value < wanted)


def _moment(text: str) -> datetime | None:
    """The moment that a dateTime (RFC 7643 2.3.5) names; None for any other text."""
    if "t" not in text.lower():
        return None
    try:
        read = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def member_of(holder: Mapping[str, Any], name: str) -> Any:
    """A member by its name in any case; None where there is none."""
    return next((value for key, value in holder.items() if key.lower() == name.lower()), None)


def _holder(resource: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    holder = resource.get(path.schema) if path.schema else resource
    return holder if isinstance(holder, dict) else {}


def _values(resource: Mapping[str, Any], path: Path) -> list[Any]:
    found = member_of(_holder(resource, path), path.attribute)
    elements = found if isinstance(found, list) else [found]
    if path.part or isinstance(found, list):
        return [member_of(each, path.part or "value") if isinstance(each, dict) else each for each in elements if each is not None]
    return [each for each in elements if each is not None]
