"""A batch over HTTP, through the death of the server in the middle of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.flows.test_first_thread import code, document

if TYPE_CHECKING:
    import httpx

    from tests.flows.served import Deployment

DOCUMENTS = 12


def progress(client: httpx.Client, path: str, until: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(600):
        found = client.get(path).json()
        if found["state"] == until:
            break
        time.sleep(0.1)
    return found


def test_a_batch_outlives_the_server(deployment: Deployment) -> None:
    seal = f"/v1/seals/{deployment.made['seal_id']}"
    with deployment.serve(beside=True) as served, served.client() as client:
        opened = client.post(f"{seal}/batches", json={"placement": {"page": 1, "x_mm": 150, "y_mm": 60}, "timestamp": True})
        assert opened.status_code == 201, opened.text
        path = opened.headers["location"]
        assert code(client.post(f"{path}/start")) == (409, "BATCH_STATE_CONFLICT")
        assert code(client.post(f"{seal}/batches", json={"placement": {"page": 1, "unknown": 2}}))[0] == 422
        original = document(served)
        for number in range(1, DOCUMENTS + 1):
            added = client.post(f"{path}/documents", files={"document": (f"{number}.pdf", original)})
            assert (added.status_code, added.json()["number"]) == (201, number), added.text
        started = client.post(f"{path}/start")
        assert (started.status_code, started.json()["state"]) == (202, "running")
        served.process.kill()
        served.process.wait(10)
    with deployment.serve(beside=True) as served, served.client() as client:
        done = progress(client, path, "done")
        assert (done["state"], done["sealed"], done["failed"]) == ("done", DOCUMENTS, 0)
        first = client.get(f"{path}/items", params={"limit": 5}).json()
        rest = client.get(f"{path}/items", params={"after": first["next_after"]}).json()
        items = first["items"] + rest["items"]
        assert [item["number"] for item in items] == list(range(1, DOCUMENTS + 1))
        assert len({item["seal_use"] for item in items}) == DOCUMENTS
        sealed = client.get(f"/v1/seal-uses/{items[0]['seal_use']}/result").content
        answer = client.post("/v1/verifications", files={"document": ("1.pdf", sealed)})
        assert answer.json()["verdict"] == "valid"
    ids = ", ".join(f"'{item['seal_use']}'" for item in items)
    assert deployment.rows(f"SELECT count(*) FROM seal_uses WHERE id IN ({ids}) AND state = 'done'") == [(DOCUMENTS,)]
