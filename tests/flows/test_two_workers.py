"""Two worker processes at odds: a freeze while both seal, and two that make seals at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.flows.test_faults import seal_digest, seal_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flows.served import Deployment, Served


@pytest.fixture(scope="module")
def workers(deployment: Deployment) -> Iterator[Served]:
    """The demonstration, served by two processes."""
    with deployment.serve(beside=True, workers=2) as running:
        yield running


def test_a_freeze_holds_for_the_next_request_in_every_worker(deployment: Deployment, workers: Served) -> None:
    seal_id = deployment.made["seal_id"]
    with workers.client() as client:
        for _ in range(3):
            assert client.post(f"/v1/seals/{seal_id}/freeze", json={"reason": "test"}).status_code == 200
            answers = [seal_digest(workers) for _ in range(12)]  # a connection each, so that both workers are met
            assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(409, "SEAL_NOT_ACTIVE")}
            assert client.post(f"/v1/seals/{seal_id}/unfreeze", json={"reason": "test"}).status_code == 200
            assert {seal_digest(workers).status_code for _ in range(12)} == {200}


def test_nothing_is_released_behind_a_freeze(deployment: Deployment, workers: Served) -> None:
    """Two workers seal as fast as they can while the seal is frozen: no released use stands behind the freeze or is dated after it."""
    seal_id = deployment.made["seal_id"]
    with workers.client() as client, ThreadPoolExecutor(8) as pool:
        before = len(deployment.trail(seal_id))
        running = [pool.submit(seal_digest if number % 2 else seal_document, workers) for number in range(48)]
        time.sleep(0.3)
        assert client.post(f"/v1/seals/{seal_id}/freeze", json={"reason": "race"}).status_code == 200
        answers = [future.result() for future in running]
        released = [answer for answer in answers if answer.status_code == 200]
        assert {answer.json()["code"] for answer in answers if answer.status_code != 200} <= {"SEAL_NOT_ACTIVE"}
        trail = deployment.trail(seal_id)[before:]
        frozen = trail.index(("seal.freeze", "done"))
        assert trail[:frozen].count(("seal.use", "done")) == len(released)
        assert not {("seal.use", "done"), ("seal.use", "intended")} & set(trail[frozen:])
        late = (
            "SELECT count(*) FROM seal_uses u JOIN seal_seals s ON s.id = u.seal_id "
            f"WHERE s.id = '{seal_id}' AND u.state = 'done' AND u.finished_at > s.state_at"
        )
        found = deployment.rows(late)
        assert client.post(f"/v1/seals/{seal_id}/unfreeze", json={"reason": "race over"}).status_code == 200
    assert found == [(0,)]


def test_codes_stay_unique_while_two_workers_make_seals(workers: Served) -> None:
    with ThreadPoolExecutor(8) as pool:

        def make(_: int) -> str:
            with workers.client() as client:
                body = {"organisation": "并发试验单位（样例）", "credit_code": "12990000YX0000008K"}
                return str(client.post("/v1/seals", json=body).json()["code"])

        codes = list(pool.map(make, range(16)))
    assert len(set(codes)) == 16
