"""Reading a file whose cross-references are damaged: find the objects by searching for them.

What is found this way is good enough to say what is wrong with a file, never to call it valid: two readers may well disagree on it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from seal_service.pdf.cross_references import IN_FILE, IN_STREAM, Entry, read_indirect_value
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.syntax import Lexer, Name, Ref, Stream, skip_space
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from seal_service.pdf.limits import Budget

_HEADER_BEFORE: Final = re.compile(rb"(\d{1,10})[\x00\t\n\x0c\r ]{1,8}(\d{1,5})[\x00\t\n\x0c\r ]{1,8}\Z")
_HEADER_BYTES: Final = 40  # an object header in front of the word obj
_SPACES: Final = frozenset({b"\x00", b"\t", b"\n", b"\x0c", b"\r", b" "})
_ANY_SPACE: Final = b"\x00\t\n\x0b\x0c\r \x85\xa0"  # what some reader takes for white space
_COMMENTED: Final = re.compile(rb"(?:^|[0-9]\.?)[\x00\t\n\x0b\x0c\r \x85\xa0]*%")  # a number or nothing in front of the sign
_ODD_WORD: Final = re.compile(rb"(?<![^\x00\t\n\x0b\x0c\r \x85\xa0\d.])obj")  # behind such a space, a digit or a point
_ODD_HEADER_BYTES: Final = 128
_MAX_OBJECT_STREAMS: Final = 2_000
_MAX_TRAILERS: Final = 512
_MAX_TRAILER_WORDS: Final = 10_000  # the word in a text too


def recover(data: bytes, end: int, budget: Budget, names: dict[bytes, Name]) -> tuple[dict[int, Entry], dict[str, object]]:
    """Every object's last place in the file and the best trailer to be had. ``PDF_UNREADABLE`` when no catalog is found."""
    entries: dict[int, Entry] = {}
    headers = _add_objects(data, 0, end, (), entries, budget)
    trailer = _find_trailer(data, 0, end, headers, budget, names) or _find_catalog(data, end, headers, entries, budget, names)
    _add_object_streams(data, 0, end, headers, entries, budget, names)
    if trailer is None:
        raise MalformedError("PDF_UNREADABLE")
    return entries, trailer


def recover_behind(
    data: bytes, start: int, end: int, passed_over: Sequence[tuple[int, int]], budget: Budget, names: dict[bytes, Name]
) -> tuple[dict[int, Entry], dict[str, object] | None]:
    """The last place of every object that begins behind ``start``, and the last trailer there, None without one.

    ``passed_over``: from where to where objects stand that are in force; what looks like an object inside of one is its content.
    """
    entries: dict[int, Entry] = {}
    headers = _add_objects(data, start, end, passed_over, entries, budget)
    trailer = _find_trailer(data, start, end, headers, budget, names)
    _add_object_streams(data, start, end, headers, entries, budget, names)
    return entries, trailer


def _add_objects(
    data: bytes, start: int, end: int, passed_over: Sequence[tuple[int, int]], entries: dict[int, Entry], budget: Budget
) -> list[tuple[int, int]]:
    """Enter what looks like an object; the offsets behind the headers, with the object numbers."""
    headers: list[tuple[int, int]] = []
    for offset, number, generation, after in find_objects(data, start, end, budget):
        at = bisect_right(passed_over, (after, 0)) - 1
        if at >= 0 and passed_over[at][0] + _HEADER_BYTES < offset < passed_over[at][1]:
            continue
        entries[number] = Entry(IN_FILE, offset, generation)
        headers.append((after, number))
    return headers


def _positions(data: bytes, word: bytes, end: int, limit: int, start: int = 0) -> Iterator[int]:
    at = data.find(word, start, end)
    for _ in range(limit):
        if at < 0:
            return
        yield at
        at = data.find(word, at + len(word), end)
    raise MalformedError("PDF_TOO_COMPLEX", word=word.decode("ascii"))


def find_objects(data: bytes, start: int, end: int, budget: Budget) -> Iterator[tuple[int, int, int, int]]:
    """Whatever looks like the beginning of an object: its offset, number, generation and the offset behind ``obj``."""
    budget.spend_scanned(end - start)
    for at in _positions(data, b"obj", end, 2 * budget.limits.scanned_objects, start):
        match = _header_before(data, max(start, at - _HEADER_BYTES), at)
        if match is not None and int(match[1]) <= budget.limits.object_number:
            yield match.start(), int(match[1]), int(match[2]), at + 3


def _header_before(data: bytes, start: int, at: int) -> re.Match[bytes] | None:
    """The two numbers in front of the word at ``at``, as far back as ``start``."""
    if data[max(start, at - 1) : at] not in _SPACES:  # as of every endobj
        return None
    line = data.rfind(b"\n", start, at) + 1  # where almost every header begins: much faster than to search for it
    return (_HEADER_BEFORE.match(data, line, at) if line else None) or _HEADER_BEFORE.search(data, start, at)


def find_odd_headers(data: bytes, end: int, budget: Budget) -> list[int]:
    """Offsets of the word ``obj`` where it may end a header that :func:`find_objects` does not take for one, and some reader does.

    With a comment inside, without a space, with much of it or with one that is none in PDF, with a sign or a fraction.
    """
    budget.spend_scanned(end)
    found: list[int] = []
    for word in _ODD_WORD.finditer(data, 0, end):
        at = word.start()
        if data[at + 3 : at + 4].isalnum() or _header_before(data, max(0, at - _HEADER_BYTES), at) is not None:
            continue
        if _may_head(data[max(0, at - _ODD_HEADER_BYTES) : at]):
            found.append(at)
    return found


