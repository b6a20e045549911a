"""Sealing documents of many writers: the bytes, the structure, what other readers make of it."""

from __future__ import annotations

import io
import subprocess
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pikepdf
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.signatures import SignatureAlgorithm
from crypto.sm3 import sm3
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import PreparedSeal, prepare_seal, seal_pdf, write_text
from seal_service.render import count_pages, draw_page
from standards import gbt33560_oids as oids
from standards.errors import Kind, TrustError
from tests.optional import need_program
from tests.pki import DemoPki
from tests.seal_service.pdf.documents import DOCUMENTS, build, page_objects, qpdf_document, reportlab_document
from tests.seal_service.pdf.sealing import AT, DUMMY_CMS, is_digest_right, picture, pki, sealed, signatures, stamp

if TYPE_CHECKING:
    from pathlib import Path


def _prepared(original: bytes, **options: object) -> PreparedSeal:
    given = {"placement": Placement(1, 60, 40), "picture": picture(), "reserved_bytes": 2000, "signed_at": AT} | options
    return prepare_seal(original, **given)  # type: ignore[arg-type]


@pytest.mark.clause("ISO 32000-1 7.5.6", "ISO 32000-1 12.8.1", "EN 319 142-1 6.3")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_sealed_document_begins_with_the_original_and_others_read_it(name: str, tmp_path: Path) -> None:
    original = DOCUMENTS[name]
    result = sealed(original, reason="同意盖章", location="Hulunbuir", contact="0470-0000000")
    assert result.startswith(original)

    path = tmp_path / "sealed.pdf"
    path.write_bytes(result)
    checked = subprocess.run([need_program("qpdf"), "--check", str(path)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")

    (field_name, signature), *others = signatures(result).items()
    assert (field_name, others) == ("Seal1", [])
    assert signature["/Filter"] == "/Adobe.PPKLite"
    assert signature["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature["/M"] == "D:20261120083015+00'00'"
    assert (signature["/Name"], signature["/Reason"]) == (pki().seal.common_name, "同意盖章")
    assert (signature["/Location"], signature["/ContactInfo"]) == ("Hulunbuir", "0470-0000000")
    assert is_digest_right(result, signature)
    start, first, second, rest = signature["/ByteRange"]
    assert (start, second + rest) == (0, len(result))
    assert len(original) < first

    with pikepdf.open(io.BytesIO(result)) as pdf:
        form = pdf.Root.AcroForm
        assert int(form.SigFlags) == 3
        (widget,) = pdf.pages[0].obj.Annots
        assert widget.objgen == form.Fields[0].objgen
        assert (int(widget.F), str(widget.FT), str(widget.Subtype)) == (132, "/Sig", "/Widget")
        assert widget.P.objgen == pdf.pages[0].objgen
        assert "/N" in widget.AP
        before = pikepdf.open(io.BytesIO(original))
        assert len(pdf.pages) == len(before.pages)
        if "/ID" in before.trailer:
            assert bytes(pdf.trailer.ID[0]) == bytes(before.trailer.ID[0])
            assert bytes(pdf.trailer.ID[1]) != bytes(before.trailer.ID[1])
        before.close()
    assert count_pages(result) == count_pages(original)
    assert draw_page(result) != draw_page(original)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_new_section_has_the_kind_of_the_last_one(name: str) -> None:
    original = DOCUMENTS[name]
    before, after = PdfDocument.open(original), PdfDocument.open(sealed(original))
    expected = {"table": "table", "hybrid": "table", "stream": "stream"}
    assert not after.recovered
    assert after.sections[0].kind == expected[before.sections[0].kind]
    assert len(after.sections) == len(before.sections) + 1
    assert after.trailer["Prev"] == before.last_startxref
    assert after.trailer["Root"] == before.trailer["Root"]
    assert after.trailer.get("Info") == before.trailer.get("Info")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_three_seals_each_name_and_range_their_own(name: str, tmp_path: Path) -> None:
    result = DOCUMENTS[name]
    for number in range(3):
        result = sealed(result, placement=Placement(1, 40 + 45 * number, 40))
    found = signatures(result)
    assert list(found) == ["Seal1", "Seal2", "Seal3"]
    ends = [sum(signature["/ByteRange"][2:]) for signature in found.values()]
    assert ends == sorted(set(ends))
    assert ends[-1] == len(result)
    for signature, end in zip(found.values(), ends, strict=True):
        assert is_digest_right(result[:end], signature)
    path = tmp_path / "sealed.pdf"
    path.write_bytes(result)
    checked = subprocess.run([need_program("qpdf"), "--check", str(path)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_five_hundred_pages() -> None:
    original = qpdf_document(500, object_streams=True)
    result = sealed(original, placement=Placement(-1, 60, 40))
    reader = pypdf.PdfReader(io.BytesIO(result))
    assert len(reader.pages) == 500
    assert "/Annots" in reader.pages[499]
    assert "/Annots" not in reader.pages[498]


@pytest.mark.parametrize("end", [b"%%EOF", b"%%EOF\n", b"%%EOF\r", b"%%EOF\r\n"])
def test_a_missing_last_line_end_is_added_behind_the_original(end: bytes) -> None:
    original = build(page_objects(), end=end)
    result = sealed(original)
    assert result.startswith(original)
    assert result[len(original) : len(original) + 1] == (b"\n" if end == b"%%EOF" else b"5")
    assert is_digest_right(result, signatures(result)["Seal1"])


def test_invisible_without_picture_or_placement() -> None:
    for options in ({"picture": None}, {"placement": None}, {"picture": None, "placement": None}):
        result = sealed(reportlab_document(), **options)
        with pikepdf.open(io.BytesIO(result)) as pdf:
            (widget,) = pdf.pages[0].obj.Annots
            assert [int(number) for number in widget.Rect] == [0, 0, 0, 0]
            assert int(widget.F) == 132
            assert "/AP" not in widget
        assert draw_page(result) == draw_page(reportlab_document())


@pytest.mark.clause("EN 319 142-1 6.3")
def test_baseline_b_carries_no_signing_time_and_t_carries_a_token() -> None:
    """PAdES states the time in /M; the level T token imprints the signature value (oracle: asn1crypto)."""
    from asn1crypto import cms, tsp

    for timestamp in (None, stamp()):
        result = sealed(reportlab_document(), timestamp=timestamp)
        signature = signatures(result)["Seal1"]
        assert is_digest_right(result, signature)
        content = cms.ContentInfo.load(bytes(signature["/Contents"]))["content"]
        (signer,) = content["signer_infos"]
        kinds = {attribute["type"].dotted for attribute in signer["signed_attrs"]}
        assert {"1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"} <= kinds
        assert "1.2.840.113549.1.9.5" not in kinds
        unsigned = {} if timestamp is None else {attribute["type"].dotted: attribute["values"] for attribute in signer["unsigned_attrs"]}
        assert list(unsigned) == ([] if timestamp is None else ["1.2.840.113549.1.9.16.2.14"])
        if timestamp is not None:
            token = cms.ContentInfo.load(unsigned["1.2.840.113549.1.9.16.2.14"][0].dump())
            inner = tsp.TSTInfo.load(token["content"]["encap_content_info"]["content"].contents)
            import hashlib

            imprint = hashlib.new("sm3", signer["signature"].native, usedforsecurity=False).digest()
            assert inner["message_imprint"]["hashed_message"].native == imprint


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.ECDSA_SHA256, SignatureAlgorithm.RSA_SHA256])
def test_other_keys_seal_with_their_own_digest(algorithm: SignatureAlgorithm) -> None:
    demo = DemoPki.create(AT, algorithm, label=f"seal-{algorithm}")
    result = seal_pdf(reportlab_document(), signer=demo.seal_signer, certificate=demo.seal, chain=demo.chain, signed_at=AT)
    assert PdfDocument.open(result).signature_fields()[0].value_dict is not None


# -- two phases ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest_oid", [oids.SM3, oids.SHA256])
def test_the_digest_of_the_whole_is_that_of_its_bytes(digest_oid: str) -> None:
    prepared = _prepared(reportlab_document(), digest_oid=digest_oid)
    whole = prepared.finish(DUMMY_CMS)
    changed = [whole + b"\nmore behind it", b"\0" + whole[1:], whole[:-1], b"", whole.replace(b"/ByteRange", b"/ByteRanje")]
    for each in (whole, *changed):
        assert prepared.sm3_of(each) == sm3(each)


def test_prepared_seal_can_be_finished_elsewhere() -> None:
    prepared = _prepared(reportlab_document())
    again = PreparedSeal.from_bytes(prepared.to_bytes())
    assert (again.digest, again.byte_range, again.reserved_bytes) == (prepared.digest, prepared.byte_range, 2000)
    assert again.finish(DUMMY_CMS) == prepared.finish(DUMMY_CMS)
    assert prepared.digest.hex() in repr(prepared)


@given(st.data())
def test_a_changed_state_is_refused(data: st.DataObject) -> None:
    state = _prepared(reportlab_document()).to_bytes()
    position = data.draw(st.integers(0, len(state) - 1))
    changed = bytearray(state)
    changed[position] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(changed), state[:position]):
        with pytest.raises(TrustError) as refused:
            PreparedSeal.from_bytes(broken)
        assert refused.value.code == "PREPARED_SEAL_DAMAGED"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"\x30\x82\x08\x00" + bytes(2048), "PDF_SIGNATURE_TOO_LONG"),
        (b"", "CMS_MALFORMED"),
        (b"\x31\x00", "CMS_MALFORMED"),
        (b"\x30\x01", "CMS_MALFORMED"),
        (b"\x30\x80\x00\x00", "CMS_MALFORMED"),
        (b"\x30\x00\x00", "CMS_MALFORMED"),
        (b"\x30\x85\x00\x00\x00\x00\x01\x00", "CMS_MALFORMED"),
    ],
)
def test_only_one_fitting_der_sequence_goes_in(value: bytes, code: str) -> None:
    with pytest.raises(TrustError) as refused:
        _prepared(reportlab_document()).finish(value)
    assert refused.value.code == code


