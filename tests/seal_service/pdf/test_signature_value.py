"""Signature values of every kind: old ones are named and never valid, wrong ones are invalid; encrypted documents; validation data."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from crypto.cms import prepare_signed_data
from crypto.report import Verdict
from crypto.sm3 import sm3
from seal_service.pdf.seal import prepare_seal
from seal_service.pdf.signature_value import read_date
from seal_service.pdf.syntax import PdfString
from standards import gbt33560_oids as oids
from standards import x690_der as der
from tests.seal_service.pdf.documents import build, page_objects, reportlab_document
from tests.seal_service.pdf.pyhanko_signing import _signer, judge
from tests.seal_service.pdf.sealing import AT, pki
from tests.seal_service.pdf.tampering import append, byte_range, changed, failures, sealed_form, top, undecided, verify


def with_sha1_content(*, right: bool) -> bytes:
    """adbe.pkcs7.sha1: the CMS holds the SHA-1 digest of the ranges."""
    demo = pki()
    prepared = prepare_seal(
        reportlab_document(), placement=None, picture=None, reserved_bytes=8_192, signed_at=AT, subfilter="adbe.pkcs7.sha1"
    )
    dummy = prepared.finish(b"\x30\x00")
    _, first, second, rest = byte_range(dummy)
    content = hashlib.sha1(dummy[:first] + dummy[second : second + rest] + (b"" if right else b"x"), usedforsecurity=False).digest()
    unsigned = prepare_signed_data(
        content_digest=sm3(content), digest_oid=oids.SM3, signer_certificate=demo.seal, chain=demo.chain, encapsulated=content
    )
    return prepared.finish(unsigned.finish(demo.seal_signer.sign(unsigned.to_be_signed), algorithm=demo.seal_signer.algorithm))


def test_a_sha1_content_is_never_better_than_undecided() -> None:
    report = verify(with_sha1_content(right=True))
    assert failures(report) == set()
    assert undecided(report) == {"PDF_SUBFILTER_OLD"}
    assert report.signatures[0].kind == "pdf-pkcs7-sha1"
    assert report.signatures[0].cryptographically_valid is True
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    wrong = verify(with_sha1_content(right=False))
    assert failures(wrong) == {"CMS_DIGEST_MISMATCH"}
    assert (wrong.verdict, wrong.tampered) == (Verdict.INVALID, True)


def bare_rsa(*, right: bool = True, certificate: bytes | None = None, listed: bool = False) -> bytes:
    """adbe.x509.rsa_sha1: a bare RSA value, the certificate beside it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old signer")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(AT - timedelta(days=1)).not_valid_after(AT + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    encoded = made.public_bytes(serialization.Encoding.DER) if certificate is None else certificate
    entry = b"<" + encoded.hex().encode() + b">"
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {
        5: b"<</T(old)/FT/Sig/V 6 0 R>>",
        6: b"<</Type/Sig/SubFilter/adbe.x509.rsa_sha1/M(D:20261120)/Cert%s/ByteRange[0 1111111 2222222 3333333]/Contents<%s>>>"
        % (b"[" + entry + b"]" if listed else entry, b"0" * 600),
    }
    data = build(objects)
    gap = data.index(b"<" + b"0" * 600)
    for old, new in ((b"1111111", gap), (b"2222222", gap + 602), (b"3333333", len(data) - gap - 602)):
        data = data.replace(old, b"%07d" % new)
    value = key.sign(data[:gap] + data[gap + 602 :] + (b"" if right else b"x"), padding.PKCS1v15(), hashes.SHA1())
    return data[: gap + 1] + der.octet_string(value).hex().encode().ljust(600, b"0") + data[gap + 601 :]


@pytest.mark.filterwarnings("ignore")
def test_a_bare_rsa_value_is_never_better_than_undecided() -> None:
    for listed in (False, True):
        report = verify(bare_rsa(listed=listed))
        assert failures(report) == set()
        assert undecided(report) >= {"PDF_SUBFILTER_OLD"}
        assert report.signatures[0].cryptographically_valid is True
        assert report.signatures[0].signer == "CN=old signer"
        assert report.verdict is Verdict.INDETERMINATE
    assert failures(verify(bare_rsa(right=False))) == {"SIG_VALUE_BAD"}
    assert verify(bare_rsa(right=False)).tampered is True
    assert failures(verify(bare_rsa(certificate=b"\x30\x00"))) == {"PDF_CONTENTS_UNREADABLE"}
    other = verify(bare_rsa(certificate=pki().seal.der))
    assert other.verdict is not Verdict.VALID
    assert other.signatures[0].cryptographically_valid is not True


