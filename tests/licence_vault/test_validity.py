"""Days of issue: a licence file that was issued on a day to come is warned of, by the day in China."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crypto.report import Verdict
from tests.licence_vault.test_verify import AT, LICENCE, changed, outcome, question, verify

TOMORROW = AT.date() + timedelta(days=1)


@pytest.mark.parametrize(("hour", "codes"), [(15, ["LICENCE_ISSUED_IN_FUTURE"]), (16, [])])  # midnight in China is 16:00 UTC
def test_a_licence_of_a_day_to_come_is_warned_of_and_no_less_valid(hour: int, codes: list[str]) -> None:
    found = verify(changed(replace(LICENCE, issued_on=TOMORROW)), at=AT.replace(hour=hour))
    assert outcome(found, "content") == (Verdict.VALID, codes)
    assert [each.facts["issued_on"] for each in question(found, "content").steps if each.code in codes] == [TOMORROW.isoformat()] * len(
        codes
    )
    assert found.report.verdict is Verdict.VALID
