"""What authors and earlier signatures forbid is refused before anything is written."""

from __future__ import annotations

import io
from typing import Literal

import pikepdf
import pytest

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from standards.errors import TrustError
from tests.seal_service.pdf.documents import HEADER, build, page_objects, reportlab_document
from tests.seal_service.pdf.sealing import is_digest_right, sealed, signatures
from tests.seal_service.pdf.tampering import failures, verify


def _refused(original: bytes, **options: object) -> TrustError:
    with pytest.raises(TrustError) as refused:
        sealed(original, **options)
    return refused.value


def _saved(**options: object) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(reportlab_document())) as pdf:
        pdf.save(buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize("version", [2, 3, 4, 6])
@pytest.mark.parametrize("password", ["", "secret"])
def test_encrypted_documents_are_refused(version: Literal[2, 3, 4, 6], password: str) -> None:
    encryption = pikepdf.Encryption(owner="owner", user=password, R=version, aes=version >= 4, metadata=version >= 4)
    assert _refused(_saved(encryption=encryption)).code == "PDF_ENCRYPTED"


def test_damaged_cross_references_are_refused() -> None:
    original = reportlab_document()
    at = original.rindex(b"startxref\n") + 10
    assert _refused(original[:at] + b"9" + original[at:]).code == "PDF_XREF_DAMAGED"
    assert _refused(original.replace(b"\nxref\n", b"\nxrxx\n")).code == "PDF_XREF_DAMAGED"


def test_bytes_before_the_header_are_refused() -> None:
    displaced = b"\n" + reportlab_document()
    assert _refused(displaced).code in {"PDF_HEADER_DISPLACED", "PDF_XREF_DAMAGED"}
    # The same where offsets count from the file's start and everything else is in order:
    original = build(page_objects())
    assert original.startswith(HEADER)
    assert _refused(b"%abcd\n%PDF-1.7\n" + original[len(HEADER) :]).code == "PDF_HEADER_DISPLACED"


def test_xfa_forms_are_refused() -> None:
    assert _refused(build(page_objects(b"", b"/AcroForm<</Fields[]/XFA 4 0 R>>"))).code == "PDF_XFA"


# -- certification -----------------------------------------------------------------------------------------------------------------


def _signed(
    reference: bytes = b"", lock: bytes = b"", perms: bool = True, empty: bytes = b"", kids: dict[int, bytes] | None = None
) -> bytes:
    """A document with a signed field Author (its CMS is none of our business here) and an empty field Approval."""
    root = b"/AcroForm<</Fields[7 0 R 9 0 R]/SigFlags 3>>" + (b"/Perms<</DocMDP 8 0 R>>" if perms else b"")
    return build(
        page_objects(b"/Annots[7 0 R 9 0 R]", root)
        | {
            7: b"<</Subtype/Widget/FT/Sig/T(Author)/Rect[0 0 0 0]/P 3 0 R/V 8 0 R%s>>" % lock,
            8: b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents<00>%s>>" % reference,
            9: b"<</Subtype/Widget/FT/Sig/T(Approval)/Rect[9 9 99 99]/P 3 0 R%s>>" % empty,
        }
        | (kids or {})
    )


def _docmdp(permission: bytes) -> bytes:
    return b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1.2%s>>>>]" % permission


@pytest.mark.clause("ISO 32000-1 12.8.2.2")
@pytest.mark.parametrize("perms", [True, False])
def test_certified_without_changes_means_no_seal(perms: bool) -> None:
    certified = _signed(_docmdp(b"/P 1"), perms=perms)
    for options in ({}, {"field_name": "Approval"}, {"picture": None}):
        assert _refused(certified, **options).code == "PDF_CERTIFIED_LOCKED"


