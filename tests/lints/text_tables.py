"""What the product says to people: text tables found by their shape, and templates read without being rendered."""

from __future__ import annotations

import importlib
import re
import string
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, nodes

from tests.optional import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOORS = ("crypto", "service_kit", "idp", "seal_service", "licence_vault", "yinxin")
CHINESE = re.compile("[\u3400-\u9fff]")
LETTER = re.compile(r"[^\W\d_]")
_PAIR_WRITTEN = re.compile(r"\(\s*\"[^\"\n]*\",\s*\"[^\"\n]*\",?\s*\)|\"zh\"\s*:")  # files without one are not worth importing
_SEEN_BY_PEOPLE = frozenset(
    {"alt", "title", "aria-label", "aria-description", "aria-valuetext", "aria-roledescription", "placeholder", "label"}
)
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\\\])//[^\n]*", re.DOTALL)
_FILLED = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")  # in a template string
_SHOWN = re.compile(
    r"(?:\.(?:textContent|innerText|innerHTML|title|alt|placeholder|ariaLabel)\s*=\s*|setAttribute\(\s*['\"](?:title|alt|placeholder|aria-(?:label|description|valuetext|roledescription))['\"],\s*)"
    r"(?P<quote>['\"`])(?P<said>(?:(?!(?P=quote)).)*)(?P=quote)"
)
_UNREAD = frozenset({"script", "style", "code", "pre", "kbd", "samp"})  # elements whose content is no text in a language
# The same in every language: units, formats, algorithms, the names of files
_UNIVERSAL = re.compile(
    r"\b(?:B|KB|MB|mm|pt|dpi|UTC|PDF|OFD|ZIP|CSV|JSON|SVG|PNG|XML|API|URL|QR|ID|SM[234]|SHA-256|AES|RSA|ECDSA|CMS|PEM|DER|SES|GB/T|RFC|"
    r"https?|curl|Python|Java|HTTP|[\w-]+\.(?:json|html|toml|pdf|ofd|esl|dat|zip|csv))\b"
)
_ATTRIBUTES = re.compile(r"\s*[\w-]+=\"")
_EMPTY = frozenset({"img", "input", "br", "hr", "meta", "link", "source", "col", "area", "wbr"})
_CLASS_BLOCKS = frozenset({"width", "main_class", "body_class", "home"})  # blocks of a frame that fill a part of its attributes


@dataclass(frozen=True)
class Entry:
    """One text in both languages, and where it stands."""

    table: str
    key: str
    chinese: str
    english: str


@cache
def entries() -> tuple[Entry, ...]:
    """Every text of every table: dictionaries of (text, text) with one side Chinese, and pairs of dictionaries under ``zh`` and ``en``."""
    found: list[Entry] = []
    seen: set[int] = set()
    for floor in FLOORS:
        for path in sorted((PROJECT / floor).rglob("*.py")):
            written = path.read_text(encoding="utf-8")
            if "migrations" in path.parts or not CHINESE.search(written) or not _PAIR_WRITTEN.search(written):
                continue
            name = ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
            for attribute, value in list(vars(importlib.import_module(name)).items()):
                if not attribute.startswith("__"):
                    found += _entries_in(f"{name}:{attribute}", value, seen)
    return tuple(found)


def _entries_in(place: str, value: Any, seen: set[int]) -> Iterator[Entry]:
    if not isinstance(value, dict) or id(value) in seen or not value:
        return
    seen.add(id(value))
    if {"zh", "en"} <= {each for each in value if isinstance(each, str)} and isinstance(value["zh"], dict):
        assert value["zh"].keys() == value["en"].keys(), place
        yield from (Entry(place, str(key), value["zh"][key], value["en"][key]) for key in value["zh"])
        return
    pairs = {
        key: each for key, each in value.items() if isinstance(each, tuple) and len(each) == 2 and all(isinstance(one, str) for one in each)
    }
    speaking = [each for each in pairs.values() if any(CHINESE.search(one) for one in each) and not any(one.isdigit() for one in each)]
    if len(speaking) * 2 >= len(value):
        first = sum(1 for each in speaking if CHINESE.search(each[0])) * 2 > len(speaking)  # which side is the Chinese one
        assert len(pairs) == len(value), f"{place}: entries without both languages: {sorted(set(map(str, value)) - set(map(str, pairs)))}"
        yield from (Entry(place, str(key), *(each if first else each[::-1])) for key, each in pairs.items())
        return
    for key, each in value.items():
        yield from _entries_in(f"{place}[{key}]", each, seen)


