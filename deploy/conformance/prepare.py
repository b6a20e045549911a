"""Prepare a deployment for the OpenID conformance suite, and the suite's test configurations for it.

    python deploy/conformance/prepare.py --dir DIR --base-url https://trust.example.org --suite https://localhost.emobix.co.uk:8443

Makes the deployment in DIR (a new folder), a person who may sign in, the clients of every plan, and writes one configuration of the suite per
plan to DIR/conformance, with secrets and private keys of the clients: for tests alone, readable by the owner alone, never to be published.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

import idp.service
from crypto.jose import write_base64url
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_client import NewClient, register_client
from idp.actions.register_itself import issue_initial_token
from idp.actions.set_credentials import set_password
from idp.actions.set_registration import set_registration
from idp.api.registration_routes import SignInRegistrationBody, read_registration_body
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind
from idp.model.registrations import FAPI2
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.initialise import initialise

ACTOR = "operator:conformance"
ALIAS = "yinxin"
LOGIN = "conformance"
SIGN_IN, SIGN_OUT, SIGNED_OUT = "Sign in|登录", r"Sign out\?|确认退出登录", "You are signed out|已退出登录"
"""By what the suite's browser knows a page (regular expressions), in either language."""
FAPI_MODULES, DRAFT_MODULES = "fapi2-security-profile-final-", "fapi2-security-profile-id2-"
DYNAMIC_CLIENTS = 500  # every module of the Dynamic plan registers a client or two
DAYS = 90


def registrations(suite: str) -> dict[str, dict[str, Any]]:
    """The clients of the plans, by name; keys and secrets are made afterwards. ``suite``: the suite's base URL."""
    place = f"{suite}/test/a/{ALIAS}"
    basic: dict[str, Any] = {
        "redirect_uris": [f"{place}/callback", f"{place}/callback?dummy1=lorem&dummy2=ipsum"],
        "post_logout_redirect_uris": [f"{place}/post_logout_redirect"],
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "RS256",
        "is_own": True,
        "is_pkce_required": False,  # the Basic plan sends no challenge
    }
    fapi = {
        "redirect_uris": basic["redirect_uris"],
        "grant_types": basic["grant_types"],
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "profile": FAPI2,
        "is_own": True,
    }
    # The second draft wants assertions taken that are for any of our addresses, or for several, which the final profile forbids: its clients
    # are held to each of the other rules by itself. Without the profile refresh tokens would rotate, which the draft forbids: so it has none
    draft = {name: value for name, value in fapi.items() if name != "profile"} | {"grant_types": ["authorization_code"]}
    # One client alone hears of logouts: the suite takes whatever comes to this address for a notice to the client under test
    first = {**basic, "backchannel_logout_uri": f"{place}/backchannel_logout", "backchannel_logout_session_required": True}
    post = {**basic, "token_endpoint_auth_method": "client_secret_post"}
    return {"suite-basic-1": first, "suite-basic-2": basic, "suite-post": post, "suite-fapi-1": fapi, "suite-fapi-2": fapi} | {
        "suite-draft-1": draft,
        "suite-draft-2": draft,
    }


def _private_key(key_id: str) -> dict[str, str]:
    """A new P-256 key as a private JWK (RFC 7518 6.2.2)."""
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    x, y, d = (
        write_base64url(each.to_bytes(32, "big")) for each in (numbers.public_numbers.x, numbers.public_numbers.y, numbers.private_value)
    )
    return {"kty": "EC", "crv": "P-256", "kid": key_id, "use": "sig", "alg": "ES256", "x": x, "y": y, "d": d}


def prepare(folder: Path, base_url: str, suite: str, networks: list[str]) -> dict[str, dict[str, Any]]:
    """Make it all; the suite's configurations by plan."""
    opened = {"implicit": True, "request_uri": True}  # what the Dynamic plan alone asks for; no other plan is better or worse for it
    initialise(folder, organisation="Conformance", settings={"base_url": base_url, "outbound": {"networks": networks}, "openid": opened})
    house = open_house(open_deployment(folder))
    try:
        password = _person(house.context)
        desk = idp.service.client_desk(house.context)
        made: dict[str, dict[str, Any]] = {}
        for name, members in registrations(suite).items():
            key = _private_key(f"{name}-key")
            public = {member: value for member, value in key.items() if member != "d"}
            is_keyed = members.get("token_endpoint_auth_method") == "private_key_jwt"
            _, secret = register_client(desk, NewClient(name, ("seal.read",), client_id=name), actor=ACTOR)
            stated = SignInRegistrationBody.model_validate({**members, **({"jwks": [public]} if is_keyed else {})})
            set_registration(desk, read_registration_body(name, stated.model_dump()), actor=ACTOR)
            shown = (
                {"jwks": {"keys": [key]}, "scope": "openid profile", "dpop_signing_alg": "ES256"} if is_keyed else {"client_secret": secret}
            )
            made[name] = {"client_id": name, **shown}
        _, initial = issue_initial_token(
            desk, note="conformance", scopes=(), needs_approval=False, is_pkce_required=False, uses=DYNAMIC_CLIENTS, days=DAYS, actor=ACTOR
        )
    finally:
        house.close()
    return configurations(base_url, made, initial, password)


