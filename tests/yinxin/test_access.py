"""Denied by default: every operation says who may enter, and what it says is what happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import pytest
from fastapi import APIRouter
from starlette.routing import Mount, Route

from service_kit.admission import Admission
from service_kit.composition import needs, public
from service_kit.query_names import check_query_names
from standards.errors import Kind, TrustError
from yinxin.access_gate import OWN_INTERFACES, Gatekeeper, access_of_route, lists_of, parameters_of, put_gates
from yinxin.console.console import BY_SESSION
from yinxin.links import known_scopes
from yinxin.scope_texts import SCOPE_TEXTS

if TYPE_CHECKING:
    from tests.deployments import Here

# Every operation that asks for no token, each with its reason in the code. A new one has to be entered here on purpose.
PUBLIC = {
    "GET /",
    "DELETE /oauth2/register/{client_id}",
    "GET /.well-known/jwt-vc-issuer/licences/credentials",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/oauth-authorization-server/licences/credentials",
    "GET /.well-known/openid-configuration",
    "GET /.well-known/openid-credential-issuer/licences/credentials",
    "GET /authorize",
    "GET /ca/issuing.cer",
    "GET /ca/issuing.crl",
    "GET /ca/ocsp.cer",
    "GET /ca/root.cer",
    "GET /ca/root.crl",
    "GET /ca/seal-maker.cer",
    "GET /ca/tsa.cer",
    "GET /cas/login",
    "GET /cas/logout",
    "GET /cas/p3/proxyValidate",
    "GET /cas/p3/serviceValidate",
    "GET /cas/proxy",
    "GET /cas/proxyValidate",
    "GET /cas/serviceValidate",
    "GET /cas/validate",
    "GET /console/sign-in",
    "GET /console/signed-in",
    "GET /console/signed-out",
    "GET /device",
    "GET /device/done",
    "GET /device/refused",
    "GET /docs",
    "GET /docs/plain",
    "GET /docs/static/{name}",
    "GET /help",
    "GET /help/errors",
    "GET /help/errors/{code}",
    "GET /help/images/{name}",
    "GET /help/search",
    "GET /help/{name:path}",
    "GET /initiate-login",
    "GET /keys",
    "GET /licences/credential-types/{code}",
    "GET /licences/credentials/gm-jwks",
    "GET /licences/downloads/{token}",
    "GET /licences/gm-status-keys",
    "GET /licences/log",
    "GET /licences/log/consistency",
    "GET /licences/log/counts",
    "GET /licences/log/entries/{index}",
    "GET /licences/log/entries/{index}/receipt.cose",
    "GET /licences/status-keys",
    "GET /licences/status/{number}",
    "GET /licences/status/{number}/gm",
    "GET /licences/status/{number}/receipt",
    "GET /licences/{tree}/checkpoint",
    "GET /licences/{tree}/checkpoint.cosigned",
    "GET /licences/{tree}/tile/{path:path}",
    "GET /links",
    "GET /livez",
    "GET /logout",
    "GET /logout/done",
    "GET /metrics",
    "GET /oauth2/gm-jwks",
    "GET /oauth2/jwks",
    "GET /oauth2/register/{client_id}",
    "GET /oauth2/userinfo",
    "GET /ocsp/{asked:path}",
    "GET /openapi.json",
    "GET /problems",
    "GET /problems/{code}",
    "GET /readyz",
    "GET /sessions",
    "GET /sign-in/static/passkey.js",
    "GET /sign-in/static/sign-in.css",
    "GET /sign-in/upstream/{name}/callback",
    "GET /sign-in/upstream/{name}/logged-out",
    "GET /sign-in/{sign_in_id}",
    "GET /sign-in/{sign_in_id}/upstream/{name}",
    "GET /static/{name}",
    "GET /switch",
    "GET /trust-bundle",
    "GET /v",
    "GET /v/knowledge",
    "GET /v/offline",
    "GET /v/offline/yinxin-verifier.html",
    "GET /v/samples/{name}",
    "GET /v/static/{version}/{name}",
    "GET /v/status",
    "GET /v1/audit/checkpoint",
    "GET /v1/audit/consistency",
    "GET /v1/seal-status-list",
    "GET /v1/seal-status/{code}",
    "GET /v1/seal-types",
    "GET /v1/webhook-signing-key",
    "POST /authorize",
    "POST /cas/samlValidate",
    "POST /console/sign-out",
    "POST /device",
    "POST /device/confirm",
    "POST /initiate-login",
    "POST /keys/certificate",
    "POST /keys/passkey",
    "POST /keys/{credential_id}/remove",
    "POST /licences/credentials/credential",
    "POST /licences/credentials/nonce",
    "POST /licences/credentials/token",
    "POST /licences/presentations/{request_id}/answer",
    "POST /licences/share/downloadFile",
    "POST /licences/share/downloadUrl",
    "POST /licences/share/downloadUrlsByHolderCode",
    "POST /licences/share/getCertRemarkInfo",
    "POST /licences/share/queryCatalogue",
    "POST /licences/share/queryCertInfo",
    "POST /licences/share/queryCertInfoByHolderCode",
    "POST /licences/share/queryCertInfoByQRcode",
    "POST /licences/share/verifyCertInfo",
    "POST /licences/share/verifyFile",
    "POST /links",
    "POST /logout",
    "POST /oauth2/device_authorization",
    "POST /oauth2/introspect",
    "POST /oauth2/par",
    "POST /oauth2/register",
    "POST /oauth2/revoke",
    "POST /oauth2/token",
    "POST /oauth2/userinfo",
    "POST /ocsp",
    "POST /sessions/end-others",
    "POST /sessions/take-back",
    "POST /sessions/{session_id}/end",
    "POST /sign-in/upstream/{name}/backchannel-logout",
    "POST /sign-in/upstream/{name}/callback",
    "POST /sign-in/{sign_in_id}/password",
    "POST /sign-in/{sign_in_id}/recovery",
    "POST /sign-in/{sign_in_id}/{name}",
    "POST /switch",
    "POST /tsa",
    "POST /v",
    "POST /v/changes",
    "POST /v1/licence-code-verifications",
    "POST /v1/verifications",
    "POST /v1/verifications/changes",
    "POST /v1/verifications/sealed-revision",
    "PUT /oauth2/register/{client_id}",
}


def operations(here: Here) -> list[tuple[str, str, Any]]:
    found = []
    for route in [*here.application.routes, *here.application.hot_routes]:
        assert isinstance(route, Route)
        methods = (route.methods or {"POST"}) - {"HEAD"}
        found += [(method, route.path, access_of_route(route)) for method in methods]
    return found


def test_every_operation_declares_who_may_enter(here: Here) -> None:
    found = operations(here)
    assert {f"{method} {path}" for method, path, access in found if access.scope is None and access.reason != BY_SESSION} == PUBLIC
    assert all(access.reason for _, _, access in found if access.scope is None)
    assert {access.scope for _, _, access in found if access.scope is not None} <= set(known_scopes())


def test_pages_behind_a_session_are_shown_to_nobody_without_one(here: Here) -> None:
    """Whatever is asked for, whoever has no session is sent to sign in, and to nothing else."""
    behind = [(method, path) for method, path, access in operations(here) if access.reason == BY_SESSION]
    assert ("GET", "/console") in behind
    for method, path in behind:
        answer = here.http.request(
            method, re.sub(r"\{[^}]*\}", "sl_000000000000000000000000", path), headers={"cookie": "yinxin-console=x"}
        )
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/console/sign-in"), path
        assert answer.content == b"", path


@pytest.mark.untraced
def test_what_is_declared_is_enforced(here: Here) -> None:
    """Each guarded operation, asked without a token, with a broken one, with somebody else's: refused before anything is looked up."""
    guarded = [(method, path) for method, path, access in operations(here) if access.scope is not None]
    assert len(guarded) > 10
    for method, path in guarded:
        url = re.sub(r"\{[^}]*\}", "00000000-0000-7000-8000-000000000000", path)
        assert here.http.request(method, url).json()["code"] == "TOKEN_MISSING", path
        for header in ("Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer " + "A" * 9000, "bearer"):
            answer = here.http.request(method, url, headers={"authorization": header})
            assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID"), path
        twice = here.http.request(method, url, headers=[("authorization", "Bearer x"), ("authorization", "Bearer y")])
        assert twice.json()["code"] == "TOKEN_INVALID"


