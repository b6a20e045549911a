"""A batch over HTTP, through the death of the server in the middle of it."""

from __future__ import annotations

import io
import time
import zipfile
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


def test_an_archive_of_documents_becomes_an_archive_of_results(deployment: Deployment) -> None:
    packed = io.BytesIO()
    with deployment.serve(beside=True) as served, served.client() as client:
        with zipfile.ZipFile(packed, "w") as archive:
            for name in ("甲.pdf", "乙.pdf"):
                archive.writestr(name, document(served))
        seal = f"/v1/seals/{deployment.made['seal_id']}"
        paths = {
            client.post(f"{seal}/batches", json={"timestamp": False}, headers={"idempotency-key": "batch-1"}).headers["location"]
            for _ in range(2)
        }
        [path] = paths
        for _ in range(2):
            added = client.post(f"{path}/archives", files={"archive": ("all.zip", packed.getvalue())}, headers={"idempotency-key": "zip-1"})
            assert (added.status_code, added.json()) == (201, {"first": 1, "last": 2}), added.text
        assert code(client.post(f"{path}/archives", files={"archive": ("no.zip", b"no")})) == (422, "BATCH_ARCHIVE_UNACCEPTABLE")
        assert code(client.get(f"{path}/results")) == (409, "BATCH_STATE_CONFLICT")
        client.post(f"{path}/start")
        progress(client, path, "done")
        first = client.get(f"{path}/results", params={"limit": 1})
        rest = client.get(f"{path}/results", params={"after": first.headers["next-after"]})
        assert "next-after" not in rest.headers
        names = []
        for answer in (first, rest):
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                names += archive.namelist()
                sealed = archive.read(archive.namelist()[0])
                verdict = client.post("/v1/verifications", files={"document": ("1.pdf", sealed)}).json()["verdict"]
                assert verdict == "valid"
        assert names == ["00001-甲.pdf", "report.json", "00002-乙.pdf", "report.json"]