@pytest.mark.parametrize("password", ["", "secret"])
def test_an_encrypted_document_is_undecided_and_says_so(password: str) -> None:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(reportlab_document())) as pdf:
        pdf.save(buffer, encryption=pikepdf.Encryption(owner="o", user=password, R=6), object_stream_mode=pikepdf.ObjectStreamMode.disable)
    unsigned = verify(buffer.getvalue())
    assert undecided(unsigned) == {"PDF_NOT_SIGNED", "PDF_ENCRYPTED"}
    writer = IncrementalPdfFileWriter(io.BytesIO(buffer.getvalue()))
    writer.encrypt(user_pwd=password)
    meta = signers.PdfSignatureMetadata(field_name="A", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES)
    data = bytes(signers.sign_pdf(writer, meta, _signer("alice"), bytes_reserved=16_384).getbuffer())
    report = judge(data)
    assert undecided(report) == {"PDF_ENCRYPTED"}
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, False)
    assert report.signatures[0].cryptographically_valid is True
    assert report.signatures[0].document_intact is True


def test_encryption_must_not_appear_afterwards() -> None:
    report = verify(append(sealed_form(), {}, trailer=b"/Encrypt<</Filter/Standard>>"))
    assert "PDF_CATALOG_CHANGED" in failures(report)
    assert report.tampered is True


def _with_store(**objects: bytes) -> bytes:
    data = sealed_form()
    number = top(data)
    store = b"<</Certs %d 0 R/CRLs[%d 0 R 7]/OCSPs 8>>" % (number + 1, number + 2)
    added = {number: store, number + 1: objects["certs"], number + 2: objects["crl"]}
    return append(data, {**changed(data, 1, (b"<<", b"<</DSS %d 0 R" % number)), **added})


def test_validation_data_helps_where_the_trust_list_lacks_it() -> None:
    from crypto.trust_list import Anchor, TrustList
    from seal_service.pdf.verify import verify_pdf

    demo = pki()
    bare = TrustList(anchors=(Anchor(demo.root.certificate),))
    assert "CERT_REVOCATION_UNKNOWN" in undecided(verify_pdf(sealed_form(), bare, AT))
    data = sealed_form()
    number = top(data)
    streams = [*demo.crls(), demo.issuing.certificate.der]
    objects = {number + 1 + index: b"<</Length %d>>stream\n%s\nendstream" % (len(each), each) for index, each in enumerate(streams)}
    objects[number] = b"<</CRLs[%d 0 R %d 0 R]/Certs[%d 0 R]>>" % (number + 1, number + 2, number + 3)
    report = verify_pdf(append(data, {**objects, **changed(data, 1, (b"<<", b"<</DSS %d 0 R" % number))}), bare, AT)
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)


@pytest.mark.parametrize(
    ("certs", "crl"),
    [
        (b"[7 0 R]", b"<</Length 1>>stream\nx\nendstream"),
        (b"7", b"<</Length 1/Filter/DCTDecode>>stream\nx\nendstream"),
        (b"[6 0 R]", b"<<>>stream\nx"),
        (b"<<", b"<<>>"),
    ],
)
def test_validation_data_that_cannot_be_read_does_no_harm(certs: bytes, crl: bytes) -> None:
    report = verify(_with_store(certs=certs, crl=crl))
    assert report.signatures[0].cryptographically_valid is True
    assert report.tampered in {False, True}  # an unreadable new object counts as a change, nothing is raised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"D:20261120083015+08'00'", datetime(2026, 11, 20, 0, 30, 15, tzinfo=UTC)),
        (b"D:20261120083015-03'30", datetime(2026, 11, 20, 12, 0, 15, tzinfo=UTC)),
        (b"D:20261120083015Z", datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC)),
        (b"D:20261120083015Z00'00'", datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC)),
        (b"D:2026", datetime(2026, 1, 1, tzinfo=UTC)),
        (b"D:20261399", None),
        (b"D:20261120083015+99'00'", None),
        (b"yesterday", None),
    ],
)
def test_dates_of_signatures(text: bytes, expected: datetime | None) -> None:
    assert read_date(PdfString(text)) == expected
    assert read_date(None) is None


@pytest.mark.parametrize(("key", "number"), [(b"/DSS", 1), (b"/Perms", 1), (b"/Names", 1), (b"/OpenAction", 1)])
def test_a_damaged_entry_of_the_catalog_spoils_no_signature(key: bytes, number: int) -> None:
    data = sealed_form()
    broken = top(data)
    report = verify(append(data, {**changed(data, number, (b"<<", b"<<" + key + b" %d 0 R" % broken)), broken: b"<<"}))
    assert report.signatures[0].cryptographically_valid is True
    assert report.verdict is not Verdict.VALID


@pytest.mark.parametrize("byte_range", [b"[0 10 20 10]", b"[0 7 0 R 20 10]", b" 7 0 R"])
def test_damaged_entries_spoil_only_their_signature(byte_range: bytes) -> None:
    value = b"<</Type/Sig/SubFilter 7 0 R/ByteRange%s/Contents<00>/Reference 7 0 R/M 7 0 R>>" % byte_range
    objects = page_objects(root=b"/AcroForm<</Fields[5 0 R]>>") | {5: b"<</T(a)/FT/Sig/V 6 0 R>>", 6: value, 7: b"<<"}
    report = verify(build(objects))
    assert report.signatures[0].kind == "pdf-unknown"
    assert undecided(report) >= {"PDF_VALUE_NOT_CHECKED", "PDF_PERMISSIONS_UNREADABLE"}
    assert report.verdict is Verdict.INVALID
