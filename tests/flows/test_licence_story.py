"""A licence from its issuing to its revocation, over HTTP, and what strangers find out about it: with the server, and without any."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.deployments import yinxin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.flows.served import Deployment, Served

ISSUER = "12990000YX0000008K"  # the demonstration's
TYPE = "11150700MB1234562Q902"
TODAY = datetime.now(timezone(timedelta(hours=8))).date()
ORDER = {
    "type": TYPE,
    "issuer": ISSUER,
    "holders": [{"name": "示例餐饮店（样例）", "code": "11150700MB1234562Q", "code_type": "001"}],
    "fields": {"KZ_place": "示例街2号", "KZ_format": "餐饮服务经营者", "KZ_items": "热食类食品制售", "KZ_person": "示例甲"},
    "valid_from": TODAY.isoformat(),
    "valid_to": (TODAY + timedelta(days=4 * 365)).isoformat(),
    "forms": ["pdf", "ofd"],
}


@pytest.fixture(scope="module")
def department(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def verified(client: httpx.Client, content: bytes, name: str) -> dict[str, Any]:
    answer = client.post("/v1/verifications", files={"document": (name, content)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def questions(report: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in report["questions"]}


def judged_offline(deployment: Deployment, folder: Path, file: Path, *more: str) -> dict[str, Any]:
    """As a stranger would, with nothing but the file and a trust list that was handed out."""
    trust = folder / "trust.json"
    yinxin("trust-list", "--dir", str(deployment.folder), "--out", str(trust))
    done = yinxin("verify", str(file), "--trust", str(trust), "--json", *more, check=False)
    (report,) = json.loads(done.stdout)["files"]
    assert done.returncode == {"valid": 0, "invalid": 1, "indeterminate": 2}[report["verdict"]]
    return dict(report)


def wait_for(check: Any) -> None:
    """The status lists are published by a job of the server."""
    until = time.monotonic() + 90
    while not check():
        assert time.monotonic() < until
        time.sleep(0.5)


GOOD = {"number": "valid", "content": "valid", "seal": "valid", "log": "valid", "status": "valid"}


def test_a_licence_is_issued_verified_and_revoked(served: Served, deployment: Deployment, department: httpx.Client, tmp_path: Path) -> None:
    # 1. The department issues; the same request again is the same licence
    key = {"idempotency-key": "story-1"}
    made = department.post("/v1/licences", json=ORDER, headers=key)
    assert made.status_code == 201, made.text
    licence = made.json()
    assert department.post("/v1/licences", json=ORDER, headers=key).json()["id"] == licence["id"]
    files = {}
    for form in ("pdf", "ofd"):
        answer = department.get(f"/v1/licences/{licence['id']}/files/{form}")
        assert answer.status_code == 200
        files[form] = tmp_path / f"licence.{form}"
        files[form].write_bytes(answer.content)

    # 2. A stranger's check, at the server and without any: good in every question
    wait_for(lambda: verified(department, files["pdf"].read_bytes(), "l.pdf")["verdict"] == "valid")
    for form, file in files.items():
        for report in (verified(department, file.read_bytes(), f"l.{form}"), judged_offline(deployment, tmp_path, file)):
            assert (report["verdict"], questions(report)) == ("valid", GOOD)
    valid_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    # 3. One byte changed: invalid, whatever the rest says
    changed = bytearray(files["pdf"].read_bytes())
    changed[changed.index(b"stream") + 20] ^= 1
    assert verified(department, bytes(changed), "l.pdf")["verdict"] == "invalid"

    # 4. The department revokes, with a reason, the licence as it saw it
    path = f"/v1/licences/{licence['id']}"
    assert department.post(f"{path}/revoke", json={"reason": "违规经营（样例）"}).status_code == 428
    seen = department.get(path).headers["etag"]
    revoked = department.post(f"{path}/revoke", json={"reason": "违规经营（样例）"}, headers={"if-match": seen})
    assert revoked.status_code == 200, revoked.text
    assert revoked.json()["state"] == "revoked"

    # 5. And the stranger's check says so, while it was good before
    wait_for(lambda: verified(department, files["pdf"].read_bytes(), "l.pdf")["verdict"] == "invalid")
    for form, file in files.items():
        for report in (verified(department, file.read_bytes(), f"l.{form}"), judged_offline(deployment, tmp_path, file)):
            assert (report["verdict"], questions(report)) == ("invalid", GOOD | {"status": "invalid"})
    then = department.post("/v1/verifications", files={"document": ("l.pdf", files["pdf"].read_bytes())}, data={"at": valid_at})
    assert questions(then.json())["status"] == "valid"
    events = [each["event"] for each in department.get(f"{path}/events").json()["events"]]
    assert events == ["made", "issued", "revoked"]


def test_a_licence_of_a_department_is_nobody_elses(served: Served, department: httpx.Client) -> None:
    """Of another department's licence one learns not even that it exists."""
    licence = department.get("/v1/licences", params={"issuer": ISSUER}).json()["licences"][0]
    client_id, secret = served.new_client("another department", "licence.read", "licence.issue")
    with served.client(client_id, secret) as other:
        for path in ("", "/events", "/files/pdf"):
            assert other.get(f"/v1/licences/{licence['id']}{path}").status_code == 404
        assert other.post(f"/v1/licences/{licence['id']}/revoke", json={"reason": "x"}, headers={"if-match": '"2"'}).status_code == 404
        refused = other.post("/v1/licences", json=ORDER)
        assert (refused.status_code, refused.json()["code"]) == (404, "LICENCE_ISSUER_NOT_FOUND")
