"""CommonMark with tables into HTML: anchors at headings, links to where pages are served, codes of errors linked to what they mean."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

from service_kit.problem_catalogue import text_of
from yinxin.help.library import INDEX, page_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from yinxin.help.library import Page

ROOT: Final = "/help"
_NO_PART_OF_ANCHOR: Final = re.compile(r"[^\w\- ]")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_BREAK: Final = "<br>"
_LAST_OF_LATIN: Final = "\u2fff"  # from here on: Chinese characters and punctuation
OUTLINE_LEVELS: Final = ("h2", "h3")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page and its anchor."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page as HTML, with its outline."""

    html: str
    outline: tuple[Heading, ...]


def anchor_of(text: str, taken: set[str]) -> str:
    """The anchor of a heading, as code forges make it: small letters, no punctuation, hyphens for blanks, numbered where it repeats."""
    plain = _NO_PART_OF_ANCHOR.sub("", text.strip().lower()).replace(" ", "-")
    anchor, number = plain, 0
    while anchor in taken:
        number += 1
        anchor = f"{plain}-{number}"
    taken.add(anchor)
    return anchor


def address_of(target: str, folder: str) -> str | None:
    """Where a link of a page in ``folder`` (relative to docs/) leads when it is served; None for a file of the project that is not."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return target
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if not parts.path:
        return fragment
    path = posixpath.normpath(posixpath.join(folder, parts.path))
    if path.startswith("../"):
        return None
    if path == "reference/openapi.json":
        return "/openapi.json"
    if path.endswith(".png"):
        return f"{ROOT}/{path}"
    if not path.endswith(".md"):
        return None
    name, _ = page_name(path)
    return ROOT + ("" if name == INDEX else f"/{name}") + fragment


def plain_text(token: Token) -> str:
    """The words of an inline token, without its marks."""
    return "".join(each.content for each in token.children or () if each.type in {"text", "code_inline"})


def headings_of(tokens: Sequence[Token]) -> list[Heading]:
    """Every heading with its anchor, in order."""
    taken: set[str] = set()
    return [
        Heading(int(token.tag[1]), text := plain_text(tokens[at + 1]), anchor_of(text, taken))
        for at, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def parser() -> MarkdownIt:
    """CommonMark with tables. HTML inside is text: who writes a page cannot write a script."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def render(page: Page, text: str) -> Rendered:
    """``text`` of a page (its own, or what was made of it) as HTML."""
    markdown = parser()
    renderer: Any = markdown.renderer
    renderer.rules["text"] = _text
    renderer.rules["code_inline"] = _code
    renderer.rules["softbreak"] = _softbreak
    tokens = markdown.parse(text)
    headings = headings_of(tokens)
    following = iter(headings)
    for token in tokens:
        if token.type == "heading_open":
            token.attrSet("id", next(following).anchor)
        elif token.type == "inline" and token.children:
            token.children = _served_links(token.children, page.folder)
    html = markdown.renderer.render(tokens, markdown.options, {})
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table class="table">').replace("</table>", "</table></div>")
    html = html.replace("<pre>", '<pre tabindex="0">')
    return Rendered(html, tuple(each for each in headings if f"h{each.level}" in OUTLINE_LEVELS))


def _served_links(children: list[Token], folder: str) -> list[Token]:
    """Links with the addresses they have here; one that leads to what is not served keeps its words alone."""
    kept: list[Token] = []
    is_dropped = False
    for child in children:
        if child.type == "image":
            child.attrSet("src", address_of(str(child.attrGet("src")), folder) or "")
            child.attrSet("loading", "lazy")
        elif child.type == "link_open":
            address = address_of(str(child.attrGet("href")), folder)
            is_dropped = address is None
            if address is None:
                continue
            child.attrSet("href", address)
            if urlsplit(address).scheme:
                child.attrSet("rel", "noreferrer")
        elif child.type == "link_close" and is_dropped:
            is_dropped = False
            continue
        kept.append(child)
    return kept


def _text(tokens: Sequence[Token], index: int, _options: object, _environment: object) -> str:
    # The one mark of HTML that tables need: several lines in a cell
    return _BREAK.join(escape(part, quote=False) for part in tokens[index].content.split(_BREAK))


def _code(tokens: Sequence[Token], index: int, _options: object, _environment: object) -> str:
    content = tokens[index].content
    shown = f"<code>{escape(content, quote=False)}</code>"
    in_link = any(each.type == "link_open" for each in tokens[:index]) and not any(each.type == "link_close" for each in tokens[:index])
    if in_link or _CODE.fullmatch(content) is None or text_of(content) is None:
        return shown
    return f'<a class="code" href="{ROOT}/errors/{content}">{shown}</a>'


def _softbreak(tokens: Sequence[Token], index: int, _options: object, _environment: object) -> str:
    """A line of the file that ends between Chinese characters is no blank."""
    before, after = tokens[index - 1].content[-1:], tokens[index + 1].content[:1] if index + 1 < len(tokens) else ""
    return "" if before > _LAST_OF_LATIN and (not after or after > _LAST_OF_LATIN) else "\n"


_BACKTICKS: Final = re.compile("`([^`]+)`")
_NAMED_PAGE: Final = re.compile(r"docs/((?:reference|how-to|tutorials|explanation)/[\w/-]+)\.md")


def linked(text: str) -> str:
    """A sentence of the error catalogue as HTML: pages that it names are links, what stands between backticks is code."""
    with_links = _NAMED_PAGE.sub(lambda match: f'<a href="{ROOT}/{match[1]}">{escape(match[1])}</a>', escape(text, quote=False))
    return _BACKTICKS.sub(r"<code>\1</code>", with_links)
