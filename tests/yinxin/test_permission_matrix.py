"""Every operation with every scope: what is declared is what happens; and nobody reaches the things of others by their ids."""

from __future__ import annotations

import re
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

import idp.service
from idp.actions.register_client import NewClient, register_client
from seal_service import store
from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.model import SCOPE_APPLY, SCOPE_MAKE, SCOPE_MANAGE, SCOPE_REVIEW, SCOPE_SECURE, ApplicationKind, Power
from service_kit.callers import Caller
from service_kit.roles import Role, appoint
from tests.deployments import HttpHere, make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from yinxin.access_gate import access_of_route
from yinxin.links import known_scopes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here

NOBODY = {
    "seal_id": "sl_000000000000000000000000",
    "use_id": "su_000000000000000000000000",
    "grant_id": "sg_000000000000000000000000",
    "application_id": "sa_000000000000000000000000",
    "endpoint_id": "wh_000000000000000000000000",
    "code": "99000000000000",
}
ENDPOINT_ROW = (
    "INSERT INTO kit_webhook_endpoints (endpoint_id, owner, url, types, description, status, created_at, changed_at, version, secret_sealed) "
    f"VALUES ('wh_{'a' * 24}', 'cl_hooks', 'http://127.0.0.1:9/', '[\"*\"]', '', 'disabled', 1, 1, 1, x'00')"
)
SEES_EVERY_SEAL = {SCOPE_MAKE, SCOPE_REVIEW, SCOPE_SECURE}  # by their office


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder: Path = make_deployment(tmp_path_factory.mktemp("matrix") / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as served:
        yield served


def guarded(here: Here) -> list[tuple[str, str, str]]:
    found = []
    for route in [*here.application.routes, *here.application.hot_routes]:
        assert isinstance(route, Route)
        access = access_of_route(route)
        if access.scope is not None:
            found += [(method, route.path, access.scope) for method in (route.methods or {"POST"}) - {"HEAD"}]
    return found


def bearer(here: Here, client_id: str, scopes: tuple[str, ...]) -> dict[str, str]:
    desk = idp.service.client_desk(here.house.context)
    _, secret = register_client(desk, NewClient(client_id, scopes, client_id=client_id), actor="operator:test")
    answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    return {"authorization": "Bearer " + answer.json()["access_token"]}


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{([^}:]*)[^}]*\}", lambda match: ids.get(match[1], "nothing-there"), path)


def send(http: HttpHere, method: str, path: str, headers: dict[str, str]) -> Any:
    content: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    return http.request(method, path, headers=headers, **content)


@pytest.mark.untraced
def test_every_scope_opens_its_operations_and_no_other(matrix: Here) -> None:
    operations = guarded(matrix)
    wrong = []
    with closing(HttpHere(matrix.application, matrix.house.context.settings.base_url)) as http:
        for scope in sorted(known_scopes()):
            headers = bearer(matrix, "cl_" + scope.replace(".", "-"), (scope,))
            for method, path, needed in operations:
                answer = send(http, method, filled(path, NOBODY), headers)
                is_refused = (
                    answer.status_code == 403 and answer.json()["code"] == "SCOPE_MISSING" and answer.json()["facts"]["scope"] == needed
                )
                if is_refused is (scope == needed) or answer.status_code >= 500:
                    wrong.append((scope, method, path, answer.status_code, answer.text[:100]))
    assert wrong == []
    assert len(operations) > 40


