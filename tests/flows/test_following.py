"""Two served deployments, one of which follows the other by itself: over HTTP, with a key, killed at every step."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import idp.service
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_registration import set_registration
from idp.model.registrations import CREDENTIALS, Registration
from tests.deployments import Server, free_port, make_deployment, yinxin
from tests.flows.served import Deployment
from tests.flows.served import make_deployment as make_demonstration
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STEPS = ("paged", "fetched", "refused", "applied", "surveyed", "reconciled")
WAIT_SECONDS = 90.0


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


@pytest.fixture
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The directory that is followed, with nobody in it: served all the time."""
    port = free_port()
    folder = make_deployment(tmp_path_factory.mktemp("source") / "deployment", services=["idp"], base_url=f"http://127.0.0.1:{port}")
    with Server(folder, port) as running:
        yield running


@pytest.fixture
def follower(tmp_path: Path) -> Deployment:
    """A demonstration, which may reach this machine, and has nobody of the other's."""
    return make_demonstration(tmp_path / "deployment")


def bring(source: Server, tmp_path: Path, name: str, count: int, *, login: str = "") -> None:
    """People for the source, by an import there."""
    rows = [f"{name}-{number},测试{name}{number},{login if number == 0 else ''}" for number in range(count)]
    file = tmp_path / f"{name}.csv"
    file.write_text("source_id,name,login\n" + "\n".join(rows), encoding="utf-8")
    yinxin("account", "import", str(file), "--dir", str(source.folder), "--source", "hr")


def declare(follower: Deployment, source: Server, tmp_path: Path, code: str, *further: str, secret: str = "") -> dict[str, Any]:
    file = tmp_path / f"{code}.toml"
    lines = [f'code = "{code}"', 'protocol = "feed"', f'base_url = "{source.url}"', f'client_id = "{code}"', "interval_seconds = 5"]
    file.write_text("\n".join((*lines, *further)), encoding="utf-8")
    words = ["account", "follow", "add", str(file), "--dir", str(follower.folder), "--json"]
    if secret:
        (tmp_path / "secret").write_text(secret, encoding="utf-8")
        words += ["--secret-file", str(tmp_path / "secret")]
    return dict(json.loads(yinxin(*words).stdout))


def register(source: Server, client_id: str) -> str:
    house = open_house(open_deployment(source.folder))
    try:
        desk = idp.service.client_desk(house.context)
        return register_client(desk, NewClient(client_id, ("directory.read",), client_id=client_id), actor="test")[1]
    finally:
        house.close()


def followed(follower: Deployment, code: str) -> list[tuple[int, int]]:
    """(uversion, how many accounts have it), of those that the source brought."""
    rows = follower.rows(f"SELECT uversion, count(*) FROM idp_accounts WHERE origin = 'follow:{code}' GROUP BY uversion")
    return [(row[0], row[1]) for row in rows]


def state(follower: Deployment, code: str) -> dict[str, Any]:
    listed = json.loads(yinxin("account", "follow", "list", "--dir", str(follower.folder), "--json").stdout)
    return dict(next(each for each in listed["sources"] if each["code"] == code))


def test_it_follows_by_itself_and_operators_see_how_far(source: Server, follower: Deployment, tmp_path: Path) -> None:
    secret = register(source, "city")
    bring(source, tmp_path, "first", 7)
    view = declare(follower, source, tmp_path, "city", secret=secret)
    assert secret not in json.dumps(view)
    with follower.serve(workers=2) as served:
        wait_for(lambda: followed(follower, "city") == [(1, 7)])
        bring(source, tmp_path, "second", 3)
        wait_for(lambda: followed(follower, "city") == [(1, 10)])
        wait_for(lambda: httpx.get(served.url + "/readyz", timeout=30).status_code == 200)
        ready = httpx.get(served.url + "/readyz", timeout=30).json()
        shown = json.dumps(ready)
        assert "idp_followed_sources" in shown
        assert "city_lag_seconds" in shown
        assert 'jobs_total{job="followed-sources",outcome="done"}' in httpx.get(served.url + "/metrics", timeout=30).text
        with served.client() as client:
            one = client.get("/v1/followed-sources/city")
            assert one.status_code == 200, one.text
            assert (one.json()["last_error"], one.json()["subjects"]) == ("", {"applied": 10})
            assert client.post("/v1/followed-sources/city/reconcile").status_code == 202
            wait_for(lambda: client.get("/v1/followed-sources/city").json()["report"] is not None)
            assert client.get("/v1/followed-sources").json()["sources"][0]["report"]["differing"] == 0
            assert client.post("/v1/followed-sources/city/pull").status_code == 202
            assert client.post("/v1/followed-sources/nobody/pull").status_code == 404
            stated = {"code": "other", "protocol": "scim", "base_url": "https://192.0.2.1", "client_secret": "x"}
            refused = client.post("/v1/followed-sources", json=stated)
            assert (refused.status_code, refused.json()["code"]) == (422, "OUTBOUND_REFUSED")
            stated["base_url"] = source.url
            assert client.post("/v1/followed-sources", json=stated).status_code == 201
            assert client.delete("/v1/followed-sources/other").status_code == 204
            assert client.delete("/v1/followed-sources/other").status_code == 404
    done = yinxin("account", "follow", "reconcile", "city", "--dir", str(follower.folder), "--json")
    assert json.loads(done.stdout)["known"] == {"applied": 10}
    assert "applied" in yinxin("account", "follow", "reconcile", "city", "--dir", str(follower.folder)).stdout
    bring(source, tmp_path, "third", 1)
    assert json.loads(yinxin("account", "follow", "pull", "city", "--dir", str(follower.folder), "--json").stdout)["counts"] == {
        "created": 1
    }
    assert "nothing new" in yinxin("account", "follow", "pull", "city", "--dir", str(follower.folder)).stdout
    assert yinxin("account", "follow", "list", "--dir", str(follower.folder)).stdout.count("city") == 1
    assert "city" in yinxin("account", "follow", "remove", "city", "--dir", str(follower.folder)).stdout
    gone = yinxin("account", "follow", "pull", "city", "--dir", str(follower.folder), check=False)
    assert gone.returncode == 1
    assert "SOURCE_NOT_FOUND" in gone.stderr


