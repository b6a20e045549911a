"""Registration of clients over HTTP: who may, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.actions.set_registration import set_registration
from idp.model.registrations import CREDENTIALS, Registration

if TYPE_CHECKING:
    import httpx

    from tests.idp.conftest import Provider

PUBLIC_KEY = {"kty": "EC", "crv": "P-256", "kid": "k1", "x": "A" * 43, "y": "A" * 43}
WANTED = {"name": "Housing", "client_id": "housing", "scopes": ["seal.use"]}


def test_register_show_list_rotate_disable_enable(provider: Provider) -> None:
    http, bearer = provider.here.http, provider.bearer()
    made = http.post("/v1/clients", json=WANTED, headers=bearer)
    assert (made.status_code, made.headers["location"], made.headers["cache-control"]) == (201, "/v1/clients/housing", "no-store")
    first = made.json()["client_secret"]
    assert provider.token("housing", first).status_code == 200
    shown = http.get("/v1/clients/housing", headers=bearer).json()
    assert "client_secret" not in shown
    assert (shown["status"], shown["created_by"], shown["scopes"]) == ("active", "client:admin", ["seal.use"])
    page = http.get("/v1/clients?limit=2", headers=bearer).json()
    assert ([client["client_id"] for client in page["clients"]], page["next_after"]) == (["admin", "housing"], "housing")
    rest = http.get("/v1/clients?limit=2&after=housing", headers=bearer).json()
    assert ([client["client_id"] for client in rest["clients"]], rest["next_after"]) == (["portal"], None)
    second = http.post("/v1/clients/housing/secret", json={"overlap_seconds": 0}, headers=bearer).json()["client_secret"]
    assert provider.token("housing", first).status_code == 401
    assert provider.token("housing", second).status_code == 200
    assert http.post("/v1/clients/housing/disable", headers=bearer).json()["status"] == "disabled"
    assert http.post("/v1/clients/housing/disable", headers=bearer).status_code == 200, "again: nothing happens"
    assert provider.token("housing", second).status_code == 401
    assert http.post("/v1/clients/housing/enable", headers=bearer).json()["status"] == "active"
    assert [len(provider.audited(f"client.{verb}")) for verb in ("rotate-secret", "disable", "enable")] == [1, 1, 1]


def test_an_id_is_made_up_where_none_is_given(provider: Provider) -> None:
    made = provider.here.http.post("/v1/clients", json={"name": "X", "scopes": ["seal.use"]}, headers=provider.bearer()).json()
    assert provider.token(made["client_id"], made["client_secret"]).status_code == 200


def test_the_same_request_makes_one_client_and_shows_its_secret_once(provider: Provider) -> None:
    http, keyed = provider.here.http, {**provider.bearer(), "idempotency-key": "registration-17"}
    before = len(provider.audited("client.register"))
    first = http.post("/v1/clients", json={"name": "X", "scopes": ["seal.use"]}, headers=keyed).json()
    assert (first["client_secret"][:4], first["secret_shown_before"]) == ("yxs_", False)
    http.post(f"/v1/clients/{first['client_id']}/disable", headers=provider.bearer())
    again = http.post("/v1/clients", json={"name": "X", "scopes": ["seal.use"]}, headers=keyed)
    shown = http.get(again.headers["location"], headers=provider.bearer()).json()
    assert (again.status_code, again.json()) == (201, {**shown, "client_secret": None, "secret_shown_before": True})
    assert (shown["client_id"], shown["status"]) == (first["client_id"], "disabled"), "as it now stands"
    assert len(provider.audited("client.register")) == before + 1
    database = provider.here.house.context.database
    with database.read() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM kit_idempotency").all()
    assert first["client_secret"] not in str(kept)
    other = http.post("/v1/clients", json={"name": "Y", "scopes": ["seal.use"]}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    # What failed leaves nothing behind, and another's key is another
    taken = {**WANTED, "client_id": "portal"}
    for _ in range(2):
        assert http.post("/v1/clients", json=taken, headers={**keyed, "idempotency-key": "b"}).json()["code"] == "CLIENT_EXISTS"
    assert http.post("/v1/clients", json=WANTED, headers={**keyed, "idempotency-key": "b"}).status_code == 201
    assert http.post("/v1/clients", json=WANTED, headers={**keyed, "idempotency-key": "k" * 256}).json()["code"] == "REQUEST_INVALID"
    plain = http.post("/v1/clients", json={"name": "X", "scopes": []}, headers=provider.bearer()).json()
    assert (plain["client_secret"][:4], plain["secret_shown_before"]) == ("yxs_", False)


def test_a_client_that_only_signs_people_in_needs_no_scope(provider: Provider) -> None:
    made = provider.here.http.post("/v1/clients", json={"name": "X", "client_id": "door", "scopes": []}, headers=provider.bearer()).json()
    for form in ({}, {"scope": "seal.use"}):
        answer = provider.token("door", made["client_secret"], **form)
        assert (answer.status_code, answer.json()["code"]) == (400, "SCOPE_NOT_GRANTED")


@pytest.mark.parametrize("path", ["/v1/clients", "/v1/clients/portal"])
def test_without_the_scope_nothing_is_shown(provider: Provider, path: str) -> None:
    assert provider.here.http.get(path).json()["code"] == "TOKEN_MISSING"
    answer = provider.here.http.get(path, headers=provider.bearer("portal"))
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING")


def test_attack_scope_escalation(provider: Provider) -> None:
    """Nobody passes on what he does not hold: neither by registering, nor by taking over a client's secret."""
    http, bearer = provider.here.http, provider.bearer()
    answer = http.post("/v1/clients", json={**WANTED, "scopes": ["seal.use", "seal.manage"]}, headers=bearer)
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == (403, "SCOPE_NOT_HELD", {"scope": "seal.manage"})
    answer = http.post("/v1/clients/portal/secret", json={}, headers=bearer)  # portal holds seal.read, admin does not
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_NOT_HELD")
    narrow = provider.bearer("admin", scope="client.manage")
    assert http.post("/v1/clients", json=WANTED, headers=narrow).json()["code"] == "SCOPE_NOT_HELD"


