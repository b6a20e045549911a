"""A directory that follows a SCIM server of others (scim2-server), over the real way out."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from idp.actions.follow_desk import FollowDesk, add_source
from idp.actions.follow_directory import follow_source
from idp.connectors import followed_scim
from idp.model.follow import read_source
from idp.model.people import AccountStatus, IdentifierKind
from service_kit.outbound import Outbound, read_networks
from tests.deployments import free_port
from tests.idp.following import Towns, served_towns
from tests.optional import PROJECT, need

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = PROJECT / ".tooling" / "scim2-server" / "bin" / "scim2-server"
TOKEN = "a-token-of-the-test"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[httpx.Client]:
    """It, with nobody in it."""
    need("scim2-server", SERVER.exists(), "install requirements-scim2-server.lock in .tooling/scim2-server")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "scim.log").open("wb") as log:
        process = subprocess.Popen([str(SERVER), "--port", str(port), "--bearer-token", TOKEN], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=30) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    if client.get("/ServiceProviderConfig").status_code < 500:
                        break
                except httpx.TransportError:
                    pass
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((tmp_path / "scim.log").read_text(encoding="utf-8"))
                time.sleep(0.05)
            yield client
    finally:
        process.kill()
        process.wait(30)


@pytest.fixture
def towns(tmp_path: Path) -> Iterator[Towns]:
    with served_towns(tmp_path, "b") as made:
        yield made


def test_scim2_server_is_followed(server: httpx.Client, towns: Towns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_scim, "PAGE", 2)

    def create(login: str, name: str, **further: Any) -> str:
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": login, "displayName": name, "active": True}
        answer = server.post("/Users", json={**body, **further})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def patch(user: str, path: str, value: object) -> None:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
        answer = server.patch(f"/Users/{user}", json={**body, "Operations": [{"op": "replace", "path": path, "value": value}]})
        assert answer.status_code in {200, 204}, answer.text

    def tell() -> dict[str, int]:
        return {name: count for name, count in follow_source(desk, "foreign").counts.items() if count}

    users = [
        create(f"user{number}", f"测试{number}", emails=[{"value": f"{number}@x.example", "type": "work", "primary": True}])
        for number in range(5)
    ]
    desk = FollowDesk(towns["b"].desk, Outbound(read_networks(["127.0.0.0/8"])), towns["b"].here.house.context.keystore)
    stated = {"code": "foreign", "protocol": "scim", "base_url": str(server.base_url).rstrip("/"), "client_secret": TOKEN}
    add_source(desk, read_source(stated), actor="test")
    assert tell() == {"created": 5}
    assert tell() == {}
    first = towns.found("b", "foreign", f"Users/{users[0]}")
    assert first is not None
    assert first.name == "测试0"
    assert {each.kind: each.value for each in first.identifiers if each.kind is not IdentifierKind.UPSTREAM} == {
        IdentifierKind.LOGIN: "user0",
        IdentifierKind.MAIL: "0@x.example",
    }
    patch(users[0], "displayName", "改名")
    patch(users[1], "active", False)
    assert tell() == {"changed": 2}
    changed, disabled = (towns.found("b", "foreign", f"Users/{each}") for each in users[:2])
    assert changed is not None
    assert disabled is not None
    assert changed.name == "改名"
    assert disabled.status is AccountStatus.DISABLED
    assert server.delete(f"/Users/{users[2]}").status_code == 204
    done = follow_source(desk, "foreign", reconcile=True)
    assert done.report is not None
    assert (done.report["ended"], done.report["known"]) == (1, {"applied": 4})
    gone = towns.found("b", "foreign", f"Users/{users[2]}")
    assert gone is not None
    assert gone.status is AccountStatus.DISABLED
