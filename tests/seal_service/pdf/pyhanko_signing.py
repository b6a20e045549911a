"""Signed files from pyHanko, an implementation that is not ours: certifications, locks, prepared fields, long-term validation data."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from crypto.certificates import Certificate
from crypto.trust_list import Anchor, TrustList
from seal_service.pdf.verify import verify_pdf
from tests.seal_service.pdf.documents import reportlab_document

if TYPE_CHECKING:
    from crypto.report import Report

AT = datetime.now(UTC).replace(microsecond=0)  # pyHanko writes the present time into /M


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: str, key: Any, issuer_key: Any, *, ca: bool = False, usage: Any = None) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("test root"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(AT - timedelta(days=400))
        .not_valid_after(AT + timedelta(days=4000))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


@cache
def _keys() -> dict[str, tuple[x509.Certificate, Any]]:
    root_key = ec.generate_private_key(ec.SECP256R1())
    found: dict[str, tuple[x509.Certificate, Any]] = {"root": (_certificate("test root", root_key, root_key, ca=True), root_key)}
    for name in ("alice", "bob"):
        key = ec.generate_private_key(ec.SECP256R1())
        found[name] = (_certificate(name, key, root_key), key)
    stamp_key = rsa.generate_private_key(65537, 2048)
    found["stamp"] = (_certificate("stamp", stamp_key, root_key, usage=ExtendedKeyUsageOID.TIME_STAMPING), stamp_key)
    return found


def _certificate_of(name: str) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(_keys()[name][0].public_bytes(serialization.Encoding.DER))


def _private_key(name: str) -> asn1_keys.PrivateKeyInfo:
    return asn1_keys.PrivateKeyInfo.load(
        _keys()[name][1].private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def trust() -> TrustList:
    """Trusts the root of these signers, which publishes no revocation data."""
    root = Certificate.from_der(_keys()["root"][0].public_bytes(serialization.Encoding.DER))
    return TrustList(anchors=(Anchor(root, revocation="not-published"),))


def judge(data: bytes) -> Report:
    return verify_pdf(data, trust(), AT + timedelta(hours=1))


def _signer(name: str) -> signers.SimpleSigner:
    store = SimpleCertificateStore.from_certs([_certificate_of("root")])
    return signers.SimpleSigner(signing_cert=_certificate_of(name), signing_key=_private_key(name), cert_registry=store)


def stamper() -> DummyTimeStamper:
    return DummyTimeStamper(tsa_cert=_certificate_of("stamp"), tsa_key=_private_key("stamp"), fixed_dt=AT)


class _Unruly(signers.PdfSigner):
    """Signs although a certification or lock forbids it."""

    def _enforce_certification_constraints(self, reader: Any) -> None:
        pass


def sign(
    data: bytes,
    field: str = "Sig1",
    by: str = "alice",
    *,
    box: tuple[int, int, int, int] | None = None,
    stamp: bool = False,
    force: bool = False,
    **options: Any,
) -> bytes:
    """One more signature; ``force``: against what earlier ones forbid. ``options``: of pyHanko's ``PdfSignatureMetadata`` (certify, docmdp_permissions, subfilter, ...)."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    spec = (
        fields.SigFieldSpec(field, box=box, on_page=0) if field not in {name for name, *_ in fields.enumerate_sig_fields(writer)} else None
    )
    options.setdefault("subfilter", fields.SigSeedSubFilter.PADES)
    meta = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256", **options)
    pdf_signer = (_Unruly if force else signers.PdfSigner)(meta, _signer(by), new_field_spec=spec, timestamper=stamper() if stamp else None)
    return bytes(pdf_signer.sign_pdf(writer, bytes_reserved=16_384).getbuffer())


def sign_with(writer: IncrementalPdfFileWriter, field: str) -> bytes:
    """An invisible signature in the revision that ``writer`` has begun."""
    meta = signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES)
    signer = signers.PdfSigner(meta, _signer("alice"), new_field_spec=fields.SigFieldSpec(field))
    return bytes(signer.sign_pdf(writer, bytes_reserved=16_384).getbuffer())


def prepare(data: bytes, *specs: fields.SigFieldSpec) -> bytes:
    """Empty signature fields in a further revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    for spec in specs:
        fields.append_signature_field(writer, spec)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def add_timestamp(data: bytes) -> bytes:
    """A document time-stamp in a further revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    done = signers.PdfTimeStamper(stamper()).timestamp_pdf(writer, "sha256")
    return bytes(done.getbuffer())


def original() -> bytes:
    return reportlab_document()
