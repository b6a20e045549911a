"""What a signature covers: its /ByteRange, its /Contents and the revision both belong to (ISO 32000-1 12.8.1, ISO 32000-2 12.8.1).

The rule is strict: two ranges, the first from offset 0, the gap exactly the hexadecimal string of /Contents in the signature dictionary
itself, the end the end of a complete revision. Anything else leaves bytes unprotected that a reader may show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.digests import Digest, new_digest
from crypto.report import Step, failed, not_checked, passed, warned
from seal_service.pdf.cross_references import IN_FILE
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.syntax import HexString, Lexer, PdfString, Ref, read_object_header
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seal_service.pdf.form_fields import SignatureField

CLAUSE: Final = "ISO 32000-1 12.8.1"
REVISION: Final = "ISO 32000-1 7.5.6"
_MAX_RANGES: Final = 32  # numbers in /ByteRange; four are allowed, more are only read to say so
_MAX_CONTENTS_BYTES: Final = 16_777_216  # a CMS with long revocation lists inside has a few megabytes
_HASHED_FILE_LENGTHS: Final = 4  # how many times the file's length may be hashed altogether: overlapping ranges are an attack on time
_HASHED_FREE_BYTES: Final = 16_777_216
_TRAILING_SPACE: Final = 64  # white space behind the last %%EOF that transfers add
_REVISION_END: Final = re.compile(rb"startxref[\x00\t\n\x0c\r ]+\d+[\x00\t\n\x0c\r ]+%%EOF")
_GAP_TOO_WIDE: Final = "gap holds more than /Contents"
_WRAPPED: Final = re.compile(rb"\bendobj\b|\d[\x00\t\n\x0c\r ]+obj\b|\bstartxref\b")
_SPACE_ONLY: Final = re.compile(rb"[\x00\t\n\x0c\r ]*+\Z")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one signature covers. ``ranges``: (start, end) of the covered bytes, clipped to the file, as /ByteRange states them.

    ``gap`` and ``end`` are set when all rules on /ByteRange hold; ``contents``: the value of /Contents, None when there is none.
    ``is_wrapped``: the ranges leave more out than /Contents, and objects stand there: no signer does that.
    """

    ranges: tuple[tuple[int, int], ...]
    gap: tuple[int, int] | None
    end: int | None
    contents: bytes | None
    position: int | None
    steps: tuple[Step, ...]
    is_wrapped: bool = False


def read_coverage(document: PdfDocument, field: SignatureField) -> Coverage:
    """The coverage of a signed field, with a step for every rule that is broken. Never raises on hostile input."""
    steps: list[Step] = []
    value = field.value_dict or {}
    position: int | None = None
    contents_span: tuple[int, int] | None = None
    contents = value.get("Contents")
    try:
        byte_range = document.resolve(value.get("ByteRange"))
        numbers = [document.resolve(item) for item in byte_range[:_MAX_RANGES]] if isinstance(byte_range, list) else []
        position, entries = _read_signature_dictionary(document, field)
        names = [key for key, _, _, _ in entries]
        if len(set(names)) != len(names):
            steps.append(failed("PDF_DUPLICATE_KEY", "ISO 32000-1 7.3.7", field=field.name))
        contents_span = next(((start, end) for key, _, start, end in entries if key == "Contents"), None)
    except MalformedError as error:
        numbers = []
        steps.append(failed("PDF_SIGNATURE_DICTIONARY", CLAUSE, reason=error.code))
    if not isinstance(contents, PdfString):
        steps.append(failed("PDF_CONTENTS_MISSING", CLAUSE, field=field.name))
        contents = None
    elif len(contents) > _MAX_CONTENTS_BYTES:
        steps.append(failed("PDF_CONTENTS_TOO_LARGE", CLAUSE, size=len(contents), limit=_MAX_CONTENTS_BYTES))
        contents = None
    elif not isinstance(contents, HexString):
        steps.append(failed("PDF_CONTENTS_NOT_HEX", CLAUSE, field=field.name))
    if not numbers:
        steps.append(failed("PDF_BYTERANGE_MISSING", CLAUSE, field=field.name))
        return Coverage((), None, None, contents, position, tuple(steps))
    if any(type(number) is not int or number < 0 for number in numbers) or len(numbers) % 2:
        steps.append(failed("PDF_BYTERANGE_BAD", CLAUSE, reason="no pairs of offsets", found=_listed(numbers)))
        return Coverage((), None, None, contents, position, tuple(steps))
    whole = [number for number in numbers if isinstance(number, int)]
    pairs = list(zip(whole[::2], whole[1::2], strict=True))
    clipped = tuple((min(start, document.end), min(start + length, document.end)) for start, length in pairs)
    problem = _range_problem(pairs, document.end, contents_span)
    if problem is not None:
        steps.append(failed("PDF_BYTERANGE_BAD", CLAUSE, reason=problem, found=_listed(numbers)))
        wrapped = problem == _GAP_TOO_WIDE and _WRAPPED.search(document.data, clipped[0][1], clipped[1][0]) is not None
        return Coverage(clipped, None, None, contents, position, tuple(steps), wrapped)
    (_, first_end), (second_start, second_end) = clipped
    return Coverage(clipped, (first_end, second_start), second_end, contents, position, tuple(steps))


def _range_problem(pairs: list[tuple[int, int]], size: int, contents: tuple[int, int] | None) -> str | None:
    if len(pairs) != 2:
        return "not two ranges"
    (first, first_length), (second, second_length) = pairs
    if first != 0:
        return "does not begin at 0"
    if second + second_length > size:
        return "outside the file"
    if first_length >= second or not second_length:
        return "ranges in disorder"
    if contents != (first_length, second):
        return _GAP_TOO_WIDE if contents is not None and first_length <= contents[0] < contents[1] <= second else "gap is not /Contents"
    return None


