"""Systems register themselves, within what an administrator's token allows, and manage what they registered."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey

import idp.service
from idp.actions import register_itself
from idp.actions.change_client_status import change_client_status
from idp.actions.register_itself import issue_initial_token, withdraw_initial_token
from idp.actions.set_registration import set_registration
from idp.model.clients import ClientStatus
from idp.store.registrations import find_registration
from standards.errors import TrustError
from tests.deployments import Here, make_deployment, served_here
from tests.service_kit.receivers import Receiver, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from idp.model.registrations import Registration

KEY = ECKey.generate_key("P-256", {"kid": "k1"})
CALLBACK = "https://rp.example/cb"
BODY: dict[str, Any] = {"client_name": "测试应用", "redirect_uris": [CALLBACK]}


class World:
    """A deployment in which systems register themselves."""

    def __init__(self, here: Here, rp: Receiver) -> None:
        self.here = here
        self.rp = rp
        self.desk = idp.service.client_desk(here.house.context)

    def initial(self, *scopes: str, uses: int = 1, days: int = 1, **settings: bool) -> str:
        given = {"needs_approval": False, "is_pkce_required": True, **settings}
        return issue_initial_token(self.desk, note="test", scopes=scopes, uses=uses, days=days, actor="test", **given)[1]

    def send(self, method: str, path: str, token: str | None, body: Any = None) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return self.here.http.request(method, path, headers=headers, content=content)

    def register(self, token: str | None = None, /, **members: Any) -> httpx.Response:
        return self.send("POST", "/oauth2/register", token or self.initial("seal.read"), {**BODY, **members})

    def made(self, token: str | None = None, /, **members: Any) -> dict[str, Any]:
        answer = self.register(token, **members)
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store"), answer.text
        assert answer.headers["location"] == answer.json()["registration_client_uri"]
        return dict(answer.json())

    def manage(self, made: dict[str, Any], method: str, body: Any = None, token: str | None = None) -> httpx.Response:
        path = made["registration_client_uri"].removeprefix(self.here.house.context.settings.base_url)
        return self.send(method, path, token or made["registration_access_token"], body)

    def token(self, client_id: str, secret: str) -> int:
        form = {"grant_type": "client_credentials"}
        return self.here.http.post("/oauth2/token", data=form, auth=(client_id, secret)).status_code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = make_deployment(tmp_path_factory.mktemp("self") / "deployment", **{"outbound.networks": ["127.0.0.0/8"]})
    with receiver() as rp, served_here(folder) as here:
        yield World(here, rp)


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer.json()["code"]


@pytest.mark.clause("RFC 7591 3.2.1", "OIDC Registration 3.2")
def test_a_system_registers_itself(world: World) -> None:
    made = world.made(software_id="ignored", contacts=["a@example.org"])
    assert (made["client_secret"][:4], "openid" in made["scope"].split()) == ("yxs_", True)
    assert (made["client_secret_expires_at"], made["client_name"], made["redirect_uris"]) == (0, "测试应用", [CALLBACK])
    assert (made["grant_types"], made["response_types"]) == (["authorization_code"], ["code"])
    assert (made["token_endpoint_auth_method"], made["id_token_signed_response_alg"]) == ("client_secret_basic", "RS256")
    assert not {"software_id", "contacts", "registration_token_digest", "is_own"} & set(made)
    authorize = world.here.http.get("/authorize", params={"client_id": made["client_id"], "redirect_uri": CALLBACK})
    assert authorize.headers["location"].startswith(CALLBACK), "the address is registered: the client is told what is missing"
    assert world.here.http.get("/.well-known/openid-configuration").json()["registration_endpoint"].endswith("/oauth2/register")


def test_what_a_client_may_have_of_its_own_is_within_the_token(world: World) -> None:
    grants = ["authorization_code", "client_credentials"]
    made = world.made(scope="openid seal.read client.manage nonsense", grant_types=grants)
    assert made["scope"] == "openid seal.read"
    assert world.token(made["client_id"], made["client_secret"]) == 200
    assert refused(world.register(grant_types=grants, scope="openid client.manage"))[1] == "invalid_client_metadata"


@pytest.mark.clause("RFC 7591 3")
def test_an_initial_token_is_good_as_often_as_it_says(world: World) -> None:
    token = world.initial(uses=3)
    with ThreadPoolExecutor(16) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: world.register(token), range(16))]
    assert sorted(statuses) == [201] * 3 + [401] * 13


def test_without_a_good_token_nobody_registers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in (None, "yxi_" + "A" * 43, "x" * 300, "a b"):
        answer = world.send("POST", "/oauth2/register", token, BODY)
        assert refused(answer) == (401, "invalid_token", "INITIAL_TOKEN_INVALID")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    used, text = issue_initial_token(
        world.desk, note="", scopes=(), needs_approval=False, is_pkce_required=True, uses=5, days=1, actor="test"
    )
    at = world.desk.clock.now()
    withdraw_initial_token(world.desk, used.token_id, actor="test")
    with pytest.raises(TrustError, match="INITIAL_TOKEN_UNKNOWN"):
        withdraw_initial_token(world.desk, used.token_id, actor="test")
    assert refused(world.register(text))[2] == "INITIAL_TOKEN_INVALID"
    late = world.initial()
    monkeypatch.setattr(type(world.desk.clock), "now", lambda _self: at.replace(year=at.year + 1))
    assert refused(world.register(late))[2] == "INITIAL_TOKEN_INVALID"


def test_an_altered_initial_token_is_an_incident(world: World) -> None:
    token = world.initial(uses=2)
    world.desk.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_initial_tokens SET expires_at = expires_at + 1 WHERE uses = 0")
    )
    assert world.register(token).status_code == 503
    world.desk.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM idp_initial_tokens"))


def test_a_client_that_needs_approval_waits_for_it(world: World) -> None:
    grants = {"grant_types": ["authorization_code", "client_credentials"], "scope": "openid seal.read"}
    made = world.made(world.initial("seal.read", needs_approval=True), **grants)
    assert world.token(made["client_id"], made["client_secret"]) == 401
    assert world.manage(made, "GET").status_code == 200
    change_client_status(world.desk, made["client_id"], ClientStatus.ACTIVE, actor="test")
    assert world.token(made["client_id"], made["client_secret"]) == 200


CALLBACK = "https://rp.example/cb"
ELSEWHERE = "https://elsewhere.example/cb"


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        ({}, False),
        ({"redirect_uris": [CALLBACK, ELSEWHERE]}, True),
        ({"client_name": "Tax office"}, True),
        ({"post_logout_redirect_uris": [ELSEWHERE]}, True),
        ({"initiate_login_uri": ELSEWHERE}, True),
        ({"policy_uri": ELSEWHERE}, True),
        ({"require_pushed_authorization_requests": True}, False),
    ],
)
def test_attack_who_was_approved_becomes_another_afterwards(world: World, change: dict[str, Any], waits: bool) -> None:
    stated = {
        "redirect_uris": [CALLBACK],
        "client_name": "Example",
        "grant_types": ["authorization_code", "client_credentials"],
        "scope": "openid seal.read",
    }
    for is_waiting in (False, True):
        made = world.made(world.initial("seal.read", needs_approval=is_waiting), **stated)
        if is_waiting:
            change_client_status(world.desk, made["client_id"], ClientStatus.ACTIVE, actor="test")
        answer = world.manage(made, "PUT", {**stated, "client_id": made["client_id"], **change})
        assert answer.status_code == 200
        assert world.token(made["client_id"], made["client_secret"]) == (401 if is_waiting and waits else 200)
    if waits:
        change_client_status(world.desk, made["client_id"], ClientStatus.ACTIVE, actor="test")
        assert world.token(made["client_id"], made["client_secret"]) == 200
        fewer = world.manage(made, "PUT", {**stated, "client_id": made["client_id"], "client_name": change.get("client_name", "Example")})
        assert (fewer.status_code, world.token(made["client_id"], made["client_secret"])) == (200, 200), (
            "taking an address away is no change"
        )


def test_whether_pkce_is_needed_is_not_the_clients_choice(world: World) -> None:
    for settings, expected in (({}, True), ({"is_pkce_required": False}, False)):
        made = world.made(world.initial(**settings), is_pkce_required=False)
        with world.desk.database.read() as connection:
            registration = find_registration(connection, made["client_id"], world.desk.mac_key)
        assert registration is not None
        assert registration.is_pkce_required is expected
    public = world.made(world.initial(is_pkce_required=False), token_endpoint_auth_method="none")
    assert "client_secret" not in public


@pytest.mark.clause("RFC 7591 3.2.2")
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://rp.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://rp.example/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://rp.example/cb"}, "invalid_redirect_uri"),
        ({"redirect_uris": [1]}, "invalid_redirect_uri"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"response_types": ["code", "code id_token"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "HS256"}, "invalid_client_metadata"),
        ({"userinfo_signed_response_alg": "HS256"}, "invalid_client_metadata"),
        ({"introspection_signed_response_alg": "RS512"}, "invalid_client_metadata"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": 7}, "invalid_client_metadata"),
        ({"jwks": {"keys": [KEY.as_dict(private=True)]}}, "invalid_client_metadata"),
        ({"jwks": [KEY.as_dict(private=False)]}, "invalid_client_metadata"),
        ({"jwks": {"keys": [KEY.as_dict(private=False)] * 17}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [KEY.as_dict(private=False)]}, "jwks_uri": "https://rp.example/k"}, "invalid_client_metadata"),
        ({"jwks_uri": "http://169.254.169.254/latest"}, "invalid_client_metadata"),
        ({"jwks_uri": "https://2130706433/keys"}, None),
        ({"backchannel_logout_uri": "https://10.0.0.1/logout"}, "invalid_client_metadata"),
        ({"subject_type": "secret"}, "invalid_client_metadata"),
        ({"client_name": " x"}, "invalid_client_metadata"),
        ({"client_name": "a\u202eb"}, "invalid_client_metadata"),
        ({"scope": ["openid"]}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "true"}, "invalid_client_metadata"),
        ({"sector_identifier_uri": "https://10.0.0.1/sector"}, "invalid_client_metadata"),
    ],
)
def test_what_cannot_be_registered_is_refused_by_the_words_of_the_standard(
    world: World, members: dict[str, Any], error: str | None
) -> None:
    answer = world.register(**members)
    if error is None:  # an address of our own in decimal: allowed here, because the operator allowed it in any spelling
        assert answer.status_code == 201
        return
    assert refused(answer) == (400, error, "CLIENT_FIELD_INVALID")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b'{"x":NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(world: World, body: bytes) -> None:
    answer = world.send("POST", "/oauth2/register", world.initial(), body)
    assert answer.status_code in {400, 413}
    assert answer.json()["error"] == "invalid_client_metadata"


@pytest.mark.clause("OIDC Registration 5")
def test_a_sector_lists_every_redirect_address(world: World) -> None:
    two = ["https://one.example/cb", "https://two.example/cb"]
    asked = {"subject_type": "pairwise", "redirect_uris": two, "sector_identifier_uri": world.rp.url}
    assert refused(world.register(subject_type="pairwise", redirect_uris=two))[1] == "invalid_client_metadata"
    for status, body, expected in (
        (200, json.dumps(two).encode(), 201),
        (200, json.dumps(two[:1]).encode(), 400),
        (200, b"{}", 400),
        *((200, each, 400) for each in (b"x", json.dumps(two).encode("utf-16"), json.dumps([*two, float("nan")]).encode())),
        (404, json.dumps(two).encode(), 400),
    ):
        world.rp.status, world.rp.body = status, body
        made = world.register(**asked)
        assert made.status_code == expected
        # An administrator's word is not enough either: a client must not see people under the names of another sector
        if expected == 201:
            with world.desk.database.read() as connection:
                registered = find_registration(connection, made.json()["client_id"], world.desk.mac_key)
            assert registered is not None
            assert set_registration(world.desk, registered, actor="test") == registered
            continue
        assert registered is not None
        with pytest.raises(TrustError, match="CLIENT_FIELD_INVALID"):
            set_registration(world.desk, registered, actor="test")


@pytest.mark.clause("RFC 7592 2.1", "RFC 7592 2.2")
def test_a_client_manages_itself(world: World) -> None:
    made = world.made()
    shown = world.manage(made, "GET").json()
    assert "client_secret" not in shown
    assert {name: made[name] for name in made if name not in {"client_secret", "client_secret_expires_at"}} == shown
    changed = {"client_id": made["client_id"], "client_name": "New", "redirect_uris": ["https://rp.example/new"], "scope": "openid"}
    answer = world.manage(made, "PUT", changed)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["client_name"], answer.json()["redirect_uris"]) == ("New", ["https://rp.example/new"])
    assert "client_secret" not in answer.json()
    assert world.manage(made, "GET").json() == answer.json()
    keyed = {**changed, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.as_dict(private=False)]}}
    assert "client_secret" not in world.manage(made, "PUT", keyed).json()
    back = world.manage(made, "PUT", {**changed, "token_endpoint_auth_method": "client_secret_jwt"}).json()
    assert back["client_secret"] not in {"", made["client_secret"]}
    with world.desk.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT 1 FROM idp_client_secrets WHERE client_id = ?", (made["client_id"],)).all()
    assert len(rows) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"client_id": None},
        {"registration_access_token": "yxm_x"},
        {"client_secret": "yxs_wrong"},
        {"client_secret": 7},
        {"redirect_uris": ["http://rp.example"]},
    ],
)
def test_a_client_changes_nothing_that_is_not_its_own(world: World, changes: dict[str, Any]) -> None:
    made = world.made()
    answer = world.manage(made, "PUT", {**BODY, "client_id": made["client_id"], **changes})
    assert answer.status_code == 400
    assert world.manage(made, "GET").json()["redirect_uris"] == [CALLBACK]
    same = world.manage(made, "PUT", {**BODY, "client_id": made["client_id"], "client_secret": made["client_secret"]})
    assert same.status_code == 200


def test_the_token_of_one_client_manages_no_other(world: World) -> None:
    mine, other = world.made(), world.made()
    for method, body in (("GET", None), ("PUT", {**BODY, "client_id": other["client_id"]}), ("DELETE", None)):
        answer = world.manage(other, method, body, token=mine["registration_access_token"])
        assert refused(answer) == (401, "invalid_token", "REGISTRATION_TOKEN_INVALID")
    assert world.manage({**mine, "registration_client_uri": "/oauth2/register/nobody"}, "GET").status_code == 401
    assert world.manage({**mine, "registration_client_uri": "/oauth2/register/nobody"}, "GET", token="a b").status_code == 401
    assert world.manage(other, "GET").status_code == 200


def test_attack_what_an_administrator_sets_in_the_same_moment_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that changes itself writes nothing over what was set while its addresses were looked at."""
    made = world.made()
    client_id, looked = made["client_id"], register_itself.check_addresses

    def registration() -> Registration:
        with world.desk.database.read() as connection:
            found = find_registration(connection, client_id, world.desk.mac_key)
        assert found is not None
        return found

    def late(*given: Any) -> None:
        looked(*given)
        if not registration().allowed_claims:
            set_registration(world.desk, replace(registration(), allowed_claims=("name",), acting="person"), actor="test")

    monkeypatch.setattr(register_itself, "check_addresses", late)
    answer = world.manage(made, "PUT", {**BODY, "client_id": client_id, "client_name": "Later"})
    assert (answer.status_code, answer.json()["client_name"]) == (200, "Later")
    assert (registration().allowed_claims, registration().acting) == (("name",), "person")
    # Where it never comes to rest, nothing is written at all
    monkeypatch.setattr(register_itself, "check_addresses", lambda *_: set_registration(world.desk, registration(), actor="test"))
    answer = world.manage(made, "PUT", {**BODY, "client_id": client_id, "client_name": "Never"})
    assert (answer.status_code, answer.json()["code"]) == (400, "CLIENT_STATUS_CONFLICT")
    assert world.manage(made, "GET").json()["client_name"] == "Later"


