"""The token endpoint: what it gives, and every way of asking wrongly or maliciously."""

from __future__ import annotations

import base64
import json
import statistics
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from idp.actions.change_client_status import change_client_status
from idp.model.clients import TOKEN_SECONDS, ClientStatus
from idp.tokens.request import FORM_BYTES_MAX
from tests.audit_trail import blocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.idp.conftest import Provider

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit refills during the test, however slow the machine."""
    for module in ("authenticate_client", "issue_token"):
        monkeypatch.setattr(f"idp.actions.{module}.monotonic", lambda: 0.0)


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def part(text: str) -> dict[str, object]:
    read: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


@pytest.mark.clause("RFC 9068 2.1", "RFC 9068 2.2", "RFC 7518 3.4")
def test_a_token_verifies_with_the_published_key_by_an_independent_implementation(provider: Provider) -> None:
    began = int(time.time())
    answer = provider.token(scope="seal.use")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", TOKEN_SECONDS, "seal.use")
    head, claims, signature = body["access_token"].split(".")
    assert part(head).keys() == {"alg", "typ", "kid"}
    assert (part(head)["alg"], part(head)["typ"]) == ("ES256", "at+jwt")
    said = part(claims)
    base_url = provider.here.house.context.settings.base_url
    assert (said["iss"], said["aud"], said["sub"], said["client_id"]) == (base_url, base_url, "portal", "portal")
    assert said["exp"] - said["iat"] == TOKEN_SECONDS  # type: ignore[operator]
    assert began <= said["iat"] <= time.time()  # type: ignore[operator]
    key = next(key for key in provider.here.http.get("/oauth2/jwks").json()["keys"] if key["kid"] == part(head)["kid"])
    assert "d" not in key

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    raw = base64.urlsafe_b64decode(signature + "==")
    assert len(raw) == 64
    public = ec.EllipticCurvePublicNumbers(number(key["x"]), number(key["y"]), ec.SECP256R1()).public_key()
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))


def test_each_token_has_its_audit_entry_whose_id_is_its_jti(provider: Provider) -> None:
    said = part(provider.token().json()["access_token"].split(".")[1])
    entries = [json.loads(entry) for entry in provider.audited("token.issue")]
    assert [entry["id"] for entry in entries] == [said["jti"]]
    assert entries[0]["subject"] == "client:portal"
    assert entries[0]["facts"]["scope"] == "seal.use seal.read"


@pytest.mark.clause("RFC 6749 2.3.1")
def test_both_ways_to_authenticate_work(provider: Provider) -> None:
    data = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": provider.secrets["portal"]}
    assert provider.here.http.post("/oauth2/token", data=data).status_code == 200
    assert provider.token().status_code == 200


@pytest.mark.clause("RFC 6749 3.3")
def test_without_a_scope_everything_granted_is_given_in_the_registered_order(provider: Provider) -> None:
    assert provider.token().json()["scope"] == "seal.use seal.read"
    assert provider.token(scope="seal.read seal.use").json()["scope"] == "seal.use seal.read"


@pytest.mark.clause("RFC 6749 5.2")
@pytest.mark.parametrize(
    ("form", "error", "code"),
    [
        ({}, "invalid_request", "TOKEN_PARAMETER_MISSING"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type", "GRANT_UNSUPPORTED"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer"}, "unsupported_grant_type", "GRANT_UNSUPPORTED"),
        ({"grant_type": "authorization_code", "code": "x"}, "unauthorized_client", "GRANT_NOT_ALLOWED"),
        ({"grant_type": "client_credentials", "scope": "client.manage"}, "invalid_scope", "SCOPE_NOT_GRANTED"),
        ({"grant_type": "client_credentials", "scope": "seal.use client.manage"}, "invalid_scope", "SCOPE_NOT_GRANTED"),
        ({"grant_type": "client_credentials", "scope": "seal.use  seal.read"}, "invalid_scope", "SCOPE_NOT_GRANTED"),
        ({"grant_type": "client_credentials", "scope": "*"}, "invalid_scope", "SCOPE_NOT_GRANTED"),
        ({"grant_type": "client_credentials", "resource": "https://elsewhere.example"}, "invalid_target", "RESOURCE_NOT_GRANTED"),
    ],
)
def test_refusals_are_those_of_the_standard_with_a_stable_code(provider: Provider, form: dict[str, str], error: str, code: str) -> None:
    answer = provider.here.http.post("/oauth2/token", data=form, headers=FORM, auth=("portal", provider.secrets["portal"]))
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["code"]) == (error, code)
    assert provider.audited("token.issue") == []


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&scope=seal.use&scope=client.manage",
        "grant_type=client_credentials&scope=&scope=seal.use",
        "grant_type=client_credentials&sc%6Fpe=seal.use&scope=seal.read",
        "grant_type=client_credentials&unknown=1&unknown=2",
    ],
)
@pytest.mark.clause("RFC 6749 3.2")
def test_attack_duplicate_parameters(provider: Provider, body: str) -> None:
    answer = provider.here.http.post("/oauth2/token", content=body, headers=FORM, auth=("portal", provider.secrets["portal"]))
    assert (answer.status_code, answer.json()["code"]) == (400, "TOKEN_PARAMETER_REPEATED")


@pytest.mark.parametrize("path", ["token", "introspect", "revoke", "par", "device_authorization"])
@pytest.mark.clause("RFC 6749 3.2")
def test_attack_duplicate_parameters_at_any_endpoint_of_clients(provider: Provider, path: str) -> None:
    for body in (
        "token=a&token=b",
        "scope=openid&grant_type=client_credentials&scope=openid",
        "request_uri=&response_type=code&request_uri=",
    ):
        answer = provider.here.http.post(f"/oauth2/{path}", content=body, headers=FORM, auth=("portal", provider.secrets["portal"]))
        told = answer.json()
        assert (answer.status_code, told["error"], told["code"]) == (400, "invalid_request", "TOKEN_PARAMETER_REPEATED"), body


@pytest.mark.clause("RFC 6749 2.3")
def test_attack_two_authentications_at_once(provider: Provider) -> None:
    secret = provider.secrets["portal"]
    for form in ({"client_id": "portal", "client_secret": secret}, {"client_secret": secret}, {"client_id": "admin"}):
        answer = provider.token(**form)
        assert (answer.status_code, answer.json()["code"]) == (400, "CLIENT_METHODS_BOTH")
    assert provider.token(client_id="portal").status_code == 200
    twice = [("authorization", value) for value in (*basic("portal", secret).values(), *basic("admin", "x").values())]
    answer = provider.here.http.post("/oauth2/token", content="grant_type=client_credentials", headers=[*FORM.items(), *twice])
    assert (answer.status_code, answer.json()["code"]) == (400, "TOKEN_REQUEST_MALFORMED")


@pytest.mark.parametrize("size", [FORM_BYTES_MAX + 1, 3 * 1024 * 1024])
def test_attack_huge_body(provider: Provider, size: int) -> None:
    body = b"grant_type=client_credentials&x=" + b"a" * size
    answer = provider.here.http.post("/oauth2/token", content=body, headers=FORM, auth=("portal", provider.secrets["portal"]))
    assert (answer.status_code, answer.json()["code"]) == (413, "TOKEN_REQUEST_TOO_LARGE")


def test_attack_huge_body_that_trickles(provider: Provider) -> None:
    sent = []

    async def trickle() -> AsyncIterator[bytes]:
        for _ in range(1000):
            sent.append(1)
            yield b"x=" + b"a" * 1024 + b"&"

    headers = {**FORM, **basic("portal", provider.secrets["portal"])}
    answer = provider.here.http.post("/oauth2/token", content=trickle(), headers=headers)
    assert answer.status_code == 413
    assert len(sent) < 20


@pytest.mark.parametrize("size", [40, 33])
def test_attack_many_parameters(provider: Provider, size: int) -> None:
    body = "&".join(f"p{i}=1" for i in range(size))
    answer = provider.here.http.post("/oauth2/token", content=body, headers=FORM, auth=("portal", provider.secrets["portal"]))
    assert (answer.status_code, answer.json()["code"]) == (400, "TOKEN_REQUEST_MALFORMED")


@pytest.mark.parametrize(
    "body",
    [
        b"grant_type=client_credentials&scope=seal.use%0d%0aSet-Cookie:%20a=b",
        b"grant_type=client_credentials&scope=%00",
        b"grant_type=client_credentials&scope=%ff%fe",
        b"grant_type=client_credentials&scope",
        b"=client_credentials",
        b"grant_type=client_credentials&&scope=seal.use",
    ],
)
def test_attack_header_injection_and_malformed_forms(provider: Provider, body: bytes) -> None:
    answer = provider.here.http.post("/oauth2/token", content=body, headers=FORM, auth=("portal", provider.secrets["portal"]))
    assert (answer.status_code, answer.json()["code"]) == (400, "TOKEN_REQUEST_MALFORMED")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "application/x-www-form-urlencoded; charset=gbk", "multipart/form-data"]
)
def test_attack_another_content_type(provider: Provider, content_type: str) -> None:
    headers = {"content-type": content_type, **basic("portal", provider.secrets["portal"])}
    answer = provider.here.http.post("/oauth2/token", content="grant_type=client_credentials", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "TOKEN_REQUEST_MALFORMED")


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic ????", "Basic cG9ydGFs", "Bearer abc", "Basic " + "A" * 2000, "Basic /wA6eA==", "Negotiate x", "Basic cG9ydGFsOg0K"],
)
def test_attack_malformed_authorization_header(provider: Provider, header: str) -> None:
    answer = provider.here.http.post("/oauth2/token", content="grant_type=client_credentials", headers={**FORM, "authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.clause("RFC 6749 3.2")
def test_only_post(provider: Provider, method: str) -> None:
    answer = provider.here.http.request(method, "/oauth2/token?grant_type=client_credentials")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_attack_credentials_in_the_query_string(provider: Provider) -> None:
    query = f"client_id=portal&client_secret={provider.secrets['portal']}&grant_type=client_credentials"
    answer = provider.here.http.post(f"/oauth2/token?{query}", headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_attack_enumeration_by_answer(provider: Provider) -> None:
    """Unknown, disabled and known client with a wrong secret: one and the same answer, and the audit trail tells them apart."""
    change_client_status(provider.desk, "admin", ClientStatus.DISABLED, actor="test")
    answers = [provider.token("nobody", "x"), provider.token("portal", "x"), provider.token("admin"), provider.token("\u4e2d", "x")]
    seen = {
        (answer.status_code, answer.content, tuple(sorted((k, v) for k, v in answer.headers.items() if k not in {"x-request-id", "date"})))
        for answer in answers
    }
    assert len(seen) == 1
    assert answers[0].json() == {
        "error": "invalid_client",
        "error_description": "client authentication failed",
        "code": "CLIENT_AUTH_FAILED",
    }
    refused = [json.loads(entry) for entry in provider.audited("token.refuse")]
    assert [(entry["subject"], entry["facts"]["reason"]) for entry in refused] == [
        ("client:nobody", "unknown"),
        ("client:portal", "secret"),
        ("client:admin", "disabled"),
        ("client:(not a client id)", "unknown"),
    ]


def test_attack_enumeration_by_time(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known and an unknown client cost the same steps: their times overlap (Mann-Whitney on 120 samples each, alternating)."""
    monkeypatch.setattr("service_kit.rates.Rates.wait_seconds", lambda *_, **__: 0.0)
    provider.token()  # portal is remembered from now on
    times: dict[str, list[float]] = {"portal": [], "nobody": []}
    for _ in range(120):
        for client, taken in times.items():
            start = time.perf_counter()
            assert provider.token(client, "yxs_" + "A" * 43).status_code == 401
            taken.append(time.perf_counter() - start)
    known, unknown = times["portal"], times["nobody"]
    wins = sum((k > u) + 0.5 * (k == u) for k in known for u in unknown) / (len(known) * len(unknown))
    assert 0.25 < wins < 0.75, (statistics.median(known), statistics.median(unknown))


