"""Days at the console: they are China's, the last one counts, and one that cannot be read is not passed over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from standards.gbt7408_times import CHINA
from tests.licence_vault.issuing_here import FACE, ISSUER
from tests.licence_vault.served import served_licences
from tests.licence_vault.type_files import TYPE, type_file
from tests.yinxin.console_here import GIVEN, Pages, open_pages, told
from yinxin.console.home_pages import todos_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_licences(tmp_path_factory.mktemp("days") / "d", [type_file(face=FACE)], {ISSUER: "cl_officer"}) as (served, _):
        yield served


@pytest.fixture(scope="module")
def officer(here: Here) -> Pages:
    return open_pages(here, "cl_officer", "licence.issue", "licence.read")


def test_the_trail_is_searched_by_days_that_can_be_read_alone(here: Here) -> None:
    auditor = open_pages(here, "cl_auditor", "audit.read")
    for wrong in ("since=not-a-day", "until=9999-12-31"):  # without it, the answer would be to another question
        refused = auditor.get(f"/console/audit?actor=nobody&{wrong}", 422).text
        assert "a day or a time" in told(refused), wrong
        assert "No entry is like that" not in told(refused)
        assert 'value="nobody"' in refused
        auditor.get(f"/console/audit/entries.csv?{wrong}", 422)


def test_a_licence_counts_on_its_days_alone(here: Here, officer: Pages) -> None:
    """Issued for later it is not in force yet; on its last day it is."""
    today = datetime.now(CHINA).date()
    days = {"valid_from": today + timedelta(days=1), "valid_to": today + timedelta(days=400)}
    later = officer.post(f"/console/licences/new?type={TYPE}", GIVEN | {name: str(day) for name, day in days.items()})
    for page in (later.headers["location"], f"{later.headers['location']}/uses", "/console/licences"):
        shown = told(officer.get(page).text.partition("<tbody>")[2] if page == "/console/licences" else officer.get(page).text)
        assert "not in force yet" in shown, page


def test_a_holder_is_found_by_whatever_number_he_has(officer: Pages) -> None:
    """Numbers are found by their kind: for another one "none" would be no answer."""
    abroad = {"holder_code": "E12345678", "holder_code_type": "414", "valid_from": "2026-11-28", "valid_to": "2031-11-27"}
    place = officer.post(f"/console/licences/new?type={TYPE}", GIVEN | abroad).headers["location"]
    for path in ("/console/licences", "/console/imported-licences"):
        asked = told(officer.get(f"{path}?holder_code=E12345678").text)
        assert "Choose the kind of number" in asked
        assert "No licence is like that" not in asked
        assert "Choose the kind" not in told(officer.get(f"{path}?holder_code=12990000YX0000008K").text)
    assert place in officer.get("/console/licences?holder_code=E12345678&holder_code_type=414").text
    assert place not in officer.get("/console/licences?holder_code=E12345678&holder_code_type=413").text


def test_the_first_page_tells_of_every_seal_that_ends_soon() -> None:
    """However many of a person's seals come before it in the list."""
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    seals = [{"id": f"sl_{number}", "name": f"{number}", "state": "active", "valid_until": None} for number in range(500)]
    seals[450]["valid_until"] = soon

    class Api:
        async def get(self, _path: str, *, after: str = "", limit: int, **_asked: str) -> Any:
            start = int(after or 0)
            following = start + limit
            return SimpleNamespace(body={"seals": seals[start:following], "next_after": str(following) if following < len(seals) else None})

    visit: Any = SimpleNamespace(api=Api(), may=lambda *scopes: "seal.audit" in scopes)
    (ending,) = asyncio.run(todos_of(visit))
    assert (ending.key, [line[1] for line in ending.lines]) == ("todo_expiring", ["450"])
