"""PDF values: read, written, bounded; pikepdf (qpdf) reads what we write the same way."""

from __future__ import annotations

import math

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal_service.pdf.limits import DEFAULT, PdfLimits
from seal_service.pdf.syntax import (
    HexString,
    Keyword,
    Lexer,
    Name,
    PdfString,
    Ref,
    Stream,
    read_object_header,
    skip_space,
    write_object,
)
from standards.errors import MalformedError


def read(text: bytes, limits: PdfLimits = DEFAULT) -> object:
    return Lexer(text, limits=limits).read_value()


@pytest.mark.clause("ISO 32000-1 7.3")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b"true ", True),
        (b"false]", False),
        (b" % a comment\n 17", 17),
        (b"-98", -98),
        (b"+17", 17),
        (b"34.5", 34.5),
        (b"-.002", -0.002),
        (b"4.", 4.0),
        (b"/Name1", "Name1"),
        (b"/A#42#20x", "AB x"),
        (b"/", ""),
        (b"(simple)", b"simple"),
        (b"(a (nested) one)", b"a (nested) one"),
        (b"(\\n\\r\\t\\b\\f\\(\\)\\\\)", b"\n\r\t\b\f()\\"),
        (b"(\\053\\53\\5x\\400)", b"++\x05x\x00"),
        (b"(a\\\nb\\\r\nc\\\rd)", b"abcd"),
        (b"(a\rb\r\nc)", b"a\nb\nc"),
        (b"(\\q)", b"q"),
        (b"<48 65\n6c6C6f7>", b"Hellop"),
        (b"<>", b""),
        (b"<48\x0065>", b"He"),
        (b"[1 2/A(b)<63>[]<<>>]", [1, 2, "A", b"b", b"c", [], {}]),
        (b"[12 0 R 1 0 R]", [Ref(12, 0), Ref(1, 0)]),
        (b"[12 % comment\n 0 % comment\n R]", [Ref(12, 0)]),
        (b"<</A 1/B<</C[2 0 R]>>/N null>>", {"A": 1, "B": {"C": [Ref(2)]}}),
        (b"12 0 R", Ref(12, 0)),
        (b"odd", "odd"),
        (b"1.2.3", "1.2.3"),
    ],
)
def test_values_are_read(text: bytes, value: object) -> None:
    assert read(text) == value


def test_types_are_told_apart() -> None:
    found = read(b"[/a(a)<61>a true 1 1.0 1 0 R]")
    assert isinstance(found, list)
    assert [type(item) for item in found] == [Name, PdfString, HexString, Keyword, bool, int, float, Ref]
    assert repr(found[0]) == "/a"
    assert (found[1].is_hex, found[2].is_hex) == (False, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "PDF_SYNTAX"),
        (b"]", "PDF_SYNTAX"),
        (b">>", "PDF_SYNTAX"),
        (b"[1", "PDF_SYNTAX"),
        (b"[>>", "PDF_SYNTAX"),
        (b"<<]", "PDF_SYNTAX"),
        (b"<</A 1", "PDF_SYNTAX"),
        (b"<</A>>", "PDF_DICTIONARY_ODD"),
        (b"<<1 2>>", "PDF_DICTIONARY_KEY"),
        (b"<</A endobj>>", "PDF_SYNTAX"),
        (b"<48", "PDF_SYNTAX"),
        (b"<4x>", "PDF_HEX_STRING"),
        (b"(a", "PDF_STRING_TOO_LONG"),
        (b"(a\\", "PDF_STRING_TOO_LONG"),
        (b"(" + b"a" * 300_000 + b")", "PDF_STRING_TOO_LONG"),
        (b"<" + b"0" * 70_000 + b"x>", "PDF_HEX_STRING"),
        (b"/" + b"a" * 1025, "PDF_NAME_TOO_LONG"),
        (b"x" * 65, "PDF_SYNTAX"),
        (b"[" * 65, "PDF_TOO_DEEP"),
        (b"[-1 0 % c\n R]", "PDF_SYNTAX"),
    ],
)
def test_what_is_no_value_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(text)
    assert caught.value.code == code


def test_tokens_are_bounded_and_counted() -> None:
    with pytest.raises(MalformedError, match="PDF_TOO_COMPLEX"):
        read(b"[" + b"1 " * 20, PdfLimits(tokens_per_object=10))
    lexer = Lexer(b"[1 2 3]")
    lexer.read_value()
    assert lexer.tokens == 5
    lexer = Lexer(b"[1 2 ")
    with pytest.raises(MalformedError):
        lexer.read_value()
    assert lexer.tokens == 4
    lexer = Lexer(b"(" + b"(" * 5_000)
    with pytest.raises(MalformedError):
        lexer.read_value()
    assert lexer.tokens > 5_000


