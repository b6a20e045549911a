"""Whether a licence is in force by its days, which are days in China."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from crypto.report import failed, passed, warned
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Step

DATA_CLAUSE: Final = "GB/T 36903-2018"


def check_days(valid_from: date, valid_to: date | None, at: datetime) -> Step:
    """As of ``at`` (aware); both days are within, ``valid_to`` None is 长期."""
    today = _day_in_china(at)
    if today < valid_from:
        return failed("LICENCE_NOT_YET_VALID", DATA_CLAUSE, valid_from=valid_from.isoformat())
    if valid_to is not None and today > valid_to:
        return failed("LICENCE_EXPIRED", DATA_CLAUSE, valid_to=valid_to.isoformat())
    return passed("LICENCE_IN_FORCE", DATA_CLAUSE)


def check_issue_date(issued_on: date, at: datetime) -> tuple[Step, ...]:
    """A warning where a licence was issued on a day that is not yet there; nothing else is to be said of its issue date."""
    if issued_on <= _day_in_china(at):
        return ()
    return (warned("LICENCE_ISSUED_IN_FUTURE", DATA_CLAUSE, issued_on=issued_on.isoformat()),)


def _day_in_china(at: datetime) -> date:
    """The last day there is where China is in the year 10000 already."""
    try:
        return at.astimezone(CHINA).date()
    except OverflowError:
        return date.max
