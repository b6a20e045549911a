"""Every code that sealing and looking at pages may raise has an entry, and no entry is for nothing."""

from __future__ import annotations

import re

import pytest

from seal_service.pdf.problem_catalogue import READING, SEALING
from service_kit.problem_catalogue import ProblemText, text_of
from tests.optional import PROJECT

_RAISED = re.compile(r'(?:TrustError\(\s*Kind\.[A-Z_]+,|MalformedError\()\s*"([A-Z0-9_]+)"')
_ELSEWHERE = {"CMS_MALFORMED"}  # entries of the floors below


# Everything that stands between a document and its seal; the verifier turns what it meets into steps of its report instead.
_MODULES = [
    "pdf/seal",
    "pdf/sealing_value",
    "pdf/update",
    "pdf/object_text",
    "pdf/placement",
    "pdf/signature_field",
    "pdf/sealing_rules",
    "pdf/restrictions",
    "pdf/riding_seam",
    "pdf/evidence",
    "pdf/sealed_revision",
    "pdf/security_store",
    "pdf/document",
    "pdf/syntax",
    "pdf/cross_references",
    "pdf/filters",
    "pdf/recovery",
    "pdf/limits",
    "pdf/form_fields",
    "pdf/byte_ranges",
    "render",
]


def _raised() -> set[str]:
    texts = [(PROJECT / "seal_service" / f"{name}.py").read_text(encoding="utf-8") for name in _MODULES]
    return {code for text in texts for code in _RAISED.findall(text)}


def test_every_code_has_an_entry_and_every_entry_a_code() -> None:
    listed = {entry.code for entry in (*READING, *SEALING)}
    assert listed == _raised() - _ELSEWHERE


@pytest.mark.parametrize("entry", [*READING, *SEALING], ids=lambda entry: entry.code)
def test_entries_speak_both_languages(entry: ProblemText) -> None:
    assert text_of(entry.code) == entry
    for language in ("en", "zh"):
        texts = (entry.title(language), entry.cause(language), entry.remedy(language))
        assert all(texts)
        assert all(bool(re.search(r"[\u4e00-\u9fff]", text)) == (language == "zh") for text in texts)
