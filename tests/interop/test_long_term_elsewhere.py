"""B-LT and B-LTA documents of ours before pyHanko (its own rules for long-term validation) and BouncyCastle (the tokens)."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from tests.interop.pyhanko_sm2 import SM2SignatureValidator
from tests.seal_service.pdf.documents import DOCUMENTS
from tests.seal_service.pdf.long_term_setting import EXPIRED, RENEWED, extended, pki, sealed
from tests.seal_service.pdf.sealing import AT, signatures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms


def _spec() -> PdfSignatureValidationSpec:
    """ETSI EN 319 102-1 by pyHanko: our root alone, revocation data demanded, nothing fetched."""
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[CertTrustAnchor(x509.Certificate.load(pki().root.certificate.der))]),
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO),
        signature_validator=SM2SignatureValidator(),
    )
    gathering = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
    usage = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
    signature = SignatureValidationSpec(cert_validation_policy=policy, revinfo_gathering_policy=gathering, key_usage_settings=usage)
    return PdfSignatureValidationSpec(signature)


@pytest.mark.parametrize("name", ["reportlab", "qpdf object streams", "own, hybrid"])
def test_pyhanko_passes_our_long_term_document(name: str) -> None:
    reader = PdfFileReader(io.BytesIO(sealed("B-LTA", DOCUMENTS[name])), strict=False)
    moment = AT + timedelta(hours=1)
    timing = ValidationTimingInfo(validation_time=moment, best_signature_time=moment, point_in_time_validation=True)
    result = asyncio.run(ades_lta_validation(reader.embedded_signatures[0], _spec(), timing))
    assert result.ades_subindic == AdESPassed.OK, result.failure_msg


def test_pyhanko_passes_a_renewed_document_after_the_seals_certificate_expired() -> None:
    reader = PdfFileReader(io.BytesIO(extended(sealed("B-LTA"), RENEWED, second=True)), strict=False)
    moment = RENEWED + timedelta(hours=1)
    timing = ValidationTimingInfo(validation_time=moment, best_signature_time=moment, point_in_time_validation=True)
    result = asyncio.run(ades_lta_validation(reader.embedded_signatures[0], _spec(), timing))
    assert result.ades_subindic == AdESPassed.OK, result.failure_msg
    assert result.oldest_evidence_record_timestamp == AT


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