@pytest.mark.clause("ISO 32000-1 12.8.2.2")
@pytest.mark.parametrize("permission", [b"/P 2", b"/P 3", b""])
def test_certified_with_forms_means_prepared_fields_only(permission: bytes) -> None:
    certified = _signed(_docmdp(permission))
    assert _refused(certified).code == "PDF_CERTIFIED_NO_NEW_FIELD"
    for options in ({"field_name": "Approval"}, {"picture": None}):
        result = sealed(certified, **options)
        assert result.startswith(certified)


def test_indirect_parts_of_a_certification_are_followed() -> None:
    kids = {10: b"[11 0 R]", 11: b"<</TransformMethod 12 0 R/TransformParams 13 0 R>>", 12: b"/DocMDP", 13: b"<</P 14 0 R>>", 14: b"1"}
    assert _refused(_signed(b"/Reference 10 0 R", kids=kids)).code == "PDF_CERTIFIED_LOCKED"


@pytest.mark.parametrize("reference", [b"/Reference[<</TransformMethod/DocMDP/TransformParams<</P(x)>>>>]"])
def test_a_certification_that_cannot_be_read_is_not_overridden(reference: bytes) -> None:
    assert _refused(_signed(reference)).code == "PDF_CERTIFIED_LOCKED"


def test_a_certification_that_no_field_shows_binds() -> None:
    hidden = page_objects(b"", b"/Perms<</DocMDP 5 0 R>>") | {5: b"<</Type/Sig" + _docmdp(b"/P 1") + b">>"}
    assert _refused(build(hidden)).code == "PDF_CERTIFIED_LOCKED"


def test_other_permissions_are_nobodys_certification() -> None:
    result = sealed(build(page_objects(b"", b"/Perms<</UR3 4 0 R>>")))
    assert list(signatures(result)) == ["Seal1"]


# -- locks -------------------------------------------------------------------------------------------------------------------------


def _fieldmdp(rule: bytes) -> bytes:
    return b"/Reference[<</Type/SigRef/TransformMethod/FieldMDP/TransformParams<</Type/TransformParams/V/1.2%s>>>>]" % rule


@pytest.mark.clause("ISO 32000-1 12.8.2.4", "ISO 32000-1 table 233")
@pytest.mark.parametrize("place", ["reference", "lock"])
@pytest.mark.parametrize(
    ("rule", "new", "prepared"),
    [
        (b"/Action/All", False, False),
        (b"/Action/Include/Fields[(Approval)]", True, False),
        (b"/Action/Include/Fields[(Other)]", True, True),
        (b"/Action/Include/Fields[(Appro)]", True, True),
        (b"/Action/Exclude/Fields[(Approval)]", False, True),
        (b"/Action/Exclude/Fields[(Seal1)(Approval)]", True, True),
        (b"/Action/Exclude", False, False),
        (b"/Action/Unknown", False, False),
    ],
)
def test_locks_of_earlier_signatures_bind(place: str, rule: bytes, new: bool, prepared: bool) -> None:
    original = (
        _signed(_fieldmdp(rule), perms=False)
        if place == "reference"
        else _signed(lock=b"/Lock<</Type/SigFieldLock%s>>" % rule, perms=False)
    )
    for options, is_allowed in (({}, new), ({"field_name": "Approval"}, prepared)):
        if is_allowed:
            assert sealed(original, **options).startswith(original)
        else:
            refused = _refused(original, **options)
            assert (refused.code, refused.facts["locked_by"]) == ("PDF_FIELD_LOCKED", "Author")


def test_a_lock_with_permissions_closes_the_document() -> None:
    original = _signed(lock=b"/Lock<</Action/Include/Fields[(Other)]/P 1>>", perms=False)
    assert _refused(original).code == "PDF_CERTIFIED_LOCKED"


