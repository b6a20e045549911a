"""Seals and sealing values of others: every established expectation is met, with no trust anchor configured."""

from __future__ import annotations

import functools
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.report import Outcome, Verdict
from crypto.trust_list import TrustList
from seal_service.seal_data.seal_file import Content, content_of, verify_esl, verify_seal_data, verify_ses_value
from seal_service.seal_data.verify import verify_seal_signature
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from tests.optional import corpus, corpus_folder

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@functools.cache
def entries() -> tuple[dict[str, Any], ...]:
    manifest = corpus_folder() / "MANIFEST.json"
    if not manifest.is_file():
        return ()
    listed = json.loads(manifest.read_text(encoding="utf-8"))["entries"]
    return tuple(entry for entry in listed if entry["path"].startswith("ses/"))


def read_member(path: str) -> bytes:
    (entry,) = (entry for entry in entries() if entry["path"] == path)
    data = (corpus() / path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    return data


JUDGED: list[dict[str, Any] | None] = [*(entry for entry in entries() if "signatures" in entry["expect"])] or [None]
PARTS: list[dict[str, Any] | None] = [*(entry for entry in entries() if entry["path"].endswith("Seal.esl"))] or [None]


@pytest.mark.clause("GB/T 38540-2020 sealing verification", "GM/T 0031-2014 sealing verification", "GM/T 0031-2025 sealing verification")
@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry["path"] if entry else "no-corpus")
def test_expectations(entry: dict[str, Any] | None) -> None:
    corpus()
    assert entry is not None
    data = read_member(entry["path"])
    expected = entry["expect"]["signatures"][0]
    (found,) = verify_seal_data(data, TrustList.empty(), NOW).signatures
    assert found.cryptographically_valid is expected["cryptographically_valid"]
    assert (found.document_intact, expected["document_intact"]) == (None, None)
    assert found.verdict is not Verdict.VALID
    assert {"seal", "signature"} & {found.name}
    inside = expected.get("signing_time_inside", {})
    failed = {(step.code, step.facts.get("role")) for step in found.steps if step.outcome is Outcome.FAIL}
    if inside.get("seal"):
        assert not {code for code, _ in failed} & {"SEAL_EXPIRED_AT_SIGNING", "SEAL_NOT_YET_VALID"}
    if inside.get("signer_certificate"):
        assert ("CERT_NOT_VALID_AT_TIME", "signer") not in failed
    if inside.get("maker_certificate_at_seal_creation"):
        assert ("CERT_NOT_VALID_AT_TIME", "maker") not in failed
        assert found.verdict is Verdict.INDETERMINATE  # nothing but the missing anchor stands in the way
    if expected.get("maker_certificate_valid_at_seal_creation") is False:
        assert {("SEAL_MAKE_TIME_BAD", None), ("CERT_NOT_VALID_AT_TIME", "maker")} <= failed
    if "seal_version" in expected:
        seal = read_seal(data)
        assert seal.version == expected["seal_version"]
        assert (f"{seal.property.valid_from:%F}", f"{seal.property.valid_until:%F}") == (expected["valid_from"], expected["valid_to"])


@pytest.mark.clause("GB/T 38540-2020 sealing verification")
@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry["path"] if entry else "no-corpus")
def test_the_data_hash_over_the_original(entry: dict[str, Any] | None) -> None:
    corpus()
    assert entry is not None
    data = read_member(entry["path"])
    if "original" not in entry or content_of(data) is not Content.SIGNATURE:
        assert entry["kind"] in {"ses-seal", "ses-signature"}
        return
    original = read_member(entry["original"])
    expected = entry["expect"]["signatures"][0]["cryptographically_valid"]
    found = verify_seal_signature(read_seal_signature(data), trust=TrustList.empty(), at=NOW, data=original)
    assert (found.cryptographically_valid, found.document_intact) == (expected, expected)
    changed = verify_seal_signature(read_seal_signature(data), trust=TrustList.empty(), at=NOW, data=original + b" ")
    assert (changed.verdict, changed.document_intact) == (Verdict.INVALID, False)
    failed = {step.code for step in found.document_steps if step.outcome is Outcome.FAIL}
    assert failed == (set() if expected else {"SIG_VALUE_BAD", "SIGNER_NOT_IN_SEAL", "DATA_HASH_BAD"})


@pytest.mark.parametrize("entry", PARTS, ids=lambda entry: entry["path"] if entry else "no-corpus")
def test_seals_beside_their_values(entry: dict[str, Any] | None) -> None:
    corpus()
    assert entry is not None
    data = read_member(entry["path"])
    (found,) = verify_esl(data, TrustList.empty(), NOW).signatures
    assert found.cryptographically_valid is True
    value = read_seal_signature(read_member(entry["expect"]["see"]))
    assert value.seal_raw == data


def test_the_critical_extension_of_a_genuine_seal_warns() -> None:
    corpus()
    data = read_member("ses/zibo_real_estate_seal_national_system/sign1_SignedValue.dat")
    (found,) = verify_ses_value(data, TrustList.empty(), NOW).signatures
    warned = {step.code for step in found.steps if step.outcome is Outcome.WARN}
    assert {"SES_CRITICAL_EXT_UNKNOWN", "SES_RAW_RS", "SEAL_EXPIRED_NOW"} <= warned
