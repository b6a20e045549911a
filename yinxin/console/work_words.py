"""What the pages of everyday work share: times as they are read here, addresses that go on from where one is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from standards.errors import Kind, TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from yinxin.console.api_calls import ApiAnswer, ApiProblem
    from yinxin.console.visit import Visit

WHOLE_DAY: Final = timedelta(days=1)
LAST_SECOND: Final = WHOLE_DAY - timedelta(seconds=1)
"""What ends with a day counts up to here."""


def exact_time(text: str | None) -> str:
    """A time of the API (RFC 3339, UTC) to the second, in the time of China; empty for none."""
    return f"{datetime.fromisoformat(text).astimezone(CHINA):%Y-%m-%d %H:%M:%S}" if text else ""


def instant_of(field: str, text: str, *, into_day: timedelta = timedelta()) -> str | None:
    """What a date or time field says, in the time of China, as RFC 3339 in UTC; None where it says nothing. ``into_day``: how far into a day, where
    it names one. FIELD_UNACCEPTABLE for what is no time: passed over, the answer would be to another question.
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=CHINA) if at.tzinfo is None else at
        if len(text) == len("2026-01-01"):
            at += into_day
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError):  # also the last hours of the year 9999
        raise TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field=field, rule="date_parsing") from None


def show(visit: Visit, template: str, /, *, status: int = 200, problem: ApiProblem | None = None, **values: Any) -> Response:
    """A page of work: as ``Visit.render``, with ``at`` (times) and ``go_on`` (this address with other parameters)."""
    return visit.render(template, status=status, problem=problem, exact=exact_time, go_on=partial(_go_on, visit), **values)


def handed_on(answer: ApiAnswer, *, name: str = "") -> Response:
    """A file of the API as the browser gets it. ``name``: how it is to be called where the API does not say."""
    headers = {kept: answer.headers[kept] for kept in ("content-disposition", "content-type") if kept in answer.headers}
    if name and "content-disposition" not in headers:
        headers["content-disposition"] = f'attachment; filename="{name}"'
    return Response(answer.content, headers={**headers, "cache-control": "no-store"})


def _go_on(visit: Visit, **changes: object) -> str:
    kept = {name: value for name, value in visit.request.query_params.items() if value}
    wanted = {**kept, **changes}
    return "?" + urlencode({name: str(value) for name, value in wanted.items() if value not in {None, ""}})