def test_people_are_told_of_every_scope_in_both_languages() -> None:
    assert set(known_scopes()) <= set(SCOPE_TEXTS)
    assert all(re.search("[\u4e00-\u9fff]", chinese) and english.isascii() for chinese, english in SCOPE_TEXTS.values())


def test_no_operation_of_ours_passes_over_what_it_is_asked(here: Here) -> None:
    """Of each public one, and of one behind a token: what stands in the address and is not read there is refused by its name, nothing is looked up."""
    ours = [(method, path) for method, path, access in operations(here) if access.scope is None and path.startswith(OWN_INTERFACES)]
    assert {("POST", "/v1/verifications"), ("GET", "/licences/status/{number}"), ("GET", "/licences/log/counts")} <= set(ours)
    for method, path in ours:
        for query, name in (
            ("holder_name=%E7%94%B2&holder_code=1", "holder_name"),
            ("at=2020-01-01T00:00:00Z", "at"),
            ("Time=1", "Time"),
            ("x", "x"),
        ):
            answer = here.http.request(method, re.sub(r"\{[^}]*\}", "1", path) + "?" + query)
            found = answer.json()
            assert (answer.status_code, found["code"], found["facts"]) == (422, "PARAMETER_UNKNOWN", {"parameter": name}), path
            assert "2020-01" not in answer.text
    guarded = "/v1/seals?status=frozen"
    assert here.http.get(guarded).json()["code"] == "TOKEN_MISSING", "who it is comes first"


