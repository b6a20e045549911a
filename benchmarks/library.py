"""Sealing and verifying as a library against pyHanko as its documentation shows it: same file, same keys, same core, one run."""

from __future__ import annotations

import functools
import gc
import io
import logging
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from benchmarks.rounds import compare
from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.report import Verdict
from crypto.signatures import SignatureAlgorithm
from crypto.signer import Signer, software_signer
from crypto.sm3 import sm3
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.verify import verify_pdf
from seal_service.pictures.design import default_design
from seal_service.pictures.draw_seal import draw_seal
from tests.interop import pyhanko_sm2
from tests.pki import DemoPki

logging.getLogger("pyhanko").setLevel(logging.ERROR)  # it warns at each stamp that a text box has no margin

NOW = datetime.now(UTC).replace(microsecond=0)
PLACEMENT = Placement(page=1, x_mm=150, y_mm=60, width_mm=42, height_mm=42)


def _asn1(certificate: Any) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.der)


class Bench:
    """One key type with everything both sides need. Both sign with the same key in the same native library."""

    def __init__(self, algorithm: SignatureAlgorithm) -> None:
        self.algorithm = algorithm
        self.pki = DemoPki.create(NOW, algorithm, label=f"bench-{algorithm.value}")
        self.picture = draw_seal(default_design("印信性能测试专用章（样例）", "", "15070000000001", "1"))
        self.trust = self.pki.trust_list()
        self.crls = self.pki.crls()
        self.their_signer: signers.Signer
        if algorithm is SignatureAlgorithm.ECDSA_SHA256:
            key = ec.generate_private_key(ec.SECP256R1())
            self.signer: Signer = software_signer(key, "bench-seal", algorithm=algorithm)
            request = SubjectRequest(self.pki.seal.subject_der, self.signer.public_spki_der)
            self.certificate = self.pki.issuing.issue(
                request, Profile.SEAL_SIGNING, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=365)
            )
            pkcs8 = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            store: Any = SimpleCertificateStore()
            store.register_multiple([_asn1(c) for c in self.pki.chain])
            self.their_signer = signers.SimpleSigner(
                signing_cert=_asn1(self.certificate), signing_key=asn1_keys.PrivateKeyInfo.load(pkcs8), cert_registry=store
            )
            self.md = "sha256"
        else:
            self.signer, self.certificate = self.pki.seal_signer, self.pki.seal
            self.their_signer = pyhanko_sm2.SM2Signer(self.signer, self.certificate, self.pki.chain)
            self.md = "sm3"

    def seal(self, document: bytes) -> bytes:
        return seal_pdf(
            document,
            signer=self.signer,
            certificate=self.certificate,
            chain=self.pki.chain,
            placement=PLACEMENT,
            picture=self.picture,
            signed_at=NOW,
        )

    def seal_with_pyhanko(self, document: bytes) -> bytes:
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        fields.append_signature_field(writer, fields.SigFieldSpec("Seal1", on_page=0, box=(365, 110, 485, 230)))
        metadata = signers.PdfSignatureMetadata(field_name="Seal1", md_algorithm=self.md, subfilter=fields.SigSeedSubFilter.PADES)
        signer = signers.PdfSigner(metadata, signer=self.their_signer, stamp_style=TextStampStyle(stamp_text="Sealed\n%(ts)s"))
        result: bytes = signer.sign_pdf(writer).getvalue()
        return result

    def verify(self, sealed: bytes) -> None:
        report = verify_pdf(sealed, self.trust, datetime.now(UTC))
        if report.verdict is not Verdict.VALID:
            raise SystemExit(f"our own file is {report.verdict}: {[s for g in report.signatures for s in g.steps if s.outcome != 'pass']}")

    def verify_with_pyhanko(self, sealed: bytes) -> None:
        context = pyhanko_sm2.validation_context(
            [self.pki.root.certificate], self.crls, at=datetime.now(UTC), intermediates=[self.pki.issuing.certificate], independent=False
        )
        status = validate_pdf_signature(PdfFileReader(io.BytesIO(sealed)).embedded_signatures[0], context)
        if not (status.intact and status.valid and status.trusted):
            raise SystemExit(f"pyHanko does not trust our file: {status.summary()}")


def one_page_document() -> bytes:
    """A plain one-page document, a few kilobytes."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    for line in range(30):
        canvas.drawString(72, 770 - 20 * line, f"Line {line + 1} of a document without meaning, made for measuring.")
    canvas.save()
    return out.getvalue()


def large_document(megabytes: int = 20, pages: int = 200) -> bytes:
    """A document of many pages whose bulk is incompressible data in page streams."""
    import random

    from reportlab.pdfgen.canvas import Canvas

    out, filling = io.BytesIO(), random.Random(20)
    canvas = Canvas(out, pagesize=(595, 842), invariant=1, pageCompression=0)
    each = megabytes * 1_000_000 // pages
    for page in range(pages):
        canvas.drawString(72, 770, f"Page {page + 1}")
        canvas._code.append("% " + filling.randbytes(each // 2).hex())
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def forget_everything() -> None:
    """Empty every cache of the product, so that the next verification meets its certificates for the first time."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and found.__module__.split(".")[0] in {"crypto", "standards", "seal_service"}:
            found.cache_clear()


def against_pyhanko() -> dict[str, Any]:
    """Seal a visible one-page PDF, and verify it with chain and revocation lists, for both key types.

    ``verify`` is a server's or a batch's case: certificates and lists seen before. ``verify_first_ms`` is with every cache empty.
    """
    document = one_page_document()
    return {
        algorithm.value: _against_pyhanko(algorithm, document)
        for algorithm in (SignatureAlgorithm.SM2_SM3, SignatureAlgorithm.ECDSA_SHA256)
    }


def _against_pyhanko(algorithm: SignatureAlgorithm, document: bytes) -> dict[str, Any]:
    bench = Bench(algorithm)
    sealed = bench.seal(document)
    bench.verify_with_pyhanko(sealed)
    bench.verify(bench.seal_with_pyhanko(document))
    first = []
    for _ in range(7):
        forget_everything()
        begin = time.process_time()
        bench.verify(sealed)
        first.append((time.process_time() - begin) * 1000)
    return {
        "document_bytes": len(document),
        "seal": compare(lambda: bench.seal(document), lambda: bench.seal_with_pyhanko(document)),
        "verify": compare(lambda: bench.verify(sealed), lambda: bench.verify_with_pyhanko(sealed)),
        "verify_first_ms": round(statistics.median(first), 3),
    }


def large_against_hashing(rounds: int = 7) -> dict[str, float]:
    """Sealing and verifying 20 MB against hashing the same bytes once with SM3; wall time of one pinned thread, alternating."""
    document, bench = large_document(), Bench(SignatureAlgorithm.SM2_SM3)
    sealed = bench.seal(document)
    hashing: list[float] = []
    sealing: list[float] = []
    verifying: list[float] = []
    for _ in range(rounds):
        for job, times in (
            (lambda: sm3(document), hashing),
            (lambda: bench.seal(document), sealing),
            (lambda: bench.verify(sealed), verifying),
        ):
            begin = time.process_time()
            job()
            times.append((time.process_time() - begin) * 1000)
    hash_ms, seal_ms, verify_ms = (statistics.median(times) for times in (hashing, sealing, verifying))
    return {
        "document_bytes": len(document),
        "sm3_ms": round(hash_ms, 1),
        "seal_ms": round(seal_ms, 1),
        "seal_ratio": round(seal_ms / hash_ms, 2),
        "verify_ms": round(verify_ms, 1),
        "verify_ratio": round(verify_ms / hash_ms, 2),
    }
