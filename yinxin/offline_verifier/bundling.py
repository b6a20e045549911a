"""Putting the verifier's modules together into one script: each keeps its own scope, in the order in which they need each other.

No tool of the JavaScript world is asked: the modules are ours and keep to the few forms that are understood here. Comments and indentation
are left out, names stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMPORT: Final = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async function\*?|function\*?|class|const|let) ?(\w+))", re.MULTILINE)
_EXPORT_LIST: Final = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
_BEFORE_PATTERN: Final = re.compile(r"(?:^|[-+*%=(,\[{;:!&|?<>~^]|\b(?:return|typeof|case|in|of|throw|await|yield))\s*$")
_PATTERN_END: Final = re.compile(r"(?:[^\\/\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])*/")
_PLAIN: Final = re.compile(r"[^/\"'`{}]+")
_STRING_END: Final = {quote: re.compile(rf"(?:[^\\{quote}\n]|\\.)*{quote}") for quote in "\"'"}


class BundlingError(Exception):
    """A module that is not written in the forms that are understood here."""


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """One script that runs ``entry`` and what it needs; ``modules``: texts by name without ending. The same texts give the same script."""
    ordered: dict[str, str] = {}
    _take(entry, modules, ordered, ())
    return "".join(_scoped(name, text) for name, text in ordered.items())


def _take(name: str, modules: Mapping[str, str], ordered: dict[str, str], above: tuple[str, ...]) -> None:
    if name in ordered:
        return
    if name in above or name not in modules:
        raise BundlingError(f"{name}: {'imports itself by way of ' + ', '.join(above) if name in above else 'is missing'}")
    text = stripped(modules[name])
    for needed in _IMPORT.finditer(text):
        _take(needed[2], modules, ordered, (*above, name))
    ordered[name] = text


def _scoped(name: str, text: str) -> str:
    exports = [each[1] for each in _EXPORT.finditer(text)]
    for listed in _EXPORT_LIST.finditer(text):
        exports += [each.strip() for each in listed[1].split(",") if each.strip()]
    body = _EXPORT_LIST.sub("", _EXPORT.sub("", text))
    body = _IMPORT.sub(lambda found: f"const {{{' '.join(found[1].split())}}} = ${found[2]};\n", body)
    if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
        raise BundlingError(f"{name}: an import or export of another form")
    return f"const ${name} = (() => {{\n{body}return {{{', '.join(exports)}}};\n}})();\n"


def stripped(text: str) -> str:
    """The text without comments, indentation and empty lines; texts, templates and patterns stay as they are."""
    out: list[str] = []
    at = 0
    depths: list[int] = []  # open braces since each ${ of a template that is still open
    while at < len(text):
        plain = _PLAIN.match(text, at)
        if plain is not None:
            out.append(plain[0])
            at = plain.end()
            continue
        char = text[at]
        if text.startswith("//", at):
            at = _end_of(text, "\n", at, len(text))
        elif text.startswith("/*", at):
            at = _end_of(text, "*/", at, len(text)) + 2
        elif char in _STRING_END:
            end = _matched(_STRING_END[char], text, at)
            out.append(text[at:end])
            at = end
        elif char == "`" or (char == "}" and depths and depths[-1] == 0):
            if char == "}":
                depths.pop()
            at = _template(text, at, out, depths)
        elif char == "/" and _BEFORE_PATTERN.search("".join(out[-4:]).rstrip(" ")[-40:]):
            end = _matched(_PATTERN_END, text, at)
            out.append(text[at:end])
            at = end
        else:
            if depths and char in "{}":
                depths[-1] += 1 if char == "{" else -1
            out.append(char)
            at += 1
    return "".join(line + "\n" for each in "".join(out).split("\n") if (line := each.strip(" ")))


def _end_of(text: str, mark: str, at: int, otherwise: int) -> int:
    found = text.find(mark, at)
    return otherwise if found < 0 else found


def _matched(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at + 1)
    if found is None:
        raise BundlingError(f"not ended: {text[at : at + 60]!r}")
    return found.end()


def _template(text: str, at: int, out: list[str], depths: list[int]) -> int:
    """From a backtick, or the brace that ends an expression inside, to the next expression or the end."""
    start = at
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "`":
            out.append(text[start : at + 1])
            return at + 1
        elif text.startswith("${", at):
            depths.append(0)
            out.append(text[start : at + 2])
            return at + 2
        elif text[at] == "\n":
            raise BundlingError("a template over several lines")
        else:
            at += 1
    raise BundlingError("a template that does not end")
