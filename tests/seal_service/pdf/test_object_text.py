"""What is not ours is copied byte for byte: numbers, comments, odd spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.object_text import Verbatim, entry_text, last_ref, read_text_of, with_entries, with_item
from seal_service.pdf.syntax import Lexer, Name, PdfString, Ref, write_object
from standards.errors import MalformedError
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import sealed

ODD = b"<< /Kept 595.303937007874015748031496 % why >>\n/A#42 (x\\)>>) /Twice 1/Twice 2 /Deep <</Kept [ 1 .5 +3 ]>>\n>>"


def test_set_entries_leaves_everything_else_alone() -> None:
    changed = with_entries(ODD, {"New": Name("Value"), "Deep": None})
    assert changed == ODD[: ODD.index(b" <</Kept [")] + b"  null" + b"\n/New /Value>>"
    assert Lexer(with_entries(ODD, {"AB": 7})).read_value()["AB"] == 7  # type: ignore[index]
    assert bytes(with_entries(ODD, {"AB": 7})).count(b"/A#42  7 /Twice") == 1


def test_a_key_that_stands_twice_is_set_twice() -> None:
    assert bytes(with_entries(ODD, {"Twice": 9})).count(b"/Twice  9/Twice  9 ") == 1
    assert entry_text(ODD, "Twice") == b"2"


def test_entries_are_taken_out_as_written() -> None:
    assert entry_text(ODD, "Kept") == b"595.303937007874015748031496"
    assert entry_text(ODD, "Deep") == b"<</Kept [ 1 .5 +3 ]>>"
    assert entry_text(ODD, "None") is None


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (b"[]", b"[ 5 0 R]"),
        (b"[ 1.10 (]) % ]\n ]", b"[ 1.10 (]) % ]\n  5 0 R]"),
        (b"% lead\n[<</A[]>>] trailing", b"% lead\n[<</A[]>> 5 0 R]"),
    ],
)
def test_items_are_appended_before_the_last_bracket(array: bytes, expected: bytes) -> None:
    assert with_item(array, Ref(5, 0)) == expected


@pytest.mark.parametrize("text", [b"7", b"(x)", b"[1 2", b"<</A 1>>", b""])
def test_what_is_no_array_takes_no_item(text: bytes) -> None:
    with pytest.raises(MalformedError):
        with_item(text, 1)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.binary(max_size=8).map(PdfString) | st.integers(1, 99).map(Ref),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ABCDE").map(Name), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from("ABCDE").map(Name), _values, max_size=5),
    st.dictionaries(st.sampled_from("ABCDEF").map(Name), _values, max_size=3),
)
def test_setting_in_text_is_setting_in_the_dictionary(before: dict[str, object], entries: dict[str, object]) -> None:
    changed = Lexer(with_entries(write_object(before), dict(entries))).read_value()
    expected = {key: value for key, value in ({**before, **entries}).items() if value is not None}
    assert changed == Lexer(write_object(expected)).read_value()


@pytest.mark.parametrize("kind", ["table", "stream", "hybrid"])
def test_objects_are_read_where_they_stand(kind: str) -> None:
    document = PdfDocument.open(build(page_objects() | {5: ODD, 6: b"5 0 R", 7: b"8 0 R", 8: b"7 0 R"}, kind=kind, hidden=(2, 3, 5)))
    assert read_text_of(document, Ref(5, 0)) == ODD
    assert last_ref(document, Ref(6, 0)) == Ref(5, 0)
    for loop in (Ref(7, 0),):
        with pytest.raises(MalformedError):
            last_ref(document, loop)
    with pytest.raises(MalformedError):
        read_text_of(document, Ref(99, 0))
    assert isinstance(read_text_of(document, Ref(1, 0)), Verbatim)


def test_a_page_is_written_again_as_it_was() -> None:
    """The page, the catalog and the form of a sealed file differ from the original's only by what was added."""
    page = b"<< /Type /Page\r/Parent 2 0 R /MediaBox [0 0 595.303937007874015748 841.889763779527559055]% A4\r/Annots[ ] /Resources<<>> >>"
    root = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /DA (/H 0.100 Tf) /Fields [ ] >> /Keep 1.0000000000000000001 >>"
    result = sealed(build(page_objects() | {1: root, 3: page}))
    document = PdfDocument.open(result)
    field = document.signature_fields()[0].ref
    assert field is not None
    added = b" %d 0 R" % field.number
    assert read_text_of(document, Ref(3, 0)) == page.replace(b"/Annots[ ]", b"/Annots [ " + added + b"]")
    expected = root.replace(b" << /DA", b"  << /DA").replace(b" [ ] >>", b"  [ " + added + b"] /SigFlags 3>>")
    assert read_text_of(document, Ref(1, 0)) == expected
