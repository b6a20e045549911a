"""What only readers show that rebuild the cross-references: an update that gives them a reason, and what it makes them find."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from seal_service.pdf.limits import Budget
from seal_service.pdf.recovery import find_odd_headers, find_trailers
from standards.errors import MalformedError
from tests.costs import at_most
from tests.seal_service.pdf import rebuilt_updates as updates
from tests.seal_service.pdf.tampering import failures, undecided, verify

ODD = updates.odd_updates()
PASSED_OVER = updates.passed_over_updates()
STRAY = updates.stray_updates()
PLAIN = updates.plain_updates()


@pytest.mark.clause("ISO 32000-1 7.5.4")
@pytest.mark.parametrize("name", ODD)
def test_a_section_that_readers_find_fault_with_is_left_open(name: str) -> None:
    report = verify(ODD[name])
    assert (report.verdict, failures(report), undecided(report)) == (Verdict.INDETERMINATE, set(), {"PDF_REVISION_CHAIN"})


@pytest.mark.clause("ISO 32000-1 7.5.6")
@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_was_signed_and_not_shown_leaves_later_revisions_open(name: str) -> None:
    """Before anything is appended the document is as its signer saw it."""
    data = PASSED_OVER[name]
    assert verify(data[: data.rindex(b"xref\n4 1\n")]).verdict is Verdict.VALID
    report = verify(data)
    assert (report.verdict, failures(report), undecided(report)) == (Verdict.INDETERMINATE, set(), {"PDF_REVISION_CHAIN"})


@pytest.mark.parametrize("name", STRAY)
def test_what_some_reader_takes_for_an_object_is_left_open(name: str) -> None:
    report = verify(STRAY[name])
    assert "PDF_REVISION_CHAIN" in undecided(report)
    assert report.verdict is not Verdict.VALID


@pytest.mark.parametrize("name", PLAIN)
def test_an_update_as_writers_make_it_is_valid(name: str) -> None:
    report = verify(PLAIN[name])
    assert (report.verdict, undecided(report)) == (Verdict.VALID, set())


def test_the_search_for_headers_costs_little() -> None:
    data = (b"%" * 125 + b"obj") * 20_000
    with at_most(seconds=3):
        assert find_odd_headers(data, len(data), Budget()) == []
    with pytest.raises(MalformedError, match="PDF_TOO_COMPLEX"):
        find_trailers(b"trailer%" * 20_000, 160_000)


def test_words_in_a_text_are_no_headers() -> None:
    for text in (b"4 0 object", b"a.obj", b"endobj", b"4 0 endobj", b"obj2"):
        assert find_odd_headers(b" x" * 80 + text, 160 + len(text), Budget()) == []


@pytest.mark.parametrize("chance", [b"\xd83obj\x9e", b"\xe1 7.obj\xff", b"%\x81\nobj(", b"\x8b2%\xd8 9obj\xd8"])
def test_a_picture_that_says_obj_by_chance_is_no_header(chance: bytes) -> None:
    """A file of ten megabytes has such bytes once in fifty."""
    data = b"\xd8\x9e\xe1" * 60 + chance
    assert find_odd_headers(data, len(data), Budget()) == []


@pytest.mark.parametrize(
    "header",
    [
        b"4 0obj",
        b"4 -0 obj",
        b"4 0. obj",
        b"4\x0b0 obj",
        b"4 0%c\robj",
        b"4%c\n0 obj",
        b"4 0\n %c\nobj",
        b"4 0 %a%b\nobj",
        b"4. %c\n %d\n0 obj",
    ],
)
def test_two_numbers_however_apart_may_be_a_header(header: bytes) -> None:
    data = b"endobj\n" + header + b"\n<<>>"
    assert find_odd_headers(data, len(data), Budget()) == [data.index(b"obj\n<<>>")]
