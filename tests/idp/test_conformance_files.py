"""What is prepared for the OpenID conformance suite is what the suite needs, and works: clients, person, tokens, and the steps of its browser."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

import idp.service
from idp.store.registrations import find_registration
from idp.tokens.client_assertion import ASSERTION_TYPE
from tests.deployments import served_here
from tests.idp.people import CHALLENGE
from tests.idp.suite_browser import SuiteBrowser
from tests.optional import PROJECT
from tests.service_kit.dpop_proofs import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here

SUITE = "https://suite.example:8443"
BASE = "https://trust.example.org"
PLACE = f"{SUITE}/test/a/yinxin"
BASIC, FORM_POST, DYNAMIC = (f"oidcc-{name}-certification-test-plan" for name in ("basic", "formpost-basic", "dynamic"))
LOGOUT, NOTICE, THIRD = (
    f"oidcc-{name}-certification-test-plan" for name in ("rp-initiated-logout", "backchannel-rp-initiated-logout", "3rdparty-init-login")
)
FAPI, DRAFT = "fapi2-security-profile-final-test-plan", "fapi2-security-profile-id2-test-plan"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conformance") / "deployment"
    program = PROJECT / "deploy" / "conformance" / "prepare.py"
    done = subprocess.run(
        [sys.executable, str(program), "--dir", str(folder), "--base-url", BASE, "--suite", SUITE],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def plans(folder: Path) -> dict[str, dict[str, Any]]:
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "conformance").iterdir())
    return {path.stem: json.loads(path.read_text()) for path in (folder / "conformance").iterdir()}


@pytest.fixture(scope="module")
def here(folder: Path) -> Iterator[Here]:
    with served_here(folder) as found:
        yield found


class Played:
    """A module of a plan: its configuration, with what it overrides, and its browser."""

    def __init__(self, here: Here, plan: dict[str, Any], module: str = "") -> None:
        self.plan = {**plan, **plan["override"].get(module, {})}
        self.here = here
        self.browser = SuiteBrowser(here, BASE, self.plan["browser"])

    def ask(self, client_id: str = "", *, placeholder: bool = False, method: str = "GET", **changes: str) -> dict[str, str]:
        """Send the browser to the authorization endpoint; what came back."""
        given = {"client_id": client_id or self.plan["client"]["client_id"], "redirect_uri": f"{PLACE}/callback", "response_type": "code"}
        given |= {"scope": "openid", "state": "s", "nonce": "n", **changes}
        sent = {name: value for name, value in given.items() if value}
        return self.browser.open("/authorize", method, placeholder, **sent).came

    def id_token(self, code: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{PLACE}/callback"}
        client = self.plan["client"]
        answer = self.here.http.post("/oauth2/token", data=form, auth=(client["client_id"], client["client_secret"]))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id_token"])


@pytest.mark.clause("OIDC Registration 2")
def test_the_suite_finds_its_clients_its_person_and_its_token(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    here.http.forget()  # whoever came before with this client may have signed in
    assert len(plans) == 9
    assert {plan["server"]["discoveryUrl"] for plan in plans.values()} == {f"{BASE}/.well-known/openid-configuration"}
    basic, dynamic, fapi = plans[BASIC], plans[DYNAMIC], plans[FAPI]
    for name in ("client", "client2"):
        auth = (basic[name]["client_id"], basic[name]["client_secret"])
        assert here.http.post("/oauth2/introspect", data={"token": "x"}, auth=auth).json() == {"active": False}
    post = {"client_id": basic["client_secret_post"]["client_id"], "client_secret": basic["client_secret_post"]["client_secret"]}
    assert here.http.post("/oauth2/introspect", data={"token": "x", **post}).json() == {"active": False}
    callback = f"{PLACE}/callback"
    asked = {"client_id": basic["client"]["client_id"], "redirect_uri": callback, "response_type": "code", "scope": "openid"}
    assert here.http.get("/authorize", params=asked).headers["location"].startswith("/sign-in/"), "without PKCE, as the Basic plan asks"
    refused = here.http.get("/authorize", params={**asked, "client_id": fapi["client"]["client_id"]})
    assert "/sign-in/" not in refused.headers.get("location", ""), "a FAPI client pushes its requests"
    for plan in (DYNAMIC, THIRD):
        token = plans[plan]["client"]["initial_access_token"]
        registered = here.http.post(
            "/oauth2/register",
            headers={"authorization": f"Bearer {token}"},
            content=json.dumps({"redirect_uris": [callback], "client_name": dynamic["client"]["client_name"]}).encode(),
        )
        assert registered.status_code == 201
    asked["client_id"] = registered.json()["client_id"]
    assert "<strong>Dynamic</strong>" in here.http.get("/authorize", params=asked, follow_redirects=True).text


@pytest.mark.clause("OIDC Discovery 3", "OIDC Core 15.2")
def test_the_deployment_is_open_for_the_dynamic_plan_and_every_endpoint_is_https(here: Here) -> None:
    said = here.http.get("/.well-known/openid-configuration").json()
    assert set(said["response_types_supported"]) == {"code", "id_token", "id_token token"}
    assert "implicit" in said["grant_types_supported"]
    assert said["request_uri_parameter_supported"] is True
    assert said["issuer"] == BASE
    assert all(value.startswith(BASE + "/") for name, value in said.items() if name.endswith(("_endpoint", "_uri", "_documentation")))


@pytest.mark.parametrize("name_of_plan", [FAPI, DRAFT])
def test_the_fapi_clients_are_as_the_suite_wants_them(plans: dict[str, dict[str, Any]], name_of_plan: str) -> None:
    plan = plans[name_of_plan]
    keys = [key for name in ("client", "client2") for key in plan[name]["jwks"]["keys"]]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("EC", "ES256", "sig")] * 2
    assert len({key["kid"] for key in keys}) == len({key["d"] for key in keys}) == 2
    for name in ("client", "client2"):
        assert (plan[name]["scope"], plan[name]["dpop_signing_alg"]) == ("openid profile", "ES256")
    assert plan["resource"] == {"resourceUrl": f"{BASE}/oauth2/userinfo"}


def test_one_client_alone_hears_of_logouts(here: Here) -> None:
    names = ("suite-basic-1", "suite-basic-2", "suite-post", "suite-fapi-1", "suite-fapi-2", "suite-draft-1", "suite-draft-2")
    desk = idp.service.client_desk(here.house.context)
    with desk.database.read() as connection:
        found = {name: find_registration(connection, name, desk.mac_key) for name in names}
    heard = [name for name, registration in found.items() if registration is not None and registration.backchannel_logout_uri]
    assert heard == ["suite-basic-1"]


# The steps of the browser


def test_the_browser_signs_in_and_comes_back_without_a_page_the_second_time(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    played = Played(here, plans[BASIC])
    assert set(played.ask()) == {"code", "state", "iss"}
    assert played.ask(prompt="none")["state"] == "s"
    assert Played(here, plans[BASIC]).ask(prompt="none")["error"] == "login_required"
    assert "code" in Played(here, plans[BASIC], "oidcc-ensure-post-request-succeeds").ask(method="POST")
    assert played.ask(response_type="")["error"] == "invalid_request"
    assert "code" in Played(here, plans[BASIC]).ask(login_hint=played.plan["server"]["login_hint"])


def test_the_browser_presses_the_button_of_a_form_post_answer(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    played = Played(here, plans[FORM_POST])
    for changes in ({}, {"prompt": "none"}, {"response_type": ""}):
        came = played.ask(placeholder=False, response_mode="form_post", **changes)
        assert played.browser.by_post
        assert played.browser.url == f"{PLACE}/callback"
        assert came["state"] == "s"
        assert ("error" in came) is ("response_type" in changes)


@pytest.mark.parametrize(("module", "changes"), [("oidcc-prompt-login", {"prompt": "login"}), ("oidcc-max-age-1", {"max_age": "0"})])
def test_the_second_sign_in_is_shown(here: Here, plans: dict[str, dict[str, Any]], module: str, changes: dict[str, str]) -> None:
    played = Played(here, plans[BASIC], module)
    assert "code" in played.ask()
    assert "code" in played.ask(placeholder=True, **changes)
    assert len(played.browser.kept) == 1
    assert "Sign in" in played.browser.kept[0]


@pytest.mark.parametrize(
    ("module", "address"),
    [
        ("oidcc-ensure-registered-redirect-uri", f"{PLACE}/callback/x"),
        ("oidcc-ensure-redirect-uri-in-authorization-request", ""),
        ("oidcc-redirect-uri-query-added", f"{PLACE}/callback?foo=bar"),
        ("oidcc-redirect-uri-query-mismatch", f"{PLACE}/callback?bar=foo"),
    ],
)
def test_the_error_page_is_shown(here: Here, plans: dict[str, dict[str, Any]], module: str, address: str) -> None:
    plan = plans[BASIC]
    assert not Played(here, plan, module).ask(placeholder=True, redirect_uri=address)
    played = Played(here, plan, module)
    played.ask(placeholder=True, redirect_uri=address)
    assert "AUTHORIZATION_REFUSED" in played.browser.kept[0]


def test_who_registers_itself_asks_for_consent(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    plan = plans[DYNAMIC]
    body = json.dumps({"redirect_uris": [f"{PLACE}/callback"], "client_name": "Dynamic", "scope": "openid profile"}).encode()
    headers = {"authorization": f"Bearer {plan['client']['initial_access_token']}"}
    client_id = here.http.post("/oauth2/register", headers=headers, content=body).json()["client_id"]
    played = Played(here, plan)
    assert "code" in played.ask(client_id, scope="openid profile")
    assert "code" in played.ask(client_id, scope="openid profile", prompt="consent"), "signed in already: the consent alone"
    for member, text in (
        ("logo_uri", "Dynamic"),
        ("policy_uri", "Privacy policy (openid.net)"),
        ("tos_uri", "Terms of service (openid.net)"),
    ):
        stated = {"redirect_uris": [f"{PLACE}/callback"], "client_name": "Dynamic", member: "https://openid.net"}
        made = here.http.post("/oauth2/register", headers=headers, content=json.dumps(stated).encode()).json()
        shown = Played(here, plan, f"oidcc-registration-{member.replace('_', '-')}")
        assert not shown.ask(made["client_id"], placeholder=True)
        assert text in shown.browser.kept[0]


@pytest.mark.parametrize("plan", [LOGOUT, NOTICE])
def test_the_browser_signs_out_and_goes_back(here: Here, plans: dict[str, dict[str, Any]], plan: str) -> None:
    played = Played(here, plans[plan])
    hint = played.id_token(played.ask()["code"])
    address = f"{PLACE}/post_logout_redirect"
    assert played.browser.open("/logout", id_token_hint=hint, post_logout_redirect_uri=address, state="x").came == {"state": "x"}
    assert played.browser.url.startswith(address)
    assert played.ask(prompt="none")["error"] == "login_required"


@pytest.mark.parametrize(
    ("module", "leaves_out", "text"),
    [
        ("bad-post-logout-redirect-uri", "", "Sign out?"),
        ("modified-id-token-hint", "", "Sign out?"),
        ("no-id-token-hint", "id_token_hint", "Sign out?"),
        ("no-params", "id_token_hint post_logout_redirect_uri state", "You are signed out"),
        ("no-post-logout-redirect-uri", "post_logout_redirect_uri", "You are signed out"),
        ("only-state", "id_token_hint post_logout_redirect_uri", "You are signed out"),
    ],
)
def test_the_page_at_which_a_logout_ends_is_shown(
    here: Here, plans: dict[str, dict[str, Any]], module: str, leaves_out: str, text: str
) -> None:
    played = Played(here, plans[LOGOUT], f"oidcc-rp-initiated-logout-{module}")
    hint = played.id_token(played.ask()["code"])
    if module.startswith("modified"):
        header, payload, _ = hint.split(".")
        assert json.loads(urlsafe_b64decode(header + "=="))["alg"] == "RS256"
        hint = f"{encode({'alg': 'none'})}.{payload}."
    address = f"{PLACE}/post_logout_redirect" + ("/x" if module.startswith("bad") else "")
    sent = {"id_token_hint": hint, "post_logout_redirect_uri": address, "state": "x"}
    came = played.browser.open(
        "/logout", placeholder=True, **{name: value for name, value in sent.items() if name not in leaves_out.split()}
    ).came
    assert not came
    assert text in played.browser.kept[0]


class Pushed(Played):
    """A module of the FAPI 2.0 plan: its clients push by the keys of their configurations."""

    def uri(self, name: str = "client", query: str = "", audience: str | list[str] = BASE) -> str:
        client = self.plan[name]
        (jwk,) = client["jwks"]["keys"]
        at = int(time.time())
        claims = {
            "iss": client["client_id"],
            "sub": client["client_id"],
            "aud": audience,
            "iat": at,
            "exp": at + 60,
            "jti": secrets.token_hex(8),
        }
        assertion = jwt.encode({"alg": jwk["alg"], "kid": jwk["kid"]}, claims, ECKey.import_key(jwk))
        form = {"redirect_uri": f"{PLACE}/callback{query}", "response_type": "code", "scope": client["scope"], "state": "s", "nonce": "n"}
        form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "client_id": client["client_id"]}
        form |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        answer = self.here.http.post("/oauth2/par", data=form)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["request_uri"])

    def bring(self, uri: str, name: str = "client", *, placeholder: bool = False) -> dict[str, str]:
        """As the suite opens it: with what need not stand beside the name."""
        sent = {"client_id": self.plan[name]["client_id"], "request_uri": uri, "response_type": "code", "scope": self.plan[name]["scope"]}
        return self.browser.open("/authorize", "GET", placeholder, **sent, redirect_uri=f"{PLACE}/callback").came


def test_the_browser_signs_in_for_the_fapi_clients(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    played = Pushed(here, plans[FAPI])
    for name, query in (("client", ""), ("client2", "?dummy1=lorem&dummy2=ipsum")):
        came = played.bring(played.uri(name, query), name)
        assert set(came) == {"code", "state", "iss"} | ({"dummy1", "dummy2"} if query else set())


def test_the_draft_s_clients_are_held_to_the_profile_s_rules_but_for_whom_they_call_us(
    here: Here, plans: dict[str, dict[str, Any]]
) -> None:
    """The modules of the second draft that the final profile turned round: any of our addresses, and several, are taken."""
    played = Pushed(here, plans[DRAFT])
    for audience in (f"{BASE}/oauth2/par", f"{BASE}/oauth2/token", [BASE, "https://other1.example.com"]):
        assert "code" in played.bring(played.uri(audience=audience))
    for audience in ("https://other1.example.com", f"{BASE}/oauth2/userinfo"):
        with pytest.raises(AssertionError, match="CLIENT_AUTH_FAILED"):
            played.uri(audience=audience)
    with pytest.raises(AssertionError, match="CLIENT_AUTH_FAILED"):
        Pushed(here, plans[FAPI]).uri(audience=f"{BASE}/oauth2/par")
    desk = idp.service.client_desk(here.house.context)
    with desk.database.read() as connection:
        one, two = (find_registration(connection, name, desk.mac_key) for name in ("suite-draft-1", "suite-draft-2"))
    for found in (one, two):
        assert found is not None
        assert (found.require_pushed_authorization_requests, found.dpop_bound_access_tokens, found.is_pkce_required) == (True, True, True)
        assert (found.token_endpoint_auth_method, found.grant_types) == ("private_key_jwt", ("authorization_code",))
    rejecting = Pushed(here, plans[DRAFT], "fapi2-security-profile-id2-user-rejects-authentication")
    assert rejecting.bring(rejecting.uri())["error"] == "access_denied"


def test_the_browser_refuses_for_the_fapi_clients(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    played = Pushed(here, plans[FAPI], "fapi2-security-profile-final-user-rejects-authentication")
    for name in ("client", "client2"):
        assert played.bring(played.uri(name), name)["error"] == "access_denied"


def test_the_browser_sees_what_becomes_of_a_pushed_request(here: Here, plans: dict[str, dict[str, Any]]) -> None:
    fapi = "fapi2-security-profile-final-par-"
    again = Pushed(here, plans[FAPI], f"{fapi}attempt-reuse-request_uri")
    uri = again.uri()
    assert "code" in again.bring(uri)
    assert not again.bring(uri, placeholder=True)
    assert "AUTHORIZATION_REFUSED" in again.browser.kept[0]
    other = Pushed(here, plans[FAPI], f"{fapi}attempt-to-use-request_uri-for-different-client")
    assert not other.bring(other.uri(), "client2", placeholder=True)
    assert "AUTHORIZATION_REFUSED" in other.browser.kept[0]
    looked = Pushed(here, plans[FAPI], f"{fapi}ensure-reused-request-uri-prior-to-auth-completion-succeeds")
    uri = looked.uri()
    assert not looked.bring(uri)
    assert "code" in looked.bring(uri, placeholder=True)


def test_every_module_with_steps_of_its_own_has_a_page_or_an_answer_at_its_end(plans: dict[str, dict[str, Any]]) -> None:
    for plan in plans.values():
        for module, override in plan.get("override", {}).items():
            last = [entry["tasks"][-1] for entry in override["browser"]]
            assert all(task["match"] for task in last), module
            for task in last:
                assert all(len(command) in {4, 6} for command in task["commands"]), module
