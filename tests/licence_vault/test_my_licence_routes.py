"""A holder's own view over HTTP; and no route of the vault, whatever id it is given, opens what is somebody else's."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

from licence_vault.model import SCOPES as LICENCE_SCOPES
from licence_vault.uses import SCOPES as USE_SCOPES
from licence_vault.wallets import SCOPES as WALLET_SCOPES
from tests.licence_vault.issuing_here import ISSUER
from tests.licence_vault.served import Office, office
from tests.licence_vault.test_use_routes import (
    JIA,
    OFFICER,
    SHARED,
    WHY,
    clerk,
    clients,
    consent,
    here,
    jia,
    licence,
    registry,
    served,
    signed_in,
    yii,
)

if TYPE_CHECKING:
    from tests.deployments import Here
    from tests.idp.test_code_flow import Clients

__all__ = ["clerk", "clients", "here", "jia", "licence", "registry", "served", "yii"]  # fixtures, each module's own


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in text.splitlines()]


def test_a_citizen_sees_his_licences_and_every_use_of_them(jia: Office, yii: Office, registry: Office, licence: dict[str, Any]) -> None:
    listed = jia.call("GET", "/v1/my/licences", status=200)
    assert listed.headers["cache-control"] == "no-store"
    masked = next(each for each in listed.json()["licences"] if each["id"] == licence["id"])
    assert (masked["data"]["holders"][0]["code"], masked["data"]["fields"]) == ("1****X", {"KZ_class": "甲级"})
    assert masked["field_names"]["KZ_class"] == "等级"
    whole = jia.call("GET", f"/v1/my/licences/{licence['id']}", status=200).json()
    assert jia.call("GET", f"/v1/my/licences/{licence['id']}?masked=true", status=200).json() == masked
    assert yii.refusal("GET", f"/v1/my/licences/{licence['id']}?masked=true", status=404)[0] == "LICENCE_NOT_FOUND"
    assert (whole["data"], whole["field_names"]) == (licence["data"], masked["field_names"])
    granted = jia.call("POST", "/v1/my/use-consents", consent(licence), status=201).json()
    registry.call("POST", "/v1/licence-use-codes/redeem", {"code": granted["code"], "purpose": WHY}, status=200)
    order = {"type": SHARED, "holder": {"code_type": "111", "code": JIA[1]}, "purpose": WHY, "officer": OFFICER}
    registry.call("POST", "/v1/licence-use-codes", order, status=201)
    page = jia.call("GET", "/v1/my/licence-uses?limit=1", status=200).json()
    assert {name: page["uses"][0][name] for name in ("client", "officer", "mode", "action", "reason", "outcome")} == {
        "client": "cl_office",
        "officer": OFFICER,
        "mode": "duty",
        "action": "code_granted",
        "reason": WHY,
        "outcome": "done",
    }
    named = jia.call("GET", "/v1/my/systems?client=cl_office&client=cl_nobody&client=portal&client=cl_office", status=200).json()["systems"]
    assert [each["client"] for each in named] == ["cl_office", "portal"]
    assert named[0]["name"] == "cl_office"
    assert registry.refusal("GET", "/v1/my/systems?client=portal", status=403)[0] == "SCOPE_MISSING"
    rest = jia.call("GET", f"/v1/my/licence-uses?before={page['next_before']}", status=200).json()["uses"]
    assert [each["action"] for each in rest[:2]] == ["queried", "code_granted"]
    whole_log = jia.call("GET", "/v1/my/licence-uses?own=true", status=200).json()["uses"]
    assert {each["action"]: each["is_own"] for each in whole_log if each["client"] != "cl_office"}["shown"] is True
    assert {each["is_own"] for each in whole_log if each["client"] == "cl_office" and each["action"] == "queried"} == {False}
    of_it = jia.call("GET", f"/v1/my/licence-uses?licence={licence['id']}", status=200).json()["uses"]
    assert {each["licence"] for each in of_it} == {licence["id"]}
    assert jia.call("GET", f"/v1/my/licence-uses?licence=lc_{'0' * 24}", status=200).json()["uses"] == []
    assert yii.call("GET", f"/v1/my/licence-uses?licence={licence['id']}", status=200).json()["uses"] == []
    assert yii.call("GET", "/v1/my/licences", status=200).json() == {"licences": [], "next_before": None}
    assert yii.call("GET", "/v1/my/licence-uses", status=200).json() == {"uses": [], "next_before": None}


def test_the_issuing_authority_sees_who_used_its_licence_but_no_names_of_others_officers(
    clerk: Office, jia: Office, registry: Office, licence: dict[str, Any]
) -> None:
    order = {"type": SHARED, "holder": {"code_type": "111", "code": JIA[1]}, "purpose": WHY, "officer": OFFICER}
    registry.call("POST", "/v1/licence-use-codes", order, status=201)
    jia.call("GET", f"/v1/my/licences/{licence['id']}", status=200)
    path = f"/v1/licences/{licence['id']}/uses"
    page = clerk.call("GET", f"{path}?limit=1", status=200).json()
    (use,) = page["uses"]
    assert (use["mode"], use["action"], use["reason"]) == ("duty", "code_granted", WHY)
    assert use["officer"] == OFFICER | {"name": ""}
    rest = clerk.call("GET", f"{path}?before={page['next_before']}&limit=200", status=200).json()
    assert rest["next_before"] is None
    assert all(each["mode"] != "own" and each["licence"] == licence["id"] for each in rest["uses"])


def test_everything_held_on_a_person_is_his_to_have(here: Here, jia: Office, yii: Office, licence: dict[str, Any]) -> None:
    answer = jia.call("GET", "/v1/my/licence-data", status=200)
    assert (answer.headers["content-type"].partition(";")[0], answer.headers["cache-control"]) == ("application/x-ndjson", "no-store")
    parts = lines(answer.text)
    assert next(each for each in parts if each["kind"] == "licence")["data"] == licence["data"]
    assert parts[-1] == {"kind": "end", "complete": True}
    assert {each["kind"] for each in lines(yii.call("GET", "/v1/my/licence-data", status=200).text)} <= {"use", "end"}
    keeper = office(here, "cl_keeper", "licence.export")
    body = {"holder": {"code_type": "111", "code": JIA[1]}, "reason": "本人书面申请"}
    assert lines(keeper.call("POST", "/v1/licence-data-exports", body, status=200).text)[0]["data"] == licence["data"]
    seen = jia.call("GET", "/v1/my/licence-uses?limit=1", status=200).json()["uses"][0]
    assert (seen["client"], seen["action"], seen["reason"]) == ("cl_keeper", "downloaded", "本人书面申请")
    keeper.call("POST", "/v1/licence-data-exports", body | {"reason": ""}, status=422)
    keeper.call("POST", "/v1/licence-data-exports", body | {"quiet": True}, status=422)
    for nobody in (jia, yii):
        assert nobody.refusal("POST", "/v1/licence-data-exports", body, status=403)[0] == "SCOPE_MISSING"


@pytest.fixture(scope="module")
def strangers(here: Here, clients: Clients) -> list[Office]:
    """A system with every scope of the vault that can be had without being an administrator, and a citizen: neither has to do with the licence."""
    scopes = tuple((LICENCE_SCOPES | USE_SCOPES | WALLET_SCOPES).keys() - {"licence.admin", "licence.export"})
    return [office(here, "cl_curious", *scopes), signed_in(clients, "yii")]


def test_no_route_that_takes_a_licence_opens_it_to_a_stranger(
    here: Here, clerk: Office, strangers: list[Office], licence: dict[str, Any]
) -> None:
    """Every operation on a licence, asked by its true id with a body that is right: nothing of it is told, and nothing is changed."""
    bodies: dict[str, dict[str, Any]] = {
        "copies": {"form": "pdf", "made_by": "某人", "reason": WHY},
        "erase": {"reason": "x"},
    }
    tried = 0
    for route in here.application.routes:
        if not isinstance(route, Route) or "{licence_id}" not in route.path:
            continue
        path = re.sub(r"\{[^}]*\}", "cp_" + "0" * 24, route.path.replace("{licence_id}", licence["id"]).replace("{form}", "pdf"))
        for method in (route.methods or set()) - {"HEAD"}:
            for stranger in strangers:
                content = {} if method == "GET" else {"json": bodies.get(path.rsplit("/", 1)[-1], {"reason": "x"})}
                answer = here.http.request(method, path, headers=stranger.headers | {"if-match": "*"}, **content)
                if path.startswith(("/my/", "/console/")):  # a page: tokens open none, it asks who it is
                    assert answer.headers["location"].startswith("/console/sign-in?to="), (method, path, answer.text)
                else:
                    assert answer.status_code in {403, 404, 422}, (method, path, answer.text)
                assert JIA[1] not in answer.text
                assert licence["data"]["number"] not in answer.text
                tried += 1
    assert tried >= 30

    assert clerk.call("GET", f"/v1/licences/{licence['id']}", status=200).json() == licence


OF_THE_VAULT = re.compile(r"/v1/(?:my/|licence|imported-licences|showings|foreign-licences)")
KINDS = re.compile(r"\{(\w+_id)\}")


@pytest.fixture(scope="module")
def things(here: Here, clerk: Office, jia: Office, registry: Office, licence: dict[str, Any]) -> dict[str, str]:
    """What is not a licence and somebody's all the same, each by the name that routes have for its id."""
    row = {name: licence["data"][name] for name in ("fields", "valid_from", "valid_to")} | {
        "holders": [{"name": "张三（示例）", "code": JIA[1], "code_type": "111"}]
    }

    def taken_in(path: str, **more: str) -> dict[str, Any]:
        rows = {"file": ("rows", json.dumps([row | more]).encode())}
        answer = here.http.post(path, headers=clerk.headers, data={"type": SHARED, "issuer": ISSUER, "format": "json"}, files=rows)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    batch = taken_in("/v1/licence-batches")["id"]
    taken_in("/v1/imported-licences", number="旧一")
    [imported] = clerk.call("GET", f"/v1/imported-licences?holder_code={JIA[1]}&holder_code_type=111", status=200).json()["imported"]
    showing = jia.call("POST", "/v1/my/showings", {"licence": licence["id"]}, status=201).json()
    registry.call("POST", "/v1/showings/scan", {"code": showing["code"], "reason": WHY, "officer": OFFICER}, status=200)
    etag = jia.call("GET", f"/v1/my/showings/{showing['id']}", status=200).headers["etag"]
    jia.call("POST", f"/v1/my/showings/{showing['id']}/agree", status=200, if_match=etag)
    agent = {"code_type": "111", "code": "110105194912310038"}
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    order = {"agent": agent, "type": SHARED, "until": until, "reason": WHY}
    entrustment = jia.call("POST", "/v1/my/licence-entrustments", order, status=201).json()["id"]
    question = {"types": [SHARED], "claims": [["licence_name"]], "purpose": WHY}
    asked = office(here, "cl_asker", "licence.presentation").call("POST", "/v1/licence-presentations", question, status=201).json()["id"]
    return {"batch_id": batch, "import_id": imported["id"], "showing_id": showing["id"], "entrustment_id": entrustment, "request_id": asked}