def test_no_operation_of_ours_takes_one_of_two_answers(here: Here) -> None:
    """What stands twice in the address and is read once is refused by its name, the same value or another, however it is written."""
    for path, twice in (
        ("/licences/status/1", "time=1&time=2"),
        ("/licences/status/1", "time=1&%74ime=1"),
        ("/licences/status/1", "time=&time"),
        ("/licences/log/consistency", "older=1&newer=2&older=1"),
    ):
        answer = here.http.get(f"{path}?{twice}")
        found = answer.json()
        name = twice.partition("=")[0]
        assert (answer.status_code, found["code"], found["facts"]) == (422, "PARAMETER_REPEATED", {"parameter": name}), twice
    unknown = here.http.get("/licences/status/1?holder_name=a&holder_name=b").json()
    assert (unknown["code"], unknown["facts"]) == ("PARAMETER_UNKNOWN", {"parameter": "holder_name"})
    once = here.http.get("/licences/log/consistency?older=1&newer=1").json()
    assert once.get("code") != "PARAMETER_REPEATED"


def test_what_may_stand_several_times_is_taken_from_the_routes_themselves(here: Here) -> None:
    lists = {(route.path, name) for route in here.application.routes if isinstance(route, Route) for name in lists_of(route)}
    assert lists == {("/v1/holders", "holder"), ("/v1/my/systems", "client")}
    for path, name in lists:  # behind a token: the one who asks comes first
        assert here.http.get(f"{path}?{name}=a&{name}=b").json()["code"] == "TOKEN_MISSING"
    check_query_names(b"holder=a&holder=b&limit=1", {"holder", "limit"}, {"holder"})
    with pytest.raises(TrustError, match="PARAMETER_REPEATED"):
        check_query_names(b"holder=a&limit=1&holder=b&limit=1", {"holder", "limit"}, {"holder"})


