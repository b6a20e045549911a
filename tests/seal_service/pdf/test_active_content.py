"""Actions of a document: found however they follow each other, within bounds. In both verifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from seal_service.pdf.active_content import find_active_content
from seal_service.pdf.document import PdfDocument
from tests.costs import at_most
from tests.seal_service.pdf.documents import build, page_objects
from tests.yinxin.test_offline_modules import run

if TYPE_CHECKING:
    from crypto.report import Step

SCRIPT: Final = """
  const [{ PdfDocument }, { findActiveContent }] = await Promise.all(["pdf_document", "pdf_active_content"].map(load));
  return given.map((content) => findActiveContent(PdfDocument.open(Uint8Array.from(content))).map(({ code, facts }) => [code, facts]));
"""
MANY: Final = b"".join(b"/K%d 7 0 R" % number for number in range(100))
CASES: Final = {
    "alone": (b"/OpenAction<</S/JavaScript>>", {}, ["JavaScript"]),
    "of a trigger": (b"/AA<</WC<</S/GoTo/Next<</S/Launch>>>>/WS<</S/SubmitForm>>>>", {}, ["Launch", "SubmitForm"]),
    "in an array": (b"/OpenAction<</S/GoTo/Next[7 0 R 8 0 R]>>", {7: b"<</S/GoTo>>", 8: b"<</S/JavaScript>>"}, ["JavaScript"]),
    "in arrays of arrays' actions": (b"/OpenAction<</S/GoTo/Next[<</S/URI/Next[<</S/Rendition>>]>>]>>", {}, ["Rendition"]),
    "array by reference": (b"/OpenAction 7 0 R", {7: b"<</S/GoTo/Next 8 0 R>>", 8: b"[<</S/ImportData>>]"}, ["ImportData"]),
    "loop": (b"/OpenAction 7 0 R", {7: b"<</S/JavaScript/Next[7 0 R 7 0 R 7 0 R]>>"}, ["JavaScript"]),
    "destination": (b"/OpenAction[3 0 R/Fit]", {}, []),
    "everything leads everywhere": (b"/OpenAction 7 0 R/AA 7 0 R", {7: b"<<" + MANY + b"/Next[" + b"7 0 R " * 100 + b"]>>"}, []),
    "too many": (b"/OpenAction 7 0 R", {7: b"<</S/GoTo/Next[" + b"<</S/JavaScript>>" * 300 + b"]>>"}, None),
    "as many as are read": (b"/OpenAction 7 0 R", {7: b"<</S/GoTo/Next[" + b"null " * 254 + b"<</S/Launch>>]>>"}, ["Launch"]),
}


def content_of(name: str) -> bytes:
    root, objects, _ = CASES[name]
    return build(page_objects(root=root) | objects)


def found_in(content: bytes) -> list[Step]:
    return find_active_content(PdfDocument.open(content))


@pytest.mark.clause("ISO 32000-1 12.6")
@pytest.mark.parametrize("name", CASES)
def test_actions_are_named(name: str) -> None:
    with at_most(0.5):  # well under a hundredth of it; a document of a few hundred bytes once took for ever
        steps = found_in(content_of(name))
    expected = CASES[name][2]
    if expected is None:
        assert [step.code for step in steps] == ["PDF_ACTIVE_CONTENT_UNREADABLE"]
    else:
        assert [(step.code, step.facts["action"]) for step in steps] == [("PDF_ACTIVE_CONTENT", kind) for kind in expected]


def test_a_form_is_no_form_of_another_kind_for_being_there() -> None:
    assert found_in(build(page_objects(root=b"/AcroForm<</Fields[]>>"))) == []
    assert [step.code for step in found_in(build(page_objects(root=b"/AcroForm<</Fields[]/XFA(x)>>")))] == ["PDF_XFA"]


def test_the_offline_verifier_names_the_same() -> None:
    contents = [content_of(name) for name in CASES]
    ours = [[[step.code, step.facts] for step in found_in(content)] for content in contents]
    assert run(SCRIPT, [list(content) for content in contents]) == ours
