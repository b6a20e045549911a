"""Every code that drawing seals may raise has an entry, and no entry is for nothing."""

from __future__ import annotations

import re

import pytest

from seal_service.pictures.problem_catalogue import TEXTS
from service_kit.problem_catalogue import ProblemText, text_of
from tests.optional import PROJECT

_RAISED = re.compile(r'(?:Kind\.[A-Z_]+,|MalformedError\()\s*"([A-Z0-9_]+)"')


def test_every_code_has_an_entry_and_every_entry_a_code() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (PROJECT / "seal_service" / "pictures").glob("*.py")]
    assert {entry.code for entry in TEXTS} == {code for text in texts for code in _RAISED.findall(text)}


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry.code)
def test_entries_speak_both_languages(entry: ProblemText) -> None:
    assert text_of(entry.code) == entry
    for language in ("en", "zh"):
        texts = (entry.title(language), entry.cause(language), entry.remedy(language))
        assert all(texts)
        assert all(bool(re.search(r"[\u4e00-\u9fff]", text)) == (language == "zh") for text in texts)
