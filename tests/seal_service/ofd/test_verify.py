"""Honest documents: every kind of signature, several of them, and what their reports say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crypto.cms import Dialect
from crypto.report import Verdict
from crypto.report_text import SENTENCES
from crypto.sm3 import sm3
from crypto.trust_list import TrustList
from seal_service.ofd import findings
from seal_service.ofd.verify import is_ofd, verify_ofd
from standards import gbt33560_oids as oids
from tests.seal_service.ofd import signed_forms
from tests.seal_service.ofd.documents import AT, SIGNED_AT, Signing, cms_value, codes, pki, sealed, ses_value, sign, steps_of, verify
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import body, entry, part, plain_files

NAME = "Doc_0/Signs/Sign_0/Signature.xml"


@pytest.mark.clause("GB/T 33190-2016 18")
@pytest.mark.clause("GB/T 38540-2020 sealing verification")
def test_a_sealed_document_is_valid() -> None:
    report = verify(sealed())
    assert report.verdict is Verdict.VALID
    assert report.tampered is False
    (only,) = report.signatures
    assert (only.name, only.kind, only.verdict) == (NAME, "ofd-seal", Verdict.VALID)
    assert (only.cryptographically_valid, only.document_intact, only.trusted) == (True, True, True)
    assert only.signer == pki().seal.subject_text
    assert only.signed_at == SIGNED_AT
    assert codes(report, "warn") == {"SEAL_STATUS_NOT_ASKED", "SIG_TIME_UNPROVEN"}
    assert {"REF_HASH_OK", "SEAL_FILE_OK", "OFD_PROPERTY_OK", "DATA_HASH_OK", "SIG_VALUE_OK", "SEAL_SIG_OK"} <= codes(report, "pass")


def test_without_an_anchor_it_is_undecided() -> None:
    report = verify_ofd(pack(sealed()), TrustList.empty(), AT)
    assert report.verdict is Verdict.INDETERMINATE
    assert report.tampered is False
    assert "CERT_NO_ANCHOR" in codes(report, "not-checked")


def test_a_document_without_signatures_is_undecided() -> None:
    report = verify(plain_files(signatures=None))
    assert (report.verdict, report.tampered, report.signatures) == (Verdict.INDETERMINATE, None, ())
    assert codes(report) == {"OFD_NOT_SIGNED"}
    assert codes(verify({**plain_files(), "Doc_0/Signs/Signatures.xml": part("Signatures")})) == {"OFD_NOT_SIGNED"}


@pytest.mark.clause("GB/T 35275-2017 8")
@pytest.mark.clause("GM/T 0099-2020 7.2")
@pytest.mark.parametrize(
    ("value", "warnings"),
    [
        (signed_forms.form_a, {"CMS_SIGNING_CERTIFICATE_MISSING"}),
        (signed_forms.form_a_older, {"CMS_SIGNING_CERTIFICATE_MISSING", "SIG_RAW_RS"}),
        (signed_forms.form_c, {"CMS_SIGNING_CERTIFICATE_MISSING", "OFD_SIGN_FORM_VARIANT"}),
        (signed_forms.form_attached, {"CMS_SIGNING_CERTIFICATE_MISSING"}),
        (signed_forms.form_detached, {"CMS_SIGNING_CERTIFICATE_MISSING"}),
        (signed_forms.form_detached_digest, {"CMS_SIGNING_CERTIFICATE_MISSING", "OFD_SIGN_FORM_VARIANT"}),
        (
            lambda original, _: signed_forms.indefinite(signed_forms.form_a(original)),
            {"CMS_SIGNING_CERTIFICATE_MISSING", "CMS_ENCODING_NONDER"},
        ),
        (lambda original, _: cms_value(original), set()),
        (lambda original, _: cms_value(original, content=sm3(original)), set()),
        (lambda original, _: cms_value(original, detached_digest=sm3(sm3(original))), {"OFD_SIGN_FORM_VARIANT"}),
        (lambda original, _: cms_value(original, dialect=Dialect.RFC5652), set()),
    ],
    ids=["a", "a-older", "c", "attached", "detached", "detached-digest", "ber", "b", "b-inside", "b-digest", "rfc5652"],
)
def test_type_sign_in_all_its_forms(value: object, warnings: set[str]) -> None:
    report = verify(sealed(kind="Sign", with_seal_file=False, value=value))
    (only,) = report.signatures
    assert (report.verdict, report.tampered, only.kind) == (Verdict.VALID, False, "ofd-sign")
    assert (only.cryptographically_valid, only.document_intact, only.trusted) == (True, True, True)
    assert only.signed_at == SIGNED_AT
    assert codes(report, "warn") == {"SIG_TIME_UNPROVEN", *warnings}


@pytest.mark.parametrize(
    ("kind", "expected"), [(None, Verdict.VALID), ("sign", Verdict.VALID), ("Seal", Verdict.INDETERMINATE), ("X", Verdict.INDETERMINATE)]
)
def test_signed_data_under_other_types(kind: str | None, expected: Verdict) -> None:
    """No type at all is common; a seal that was promised and is none leaves the document undecided."""
    report = verify(sealed(kind=kind, with_seal_file=False, value=signed_forms.form_a))
    assert report.verdict is expected
    assert report.signatures[0].kind == "ofd-sign"
    assert ("OFD_TYPE_DISAGREES" in codes(report)) is (kind is not None)


@pytest.mark.parametrize(
    ("kind", "expected"), [(None, Verdict.VALID), ("seal", Verdict.VALID), ("Sign", Verdict.VALID), ("X", Verdict.INDETERMINATE)]
)
def test_seals_under_other_types(kind: str | None, expected: Verdict) -> None:
    report = verify(sealed(kind=kind))
    assert report.verdict is expected
    assert ("OFD_TYPE_DISAGREES" in codes(report)) is (kind is not None)


def test_a_bare_value_without_certificate_is_undecided() -> None:
    def bare(original: bytes, _: str) -> bytes:
        return pki().seal_signer.sign(original)

    for value in (bare, lambda original, _: bytes(64)):
        report = verify(sealed(kind="Sign", with_seal_file=False, value=value))
        (only,) = report.signatures
        assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
        assert (only.kind, only.cryptographically_valid, only.document_intact, only.trusted) == ("ofd-sign", None, True, None)
        assert codes(report, "not-checked") == {"SIGNER_CERT_ABSENT"}
        assert only.signed_at == SIGNED_AT


def test_several_seals_one_after_the_other() -> None:
    report = verify(
        sign(plain_files(), Signing(), Signing(index=1), Signing(index=2, kind="Sign", with_seal_file=False, value=signed_forms.form_a))
    )
    assert report.verdict is Verdict.VALID
    assert report.tampered is False
    assert [signature.kind for signature in report.signatures] == ["ofd-seal", "ofd-seal", "ofd-sign"]
    assert not codes(report, "fail", "not-checked")


@pytest.mark.clause("GB/T 33190-2016 18.1")
def test_a_locked_document_and_its_breaking() -> None:
    locked = sealed(lock=True)
    report = verify(locked)
    assert report.verdict is Verdict.VALID
    assert "OFD_DOCUMENT_LOCKED" in codes(report, "pass")
    report = verify(sign(plain_files(), Signing(lock=True), Signing(index=1)))
    first, second = report.signatures
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert (first.verdict, first.cryptographically_valid, first.document_intact) == (Verdict.INVALID, True, False)
    assert (second.verdict, second.cryptographically_valid, second.document_intact) == (Verdict.VALID, True, True)
    assert codes(report, "fail") == {"REF_HASH_BAD", "OFD_LOCK_BROKEN"}
    assert {step.facts["path"] for step in steps_of(report, "fail")} == {"/Doc_0/Signs/Signatures.xml", "Doc_0/Signs/Signatures.xml"}


def test_a_second_signature_that_locks_keeps_the_first() -> None:
    assert verify(sign(plain_files(), Signing(), Signing(index=1, lock=True))).verdict is Verdict.VALID


@pytest.mark.parametrize("method", ["SM3", oids.SM3, oids.SM3 + ".2", oids.SHA256, None])
def test_digest_methods_that_prove_something(method: str | None) -> None:
    """Without a method the length of the digests shows that it was SM3."""
    signing = Signing(method=method)
    if method is None:
        signing = Signing(edit=lambda described: described.replace(b' CheckMethod="SM3"', b""))
    report = verify(sign(plain_files(), signing))
    assert report.verdict is Verdict.VALID
    warned = codes(report, "warn") - {"SEAL_STATUS_NOT_ASKED", "SIG_TIME_UNPROVEN"}
    assert warned == {oids.SM3 + ".2": {"REF_DIGEST_ALIAS"}, None: {"REF_DIGEST_UNSTATED"}}.get(method, set())


@pytest.mark.parametrize("method", ["MD5", "SHA1", None])
def test_weak_digests_are_never_valid(method: str | None) -> None:
    """MD5 is what the standard says where nothing is stated."""
    report = verify(sealed(method=method))
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert report.signatures[0].document_intact is None
    assert codes(report, "not-checked") == {"REF_DIGEST_WEAK"}
    changed = {**sealed(method=method), "Doc_0/Res/p.png": b"other"}
    assert verify(changed).verdict is Verdict.INVALID


def test_an_unknown_digest_is_undecided() -> None:
    report = verify(sealed(method="CRC32"))
    assert (report.verdict, report.signatures[0].document_intact) == (Verdict.INDETERMINATE, None)
    assert codes(report, "not-checked") == {"REF_DIGEST_UNKNOWN"}


def test_only_the_entry_outside_is_a_warning() -> None:
    """As several vendors leave it."""
    report = verify(sealed(leave_out=("OFD.xml",)))
    assert report.verdict is Verdict.VALID
    assert [(step.outcome.value, step.facts) for step in steps_of(report) if step.code == "OFD_ENTRY_UNPROTECTED"] == [
        ("warn", {"path": "OFD.xml"})
    ]


def test_other_habits_of_writing_are_tolerated_and_said() -> None:
    signing = Signing(
        value_location="SignedValue.dat",
        edit=lambda described: described.replace(b'FileRef="/OFD.xml"', b'FileRef="OFD.xml"').replace(
            b"Doc_0/Res/p.png", b"Doc_0/RES/p.png"
        ),
    )
    files = sign(plain_files(), signing)
    files["Doc_0/Signs/Signatures.xml"] = part("Signatures", '<o:Signature BaseLoc="Signs/Sign_0/Signature.xml"/>')
    report = verify(files)
    assert report.verdict is Verdict.VALID
    assert {(step.facts["path"], step.facts["reason"]) for step in steps_of(report) if step.code == "OFD_LOCATION_VARIANT"} == {
        (NAME, "folder"),
        ("OFD.xml", "folder"),
        ("Doc_0/Res/p.png", "case"),
    }


@pytest.mark.parametrize("name", ["SignedValue.dat", "SignValue.dat"])
def test_a_value_under_a_usual_name_is_found_beside_its_description(name: str) -> None:
    report = verify(sealed(value_name=name, value_location="/Doc_0/Signs/Sign_0/other.dat"))
    assert report.verdict is Verdict.VALID
    assert "sibling" in {step.facts.get("reason") for step in steps_of(report, "warn")}


def test_statements_that_disagree_are_said() -> None:
    report = verify(sealed(stated_time="2026-11-18 14:00:00", signature_method="1.2.840.113549.1.1.11"))
    assert report.verdict is Verdict.VALID
    assert {"OFD_TIME_DISAGREES", "OFD_METHOD_DISAGREES"} <= codes(report, "warn")
    report = verify(sealed(stated_time="2026-11-20 14:00:00", signature_method=oids.SM2_WITH_SM3_ALIAS))
    assert codes(report, "warn") == {"SEAL_STATUS_NOT_ASKED", "SIG_TIME_UNPROVEN"}
    assert verify(sealed(stated_time="yesterday")).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("stated", "verdict", "code"),
    [
        ('{"range":"all"}', Verdict.VALID, None),
        ("Signature.xml", Verdict.VALID, "OFD_PROPERTY_DISAGREES"),
        ("/doc_0/signs/sign_0/signature.xml", Verdict.VALID, "OFD_PROPERTY_DISAGREES"),
        ("/Doc_0/Signs/Sign_7/Signature.xml", Verdict.INDETERMINATE, "OFD_PROPERTY_DISAGREES"),
        ("../../x.xml", Verdict.INDETERMINATE, "OFD_PROPERTY_DISAGREES"),
    ],
)
def test_what_the_seal_says_it_protects(stated: str, verdict: Verdict, code: str | None) -> None:
    report = verify(sealed(property_info=stated))
    assert report.verdict is verdict
    assert ("OFD_PROPERTY_DISAGREES" in codes(report)) is (code is not None)


@pytest.mark.clause("GB/T 33190-2016 18.2.3")
@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ('PageRef="9" Boundary="0 0 9 9"', "page-missing"),
        ('PageRef="1" Boundary="0 0 9"', "boundary"),
        ('PageRef="1" Boundary="211 0 9 9"', "off-page"),
        ('PageRef="2" Boundary="101 0 9 9"', "off-page"),
        ('PageRef="1" Boundary="0 0 9 9" Clip="x"', "clip"),
        ('PageRef="1" Boundary="0 0 9 9" Clip="9 0 1 1"', "clip-outside"),
        ('PageRef="1" Boundary="0 0 9 9"/><o:StampAnnot ID="1" PageRef="2" Boundary="0 0 9 9"', "same-identifier"),
        ('PageRef="1" Boundary="-3 0 9 9" Clip="3 0 6 9"', None),
        # Beside the page and touching it, on all four sides
        ('PageRef="1" Boundary="210 0 9 9"', "off-page"),
        ('PageRef="1" Boundary="-9 0 9 9"', "off-page"),
        ('PageRef="1" Boundary="0 297 9 9"', "off-page"),
        ('PageRef="1" Boundary="0 -9 9 9"', "off-page"),
        ('PageRef="1" Boundary="209 296 9 9"', None),
        ('PageRef="1" Boundary="50 50 9 9" Clip="0 0 9 9"', None),  # clips count from the corner of their box
        ('PageRef="1" Boundary="50 50 9 9" Clip="50 50 9 9"', "clip-outside"),
        ('PageRef="1" Boundary="0 0 9 9"/><o:StampAnnot ID="1" PageRef="1" Boundary="211 0 9 9"', "off-page"),
    ],
)
def test_places_of_seals(stamp: str, reason: str | None) -> None:
    report = verify(sealed(stamps=f'<o:StampAnnot ID="1" {stamp}/>'))
    assert report.verdict is Verdict.VALID
    assert [step.facts["reason"] for step in steps_of(report) if step.code == "OFD_STAMP_BAD"] == ([reason] if reason else [])


@pytest.mark.parametrize("page", ["1", "2"])
def test_a_seal_on_a_page_whose_identifier_another_one_has_is_said(page: str) -> None:
    """Readers show it on either, or on both."""
    files = plain_files()
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(b'<o:Page ID="2"', f'<o:Page ID="{page}"'.encode())
    report = verify(sign(files, Signing(stamps='<o:StampAnnot ID="1" PageRef="1" Boundary="0 0 9 9"/>')))
    assert report.verdict is Verdict.VALID
    found = [step.facts["reason"] for step in steps_of(report) if step.code == "OFD_STAMP_BAD"]
    assert found == (["page-unclear"] if page == "1" else [])


def test_places_count_from_the_corner_of_the_page_wherever_its_box_begins() -> None:
    files = plain_files()
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(b"<o:PhysicalBox>0 0 210 297<", b"<o:PhysicalBox>50 50 210 297<")
    assert b"50 50 210" in files["Doc_0/Document.xml"]
    assert "OFD_STAMP_BAD" not in codes(verify(sign(files, Signing(stamps='<o:StampAnnot ID="1" PageRef="1" Boundary="0 0 9 9"/>'))))


def test_pages_without_any_box_take_every_place() -> None:
    files = plain_files()
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(b"<o:PhysicalBox>0 0 210 297</o:PhysicalBox>", b"")
    assert "OFD_STAMP_BAD" not in codes(verify(sign(files, Signing(stamps='<o:StampAnnot ID="1" PageRef="1" Boundary="900 0 9 9"/>'))))


def test_a_missing_seal_file_is_said() -> None:
    files = sign(plain_files(), Signing(leave_out=("Doc_0/Signs/Sign_0/Seal.esl",)))
    del files["Doc_0/Signs/Sign_0/Seal.esl"]
    report = verify(files)
    assert report.verdict is Verdict.VALID
    assert "OFD_SEAL_FILE_MISSING" in codes(report, "warn")


def test_two_documents_in_one_file_each_under_its_own_seal() -> None:
    files = two_bodies(signed_second=True)
    report = verify(files)
    assert report.verdict is Verdict.VALID
    assert [signature.name for signature in report.signatures] == [NAME, "Doc_1/Signature.xml"]


def two_bodies(*, signed_second: bool) -> dict[str, bytes]:
    files = plain_files()
    second = body("Doc_1/Document.xml", signatures="/Doc_1/Signatures.xml" if signed_second else None)
    files["OFD.xml"] = entry(body(signatures="/Doc_0/Signs/Signatures.xml") + second)
    files["Doc_1/Document.xml"] = part("Document")
    files = sign(files, Signing(leave_out=("Doc_1/Document.xml",)))
    if signed_second:
        other = sign({name: files[name] for name in ("OFD.xml", "Doc_1/Document.xml")}, Signing(with_seal_file=False, stamps=""))
        described = other[NAME].replace(b"/Doc_0/Signs/Sign_0/SignedValue.dat", b"/Doc_1/SignedValue.dat")
        files["Doc_1/Signature.xml"] = described
        files["Doc_1/SignedValue.dat"] = ses_value(described, "/Doc_1/Signature.xml")
        files["Doc_1/Signatures.xml"] = part("Signatures", '<o:Signature Type="Seal" BaseLoc="Signature.xml"/>')
    return files


def test_a_document_that_nobody_signed_beside_one_that_is() -> None:
    report = verify(two_bodies(signed_second=False))
    assert report.verdict is Verdict.INDETERMINATE
    assert [(step.code, step.facts["path"]) for step in report.steps] == [("UNPROTECTED_REACHABLE", "Doc_1/Document.xml")]
    assert verify(two_bodies(signed_second=False), strict=True).verdict is Verdict.INVALID


def test_older_versions_outside_are_said_only() -> None:
    versions = '<o:Versions><o:Version ID="a" Index="1" Current="true" BaseLoc="v1.xml"/><o:Version ID="b" Index="0" BaseLoc="v0.xml"/></o:Versions>'
    files = plain_files()
    files["OFD.xml"] = entry(body(signatures="/Doc_0/Signs/Signatures.xml", extra=versions))
    files["v0.xml"] = files["v1.xml"] = part("DocVersion")
    report = verify(sign(files, Signing(leave_out=("v0.xml",))))
    assert report.verdict is Verdict.VALID
    assert "OFD_OLDER_VERSION_UNPROTECTED" in codes(report, "warn")
    assert verify(sign(files, Signing(leave_out=("v1.xml",)))).verdict is Verdict.INDETERMINATE


def test_strict_takes_the_texts_by_the_letter() -> None:
    files = sealed(leave_out=("Doc_0/Res/p.png",))
    assert verify(files).verdict is Verdict.INDETERMINATE
    assert verify(files, strict=True).verdict is Verdict.INVALID


def test_a_seal_that_expired_since_keeps_its_documents() -> None:
    later = verify_ofd(pack(sealed()), pki().trust_list(crls=pki().crls(AT + timedelta(days=350))), AT + timedelta(days=360))
    assert "SEAL_EXPIRED_NOW" in codes(later, "warn")
    assert "SEAL_EXPIRED_AT_SIGNING" not in codes(later)


def test_what_is_an_ofd_document_by_its_content() -> None:
    data = pack(plain_files())
    assert is_ofd(data)
    assert is_ofd(pack({"ofd.xml": b""}))
    assert is_ofd(data[:-30])
    assert not is_ofd(pack({"word/document.xml": b""}))
    assert not is_ofd(b"%PDF-1.7")
    assert not is_ofd(b"PK\3\4")


def test_every_code_that_is_made_from_a_table_has_its_sentence() -> None:
    assert set(findings._MAKERS) | {"OFD_PART_MISSING", "OFD_FINDINGS_LEFT_OUT"} <= set(SENTENCES)


def test_reports_stay_short() -> None:
    files = plain_files()
    files |= {f"Doc_0/stray{number}.bin": b"" for number in range(200)}
    unprotected = sign(files, Signing(leave_out=tuple(name for name in files if "stray" in name)))
    report = verify(unprotected)
    assert report.verdict is Verdict.VALID
    left_out = [step for step in report.steps if step.code == "OFD_FINDINGS_LEFT_OUT"]
    assert [(step.outcome.value, step.facts) for step in left_out] == [("warn", {"code": "UNPROTECTED_UNREFERENCED", "count": 150})]
    assert len(report.steps) == 51


def test_digests_are_computed_once_for_all_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document with many seals costs one pass over its files."""
    from standards.gbt33190_ofd.container import Container

    passes: list[str] = []
    plain = Container.chunks

    def counted(self: Container, name: str) -> object:
        passes.append(name)
        return plain(self, name)

    data = pack(sign(plain_files(), *(Signing(index=index) for index in range(4))))
    monkeypatch.setattr(Container, "chunks", counted)
    assert verify(data).verdict is Verdict.VALID
    assert passes.count("Doc_0/Res/p.png") == 1
