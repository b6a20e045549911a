"""HEAD: what everyone may read answers it like GET; steps of a sign-in, addresses that are good once and what a token is needed for do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import Route

from service_kit.composition import access_of, public
from tests.yinxin.test_access import PUBLIC
from yinxin.access_gate import put_gates
from yinxin.console.console import BY_SESSION

if TYPE_CHECKING:
    from httpx import Response
    from starlette.requests import Request

    from tests.deployments import Here

# Public operations whose GET does something: a scanner of mail that asks every address in it by HEAD must spend no ticket, link or code, and sign nobody out
STEPS = {
    "/authorize",
    "/cas/login",
    "/cas/logout",
    "/cas/p3/proxyValidate",
    "/cas/p3/serviceValidate",
    "/cas/proxy",
    "/cas/proxyValidate",
    "/cas/serviceValidate",
    "/cas/validate",
    "/console/sign-in",
    "/console/signed-in",
    "/device",
    "/initiate-login",
    "/keys",
    "/licences/downloads/{token}",
    "/links",
    "/logout",
    "/oauth2/register/{client_id}",
    "/oauth2/userinfo",
    "/sessions",
    "/sign-in/upstream/{name}/callback",
    "/sign-in/upstream/{name}/logged-out",
    "/sign-in/{sign_in_id}",
    "/sign-in/{sign_in_id}/upstream/{name}",
    "/switch",
}
VARYING = {"x-request-id", "date"}
TOLD_BY_TIME = {"/readyz", "/metrics"}  # of a length that the moment decides


def routes_read(here: Here) -> list[Route]:
    routes = [each for each in (*here.application.routes, *here.application.hot_routes) if isinstance(each, Route)]
    return [each for each in routes if "GET" in (each.methods or ())]


def public_reads(here: Here) -> set[str]:
    found = {each.path for each in routes_read(here) if f"GET {each.path}" in PUBLIC}
    assert len(found) > 80
    return found


def test_every_public_operation_that_is_read_answers_head_like_get(here: Here) -> None:
    assert public_reads(here) >= STEPS
    for path in sorted(public_reads(here) - STEPS):
        at = re.sub(r"\{[^}]*\}", "1", path)
        told = here.http.get(at)
        here.http.forget()  # a page may be another for who has been there
        asked = here.http.request("HEAD", at)
        here.http.forget()
        assert asked.status_code == told.status_code, path
        assert asked.content == b"", path
        assert headers_of(asked, path) == headers_of(told, path), path


def headers_of(answer: Response, path: str) -> dict[str, str]:
    varying = VARYING | ({"content-length"} if path in TOLD_BY_TIME or answer.status_code >= 400 else set())  # a problem names its request
    return {name: value for name, value in answer.headers.items() if name not in varying}


def test_attack_what_does_something_by_get_is_not_entered_by_head(here: Here) -> None:
    asked = 0
    for route in routes_read(here):
        access = access_of(route.endpoint)
        if (access is not None and access.reason == BY_SESSION) or route.path in public_reads(here) - STEPS:
            continue
        answer = here.http.request("HEAD", re.sub(r"\{[^}]*\}", "1", route.path))
        assert answer.status_code == 405, route.path
        assert "GET" in answer.headers["allow"]
        assert "HEAD" not in answer.headers["allow"], route.path
        asked += 1
    assert asked > 140


def test_a_step_that_is_no_route_of_fastapi_is_closed_too(here: Here) -> None:
    @public("a step", is_step=True)
    async def step(_request: Request) -> Response:
        raise AssertionError

    route = Route("/x", step, methods=["GET"])
    assert route.methods == {"GET", "HEAD"}
    put_gates([route], here.application._composition.keeper)
    assert route.methods == {"GET"}


def test_head_is_not_described_apart(here: Here) -> None:
    paths = here.http.get("/openapi.json").json()["paths"]
    assert {method for operations in paths.values() for method in operations} <= {"get", "post", "put", "patch", "delete"}
