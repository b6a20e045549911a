"""Upstreams of every kind as settings, with what they say of a person; and sign-ins at one, one after the other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.connectors.kinds import open_connector
from idp.connectors.settings import ConnectorKind, read_settings
from service_kit.outbound import Outbound, read_networks
from standards.errors import TrustError
from tests.fakes.upstream import AT, CLIENT, NUMBER, SECRET, SM4_KEY, Upstream, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idp.model.requests import Identity

KINDS = tuple(kind.value for kind in ConnectorKind)
CALLING = tuple(kind for kind in KINDS if kind != "encrypted_redirect")  # that one asks nobody
WEAK = {
    "ticket_md5": "md5-signature",
    "oauth2_tokeninfo": "secret-in-query",
    "trust_ticket": "caller-code-only",
    "sso_token": "token-without-audience",
    "encrypted_redirect": "record-through-browser",
}
ENDPOINTS = {
    "oidc": {"token": "/token", "jwks": "/jwks", "userinfo": "/userinfo"},
    "oauth2_tokeninfo": {"token": "/token", "tokeninfo": "/tokeninfo"},
    "code_userinfo": {"userinfo": "/record"},
    "ticket_md5": {"ticket": "/md5"},
    "trust_ticket": {"ticket": "/trust"},
    "cas": {"validation": "/validate"},
    "keycloak": {},
    "sso_token": {"ticket": "/gateway"},
    "encrypted_redirect": {},
}
PLAIN = {
    "subject": "sub",
    "name": "name",
    "id_type": "idtype",
    "id_number": "idnum",
    "level": "lv",
    "kind": "usertype",
    "address": "address",
}
FIELDS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("oidc", "code_userinfo", "ticket_md5", "keycloak", "sso_token"), PLAIN),
    "encrypted_redirect": {**PLAIN, "state": "state"},
    "oauth2_tokeninfo": {ours: f"userobj.{theirs}" for ours, theirs in PLAIN.items()},
    "trust_ticket": {**PLAIN, "subject": "USER_ID"},
    "cas": {"subject": "user", **{ours: f"attributes.{theirs}" for ours, theirs in PLAIN.items() if ours != "subject"}},
}
PERSON: dict[str, Any] = {"sub": "u-1", "name": "测试甲", "idtype": "1", "idnum": NUMBER, "lv": "L2", "usertype": 1}


def record(kind: str, **changed: object) -> dict[str, Any]:
    person = {**PERSON, **changed}
    if kind == "oauth2_tokeninfo":
        return {"userobj": person}
    if kind == "trust_ticket":
        return {"USER_ID": person.pop("sub"), **person}
    return {"user": person.pop("sub"), "attributes": {name: [value] for name, value in person.items()}} if kind == "cas" else person


def stated(kind: str, url: str = "http://127.0.0.1:9") -> dict[str, Any]:
    endpoints = {"authorization": f"{url}/login", "logout": f"{url}/logout"}
    ciphered = {"cipher": {"scheme": "sm4-gcm", "key": SM4_KEY.hex()}} if kind == "encrypted_redirect" else {}
    made: dict[str, Any] = {
        "name": "region",
        "protocol": kind,
        "callback_url": "http://127.0.0.1:8000/sign-in/upstream/region",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "endpoints": endpoints | {name: url + path for name, path in ENDPOINTS[kind].items()},
        "fields": FIELDS[kind],
        "levels": {"L2": 2, "L3": 3},
        "id_types": {"1": "resident_id", "49": "credit_code", "414": "passport"},
        "kinds": {"1": "person", "2": "organisation"},
        **({"issuer": url, "is_issuer_returned": True} if kind in {"oidc", "keycloak"} else {}),
        **ciphered,
    }
    if kind == "keycloak":  # derived from the realm's issuer
        del made["endpoints"]
    return made


class Round:
    """One sign-in after another at one upstream."""

    def __init__(self, kind: str, there: Upstream) -> None:
        self.there, self.kind = there, kind
        there.record = record(kind)
        self.settings = read_settings(stated(kind, there.url))
        self.connector = open_connector(self.settings)
        self.outbound = Outbound(read_networks(["127.0.0.1/32"]), timeout_seconds=20)

    def sign_in(self, *, later: timedelta = timedelta(0), stored: Mapping[str, str] | None = None, **answer: str) -> Identity:
        begun = self.connector.begin("si_1", AT)
        came = {**self.there.authorize(begun.redirect_url), **answer}
        came = {name: value for name, value in came.items() if value != "-"}
        return self.connector.finish({**begun.stored, **(stored or {})}, came, self.outbound, AT + later)

    def refusal(self, **arguments: Any) -> object:
        with pytest.raises(TrustError) as refused:
            self.sign_in(**arguments)
        return refused.value.facts["reason"] if refused.value.code == "UPSTREAM_ANSWER_REFUSED" else refused.value.code


@pytest.fixture(scope="module", name="there")
def there_fixture() -> Iterator[Upstream]:
    with upstream() as made:
        yield made


@pytest.fixture(params=KINDS, name="round_")
def round_fixture(request: pytest.FixtureRequest, there: Upstream) -> Round:
    return fresh_round(request.param, there)


@pytest.fixture(params=CALLING, name="calling")
def calling_fixture(request: pytest.FixtureRequest, there: Upstream) -> Round:
    return fresh_round(request.param, there)


@pytest.fixture(name="oidc")
def oidc_fixture(there: Upstream) -> Round:
    return fresh_round("oidc", there)


def fresh_round(kind: str, there: Upstream) -> Round:
    there.attack, there.algorithm, there.claims, there.scheme = "", "ES256", {}, "sm4-gcm"
    there.asked.clear()
    return Round(kind, there)