def _read_signature_dictionary(document: PdfDocument, field: SignatureField) -> tuple[int, list[tuple[str, object, int, int]]]:
    """The offset and the entries of the signature dictionary as they stand in the file; it must not hide in an object stream."""
    ref = field.value_ref or field.ref
    entry = document.entry(ref.number) if isinstance(ref, Ref) else None
    if ref is None or entry is None or entry.kind != IN_FILE:
        raise MalformedError("PDF_SIGNATURE_HIDDEN")
    header = read_object_header(document.data, entry.at, document.end)
    if header is None or header[0] != ref.number:
        raise MalformedError("PDF_OBJECT_MISPLACED", number=ref.number)
    lexer = Lexer(document.data, header[2], document.end, limits=document.budget.limits, names=document.names)
    entries = lexer.read_dictionary_spans()
    if field.value_ref is None:
        start = next((start for key, _, start, _ in entries if key == "V"), None)
        if start is None:
            raise MalformedError("PDF_SIGNATURE_HIDDEN")
        lexer.position = start
        entries = lexer.read_dictionary_spans()
    document.budget.spend_object(lexer.tokens)
    return entry.at, [(str(key), value, start, end) for key, value, start, end in entries]


def _listed(numbers: list[object]) -> str:
    return " ".join(str(number)[:20] for number in numbers)[:120]


def open_signed_revision(final: PdfDocument, coverage: Coverage) -> tuple[PdfDocument | None, list[Step]]:
    """The document as it was signed: the bytes up to the end of the signature's range must be a complete revision."""
    end = coverage.end
    if end is None:
        return None, []
    steps: list[Step] = [not_checked("PDF_RECOVERED", REVISION)] if final.recovered else []
    if final.recovered and end == final.end:
        return None, steps
    if end == final.end:
        signed = final
    else:
        try:
            signed = PdfDocument.open(final.data, end=end, budget=final.budget, recover_damaged=False)
        except TrustError as error:
            return None, steps or [failed("PDF_REVISION_INCOMPLETE", REVISION, end=end, reason=error.code)]
    marker = _REVISION_END.match(final.data, signed.startxref_offset, end)
    if marker is None:
        return None, [failed("PDF_REVISION_INCOMPLETE", REVISION, end=end, reason="%%EOF")]
    if not _SPACE_ONLY.match(final.data, marker.end(), end):
        steps.append(warned("PDF_BYTES_BEHIND_EOF", REVISION, count=end - marker.end()))
    return signed, steps


def check_tail(final: PdfDocument, end: int) -> list[Step]:
    """What follows the last signature's range: nothing, or complete revisions and white space."""
    if end == final.end:
        return [passed("PDF_COVERS_FILE", CLAUSE)]
    marker = _REVISION_END.match(final.data, final.startxref_offset, final.end)
    closed = marker.end() if marker is not None and marker.end() > end else end
    if marker is None or final.end - closed > _TRAILING_SPACE or not _SPACE_ONLY.match(final.data, closed, final.end):
        return [failed("PDF_REVISION_UNCOVERED", REVISION, end=end, size=final.end)]
    if closed == end:
        return [warned("PDF_TRAILING_SPACE", REVISION, count=final.end - end)]
    return [warned("PDF_LATER_REVISION", REVISION, end=end, size=final.end)]


class RangeDigests:
    """Digests of covered ranges over one pass: a later signature covers all of an earlier one, so its hashing goes on from there.

    ``stops``: where the first ranges end. What is met on the way to one is kept for the others, so the order of asking does not matter.
    """

    def __init__(self, data: bytes, stops: Iterable[int] = ()) -> None:
        self._view = memoryview(data)
        self._stops = sorted(set(stops))
        self._known: dict[str, dict[int, Digest]] = {}
        self._given: dict[tuple[str, tuple[tuple[int, int], ...]], bytes] = {}  # a CMS and the sealing value in it are over the same ranges
        self._left = _HASHED_FILE_LENGTHS * len(data) + _HASHED_FREE_BYTES

    def digest(self, oid: str, ranges: tuple[tuple[int, int], ...]) -> bytes:
        """The digest of the bytes in ``ranges``; ``PDF_TOO_COMPLEX`` when too much would have to be hashed."""
        given = self._given.get((oid, ranges))
        if given is not None:
            return given
        if not ranges or ranges[0][0] != 0:
            state, rest = new_digest(oid), ranges
        else:
            state, rest = self._at(oid, ranges[0][1]).copy(), ranges[1:]
        for start, end in rest:
            self._update(state, start, end)
        given = self._given[oid, ranges] = state.digest()
        return given

    def _at(self, oid: str, stop: int) -> Digest:
        """The running digest over everything before ``stop``."""
        known = self._known.setdefault(oid, {})
        if stop not in known:
            done = max((each for each in known if each < stop), default=0)
            running = known[done].copy() if done else new_digest(oid)
            for until in [*(each for each in self._stops if done < each < stop), stop]:
                self._update(running, done, until)
                known[until] = running.copy()
                done = until
        return known[stop]

    def _update(self, state: Digest, start: int, end: int) -> None:
        if end <= start:
            return
        self._left -= end - start
        if self._left < 0:
            raise TrustError(Kind.TOO_LARGE, "PDF_TOO_COMPLEX")
        state.update(self._view[start:end])