def test_attack_taking_over_a_client_that_may_more(provider: Provider) -> None:
    """Nor by giving it keys of one's own, letting it in again or turning its people elsewhere; what shows nothing is as it was."""
    http, bearer = provider.here.http, provider.bearer()
    keys = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt", "jwks": [PUBLIC_KEY]}
    refused = (403, "SCOPE_NOT_HELD", {"scope": "seal.read"})  # portal holds seal.read, admin does not
    for path, body in (("registration", keys), ("cas-services", {"services": ["https://evil.example/"]})):
        answer = http.request("PUT", f"/v1/clients/portal/{path}", json=body, headers=bearer)
        assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == refused, path
    nothing = http.get("/v1/clients/portal/registration", headers=bearer)
    assert (nothing.status_code, nothing.json()["code"]) == (404, "CLIENT_REGISTRATION_MISSING")
    assert http.get("/v1/clients/nobody/registration", headers=bearer).json()["code"] == "CLIENT_NOT_FOUND"
    assert http.post("/v1/clients/portal/disable", headers=bearer).json()["status"] == "disabled", "to stop one needs nothing"
    answer = http.post("/v1/clients/portal/enable", headers=bearer)
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == refused
    # A client of his own that asks no consent, or stands for a resource server, is not his to make; one that does is not his to change
    path, plain = "/v1/clients/admin/registration", {"grant_types": ["client_credentials"]}
    public = {"grant_types": ["authorization_code"], "redirect_uris": ["https://x.example/"], "token_endpoint_auth_method": "none"}
    for trusted in ({"is_own": True}, {"serves": ["https://vault.example/"]}, {**public, "person_scopes": ["seal.use"]}):
        answer = http.request("PUT", path, json={**plain, **trusted}, headers=bearer)
        assert (answer.status_code, answer.json()["facts"]) == (403, {"scope": "client.trust"}), trusted
    answer = http.request("PUT", path, json={**plain, "person_scopes": ["seal.read"]}, headers=bearer)
    assert (answer.status_code, answer.json()["facts"]) == (403, {"scope": "seal.read"}), "nor what people may be asked for"
    answer = http.request("PUT", path, json={**plain, "person_scopes": ["seal.nothing"]}, headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (422, "SCOPE_UNKNOWN")
    set_registration(provider.desk, Registration("admin", grant_types=(CREDENTIALS,), is_own=True), actor="test")
    for method, target, body in (("PUT", path, plain), ("POST", "/v1/clients/admin/secret", {})):
        answer = http.request(method, target, json=body, headers=bearer)
        assert (answer.status_code, answer.json()["facts"]) == (403, {"scope": "client.trust"}), target


def test_a_registration_that_somebody_else_changed_is_not_written_over(provider: Provider) -> None:
    http, bearer, path = provider.here.http, provider.bearer(), "/v1/clients/admin/registration"
    body = {"grant_types": ["client_credentials"]}
    first = http.request("PUT", path, json=body, headers=bearer)
    seen = http.get(path, headers=bearer).headers["etag"]
    assert first.headers["etag"] == seen
    second = http.request("PUT", path, json={**body, "purpose": "housing"}, headers={**bearer, "if-match": seen})
    assert (second.status_code, second.headers["etag"] == seen) == (200, False)
    late = http.request("PUT", path, json=body, headers={**bearer, "if-match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "REGISTRATION_CHANGED")
    odd = http.request("PUT", path, json=body, headers={**bearer, "if-match": "x"})
    assert (odd.status_code, odd.json()["code"]) == (422, "FIELD_UNACCEPTABLE")
    assert http.get(path, headers=bearer).json()["purpose"] == "housing"


def test_attack_a_client_becomes_another_between_the_look_and_the_approval(provider: Provider) -> None:
    """Who lets it in says which version he looked at: one that manages itself may have changed where it sends people."""
    http, bearer = provider.here.http, provider.bearer()
    http.post("/v1/clients", json=WANTED, headers=bearer)
    http.post("/v1/clients/housing/disable", headers=bearer)
    seen = http.get("/v1/clients/housing", headers=bearer).headers["etag"]
    set_registration(provider.desk, Registration("housing", redirect_uris=("https://evil.example/cb",)), actor="client:housing")
    for verb in ("enable", "disable"):
        late = http.post(f"/v1/clients/housing/{verb}", headers={**bearer, "if-match": seen})
        assert (late.status_code, late.json()["code"]) == (412, "REGISTRATION_CHANGED"), verb
    shown = http.get("/v1/clients/housing", headers=bearer)
    assert (shown.json()["status"], shown.headers["etag"] == seen) == ("disabled", False)
    assert shown.headers["etag"] == http.get("/v1/clients/housing/registration", headers=bearer).headers["etag"], "of both in one"
    let_in = http.post("/v1/clients/housing/enable", headers={**bearer, "if-match": shown.headers["etag"]})
    assert (let_in.status_code, let_in.json()["status"]) == (200, "active")
    assert let_in.headers["etag"] == http.get("/v1/clients/housing", headers=bearer).headers["etag"] != shown.headers["etag"]


@pytest.mark.parametrize(
    "extra",
    [
        {"status": "active"},
        {"created_by": "root"},
        {"secret": "x"},
        {"client_secret": "chosen"},
        {"id": "x"},
        {"role": "admin"},
        {"version": 9},
    ],
)
def test_attack_mass_assignment(provider: Provider, extra: dict[str, object]) -> None:
    answer = provider.here.http.post("/v1/clients", json={**WANTED, **extra}, headers=provider.bearer())
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    assert "chosen" not in answer.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": "a"}, "CLIENT_ID_INVALID"),
        ({"client_id": "../../etc"}, "CLIENT_ID_INVALID"),
        ({"client_id": "portal\n"}, "CLIENT_ID_INVALID"),
        ({"client_id": "portal"}, "CLIENT_EXISTS"),
        ({"name": " padded "}, "CLIENT_FIELD_INVALID"),
        ({"name": "line\nbreak"}, "CLIENT_FIELD_INVALID"),
        ({"scopes": ["seal.use", "seal.use"]}, "CLIENT_FIELD_INVALID"),
        ({"scopes": ["Seal Use"]}, "CLIENT_FIELD_INVALID"),
        ({"scopes": ["nothing.known"]}, "SCOPE_UNKNOWN"),
        ({"audiences": ["not a uri"]}, "CLIENT_FIELD_INVALID"),
        ({"audiences": ["https://a.example/#fragment"]}, "CLIENT_FIELD_INVALID"),
        ({"audiences": [f"https://a.example/{i}" for i in range(17)]}, "REQUEST_INVALID"),
        ({"audiences": ["https://a.example", "https://a.example"]}, "CLIENT_FIELD_INVALID"),
        ({"tokens_per_minute": 0}, "REQUEST_INVALID"),
        ({"name": 7}, "REQUEST_INVALID"),
    ],
)
def test_fields_that_break_their_rule(provider: Provider, change: dict[str, object], code: str) -> None:
    answer = provider.here.http.post("/v1/clients", json={**WANTED, **change}, headers=provider.bearer())
    assert answer.json()["code"] == code
    assert answer.status_code in {409, 422}


def test_unknown_clients_and_malformed_bodies(provider: Provider) -> None:
    http, bearer = provider.here.http, provider.bearer()
    assert http.get("/v1/clients/nobody", headers=bearer).json()["code"] == "CLIENT_NOT_FOUND"
    assert http.post("/v1/clients/nobody/disable", headers=bearer).status_code == 404
    assert http.post("/v1/clients/nobody/secret", json={}, headers=bearer).status_code == 404
    broken = http.post("/v1/clients", content=b"{", headers={**bearer, "content-type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (400, "REQUEST_MALFORMED")


@pytest.mark.clause("RFC 8707 2")
def test_a_client_may_ask_for_its_audiences_only(provider: Provider) -> None:
    made = provider.here.http.post(
        "/v1/clients", json={**WANTED, "audiences": ["https://one.example", "urn:two"]}, headers=provider.bearer()
    ).json()

    def ask(**form: str) -> httpx.Response:
        return provider.token("housing", made["client_secret"], **form)

    assert ask().status_code == 200
    assert ask(resource="urn:two").status_code == 200
    assert ask(resource="https://three.example").json()["error"] == "invalid_target"


@pytest.mark.clause("RFC 8414 2")
def test_metadata_states_only_what_exists(provider: Provider) -> None:
    http = provider.here.http
    base_url = provider.here.house.context.settings.base_url
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        metadata = http.get(path).json()
        assert metadata["issuer"] == base_url
        assert metadata["response_types_supported"] == ["code"]
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert set(metadata["scopes_supported"]) >= {"openid", "client.manage", "seal.use", "audit.read"}
        for name, value in metadata.items():
            if name.endswith(("_endpoint", "_uri", "_documentation")):
                assert http.get(value).status_code != 404, name
        assert http.get(path).headers["cache-control"] == "public, max-age=300"
