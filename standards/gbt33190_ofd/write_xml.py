"""Text of XML parts as we write them: escaping, numbers, one element at a time.

Everything that is written has passed :func:`checked_text`, so a part is always well-formed whatever the values were.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from itertools import groupby
from typing import Final

from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.xml_parts import NAMESPACE

VALUE_BAD: Final = "OFD_VALUE_BAD"
TOO_LARGE: Final = "OFD_TOO_LARGE"
MAX_LENGTH_MM: Final = 100_000  # a hundred metres: no page and nothing on it is larger
NUMBERS_KEPT: Final = 32_768  # places repeat from document to document, and writing a number takes longer than finding it
DECIMALS: Final = 4  # of a millimetre: a tenth of a micrometre
_REPEATED: Final = 4  # equal distances from which on the short form is written
# XML 1.0 2.2: characters; and what turns the direction of text round, which makes a page read as what it is not
_NOT_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]")
_ESCAPES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", 9: "&#9;", 10: "&#10;", 13: "&#13;"}


def bad_value(what: str, rule: str) -> TrustError:
    """The error for a value that cannot be written: ``OFD_VALUE_BAD``, naming the field and the rule."""
    return TrustError(Kind.UNACCEPTABLE, VALUE_BAD, what=what, rule=rule)


def checked_text(text: str, what: str, most: int, *, least: int = 0) -> str:
    """``text``, where every character may stand in XML, none turns the direction of writing, and the length is allowed."""
    if not least <= len(text) <= most:
        raise bad_value(what, f"{least} to {most} characters")
    if _NOT_TEXT.search(text) is not None:
        raise bad_value(what, "no control, direction or unassigned surrogate characters")
    return text


def checked_line(text: str, what: str, most: int, *, least: int = 0) -> str:
    """As :func:`checked_text`, on one line."""
    if any(character in text for character in "\t\n\r"):
        raise bad_value(what, "one line")
    return checked_text(text, what, most, least=least)


def checked_mm(value: float, what: str, *, least: float = -MAX_LENGTH_MM, most: float = MAX_LENGTH_MM) -> float:
    """A length or place in millimetres within its bounds. NaN and infinities are not."""
    if not (math.isfinite(value) and least <= value <= most):
        raise bad_value(what, f"{least:g} to {most:g}")
    return float(value)


@lru_cache(maxsize=NUMBERS_KEPT)
def number(value: float) -> str:
    """A number without exponent, without needless zeros."""
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def numbers(*values: float) -> str:
    """ST_Array, ST_Box and ST_Pos (7.3): numbers with spaces between."""
    return " ".join(map(number, values))


def distances(values: list[float]) -> str:
    """ST_Array of distances between characters (11.3): runs of equal ones as ``g count value``."""
    out: list[str] = []
    for text, run in groupby(map(number, values)):
        same = list(run)
        out += ["g", str(len(same)), text] if len(same) >= _REPEATED else same
    return " ".join(out)


def element(name: str, inner: str = "", /, **attributes: str | None) -> str:
    """One element in the standard's namespace. ``inner`` is XML already; attributes are escaped, those that are None left out."""
    stated = "".join([f' {key}="{value.translate(_ESCAPES)}"' for key, value in attributes.items() if value is not None])
    return f"<ofd:{name}{stated}>{inner}</ofd:{name}>" if inner else f"<ofd:{name}{stated}/>"


def escape(text: str) -> str:
    """Text as it stands in XML, in an element or an attribute."""
    return text.translate(_ESCAPES)


def text_element(name: str, text: str, /, **attributes: str | None) -> str:
    """An element that holds text."""
    return element(name, escape(text), **attributes)


def part(name: str, inner: str, /, **attributes: str | None) -> bytes:
    """A whole part: declaration and root element."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + element(name, inner, **{"xmlns:ofd": NAMESPACE}, **attributes)).encode()