@pytest.mark.parametrize(
    ("text", "twice"), [(b"<</A 1/B 2>>", False), (b"<</A 1/A 1>>", True), (b"<</A 1/A null>>", True), (b"[<</A<</B 1/#42 2>>>>]", True)]
)
def test_a_key_named_twice_is_noticed(text: bytes, twice: bool) -> None:
    lexer = Lexer(text)
    lexer.read_value()
    assert lexer.has_duplicate_keys is twice


def test_a_dictionary_is_read_with_the_places_of_its_values() -> None:
    text = b"  <</A 1 /B<00ff>/A [1 2]% end\n>> rest"
    lexer = Lexer(text)
    found = lexer.read_dictionary_spans()
    assert [(key, text[start:end]) for key, _, start, end in found] == [("A", b"1"), ("B", b"<00ff>"), ("A", b"[1 2]")]
    assert text[lexer.position :] == b" rest"
    for bad in (b"[", b"<<1 2>>", b"<</A 1", b"<</A 1 (", b"<</A 1 % end"):
        with pytest.raises(MalformedError):
            Lexer(bad).read_dictionary_spans()
    with pytest.raises(MalformedError, match="PDF_TOO_COMPLEX"):
        Lexer(b"<</A 1/B 2/C 3>>", limits=PdfLimits(tokens_per_object=2)).read_dictionary_spans()


def test_object_headers() -> None:
    assert read_object_header(b" 12 3 obj<<", 0, 11) == (12, 3, 9)
    assert read_object_header(b"12 3 object", 0, 11) is None
    assert read_object_header(b" " * 200 + b"1 0 obj", 0, 207) is None
    assert skip_space(b" %x\n\n5", 0, 6) == 5


def names() -> st.SearchStrategy[Name]:
    return st.text(st.characters(max_codepoint=255, min_codepoint=1), max_size=20).map(Name)


def values() -> st.SearchStrategy[object]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(10**17), 10**17)
        | st.integers(-(10**9), 10**9).map(lambda number: number / 1000)
        | st.binary(max_size=40).map(PdfString)
        | st.binary(max_size=40).map(HexString)
        | names()
        | st.builds(Ref, st.integers(0, 10**6), st.integers(0, 65_535))
    )
    kept = leaves.filter(lambda value: value is not None)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names(), inner.filter(lambda v: v is not None) | kept, max_size=5),
        max_leaves=20,
    )


@given(values())
def test_what_is_written_reads_back(value: object) -> None:
    text = write_object(value)
    assert read(text + b" ") == (pytest.approx(value) if isinstance(value, float) else value)


@given(st.binary(max_size=60).map(PdfString) | st.binary(max_size=60).map(HexString))
def test_qpdf_reads_our_strings(value: PdfString) -> None:
    assert bytes(pikepdf.Object.parse(write_object(value))) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        read(data)
    except MalformedError as error:
        assert error.code.startswith("PDF_")


@given(
    st.lists(
        st.sampled_from([b"<<", b">>", b"[", b"]", b"(", b")", b"<", b">", b"/A", b" 1 ", b" 0 R ", b"\\", b"% ", b"\n", b"endobj "]),
        max_size=40,
    )
)
def test_no_sequence_of_tokens_raises_anything_else(parts: list[bytes]) -> None:
    try:
        write_object(read(b"".join(parts)))
    except MalformedError as error:
        assert error.code.startswith("PDF_")


def test_streams_keywords_and_numbers_are_written() -> None:
    stream = Stream({"Length": 99, "Type": Name("X")}, b"abc", 7)
    assert write_object(stream) == b"<</Length 3/Type /X>>\nstream\nabc\nendstream"
    assert repr(stream) == "Stream({'Length': 99, 'Type': /X}, 3 bytes)"
    assert write_object([Keyword("odd"), 1.5, -0.0, 2.0, True, False, None]) == b"[odd 1.5 0 2 true false null]"
    deep: object = []
    for _ in range(70):
        deep = [deep]
    for bad in (math.nan, math.inf, -math.inf, object(), "plain", b"plain", deep):
        with pytest.raises(ValueError, match=r"PDF"):
            write_object(bad)