def placeholders(text: str) -> set[str]:
    """The names a text wants filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


# ---- templates


@cache
def templates() -> tuple[Path, ...]:
    """Every Jinja template of the product."""
    found = [path for floor in FLOORS for path in (PROJECT / floor).rglob("*.html")]
    return tuple(sorted(path for path in found if re.search(r"\{%|\{\{", path.read_text(encoding="utf-8"))))


def parsed(path: Path) -> nodes.Template:
    """A template's tree."""
    return Environment(trim_blocks=True, lstrip_blocks=True, autoescape=True).parse(path.read_text(encoding="utf-8"))


def skeleton(tree: nodes.Node) -> str:
    """All that a template writes by itself, in its order: both branches of every choice, and nothing of what is filled in."""
    if isinstance(tree, nodes.Output):
        return "".join(each for node in tree.nodes for each in _written(node))
    if isinstance(tree, nodes.AssignBlock):  # a piece for later: attributes, or words
        piece = "".join(skeleton(child) for child in tree.body)
        return f"<i {piece}>" if _ATTRIBUTES.match(piece) else piece
    return "".join(
        skeleton(child) for child in tree.iter_child_nodes() if not (isinstance(child, nodes.Block) and child.name in _CLASS_BLOCKS)
    )


def _written(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.TemplateData):
        return [node.data]
    if isinstance(node, nodes.Const):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, nodes.CondExpr):
        return [each for side in (node.expr1, node.expr2) if side is not None for each in _written(side)]
    if isinstance(node, nodes.Concat):
        return [each for side in node.nodes for each in _written(side)]
    if isinstance(node, nodes.BinExpr):  # or, and, +
        return _written(node.left) + _written(node.right)
    if isinstance(node, nodes.Filter):
        inner = [] if node.node is None else _written(node.node)
        return inner + [each for side in node.args if node.name in {"default", "d"} for each in _written(side)]
    return []


def literal_words(tree: nodes.Node) -> list[str]:
    """Words for people that stand in a template instead of in a text table."""
    reader = _Reader()
    reader.feed(skeleton(tree))
    reader.close()
    return reader.words


def keys_asked(tree: nodes.Node) -> Iterator[tuple[str, bool]]:
    """(key, whether it is whole) for each text that a template asks for by ``t``; of composed keys what they begin with."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t" and call.args:
            yield from _keys(call.args[0])


def keys_named(tree: nodes.Node) -> set[str]:
    """The keys that a page leaves to its script to say."""
    return set(re.findall(r'\bdata-t="([^"]+)"', skeleton(tree)))


def _keys(node: nodes.Node) -> Iterator[tuple[str, bool]]:
    if isinstance(node, nodes.Const):
        yield str(node.value), True
    elif isinstance(node, nodes.CondExpr):
        yield from _keys(node.expr1)
        if node.expr2 is not None:
            yield from _keys(node.expr2)
    elif isinstance(node, nodes.Concat | nodes.Add):
        first = node.nodes[0] if isinstance(node, nodes.Concat) else node.left
        yield from ((key, False) for key, _ in _keys(first))


def has_words(text: str) -> bool:
    """Whether a text has words of some language, besides those that are the same in all."""
    return LETTER.search(_UNIVERSAL.sub("", text)) is not None


# ---- scripts


@cache
def scripts() -> tuple[Path, ...]:
    """Every script that browsers are given."""
    return tuple(sorted(path for floor in FLOORS for path in (PROJECT / floor).rglob("*.js")))


def words_in_script(written: str) -> list[str]:
    """Words for people in a script: Chinese anywhere but in its comments, and English that is put on the page."""
    code = _FILLED.sub("", _FILLED.sub("", _COMMENT.sub(" ", written)))
    return [each for each in code.splitlines() if CHINESE.search(each)] + [
        each[0] for each in _SHOWN.finditer(code) if has_words(each["said"])
    ]


class _Reader(HTMLParser):
    """Collects what a reader of the page, or of its sounds, would meet."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unread = 0
        self._named = 0  # how deep within an element whose text a script takes from a table, by the key in data-t

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in _UNREAD
        if tag not in _EMPTY and (self._named or any(name == "data-t" for name, _ in attrs)):
            self._named += 1
        for name, value in attrs:
            is_button = name == "value" and tag in {"button", "input"} and ("type", "submit") in attrs
            if (name in _SEEN_BY_PEOPLE or is_button) and value and has_words(value):
                self.words.append(f"{tag}[{name}]: {value}")

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in _UNREAD
        self._named -= bool(self._named) and tag not in _EMPTY

    def handle_data(self, data: str) -> None:
        if not self._unread and not self._named and has_words(data):
            self.words.append(" ".join(data.split()))
