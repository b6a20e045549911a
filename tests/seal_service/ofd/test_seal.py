"""Sealing OFD documents: what our verifier, and a ZIP reader by others, find in the result; what is kept; what is refused."""

from __future__ import annotations

import io
import zipfile

import pytest

from crypto.report import Verdict
from seal_service.places import Place
from standards.errors import Kind, TrustError
from standards.gbt33190_ofd.signatures import SignatureDescription, read_signature, read_signatures
from standards.gbt33190_ofd.xml_parts import read_xml
from tests.seal_service.ofd.documents import (
    LIST,
    SEAL,
    SIGNATURE,
    VALUE,
    Signing,
    codes,
    sign,
    verify,
)
from tests.seal_service.ofd.sealing import files_of, list_entries, plain, seal, seal_v5_der, sign_without_seal
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import body, entry, part, plain_files

SEALING = "GB/T 33190-2016 18"
SECOND = SIGNATURE.replace("Sign_0", "Sign_1")
BOTTOM_RIGHT = Place(1, 160.0, 60.0)


def described(document: bytes, path: str = SIGNATURE) -> SignatureDescription:
    return read_signature(read_xml(files_of(document)[path]))


def is_valid(document: bytes, signatures: int = 1) -> bool:
    report = verify(document)
    return (
        report.verdict is Verdict.VALID
        and report.tampered is False
        and len(report.signatures) == signatures
        and not codes(report, "warn") - {"SEAL_STATUS_NOT_ASKED"}
    )


@pytest.mark.clause(SEALING, "GB/T 38540-2020 sealing")
@pytest.mark.parametrize("signatures", [None, "/Doc_0/Signs/Signatures.xml", "Doc_0/Signs/Signatures.xml"])
def test_a_sealed_document_is_valid_and_all_of_it_is_protected(signatures: str | None) -> None:
    sealed = seal(pack(plain_files(signatures=signatures)), places=[BOTTOM_RIGHT])
    assert is_valid(sealed)
    listed = {reference.location.lstrip("/") for reference in described(sealed).references}
    assert listed == set(files_of(sealed)) - {LIST, SIGNATURE, VALUE}
    assert described(sealed).check_method == "1.2.156.10197.1.401"


@pytest.mark.clause("GM/T 0031-2025 sealing")
def test_a_seal_of_version_5_seals_with_time_stamps() -> None:
    assert is_valid(seal(seal_der=seal_v5_der(), places=[BOTTOM_RIGHT]))


@pytest.mark.clause("GM/T 0099-2020 7.2")
def test_a_signature_without_a_seal_is_valid() -> None:
    signed = sign_without_seal()
    assert is_valid(signed)
    assert verify(signed).signatures[0].kind == "ofd-sign"
    assert SEAL not in files_of(signed)
    assert is_valid(seal(signed), 2)


@pytest.mark.clause("GM/T 0099-2020 7.4")
def test_a_list_of_files_shows_what_is_smuggled_in_later() -> None:
    listed = list_entries(seal())
    assert is_valid(listed, 2)
    smuggled = verify({**files_of(listed), "Doc_0/evil.xml": b"<x/>"})
    assert (smuggled.verdict, smuggled.tampered) == (Verdict.INVALID, True)
    assert "OFD_INTEGRITY_UNLISTED" in codes(smuggled, "fail")
    with pytest.raises(TrustError, match="OFD_ENTRIES_PRESENT"):
        list_entries(listed)


def test_files_keep_their_packed_bytes_and_their_order() -> None:
    original = plain()
    sealed = seal(original, places=[BOTTOM_RIGHT])
    with zipfile.ZipFile(io.BytesIO(original)) as before, zipfile.ZipFile(io.BytesIO(sealed)) as after:
        assert after.testzip() is None
        kept = [name for name in before.namelist() if name != "OFD.xml"]
        assert after.namelist() == [*kept, LIST, "OFD.xml", SEAL, SIGNATURE, VALUE]
        for name in kept:
            one, other = before.getinfo(name), after.getinfo(name)
            assert before.read(name) == after.read(name)
            assert (one.CRC, one.compress_size, one.date_time, one.extra, one.external_attr) == (
                other.CRC,
                other.compress_size,
                other.date_time,
                other.extra,
                other.external_attr,
            )
    assert original[: original.index(b"PK\1\2")].count(b"PK\3\4") + 4 == sealed[: sealed.index(b"PK\1\2")].count(b"PK\3\4")


@pytest.mark.clause("GB/T 33190-2016 18.1")
def test_several_seals_stand_one_behind_the_other() -> None:
    document = plain()
    for number in range(1, 5):
        before = files_of(document)
        document = seal(document, places=[Place(1, 40.0 * number, 60.0, 30.0)])
        assert is_valid(document, number)
        after = files_of(document)
        assert all(after[name] == before[name] for name in before if name not in {LIST, "OFD.xml"})
        assert number == 1 or after["OFD.xml"] == before["OFD.xml"]
    listed = read_signatures(read_xml(files_of(document)[LIST]))
    assert [each.identifier for each in listed] == ["s001", "s002", "s003", "s004"]
    assert [each.kind for each in listed] == ["Seal"] * 4