def test_a_short_cms_is_padded_with_zeros() -> None:
    prepared = _prepared(reportlab_document())
    result = prepared.finish(b"\x30\x00")
    gap = result[prepared.byte_range[1] : prepared.byte_range[2]]
    assert gap == b"<3000" + b"0" * 3996 + b">"


@pytest.mark.parametrize("reserved", [0, 255, (1 << 20) + 1])
def test_nonsense_reservations_are_refused(reserved: int) -> None:
    with pytest.raises(TrustError) as refused:
        _prepared(reportlab_document(), reserved_bytes=reserved)
    assert refused.value.code == "PDF_RESERVED_BYTES_BAD"


# -- texts and times ---------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("ISO 32000-1 7.9.2.2")
@given(st.text(min_size=1, max_size=60).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_texts_come_back_as_they_went_in(text: str) -> None:
    raw = bytes(write_text("Reason", text))
    if raw.startswith(b"\xfe\xff"):
        assert raw[2:].decode("utf-16-be") == text
    else:
        assert raw.decode("ascii") == text
        assert text.isprintable()


@pytest.mark.parametrize("text", ["同意（盖章）\\ ) (", "plain (with) \\ brackets", "\r\n\ttabs", "þÿ looks like a mark", "𫞩"])
def test_texts_are_read_by_others(text: str) -> None:
    result = sealed(reportlab_document(), reason=text)
    with pikepdf.open(io.BytesIO(result)) as pdf:
        assert str(pdf.Root.AcroForm.Fields[0].V.Reason) == text


def test_too_long_a_text_is_refused() -> None:
    with pytest.raises(TrustError) as refused:
        _prepared(reportlab_document(), reason="x" * 2049)
    assert (refused.value.code, refused.value.facts["field"]) == ("SEAL_TEXT_TOO_LONG", "Reason")


def test_times_are_written_in_utc_and_must_be_aware() -> None:
    beijing = datetime(2026, 11, 20, 16, 30, 15, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert signatures(sealed(reportlab_document(), signed_at=beijing))["Seal1"]["/M"] == "D:20261120083015+00'00'"
    with pytest.raises(ValueError, match="aware"):
        _prepared(reportlab_document(), signed_at=AT.replace(tzinfo=None))


# -- limits and rubbish -------------------------------------------------------------------------------------------------------------


def test_the_input_is_not_changed_and_not_kept_twice() -> None:
    """Assembly is one join: peak memory above the input stays below one and a half copies of it."""
    import tracemalloc

    original = build(page_objects() | {5: b"<</Length 8000000>>stream\n" + bytes(8_000_000) + b"\nendstream"})
    tracemalloc.start()
    try:
        result = sealed(original)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.startswith(original)
    assert peak < 1.5 * len(original)


@given(st.binary(max_size=300))
def test_rubbish_is_refused_with_a_code(data: bytes) -> None:
    with pytest.raises(TrustError):
        _prepared(data)


@given(st.data())
def test_damaged_documents_are_sealed_or_refused_with_a_code(data: st.DataObject) -> None:
    """Bytes changed, cut or doubled anywhere: never another exception, and never a changed original."""
    original = DOCUMENTS[data.draw(st.sampled_from(sorted(DOCUMENTS)))]
    broken = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, max(0, len(broken) - 1)))
        action = data.draw(st.sampled_from(["change", "cut", "double"]))
        if action == "change" and broken:
            broken[position] = data.draw(st.integers(0, 255))
        elif action == "cut":
            del broken[position : position + data.draw(st.integers(1, 40))]
        else:
            broken[position:position] = broken[position : position + data.draw(st.integers(1, 40))]
    try:
        result = _prepared(bytes(broken)).finish(DUMMY_CMS)
    except TrustError as refused:
        assert refused.kind in set(Kind)
        return
    assert result.startswith(bytes(broken))
    assert not PdfDocument.open(result).recovered
