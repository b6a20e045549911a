"""The logical structure after a seal: elements for new signature fields are allowed, anything else that is said there is left open."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import append, changed, top, undecided, verify

TREE = {
    5: b"<</Type/StructTreeRoot/K 6 0 R/ParentTree 8 0 R/ParentTreeNextKey 1>>",
    6: b"<</Type/StructElem/S/Document/P 5 0 R/K[7 0 R]>>",
    7: b"<</Type/StructElem/S/P/P 6 0 R/Pg 3 0 R/K 0>>",
    8: b"<</Nums[0 9 0 R]>>",
    9: b"[7 0 R]",
    10: b"[6 0 R]",
}
FORM = page_objects(root=b"/StructTreeRoot 5 0 R/AcroForm<</Fields[]/SigFlags 1>>") | TREE
DATA = sealed(build(FORM), field_name="First")
N = top(DATA)
WIDGET, ELEMENT, NODE, LIST = N, N + 1, N + 2, N + 3
FORM_ELEMENT = b"<</Type/StructElem/S/Form/P 6 0 R/Pg 3 0 R/K<</Type/OBJR/Obj %d 0 R>>>>" % WIDGET


def _signed_field() -> dict[int, bytes]:
    """What a signer adds to a tagged document: a field with its widget, an element for it, a copy of the parent tree."""
    return {
        **changed(DATA, 1, (b"/Fields [", b"/Fields [%d 0 R " % WIDGET)),
        **changed(DATA, 3, (b"/Annots [", b"/Annots [%d 0 R " % WIDGET)),
        WIDGET: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Late)/F 4/P 3 0 R/StructParent 1/Rect[0 0 0 0]>>",
        ELEMENT: FORM_ELEMENT,
        NODE: b"<</Kids[%d 0 R]>>" % (NODE + 2),
        NODE + 2: b"<</Limits[0 1]/Nums[0 %d 0 R 1 %d 0 R]>>" % (LIST, ELEMENT),
        LIST: b"[7 0 R]",
        5: b"<</Type/StructTreeRoot/K 6 0 R/ParentTree %d 0 R/ParentTreeNextKey 2>>" % NODE,
        6: b"<</Type/StructElem/S/Document/P 5 0 R/K[7 0 R %d 0 R]>>" % ELEMENT,
    }


@pytest.mark.clause("ISO 32000-1 14.7.4.3")
@pytest.mark.parametrize(
    "other",
    [
        {},
        {ELEMENT: FORM_ELEMENT.replace(b"/K<<", b"/K[<<").replace(b">>>>", b">>]>>")},
        {8: b"<</Nums[0 9 0 R 1 %d 0 R]>>" % ELEMENT, 5: TREE[5].replace(b"Key 1", b"Key 2")},
        {5: _signed_field()[5].replace(b"/K 6 0 R", b"/K[6 0 R %d 0 R]" % ELEMENT), 6: TREE[6]},
    ],
)
def test_an_element_for_a_new_signature_field_is_allowed(other: dict[int, bytes]) -> None:
    report = verify(append(DATA, _signed_field() | other))
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)


SAYS_MORE = {
    "text in a known element": {7: b"<</Type/StructElem/S/P/P 6 0 R/Pg 3 0 R/K 0/ActualText(Pay 900)>>"},
    "text beside the new kid": {6: b"<</Type/StructElem/S/Document/P 5 0 R/Alt(x)/K[7 0 R %d 0 R]>>" % ELEMENT},
    "text in the new element": {ELEMENT: FORM_ELEMENT.replace(b"/P 6", b"/ActualText(Pay 900)/P 6")},
    "new element for content": {ELEMENT: b"<</Type/StructElem/S/Form/P 6 0 R/Pg 3 0 R/K 0>>"},
    "new element of another kind": {ELEMENT: FORM_ELEMENT.replace(b"/S/Form", b"/S/H1")},
    "new element for a known widget": {ELEMENT: FORM_ELEMENT.replace(b"/Obj %d" % WIDGET, b"/Obj 3")},
    "kid lost": {6: b"<</Type/StructElem/S/Document/P 5 0 R/K[%d 0 R]>>" % ELEMENT},
    "kids in another order": {5: _signed_field()[5].replace(b"/K 6 0 R", b"/K[7 0 R 6 0 R]")},
    "known kid again": {6: b"<</Type/StructElem/S/Document/P 5 0 R/K[7 0 R 7 0 R]>>"},
    "role map": {5: _signed_field()[5].replace(b"/K 6", b"/RoleMap<</P/H1>>/K 6")},
    "content leads elsewhere": {LIST: b"[6 0 R]"},
    "content leads nowhere": {NODE + 2: b"<</Nums[1 %d 0 R]>>" % ELEMENT},
    "new content key": {NODE + 2: b"<</Nums[0 %d 0 R 1 %d 0 R 2 7 0 R]>>" % (LIST, ELEMENT)},
    "known list changed": {9: b"[6 0 R]"},
    "known element as a node": {
        7: b"<</Type/StructElem/S/P/P 6 0 R/K 0/ActualText(Pay 900)>>",
        NODE: b"<</Kids[%d 0 R 7 0 R]>>" % (NODE + 2),
    },
    "element instead of another": {7: TREE[6], NODE + 2: b"<</Nums[0 %d 0 R 1 %d 0 R]>>" % (LIST, ELEMENT)},
    "a node in a circle": {NODE: b"<</Kids[%d 0 R]>>" % NODE},
    "element in place": {6: b"<</Type/StructElem/S/Document/P 5 0 R/K[7 0 R <</S/Form>>]>>"},
    "known element gone": {7: b"null"},
}


@pytest.mark.clause("ISO 32000-1 14.7")
@pytest.mark.parametrize("name", SAYS_MORE)
def test_whatever_else_the_structure_says_is_left_open(name: str) -> None:
    report = verify(append(DATA, _signed_field() | SAYS_MORE[name]))
    assert report.verdict is Verdict.INDETERMINATE
    assert undecided(report) & {"PDF_STRUCTURE_CHANGED", "PDF_CHANGES_UNDECIDED"}


def test_another_root_of_the_structure_is_left_open() -> None:
    objects = _signed_field()
    objects[1] = objects[1].replace(b"/StructTreeRoot 5 0 R", b"/StructTreeRoot %d 0 R" % (NODE + 3))
    objects[NODE + 3] = objects[5]
    report = verify(append(DATA, objects))
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
