"""What tokens are worth, told to those it concerns; and tokens revoked by those they were issued to."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import change_account_status
from idp.actions.register_client import NewClient, register_client
from idp.actions.rotate_signing_key import replace_signing_key
from idp.model.clients import ClientStatus
from idp.model.people import AccountKind, AccountStatus
from idp.model.registrations import Registration
from service_kit.callers import Caller
from tests.deployments import make_deployment, served_here
from tests.idp.people import CALLBACK, VERIFIER, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

GRANTS = ("authorization_code", "refresh_token", "client_credentials")


class World(Clients):
    """Clients that ask and revoke."""

    def look(self, token: str, client: str = "own", **headers: str) -> httpx.Response:
        return self.http.post("/oauth2/introspect", data={"token": token}, auth=(client, self.secrets[client]), headers=headers)

    def told(self, token: str, client: str = "own") -> dict[str, Any]:
        answer = self.look(token, client)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        return dict(answer.json())

    def is_active(self, token: str, client: str = "own") -> bool:
        told = self.told(token, client)
        assert told["active"] or told == {"active": False}
        return bool(told["active"])

    def revoke(self, token: str, client: str = "own", **form: str) -> httpx.Response:
        return self.http.post("/oauth2/revoke", data={"token": token, **form}, auth=(client, self.secrets[client]))

    def own_token(self, client: str = "own") -> str:
        return str(self.token(client, grant_type="client_credentials").json()["access_token"])

    def calls(self, token: str) -> int:
        """The status of a call to a resource of this deployment."""
        return self.http.get("/v1/clients", headers={"authorization": f"Bearer {token}"}).status_code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served_here(make_deployment(tmp_path_factory.mktemp("look") / "deployment", services=["idp"])) as here:
        found = World(settle(here, Registered()))
        found.town.person()
        base = replace(BASE, grant_types=GRANTS)
        found.add(replace(base, person_scopes=("client.manage",)), "client.manage")
        found.add(replace(base, client_id="other"), "client.manage")
        found.add(replace(base, client_id="server"), "token.introspect")
        found.add(replace(base, client_id="ours", introspection_signed_response_alg="ES256"), "client.manage")
        found.add(replace(base, client_id="pair", subject_type="pairwise"))
        found.add(Registration("public", redirect_uris=(CALLBACK,), token_endpoint_auth_method="none", is_own=True))
        yield found


@pytest.mark.clause("RFC 7662 2.2")
def test_a_client_learns_what_its_tokens_are_worth(world: World) -> None:
    tokens = world.sign_in(scope="openid profile")
    told = world.told(tokens["access_token"])
    assert (told["active"], told["client_id"], told["scope"], told["token_type"]) == (True, "own", "openid profile", "Bearer")
    assert told["exp"] - told["iat"] == 600
    assert {"sub", "aud", "iss", "jti", "acr", "amr", "auth_time"} <= set(told)
    assert "gid" not in told
    refresh = world.told(tokens["refresh_token"])
    assert (refresh["active"], refresh["token_type"], refresh["sub"]) == (True, "refresh_token", told["sub"])
    own = world.told(world.own_token())
    assert (own["sub"], own["client_id"], own["scope"]) == ("own", "own", "client.manage")


@pytest.mark.clause("RFC 7662 4")
def test_nobody_learns_of_the_tokens_of_others(world: World) -> None:
    tokens = world.sign_in()
    for token in (tokens["access_token"], tokens["refresh_token"], world.own_token()):
        assert not world.is_active(token, "other")
    assert world.is_active(tokens["access_token"], "server"), "a resource server learns about the tokens that are for it"
    assert not world.is_active(tokens["refresh_token"], "server"), "which no refresh token is"
    public = world.http.post("/oauth2/introspect", data={"token": tokens["access_token"], "client_id": "public"})
    assert (public.status_code, public.json()["error"]) == (401, "invalid_client")
    assert world.http.post("/oauth2/introspect", data={"token": "x"}).status_code == 401
    assert world.look(tokens["access_token"], "own", accept="text/html").json()["active"]


def test_a_resource_server_sees_only_tokens_for_itself(world: World) -> None:
    wanted = NewClient("Elsewhere", ("token.introspect",), ("https://elsewhere.example",), client_id="elsewhere")
    _, world.secrets["elsewhere"] = register_client(world.desk, wanted, actor="test")
    assert not world.is_active(world.own_token(), "elsewhere")
    assert world.is_active(world.own_token("elsewhere"), "elsewhere")


@pytest.mark.parametrize("token", ["x", "a.b.c", "yxr_" + "A" * 43, "é", "eyJhbGciOiJub25lIn0.e30.", " "])
def test_what_is_no_token_of_ours_is_not_active(world: World, token: str) -> None:
    assert not world.is_active(token)
    assert world.revoke(token).status_code == 200


def test_an_id_token_is_no_access_token(world: World) -> None:
    tokens = world.sign_in()
    assert not world.is_active(tokens["id_token"])
    assert world.revoke(tokens["id_token"]).status_code == 200
    assert world.is_active(tokens["access_token"])


def test_the_token_must_be_there(world: World) -> None:
    for path in ("introspect", "revoke"):
        for form in ({"x": "y"}, {"token": "x" * 8193}):
            answer = world.http.post(f"/oauth2/{path}", data=form, auth=("own", world.secrets["own"]))
            assert answer.json()["error"] == "invalid_request"
        assert world.http.get(f"/oauth2/{path}").status_code == 405


@pytest.mark.clause("RFC 9701 5")
def test_a_signed_statement_is_for_who_asked(world: World) -> None:
    token, keys = world.own_token("ours"), KeySet.import_key_set(world.http.get("/oauth2/jwks").json())
    for client, algorithm, active in (("ours", "ES256", True), ("own", "RS256", False)):
        answer = world.look(token, client, accept="application/token-introspection+jwt")
        assert answer.headers["content-type"] == "application/token-introspection+jwt"
        assert jws.extract_compact(answer.content).headers()["typ"] == "token-introspection+jwt"
        claims = jwt.decode(answer.text, keys, algorithms=[algorithm]).claims
        assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
        assert (claims["aud"], claims["token_introspection"]["active"]) == (client, active)
        assert not world.is_active(answer.text, client), "a statement about a token is none"


@pytest.mark.clause("RFC 7009 2.1")
def test_a_revoked_token_counts_nowhere(world: World) -> None:
    token = world.own_token()
    assert (world.calls(token), world.is_active(token)) == (200, True)
    assert world.revoke(token, token_type_hint="refresh_token").status_code == 200
    assert (world.calls(token), world.is_active(token)) == (401, False)
    assert world.revoke(token).status_code == 200
    assert world.calls(world.own_token()) == 200, "others go on"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_grant_ends_with_any_of_its_tokens(world: World, which: str) -> None:
    tokens = world.sign_in(scope="openid offline_access client.manage")
    assert world.calls(tokens["access_token"]) == 200
    assert world.revoke(tokens[which]).status_code == 200
    assert not world.is_active(tokens["access_token"])
    assert not world.is_active(tokens["refresh_token"])
    assert world.calls(tokens["access_token"]) == 401
    assert world.userinfo(tokens["access_token"]).status_code == 401
    assert world.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.clause("RFC 7009 2.1")
def test_nobody_revokes_the_tokens_of_others(world: World) -> None:
    tokens = world.sign_in()
    for token in (tokens["access_token"], tokens["refresh_token"], world.own_token()):
        answer = world.revoke(token, "other")
        assert (answer.status_code, answer.json()["code"]) == (400, "TOKEN_OF_ANOTHER")
        assert world.is_active(token)
    assert world.http.post("/oauth2/revoke", data={"token": tokens["access_token"]}, auth=("own", "wrong")).status_code == 401
    assert world.is_active(tokens["access_token"])


def test_a_client_without_credentials_revokes_its_own(world: World) -> None:
    browser = Browser(world.town.here)
    browser.authorize("public")
    browser.log_in()
    form = {"grant_type": "authorization_code", "code": browser.returned["code"], "redirect_uri": CALLBACK, "client_id": "public"}
    answer = world.http.post("/oauth2/token", data={**form, "code_verifier": VERIFIER})
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert world.is_active(token, "server")
    assert world.http.post("/oauth2/revoke", data={"token": token, "client_id": "public"}).status_code == 200
    assert not world.is_active(token, "server")


def test_tokens_end_with_what_they_hang_on(world: World) -> None:
    tokens = world.sign_in(scope="openid offline_access")
    second = world.sign_in()
    account = world.told(tokens["access_token"])["sub"]
    for status, expected in ((AccountStatus.DISABLED, [False] * 3), (AccountStatus.ACTIVE, [False] * 3)):
        change_account_status(world.town.desk, account, AccountKind.PERSON, status, actor="test")
        found = (tokens["access_token"], tokens["refresh_token"], second["access_token"])
        assert [world.is_active(each) for each in found] == expected, (
            "also what was to outlive its session, and enabling brings nothing back"
        )


def test_tokens_end_with_their_client_and_their_key(world: World) -> None:
    token = world.own_token("other")
    assert world.is_active(token, "server")
    change_client_status(world.desk, "other", ClientStatus.DISABLED, actor="test")
    assert not world.is_active(token, "server")
    refused = world.look(token, "other")
    assert (refused.status_code, refused.json()["code"]) == (401, "CLIENT_AUTH_FAILED")
    change_client_status(world.desk, "other", ClientStatus.ACTIVE, actor="test")
    assert world.is_active(token, "server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("idp.actions.choose_signing_key.KEY_RING_MAX_AGE_SECONDS", -1.0)
        replace_signing_key(idp.service.key_desk(world.town.here.house.context), actor="test")
        assert not world.is_active(token, "server"), "remembered or not"
        fresh, deadline = world.own_token("other"), time.monotonic() + 20
        while world.calls(fresh) != 200:  # the gate looks for new keys every few seconds
            assert time.monotonic() < deadline, "tokens of the new key count at the gate as well"
            time.sleep(0.2)


def signed_in(world: World, client: str, name: str, acting_for: str = "") -> tuple[Caller, str]:
    """Who calls with the tokens of a person, as a job of his remembers him; and his refresh token."""
    browser = Browser(world.town.here)
    browser.authorize(client, scope="openid offline_access")
    browser.log_in(name)
    if acting_for:
        browser.submit("acting", acting_for=acting_for)
    tokens = world.redeem(browser.returned["code"], client).json()
    said = world.read(tokens["access_token"], world.town.desk.issuer)
    return Caller(client, said["sub"], frozenset(), grant_id=said["gid"]), tokens["refresh_token"]


@pytest.mark.parametrize("client", ["own", "pair"])
def test_what_is_done_later_for_a_person_ends_with_his_account_and_not_with_his_session(world: World, client: str) -> None:
    """A batch that runs on after its request. The client knows the person by his own id, or by one that tells nothing."""
    person = world.town.person(f"later-{client}")
    caller, refresh_token = signed_in(world, client, f"later-{client}")
    stands = idp.service.standing_check(world.town.here.house.context)
    assert stands(caller)
    assert stands(replace(caller, grant_id="")) is (client == "own"), "by the account's own id, where nothing is known of the grant"
    assert not stands(replace(caller, client_id="other")), "another client's grant"
    assert not stands(replace(caller, client_id="none"))
    other, _ = signed_in(world, client, f"later-{client}")
    assert world.revoke(refresh_token, client).status_code == 200
    assert stands(caller), "signed out, and the work goes on"
    for status in (AccountStatus.DISABLED, AccountStatus.ACTIVE):
        change_account_status(world.town.desk, person.account_id, AccountKind.PERSON, status, actor="test")
        assert stands(caller) is (status is AccountStatus.ACTIVE)
        assert not stands(other), "its grant was ended by the disabling, for good"


def test_what_is_done_later_for_an_organisation_ends_with_the_right_to_act_for_it(world: World) -> None:
    person, organisation = world.town.person("later-agent"), world.town.organisation()
    agent = grant_agent(world.town.desk, organisation.account_id, person.account_id, actor="test")
    caller, refresh_token = signed_in(world, "own", "later-agent", organisation.account_id)
    stands = idp.service.standing_check(world.town.here.house.context)
    world.revoke(refresh_token)
    assert (caller.subject, stands(caller)) == (organisation.account_id, True)
    for status in (AccountStatus.DISABLED, AccountStatus.ACTIVE):
        change_account_status(world.town.desk, organisation.account_id, AccountKind.ORGANISATION, status, actor="test")
        assert stands(caller) is (status is AccountStatus.ACTIVE)
    revoke_agent(world.town.desk, agent.agent_id, actor="test")
    assert not stands(caller)


def test_every_token_counts_once_on_record(world: World) -> None:
    token = world.own_token()
    jti = world.told(token)["jti"]
    for _ in range(2):
        world.revoke(token)
    with world.town.here.house.context.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT entry FROM kit_audit WHERE action = 'token.revoke'").all()
    assert sum(jti in bytes(row[0]).decode() for row in rows) == 1
