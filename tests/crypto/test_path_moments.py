"""Up to which moment evidence must show a certificate good, and what counts as existing before its end; the very seconds at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crypto.path_checks import Moment, check_time
from tests.pki import DemoPki

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CERTIFICATE = DemoPki.create(AT).seal
END = CERTIFICATE.not_after


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        (Moment(AT, None, is_proven=False), AT),
        (Moment(AT, AT + DAY, is_proven=True), AT),
        (Moment(AT, AT + DAY, is_proven=False), AT + DAY),
        (Moment(AT, END + DAY, is_proven=False), END),
        (Moment(AT, AT + 9 * DAY, is_proven=False, proven_by=AT + DAY), AT + DAY),
        (Moment(AT, AT + DAY, is_proven=False, proven_by=AT + 9 * DAY), AT + DAY),  # what proves it lies ahead
        (Moment(AT + 2 * DAY, AT + 9 * DAY, is_proven=False, proven_by=AT), AT + 2 * DAY),  # it says that it was made after it was proven
        (Moment(END + DAY, END + 9 * DAY, is_proven=False), END + DAY),
    ],
)
def test_until_when_evidence_is_asked_for(moment: Moment, wanted: datetime) -> None:
    assert moment.evidence_at(CERTIFICATE) == wanted


@pytest.mark.parametrize(("now", "is_within"), [(END, True), (END + timedelta(seconds=1), False)])
def test_what_existed_when_the_certificate_ended_existed_within_it(now: datetime, *, is_within: bool) -> None:
    assert Moment(AT, now, is_proven=False).is_shown_within(CERTIFICATE) is is_within


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("at", "now", "codes"),
    [
        (CERTIFICATE.not_before - SECOND, None, ["CERT_NOT_VALID_AT_TIME"]),
        (CERTIFICATE.not_before, None, ["CERT_TIME_OK"]),
        (END, None, ["CERT_TIME_OK"]),
        (END + SECOND, None, ["CERT_NOT_VALID_AT_TIME"]),
        (AT, END, ["CERT_TIME_OK"]),
        (AT, END + SECOND, ["CERT_EXPIRED_AFTER", "CERT_TIME_OK"]),
    ],
)
def test_a_certificate_is_valid_from_its_first_second_to_its_last(at: datetime, now: datetime | None, codes: list[str]) -> None:
    assert [step.code for step in check_time((CERTIFICATE,), at, now)] == codes