def test_no_route_that_takes_anything_else_opens_it_to_a_stranger(
    here: Here, clerk: Office, jia: Office, registry: Office, strangers: list[Office], things: dict[str, str], licence: dict[str, Any]
) -> None:
    """Every operation on what is somebody's: the answer is that of what is not there, and nothing is changed."""
    batch, entrusted = f"/v1/licence-batches/{things['batch_id']}", "/v1/my/licence-entrustments"
    before = clerk.call("GET", batch, status=200).json(), jia.call("GET", entrusted, status=200).json()
    routes = [each for each in here.application.routes if isinstance(each, Route) and OF_THE_VAULT.match(each.path)]
    kinds = {kind for route in routes for kind in KINDS.findall(route.path)}
    assert kinds == things.keys() | {"licence_id", "copy_id", "client_id"}, "of a new kind one has to be made here"
    tried = 0
    for route in routes:
        if not things.keys() & set(KINDS.findall(route.path)):
            continue
        path = KINDS.sub(lambda kind: things[kind[1]], route.path)
        for method in (route.methods or set()) - {"HEAD"}:
            content = {"files": {"file": ("old.pdf", b"%PDF-1.4")}} if method == "PUT" else {}
            for stranger in strangers:
                answer = here.http.request(method, path, headers=stranger.headers | {"if-match": "*"}, **content)
                assert answer.status_code in {403, 404}, (method, path, answer.text)
                assert JIA[1] not in answer.text
                tried += 1
    assert tried == 2 * 13
    assert (clerk.call("GET", batch, status=200).json(), jia.call("GET", entrusted, status=200).json()) == before
    assert clerk.call("GET", f"/v1/imported-licences/{things['import_id']}", status=200).json()["file_digest"] is None
    assert registry.call("POST", f"/v1/showings/{things['showing_id']}/view", status=200).json()["data"] == licence["data"]