@pytest.mark.clause("GB/T 33190-2016 18.1")
def test_who_locks_is_the_last_to_seal() -> None:
    locked = seal(seal(), is_locking=True)
    assert is_valid(locked, 2)
    assert "OFD_DOCUMENT_LOCKED" in codes(verify(locked), "pass")
    with pytest.raises(TrustError) as refused:
        seal(locked)
    assert (refused.value.kind, refused.value.code, refused.value.facts["by"]) == (Kind.CONFLICT, "OFD_LOCKED", SECOND)


def test_a_lock_by_another_writer_is_respected() -> None:
    with pytest.raises(TrustError, match="OFD_LOCKED"):
        seal(pack(sign(plain_files(), Signing(lock=True))))


def test_an_entry_that_a_signature_protects_is_not_changed() -> None:
    """The second document of a file has no list yet, but a signature of the first protects ``OFD.xml``: the list of the first is used."""
    files = plain_files()
    files["OFD.xml"] = entry(body(signatures="/Doc_0/Signs/Signatures.xml") + body("Doc_1/Document.xml"))
    files["Doc_1/Document.xml"] = part("Document")
    once = pack(sign(files))
    twice = seal(once)
    assert files_of(twice)["OFD.xml"] == files_of(once)["OFD.xml"]
    assert verify(twice).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("signing", "second"),
    [
        (Signing(leave_out=("OFD.xml",)), "s002"),
        (Signing(value_name="SignValue.dat"), "s002"),
        (Signing(kind=None), "s002"),
        (Signing(with_seal_file=False), "s002"),
        (Signing(index=7), "s008"),
    ],
)
def test_a_document_sealed_by_another_writer_is_sealed_again(signing: Signing, second: str) -> None:
    once = pack(sign(plain_files(), signing))
    before = verify(once).signatures[0]
    sealed = seal(once)
    report = verify(sealed)
    assert [signature.verdict for signature in report.signatures] == [before.verdict, Verdict.VALID]
    assert read_signatures(read_xml(files_of(sealed)[LIST]))[1].identifier == second
    assert report.signatures[1].name == f"Doc_0/Signs/Sign_{signing.index + 1}/Signature.xml"


@pytest.mark.parametrize(
    ("edit", "identifier", "counter"),
    [
        (lambda text: text.replace("<o:MaxSignId>1</o:MaxSignId>", ""), "s001", None),
        (lambda text: text.replace('ID="s000"', 'ID="3"').replace(">1<", ">s017<"), "18", "s018"),
        (lambda text: text.replace('ID="s000"', 'ID="Sig-0041"'), "Sig-0042", "42"),
        (lambda text: text.replace('ID="s000"', 'ID="甲"').replace(">1<", "><"), "s001", "1"),
        (lambda text: text.replace('BaseLoc="/Doc_0/Signs/', 'BaseLoc="'), "s002", "2"),
    ],
)
def test_a_list_goes_on_as_it_was_begun(edit: object, identifier: str, counter: str | None) -> None:
    files = sign(plain_files())
    files[LIST] = edit(files[LIST].decode()).encode()  # type: ignore[operator]
    sealed = seal(pack(files))
    root = read_xml(files_of(sealed)[LIST])
    assert root.children("Signature")[1].get("ID") == identifier
    found = root.child("MaxSignId")
    assert (None if found is None else found.text) == counter
    assert [signature.verdict for signature in verify(sealed).signatures] == [Verdict.VALID] * 2


@pytest.mark.parametrize(
    ("files", "list_path"),
    [
        ({"OFD.xml": entry(body("/Document.xml")), "Document.xml": part("Document")}, "Signs/Signatures.xml"),
        ({"ofd.xml": entry(body("./A/B/Root.xml")), "A/B/Root.xml": part("Document")}, "A/B/Signs/Signatures.xml"),
        (
            {"OFD.xml": entry(body("D/R.xml")), "D/R.xml": part("Document"), "D/signs/signatures.XML": b"stray"},
            "D/Signs_1/Signatures.xml",
        ),
        ({"OFD.xml": entry(body("D/R.xml", signatures="")), "D/R.xml": part("Document")}, "D/Signs/Signatures.xml"),
        ({"OFD.xml": entry(body("D/R.xml", signatures="/Any/L.xml")), "D/R.xml": part("Document")}, "Any/L.xml"),
        ({"OFD.xml": entry(body("文档/根.xml")), "文档/根.xml": part("Document"), "文档/图 1.png": b"x"}, "文档/Signs/Signatures.xml"),
    ],
)
def test_the_files_of_a_signature_stand_where_the_document_wants_them(files: dict[str, bytes], list_path: str) -> None:
    sealed = seal(pack(files))
    assert list_path in files_of(sealed)
    assert verify(sealed).signatures[0].verdict is Verdict.VALID
    assert not codes(verify(sealed), "fail", "not-checked")


def test_a_folder_once_used_is_not_used_again() -> None:
    files = {**plain_files(signatures=None), "Doc_0/signs/SIGN_4/left.over": b"x", "Doc_0/Signs/Sign_x/y": b"y"}
    assert "Doc_0/Signs/Sign_5/Signature.xml" in files_of(seal(pack(files)))