def test_nobody_reaches_the_seals_of_others(matrix: Here) -> None:
    context = matrix.house.context
    owner = Caller("cl_owner", "cl_owner", frozenset({SCOPE_MANAGE}))
    seal = make_seal(context, owner, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    stranger = bearer(matrix, "cl_stranger", tuple(sorted(set(known_scopes()) - SEES_EVERY_SEAL)))
    ids = {**NOBODY, "seal_id": seal.id}
    reached = []
    for method, path, needed in guarded(matrix):
        if "{seal_id}" not in path or needed in SEES_EVERY_SEAL:
            continue
        real, none = (send(matrix.http, method, filled(path, chosen), stranger) for chosen in (ids, NOBODY))
        # The same answer as for a seal that does not exist, but for the id in it
        if (real.status_code, real.json().get("code")) != (none.status_code, none.json().get("code")) or real.status_code < 400:
            reached.append((method, path, real.status_code, real.text[:200], none.text[:200]))
    assert reached == []


POWERS: dict[str, Power | None] = {"manage": Power.MANAGE, "use": Power.USE, "audit": Power.AUDIT, "none": None}


@pytest.fixture(scope="module")
def headers_of(matrix: Here) -> dict[str, dict[str, str]]:
    """The systems that hold one power each, with every scope that any client may have."""
    scopes = tuple(sorted(set(known_scopes()) - SEES_EVERY_SEAL))
    return {name: bearer(matrix, f"cl_of_{name}", scopes) for name in POWERS}


@pytest.fixture(scope="module")
def signer(matrix: Here) -> dict[str, str]:
    return bearer(matrix, "cl_signer", ("seal.use",))


@pytest.fixture(scope="module")
def held(matrix: Here, headers_of: dict[str, dict[str, str]], signer: dict[str, str]) -> dict[str, str]:
    """A seal over which one client each holds one power, and the ids of what belongs to it."""
    assert headers_of
    assert signer
    context = matrix.house.context
    maker = Caller("cl_of_manage", "cl_of_manage", frozenset({SCOPE_MANAGE}))
    wanted = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=("cl_of_use", "cl_signer"))
    seal = make_seal(context, maker, wanted)
    context.database.write(
        lambda conn: store.insert_power(conn, seal, "cl_of_audit", Power.AUDIT, given_by="cl_of_manage", at=context.clock.now())
    )
    with context.database.read() as conn:
        [grant] = store.list_grants_of_seal(conn, seal.id, after="", limit=9, holder="cl_of_use")
    applicant = Caller("cl_of_manage", "cl_of_manage", frozenset({SCOPE_APPLY}))
    application = apply_for_seal(context, applicant, ApplicationOrder(ApplicationKind.CANCEL, "test", seal_id=seal.id))
    return {"seal_id": seal.id, "grant_id": grant.id, "application_id": application.id}


def test_each_power_reaches_what_is_its_own_and_nothing_else(
    matrix: Here, held: dict[str, str], headers_of: dict[str, dict[str, str]]
) -> None:
    """Power by power over one seal, with every scope that any client may have: who may read what, and whose changes are refused."""
    reached: dict[str, set[str]] = {}
    wanted = {
        "seal": "/v1/seals/{seal_id}",
        "powers": "/v1/seals/{seal_id}/powers",
        "grants": "/v1/seals/{seal_id}/grants",
        "grant": "/v1/seal-grants/{grant_id}",
        "timeline": "/v1/seals/{seal_id}/timeline",
        "uses": "/v1/seals/{seal_id}/uses",
        "editions": "/v1/seals/{seal_id}/editions",
        "application": "/v1/seal-applications/{application_id}",
    }
    for name in POWERS:
        answers = {what: matrix.http.get(filled(path, held), headers=headers_of[name]).status_code for what, path in wanted.items()}
        assert set(answers.values()) <= {200, 404}, answers
        reached[name] = {what for what, status in answers.items() if status == 200}
    assert reached["none"] == set()
    assert reached["manage"] == set(wanted)
    assert reached["audit"] == set(wanted) - {"application"}
    assert {"seal"} <= reached["use"]
    assert "timeline" not in reached["use"]
    assert "application" not in reached["use"]

    # Changes: only who manages the seal gets beyond the answer for a seal that does not exist
    for name in ("use", "audit", "none"):
        for method, path, body in (
            ("POST", "/v1/seals/{seal_id}/freeze", {"reason": "x"}),
            ("POST", "/v1/seals/{seal_id}/cancel", {"reason": "x"}),
            ("POST", "/v1/seals/{seal_id}/grants", {"holder": "cl_x"}),
            ("PUT", "/v1/seals/{seal_id}/grants/cl_x", None),
            ("DELETE", "/v1/seals/{seal_id}/grants/cl_of_use", None),
            ("POST", "/v1/seal-grants/{grant_id}/revoke", {"reason": "x"}),
        ):
            content = {} if body is None else {"json": body}
            answer = matrix.http.request(method, filled(path, held), headers={**headers_of[name], "if-match": "*"}, **content)
            assert (answer.status_code, answer.json()["code"].endswith("_NOT_FOUND")) == (404, True), (name, path, answer.text)


