"""A client of the FAPI 2.0 security profile, as our own tests of the conformance suite's modules play it: private_key_jwt, DPoP, PAR."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import RSAKey

import idp.service
from idp.model.registrations import Registration
from idp.tokens.client_assertion import ASSERTION_TYPE
from service_kit.dpop import access_token_digest, check_proof
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, CHALLENGE, VERIFIER, Browser, Registered, settle
from tests.idp.test_code_flow import Clients
from tests.service_kit.dpop_proofs import Prover, public_jwk, sign, without_gaps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
RSA = RSAKey.generate_key(2048, {"kid": "r1"})
FAPI = Registration(
    "fapi",
    redirect_uris=(CALLBACK, CALLBACK + "?dummy1=lorem"),
    grant_types=("authorization_code", "refresh_token"),
    token_endpoint_auth_method="private_key_jwt",
    jwks=({**public_jwk(KEY), "kid": "k1"}, {name: str(RSA.as_dict(private=False)[name]) for name in ("kty", "n", "e", "kid")}),
    require_pushed_authorization_requests=True,
    dpop_bound_access_tokens=True,
    profile="fapi2",
    is_own=True,
)


@dataclass
class Fapi:
    """A client of the profile: it signs, proves, pushes, and has a browser."""

    clients: Clients
    client_id: str = "fapi"
    key: ec.EllipticCurvePrivateKey = KEY
    prover: Prover = field(default_factory=Prover)
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.clients.town.here)

    @property
    def issuer(self) -> str:
        return self.clients.town.desk.issuer

    @property
    def thumbprint(self) -> str:
        at = self.clients.town.desk.clock.now()
        return check_proof(self.proof(), method="POST", url=self.issuer + "/oauth2/token", at=at).jkt

    def now(self) -> int:
        return int(self.clients.town.desk.clock.now().timestamp())

    def assertion(self, header: dict[str, Any] | None = None, /, **changes: Any) -> dict[str, str]:
        at = self.now()
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": at, "exp": at + 60, "jti": secrets.token_hex(8)}
        text = sign(self.key, {"kid": "k1", **(header or {})}, without_gaps({**claims, **changes}))
        return {"client_id": self.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}

    def proof(self, path: str = "/oauth2/token", method: str = "POST", /, **changes: Any) -> str:
        at = changes.pop("at", self.now())
        nonces = idp.service.nonces_of(self.clients.town.here.house.context)
        changes = {"nonce": nonces.of(self.clients.town.desk.clock.now()), **changes}
        return self.prover.proof(method, self.issuer + path, at, **{"jti": secrets.token_hex(8), **changes})

    def push(self, auth: dict[str, str] | None = None, /, **changes: str) -> httpx.Response:
        given = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "s", "nonce": "n"}
        given |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", **changes}
        form = {name: value for name, value in given.items() if value}
        return self.clients.http.post("/oauth2/par", data={**form, **(self.assertion() if auth is None else auth)})

    def bring(self, uri: str, **changes: str) -> Fapi:
        query = {"client_id": self.client_id, "request_uri": uri, **changes}
        self.browser.go("/authorize", **{name: value for name, value in query.items() if value})
        if self.browser.heading == "Sign in":
            self.browser.log_in()
        return self

    def code(self, **changes: str) -> str:
        return self.bring(self.push(**changes).json()["request_uri"]).browser.returned["code"]

    def redeem(self, code: str, /, *, auth: dict[str, str] | None = None, proof: str | None = None, **changes: str) -> httpx.Response:
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changes}
        form = {name: value for name, value in given.items() if value}
        headers = {"dpop": self.proof() if proof is None else proof}
        form |= self.assertion() if auth is None else auth
        return self.clients.http.post("/oauth2/token", data=form, headers=headers if headers["dpop"] else {})

    def tokens(self, **changes: str) -> dict[str, Any]:
        answer = self.redeem(self.code(**changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def userinfo(self, token: str, scheme: str = "DPoP", **changes: Any) -> httpx.Response:
        proof = self.proof("/oauth2/userinfo", "GET", **{"ath": access_token_digest(token), **changes})
        return self.clients.http.get("/oauth2/userinfo", headers={"authorization": f"{scheme} {token}", "dpop": proof})


@contextmanager
def served_fapi(folder: Path) -> Iterator[Clients]:
    """A deployment with a person and two clients of the profile."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WRONG_PER_PEER", "WRONG_PER_CLIENT_AND_PEER"):  # the limits on wrong attempts have tests of their own
            patch.setattr(f"idp.actions.authenticate_client.{name}", 1e6)
        with served_here(make_deployment(folder, services=["idp"])) as here:
            found = Clients(settle(here, Registered()))
            found.town.person()
            found.add(FAPI)
            found.add(replace(FAPI, client_id="fapi2", jwks=({**public_jwk(OTHER_KEY), "kid": "k1"},)))
            yield found