def test_attack_a_withdrawn_token_does_not_come_back_with_what_an_administrator_sets(world: World) -> None:
    made = world.made()
    with world.desk.database.read() as connection:
        before = find_registration(connection, made["client_id"], world.desk.mac_key)
    assert before is not None
    assert world.manage(made, "DELETE").status_code == 204
    set_registration(world.desk, before, actor="test", keeps_token=True)  # as he read it, a moment before
    assert world.manage(made, "GET").status_code == 401


def test_attack_a_client_lays_no_credentials_down_that_its_rights_were_given_for(world: World) -> None:
    """What needs client.trust for a client without credentials cannot be had by laying them down afterwards."""
    made = world.made()
    with world.desk.database.read() as connection:
        before = find_registration(connection, made["client_id"], world.desk.mac_key)
    assert before is not None
    bare = {**BODY, "client_id": made["client_id"], "token_endpoint_auth_method": "none"}
    for given in ({"person_scopes": ("seal.read",)}, {"is_own": True}):
        set_registration(world.desk, replace(before, **given), actor="test")
        assert refused(world.manage(made, "PUT", bare)) == (400, "invalid_client_metadata", "CLIENT_FIELD_INVALID")
    set_registration(world.desk, before, actor="test")
    assert world.manage(made, "PUT", bare).status_code == 200


@pytest.mark.clause("RFC 7592 2.3")
def test_a_client_withdraws_itself_for_good(world: World) -> None:
    made = world.made(grant_types=["authorization_code", "client_credentials"], scope="openid seal.read")
    assert world.token(made["client_id"], made["client_secret"]) == 200
    gone = world.manage(made, "DELETE")
    assert (gone.status_code, gone.content) == (204, b"")
    assert world.token(made["client_id"], made["client_secret"]) == 401
    for method in ("GET", "DELETE"):
        assert world.manage(made, method).status_code == 401
    waiting = world.made(world.initial(needs_approval=True))
    assert world.manage(waiting, "DELETE").status_code == 204


def test_registration_leaves_no_secret_behind(world: World) -> None:
    made = world.made()
    with world.desk.database.read() as connection:
        tables = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            text = repr(connection.exec_driver_sql(f'SELECT * FROM "{table}"').all())
            assert made["client_secret"] not in text
            assert made["registration_access_token"] not in text
