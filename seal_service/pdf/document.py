"""A PDF document as it stands in its bytes: cross-references, objects on demand, pages, signature fields (ISO 32000-1 7.5 to 7.7).

Nothing is copied and nothing is read before it is asked for. A document may be opened up to ``end``: this is how a signed revision is
seen as it was when it was signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.pdf.cross_references import FREE, IN_FILE, IN_STREAM, Entry, XrefSection, find_startxref, read_chain, read_indirect_value
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.form_fields import SignatureField, read_signature_fields, read_text
from seal_service.pdf.limits import DEFAULT, MAX_REFERENCE_CHAIN, Budget, PdfLimits, check_file_size
from seal_service.pdf.recovery import read_object_stream_index, recover, recover_behind
from seal_service.pdf.syntax import Lexer, Name, Ref, Stream, read_object_header
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PdfDocument", "SignatureField", "read_text"]

_HEADER_BYTES: Final = 1024  # %PDF- stands within these (Adobe's implementation note to 7.5.2)
_UNASKED: Final = Entry(-1, -1, -1)  # stands for "not looked up yet" where None is an answer
_SPENT: Final = frozenset({"PDF_TOO_COMPLEX", "PDF_DECODED_TOO_LARGE", "PDF_TOO_MANY_REVISIONS"})
_A4_PT: Final = (0.0, 0.0, 595.0, 842.0)  # a page without /MediaBox breaks 7.7.3.3; readers show it in a default size


class PdfDocument:
    """An opened document. Errors of every method: :class:`MalformedError` with a ``PDF_*`` code; too large a file: ``PDF_TOO_LARGE``.

    ``sections``: cross-reference sections, newest first. ``recovered``: the cross-references were damaged and had to be rebuilt, so
    the file can never be called valid. ``end``: the view ends before this offset; ``header_offset``: where ``%PDF-`` stands.
    """

    def __init__(self, data: bytes, end: int, budget: Budget, names: dict[bytes, Name], header_offset: int) -> None:
        self.data = data
        self.end = end
        self.budget = budget
        self.header_offset = header_offset
        self.names = names
        self.sections: list[XrefSection] = []
        self.trailer: dict[str, object] = {}
        self.last_startxref = 0
        self.startxref_offset = 0  # where the word itself stands
        self.recovered = False
        self.duplicate_keys: set[Ref] = set()
        self.extents: dict[int, tuple[int, int]] = {}  # from where to where the objects read so far stand in the file
        self.unreadable_fields = 0
        self.found_behind: dict[int, Entry] | None = None  # see rebuilt_until
        self._recovered_entries: dict[int, Entry] | None = None
        self._entries: dict[int, Entry | None] = {}
        self._highest = budget.limits.object_number  # no section has an entry of a larger number
        self._current: dict[int, object] = {}
        self._misplaced: dict[int, bool] = {}
        self._objects: dict[Ref, object] = {}
        self._failures: dict[Ref, tuple[str, dict[str, str | int | float | bool | None]]] = {}
        self._object_streams: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}
        self._in_progress: set[int] = set()
        self._root: dict[str, object] | None = None
        self.page_tree_numbers: set[int] = set()  # object numbers of inner nodes and their /Kids, known once pages() was called
        self._pages: list[tuple[Ref, dict[str, object]]] | None = None
        self._fields: list[SignatureField] | None = None

    @classmethod
    def open(
        cls, data: bytes, *, end: int | None = None, limits: PdfLimits = DEFAULT, budget: Budget | None = None, recover_damaged: bool = True
    ) -> PdfDocument:
        """Open ``data[:end]``. ``budget``: the account of another view of the same file, to be shared.

        ``recover_damaged`` False: damaged cross-references raise instead of being rebuilt.
        """
        end = len(data) if end is None else end
        budget = Budget(limits) if budget is None else budget
        check_file_size(len(data), budget.limits)
        header_offset = data.find(b"%PDF-", 0, min(end, _HEADER_BYTES))
        if header_offset < 0:
            raise MalformedError("PDF_HEADER_MISSING")
        document = cls(data, end, budget, {}, header_offset)
        try:
            document._read_sections()
        except MalformedError as error:
            if not recover_damaged or error.code in _SPENT:
                raise
            document._rebuild()
        return document

    def _read_sections(self) -> None:
        self.startxref_offset, self.last_startxref = find_startxref(self.data, self.end)
        self.sections = read_chain(self.data, self.last_startxref, self.end, self.budget, self.names)
        self._highest = max(section.highest for section in self.sections)
        self.trailer = self.sections[0].trailer
        if not self.is_encrypted and self.root.get("Pages") is None:
            raise MalformedError("PDF_CATALOG")

    def _rebuild(self) -> None:
        self.recovered = True
        self._entries.clear()
        self._objects.clear()
        self._failures.clear()
        self._object_streams.clear()
        self._root = None
        self.sections = []
        self._recovered_entries, self.trailer = recover(self.data, self.end, self.budget, self.names)

    def rebuilt_until(self, final: PdfDocument) -> PdfDocument:
        """This revision with every object that stands behind it, as readers see it who search for objects: the last of a number counts.

        Readers do so where the cross-references of the file ``final`` are damaged, and some where they are not.
        """
        view = PdfDocument(final.data, final.end, final.budget, final.names, final.header_offset)
        view.recovered = True
        view.sections = self.sections
        passed_over = sorted(final.extents.values()) if not final.recovered else []
        view.found_behind, trailer = recover_behind(final.data, self.end, final.end, passed_over, final.budget, final.names)
        view.trailer = trailer if trailer is not None else self.trailer
        return view

    # -- objects ---------------------------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """One more than the largest object number in use, as the trailer states it (7.5.5)."""
        value = self.trailer.get("Size")
        return value if type(value) is int and 0 < value <= self.budget.limits.object_number + 1 else 1

    @property
    def is_encrypted(self) -> bool:
        """Whether strings and streams are encrypted (7.6)."""
        return self.trailer.get("Encrypt") is not None

    @property
    def root(self) -> dict[str, object]:
        """The catalog (7.7.2)."""
        if self._root is None:
            value = self.resolve(self.trailer.get("Root"))
            if not isinstance(value, dict):
                raise MalformedError("PDF_CATALOG")
            self._root = value
        return self._root

    def entry(self, number: int) -> Entry | None:
        """Where an object stands according to the newest section that names it; None when none does."""
        if self._recovered_entries is not None:
            return self._recovered_entries.get(number)
        if self.found_behind is not None and number in self.found_behind:
            return self.found_behind[number]
        if number > self._highest:  # what came later has no entry in an earlier revision: not worth asking every section
            return None
        known = self._entries.get(number, _UNASKED)
        if known is not _UNASKED:
            return known
        found = None
        asked = 0
        for asked, section in enumerate(self.sections, 1):  # noqa: B007 - the work done, for the account below
            found = section.find(number)
            if found is not None:
                break
        self.budget.spend_lookups(asked)
        self._entries[number] = found
        return found

    def place(self, number: int) -> tuple[int, int] | None:
        """Where an object's bytes stand: (offset, -1), or (offset of its object stream, index). None for free and missing objects.

        The same place in two views of one file is the same object.
        """
        entry = self.entry(number)
        if entry is None or entry.kind == FREE:
            return None
        if entry.kind == IN_STREAM:
            container = self.entry(entry.at)
            return (container.at, entry.extra) if container is not None and container.kind == IN_FILE else None
        return (entry.at, -1)

    def present(self, number: int) -> Ref:
        """The reference an object is found under now: many readers do not compare the generation that a reference states."""
        entry = self.entry(number)
        return Ref(number, entry.extra if entry is not None and entry.kind == IN_FILE else 0)

    def get(self, ref: Ref, *, keep: bool = True) -> object:
        """The object behind a reference; None for a free, missing or outdated one (7.3.10).

        ``keep`` False: the object is looked at once and not held in memory.
        """
        if ref in self._objects:
            return self._objects[ref]
        if ref in self._failures:
            code, facts = self._failures[ref]
            raise MalformedError(code, **facts)
        entry = self.entry(ref.number)
        if entry is None or entry.kind not in {IN_FILE, IN_STREAM}:
            return None
        if (entry.extra if entry.kind == IN_FILE else 0) != ref.generation:
            return None
        if ref.number in self._in_progress:
            raise MalformedError("PDF_REFERENCE_LOOP", number=ref.number)
        self._in_progress.add(ref.number)
        before = self.budget.tokens
        try:
            value = self._read_in_file(ref, entry.at) if entry.kind == IN_FILE else self._read_in_stream(ref, entry)
        except MalformedError as error:
            self._failures[ref] = (error.code, error.facts)  # not the error itself: its traceback would keep decoded streams alive
            raise
        finally:
            self._in_progress.discard(ref.number)
        if keep:
            self.budget.spend_kept(self.budget.tokens - before)
            self._objects[ref] = value
        return value

    def current(self, number: int) -> object:
        """The object a number stands for in this view, kept once read; None for a free or missing one."""
        if number in self._current:
            return self._current[number]
        value = self._current[number] = self.get(self.present(number))
        return value

    def is_misplaced(self, number: int) -> bool:
        """Whether something else than the object's header stands where its entry says. Objects in object streams never are."""
        known = self._misplaced.get(number)
        if known is None:
            entry, known = self.entry(number), False
            if entry is not None and entry.kind == IN_FILE:
                header = read_object_header(self.data, entry.at, self.end) if entry.at < self.end else None
                known = header is None or header[:2] != (number, entry.extra)
            self._misplaced[number] = known
        return known

    def resolve(self, value: object) -> object:
        """A value, or what its reference leads to."""
        for _ in range(MAX_REFERENCE_CHAIN):
            if type(value) is not Ref:
                return value
            value = self.get(value)
        raise MalformedError("PDF_REFERENCE_LOOP")

    def resolve_dictionary(self, value: object) -> dict[str, object] | None:
        """The dictionary (of a stream too) a value leads to, None when it is something else."""
        found = self.resolve(value)
        if isinstance(found, Stream):
            return found.dictionary
        return found if isinstance(found, dict) else None

    def _read_in_file(self, ref: Ref, offset: int) -> object:
        header = read_object_header(self.data, offset, self.end) if offset < self.end else None
        if header is None or header[0] != ref.number or header[1] != ref.generation:
            self.budget.spend_object(1)
            raise MalformedError("PDF_OBJECT_MISPLACED", number=ref.number, offset=offset)
        value, after, has_duplicates = read_indirect_value(self.data, header[2], self.end, self.resolve, self.budget, self.names)
        self.extents[ref.number] = (offset, after)
        if has_duplicates:
            self.duplicate_keys.add(ref)
        return value

    def _read_in_stream(self, ref: Ref, entry: Entry) -> object:
        decoded, index = self._object_stream(entry.at)
        if entry.extra >= len(index) or index[entry.extra][0] != ref.number:
            raise MalformedError("PDF_OBJECT_MISPLACED", number=ref.number, stream=entry.at)
        lexer = Lexer(decoded, index[entry.extra][1], limits=self.budget.limits, names=self.names)
        try:
            value = lexer.read_value()
        finally:
            self.budget.spend_object(lexer.tokens)
        if lexer.has_duplicate_keys:
            self.duplicate_keys.add(ref)
        return value

    def numbers_in_stream(self, number: int) -> list[int]:
        """The numbers of the objects in an object stream, in order. ``PDF_OBJECT_STREAM`` where it is none."""
        return [inner for inner, _ in self._object_stream(number)[1]]

    def _object_stream(self, number: int) -> tuple[bytes, list[tuple[int, int]]]:
        """A decoded object stream and its index. It must stand in the file itself: no object stream inside another (7.5.7)."""
        found = self._object_streams.get(number)
        if found is None:
            entry = self.entry(number)
            if entry is None or entry.kind != IN_FILE:
                raise MalformedError("PDF_OBJECT_STREAM", number=number)
            stream = self.get(Ref(number, entry.extra))
            if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "ObjStm":
                raise MalformedError("PDF_OBJECT_STREAM", number=number)
            decoded = decode_stream(stream, self.resolve, self.budget)
            found = self._object_streams[number] = (decoded, read_object_stream_index(decoded, stream, self.budget))
        return found

    # -- pages -----------------------------------------------------------------------------------------------------------------------

    def pages(self) -> list[tuple[Ref, dict[str, object]]]:
        """All pages in order, with their references (7.7.3). Loops, too deep a tree and too many pages are refused."""
        if self._pages is None:
            self._pages = list(self._walk_pages())
        return self._pages

    def _walk_pages(self) -> Iterator[tuple[Ref, dict[str, object]]]:
        limits = self.budget.limits
        seen: set[Ref] = set()
        stack: list[tuple[object, int]] = [(self.root.get("Pages"), 0)]
        count = 0
        while stack:
            ref, depth = stack.pop()
            if not isinstance(ref, Ref):
                raise MalformedError("PDF_PAGE_TREE", reason="node without reference")
            if ref in seen or depth > limits.page_tree_depth:
                raise MalformedError("PDF_PAGE_TREE", reason="loop or depth", number=ref.number)
            seen.add(ref)
            node = self.resolve(ref)
            if not isinstance(node, dict):
                raise MalformedError("PDF_PAGE_TREE", reason="no dictionary", number=ref.number)
            kids = self.resolve(node.get("Kids"))
            if isinstance(kids, list) and node.get("Type") != "Page":
                self.page_tree_numbers.add(ref.number)
                if isinstance(node["Kids"], Ref):
                    self.page_tree_numbers.add(node["Kids"].number)
                stack += [(kid, depth + 1) for kid in reversed(kids)]
                continue
            count += 1
            if count > limits.pages:
                raise MalformedError("PDF_TOO_MANY_PAGES", limit=limits.pages)
            yield ref, node

    def page_count(self) -> int:
        """The number of pages as the root of the page tree states it, else as counted."""
        root = self.resolve_dictionary(self.root.get("Pages"))
        count = self.resolve(root.get("Count")) if root is not None else None
        return count if type(count) is int and 0 <= count <= self.budget.limits.pages else len(self.pages())

    def page(self, index: int) -> tuple[Ref, dict[str, object]]:
        """One page (from 0; negative from the end). A flat page tree, as most writers make it, is not read as a whole."""
        if self._pages is None:
            root = self.resolve_dictionary(self.root.get("Pages"))
            kids = self.resolve(root.get("Kids")) if root is not None else None
            if (
                root is not None
                and isinstance(kids, list)
                and self.resolve(root.get("Count")) == len(kids)
                and -len(kids) <= index < len(kids)
            ):
                ref = kids[index]
                node = self.resolve(ref)
                if isinstance(ref, Ref) and isinstance(node, dict) and node.get("Type") == "Page" and kids.count(ref) == 1:
                    return ref, node  # one that stands there twice is refused below: a seal on it would be seen on two pages
        pages = self.pages()
        if not -len(pages) <= index < len(pages):
            raise MalformedError("PDF_NO_SUCH_PAGE", index=index, pages=len(pages))
        return pages[index]

    def inherited(self, page: dict[str, object], key: str) -> object:
        """A page's inheritable attribute (/Resources, /MediaBox, /CropBox, /Rotate; 7.7.3.4), resolved."""
        node: dict[str, object] | None = page
        for _ in range(self.budget.limits.page_tree_depth):
            if node is None:
                break
            value = self.resolve(node.get(key))
            if value is not None:
                return value
            node = self.resolve_dictionary(node.get("Parent"))
        return None

    def page_box(self, index: int) -> tuple[float, float, float, float]:
        """The visible box of a page in points: /CropBox within /MediaBox, as (left, bottom, right, top)."""
        page = self.page(index)[1]
        media = self.rectangle(self.inherited(page, "MediaBox")) or _A4_PT
        crop = self.rectangle(self.inherited(page, "CropBox")) or media
        box = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
        return box if box[0] < box[2] and box[1] < box[3] else media

    def page_rotation(self, index: int) -> int:
        """How far a page is turned clockwise when shown: 0, 90, 180 or 270 degrees."""
        value = self.inherited(self.page(index)[1], "Rotate")
        return int(value) % 360 // 90 * 90 if isinstance(value, (int, float)) else 0

    def rectangle(self, value: object) -> tuple[float, float, float, float] | None:
        """A rectangle with its corners in order (7.9.5), None when it is none."""
        found = self.resolve(value)
        if not isinstance(found, list) or len(found) != 4:
            return None
        resolved = [self.resolve(item) for item in found]
        numbers = [float(each) for each in resolved if isinstance(each, (int, float)) and not isinstance(each, bool)]
        if len(numbers) != len(resolved):
            return None
        a, b, c, d = numbers
        return (min(a, c), min(b, d), max(a, c), max(b, d))

    # -- fields ----------------------------------------------------------------------------------------------------------------------

    def acro_form(self) -> dict[str, object] | None:
        """The interactive form (12.7.2)."""
        return self.resolve_dictionary(self.root.get("AcroForm"))

    def signature_fields(self) -> list[SignatureField]:
        """All signature fields of the interactive form, signed and empty ones, in the form's order."""
        if self._fields is None:
            self._fields = list(read_signature_fields(self))
        return self._fields
