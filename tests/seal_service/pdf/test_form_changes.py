"""Signing prepared fields and adding fields below parents: what goes with it, and what is slipped in with it."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from tests.seal_service.pdf import test_verify_attacks as attacks
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import sealed
from tests.seal_service.pdf.tampering import (
    ABOVE,
    append,
    body_of,
    changed,
    failures,
    form_document,
    sealed_form,
    signature_number,
    top,
    verify,
)

SIGNED = b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents<00>>>"
N = top(sealed_form())


def _sign_prepared(*more: tuple[bytes, bytes], extra: dict[int, bytes] | None = None) -> set[str]:
    """The prepared field of the form gets a value in an update; what that means for the first seal."""
    objects = changed(sealed_form(), 11, (b"<<", b"<</V %d 0 R" % N), *more)
    return failures(verify(append(sealed_form(), {**objects, N: SIGNED, **(extra or {})})), "First")


@pytest.mark.parametrize(
    "more",
    [
        (),
        ((b"/N 14 0 R", b"/N %d 0 R" % (N + 1)),),
        ((b"/F 132", b"/F 4/Ff 1/MK<<>>/M(D:2026)/DA(x)/Q 1/AS/On"),),
    ],
)
def test_what_goes_with_signing(more: tuple[tuple[bytes, bytes], ...]) -> None:
    drawing = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 1>>stream\n \nendstream"
    assert _sign_prepared(*more, extra={N + 1: drawing}) == set()
    assert _sign_prepared(*more, extra={N + 1: drawing, 14: drawing}) == set()  # in place, as some do


@pytest.mark.parametrize(
    "more",
    [
        (b"/Rect [300 600 400 700]", b"/Rect [50 690 200 720]"),
        (b"/P 3 0 R", b"/P 2 0 R"),
        (b"(Prepared)", b"(Renamed)"),
        (b"/AP <<", b"/A<</S/URI>>/AP<<"),
        (b"/AP <<", b"/AP 14 0 R/Old <<"),
        (b"/F 132", b"/F(x)"),
        (b"/F 132", b"/F 132/Lock<</Action/All>>"),
        (b"/F 132", b"/F 132/MK 14 0 R"),
    ],
)
def test_what_is_slipped_in_with_signing(more: tuple[bytes, bytes]) -> None:
    assert _sign_prepared(more) - {"PDF_ANNOTATION_CHANGED"} == {"PDF_FIELD_CHANGED"}


def test_a_prepared_appearance_used_elsewhere_is_not_overwritten() -> None:
    data = sealed(form_document(o7=b"<</Type/Outlines/Count 0/X 14 0 R>>"), field_name="First", placement=ABOVE)
    number = top(data)
    drawing = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 1>>stream\n \nendstream"
    report = verify(append(data, {**changed(data, 11, (b"<<", b"<</V %d 0 R" % number)), number: SIGNED, 14: drawing}))
    assert "PDF_OBJECT_CHANGED" in failures(report, "First")


def _grouped() -> bytes:
    objects = page_objects(root=b"/AcroForm<</Fields[10 0 R]/SigFlags 3>>") | {
        10: b"<</T(group)/Kids[11 0 R]>>",
        11: b"<</T(a)/FT/Sig/Parent 10 0 R/Kids[12 0 R]>>",
        12: b"<</Subtype/Widget/Parent 11 0 R/Rect[0 0 0 0]>>",
    }
    return sealed(build(objects), field_name="First", placement=ABOVE)


def test_a_group_may_gain_a_signature_field() -> None:
    data = _grouped()
    number = top(data)
    child = b"<</T(b)/FT/Sig/Parent 10 0 R/Subtype/Widget/Rect[0 0 0 0]>>"
    assert verify(append(data, {**changed(data, 10, (b"[11 0 R", b"[11 0 R %d 0 R" % number)), number: child})).verdict is Verdict.VALID
    first = append(data, {**changed(data, 10, (b"[11 0 R", b"[%d 0 R 11 0 R" % number)), number: child})
    assert failures(verify(first)) == {"PDF_FIELD_CHANGED"}
    renamed = append(data, {**changed(data, 10, (b"[11 0 R", b"[11 0 R %d 0 R" % number), (b"(group)", b"(other)")), number: child})
    assert "PDF_FIELD_CHANGED" in failures(verify(renamed))


def test_widgets_of_a_field_stay_with_it() -> None:
    data = _grouped()
    number = top(data)
    more = {**changed(data, 11, (b"[12 0 R", b"[12 0 R %d 0 R" % number)), number: b"<</Subtype/Widget/Parent 11 0 R/Rect[0 0 9 9]>>"}
    assert "PDF_FIELD_CHANGED" in failures(verify(append(data, more)))


def test_a_new_parent_only_names() -> None:
    objects = {
        **changed(sealed_form(), 5, (b"/Fields [", b"/Fields [%d 0 R " % N)),
        N: b"<</T(group)/Kids[%d 0 R]/AA<<>>>>" % (N + 1),
        N + 1: b"<</FT/Sig/T(x)/Parent %d 0 R>>" % N,
    }
    assert failures(verify(append(sealed_form(), objects))) == {"PDF_FIELD_CHANGED"}


def test_a_seal_written_again_as_it_was_is_still_moved() -> None:
    """The dictionary itself must not be written again: its new place lies outside what it covers."""
    data = sealed_form()
    number = signature_number(data)
    report = verify(append(data, {number: body_of(data, number)}))
    assert report.verdict is Verdict.INVALID
    assert report.tampered is True


def test_a_hidden_second_dictionary_is_not_the_one_that_was_signed() -> None:
    """Two dictionaries under one number stand in the signed bytes; the update makes the other one count."""
    hidden = b"6 0 obj\n<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1111111 2222222 3333333]/Contents<0000>>>\nendobj\n"
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {
        5: b"<</T(a)/FT/Sig/V 6 0 R>>",
        6: b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 9 9 9]/Contents<00>>>",
        7: b"<<>>stream\n" + hidden + b"\nendstream",
    }
    data = build(objects)
    gap = data.index(b"<0000>")
    for old, new in ((b"1111111", gap), (b"2222222", gap + 6), (b"3333333", len(data) - gap - 6)):
        data = data.replace(old, b"%07d" % new)
    report = verify(append(data, {}, entries={6: data.index(b"6 0 obj\n<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 0")}))
    assert "PDF_SIGNATURE_DICTIONARY_CHANGED" in failures(report)
    assert report.tampered is True


@pytest.mark.parametrize("rectangle", [b"60 690 60 690", b"60 690 60 720", b"60 690 200 690"])
def test_an_appearance_in_a_rectangle_without_an_area_is_shown(rectangle: bytes) -> None:
    """PDFium draws it in full size where it has no /BBox."""
    appearance = attacks.FORM_XOBJECT.replace(b"/BBox", b"/Box")
    assert appearance != attacks.FORM_XOBJECT
    report = verify(attacks._with_field(rectangle, b"/AP<</N %d 0 R>>" % (attacks.N + 1), appearance))
    assert failures(report) == {"PDF_ANNOTATION_CHANGED"}
