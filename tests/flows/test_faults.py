"""Faults in a served deployment: processes killed at every step, statements that fail, the audit trail blocked."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.flows.served import Deployment, make_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.served import Served

DOCUMENT_STEPS = ("prepared", "intended", "signed", "time-stamped", "checked", "stored", "recorded")
DIGEST_STEPS = ("intended", "signed", "recorded")
MAKING_STEPS = ("intended", "key-made", "certified", "recorded")
DIGEST = {"digest": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """One of this module's own, since it is ill-treated."""
    return make_deployment(tmp_path_factory.mktemp("faults") / "deployment")


def seal_document(served: Served, key: str | None = None, seal_id: str | None = None) -> httpx.Response:
    made = served.deployment.made
    with served.client() as client, Path(made["original_pdf"]).open("rb") as file:
        return client.post(
            f"/v1/seals/{seal_id or made['seal_id']}/signatures",
            files={"document": file},
            data={"placement": json.dumps({"page": 1, "x_mm": 150, "y_mm": 60})},
            headers={"idempotency-key": key} if key else {},
        )


def seal_digest(served: Served, key: str | None = None) -> httpx.Response:
    with served.client() as client:
        headers = {"idempotency-key": key} if key else {}
        return client.post(f"/v1/seals/{served.deployment.made['seal_id']}/digest-signatures", json=DIGEST, headers=headers)


def verify(served: Served) -> str:
    with Path(served.deployment.made["sealed_pdf"]).open("rb") as file:
        return str(httpx.post(served.url + "/v1/verifications", files={"document": file}, timeout=30).json()["verdict"])


def uses(deployment: Deployment, trail_from: int) -> list[tuple[str, str]]:
    return [entry for entry in deployment.trail(deployment.made["seal_id"])[trail_from:] if entry[0] == "seal.use"]


@pytest.fixture(scope="module")
def survivor(deployment: Deployment) -> Iterator[Served]:
    """A server that lives on while others beside it, on the same deployment, are killed."""
    with deployment.serve() as served:
        yield served


@pytest.mark.parametrize("step", [f"seal-document.{step}" for step in DOCUMENT_STEPS] + [f"sign-digest.{step}" for step in DIGEST_STEPS])
def test_killed_at_any_step_nothing_signed_is_off_the_record_and_the_key_gives_one_result(
    deployment: Deployment, survivor: Served, step: str
) -> None:
    act = seal_document if step.startswith("seal-document") else seal_digest
    before = len(deployment.trail(deployment.made["seal_id"]))
    uses_before = deployment.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'")[0][0]
    with deployment.serve(beside=True, YINXIN_FAIL_AT=step) as dying:
        with pytest.raises(httpx.TransportError):
            act(dying, step)
        assert dying.process.wait(30) == -9

    # What may have been signed is on record as intended, before anybody cleans up.
    after_death = uses(deployment, before)
    if step.endswith("prepared"):
        assert after_death == []
    else:
        assert after_death[0] == ("seal.use", "intended")

    # The retry with the same key, at once, at the surviving server, gives one result.
    first, again = act(survivor, step), act(survivor, step)
    assert first.status_code == 200, first.text
    assert first.headers["seal-use"] == again.headers["seal-use"]
    assert first.content == again.content
    assert ("idempotent-replay" in first.headers) is step.endswith("recorded")
    assert deployment.rows("SELECT count(*) FROM seal_uses WHERE state = 'intent'") == [(0,)]
    assert deployment.rows("SELECT count(*) FROM seal_uses WHERE state = 'done'") == [(uses_before + 1,)]
    trail = [outcome for _, outcome in uses(deployment, before)]
    assert trail.count("done") == 1
    assert trail.count("intended") == trail.count("done") + trail.count("voided")


@pytest.mark.parametrize("step", MAKING_STEPS)
def test_killed_while_making_a_seal_the_key_makes_one_seal(deployment: Deployment, survivor: Served, step: str) -> None:
    def make(served: Served) -> httpx.Response:
        with served.client() as client:
            body = {"organisation": "断电试验单位（样例）", "credit_code": "12990000YX0000008K"}
            return client.post("/v1/seals", json=body, headers={"idempotency-key": f"make-{step}"})

    active = "SELECT count(*) FROM seal_seals WHERE state = 'active'"
    [(before,)] = deployment.rows(active)
    with deployment.serve(beside=True, YINXIN_FAIL_AT=f"make-seal.{step}") as dying, pytest.raises(httpx.TransportError):
        make(dying)
    first, again = make(survivor), make(survivor)
    assert first.status_code == again.status_code == 201, first.text
    assert first.json()["id"] == again.json()["id"]
    assert deployment.rows(active) == [(before + 1,)]
    assert deployment.rows("SELECT count(*) FROM seal_seals WHERE state = 'making'") == [(0,)]


