"""What texts of a face show: ``{name}`` and the like, filled from the licence data.

``{number}``, ``{identifier}``, ``{version}``, ``{name}``, ``{type.name}``, ``{type.code}``, ``{issuer.name}``, ``{issuer.code}``, ``{area_code}``,
``{issued_on}``, ``{valid_from}``, ``{valid_to}``, ``{holders}`` (all names), ``{holders.0.name}``, ``{holders.0.code}``, ``{holders.0.code_type}``,
``{fields.KEY}``. A question mark lets it be absent: ``{fields.capital?}``. Dates take a form: ``{issued_on|zh}`` 2026年11月28日, ``{issued_on|mn}`` in
traditional Mongolian, without one 2026-11-28. Two braces stand for one.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from licence_vault.faces import problem_catalogue  # noqa: F401 - enters the error texts of faces
from standards.errors import Kind, TrustError
from standards.gbt36903_metadata import HOLDER_CODE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from licence_vault.model import Holder, LicenceData

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME: Final = re.compile(r"([a-z_]+(?:\.[A-Za-z0-9_]+)*)(\?)?(?:\|([a-z]+))?")
_OPEN_ENDED: Final = {"": "长期", "zh": "长期", "mn": "长期"}
_JOINER: Final = "、"

_SIMPLE: Final[dict[str, Callable[[LicenceData], str | date | None]]] = {
    "number": lambda data: data.number,
    "identifier": lambda data: data.identifier,
    "version": lambda data: data.version,
    "name": lambda data: data.name,
    "type.name": lambda data: data.type.name,
    "type.code": lambda data: data.type.code,
    "issuer.name": lambda data: data.issuer.name,
    "issuer.code": lambda data: data.issuer.code,
    "area_code": lambda data: data.area_code,
    "issued_on": lambda data: data.issued_on,
    "valid_from": lambda data: data.valid_from,
    "valid_to": lambda data: data.valid_to,
    "holders": lambda data: _JOINER.join(holder.name for holder in data.holders),
}
_HOLDER: Final[dict[str, Callable[[Holder], str]]] = {
    "name": lambda holder: holder.name,
    "code": lambda holder: holder.code,
    "code_type": lambda holder: HOLDER_CODE_TYPES[holder.code_type].name_zh,
}
_DATES: Final = frozenset({"issued_on", "valid_from", "valid_to"})
_FORMS: Final[dict[str, Callable[[date], str]]] = {
    "": lambda day: day.isoformat(),
    "zh": lambda day: f"{day.year}年{day.month}月{day.day}日",
    # year + genitive, month + genitive, day; the suffixes are joined by the narrow space U+202F
    "mn": lambda day: f"{day.year} ᠣᠨ\u202fᠤ {day.month} ᠰᠠᠷ᠎ᠠ\u202fᠶᠢᠨ {day.day} ᠡᠳᠦᠷ",
}


class _Binding:
    """One name in braces, understood."""

    __slots__ = ("form", "is_optional", "path")

    def __init__(self, path: str, form: str, *, is_optional: bool) -> None:
        self.path = path
        self.form = form
        self.is_optional = is_optional


@lru_cache(maxsize=2048)
def parse(text: str) -> tuple[str | _Binding, ...]:
    """The fixed pieces and bindings of a text. Raises ``FACE_BINDING_UNKNOWN`` with what is not understood."""
    out: list[str | _Binding] = []
    at = 0
    for match in _PIECE.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        whole, inner = match.group(0), match.group(1)
        if whole in {"{{", "}}"}:
            out.append(whole[0])
        elif inner is None:
            raise _unknown(whole)
        else:
            out.append(_binding(inner))
    out.append(text[at:])
    return tuple(piece for piece in out if piece)


def _unknown(text: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "FACE_BINDING_UNKNOWN", binding=text[:64])


def _binding(inner: str) -> _Binding:
    match = _NAME.fullmatch(inner)
    if match is None:
        raise _unknown(inner)
    path, optional, form = match.group(1), match.group(2), match.group(3) or ""
    steps = path.split(".")
    is_known = (
        path in _SIMPLE
        or (len(steps) == 3 and steps[0] == "holders" and steps[1].isdecimal() and len(steps[1]) <= 2 and steps[2] in _HOLDER)
        or (len(steps) == 2 and steps[0] == "fields")
    )
    if not is_known or (form and (path not in _DATES or form not in _FORMS)):
        raise _unknown(inner)
    return _Binding(path, form, is_optional=optional is not None)


def is_fixed(text: str) -> bool:
    """Whether a text shows the same on every licence."""
    return all(isinstance(piece, str) for piece in parse(text))


def shows(text: str, path: str) -> bool:
    """Whether a text shows the value of this name, such as ``number``."""
    return any(not isinstance(piece, str) and piece.path == path for piece in parse(text))


def fill(text: str, data: LicenceData) -> str:
    """The text with its values. Raises ``FACE_FIELD_MISSING``."""
    return "".join(piece if isinstance(piece, str) else _value(piece, data) for piece in parse(text))


def _value(binding: _Binding, data: LicenceData) -> str:
    path = binding.path
    if path in _SIMPLE:
        value = _SIMPLE[path](data)
        if path not in _DATES:
            return str(value)
        return _FORMS[binding.form](value) if isinstance(value, date) else _OPEN_ENDED[binding.form]
    steps = path.split(".")
    if steps[0] == "fields":
        found = data.fields.get(steps[1])
    else:
        number = int(steps[1])
        found = _HOLDER[steps[2]](data.holders[number]) if number < len(data.holders) else None
    if found is None:
        if not binding.is_optional:
            raise TrustError(Kind.UNACCEPTABLE, "FACE_FIELD_MISSING", field=path)
        return ""
    return found
