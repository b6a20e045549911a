"""Finding words in the pages: on the server, so that it works without scripts, and without anything but the pages themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from yinxin.help.rendering import headings_of, parser, plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service_kit.problem_catalogue import ProblemText
    from yinxin.help.library import Page

QUERY_CHARACTERS: Final = 100
WORDS: Final = 8
RESULTS: Final = 30
EXCERPT_CHARACTERS: Final = 160
_IN_TITLE, _IN_HEADING = 12, 6


@dataclass(frozen=True, slots=True)
class Passage:
    """What stands below one heading. ``address``: below ``/help``, with its anchor."""

    address: str
    title: str
    heading: str
    words: str
    folded: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage in which all words stand. ``before``, ``hit``, ``after``: the text around the first of them."""

    address: str
    title: str
    heading: str
    before: str
    hit: str
    after: str


def passages_of(page: Page) -> list[Passage]:
    """A page, cut at its headings."""
    tokens = parser().parse(page.text)
    headings = iter(headings_of(tokens))
    found: list[Passage] = []
    heading, anchor, words = page.title, "", list[str]()

    def close() -> None:
        text = " ".join(words)
        if text:
            address = page.name + (f"#{anchor}" if anchor else "")
            found.append(Passage(address, page.title, heading, text, f"{page.title} {heading} {text}".casefold()))

    is_heading = False
    for token in tokens:
        if token.type == "heading_open":
            close()
            here = next(headings)
            heading, anchor, words, is_heading = here.text, here.anchor, [], True
        elif token.type == "inline":
            if not is_heading:
                words.append(plain_text(token))
            is_heading = False
        elif token.type in {"fence", "code_block"}:
            words.append(" ".join(token.content.split()))
    close()
    return found


def passages_of_codes(texts: Iterable[ProblemText], language: str) -> list[Passage]:
    """The error catalogue, one passage for a code."""
    return [
        Passage(
            f"errors/{text.code}",
            text.code,
            text.title(language),
            words := f"{text.cause(language)} {text.remedy(language)}",
            f"{text.code} {text.title_en} {text.title_zh} {words}".casefold(),
        )
        for text in texts
    ]


def find(query: str, passages: Iterable[Passage]) -> list[Found]:
    """Passages with all words of the query, those with a word in title or heading first. Chinese needs no blanks between words."""
    words = query[:QUERY_CHARACTERS].casefold().split()[:WORDS]
    if not words:
        return []
    scored: list[tuple[int, str, Passage]] = []
    for passage in passages:
        if all(word in passage.folded for word in words):
            title, heading = passage.title.casefold(), passage.heading.casefold()
            score = sum(
                _IN_TITLE * (word in title) + _IN_HEADING * (word in heading) + min(passage.folded.count(word), 5) for word in words
            )
            scored.append((-score, passage.address, passage))
    return [_shown(passage, words) for _, _, passage in sorted(scored, key=lambda each: each[:2])[:RESULTS]]


def _shown(passage: Passage, words: list[str]) -> Found:
    folded = passage.words.casefold()
    hits = [(at, word) for word in words if (at := folded.find(word)) >= 0] if len(folded) == len(passage.words) else []
    at, length = (min(hits)[0], len(min(hits)[1])) if hits else (0, 0)
    begin = max(0, at - EXCERPT_CHARACTERS // 3)
    end = begin + EXCERPT_CHARACTERS
    before = ("… " if begin else "") + passage.words[begin:at]
    after = passage.words[at + length : max(end, at + length)] + (" …" if end < len(passage.words) else "")
    return Found(passage.address, passage.title, passage.heading, before, passage.words[at : at + length], after)