def test_locks_of_empty_fields_do_not_bind_yet_but_are_stated_with_our_signature() -> None:
    original = _signed(perms=False, empty=b"/Lock<</Type/SigFieldLock/Action/Include/Fields[(Author)]>>")
    assert list(signatures(sealed(original, picture=None))) == ["Author", "Seal1"]
    result = sealed(original, field_name="Approval")
    signature = signatures(result)["Approval"]
    assert is_digest_right(result, signature)
    (reference,) = signature["/Reference"]
    assert reference["/TransformMethod"] == "/FieldMDP"
    assert reference["/TransformParams"]["/Action"] == "/Include"
    assert list(reference["/TransformParams"]["/Fields"]) == ["Author"]
    closed = _signed(perms=False, empty=b"/Lock<</Type/SigFieldLock/Action/All>>")
    refused = _refused(sealed(closed, field_name="Approval"))
    assert (refused.code, refused.facts["locked_by"]) == ("PDF_FIELD_LOCKED", "Approval")


# -- seed values -------------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("ISO 32000-1 table 234")
@pytest.mark.parametrize(
    ("seed", "unmet"),
    [
        (b"/Ff 2/SubFilter[/adbe.pkcs7.detached]", "SubFilter"),
        (b"/Ff 2/SubFilter[/adbe.pkcs7.detached/ETSI.CAdES.detached]", None),
        (b"/Ff 0/SubFilter[/adbe.pkcs7.detached]", None),
        (b"/Ff 1/Filter/Other", "Filter"),
        (b"/Ff 1/Filter/Adobe.PPKLite", None),
        (b"/Ff 8/Reasons[(Read)<FEFF540C610F>]", None),
        (b"/Ff 8/Reasons[(Read)]", "Reasons"),
        (b"/Ff 64/DigestMethod[(SHA256)]", "Ff"),
        (b"/Ff 3/Filter/Other/SubFilter[/x]", "Filter, SubFilter"),
        (b"", None),
        (b"/Ff/x", None),
    ],
)
def test_demands_of_a_prepared_field_are_met_or_refused(seed: bytes, unmet: str | None) -> None:
    original = _signed(perms=False, empty=b"/SV<</Type/SV%s>>" % seed)
    if unmet is None:
        assert sealed(original, field_name="Approval", reason="同意").startswith(original)
    else:
        refused = _refused(original, field_name="Approval", reason="同意")
        assert (refused.code, refused.facts["demands"]) == ("PDF_SEED_VALUE_UNMET", unmet)


def test_sealing_leaves_an_earlier_signature_dictionary_alone() -> None:
    original = _signed(perms=False)
    before, after = PdfDocument.open(original), PdfDocument.open(sealed(original))
    assert before.signature_fields()[0].value_dict == after.signature_fields()[0].value_dict


def test_a_seal_that_others_touch_on_every_side_is_not_called_covered() -> None:
    """Each of them is allowed here by itself."""
    document, x_mm, y_mm, step_mm = reportlab_document(), 100.0, 150.0, 41.85
    for across, up in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        document = sealed(document, placement=Placement(1, x_mm + across * step_mm, y_mm + up * step_mm))
    report = verify(document)
    assert [each.document_intact for each in report.signatures] == [True] * 5
    assert failures(report) == set()


def test_a_seal_over_a_seal_is_refused_beside_it_is_fine() -> None:
    first = sealed(reportlab_document(2), placement=Placement(1, 60, 60))
    for x_mm, y_mm in ((60, 60), (60 + 41.5, 60), (60, 60 - 38), (60 - 30, 60 + 30)):
        refused = _refused(first, placement=Placement(1, x_mm, y_mm))
        assert (refused.code, refused.facts) == ("PLACEMENT_OVER_SEAL", {"field": "Seal1"})
    for placement in (Placement(1, 60 + 42, 60), Placement(1, 60, 60 + 42), Placement(2, 60, 60), Placement(-1, 60, 60)):
        assert list(signatures(sealed(first, placement=placement))) == ["Seal1", "Seal2"]
    assert list(signatures(sealed(first, picture=None))) == ["Seal1", "Seal2"]
    # Widgets that are not on the page, or have no rectangle, cover nothing.
    odd = _signed(perms=False).replace(b"/Rect[0 0 0 0]", b"/Rect[0 0 0 a]", 1)
    assert sealed(odd).startswith(odd)