def _may_head(before: bytes) -> bool:
    """Whether two numbers may end it, with nothing but space and comments behind each: one alone stands before this word by chance in packed pictures."""
    text = before.rstrip(_ANY_SPACE)
    if not text or _ends_in_comment(before, text):
        return True
    in_front = text.rstrip(b"+-.0123456789")
    gap = in_front.rstrip(_ANY_SPACE)
    is_apart = not gap or (gap != in_front and (_ends_in_number(gap) or _ends_in_comment(in_front, gap)))
    return is_apart and _ends_in_number(text)


def _ends_in_number(text: bytes) -> bool:
    return text[-1:].isdigit() or (text[-1:] == b"." and text[-2:-1].isdigit())


def _ends_in_comment(before: bytes, text: bytes) -> bool:
    """``text``: as ``before``, without the space at its end."""
    last_line = max(text.rfind(b"\r"), text.rfind(b"\n")) + 1
    return any(each in b"\r\n" for each in before[len(text) :]) and _COMMENTED.search(text[last_line:]) is not None


def find_trailers(data: bytes, end: int) -> list[int]:
    """Offsets of what looks like a trailer."""
    return [
        at for at in _positions(data, b"trailer", end, _MAX_TRAILER_WORDS) if data.startswith(b"<<", skip_space(data, at + 7, end), end)
    ]


def _owner(headers: list[tuple[int, int]], at: int) -> tuple[int, int] | None:
    index = bisect_right(headers, (at, -1)) - 1
    return headers[index] if index >= 0 else None


def _read_quietly(data: bytes, position: int, end: int, budget: Budget, names: dict[bytes, Name]) -> object:
    """The value behind a header, None where it cannot be read; a spent budget still ends the reading."""
    try:
        return read_indirect_value(data, position, end, _unresolved, budget, names)[0]
    except MalformedError as error:
        if error.code == "PDF_TOO_COMPLEX":
            raise
        return None


def _unresolved(value: object) -> object:
    return value


def _find_trailer(
    data: bytes, start: int, end: int, headers: list[tuple[int, int]], budget: Budget, names: dict[bytes, Name]
) -> dict[str, object] | None:
    best: tuple[int, dict[str, object]] | None = None
    for at in _positions(data, b"trailer", end, _MAX_TRAILERS, start):
        lexer = Lexer(data, at + 7, end, limits=budget.limits, names=names)
        try:
            value = lexer.read_value()
        except MalformedError:
            continue  # a damaged trailer among several: the others count
        finally:
            budget.spend_object(lexer.tokens)
        if isinstance(value, dict) and "Root" in value:
            best = (at, value)
    for at in _positions(data, b"/XRef", end, _MAX_TRAILERS, start):
        owner = _owner(headers, at)
        if owner is not None and (best is None or at > best[0]):
            value = _read_quietly(data, owner[0], end, budget, names)
            if isinstance(value, Stream) and value.dictionary.get("Type") == "XRef" and "Root" in value.dictionary:
                best = (at, value.dictionary)
    return best[1] if best is not None else None


def _find_catalog(
    data: bytes, end: int, headers: list[tuple[int, int]], entries: dict[int, Entry], budget: Budget, names: dict[bytes, Name]
) -> dict[str, object] | None:
    """A trailer made from the last catalog, where no trailer is left."""
    found: dict[str, object] | None = None
    for at in _positions(data, b"/Catalog", end, _MAX_TRAILERS):
        owner = _owner(headers, at)
        value = _read_quietly(data, owner[0], end, budget, names) if owner is not None else None
        if owner is not None and isinstance(value, dict) and value.get("Type") == "Catalog":
            found = {"Root": Ref(owner[1], entries[owner[1]].extra)}
    return found


def _add_object_streams(
    data: bytes, start: int, end: int, headers: list[tuple[int, int]], entries: dict[int, Entry], budget: Budget, names: dict[bytes, Name]
) -> None:
    for at in _positions(data, b"/ObjStm", end, _MAX_OBJECT_STREAMS, start):
        owner = _owner(headers, at)
        stream = _read_quietly(data, owner[0], end, budget, names) if owner is not None else None
        if owner is None or not isinstance(stream, Stream) or stream.dictionary.get("Type") != "ObjStm":
            continue
        try:
            numbers = read_object_stream_index(decode_stream(stream, _unresolved, budget), stream, budget)
        except MalformedError as error:
            if error.code in {"PDF_TOO_COMPLEX", "PDF_DECODED_TOO_LARGE"}:
                raise
            continue
        for index, (number, _) in enumerate(numbers):
            entries[number] = Entry(IN_STREAM, owner[1], index)


def read_object_stream_index(decoded: bytes, stream: Stream, budget: Budget) -> list[tuple[int, int]]:
    """The object numbers and absolute offsets at the beginning of a decoded object stream (ISO 32000-1 7.5.7)."""
    count, first = stream.dictionary.get("N"), stream.dictionary.get("First")
    if (
        type(count) is not int
        or type(first) is not int
        or not 0 <= count <= budget.limits.tokens_per_object
        or not 0 <= first <= len(decoded)
    ):
        raise MalformedError("PDF_OBJECT_STREAM")
    words = decoded[:first].split(None, 2 * count)[: 2 * count]
    if len(words) < 2 * count or not all(len(word) <= 10 and word.isdigit() for word in words):
        raise MalformedError("PDF_OBJECT_STREAM")
    budget.spend_object(count)
    numbers = [int(word) for word in words[::2]]
    if len(set(numbers)) != count:  # readers would disagree which of the two is the object
        raise MalformedError("PDF_OBJECT_STREAM")
    return [(number, first + int(offset)) for number, offset in zip(numbers, words[1::2], strict=True)]
