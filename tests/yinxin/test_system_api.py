"""What operators and auditors are shown over HTTP: findings, jobs, queues, certificates; searching the trail, exporting it, checking it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import idp.service
from idp.actions.register_client import NewClient, register_client
from service_kit import audit_search
from service_kit.audit_search import AuditSearch, export_entries, search_entries
from service_kit.outbox import count_waiting
from tests.deployments import Here, make_deployment, served_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service_kit.audit import AuditEntry


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("system") / "deployment")) as served:
        yield served


@pytest.fixture(scope="module")
def bearer(house: Here) -> dict[str, str]:
    desk = idp.service.client_desk(house.house.context)
    _, secret = register_client(desk, NewClient("watch", ("system.read", "audit.read"), client_id="watch"), actor="operator:test")
    answer = house.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("watch", secret))
    return {"authorization": "Bearer " + answer.json()["access_token"]}


def test_findings_are_those_of_the_doctor_in_the_readers_language(
    house: Here, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = house.http.get("/v1/system/findings", headers=bearer)
    assert answer.headers["cache-control"] == "no-store"
    found = {each["name"]: each for each in answer.json()["findings"]}
    assert {"python", "environment", "permissions", "database", "audit_log", "certificates"} <= set(found)
    assert answer.json()["status"] in {"ok", "warn"}
    monkeypatch.setattr("yinxin.doctor.DAYS_WARNED", {"tsa_days_left": 99_999})
    for language, word in (("zh-CN", "（"), ("en", "yinxin ca renew")):
        answer = house.http.get("/v1/system/findings", headers=bearer | {"accept-language": language})
        warned = next(each for each in answer.json()["findings"] if each["name"] == "certificates")
        assert (warned["status"], answer.json()["status"] != "ok") == ("warn", True)
        assert word in warned["remedy"]


def test_jobs_and_what_waits(house: Here, bearer: dict[str, str]) -> None:
    answer = house.http.get("/v1/system/jobs", headers=bearer).json()
    assert {"house-sweep", "pki-lists", "webhook-sweep"} <= {each["name"] for each in answer["jobs"]}
    context = house.house.context
    at = context.clock.now() + timedelta(days=1)
    context.database.write(lambda conn: context.outbox.put(conn, topic="test.nobody", payload={}, at=at))
    with context.database.read() as connection:
        waiting = next(each for each in count_waiting(connection) if each.topic == "test.nobody")
    assert (waiting.waiting, waiting.alarmed, waiting.last_error) == (1, 0, None)
    queues = house.http.get("/v1/system/jobs", headers=bearer).json()["queues"]
    assert next(each for each in queues if each["topic"] == "test.nobody")["waiting"] == 1


def test_certificates_of_the_deployment(house: Here, bearer: dict[str, str]) -> None:
    found = {each["name"]: each for each in house.http.get("/v1/system/certificates", headers=bearer).json()["certificates"]}
    assert found["root"]["days_left"] > 7000
    assert found["seal-maker"]["not_before"] < found["seal-maker"]["not_after"]


def test_the_trail_is_searched_by_actor_action_and_time(house: Here, bearer: dict[str, str]) -> None:
    def search(**asked: str) -> list[dict[str, str]]:
        answer = house.http.get("/v1/audit/entries", params=asked, headers=bearer)
        assert answer.status_code == 200, answer.text
        # Without its place in the log, which an entry has only a moment later
        return [{name: value for name, value in each.items() if name != "log_index"} for each in answer.json()["entries"]]

    (registered,) = search(actor="operator:test", action="client.")
    assert registered["subject"] == "client:watch"
    assert search(actor="operator:test", action=registered["action"]) == [registered]
    assert search(action="client") == search(actor="nobody") == []
    assert registered in search(since=registered["at"])
    assert registered not in search(until=registered["at"])
    for no_time in ("2026-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"):
        answer = house.http.get("/v1/audit/entries", params={"since": no_time}, headers=bearer)
        assert answer.status_code == 422, no_time


def test_a_search_looks_at_so_many_rows_and_says_where_to_go_on(
    house: Here, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_search, "ROWS_SEARCHED", 2)
    database = house.house.context.database
    before: str | None = None
    found: list[AuditEntry] = []
    pages = 0
    with database.read() as connection:
        while True:
            page = search_entries(connection, AuditSearch(actor="operator:test"), before=before, limit=5)
            found += page.entries
            pages += 1
            before = page.next_before
            if before is None:
                break
        late = search_entries(connection, AuditSearch(actor="nobody", since=house.house.context.clock.now()), limit=5)
    assert pages > 2
    assert [each.subject for each in found] == ["client:watch"]
    assert late.next_before is None, "what is below is older than what is asked for"


def test_the_export_is_whole_recorded_and_no_formula(house: Here, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    context = house.house.context
    context.database.write(
        lambda conn: context.audit.record(
            conn, at=context.clock.now(), actor="=cmd", action="test.formula", subject="test:formula", outcome="done"
        )
    )
    answer = house.http.get("/v1/audit/entries.csv?subject=test:formula", headers=bearer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    heading, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert dict(zip(heading, row, strict=True))["actor"] == "'=cmd"
    recorded = house.http.get("/v1/audit/entries?action=audit.export", headers=bearer).json()["entries"][0]
    assert (recorded["actor"], recorded["facts"]) == ("client:watch", {"subject": "test:formula"})
    monkeypatch.setattr(audit_search, "EXPORT_ROWS", 1)
    cut = b"".join(export_entries(context.database, AuditSearch())).decode("utf-8-sig").splitlines()
    assert len(cut) == 3
    assert cut[-1].startswith("# 1 lines: more may follow")


def test_the_trail_is_checked_on_the_spot(house: Here, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    answer = house.http.post("/v1/audit/checks", headers=bearer).json()
    assert answer["findings"] == []
    assert answer["ok"] is True
    assert answer["entries"] >= answer["logged"] > 0
    recorded = house.http.get("/v1/audit/entries?action=audit.check", headers=bearer).json()["entries"][0]
    assert (recorded["outcome"], recorded["facts"]["findings"]) == ("done", 0)
    real = house.house.context.audit._mac_key
    monkeypatch.setattr("service_kit.log_check.hmac_sm3", lambda *_: bytes(len(real)))
    found = house.http.post("/v1/audit/checks", headers=bearer).json()
    assert found["ok"] is False
    assert {each["where"] for each in found["findings"]} >= {"trail"}
    assert found["further"] == 0
    monkeypatch.setattr("service_kit.log_check.FINDINGS", 1)
    cut = house.http.post("/v1/audit/checks", headers=bearer).json()
    assert len(cut["findings"]) + cut["further"] > len(found["findings"]) > len(cut["findings"]), "counted, and not all named"
    recorded = house.http.get("/v1/audit/entries?action=audit.check", headers=bearer).json()["entries"][0]
    assert recorded["facts"]["findings"] == len(cut["findings"]) + cut["further"]
