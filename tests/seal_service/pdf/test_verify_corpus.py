"""The outside corpus: every expectation of its manifest. Robustness files run in a process of their own, under time and memory limits."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service.pdf.verify import verify_pdf
from tests.optional import corpus
from tests.seal_service.pdf.hostile import MOST_MEGABYTES, MOST_SECONDS, verify_in_child

AT = datetime(2026, 11, 20, tzinfo=UTC)


def _entries() -> list[Any]:
    try:
        folder = corpus()
    except pytest.skip.Exception as reason:
        return [pytest.param(None, marks=pytest.mark.skip(reason=str(reason)), id="corpus")]
    entries = json.loads((folder / "MANIFEST.json").read_text())["entries"]
    return [pytest.param(entry, id=entry["path"]) for entry in entries if entry["kind"] == "pdf"]


@pytest.mark.parametrize("entry", _entries())
def test_every_expectation_of_the_corpus_is_met(entry: dict[str, Any]) -> None:
    path = corpus() / entry["path"]
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    folder = entry["path"].split("/")[1]
    if folder == "robustness":
        found = verify_in_child(str(path))
        assert found["seconds"] < MOST_SECONDS
        assert found["megabytes"] < MOST_MEGABYTES
    report = verify_pdf(data, TrustList.empty(), AT)
    assert report.verdict is not Verdict.VALID
    expected = entry["expect"] or {}
    if folder == "legitimate":
        assert report.tampered is False
    if expected.get("verdict"):
        assert report.verdict.value == expected["verdict"]
    if expected.get("tampered") is not None:
        assert report.tampered is expected["tampered"]
    by_name = {signature.name: signature for signature in report.signatures}
    for signature in expected.get("signatures", ()):
        found_signature = by_name[signature["field"]]
        if signature["verdict"]:
            assert found_signature.verdict.value == signature["verdict"]
        if signature["tampered"] is not None:
            assert (found_signature.document_intact is False) is signature["tampered"]
        if "timestamp" in signature:
            codes = {step.code for step in found_signature.steps}
            assert ("TS_IMPRINT_BAD" in codes) is ("does not match" in signature["timestamp"])
