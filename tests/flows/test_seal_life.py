"""The whole life of a seal over HTTP: every step by somebody else, from the application to the destroyed key."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.test_first_thread import code, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.flows.served import Deployment, Served

CREDIT_CODE = "11150700MB1234562Q"
ORDER = {"kind": "new", "reason": "机构设立", "organisation": "印信示范单位（样例）", "credit_code": CREDIT_CODE, "division": "150700"}


@pytest.fixture(scope="module")
def reviewing(deployment: Deployment) -> Iterator[Served]:
    """The demonstration with the rule of the field in force: nobody makes a seal that nobody else has reviewed."""
    with deployment.serve(beside=True, YINXIN_SEALS__TWO_PERSON_REVIEW="true") as running:
        yield running


@pytest.fixture(scope="module")
def people(reviewing: Served) -> Iterator[dict[str, httpx.Client]]:
    """One client for each part in the life of a seal, with the scopes of that part alone; their ids are in the header x-who."""
    scopes = {
        "applicant": ("seal.apply", "seal.read"),
        "reviewer": ("seal.review", "seal.read"),
        "maker": ("seal.make", "seal.read"),
        "manager": ("seal.manage", "seal.apply", "seal.read"),
        "manager-2": ("seal.manage", "seal.read"),
        "user": ("seal.use", "seal.read"),
        "auditor": ("seal.audit", "seal.read"),
    }
    found = {}
    with ExitStack() as stack:
        for name, wanted in scopes.items():
            client_id, secret = reviewing.new_client(f"{name} of a test", *wanted)
            found[name] = stack.enter_context(reviewing.client(client_id, secret))
            found[name].headers["x-who"] = client_id
        yield found


def who(client: httpx.Client) -> str:
    return client.headers["x-who"]


def take(client: httpx.Client, path: str, reason: str = "test") -> httpx.Response:
    """A step on the newest version."""
    seen = client.get(path.rsplit("/", 1)[0])
    return client.post(path, json={"reason": reason}, headers={"if-match": seen.headers["etag"]})


def let_the_second_pass() -> None:
    """Published states begin at whole seconds: what is sealed within the very second of a freeze counts as sealed after it."""
    begun = int(time.time())
    while int(time.time()) == begun:
        time.sleep(0.02)


def use(client: httpx.Client, seal_id: str, content: bytes) -> httpx.Response:
    placement = json.dumps({"page": 1, "x_mm": 150, "y_mm": 60})
    return client.post(f"/v1/seals/{seal_id}/signatures", files={"document": ("d.pdf", content)}, data={"placement": placement})


def verdict(served: Served, content: bytes) -> dict[str, Any]:
    with served.client() as client:
        answer = client.post("/v1/verifications", files={"document": ("d.pdf", content)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.clause("国办发〔2025〕33号 apply, make, file, use, cancel")
def test_from_application_to_destruction_by_different_people(reviewing: Served, people: dict[str, httpx.Client]) -> None:
    applicant, reviewer, maker = people["applicant"], people["reviewer"], people["maker"]
    manager, user, auditor = people["manager"], people["user"], people["auditor"]
    original = document(reviewing)

    # Nobody makes a seal past the review
    assert code(maker.post("/v1/seals", json={"organisation": "x"}))[0] in {401, 403}

    # Apply, with the same key twice: one application
    holders = {"managers": [who(manager), who(people["manager-2"])], "users": [who(user)], "auditors": [who(auditor)]}
    answers = [
        applicant.post("/v1/seal-applications", json={**ORDER, **holders}, headers={"idempotency-key": "whole-life-1"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    application = answers[0].headers["location"]
    assert answers[1].headers["location"] == application

    # Review: not by the applicant, who has not the scope; making before it is refused
    assert code(take(applicant, f"{application}/approve"))[0] == 403
    assert code(maker.post(f"{application}/make")) == (428, "PRECONDITION_REQUIRED")
    assert code(maker.post(f"{application}/make", headers={"if-match": "*"})) == (409, "APPLICATION_STATE_CONFLICT")
    assert take(reviewer, f"{application}/approve").json()["state"] == "reviewed"

    # Make, twice: one seal, and it waits for filing before anybody may issue it
    seen = maker.get(application).headers["etag"]
    made = [maker.post(f"{application}/make", headers={"if-match": seen}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201], made[0].text
    seal = made[0].headers["location"]
    seal_id = seal.rsplit("/", 1)[1]
    assert made[1].headers["location"] == seal
    assert len(made[0].json()["code"]) == 14
    assert made[0].json()["code"].startswith("150700")

    # File, issue, accept; only then it can be used
    filed = await_state(maker, seal, "filed")
    assert filed["state"] == "filed"
    assert use(user, seal_id, original).status_code in {403, 404, 409}
    assert take(maker, f"{seal}/issue").json()["state"] == "issued"
    assert take(user, f"{seal}/activate").json()["state"] == "active"

    # Who was named as user has a grant without limits; it is ended, and one with limits takes its place
    for grant in manager.get(f"{seal}/grants").json()["grants"]:
        assert take(manager, f"/v1/seal-grants/{grant['id']}/revoke", "limits wanted").status_code == 200
    assert code(use(user, seal_id, original)) == (404, "SEAL_NOT_FOUND"), "the power to use is nothing without a grant"
    granted = manager.post(f"{seal}/grants", json={"holder": who(user), "forms": ["pdf"], "uses_max": 2, "reason": "daily work"})
    assert granted.status_code == 201, granted.text
    sealed = use(user, seal_id, original)
    assert (sealed.status_code, sealed.content[: len(original)] == original) == (200, True)
    assert verdict(reviewing, sealed.content)["verdict"] == "valid"
    assert code(user.post(f"{seal}/digest-signatures", json={"digest": "ab" * 32}))[1] == "GRANT_FORM_NOT_COVERED"

    let_the_second_pass()
    # Freeze: the very next request; unfreeze; the second and last use of the grant
    assert take(manager, f"{seal}/freeze", "reported lost").json()["state"] == "frozen"
    assert code(use(user, seal_id, original)) == (409, "SEAL_NOT_ACTIVE")
    assert take(manager, f"{seal}/unfreeze", "found again").json()["state"] == "active"
    assert use(user, seal_id, original).status_code == 200
    assert code(use(user, seal_id, original))[1] == "GRANT_USED_UP"

    # A renewal is an application of who manages it, reviewed as well, and makes a new edition of the same seal
    renewal = manager.post("/v1/seal-applications", json={"kind": "renew", "reason": "certificate ends", "seal_id": seal_id})
    assert renewal.status_code == 201, renewal.text
    assert take(reviewer, f"{renewal.headers['location']}/approve").json()["state"] == "reviewed"
    remade = maker.post(f"{renewal.headers['location']}/make", headers={"if-match": "*"})
    assert (remade.status_code, remade.headers["location"]) == (201, seal), remade.text
    assert remade.json()["code"] == made[0].json()["code"]
    assert await_state(maker, seal, "filed")["state"] == "filed"
    take(maker, f"{seal}/issue")
    assert take(user, f"{seal}/activate").json()["state"] == "active"
    assert verdict(reviewing, sealed.content)["verdict"] == "valid", "what the first edition sealed stays valid"

    # Cancel, destroy by somebody else; nothing wakes it up again
    assert take(manager, f"{seal}/cancel", "organisation dissolved").json()["state"] == "cancelled"
    assert code(take(manager, f"{seal}/destroy", "key is to go"))[0] in {403, 409}, "not by who cancelled it"
    assert take(people["manager-2"], f"{seal}/destroy", "key is to go").json()["state"] == "destroyed"
    assert code(take(manager, f"{seal}/unfreeze", "again")) == (409, "SEAL_STATE_CONFLICT")
    assert code(use(user, seal_id, original))[0] in {404, 409}

    # Who audits sees all of it, each act with its entry in the trail; nobody else may look
    acts = auditor.get(f"{seal}/timeline").json()["acts"]
    assert [act["act"] for act in acts][-2:] == ["cancel", "destroy"]
    assert [act["by"] for act in acts][-2:] == [f"client:{who(manager)}", f"client:{who(people['manager-2'])}"]
    assert {"issue", "activate", "freeze", "unfreeze"} <= {act["act"] for act in acts}
    with reviewing.client() as caller:
        for act in acts:
            receipt = partial(caller.get, f"/v1/audit/entries/{act['audit_entry']}/receipt")
            assert await_answer(receipt, lambda found: found.status_code == 200).status_code == 200
    assert len(auditor.get(f"{seal}/uses").json()["uses"]) == 2
    assert user.get(f"{seal}/timeline").status_code in {403, 404}


def await_answer(ask: Callable[[], httpx.Response], is_there: Callable[[httpx.Response], bool]) -> httpx.Response:
    """The answer once it is as the service makes it by itself, filing and log included; the last one when that takes too long."""
    found = ask()
    for _ in range(150):
        if is_there(found):
            break
        time.sleep(0.1)
        found = ask()
    return found


def await_state(client: httpx.Client, seal: str, state: str) -> dict[str, Any]:
    return dict(await_answer(lambda: client.get(seal), lambda found: found.json()["state"] == state).json())
