"""B-LT and B-LTA documents of ours before pyHanko (its own rules for long-term validation) and BouncyCastle (the tokens)."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.ltv import RevocationInfoValidationType, validate_pdf_ltv_signature

from tests.interop.pyhanko_sm2 import SM2SignatureValidator
from tests.seal_service.pdf.documents import DOCUMENTS
from tests.seal_service.pdf.long_term_setting import EXPIRED, RENEWED, extended, pki, sealed
from tests.seal_service.pdf.sealing import AT, signatures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms


@pytest.mark.parametrize("name", ["reportlab", "qpdf object streams", "own, hybrid"])
@pytest.mark.parametrize(
    ("level", "kind"), [("B-LT", RevocationInfoValidationType.PADES_LT), ("B-LTA", RevocationInfoValidationType.PADES_LTA)]
)
def test_pyhanko_finds_long_term_validation_in_order(name: str, level: str, kind: RevocationInfoValidationType) -> None:
    reader = PdfFileReader(io.BytesIO(sealed(level, DOCUMENTS[name])), strict=False)
    arguments = {
        "trust_roots": [x509.Certificate.load(pki().root.certificate.der)],
        "moment": AT + timedelta(hours=1),
        "signature_validator": SM2SignatureValidator(),
    }
    status = validate_pdf_ltv_signature(reader.embedded_signatures[0], kind, validation_context_kwargs=arguments, force_revinfo=True)
    assert status.bottom_line, status.pretty_print_details()
    assert status.timestamp_validity.valid


def test_pyhanko_finds_long_term_validation_in_order_years_later() -> None:
    """The seal's certificate has expired; the store, and the time-stamp that pyHanko calls the last one, carry it on."""
    document = extended(sealed("B-LTA"), RENEWED, second=True)
    reader = PdfFileReader(io.BytesIO(document), strict=False)
    arguments = {"trust_roots": [x509.Certificate.load(pki().root.certificate.der)], "signature_validator": SM2SignatureValidator()}
    arguments["moment"] = RENEWED + timedelta(hours=1)
    status = validate_pdf_ltv_signature(
        reader.embedded_signatures[0], RevocationInfoValidationType.PADES_LTA, validation_context_kwargs=arguments, force_revinfo=True
    )
    assert status.bottom_line, status.pretty_print_details()


def test_pyhanko_reads_our_store() -> None:
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(sealed("B-LTA")), strict=False))
    assert (len(store.certs), len(store.crls), len(store.ocsps)) == (4, 2, 0)


def test_bouncy_castle_verifies_the_document_time_stamp(tmp_path: Path, java_programs: JavaPrograms) -> None:
    document = sealed("B-LTA")
    stamp = signatures(document)["Timestamp1"]
    assert (stamp["/Type"], stamp["/SubFilter"]) == ("/DocTimeStamp", "/ETSI.RFC3161")
    start, first, second, rest = stamp["/ByteRange"]
    assert (start, second + rest) == (0, len(document))
    (tmp_path / "content").write_bytes(document[:first] + document[second:])
    (tmp_path / "token").write_bytes(bytes(stamp["/Contents"]))
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "root.cer").write_bytes(pki().root.certificate.der)
    for number, crl in enumerate(pki().crls()):
        (tmp_path / "trust" / f"{number}.crl").write_bytes(crl)
    moment = (AT + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    found = java_programs.run("VerifyCms", "token", tmp_path / "token", tmp_path / "content", tmp_path / "trust", moment)
    assert found["token"] == "true"
    assert found["imprint"] == "true"
    assert found["token-path"] == "true"
    assert EXPIRED > AT
