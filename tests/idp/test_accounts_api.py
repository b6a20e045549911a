"""Management of people over HTTP: what it does, what it refuses, and what it leaves in the trail."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.grant_agent import grant_agent
from idp.actions.manage_accounts import NewAccount, make_account
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import issue_recovery_code, set_totp
from idp.model import people
from idp.model.people import Evidence
from service_kit.roles import Role, appoint, dismiss
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.conftest import Provider
from tests.idp.test_people_store import resident_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with served_here(make_deployment(tmp_path_factory.mktemp("accounts") / "deployment", services=["idp"])) as here:
        desk = idp.service.client_desk(here.house.context)
        secrets = {}
        for name, scopes in (("keeper", ("account.manage", "account.read")), ("reader", ("account.read",)), ("other", ("seal.read",))):
            _, secrets[name] = register_client(desk, NewClient(name.title(), scopes, client_id=name), actor="test")
        yield Office(Provider(here, desk, secrets))


class Office:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._bearers: dict[str, dict[str, str]] = {}

    def call(self, method: str, path: str, who: str = "keeper", **arguments: Any) -> httpx.Response:
        bearer = self._bearers.setdefault(who, self.provider.bearer(who))
        return self.provider.here.http.request(method, path, headers={**bearer, **arguments.pop("headers", {})}, **arguments)

    def make(self, path: str = "/v1/accounts", name: str = "测试甲", **fields: Any) -> dict[str, Any]:
        answer = self.call("POST", path, json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        assert answer.headers["location"] == f"{path}/{made['id']}"
        return made


def test_create_find_change_disable(office: Office) -> None:
    number = resident_number("99000019900307123")
    made = office.make(
        name="测试独", identifiers=[{"kind": "resident_id", "value": number}, {"kind": "login", "value": "Jiachengyi"}], area="150700"
    )
    assert made["level"] == 0
    for query in (
        {"name": "测试 独"},
        {"identifier_kind": "resident_id", "identifier": number.lower()},
        {"identifier_kind": "login", "identifier": "jiachengyi"},
    ):
        found = office.call("GET", "/v1/accounts", "reader", params=query).json()
        assert [each["id"] for each in found["accounts"]] == [made["id"]]
    assert office.call("GET", "/v1/accounts", params={"name": "测试"}).json()["accounts"] == []  # whole names only
    assert office.call("GET", "/v1/accounts", params={"identifier": "jiachengyi"}).status_code == 422
    shown = office.call("GET", f"/v1/accounts/{made['id']}")
    assert shown.headers["etag"] == '"1"'
    changed = office.call("PATCH", f"/v1/accounts/{made['id']}", json={"name": "测试乙"}, headers={"if-match": '"1"'})
    assert (changed.json()["version"], changed.json()["uversion"], changed.headers["etag"]) == (2, 2, '"2"')
    stale = office.call("PATCH", f"/v1/accounts/{made['id']}", json={"area": "150702"}, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "ACCOUNT_CHANGED")
    late = office.call("PUT", f"/v1/accounts/{made['id']}/status", json={"status": "disabled"}, headers={"if-match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "ACCOUNT_CHANGED")
    for no_etag in ('"x"', "1", 'W/"2"', '"1", "2"'):  # as at seals and licences
        odd = office.call("PATCH", f"/v1/accounts/{made['id']}", json={"area": "150702"}, headers={"if-match": no_etag})
        assert (odd.status_code, odd.json()["code"], odd.json()["facts"]["field"]) == (422, "FIELD_UNACCEPTABLE", "If-Match")
    same = office.call("PATCH", f"/v1/accounts/{made['id']}", json={"name": "测试乙"}, headers={"if-match": "*"})
    assert same.json()["version"] == 2
    taken = office.call("POST", "/v1/accounts", json={"name": "X", "identifiers": [{"kind": "login", "value": "jiachengyi"}]})
    assert (taken.status_code, taken.json()["code"]) == (409, "IDENTIFIER_TAKEN")
    moved = office.call("PATCH", f"/v1/accounts/{made['id']}", json={"identifiers": [{"kind": "login", "value": "yierchengyi"}]})
    assert [each["value"] for each in moved.json()["identifiers"]] == ["yierchengyi"]
    assert office.make(identifiers=[{"kind": "login", "value": "jiachengyi"}])["status"] == "active"
    off = office.call("PUT", f"/v1/accounts/{made['id']}/status", json={"status": "closed"})
    assert off.json()["status"] == "closed"
    assert office.call("PUT", f"/v1/accounts/{made['id']}/status", json={"status": "active"}).status_code == 409
    assert office.call("PATCH", f"/v1/accounts/{made['id']}", json={"area": "150702"}).status_code == 409
    trail = "".join(entry for each in ("create", "change", "closed") for entry in office.provider.audited(f"account.{each}"))
    assert (
        sum(
            f"account:{made['id']}" in entry
            for each in ("create", "change", "closed")
            for entry in office.provider.audited(f"account.{each}")
        )
        == 4
    )
    for personal in ("测试", number, "jiachengyi", "yierchengyi"):
        assert personal not in trail


def test_the_same_request_makes_one_account(office: Office) -> None:
    """Also where nothing about it is unlike another's, as with a name alone; the keyed digest of it betrays nobody."""
    body = {"name": "测试丁", "identifiers": [{"kind": "mobile", "value": "13800000017", "verified_at": "2026-05-01T00:00:00Z"}]}
    for path, wanted in (("/v1/accounts", body), ("/v1/organisations", {"name": "测试丁公司"})):
        first = office.call("POST", path, json=wanted, headers={"idempotency-key": "counter-3"})
        again = office.call("POST", path, json=wanted, headers={"idempotency-key": "counter-3"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert (again.json(), again.headers["location"], again.headers["etag"]) == (
            first.json(),
            first.headers["location"],
            first.headers["etag"],
        )
        other = office.call("POST", path, json={**wanted, "area": "150700"}, headers={"idempotency-key": "counter-3"})
        assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert (
            office.call("POST", path, json={"name": "测试戊"}).json()["id"]
            != office.call("POST", path, json={"name": "测试戊"}).json()["id"]
        )
    found = office.call("GET", "/v1/accounts?name=测试丁").json()["accounts"]
    assert len(found) == 1


def test_evidence_makes_the_level(office: Office) -> None:
    made = office.make()
    path = f"/v1/accounts/{made['id']}/evidence"
    first = office.call("POST", path, json={"method": "face", "source": "Region", "level": 3}).json()
    assert (first["level"], first["evidence"][0]["method"]) == (3, "face")
    office.call("POST", path, json={"method": "sms", "source": "Own", "level": 1})
    less = office.call("DELETE", f"{path}/{first['evidence'][0]['id']}").json()
    assert (less["level"], less["uversion"]) == (1, 4)
    assert office.call("DELETE", f"{path}/nothing").json()["version"] == less["version"]
    for wrong in ({"method": "Face!", "source": "x", "level": 1}, {"method": "face", "source": "\n", "level": 1}):
        assert office.call("POST", path, json=wrong).status_code == 422
    bare = office.call("POST", path, json={"method": "face", "source": "x", "level": 1, "verified_at": "2026-01-01T00:00:00"})
    assert (bare.status_code, bare.json()["facts"]["field"]) == (422, "verified_at")


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/organisations"])
def test_attack_evidence_for_one_name_does_not_come_to_stand_behind_another(office: Office, path: str) -> None:
    """Else verified claims would say of a name what was proven of the one before."""
    made = office.make(path)
    place = f"{path}/{made['id']}"
    order = {"method": "counter", "source": "Demo hall", "level": 1}
    office.call("POST", f"{place}/evidence", json=order)
    assert office.call("PATCH", place, json={"name": "测试乙"}).json()["name"] == "测试乙", "a contact was verified, no name"
    proven = office.call("POST", f"{place}/evidence", json={**order, "level": 2}).json()
    refused = office.call("PATCH", place, json={"name": "测试丙", "area": "150700"})
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCOUNT_PROVEN")
    assert office.call("PATCH", place, json={"name": "测试乙", "area": "150700"}).json()["area"] == "150700", "the same name is no other"
    evidence = next(each["id"] for each in proven["evidence"] if each["level"] == 2)
    assert office.call("DELETE", f"{place}/evidence/{evidence}").status_code in {200, 204}
    assert office.call("PATCH", place, json={"name": "测试丙"}).json()["name"] == "测试丙"


def test_evidence_of_an_account_has_a_limit(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "EVIDENCE_PER_ACCOUNT_MAX", 2)
    path = f"/v1/accounts/{office.make()['id']}/evidence"
    first = office.call("POST", path, json={"method": "face", "source": "x", "level": 1}).json()["evidence"][0]["id"]
    assert office.call("POST", path, json={"method": "face", "source": "x", "level": 1}).status_code == 201
    full = office.call("POST", path, json={"method": "face", "source": "x", "level": 3})
    assert (full.status_code, full.json()["code"], full.json()["facts"]["field"]) == (422, "ACCOUNT_FIELD_INVALID", "evidence")
    office.call("DELETE", f"{path}/{first}")
    assert office.call("POST", path, json={"method": "face", "source": "x", "level": 3}).json()["level"] == 3
    with pytest.raises(TrustError, match="ACCOUNT_FIELD_INVALID"):
        proofs = tuple(Evidence(f"ev_{n}", "face", "x", 1, datetime.now(UTC)) for n in range(3))
        make_account(NewAccount(people.AccountKind.PERSON, "测试", evidence=proofs), datetime.now(UTC), actor="test")


def test_an_administrator_takes_a_stolen_credential_from_an_account(office: Office) -> None:
    desk = idp.service.people_desk(office.provider.here.house.context)
    made = office.make(identifiers=[{"kind": "login", "value": "stolen-from"}])
    issue_recovery_code(desk, made["id"], actor="test")
    set_totp(desk, made["id"], actor="test")
    desk.pool.close()
    path = f"/v1/accounts/{made['id']}/credentials"
    shown = {each["kind"]: each for each in office.call("GET", path).json()["credentials"]}
    assert set(shown) == {"recovery", "totp"}
    assert set(shown["totp"]) == {"id", "kind", "label", "created_at", "last_used_at", "expires_at"}, "never a value"
    stolen = shown["totp"]["id"]
    other = office.make()["id"]
    assert office.call("DELETE", f"/v1/accounts/{other}/credentials/{stolen}").json()["code"] == "CREDENTIAL_NOT_FOUND", "another's"
    assert office.call("DELETE", f"{path}/{stolen}").status_code == 204
    assert office.call("DELETE", f"{path}/{stolen}").json()["code"] == "CREDENTIAL_NOT_FOUND"
    assert [each["kind"] for each in office.call("GET", path).json()["credentials"]] == ["recovery"]
    entry = json.loads(office.provider.audited("credential.remove")[-1])
    assert (entry["actor"], entry["subject"]) == ("client:keeper", f"account:{made['id']}")
    assert (entry["facts"]["credential"], entry["facts"]["kind"]) == (stolen, "totp")
    for firm in ("/v1/accounts/or_nobody", f"/v1/accounts/{office.make('/v1/organisations', '测试')['id']}"):
        assert office.call("GET", firm + "/credentials").json()["code"] == "ACCOUNT_NOT_FOUND"


def test_agents_of_an_organisation(office: Office) -> None:
    person = office.make()
    firm = office.make("/v1/organisations", "测试公司", identifiers=[{"kind": "credit_code", "value": "12990000YX0000008K"}])
    path = f"/v1/organisations/{firm['id']}/agents"
    made = office.call("POST", path, json={"person_id": person["id"], "scopes": ["tax"], "valid_until": "2099-01-01T00:00:00Z"})
    assert made.status_code == 201
    grant = made.json()
    assert made.headers["location"] == f"/v1/agents/{grant['id']}"
    assert office.call("POST", path, json={"person_id": person["id"]}).json()["code"] == "AGENT_EXISTS"
    assert office.call("GET", path).json() == {"agents": [grant], "next_after": None}
    assert office.call("GET", f"/v1/accounts/{person['id']}/agents").json()["agents"] == [grant]
    assert office.call("GET", f"/v1/agents/{grant['id']}").json() == grant
    ended = office.call("POST", f"/v1/agents/{grant['id']}/revoke").json()
    assert ended["revoked_by"] == "client:keeper"
    assert office.call("POST", f"/v1/agents/{grant['id']}/revoke").json() == ended
    wrong_kinds = office.call("POST", f"/v1/organisations/{person['id']}/agents", json={"person_id": person["id"]})
    assert wrong_kinds.json()["code"] == "ACCOUNT_NOT_FOUND"
    assert office.call("POST", path, json={"person_id": firm["id"]}).status_code == 404
    past = office.call("POST", path, json={"person_id": person["id"], "valid_until": "2020-01-01T00:00:00Z"})
    assert past.json()["code"] == "ACCOUNT_FIELD_INVALID"
    # Written as UTC has it, such a time would be none that can be read again
    endless = {"person_id": person["id"], "valid_until": "9999-12-31T23:59:59-01:00"}
    refused = office.call("POST", path, json=endless).json()
    assert (refused["code"], refused["facts"]["field"]) == ("ACCOUNT_FIELD_INVALID", "valid_until"), refused
    assert office.call("GET", path).status_code == 200
    proof = {"method": "face", "source": "x", "level": 1, "verified_at": "0001-01-01T00:00:00+14:00"}
    assert office.call("POST", f"/v1/accounts/{person['id']}/evidence", json=proof).json()["code"] == "ACCOUNT_FIELD_INVALID"
    assert office.call("POST", path, json={"person_id": person["id"], "scopes": ["a", "a"]}).status_code == 422
    assert office.call("GET", "/v1/agents/ag_none").json()["code"] == "AGENT_NOT_FOUND"


def test_the_same_request_adds_one_piece_of_evidence_and_one_agent(office: Office) -> None:
    person = office.make()
    firm = office.make("/v1/organisations", "测试公司")
    keyed, before = {"idempotency-key": "counter-4"}, len(office.provider.audited("agent.grant"))
    path, proof = f"/v1/accounts/{person['id']}/evidence", {"method": "counter", "source": "Demo hall", "level": 3}
    first, again = (office.call("POST", path, json=proof, headers=keyed) for _ in range(2))
    assert (first.status_code, len(first.json()["evidence"]), again.status_code, again.json()) == (201, 1, 201, first.json())
    assert again.headers["etag"] == first.headers["etag"]
    assert len(office.call("POST", path, json=proof).json()["evidence"]) == 2
    assert office.call("POST", path, json={**proof, "level": 4}, headers=keyed).json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    other = office.make()["id"]
    assert office.call("POST", f"/v1/accounts/{other}/evidence", json=proof, headers=keyed).json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    path, order = f"/v1/organisations/{firm['id']}/agents", {"person_id": person["id"], "scopes": ["tax"]}
    first, again = (office.call("POST", path, json=order, headers=keyed) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["location"] == first.headers["location"]
    ended = office.call("POST", f"/v1/agents/{first.json()['id']}/revoke").json()
    assert office.call("POST", path, json=order, headers=keyed).json() == ended, "as it stands now"
    assert office.call("POST", path, json={**order, "scopes": []}, headers=keyed).json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(office.provider.audited("agent.grant")) == before + 1


def test_pages_by_key(office: Office) -> None:
    ids = sorted(office.make(name=f"测试{number}")["id"] for number in range(5))
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = office.call("GET", "/v1/accounts", params={"after": after, "limit": 2}).json()
        seen += [each["id"] for each in page["accounts"]]
        after = page["next_after"]
    assert seen == sorted(set(seen))
    assert set(ids) <= set(seen)
    assert not any(each.startswith("pe_") for each in (row["id"] for row in office.call("GET", "/v1/organisations").json()["accounts"]))


def test_recovery_code_and_sessions(office: Office) -> None:
    nameless = office.call("POST", f"/v1/accounts/{office.make()['id']}/recovery-code")
    assert (nameless.status_code, nameless.json()["facts"]["field"]) == (422, "identifiers.login")
    person = office.make(identifiers=[{"kind": "login", "value": "forgetful"}])
    answer = office.call("POST", f"/v1/accounts/{person['id']}/recovery-code")
    assert len(answer.json()["recovery_code"]) == 23
    assert answer.headers["cache-control"] == "no-store"
    assert office.call("GET", f"/v1/accounts/{person['id']}/sessions").json() == {"sessions": [], "next_after": None}
    assert office.call("DELETE", f"/v1/accounts/{person['id']}/sessions").status_code == 204
    assert office.call("POST", "/v1/sessions/se_none/end").json()["code"] == "SESSION_NOT_FOUND"
    firm = office.make("/v1/organisations", "测试公司")
    assert office.call("POST", f"/v1/accounts/{firm['id']}/recovery-code").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/accounts", {"name": "X"}),
        ("PATCH", "/v1/accounts/pe_x", {}),
        ("PUT", "/v1/organisations/or_x/status", {"status": "disabled"}),
        ("POST", "/v1/organisations/or_x/agents", {"person_id": "pe_x"}),
        ("POST", "/v1/accounts/pe_x/recovery-code", {}),
        ("DELETE", "/v1/accounts/pe_x/sessions", {}),
    ],
)
def test_who_may_only_read_changes_nothing(office: Office, method: str, path: str, body: dict[str, Any]) -> None:
    assert office.call(method, path, "reader", json=body).status_code == 403
    assert office.call("GET", "/v1/accounts", "other").status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": " X"},
        {"name": "X", "level": 4},
        {"name": "X", "area": "15"},
        {"name": "X", "attributes": {"unknown": "1"}},
        {"name": "X", "attributes": {"sex": ""}},
        {"name": "X", "identifiers": [{"kind": "resident_id", "value": "990000199003071230"}]},
        {"name": "X", "identifiers": [{"kind": "wish", "value": "1"}]},
        {"name": "X", "identifiers": [{"kind": "mail", "value": f"a{number}@example.org"} for number in range(33)]},
    ],
)
def test_what_an_account_cannot_be(office: Office, body: dict[str, Any]) -> None:
    answer = office.call("POST", "/v1/accounts", json=body)
    assert answer.status_code == 422
    assert "990000199003071230" not in answer.text