def test_a_start_ends_what_a_dead_process_left(deployment: Deployment, survivor: Served) -> None:
    with survivor.halted():  # nobody is awake to sweep
        with deployment.serve(beside=True, YINXIN_FAIL_AT="seal-document.stored") as dying, pytest.raises(httpx.TransportError):
            seal_document(dying)
        intents = "SELECT count(*) FROM seal_uses WHERE state = 'intent'"
        assert deployment.rows(intents) == [(1,)]
        with deployment.serve(beside=True, YINXIN_FAIL_AT="revoke-certificate.revoked") as dying, dying.client() as client:
            assert deployment.rows(intents) == [(0,)]
            made = client.post("/v1/seals", json={"organisation": "断电试验单位（样例）", "credit_code": "12990000YX0000008K"}).json()
            etag = client.get(f"/v1/seals/{made['id']}").headers["etag"]
            with pytest.raises(httpx.TransportError):
                client.post(f"/v1/seals/{made['id']}/cancel", json={"reason": "test"}, headers={"if-match": etag})
            assert dying.process.wait(30) == -9
        cancelled = f"SELECT state, is_certificate_revoked FROM seal_seals WHERE id = '{made['id']}'"
        assert deployment.rows(cancelled) == [("cancelled", 0)]
        with deployment.serve(beside=True):
            assert deployment.rows(cancelled) == [("cancelled", 1)]


@pytest.mark.parametrize("table", ["kit_audit", "seal_uses", "kit_idempotency"])
def test_a_failing_insert_signs_nothing_and_leaves_no_trace(deployment: Deployment, table: str) -> None:
    with deployment.serve(beside=True) as served:
        assert seal_digest(served).status_code == 200
        count = "SELECT count(*) FROM seal_uses"
        before = deployment.rows(count)
        deployment.sql(f"CREATE TRIGGER planted BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'planted'); END")
        try:
            for act in (seal_document, seal_digest):
                answer = act(served, f"insert-{table}-{act.__name__}")
                assert answer.status_code == (503 if table == "kit_audit" else 500)
                assert "planted" not in answer.text
            assert deployment.rows(count) == before
            assert verify(served) == "valid"
        finally:
            deployment.sql("DROP TRIGGER planted")
        for act in (seal_document, seal_digest):
            assert act(served, f"insert-{table}-{act.__name__}").status_code == 200


@pytest.mark.parametrize("act", [seal_document, seal_digest], ids=["document", "digest"])
def test_when_only_the_last_entry_cannot_be_written_nothing_is_released(deployment: Deployment, act: object) -> None:
    assert callable(act)
    with deployment.serve(beside=True) as served:
        before = len(deployment.trail(deployment.made["seal_id"]))
        deployment.sql(
            'CREATE TRIGGER planted BEFORE INSERT ON kit_audit WHEN instr(NEW.entry, \'"outcome":"intended"\') = 0 '
            "AND NEW.action = 'seal.use' BEGIN SELECT RAISE(ABORT, 'planted'); END"
        )
        try:
            answer = act(served)
            assert (answer.status_code, answer.json()["code"]) == (503, "AUDIT_UNAVAILABLE")
            assert answer.headers["retry-after"]
        finally:
            deployment.sql("DROP TRIGGER planted")
        assert uses(deployment, before) == [("seal.use", "intended")]  # what was signed, and lost, is on record
    with deployment.serve(beside=True):
        assert uses(deployment, before) == [("seal.use", "intended"), ("seal.use", "voided")]


def test_a_blocked_audit_trail_refuses_sealing_and_lets_verifying_be(deployment: Deployment) -> None:
    with deployment.serve(beside=True) as served:
        served.token()  # which is on record as well, so that none would be issued later
        deployment.sql("CREATE TRIGGER planted BEFORE INSERT ON kit_audit BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        try:
            for act in (seal_document, seal_digest):
                answer = act(served)
                assert (answer.status_code, answer.json()["code"]) == (503, "AUDIT_UNAVAILABLE")
                assert int(answer.headers["retry-after"]) >= 1
            assert verify(served) == "valid"
        finally:
            deployment.sql("DROP TRIGGER planted")
        assert seal_document(served).status_code == 200


def test_nothing_secret_is_in_the_log_of_the_server(deployment: Deployment) -> None:
    with deployment.serve(beside=True) as served:
        assert seal_digest(served).status_code == 200
    log = (deployment.folder / "server.log").read_text(encoding="utf-8")
    assert log
    assert deployment.made["client_secret"] not in log
    assert "PRIVATE KEY" not in log
    assert DIGEST["digest"] not in log
    with suppress(FileNotFoundError):
        assert (deployment.folder / "master.key").read_text(encoding="ascii").strip() not in log
