"""Reports to the region and licences of other regions over HTTP, where nothing is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from licence_vault.model import SCOPE_FOREIGN, SCOPE_REPORT
from licence_vault.store import reports
from tests.deployments import make_deployment, served_here
from tests.licence_vault.served import Office, office
from tests.licence_vault.type_files import TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with served_here(make_deployment(tmp_path_factory.mktemp("report-routes") / "d")) as here:
        database, at = here.house.context.database, here.house.context.clock.now()

        def enter(conn: Connection) -> None:
            for version in (1, 2, 3):
                reports.insert_type_report(conn, TYPE, version, "published", at)
            conn.exec_driver_sql("UPDATE licence_reports SET state = 'dead', attempts = 8 WHERE type_version = 2")

        database.write(enter)
        yield office(here, "cl_reports", SCOPE_REPORT, SCOPE_FOREIGN)


def test_without_a_collector_nothing_is_reported_and_everything_can_be_looked_at(desk: Office) -> None:
    state = desk.call("GET", "/v1/licence-reporting", status=200).json()
    assert (state["is_configured"], state["map"], state["followed"]) == (False, None, 0)
    assert state["waiting"] + state["dead"] == 3
    first = desk.call("GET", "/v1/licence-reports?limit=2", status=200).json()
    assert [each["type_version"] for each in first["reports"]] == [1, 2]
    rest = desk.call("GET", f"/v1/licence-reports?limit=2&after={first['next_after']}", status=200).json()
    assert ([each["key"] for each in rest["reports"]], rest["next_after"]) == ([f"{TYPE}:3:published"], None)


def test_one_that_was_given_up_is_sent_again_with_a_reason(desk: Office) -> None:
    number = next(
        each["number"] for each in desk.call("GET", "/v1/licence-reports", status=200).json()["reports"] if each["type_version"] == 2
    )
    path = f"/v1/licence-reports/{number}/retry"
    desk.refusal("POST", path, {"reason": ""}, status=422)
    desk.refusal("POST", path, {"reason": "x", "digest": "0"}, status=422)
    again = desk.call("POST", path, {"reason": "已更正", "replacing": True}, status=200).json()
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert desk.refusal("POST", path, {"reason": "x"}, status=409)[0] == "LICENCE_REPORT_STATE_CONFLICT"
    assert desk.refusal("POST", "/v1/licence-reports/999/retry", {"reason": "x"}, status=404)[0] == "LICENCE_REPORT_NOT_FOUND"
    assert desk.call("GET", "/v1/licence-reports?state=dead", status=200).json()["reports"] == []


def test_without_a_collector_there_is_nothing_to_reconcile_with(desk: Office) -> None:
    assert desk.refusal("POST", "/v1/licence-reconciliations", {}, status=409)[0] == "LICENCE_COLLECTOR_MISSING"
    desk.refusal("POST", "/v1/licence-reconciliations", {"size": 1}, status=422)


def test_without_an_exchange_no_other_region_is_asked(desk: Office) -> None:
    asked = {"region": "440300", "identifier": "1.2", "holder_name": "x", "holder_code": "y", "mode": "duty", "reason": "x"}
    path = "/v1/foreign-licences/queries"
    assert desk.refusal("POST", path, asked, status=409)[0] == "LICENCE_EXCHANGE_MISSING"
    for wrong in ({"region": "44"}, {"mode": "curious"}, {"reason": ""}, {"verdict": "valid"}):
        desk.refusal("POST", path, asked | wrong, status=422)