def _person(context: Any) -> str:
    desk, password = idp.service.people_desk(context), secrets.token_urlsafe(16)
    identifiers = (
        Identifier(IdentifierKind.LOGIN, LOGIN),
        Identifier(IdentifierKind.MOBILE, "13800000000"),
        Identifier(IdentifierKind.MAIL, "conformance@example.org"),
    )
    evidence = (Evidence("ev_conformance", "counter", "Invented for tests", 3, desk.clock.now()),)
    facts = {
        "sex": "1",
        "born_on": "1990-01-01",
        "address": "呼伦贝尔市测试路 1 号",
    }  # whatever discovery names as a claim, some module asks for
    account = create_account(desk, NewAccount(AccountKind.PERSON, "一致性测试", identifiers, facts, "", evidence), actor=ACTOR)
    set_password(desk, account.account_id, password, actor=ACTOR)
    desk.pool.close()
    return password


class Steps:
    """What the suite's browser does at our pages (its ``browser`` section): entries, each for addresses the suite opens, with tasks in their order.

    A task whose address is not there is passed over where it is optional. A browser that has been here before sees the pages of a sign-in at the
    address it opened, a new one at an address of their own. Buttons are found by the forms they belong to, pages by what they
    say.
    """

    def __init__(self, base_url: str, password: str) -> None:
        self._base = base_url
        self._password = password

    def entry(self, path: str, *tasks: dict[str, Any], once: bool = False) -> dict[str, Any]:
        """``path``: where the suite starts. ``once``: for the first visit alone; the next entry is for those after it."""
        return {"match": f"{self._base}{path}*", **({"match-limit": 1} if once else {}), "tasks": list(tasks)}

    def task(self, name: str, path: str, *commands: list[Any], optional: bool = False) -> dict[str, Any]:
        """``path``: of this deployment, or a whole pattern where it begins with ``*``."""
        match = path if path.startswith("*") else f"{self._base}{path}"
        return {"task": name, **({"optional": True} if optional else {}), "match": match, "commands": list(commands)}

    def sign_in(self, *first: list[Any]) -> dict[str, Any]:
        """Sign in, agree, and press the button of a form_post answer, each where it is asked for. ``first``: commands on the sign-in page."""
        press: list[Any] = ["click", "css", "form button", "optional"]
        name, secret = (["text", "name", field, text, "optional"] for field, text in (("login", LOGIN), ("password", self._password)))
        return self.entry(
            "/authorize",
            self.task("Sign in", "/*", *first, name, secret, press, optional=True),
            self.task("Agree", "/*", press, optional=True),
            self.task("Go on", "/*", press, optional=True),
            self.task("Back at the suite", "*/test/*/callback*", ["wait", "id", "submission_complete", 10]),
        )

    def sign_out(self) -> dict[str, Any]:
        """Sign out and go back."""
        return self.entry("/logout", self._confirm(), self.task("Back at the suite", "*/test/*/post_logout_redirect*"))

    def seen(self, start: str, name: str, path: str, text: str, *before: dict[str, Any]) -> dict[str, Any]:
        """End on a page that says ``text`` (a regular expression), which then stands in the suite's log in place of a screenshot."""
        return self.entry(start, *before, self.task(name, path, _shows(text, "update-image-placeholder")))

    def _confirm(self) -> dict[str, Any]:
        return self.task("Confirm", "/logout*", ["click", "css", "form button", "optional"], optional=True)

    def overrides(self) -> dict[str, dict[str, Any]]:
        """By module, where the common steps do not fit: pages at which the module ends, a second sign-in, a refusal."""
        refused = self.seen("/authorize", "The error page", "/authorize*", "AUTHORIZATION_REFUSED")
        shown = self.seen("/authorize", "The sign-in page", "/*", SIGN_IN)
        again = self.sign_in(_shows(SIGN_IN, "update-image-placeholder-optional"))
        asks = [self.sign_in(), self.seen("/logout", "The question", "/logout*", SIGN_OUT)]
        out = [self.sign_in(), self.seen("/logout", "Signed out", "/logout/done*", SIGNED_OUT, self._confirm())]
        cancel = self.task("Cancel", "/*", ["click", "css", "form[action$='/cancel'] button"])
        back = self.task("Back at the suite", "*/test/*/callback*", ["wait", "id", "submission_complete", 10])
        first = {**self.sign_in(), "match-limit": 1}
        look = self.entry("/authorize", self.task("Only look", "/*"), once=True)
        fapi, draft, logout = FAPI_MODULES, DRAFT_MODULES, "oidcc-rp-initiated-logout-"
        steps: dict[str, list[dict[str, Any]]] = {
            "oidcc-prompt-login": [again],
            "oidcc-max-age-1": [again],
            "oidcc-ensure-registered-redirect-uri": [refused],
            "oidcc-ensure-redirect-uri-in-authorization-request": [refused],
            "oidcc-redirect-uri-query-added": [refused],
            "oidcc-redirect-uri-query-mismatch": [refused],
            "oidcc-registration-logo-uri": [shown],
            "oidcc-registration-policy-uri": [shown],
            "oidcc-registration-tos-uri": [shown],
            f"{logout}bad-post-logout-redirect-uri": asks,
            f"{logout}modified-id-token-hint": asks,
            f"{logout}no-id-token-hint": asks,
            f"{logout}no-params": out,
            f"{logout}no-post-logout-redirect-uri": out,
            f"{logout}only-state": out,
            **{f"{plan}user-rejects-authentication": [self.entry("/authorize", cancel, back)] for plan in (fapi, draft)},
            **{f"{plan}par-attempt-reuse-request_uri": [first, refused] for plan in (fapi, draft)},
            **{f"{plan}par-attempt-to-use-expired-request_uri": [refused] for plan in (fapi, draft)},
            **{f"{plan}par-attempt-to-use-request_uri-for-different-client": [refused] for plan in (fapi, draft)},
            f"{fapi}par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": [look, self.sign_in()],
        }
        return {module: {"browser": entries} for module, entries in steps.items()}


