"""Every code of seal data has its entry in the error catalogue, and every deviation its sentence in a report."""

from __future__ import annotations

import re

from crypto.report_text import SENTENCES
from seal_service.seal_data.problem_catalogue import TEXTS
from service_kit.problem_catalogue import text_of
from standards.gbt38540_seal import quirks, versions, write
from tests.optional import PROJECT


def sources() -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "seal_service" / "seal_data").glob("*.py")))


def test_every_refusal_has_an_entry_and_every_entry_a_refusal() -> None:
    raised = set(re.findall(r'refused\(\s*Kind\.[A-Z_]+,\s*"([A-Z0-9_]+)"', sources()))
    raised |= {versions.MALFORMED, write.UNWRITABLE, "SEAL_STATUS_LIST_MALFORMED"}
    assert raised == {text.code for text in TEXTS}
    assert all(text_of(code) for code in raised)


def test_every_deviation_and_every_code_has_a_sentence() -> None:
    deviations = {value for name, value in vars(quirks).items() if name.isupper() and isinstance(value, str)}
    assert len(deviations) == 7
    assert deviations <= set(SENTENCES)
    named = set(re.findall(r'"((?:SES|SEAL|SIG|DATA|TS|CERT)_[A-Z_]+)"', sources()))
    assert named - set(SENTENCES) <= {text.code for text in TEXTS}