def test_with_a_key_that_never_leaves(source: Server, follower: Deployment, tmp_path: Path) -> None:
    view = declare(follower, source, tmp_path, "keyed")
    key = view["public_jwk"]
    assert key["kty"] == "EC"
    assert "d" not in key
    bring(source, tmp_path, "keyed", 2)
    refused = yinxin("account", "follow", "pull", "keyed", "--dir", str(follower.folder), check=False)
    assert "SOURCE_UNREACHABLE" in refused.stderr
    assert state(follower, "keyed")["last_error"] == "SOURCE_UNREACHABLE"
    register(source, "keyed")
    house = open_house(open_deployment(source.folder))
    try:
        registration = Registration("keyed", grant_types=(CREDENTIALS,), token_endpoint_auth_method="private_key_jwt", jwks=(key,))
        set_registration(idp.service.client_desk(house.context), registration, actor="test")
    finally:
        house.close()
    done = json.loads(yinxin("account", "follow", "pull", "keyed", "--dir", str(follower.folder), "--json").stdout)
    assert done["counts"]["created"] >= 2


@pytest.fixture
def taken(follower: Deployment, tmp_path: Path) -> str:
    """A login name that somebody at the follower has."""
    file = tmp_path / "own.csv"
    file.write_text("source_id,name,login\nown,本地,taken\n", encoding="utf-8")
    yinxin("account", "import", str(file), "--dir", str(follower.folder), "--source", "own")
    return "taken"


def test_killed_at_any_step_nothing_is_lost_or_done_twice(source: Server, follower: Deployment, taken: str, tmp_path: Path) -> None:
    """The steps one after the other at one follower, each with people it has not seen."""
    secret = register(source, "killed")
    bring(source, tmp_path, "k0", 2)
    declare(follower, source, tmp_path, "killed", secret=secret)
    yinxin("account", "follow", "pull", "killed", "--dir", str(follower.folder), "--json")
    ((_, known),) = followed(follower, "killed")
    for number, step in enumerate(STEPS, 1):
        bring(source, tmp_path, f"k{number}", 4, login=taken if step == "refused" else "")
        known += 3 if step == "refused" else 4
        if step in {"surveyed", "reconciled"}:
            follower.sql("UPDATE idp_followed_sources SET reconcile_at = 0")
        follower.sql("UPDATE idp_followed_sources SET next_at = 0, lease_until = 0")
        with follower.serve(lives=False, YINXIN_FAIL_AT=f"follow.{step}") as dying:
            assert dying.process.wait(WAIT_SECONDS) == -9, step
        follower.sql("UPDATE idp_followed_sources SET next_at = 0, lease_until = 0")  # instead of waiting for a minute
        with follower.serve():
            wait_for(lambda expected=known: followed(follower, "killed") == [(1, expected)])  # type: ignore[misc]
        assert len(follower.rows("SELECT conflict_id FROM idp_identity_conflicts")) == (1 if number >= 3 else 0), step
    done = yinxin("account", "follow", "reconcile", "killed", "--dir", str(follower.folder), "--json", check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 1, "somebody is in doubt"
    assert report["known"] == {"applied": known, "refused SOURCE_SUBJECT_IN_DOUBT": 1}
    created = follower.rows("SELECT count(*) FROM kit_audit WHERE action = 'account.create' AND CAST(entry AS TEXT) LIKE '%source:killed%'")
    assert created[0][0] == known