@pytest.mark.usefixtures("still")
def test_attack_wrong_secrets_are_answered_429_after_a_few_and_never_lock_the_owner_out(provider: Provider) -> None:
    statuses = [provider.token("portal", "wrong").status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    late = provider.token("portal", "wrong")
    assert int(late.headers["retry-after"]) >= 1
    assert (late.json()["error"], late.json()["code"]) == ("temporarily_unavailable", "RATE_EXCEEDED")
    assert provider.token("portal").status_code == 200, "the owner's right secret works on"
    assert len(provider.audited("token.refuse")) == 10


@pytest.mark.usefixtures("still")
def test_a_client_that_proves_itself_begins_anew_and_nobody_else_does(provider: Provider) -> None:
    for _ in range(2):
        assert [provider.token("portal", "wrong").status_code for _ in range(9)] == [401] * 9
        assert provider.token("portal").status_code == 200
    # Neither does another client at the same address, nor does the address: after forty that are wrong it is told so, whatever is right between
    assert [provider.token("admin", "wrong").status_code for _ in range(11)] == [401] * 10 + [429]
    assert provider.token("portal").status_code == 200
    assert provider.token("admin", "wrong").status_code == 429
    statuses = []
    for _ in range(15):
        statuses.append(provider.token("portal", "wrong").status_code)
        assert provider.token("portal").status_code == 200
    assert statuses == [401] * 12 + [429] * 3
    assert len(provider.audited("token.refuse")) == 40


@pytest.mark.usefixtures("still")
def test_attack_one_address_trying_many_clients_is_answered_429(provider: Provider) -> None:
    statuses = [provider.token(f"guess-{i}", "wrong").status_code for i in range(42)]
    assert statuses.count(401) == 40
    assert set(statuses[40:]) == {429}


@pytest.mark.usefixtures("still")
def test_attack_forged_forwarding_header_does_not_change_who_is_counted(provider: Provider) -> None:
    for i in range(10):
        headers = {"x-forwarded-for": f"203.0.113.{i}", **FORM, **basic("portal", "wrong")}
        provider.here.http.post("/oauth2/token", content="grant_type=client_credentials", headers=headers)
    assert provider.token("portal", "wrong").status_code == 429


@pytest.mark.usefixtures("still")
def test_a_client_has_its_own_limit(provider: Provider) -> None:
    from idp.actions.register_client import NewClient, register_client

    _, secret = register_client(provider.desk, NewClient("Slow", ("seal.use",), client_id="slow", tokens_per_minute=30), actor="test")
    statuses = [provider.token("slow", secret).status_code for _ in range(7)]
    assert statuses[:5] == [200] * 5  # ten seconds' worth at once
    assert statuses[-1] == 429


def test_a_disabled_client_fails_with_its_very_next_request(provider: Provider) -> None:
    assert provider.token().status_code == 200  # remembered now
    change_client_status(provider.desk, "portal", ClientStatus.DISABLED, actor="test")
    assert provider.token().status_code == 401
    change_client_status(provider.desk, "portal", ClientStatus.ACTIVE, actor="test")
    assert provider.token().status_code == 200


def test_a_disabled_clients_tokens_end_with_it(provider: Provider) -> None:
    bearer = provider.bearer("admin")
    assert provider.here.http.get("/v1/clients", headers=bearer).status_code == 200
    change_client_status(provider.desk, "admin", ClientStatus.DISABLED, actor="test")
    answer = provider.here.http.get("/v1/clients", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_REVOKED")


def test_attack_rights_edited_in_the_database_are_not_used(provider: Provider) -> None:
    database = provider.here.house.context.database
    assert provider.token().status_code == 200
    database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_clients SET scopes = 'client.manage' WHERE client_id = 'portal'")
    )
    assert provider.token(scope="client.manage").json()["code"] == "SCOPE_NOT_GRANTED"
    # whoever also invents a MAC makes the row unusable as a whole
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_clients SET row_mac = x'00' WHERE client_id = 'portal'"))
    answer = provider.token()
    assert (answer.status_code, answer.json()["code"]) == (503, "ROW_ALTERED")


def test_no_token_leaves_when_the_audit_trail_cannot_be_written(provider: Provider) -> None:
    assert provider.token().status_code == 200
    with blocked():
        answer = provider.token()
    assert (answer.status_code, answer.json()["code"]) == (503, "AUDIT_UNAVAILABLE")
    assert answer.headers["retry-after"]
    provider.here.house.context.database.write(
        lambda connection: connection.exec_driver_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON kit_audit WHEN NEW.action = 'token.issue' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    )
    answer = provider.token()
    assert answer.status_code == 503
    assert "access_token" not in answer.json()


def test_secrets_are_stored_nowhere(provider: Provider) -> None:
    provider.token()
    provider.token("portal", "yxs_wrong-canary")
    secret = provider.secrets["portal"]
    for path in provider.here.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret.encode() not in data
            assert b"wrong-canary" not in data
