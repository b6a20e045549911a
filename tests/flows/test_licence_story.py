"""A licence from its issuing to its revocation, over HTTP: the citizen shows it, an office uses an annotated copy, and strangers find out what
it is worth, with the server and without any. docs/explanation/licence-story.md tells it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind
from tests.deployments import yinxin
from tests.idp.people import PASSWORD, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.region_simulator import RegionSimulator, open_simulator, served_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.flows.served import Deployment, Served

ISSUER = "12990000YX0000008K"  # the demonstration's
TYPE = "11150700MB1234562Q902"
TODAY = datetime.now(timezone(timedelta(hours=8))).date()
ORDER = {
    "type": TYPE,
    "issuer": ISSUER,
    "holders": [{"name": "张三（示例）", "code": "11010519491231002X", "code_type": "111"}],
    "fields": {"KZ_place": "示例街2号", "KZ_format": "餐饮服务经营者", "KZ_items": "热食类食品制售", "KZ_person": "示例甲"},
    "valid_from": TODAY.isoformat(),
    "valid_to": (TODAY + timedelta(days=5 * 365 + 1)).isoformat(),  # of five years one or two are leap years; either way it is their term
    "forms": ["pdf", "ofd"],
}


@pytest.fixture(scope="module")
def region(deployment: Deployment) -> Iterator[RegionSimulator]:
    """What collects the region's licences, on loopback."""
    with served_simulator(open_simulator(deployment.folder)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def served(deployment: Deployment, region: RegionSimulator) -> Iterator[Served]:
    """The demonstration as its neighbours know it, but reporting to the region."""
    settings = deployment.folder / "settings.toml"
    plain = settings.read_text(encoding="utf-8")
    settings.write_text(f'{plain}\n[collector]\nurl = "{region.url}"\nnetworks = ["127.0.0.0/8"]\n', encoding="utf-8")
    try:
        with deployment.serve() as running:
            yield running
    finally:
        settings.write_text(plain, encoding="utf-8")


@pytest.fixture(scope="module")
def department(served: Served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@dataclass
class Outside:
    """A running server as a browser finds it: each request for itself. ``house``: the deployment's own tables, for what its staff enters."""

    url: str
    house: Any

    @property
    def http(self) -> Outside:
        return self

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, timeout=60, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("POST", path, **arguments)


@pytest.fixture(scope="module")
def citizen(served: Served, deployment: Deployment) -> Iterator[httpx.Client]:
    """Who proved his number at a counter, signed in, calling by the app of the city."""
    house = open_house(open_deployment(deployment.folder))
    try:
        clients = Clients(settle(cast("Any", Outside(served.url, house)), Registered()))
        clients.add(replace(BASE, client_id="cityapp", person_scopes=("licence.own",)))
        now = clients.town.desk.clock.now()
        numbers = (Identifier(IdentifierKind.LOGIN, "zhangsan"), Identifier(IdentifierKind.RESIDENT_ID, "11010519491231002X", now))
        proof = (Evidence("ev_zhangsan", "counter", "Demo hall", 3, now),)
        made = create_account(clients.town.desk, NewAccount(AccountKind.PERSON, "张三（示例）", numbers, evidence=proof), actor="test")
        set_password(clients.town.desk, made.account_id, PASSWORD, actor="test")
        browser = Browser(cast("Any", clients.town.here))
        browser.authorize("cityapp", scope="openid licence.own")
        browser.log_in("zhangsan")
        token = clients.redeem(browser.returned["code"], "cityapp").json()["access_token"]
    finally:
        house.close()
    with httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def office(served: Served, department: httpx.Client) -> Iterator[httpx.Client]:
    """Another department's system, which may see licences of this type where their holders agree."""
    client_id, secret = served.new_client("registry", "licence.use")
    permission = {"modes": ["consented"], "rights": ["query"], "reason": "数据共享协议（样例）"}
    assert department.put(f"/v1/licence-sharing/{client_id}/{TYPE}", json=permission).status_code == 200
    with served.client(client_id, secret) as client:
        yield client


def verified(client: httpx.Client, content: bytes, name: str, **fields: str) -> dict[str, Any]:
    answer = client.post("/v1/verifications", files={"document": (name, content)}, data=fields)
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


def reconciled(department: httpx.Client, *, repair: bool = False) -> list[tuple[str, str]]:
    """What the region has otherwise than we do, once nothing is on its way any more."""
    wait_for(lambda: department.get("/v1/licence-reporting").json()["waiting"] == 0)
    answer = department.post("/v1/licence-reconciliations", json={"repair": repair})
    assert answer.status_code == 200, answer.text
    return [(each["kind"], each["key"]) for each in answer.json()["findings"]]


def test_a_licence_is_issued_shown_copied_verified_and_revoked(
    deployment: Deployment, department: httpx.Client, citizen: httpx.Client, office: httpx.Client, region: RegionSimulator, tmp_path: Path
) -> None:
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
    # and whether it is held by whom he has before him, whose name and code are told nobody
    (holder,) = licence["data"]["holders"]
    for form, file in files.items():
        for name, code, found in (
            (holder["name"], holder["code"], "valid"),
            ("别名四", holder["code"], "invalid"),
            (holder["name"], "110105194912310099", "invalid"),
        ):
            report = verified(department, file.read_bytes(), f"l.{form}", holder_name=name, holder_code=code)
            assert (report["verdict"], questions(report)) == (found, GOOD | {"holder": found})
            offline = judged_offline(deployment, tmp_path, file, "--holder-name", name, "--holder-code", code)
            assert (offline["verdict"], questions(offline)) == (found, questions(report))
            said_of_him = json.dumps(next(each for each in report["questions"] if each["name"] == "holder"), ensure_ascii=False)
            assert not any(each in said_of_him for each in (name, code, holder["name"], holder["code"]))
    log = (deployment.folder / "server.log").read_text(encoding="utf-8")
    assert not any(each in log for each in ("别名四", "110105194912310099"))
    time.sleep(1)  # times are asked for in whole seconds: the one asked for later must not lie before what was just found
    valid_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    # 3. One byte changed: invalid, whatever the rest says
    changed = bytearray(files["pdf"].read_bytes())
    changed[changed.index(b"stream") + 20] ^= 1
    assert verified(department, bytes(changed), "l.pdf")["verdict"] == "invalid"

    # 4. The citizen shows it: the office scans, sees little, and all of it once he has agreed
    shown = citizen.post("/v1/my/showings", json={"licence": licence["id"]}).json()
    scan = {"code": shown["code"], "reason": "办理变更登记（样例）"}
    masked = office.post("/v1/showings/scan", json=scan)
    assert (masked.status_code, masked.json()["data"]["holders"][0]["name"]) == (200, "张****")
    asked = citizen.get(f"/v1/my/showings/{shown['id']}")
    assert asked.json()["reason"] == scan["reason"]
    assert citizen.post(f"/v1/my/showings/{shown['id']}/agree", headers={"if-match": asked.headers["etag"]}).status_code == 200
    assert office.post(f"/v1/showings/{shown['id']}/view").json()["data"] == licence["data"]

    # 5. He hands in an annotated copy: good for what it says, and no original
    wish = {"made_by": "示例区登记窗口", "reason": "办理变更登记（样例）", "until": (datetime.now(UTC) + timedelta(days=7)).isoformat()}
    handed_in = citizen.post(f"/v1/my/licences/{licence['id']}/copies", json=wish)
    assert handed_in.status_code == 201, handed_in.text
    files["copy"] = tmp_path / "copy.pdf"
    files["copy"].write_bytes(handed_in.content)
    report = verified(office, handed_in.content, "copy.pdf")
    assert (report["verdict"], questions(report)) == ("valid", GOOD | {"copy": "valid"})
    as_ofd = citizen.post(f"/v1/my/licences/{licence['id']}/copies", json=wish | {"form": "ofd"})
    report = verified(office, as_ofd.content, "copy.ofd")
    assert (report["verdict"], questions(report)) == ("valid", GOOD | {"copy": "valid"})
    said = next(each for each in report["questions"][-1]["steps"] if each["code"] == "LICENCE_COPY_FOR")
    assert "示例区登记窗口" in said["detail"]
    assert "no original" in said["detail"]
    later = (datetime.now(UTC) + timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    over = office.post("/v1/verifications", files={"document": ("copy.pdf", handed_in.content)}, data={"at": later}).json()
    assert (over["verdict"], questions(over)["copy"]) == ("invalid", "invalid")
    for wanted, copy_verdict in (((), "valid"), (("--original",), "invalid")):
        report = judged_offline(deployment, tmp_path, files["copy"], *wanted)
        assert (report["verdict"], questions(report)) == (copy_verdict, GOOD | {"copy": copy_verdict})

    # 6. The department revokes, with a reason, the licence as it saw it
    # In a later second than the one asked for afterwards: a list is of a whole second, and counts from its beginning
    time.sleep(1)
    path = f"/v1/licences/{licence['id']}"
    assert department.post(f"{path}/revoke", json={"reason": "违规经营（样例）"}).status_code == 428
    seen = department.get(path).headers["etag"]
    revoked = department.post(f"{path}/revoke", json={"reason": "违规经营（样例）"}, headers={"if-match": seen})
    assert revoked.status_code == 200, revoked.text
    assert revoked.json()["state"] == "revoked"

    # 7. And the stranger's check says so of licence and copy, while they were good before; of a revoked one there is no copy any more
    wait_for(lambda: verified(department, files["pdf"].read_bytes(), "l.pdf")["verdict"] == "invalid")
    for form, file in files.items():
        for report in (verified(department, file.read_bytes(), f"l.{form}"), judged_offline(deployment, tmp_path, file)):
            more = {"copy": "valid"} if form == "copy" else {}
            assert (report["verdict"], questions(report)) == ("invalid", GOOD | {"status": "invalid"} | more)
    assert citizen.post(f"/v1/my/licences/{licence['id']}/copies", json=wish).json()["code"] == "LICENCE_STATE_CONFLICT"
    then = department.post("/v1/verifications", files={"document": ("l.pdf", files["pdf"].read_bytes())}, data={"at": valid_at})
    assert questions(then.json())["status"] == "valid"
    events = [each["event"] for each in department.get(f"{path}/events").json()["events"]]
    assert events == ["made", "issued", "revoked"]

    # 8. The region was told of both, and of nothing else; it has it as we do
    wait_for(lambda: any(licence["identifier"] in key and ":revoked:" in key for key in list(region.kept)))
    assert reconciled(department) == []
    told = {key.split(":")[2]: kept for key, kept in region.kept.items() if key.startswith(licence["identifier"])}
    assert sorted(told) == ["issued", "revoked"]
    assert told["issued"].record["certificate_identifier"] == licence["identifier"]

    # 9. One record is lost there, and one says something else: both are found, sent again, and it has it as we do once more
    issued, other = (next(key for key, kept in region.kept.items() if kept is each) for each in (told["issued"], told["revoked"]))
    del region.kept[issued]
    region.kept[other].digest = "00" * 32
    assert sorted(reconciled(department, repair=True)) == sorted([("missing", issued), ("altered", other)])
    assert reconciled(department) == []
    assert region.kept[issued].digest == told["issued"].digest


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