def appointed(office: Office, holder: str, role: Role) -> None:
    context = office.provider.here.house.context
    at = context.clock.now()
    context.database.write(
        lambda connection: appoint(connection, context.audit, holder, role, is_bound=lambda *_: False, actor="test", reason="test", at=at)
    )


@pytest.mark.parametrize("role", list(Role))
def test_attack_who_manages_accounts_does_not_end_who_administers(office: Office, role: Role) -> None:
    """As the provisioning directory, and by the same rule: what takes an administrator his access, or gives it to another, is not for the office of accounts."""
    context = office.provider.here.house.context
    desk = idp.service.people_desk(context)
    made = office.make(identifiers=[{"kind": "login", "value": f"administers-{role.value}"}])
    path, holder = f"/v1/accounts/{made['id']}", f"person:{made['id']}"
    set_totp(desk, made["id"], actor="test")
    evidence = office.call("POST", f"{path}/evidence", json={"method": "face", "source": "Region", "level": 3}).json()["evidence"][0]["id"]
    credential = office.call("GET", f"{path}/credentials").json()["credentials"][0]["id"]
    appointed(office, holder, role)
    attempts: list[tuple[str, str, Any]] = [
        ("PUT", "/status", {"status": "disabled"}),
        ("PUT", "/status", {"status": "closed"}),
        ("POST", "/recovery-code", None),
        ("DELETE", f"/credentials/{credential}", None),
        ("PATCH", "", {"identifiers": []}),
        ("PATCH", "", {"needs_two_factors": False}),
        ("PUT", "/provisioning-clients/other", None),
        ("DELETE", "/provisioning-clients/other", None),
        ("POST", "/evidence", {"method": "counter", "source": "Demo hall", "level": 4}),
        ("DELETE", f"/evidence/{evidence}", None),
    ]
    for method, rest, body in attempts:
        answer = office.call(method, path + rest, json=body) if body is not None else office.call(method, path + rest)
        assert (answer.status_code, answer.json()["code"]) == (403, "ACCOUNT_PROTECTED"), (method, rest)
    shown = office.call("GET", path).json()
    assert (shown["status"], shown["level"], len(shown["identifiers"])) == ("active", 3, 1)
    assert [each["id"] for each in office.call("GET", f"{path}/credentials").json()["credentials"]] == [credential]
    # The scope for roles alone gives nothing: it counts in the hands of a security administrator, and for nobody who is one
    client = f"chief-{role.value}"
    scopes = ("account.manage", "account.read", "roles.manage")
    _, office.provider.secrets[client] = register_client(office.provider.desk, NewClient("Chief", scopes, client_id=client), actor="test")
    assert office.call("POST", f"{path}/recovery-code", client).json()["code"] == "ACCOUNT_PROTECTED"
    appointed(office, client, Role.SECURITY)
    ends = office.call("PUT", f"{path}/status", client, json={"status": "disabled"})
    if role is Role.SECURITY:
        assert (ends.status_code, ends.json()["code"]) == (403, "ACCOUNT_PROTECTED")
    else:
        assert (ends.status_code, ends.json()["status"]) == (200, "disabled")
    # Once the role is taken it is an account as any other
    context.database.write(
        lambda connection: dismiss(connection, context.audit, holder, actor="test", reason="test", at=context.clock.now())
    )
    assert office.call("PUT", f"{path}/status", json={"status": "closed"}).status_code == 200


