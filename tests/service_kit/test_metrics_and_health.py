"""What a monitoring system is told."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from service_kit import health, metrics
from service_kit.health import ReadinessProbe, database_check, livez
from service_kit.metrics import Metrics
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from service_kit.database import Database


def test_the_text_form() -> None:
    all_metrics = Metrics()
    requests = all_metrics.counter("requests_total", "Requests", ("method", "status"))
    requests.add("GET", "200")
    requests.add("GET", "200", amount=2)
    requests.add("POST", '5"\\\n')
    seconds = all_metrics.histogram("seconds", "Time\nspent", ("method",), (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7):
        seconds.observe(value, "GET")
    all_metrics.histogram("bare", "No labels", buckets=(1,)).observe(1)
    all_metrics.reading("free", "Free", lambda: 1.5)
    all_metrics.reading("written_total", "Written", lambda: 2, kind="counter")

    def away() -> float:
        raise TrustError(Kind.UNAVAILABLE, "AWAY")

    all_metrics.reading("gone", "Gone", away)
    assert all_metrics.text() == (
        "# HELP requests_total Requests\n# TYPE requests_total counter\n"
        'requests_total{method="GET",status="200"} 3\n'
        'requests_total{method="POST",status="5\\"\\\\\\n"} 1\n'
        "# HELP seconds Time\\nspent\n# TYPE seconds histogram\n"
        'seconds_bucket{method="GET",le="0.1"} 2\nseconds_bucket{method="GET",le="1"} 3\nseconds_bucket{method="GET",le="+Inf"} 4\n'
        'seconds_sum{method="GET"} 7.65\nseconds_count{method="GET"} 4\n'
        "# HELP bare No labels\n# TYPE bare histogram\n"
        'bare_bucket{le="1"} 1\nbare_bucket{le="+Inf"} 1\nbare_sum 1\nbare_count 1\n'
        "# HELP free Free\n# TYPE free gauge\nfree 1.5\n"
        "# HELP written_total Written\n# TYPE written_total counter\nwritten_total 2\n"
        "# HELP gone Gone\n# TYPE gone gauge\n"
    )
    with pytest.raises(ValueError, match="free"):
        all_metrics.reading("free", "again", lambda: 0)


def test_labels_cannot_eat_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "SERIES", 3)
    counter = Metrics().counter("c", "C", ("path",))
    for i in range(100):
        counter.add(f"/{i}")
    assert counter.lines()[-1] == 'c{path="other"} 97'
    assert len(counter.lines()) == 4


def test_counting_from_many_threads_loses_nothing() -> None:
    counter = Metrics().counter("c", "C")

    def count() -> None:
        for _ in range(1000):
            counter.add()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.lines() == ["c 8000"]


def read(probe: ReadinessProbe) -> tuple[int, dict[str, Any]]:
    readiness = probe.readyz()
    return readiness.status, json.loads(readiness.body())


def test_alive_is_alive() -> None:
    assert json.loads(livez()) == {"alive": True}


def test_ready_when_every_check_passes() -> None:
    status, body = read(ReadinessProbe([("certificate", lambda: {"days_left": 30}), ("disk", dict)]))
    assert status == 200
    assert body["ready"] is True
    assert [(c["name"], c["ready"], c["facts"]) for c in body["checks"]] == [("certificate", True, {"days_left": 30}), ("disk", True, {})]


def test_not_ready_when_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> health.Facts:
        raise TrustError(Kind.UNAVAILABLE, "KEY_STORE_AWAY", tries=3)

    def broken() -> health.Facts:
        raise ValueError("canary-secret")

    probe = ReadinessProbe([("a", refused), ("b", broken), ("d", dict)])
    status, body = read(probe)
    assert status == 503
    found = [(c["ready"], c.get("code"), c["facts"]) for c in body["checks"]]
    assert found == [
        (False, "KEY_STORE_AWAY", {"tries": 3}), (False, "INTERNAL", {"error": "ValueError"}), (True, None, {}),
    ]  # fmt: skip
    assert "canary" not in json.dumps(body)
    monkeypatch.setattr(health, "KEEP_SECONDS", 60.0)
    assert probe.readyz() is probe.readyz()  # a poller in a hurry gets the last result
    monkeypatch.setattr(health, "KEEP_SECONDS", 0.0)
    before = probe.readyz()
    assert probe.readyz() is not before


def test_a_check_that_is_too_slow_keeps_nobody_waiting() -> None:
    ended = threading.Event()

    def slow() -> health.Facts:
        assert ended.wait(60)
        return {}

    probe = ReadinessProbe([("slow", slow), ("quick", dict)], check_seconds=1.0)
    try:
        status, body = read(probe)
    finally:
        ended.set()
    assert status == 503
    assert [(each["name"], each.get("code"), each["facts"]) for each in body["checks"]] == [
        ("slow", "CHECK_TOO_SLOW", {}),
        ("quick", None, {}),
    ]


def test_the_database_check_reads_and_writes(database: Database) -> None:
    assert database_check(database)() == {"waiting_jobs": 0}
    database.close()
    with pytest.raises(TrustError):
        database_check(database)()
