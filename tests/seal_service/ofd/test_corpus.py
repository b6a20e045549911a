"""The outside corpus: every expectation of its manifest on OFD documents."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service.ofd.verify import is_ofd, verify_ofd
from tests.optional import corpus

AT = datetime(2026, 11, 20, tzinfo=UTC)
KINDS = {"ofdrw_gmt0099": "ofd-integrity", "ofdrw_sign": "ofd-sign"}


def _entries() -> list[Any]:
    try:
        folder = corpus()
    except pytest.skip.Exception as reason:
        return [pytest.param(None, marks=pytest.mark.skip(reason=str(reason)), id="corpus")]
    entries = json.loads((folder / "MANIFEST.json").read_text())["entries"]
    return [pytest.param(entry, id=entry["path"]) for entry in entries if entry["kind"] == "ofd-document"]


@pytest.mark.parametrize("entry", _entries())
def test_every_expectation_of_the_corpus_is_met(entry: dict[str, Any]) -> None:
    path = corpus() / entry["path"]
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert is_ofd(data)
    report = verify_ofd(data, TrustList.empty(), AT)
    expected = entry["expect"]
    assert report.verdict.value == expected["verdict"]
    assert report.verdict is not Verdict.VALID
    assert [signature.name for signature in report.signatures] == [signature["signature"] for signature in expected["signatures"]]
    for found, wanted in zip(report.signatures, expected["signatures"], strict=True):
        for name in ("cryptographically_valid", "document_intact"):
            if wanted[name] is not None:
                assert getattr(found, name) is wanted[name]
        assert found.kind == next((kind for start, kind in KINDS.items() if path.name.startswith(start)), "ofd-seal")
        failed = [str(step.facts["path"]) for step in found.steps if step.code == "REF_HASH_BAD"]
        assert failed == wanted.get("failed_references", [])
        uncovered = [str(step.facts["path"]) for step in found.steps if step.code in {"OFD_ENTRY_UNPROTECTED", "UNPROTECTED_REACHABLE"}]
        assert uncovered == wanted.get("uncovered_members", [])
        codes = {step.code for step in found.steps}
        inside = wanted.get("signing_time_inside", {})
        if "seal" in inside:
            assert ("SEAL_EXPIRED_AT_SIGNING" not in codes) is inside["seal"]
        if "signer_certificate" in inside:
            assert ("CERT_NOT_VALID_AT_TIME" not in codes) is inside["signer_certificate"]
    sound = entry["path"].split("/")[1] == "valid"
    assert not sound or report.tampered is False


def test_the_integrity_list_is_not_taken_for_more_than_it_is() -> None:
    """Its files can be changed at will and the value still verifies; the report says that nothing proves them."""
    path = corpus() / "ofd/indeterminate/ofdrw_gmt0099_integrity_list_without_digests.ofd"
    (only,) = verify_ofd(path.read_bytes(), TrustList.empty(), AT).signatures
    assert (only.cryptographically_valid, only.document_intact) == (True, None)
    assert "OFD_INTEGRITY_NO_DIGESTS" in {step.code for step in only.steps}