def test_attack_who_manages_accounts_gives_a_role_on_by_letting_somebody_act_for_an_organisation_that_has_it(office: Office) -> None:
    friend, guard = (office.make(identifiers=[{"kind": "login", "value": each}])["id"] for each in ("friend", "guard"))
    bureau, firm = (office.make("/v1/organisations", each)["id"] for each in ("测试机关", "测试受保护公司"))
    desk = idp.service.people_desk(office.provider.here.house.context)
    standing = grant_agent(desk, bureau, friend, actor="test").agent_id
    former = grant_agent(desk, firm, guard, actor="test").agent_id
    appointed(office, f"person:{bureau}", Role.AUDIT)
    appointed(office, f"person:{guard}", Role.SECURITY)
    someone = office.make(identifiers=[{"kind": "login", "value": "someone"}])["id"]

    def refused(path: str, who: str = "keeper", **body: Any) -> bool:
        answer = office.call("POST", path, who, **body)
        return answer.status_code == 403 and answer.json()["code"] == "ACCOUNT_PROTECTED"

    # 1. Nobody more exercises the role by his word, and nobody less
    assert refused(f"/v1/organisations/{bureau}/agents", json={"person_id": someone})
    assert refused(f"/v1/agents/{standing}/revoke")
    # 2. No administrator comes to act for an organisation by it: he could take no duty or power from that any more. One who does is let go
    assert office.call("POST", f"/v1/agents/{former}/revoke").status_code == 200
    assert refused(f"/v1/organisations/{firm}/agents", json={"person_id": guard})
    assert office.call("POST", f"/v1/organisations/{firm}/agents", json={"person_id": someone}).status_code == 201
    # 3. Who may take the role may do it; who guards himself is the operator's
    scopes = ("account.manage", "roles.manage")
    _, office.provider.secrets["chief-agents"] = register_client(
        office.provider.desk, NewClient("Chief", scopes, client_id="chief-agents"), actor="test"
    )
    appointed(office, "chief-agents", Role.SECURITY)
    assert office.call("POST", f"/v1/organisations/{bureau}/agents", "chief-agents", json={"person_id": someone}).status_code == 201
    assert office.call("POST", f"/v1/agents/{standing}/revoke", "chief-agents").status_code == 200
    assert refused(f"/v1/organisations/{firm}/agents", "chief-agents", json={"person_id": guard})
