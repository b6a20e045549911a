"""Tokens bound to a client certificate (RFC 8705 3): good on connections that show it, at userinfo and at every API, and nowhere else."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, VERIFIER, Browser, Registered, settle
from tests.idp.test_client_certificate import made
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

CERTIFICATE, OTHER = (base64.b64encode(made(ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)).decode() for _ in range(2))


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    settings = {"client_certificates.header": "x-client-cert", "client_certificates.peers": ["192.0.2.7/32"]}
    with served_here(make_deployment(tmp_path_factory.mktemp("mtls") / "deployment", **settings)) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        grants = ("authorization_code", "client_credentials")
        found.add(replace(BASE, tls_client_certificate_bound_access_tokens=True, grant_types=grants), "client.manage")
        yield found


@pytest.mark.clause("RFC 8705 3", "RFC 8705 3.1")
def test_a_token_bound_to_a_certificate(clients: Clients) -> None:
    def token(certificate: str, **form: str) -> httpx.Response:
        headers = {"x-client-cert": certificate} if certificate else {}
        return clients.http.post("/oauth2/token", data=form, auth=("own", clients.secrets["own"]), headers=headers)

    def call(path: str, access_token: str, certificate: str | None) -> int:
        headers = {"authorization": f"Bearer {access_token}"} | ({"x-client-cert": certificate} if certificate else {})
        return clients.http.get(path, headers=headers).status_code

    browser = Browser(clients.town.here)
    browser.authorize("own")
    browser.log_in()
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": browser.returned["code"]}
    assert token("", **form).json()["code"] == "CERTIFICATE_MISSING"
    persons = token(CERTIFICATE, **form).json()["access_token"]
    own = token(CERTIFICATE, grant_type="client_credentials").json()["access_token"]
    for each in (persons, own):
        assert list(clients.read(each, clients.town.desk.issuer)["cnf"]) == ["x5t#S256"]
    for path, access_token in (("/oauth2/userinfo", persons), ("/v1/clients", own)):
        assert call(path, access_token, CERTIFICATE) == 200
        assert call(path, access_token, OTHER) == 401
        assert call(path, access_token, None) == 401
