"""Files of seal data: told apart by their content, reported, and never an exception."""

from __future__ import annotations

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import cms, digests
from crypto.report import Verdict
from crypto.report_json import write_report
from crypto.trust_list import TrustList
from seal_service.seal_data import seal_file
from seal_service.seal_data.seal_file import Content, content_of, is_seal_data, verify_esl, verify_seal_data, verify_ses_value
from standards import gbt33560_oids as oids
from standards import x690_der as der
from tests.seal_service.seal_data.actors import DATA, MADE, NOW, SIGNED, cached_seal, cached_signature, cached_trust, world
from tests.seal_service.seal_data.old_seals import old_seal, old_signature


def signed_data() -> bytes:
    pki = world().pki
    return cms.sign_detached(
        content_digest=digests.digest(oids.SM3, DATA),
        digest_oid=oids.SM3,
        signer=pki.seal_signer,
        signer_certificate=pki.seal,
        chain=pki.chain,
        dialect=cms.Dialect.GBT35275,
        signing_time=SIGNED,
    )


def test_contents_are_told_apart() -> None:
    pki = world().pki
    for data, content in (
        (cached_seal(4), Content.SEAL),
        (cached_seal(5), Content.SEAL),
        (old_seal(pki.maker.der, pki.maker_signer.sign), Content.SEAL),
        (cached_signature(4), Content.SIGNATURE),
        (old_signature(), Content.SIGNATURE),
        (signed_data(), Content.SIGNED_DATA),
    ):
        assert (content_of(data), is_seal_data(data)) == (content, True)
    for data in (b"", b"0", b"%PDF-1.7", b"PK\x03\x04", pki.seal.der, der.sequence(der.oid("1.2.3")), b"\x30\x05\x06\x03\x80\x80\x80"):
        assert not is_seal_data(data)
    assert content_of(pki.seal.der) is None
    # The middle of a number: what looks like a signed value but holds no seal
    assert not is_seal_data(der.sequence(der.sequence(der.integer(1)), der.integer(2)))


@given(st.binary(max_size=40))
def test_telling_apart_never_raises(noise: bytes) -> None:
    for data in (noise, b"\x30" + noise, b"\x30\x80\x06" + noise, b"\x30\x82\x01\x00\x30\x82" + noise):
        content_of(data)
        is_seal_data(data)


@pytest.mark.clause("GB/T 38540-2020 seal verification")
def test_a_seal_as_a_file() -> None:
    report = verify_seal_data(cached_seal(5), cached_trust(), NOW)
    (entry,) = report.signatures
    assert (report.verdict, report.tampered, report.steps) == (Verdict.VALID, None, ())
    assert (entry.name, entry.kind, entry.document_intact, entry.signed_at) == ("seal", "ses-seal", None, MADE)
    assert (entry.cryptographically_valid, entry.trusted, entry.verdict) == (True, True, Verdict.VALID)
    assert verify_esl(cached_seal(5), TrustList.empty(), NOW).verdict is Verdict.INDETERMINATE


@pytest.mark.clause("GB/T 38540-2020 sealing verification")
def test_a_sealing_value_as_a_file() -> None:
    report = verify_seal_data(cached_signature(4), cached_trust(), NOW)
    (entry,) = report.signatures
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert (entry.name, entry.kind, entry.document_intact, entry.signed_at) == ("signature", "ses-signature", None, SIGNED)
    assert (entry.cryptographically_valid, entry.trusted) == (True, True)
    shown = write_report("value.dat", report, "en")
    assert shown["signatures"][0]["steps"][0]["detail"]
    assert "–" not in "".join(step["detail"] for step in shown["signatures"][0]["steps"] if step["code"].startswith(("SES_", "SEAL_")))


@pytest.mark.clause("GB/T 35275-2017 8")
def test_signed_data_as_a_file() -> None:
    (entry,) = verify_seal_data(signed_data(), cached_trust(), NOW).signatures
    assert (entry.kind, entry.name, entry.cryptographically_valid, entry.document_intact) == ("gbt35275-signature", "signature", True, None)
    assert entry.verdict is Verdict.INDETERMINATE


def test_what_cannot_be_read_is_invalid_and_says_why() -> None:
    for verify, name in ((verify_esl, "seal"), (verify_ses_value, "signature")):
        (entry,) = verify(b"\x30\x00", cached_trust(), NOW).signatures
        assert (entry.name, entry.verdict, entry.cryptographically_valid) == (name, Verdict.INVALID, None)
        assert [step.code for step in entry.steps] == ["SES_MALFORMED"]


def test_unknown_trouble_is_not_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(_data: bytes) -> NoReturn:
        raise RuntimeError("broken part")

    monkeypatch.setattr(seal_file, "read_seal", trouble)
    (entry,) = verify_esl(cached_seal(4), cached_trust(), NOW).signatures
    assert (entry.verdict, entry.steps[0].facts) == (Verdict.INDETERMINATE, {"reason": "RuntimeError"})
