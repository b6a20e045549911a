"""Clients of others against a served deployment, in every way to prove oneself: openid-client (npm), certified; and Authlib in its own flow."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin

import httpx
import pytest
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]  # it ships no types
from joserfc.jwk import ECKey, RSAKey

import idp.service
from idp.actions.register_client import NewClient, register_client
from idp.actions.register_itself import issue_initial_token
from idp.actions.rotate_secret import rotate_secret
from idp.actions.set_registration import set_registration
from idp.model.registrations import Registration
from tests.deployments import Server, free_port, make_deployment
from tests.idp.people import PASSWORD, Registered, Town
from tests.interop.node_parts import PROGRAMS, need_node_package
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

VERSION = "6.9.0"
CALLBACK = "http://127.0.0.1:9401/cb"  # nobody listens there: the browser stops before it
KEY = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"})
PSS = RSAKey.generate_key(2048, {"kid": "k2"})  # which does not say what it is for
BASE = Registration(
    "basic",
    redirect_uris=(CALLBACK,),
    grant_types=("authorization_code", "refresh_token"),
    is_own=True,
)
STEPS = ["client authentication", "id tokens of every algorithm", "PS256 throughout", "PAR and DPoP", "registration"]


class Served:
    """A served deployment, its clients and their secrets."""

    def __init__(self, server: Server, secrets: dict[str, str], initial_token: str) -> None:
        self.server = server
        self.secrets = secrets
        self.initial_token = initial_token


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = make_deployment(tmp_path_factory.mktemp("rp") / "deployment", **{"outbound.networks": ["127.0.0.0/8"]})
    house = open_house(open_deployment(folder))
    try:
        Town(cast("Here", None), idp.service.people_desk(house.context), Registered()).person()
        desk = idp.service.client_desk(house.context)
        jwks = (KEY.as_dict(private=False),)
        secrets: dict[str, str] = {}
        for registration in (
            BASE,
            replace(BASE, client_id="keyed", token_endpoint_auth_method="private_key_jwt", jwks=jwks),
            replace(BASE, client_id="hmac", token_endpoint_auth_method="client_secret_jwt"),
            replace(BASE, client_id="post", token_endpoint_auth_method="client_secret_post"),
            replace(BASE, client_id="open", token_endpoint_auth_method="none"),
            replace(BASE, client_id="rsa", id_token_signed_response_alg="RS256"),
            replace(
                BASE,
                client_id="pss",
                id_token_signed_response_alg="PS256",
                token_endpoint_auth_method="private_key_jwt",
                request_object_signing_alg="PS256",
                require_signed_request_object=True,
                jwks=(PSS.as_dict(private=False),),
            ),
            replace(BASE, client_id="edwards", id_token_signed_response_alg="EdDSA"),
            replace(BASE, client_id="lib", is_own=False, purpose="Shown at consent"),
            replace(
                BASE,
                client_id="fapi",
                token_endpoint_auth_method="private_key_jwt",
                jwks=jwks,
                profile="fapi2",
                grant_types=("authorization_code", "refresh_token"),
                require_pushed_authorization_requests=True,
                dpop_bound_access_tokens=True,
            ),
        ):
            name = registration.client_id
            _, secrets[name] = register_client(desk, NewClient(name, ("seal.read",), client_id=name), actor="test")
            set_registration(desk, registration, actor="test")
        _, secrets["hmac"] = rotate_secret(desk, "hmac", overlap_seconds=0, actor="test")
        _, initial = issue_initial_token(
            desk, note="test", scopes=(), needs_approval=False, is_pkce_required=True, uses=3, days=1, actor="test"
        )
    finally:
        house.close()
    with Server(folder, free_port()) as server:
        yield Served(server, secrets, initial)


class Person:
    """Goes where a client sends it, signs in, agrees, and stops where it is sent back to the client."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(timeout=20, headers={"accept-language": "en"})

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def visit(self, url: str) -> str:
        answer = self.http.get(url)
        for _ in range(20):
            here = str(answer.url)
            if answer.has_redirect_location:
                there = urljoin(here, answer.headers["location"])
                if not there.startswith(self.base_url):
                    return there
                answer = self.http.get(there)
                continue
            assert answer.status_code == 200, answer.text
            form = self._form(answer.text)
            if form is None:
                return here
            action, fields = form
            answer = self.http.post(urljoin(here, action), data=fields)
        raise AssertionError("going round in circles")

    @staticmethod
    def _form(page: str) -> tuple[str, dict[str, str]] | None:
        """The form that goes on, filled in; None where there is none."""
        for action, inside in re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL):
            if not action.endswith(("/password", "/consent")):
                continue
            fields = dict(re.findall(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', inside))
            return action, {**fields, **({"login": "jia", "password": PASSWORD} if action.endswith("/password") else {})}
        return None


def test_a_certified_client_proves_itself_in_every_way(served: Served) -> None:
    node, parts = need_node_package("openid-client", VERSION)
    given = {
        "issuer": served.server.url,
        "parts": str(parts),
        "secrets": served.secrets,
        "key": KEY.as_dict(private=True),
        "pss": PSS.as_dict(private=True),
        "initial_token": served.initial_token,
        "redirect_uri": CALLBACK,
    }
    steps, came = [], []
    command = [node, str(PROGRAMS / "client_methods.mjs"), json.dumps(given)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with Person(served.server.url) as person, subprocess.Popen(command, **pipes) as party:
        assert party.stdin is not None
        assert party.stdout is not None
        assert party.stderr is not None
        try:
            for line in party.stdout:
                said = json.loads(line)
                came.append(said)
                if "step" in said:
                    steps.append(said["step"])
                    continue
                party.stdin.write(person.visit(said["visit"]) + "\n")
                party.stdin.flush()
            assert steps == STEPS, (party.stderr.read(), came[-1:])
        finally:
            party.kill()


def test_authlib_signs_people_in(served: Served) -> None:
    metadata: dict[str, Any] = httpx.get(served.server.url + "/.well-known/openid-configuration").json()
    setting = {"redirect_uri": CALLBACK, "scope": "openid profile", "code_challenge_method": "S256"}
    with OAuth2Session("lib", served.secrets["lib"], **setting) as party, Person(served.server.url) as person:
        verifier = "v" * 64
        url, state = party.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
        there = person.visit(url)
        token = party.fetch_token(metadata["token_endpoint"], authorization_response=there, code_verifier=verifier, state=state)
        assert party.get(metadata["userinfo_endpoint"]).json()["name"] == "测试甲"
        fresh = party.refresh_token(metadata["token_endpoint"], token["refresh_token"])
        assert fresh["access_token"] != token["access_token"]
        told = party.introspect_token(metadata["introspection_endpoint"], fresh["access_token"]).json()
        assert (told["active"], told["scope"]) == (True, "openid profile")
        assert party.revoke_token(metadata["revocation_endpoint"], fresh["access_token"]).status_code == 200
        assert not party.introspect_token(metadata["introspection_endpoint"], fresh["access_token"]).json()["active"]