def test_what_is_read_in_the_address_is_taken_from_the_routes_themselves(here: Here) -> None:
    read = {
        route.path: parameters_of(route) for route in here.application.routes if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    assert read["/licences/status/{number}"] == frozenset({"time"})
    assert read["/v1/audit/entries"] == frozenset({"subject", "actor", "action", "since", "until", "before", "limit"}), (
        "those of what it depends on too"
    )
    assert read["/.well-known/openid-configuration"] is None, "what protocols of others say of parameters counts there"
    assert read["/v"] is None
    hot = {route.path: parameters_of(route) for route in here.application.hot_routes if isinstance(route, Route)}
    assert hot["/v1/seals/{seal_id}/digest-signatures"] == frozenset()
    assert hot["/oauth2/token"] is None


def test_a_route_that_declares_nothing_stops_the_start() -> None:
    router = APIRouter()

    @router.get("/forgotten")
    def forgotten() -> None: ...

    with pytest.raises(TypeError, match="/forgotten"):
        put_gates(router.routes, cast("Gatekeeper", None))
    unread = APIRouter()

    @unread.post("/unread")
    @public("anybody")
    def take(body: dict[str, str]) -> None: ...

    with pytest.raises(TypeError, match=r"/unread.*no JsonRoute"):
        put_gates(unread.routes, cast("Gatekeeper", None))
    with pytest.raises(TypeError, match="declares neither"):
        access_of_route(Mount("/mounted", routes=[]))


def test_the_gate_lets_in_whom_it_should() -> None:
    import asyncio

    from service_kit.callers import Caller

    class Callers:
        def verify_header(self, header: str | None, *, certificate: str | None = None) -> Caller:
            assert certificate is None
            if header != "Bearer good":
                raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID")
            return Caller("c", "c", frozenset({"a.b"}))

    entered: list[Any] = []

    async def endpoint(scope: Any, _receive: Any, _send: Any) -> None:
        entered.append(scope.get("state", {}).get("caller"))

    def gated(declaration: Any, **keeper: Any) -> Any:
        route = Route("/x", declaration(endpoint_class()))
        (route,) = put_gates([route], Gatekeeper(cast("Any", Callers()), **keeper))  # type: ignore[assignment]
        return route.app

    def endpoint_class() -> Any:
        class Endpoint:
            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await endpoint(scope, receive, send)

        return Endpoint()

    def enter(app: Any, header: str | None) -> None:
        headers = [] if header is None else [(b"authorization", header.encode())]
        asyncio.run(app({"type": "http", "method": "GET", "path": "/x", "headers": headers}, None, None))

    enter(gated(public("all")), None)
    enter(gated(needs("a.b")), "Bearer good")
    enter(gated(needs("a.b"), is_active=lambda caller: caller.client_id == "c", may_block=True), "Bearer good")
    assert [caller and caller.client_id for caller in entered] == [None, "c", "c"]
    for declaration, header, keeper, code in (
        (needs("a.b"), None, {}, "TOKEN_INVALID"),
        (needs("a.c"), "Bearer good", {}, "SCOPE_MISSING"),
        (needs("a.b"), "Bearer good", {"is_active": lambda _: False}, "TOKEN_REVOKED"),
        (needs("a.b"), "Bearer good", {"is_active": lambda _: False, "may_block": True}, "TOKEN_REVOKED"),
    ):
        with pytest.raises(TrustError, match=code):
            enter(gated(declaration, **keeper), header)
    assert len(entered) == 3


def test_who_finds_no_place_hears_it_before_anybody_asks_who_he_is(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is looked up, read or recorded; and only what would take a place is refused."""
    path = "/v1/seals/sl_000000000000000000000000/signatures"
    assert here.http.post(path).json()["code"] == "TOKEN_MISSING"

    def refuse(_admission: Admission) -> None:
        raise TrustError(Kind.TOO_MANY, "TOO_BUSY", retry_after_seconds=2)

    with monkeypatch.context() as full:
        full.setattr(Admission, "demand_place", refuse)
        full.setattr(Gatekeeper, "admit", lambda *_, **__: pytest.fail("somebody was recognised to be told that there is no place"))
        for headers in ({}, {"authorization": "Bearer x"}, {"content-length": "5000000"}):
            answer = here.http.post(path, headers=headers)
            assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "TOO_BUSY", "2")
    with monkeypatch.context() as full:
        full.setattr(Admission, "demand_place", refuse)
        for method in ("GET", "PUT", "HEAD"):
            assert here.http.request(method, path).status_code == 401
        assert here.http.post(path + "/").status_code == 404
        assert here.http.post(path.upper()).status_code == 404
    assert here.http.post(path).json()["code"] == "TOKEN_MISSING"