def test_security_administrators_alone_give_powers(matrix: Here, held: dict[str, str]) -> None:
    """The scope without the role is nothing, the role without the scope neither; with both, powers can be given, but seals not used."""
    context = matrix.house.context
    # A client of its own: the one that other tests know without any power stays so, in whichever order they run
    assert bearer(matrix, "cl_given_power", ("seal.read",))
    path = filled("/v1/seals/{seal_id}/powers/audit/cl_given_power", held)
    with_scope = bearer(matrix, "cl_scope_only", (SCOPE_SECURE,))
    refused = matrix.http.request("PUT", path, headers=with_scope, json={"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "ROLE_MISSING")
    for name, role in (("cl_secure", Role.SECURITY), ("cl_system", Role.SYSTEM), ("cl_audit", Role.AUDIT)):
        context.database.write(
            partial(
                appoint,
                audit=context.audit,
                holder=name,
                role=role,
                is_bound=lambda *_: False,
                actor="operator:test",
                reason="test",
                at=context.clock.now(),
            )
        )
        answer = matrix.http.request("PUT", path, headers=bearer(matrix, name, (SCOPE_SECURE,)), json={"reason": "x"})
        assert answer.status_code == (204 if role is Role.SECURITY else 403), name
    without_scope = bearer(matrix, "cl_secure_but_reads", ("seal.read",))
    assert matrix.http.request("PUT", path, headers=without_scope, json={"reason": "x"}).json()["code"] == "SCOPE_MISSING"


def test_nobody_reaches_other_things_of_others(matrix: Here, held: dict[str, str], signer: dict[str, str]) -> None:
    """Grants, applications, uses and webhook endpoints: with real ids of others the answer is that for ids that do not exist."""
    owner = bearer(matrix, "cl_hooks", ("webhook.manage",))
    # No address is allowed in this deployment; the row is what another client may not reach
    matrix.house.context.database.write(lambda conn: conn.exec_driver_sql(ENDPOINT_ROW))
    assert matrix.http.get("/v1/webhooks/wh_" + "a" * 24, headers=owner).status_code == 200
    sealed = matrix.http.post(f"/v1/seals/{held['seal_id']}/digest-signatures", headers=signer, json={"digest": "ab" * 32})
    assert sealed.status_code == 200, sealed.text
    ids = {**NOBODY, **held, "endpoint_id": "wh_" + "a" * 24, "use_id": sealed.headers["seal-use"]}
    by_office = SEES_EVERY_SEAL | {"client.manage"}  # who manages clients looks after their endpoints
    stranger = bearer(matrix, "cl_stranger_to_all", tuple(sorted(set(known_scopes()) - by_office)))
    reached, tried = [], 0
    for method, path, needed in guarded(matrix):
        if not any("{" + name in path for name in ("grant_id", "application_id", "endpoint_id", "use_id")) or needed in SEES_EVERY_SEAL:
            continue
        tried += 1
        headers = {**stranger, "if-match": "*"}
        real, none = (send(matrix.http, method, filled(path, chosen), headers) for chosen in (ids, NOBODY))
        if (real.status_code, real.json().get("code")) != (none.status_code, none.json().get("code")) or real.status_code < 400:
            reached.append((method, path, real.status_code, real.text[:200], none.text[:200]))
    assert reached == []
    assert tried >= 10
