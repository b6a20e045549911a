"""Webhooks over HTTP: registered, told, looked up and sent again by their owner; nobody else's."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.actions.register_client import NewClient, register_client
from idp.model.clients import ClientStatus
from service_kit.webhooks.deliveries import publish
from tests.deployments import make_deployment, served_here
from tests.service_kit.receivers import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Here]:
    """A deployment that may call this machine."""
    folder = make_deployment(tmp_path / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[outbound]\nnetworks = ["127.0.0.0/8"]\n', encoding="utf-8")
    with served_here(folder) as served:
        yield served


def headers_of(here: Here, client_id: str) -> dict[str, str]:
    desk = idp.service.client_desk(here.house.context)
    _, secret = register_client(desk, NewClient("hooks", ("webhook.manage",), client_id=client_id), actor="operator:test")
    answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    return {"authorization": "Bearer " + answer.json()["access_token"]}


def ended(here: Here, headers: dict[str, str], endpoint: str, status: str) -> list[dict[str, Any]]:
    for _ in range(200):
        found = here.http.get(f"/v1/webhooks/{endpoint}/deliveries?status={status}", headers=headers).json()["deliveries"]
        if found:
            return list(found)
        time.sleep(0.05)
    raise AssertionError(f"no delivery became {status}")


def test_an_endpoint_from_its_making_to_its_end(hooked: Here) -> None:
    context = hooked.house.context
    owner, other = headers_of(hooked, "cl_owner"), headers_of(hooked, "cl_other")
    with receiver() as listening:
        made = hooked.http.post("/v1/webhooks", headers=owner, json={"url": listening.url})
        assert (made.status_code, made.headers["etag"], made.headers["cache-control"]) == (201, '"1"', "no-store")
        endpoint = made.json()["id"]
        assert made.json()["secret"].startswith("whsec_")
        assert made.headers["location"] == f"/v1/webhooks/{endpoint}"
        context.database.write(
            lambda conn: publish(
                context.outbox, conn, event_type="thing.made", data={"n": 1}, audience=["cl_owner"], at=context.clock.now()
            )
        )
        [delivery] = ended(hooked, owner, endpoint, "delivered")
        detail = hooked.http.get(f"/v1/webhook-deliveries/{delivery['id']}", headers=owner).json()
        assert [each["status"] for each in detail["tries"]] == [204]
        assert '"n":1' in detail["body"]
        assert hooked.http.post(f"/v1/webhook-deliveries/{delivery['id']}/resend", headers=owner).status_code == 202
        for _ in range(200):
            if len(listening.received) == 2:
                break
            time.sleep(0.05)
        assert {each.headers["webhook-id"] for each in listening.received} == {delivery["event_id"]}
        assert len(listening.received) == 2
        for method, path in (
            ("GET", f"/v1/webhooks/{endpoint}"),
            ("DELETE", f"/v1/webhooks/{endpoint}"),
            ("POST", f"/v1/webhooks/{endpoint}/secret"),
            ("GET", f"/v1/webhooks/{endpoint}/deliveries"),
            ("GET", f"/v1/webhook-deliveries/{delivery['id']}"),
            ("POST", f"/v1/webhook-deliveries/{delivery['id']}/resend"),
        ):
            assert hooked.http.request(method, path, headers={**other, "if-match": "*"}).status_code == 404, path
        changed = {"url": listening.url, "types": ["*"], "active": False}
        stale = hooked.http.request("PUT", f"/v1/webhooks/{endpoint}", headers={**owner, "if-match": '"7"'}, json=changed)
        assert (stale.status_code, stale.json()["code"]) == (412, "WEBHOOK_CHANGED")
        for method, path in (
            ("PUT", f"/v1/webhooks/{endpoint}"),
            ("POST", f"/v1/webhooks/{endpoint}/secret"),
            ("DELETE", f"/v1/webhooks/{endpoint}"),
        ):
            content = {"json": changed} if method == "PUT" else {}
            blind = hooked.http.request(method, path, headers=owner, **content)
            assert (blind.status_code, blind.json()["code"]) == (428, "PRECONDITION_REQUIRED"), path
            late = hooked.http.request(method, path, headers={**owner, "if-match": '"7"'}, **content)
            assert (late.status_code, late.json()["code"]) == (412, "WEBHOOK_CHANGED"), path
            for no_etag in ('W/"1"', "x", '"1", "2"'):  # as at seals and licences
                odd = hooked.http.request(method, path, headers={**owner, "if-match": no_etag}, **content)
                assert (odd.status_code, odd.json()["code"], odd.json()["facts"]["field"]) == (422, "FIELD_UNACCEPTABLE", "If-Match"), path
        put = hooked.http.request("PUT", f"/v1/webhooks/{endpoint}", headers={**owner, "if-match": '"1"'}, json=changed)
        assert (put.status_code, put.json()["active"], put.headers["etag"]) == (200, False, '"2"')
        fresh = hooked.http.post(f"/v1/webhooks/{endpoint}/secret", headers={**owner, "if-match": '"2"'})
        assert fresh.json()["secret"] != made.json()["secret"]
        assert fresh.headers["etag"] == '"3"'
        assert "secret" not in str(hooked.http.get("/v1/webhooks", headers=owner).json()["endpoints"][0]["secret"])
        assert hooked.http.request("DELETE", f"/v1/webhooks/{endpoint}", headers={**owner, "if-match": '"3"'}).status_code == 204
        assert hooked.http.get("/v1/webhooks", headers=owner).json() == {"endpoints": [], "next_after": None}


def test_the_same_request_makes_one_endpoint_and_shows_its_secret_once(hooked: Here) -> None:
    owner, other = headers_of(hooked, "cl_owner"), headers_of(hooked, "cl_other")
    order, keyed = {"url": "http://127.0.0.1:9/hooks"}, {"idempotency-key": "hook-1"}
    first = hooked.http.post("/v1/webhooks", headers={**owner, **keyed}, json=order)
    again = hooked.http.post("/v1/webhooks", headers={**owner, **keyed}, json=order)
    assert first.json()["secret"].startswith("whsec_")
    assert (again.status_code, again.json()) == (201, {**first.json(), "secret": None})
    assert (again.headers["location"], again.headers["etag"]) == (first.headers["location"], first.headers["etag"])
    assert len(hooked.http.get("/v1/webhooks", headers=owner).json()["endpoints"]) == 1
    refused = hooked.http.post("/v1/webhooks", headers={**owner, **keyed}, json={**order, "active": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    another = hooked.http.post("/v1/webhooks", headers={**other, **keyed}, json=order).json()
    assert another["client"] == "cl_other"
    assert another["secret"].startswith("whsec_")
    with hooked.house.context.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM kit_idempotency").all())
    assert first.json()["secret"] not in kept
    assert hooked.http.request("DELETE", first.headers["location"], headers={**owner, "if-match": "*"}).status_code == 204
    gone = hooked.http.post("/v1/webhooks", headers={**owner, **keyed}, json=order)
    assert (gone.status_code, gone.json()["code"]) == (404, "WEBHOOK_NOT_FOUND"), "what was removed is not made anew"


def test_addresses_outside_the_allow_list_are_refused_by_name(hooked: Here) -> None:
    owner = headers_of(hooked, "cl_owner")
    refused = hooked.http.post("/v1/webhooks", headers=owner, json={"url": "http://169.254.169.254/latest"})
    assert (refused.status_code, refused.json()["code"]) == (422, "OUTBOUND_REFUSED")
    unknown = hooked.http.post("/v1/webhooks", headers=owner, json={"url": "http://127.0.0.1/", "owner": "cl_other"})
    assert unknown.json()["code"] == "REQUEST_INVALID"


def test_what_can_be_listened_to_and_the_key_of_the_signatures_are_published(hooked: Here) -> None:
    owner = headers_of(hooked, "cl_owner")
    assert isinstance(hooked.http.get("/v1/webhook-event-types", headers=owner).json()["types"], dict)
    key = hooked.http.get("/v1/webhook-signing-key").json()
    assert key["algorithm"] == "SM2 with SM3"
    assert key["public_key"].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_client_that_is_disabled_hears_nothing_until_it_may_act_again(hooked: Here) -> None:
    context, clients = hooked.house.context, idp.service.client_desk(hooked.house.context)
    quick, quiet = headers_of(hooked, "cl_quick"), headers_of(hooked, "cl_quiet")

    def tell(number: int) -> None:
        context.database.write(
            lambda conn: publish(
                context.outbox, conn, event_type="thing.made", data={"n": number}, audience=["cl_quick", "cl_quiet"], at=context.clock.now()
            )
        )

    with receiver() as listening:
        places = {}
        for name, headers in (("quick", quick), ("quiet", quiet)):
            places[name] = hooked.http.post("/v1/webhooks", headers=headers, json={"url": f"{listening.url}/{name}"}).json()["id"]
        change_client_status(clients, "cl_quiet", ClientStatus.DISABLED, actor="operator:test")
        tell(1)
        ended(hooked, quick, places["quick"], "delivered")
        change_client_status(clients, "cl_quiet", ClientStatus.ACTIVE, actor="operator:test")
        tell(2)
        for _ in range(200):
            if len(listening.received) == 3:
                break
            time.sleep(0.05)
        heard = [(each.path.rpartition("/")[2], json.loads(each.body)["data"]["n"]) for each in listening.received]
    assert sorted(heard) == [("quick", 1), ("quick", 2), ("quiet", 2)]
