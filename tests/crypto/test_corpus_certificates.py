"""National SM2 roots, intermediates, outdated lists and two real seal certificates, as the corpus describes them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from crypto.path import validate_path
from crypto.revocation import RevocationEvidence, RevocationStatus, check_revocation
from crypto.revocation_lists import read_revocation_list
from crypto.signatures import SignatureCheck
from crypto.trust_list import Purpose, TrustList, trust_list_from_files
from tests.optional import corpus

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.certificates import Certificate

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def folder() -> Path:
    return corpus() / "certs"


@cache
def trust() -> TrustList:
    return trust_list_from_files({path.name: path.read_bytes() for path in sorted(folder().iterdir())})


def entries(kind: str) -> list[dict[str, Any]]:
    manifest = json.loads((corpus() / "MANIFEST.json").read_text(encoding="utf-8"))
    found = [entry for entry in manifest["entries"] if entry["kind"] == kind]
    for entry in found:
        assert hashlib.sha256((corpus() / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
    assert found
    return found


def certificate(path: str) -> Certificate:
    (found,) = (
        *(item for item in trust_list_from_files({path: (corpus() / path).read_bytes()}).intermediates),
        *(anchor.certificate for anchor in trust_list_from_files({path: (corpus() / path).read_bytes()}).anchors),
    )
    return found


def test_the_folder_as_a_trust_list() -> None:
    assert {anchor.certificate.common_name for anchor in trust().anchors} == {"ROOTCA", "Civil Servant ROOT", "Device ROOT"}
    assert len(trust().crls) == 3


@pytest.mark.clause("GB/T 20518-2018 5.2", "GB/T 32918.2-2016 6.1")
def test_chains_verify_as_described() -> None:
    for entry in entries("certificate"):
        expected = entry["expect"]
        leaf = certificate(entry["path"])
        at = max(leaf.not_before, datetime(2020, 6, 1, tzinfo=UTC))
        result = validate_path(leaf, trust=trust(), purpose=Purpose.DOCUMENT, at=at)
        if "verifies under" in expected["chain"]:
            root = certificate("certs/" + expected["chain"].split()[-1])
            assert leaf.is_issued_by(root) is SignatureCheck.GOOD
            assert result.chain == (leaf, root)
            assert "CERT_CHAIN_OK" in {step.code for step in result.steps}
        elif expected["chain"] == "self-signed":
            assert leaf.is_issued_by(leaf) is SignatureCheck.GOOD
        else:
            assert "issuer certificate not included" in expected["chain"]
            assert result.trusted is None
            assert "CERT_NO_ANCHOR" in {step.code for step in result.steps}


@pytest.mark.clause("RFC 5280 6.3")
def test_outdated_lists_give_unknown_and_counted_only_in_their_time() -> None:
    below = [item for item in trust().intermediates if item.is_ca]
    assert len(below) == 3
    for item in below:
        (issuer,) = (anchor.certificate for anchor in trust().anchors if anchor.certificate.subject_der == item.issuer_der)
        evidence = RevocationEvidence(trust().crls)
        assert check_revocation(item, issuer, evidence, NOW).status is RevocationStatus.STALE
        assert check_revocation(item, issuer, evidence, datetime(2022, 5, 10, tzinfo=UTC)).status is RevocationStatus.GOOD
        steps = validate_path(item, trust=trust(), purpose=Purpose.DOCUMENT, at=NOW).steps
        assert ("CERT_REVOCATION_UNKNOWN", "stale") in [(step.code, step.facts.get("status")) for step in steps]


def test_lists_are_signed_by_their_roots_and_by_nobody_else() -> None:
    for entry in entries("crl"):
        crl = read_revocation_list((corpus() / entry["path"]).read_bytes())
        assert f"{crl.fields.this_update:%Y-%m-%d}" == entry["expect"]["this_update"]
        assert crl.fields.next_update is not None
        assert f"{crl.fields.next_update:%Y-%m-%d}" == entry["expect"]["next_update"]
        for anchor in trust().anchors:
            own = anchor.certificate.subject_der == crl.fields.issuer_der
            assert crl.is_signed_by(anchor.certificate.spki_der) is (SignatureCheck.GOOD if own else SignatureCheck.BAD)


def test_real_revocations_are_found() -> None:
    crl = read_revocation_list((folder() / "national_sm2_root_rootca_2022_05.crl").read_bytes()).fields
    found = crl.find(0x17591F6E224B3EB60A35DC48278C3774)
    assert found is not None
    assert (found.reason, found.revoked_at) == ("cessationOfOperation", datetime(2022, 3, 10, 7, 26, 46, tzinfo=UTC))