def _shows(text: str, action: str) -> list[Any]:
    """Wait until the page says ``text``, and keep the page as the proof that the module wants."""
    return ["wait", "xpath", "//*", 10, text, action]


def configurations(base_url: str, made: dict[str, dict[str, Any]], initial: str, password: str) -> dict[str, dict[str, Any]]:
    """What the suite is given for each plan. ``browser`` signs the person in by itself."""
    server = {"discoveryUrl": f"{base_url}/.well-known/openid-configuration", "login_hint": LOGIN}
    steps = Steps(base_url, password)
    common = {"alias": ALIAS, "server": server, "browser": [steps.sign_in(), steps.sign_out()], "override": steps.overrides()}
    static = {**common, "client": made["suite-basic-1"], "client2": made["suite-basic-2"], "client_secret_post": made["suite-post"]}
    dynamic = {
        **common,
        "client": {"client_name": "Dynamic", "initial_access_token": initial},
        "client2": {"client_name": "Dynamic 2", "initial_access_token": initial},
    }
    resource = {"resourceUrl": f"{base_url}/oauth2/userinfo"}
    return {
        "oidcc-basic-certification-test-plan": static,
        "oidcc-config-certification-test-plan": {"alias": ALIAS, "server": server},
        "oidcc-formpost-basic-certification-test-plan": static,
        "oidcc-rp-initiated-logout-certification-test-plan": static,
        "oidcc-backchannel-rp-initiated-logout-certification-test-plan": static,
        "oidcc-3rdparty-init-login-certification-test-plan": dynamic,
        "oidcc-dynamic-certification-test-plan": dynamic,
        f"{FAPI_MODULES}test-plan": {**common, "client": made["suite-fapi-1"], "client2": made["suite-fapi-2"], "resource": resource},
        f"{DRAFT_MODULES}test-plan": {**common, "client": made["suite-draft-1"], "client2": made["suite-draft-2"], "resource": resource},
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, required=True, help="a new folder")
    parser.add_argument("--base-url", required=True, help="what the suite calls the deployment: https, a name the suite can resolve")
    parser.add_argument("--suite", required=True, help="the suite's base URL")
    parser.add_argument(
        "--network", action="append", default=[], help="networks the suite answers from (logout notices); public where missing"
    )
    given = parser.parse_args()
    made = prepare(given.dir, given.base_url.rstrip("/"), given.suite.rstrip("/"), given.network or ["public"])
    out = given.dir / "conformance"
    out.mkdir(mode=0o700)
    for plan, configuration in made.items():
        path = out / f"{plan}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(configuration, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
