"""SCIM 2.0 over HTTP: provisioning, search, conditional changes, and what a provisioning client must not be able to do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions import provision_account
from idp.actions.give_account import give_account
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import NewAccount, change_account_status, create_account
from idp.actions.set_credentials import set_totp
from idp.api import scim_routes, scim_search
from idp.api.scim_search import PAGE_SCIM_MAX, Page
from idp.api.scim_shapes import BODY_SCIM_BYTES_MAX, GROUP, ORGANISATION, PERSON, USER
from idp.model.people import AccountKind, AccountStatus, AgentRole, CredentialKind
from idp.store.accounts import find_account, list_agents
from idp.store.credentials import list_credentials
from service_kit.roles import Role, appoint
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc7644_scim import MEDIA_TYPE, PATCH_OP, SEARCH_REQUEST
from tests.clocks import FixedClock
from tests.deployments import make_deployment, served_here
from tests.idp.people import Registered, settle
from tests.idp.scim import Scim
from tests.idp.test_changes import bearer
from tests.idp.test_people_store import resident_number

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scim]:
    with served_here(make_deployment(tmp_path_factory.mktemp("scim") / "deployment", services=["idp"])) as here:
        town = settle(here, Registered())
        yield Scim(town, bearer(town, "hrs", "directory.read", "directory.manage"))
        town.desk.pool.close()


@pytest.mark.clause("RFC 7644 3.3", "RFC 7644 3.4.1", "RFC 7644 3.5.1", "RFC 7644 3.6")
def test_a_user_from_creation_to_removal(scim: Scim) -> None:
    number = resident_number("99000019900307123")
    given = {
        "externalId": "E-1",
        "emails": [{"value": "Jia@Example.org", "type": "work"}],
        "phoneNumbers": [{"value": "138 0000 0001"}],
        "addresses": [{"formatted": "演示路 1 号"}],
        "title": "nobody here knows this",
        PERSON: {"idType": "resident_id", "idNumber": number, "area": "150700", "sex": "2"},
    }
    answer = scim.send("POST", "/Users", {"schemas": [USER, PERSON], "userName": "First", "displayName": "测试甲", **given})
    made = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (201, MEDIA_TYPE)
    assert answer.headers["location"] == made["meta"]["location"]
    assert answer.headers["etag"] == made["meta"]["version"] == 'W/"1"'
    assert (made["userName"], made["externalId"], made["active"], made["name"]) == ("first", "E-1", True, {"formatted": "测试甲"})
    assert made["emails"] == [{"value": "jia@example.org", "type": "work", "primary": True}]
    assert made["phoneNumbers"][0]["value"] == "13800000001"
    assert made[PERSON] == {"sex": "2", "level": 0, "area": "150700", "idType": "resident_id", "idNumber": number}
    path = f"/Users/{made['id']}"
    assert scim.ok("GET", path) == made
    assert scim.send("GET", path, **{"if-none-match": 'W/"1"'}).status_code == 304
    # Replaced: what is not said goes, but for the number
    replaced = scim.ok("PUT", path, {"schemas": [USER], "userName": "first", "name": {"formatted": "测试乙"}, "active": False})
    assert "emails" not in replaced
    assert "addresses" not in replaced
    assert (replaced["displayName"], replaced["active"], replaced["externalId"]) == ("测试乙", False, "E-1")
    assert replaced[PERSON] == {"level": 0, "idType": "resident_id", "idNumber": number}
    assert scim.send("DELETE", path).status_code == 204
    assert scim.refused("GET", path) == (404, None)
    assert scim.refused("DELETE", path) == (404, None)
    assert scim.find("Users", 'userName eq "first"') == []
    again = scim.user("first", externalId="E-1")  # its names are free again
    assert again["id"] != made["id"]
    actions = {json.loads(entry)["action"] for entry in scim.town.audited("account.create") + scim.town.audited("account.closed")}
    assert actions == {"account.create", "account.closed"}
    assert json.loads(scim.town.audited("account.closed")[0])["actor"] == "client:hrs"


@pytest.mark.parametrize("officer", ["client:console for pe_officer", "client:hrs"])
def test_whom_an_officer_disabled_no_directory_lets_in_again(scim: Scim, officer: str) -> None:
    """What is not said stays (a missing ``active`` is no wish); what this client itself disabled it enables."""
    desk = scim.town.desk
    for kind, made in ((AccountKind.PERSON, scim.user(f"held-{len(officer)}")), (AccountKind.ORGANISATION, scim.group("测试停用公司"))):
        path = f"/{'Users' if kind is AccountKind.PERSON else 'Groups'}/{made['id']}"
        own = {name: made[name] for name in ("schemas", "userName", "displayName") if name in made}
        active = {"active": True} if kind is AccountKind.PERSON else {ORGANISATION: {"active": True}}

        def status(account_id: str = made["id"]) -> AccountStatus | None:
            with desk.database.read() as connection:
                found = find_account(connection, desk.vault, account_id)
            return None if found is None else found.status

        change_account_status(desk, made["id"], kind, AccountStatus.DISABLED, actor=officer)
        scim.ok("PUT", path, {**own, "displayName": "测试改"})
        scim.patch(path, {"op": "replace", "path": "displayName", "value": "测试又改"})
        assert status() is AccountStatus.DISABLED
        answer = scim.send("PUT", path, {**own, **active})
        assert (answer.status_code, answer.json()["detail"][:13]) == (403, "ACCOUNT_HELD:")
        assert status() is AccountStatus.DISABLED
        change_account_status(desk, made["id"], kind, AccountStatus.ACTIVE, actor=officer)
        inactive = {"active": False} if kind is AccountKind.PERSON else {ORGANISATION: {"active": False}}
        scim.ok("PUT", path, {**own, **inactive})
        scim.ok("PUT", path, own)
        assert status() is AccountStatus.DISABLED, "nothing was said"
        scim.ok("PUT", path, {**own, **active})
        assert status() is AccountStatus.ACTIVE


def test_attack_a_patch_brings_nothing_back_that_was_taken_away_meanwhile(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what changes; what it does not speak of is as others left it, also in the moment between reading and writing."""
    desk = scim.town.desk
    gone, other = (scim.user(f"meanwhile-{each}")["id"] for each in ("gone", "other"))
    firm = scim.group("测试同时公司", members=[{"value": gone}])
    path, etag = f"/Groups/{firm['id']}", firm["meta"]["version"]
    add = {"op": "add", "path": "members", "value": [{"value": other}]}
    written = provision_account.reprovision_account
    meanwhile: list[Any] = []

    def late(*given: Any, **named: Any) -> Any:
        if meanwhile:
            meanwhile.pop()()
        return written(*given, **named)

    def revoke() -> None:
        with desk.database.read() as connection:
            found = list_agents(connection, desk.vault, count=9, organisation_id=firm["id"])
        revoke_agent(desk, next(each.agent_id for each in found if each.person_id == gone and each.revoked_at is None), actor="officer")

    monkeypatch.setattr(scim_routes, "reprovision_account", late)
    # 1. A member whom an officer revoked
    meanwhile.append(revoke)
    assert scim.refused("PATCH", path, patch_of(add), **{"if-match": etag}) == (412, None)
    assert scim.ok("GET", path)["members"] == []
    grant_agent(desk, firm["id"], gone, actor="officer")
    meanwhile.append(revoke)
    assert [each["value"] for each in scim.patch(path, add)["members"]] == [other]
    # 2. Whoever replaces the whole of it by its version finds that it is another
    etag = scim.ok("GET", path)["meta"]["version"]
    meanwhile.append(lambda: grant_agent(desk, firm["id"], gone, actor="officer"))
    body = {"schemas": [GROUP], "displayName": "测试同时公司", "members": [{"value": other}]}
    assert scim.refused("PUT", path, body, **{"if-match": etag}) == (412, None)
    assert {each["value"] for each in scim.ok("GET", path)["members"]} == {gone, other}
    # 3. An account that the same client disabled by another request
    path = f"/Users/{other}"
    meanwhile.append(lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False}))
    changed = scim.patch(path, {"op": "replace", "path": "displayName", "value": "测试改名"})
    assert (changed["displayName"], changed["active"]) == ("测试改名", False)


def appointed(scim: Scim, account_id: str) -> None:
    desk = scim.town.desk
    given: dict[str, Any] = {"is_bound": lambda *_: False, "actor": "test", "reason": "test", "at": desk.clock.now()}
    desk.database.write(lambda connection: appoint(connection, desk.audit, f"person:{account_id}", Role.SECURITY, **given))


def test_attack_a_directory_makes_no_administrator_an_agent(scim: Scim) -> None:
    guard, other = (scim.user(f"agent-{each}")["id"] for each in ("guard", "other"))
    appointed(scim, guard)
    firm = scim.group("测试管理员公司", members=[{"value": guard}, {"value": other}])
    assert [each["value"] for each in firm["members"]] == [other]
    scim.patch(f"/Groups/{firm['id']}", {"op": "add", "path": "members", "value": [{"value": guard}]})
    assert [each["value"] for each in scim.ok("GET", f"/Groups/{firm['id']}")["members"]] == [other]
    entry = scim.town.audited("agent.refuse")[-1]
    assert f'"person":"{guard}"' in entry
    assert '"reason":"administrator"' in entry


def test_attack_the_usual_list_brings_back_no_agent_whom_somebody_else_dismissed(scim: Scim) -> None:
    desk = scim.town.desk
    gone, stays = (scim.user(f"dismissed-{each}")["id"] for each in ("gone", "stays"))
    members = {"members": [{"value": gone}, {"value": stays}]}
    firm = scim.group("测试名单公司", **members)
    path, body = f"/Groups/{firm['id']}", {"schemas": [GROUP], "displayName": "测试名单公司", **members}

    def shown() -> set[str]:
        return {each["value"] for each in scim.ok("GET", path)["members"]}

    with desk.database.read() as connection:
        found = list_agents(connection, desk.vault, count=9, organisation_id=firm["id"])
    revoke_agent(desk, next(each.agent_id for each in found if each.person_id == gone), actor="client:console for pe_officer")
    assert [each["value"] for each in scim.ok("PUT", path, body)["members"]] == [stays]
    scim.patch(path, {"op": "add", "path": "members", "value": [{"value": gone}]})
    assert shown() == {stays}
    entry = scim.town.audited("agent.refuse")[-1]
    assert firm["id"] in entry
    assert f'"person":"{gone}"' in entry
    # Who dismissed him lets him again; and whom the directory itself left out it may name again
    grant_agent(desk, firm["id"], gone, actor="client:console for pe_officer")
    scim.ok("PUT", path, {**body, "members": []})
    assert shown() == set()
    scim.ok("PUT", path, body)
    assert shown() == {gone, stays}


def test_an_account_is_stored_with_all_that_belongs_to_it_or_not_at_all(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails, and however late: the client asks again and finds nothing half done."""
    member = scim.user("whole-member")["id"]
    body = {"schemas": [USER], "userName": "whole", "displayName": "测试甲", "password": "correct horse 77", "active": False}
    firm = {"schemas": [GROUP], "displayName": "测试整体公司", "members": [{"value": member}]}
    present = scim.user("whole-present")
    changed = {"schemas": [USER], "userName": "whole-present", "displayName": "测试改", "password": "correct horse 77"}

    def broken(*_: Any, **__: Any) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")

    for place, method, path, wish in (
        ("put_in", "POST", "/Users", body),
        ("grant_in", "POST", "/Groups", firm),
        ("put_in", "PUT", f"/Users/{present['id']}", changed),
        ("hash_in_pool", "PUT", f"/Users/{present['id']}", changed),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(provision_account, place, broken)
            assert scim.send(method, path, wish).status_code == 503, place
    assert scim.find("Users", 'userName eq "whole"') == scim.find("Groups", 'displayName eq "测试整体公司"') == []
    assert scim.ok("GET", f"/Users/{present['id']}") == present, "and what was there is as it was"
    assert scim.ok("POST", "/Users", body)["active"] is False
    assert [each["value"] for each in scim.ok("POST", "/Groups", firm)["members"]] == [member]
    # A refusal of a part is one of the whole
    change_account_status(scim.town.desk, present["id"], AccountKind.PERSON, AccountStatus.DISABLED, actor="client:console")
    assert scim.send("PUT", f"/Users/{present['id']}", {**changed, "active": True}).status_code == 403
    assert scim.ok("GET", f"/Users/{present['id']}")["displayName"] == present["displayName"]


@pytest.mark.clause("RFC 7644 3.5.2")
def test_patches(scim: Scim) -> None:
    made = scim.user("patched", emails=[{"value": "a@example.org"}], password="a quite long 1")
    path = f"/Users/{made['id']}"
    changed = scim.patch(
        path,
        {"op": "Add", "path": "emails", "value": [{"value": "b@example.org"}]},
        {"op": "replace", "path": "displayName", "value": "测试丙"},
        {"op": "replace", "value": {"active": "False", "externalId": "E-2"}},
        {"op": "add", "path": f"{PERSON}:area", "value": "150702"},
    )
    assert [each["value"] for each in changed["emails"]] == ["a@example.org", "b@example.org"]
    assert (changed["displayName"], changed["active"], changed["externalId"]) == ("测试丙", False, "E-2")
    assert changed[PERSON]["area"] == "150702"
    changed = scim.patch(
        path, {"op": "remove", "path": 'emails[value eq "a@example.org"]'}, {"op": "replace", "path": "active", "value": True}
    )
    assert [each["value"] for each in changed["emails"]] == ["b@example.org"]
    changed = scim.patch(
        path,
        {"op": "replace", "path": "name.formatted", "value": "Test Four"},
        {"op": "add", "path": "password", "value": "another long 2"},
    )
    assert (changed["displayName"], changed["active"]) == ("Test Four", True)
    assert "password" not in changed
    with scim.town.desk.database.read() as connection:
        kinds = [each.kind for each in list_credentials(connection, scim.town.desk.vault, made["id"])]
    assert kinds == [CredentialKind.PASSWORD]
    assert scim.user("composed", displayName=None, name={"familyName": "欧阳", "givenName": "测试"})["displayName"] == "欧阳测试"
    assert scim.user("nameless", displayName="")["displayName"] == "nameless"
    assert scim.user("latin", displayName="", name={"familyName": "Test", "givenName": "Ann"})["displayName"] == "Ann Test"


def test_a_name_is_patched_as_a_whole_or_refused(scim: Scim) -> None:
    """Of a person one name is kept. A part of it that is taken without effect would leave the directory there and the one here apart, unnoticed."""
    path = f"/Users/{scim.user('parts', displayName='欧阳测试')['id']}"

    def name() -> str:
        shown = scim.ok("GET", path)
        assert shown["name"] == {"formatted": shown["displayName"]}
        return str(shown["displayName"])

    alone: list[dict[str, Any]] = [
        {"op": "replace", "path": "name.familyName", "value": "司马"},  # as Entra sends it
        {"op": "Add", "path": "name.givenName", "value": "新"},
        {"op": "replace", "value": {"name.familyName": "司马"}},
        {"op": "replace", "value": {"name": {"givenName": "新"}}},  # as Okta sends it
        {"op": "replace", "path": "name", "value": {"FamilyName": "司马"}},
    ]
    for operation in alone:
        assert scim.refused("PATCH", path, patch_of(operation)) == (400, "invalidValue"), operation
        # nor does what comes with it count
        assert scim.refused("PATCH", path, patch_of({"op": "replace", "path": "active", "value": False}, operation)) == (
            400,
            "invalidValue",
        )
    assert (name(), scim.ok("GET", path)["active"]) == ("欧阳测试", True)
    family, given = alone[0], {"op": "replace", "path": "name.givenName", "value": "新"}
    scim.patch(path, family, given)
    assert name() == "司马新"
    scim.patch(path, {"op": "replace", "value": {"name": {"familyName": "Test", "givenName": "Ann"}}})
    assert name() == "Ann Test"
    # The whole name counts where it is said, whatever stands beside it
    scim.patch(path, family, {"op": "replace", "path": "name.formatted", "value": "Ann Test Jr."})
    assert name() == "Ann Test Jr."
    scim.patch(path, family, given, {"op": "replace", "path": "name.formatted", "value": "Ann Test Jr."})
    assert name() == "Ann Test Jr.", "said again, and not derived"
    scim.patch(path, family, {"op": "replace", "path": "displayName", "value": "司马测试"})
    assert name() == "司马测试"
    # and what says nothing of a name leaves it
    scim.patch(path, {"op": "replace", "path": "emails", "value": [{"value": "p@example.org"}]})
    scim.patch(path, {"op": "replace", "path": "name.honorificPrefix", "value": "Dr."})
    assert name() == "司马测试"


@pytest.mark.clause("RFC 7644 3.14")
def test_changes_only_of_what_was_read(scim: Scim) -> None:
    made = scim.user("versions")
    path, body = f"/Users/{made['id']}", {"schemas": [USER], "userName": "versions", "displayName": "测试丁"}
    changed = scim.ok("PUT", path, body, **{"if-match": made["meta"]["version"]})
    assert changed["meta"]["version"] != made["meta"]["version"]
    for method, given in (
        ("PUT", body),
        ("PATCH", {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": False}]}),
    ):
        assert scim.refused(method, path, given, **{"if-match": made["meta"]["version"]}) == (412, None)
    assert scim.refused("DELETE", path, **{"if-match": made["meta"]["version"]}) == (412, None)
    scim.ok("PUT", path, body, **{"if-match": "*"})
    assert scim.send("DELETE", path, **{"if-match": f'W/"9", {changed["meta"]["version"]}'}).status_code == 204


def test_groups_are_organisations_and_members_their_agents(scim: Scim) -> None:
    first, second = scim.user("member1"), scim.user("member2")
    code = {"idType": "credit_code", "idNumber": "12990000YX0000008K", "area": "150700", "organisationType": "1"}
    firm = scim.group("测试有限公司", externalId="G-1", members=[{"value": first["id"]}], **{ORGANISATION: code})
    path = f"/Groups/{firm['id']}"
    assert firm[ORGANISATION] == {**code, "level": 0, "active": True}
    assert [each["value"] for each in firm["members"]] == [first["id"]]
    assert scim.find("Groups", f'members.value eq "{first["id"]}"') == [firm["id"]]
    changed = scim.patch(
        path, {"op": "add", "path": "members", "value": [{"value": second["id"]}]}, **{"if-match": firm["meta"]["version"]}
    )
    assert {each["value"] for each in changed["members"]} == {first["id"], second["id"]}
    assert scim.refused("DELETE", path, **{"if-match": firm["meta"]["version"]}) == (412, None)
    changed = scim.patch(path, {"op": "remove", "path": f'members[value eq "{first["id"]}"]'})
    assert [each["value"] for each in changed["members"]] == [second["id"]]
    # A legal representative is not the directory's to appoint or dismiss; a grant whose time is over makes room
    desk = scim.town.desk
    late = scim.user("late")
    grant_agent(desk, firm["id"], first["id"], role=AgentRole.REPRESENTATIVE, actor="test")
    earlier = FixedClock(desk.clock.now() - timedelta(minutes=1))
    grant_agent(replace(desk, clock=earlier), firm["id"], late["id"], valid_until=earlier.now() + timedelta(seconds=1), actor="test")
    changed = scim.patch(path, {"op": "replace", "path": "members", "value": [{"value": late["id"]}]})
    assert [each["value"] for each in changed["members"]] == [late["id"]]
    with desk.database.read() as connection:
        standing = [each for each in list_agents(connection, desk.vault, organisation_id=firm["id"], count=100) if each.revoked_at is None]
    assert {(each.person_id, each.role) for each in standing} == {(first["id"], "representative"), (late["id"], "agent")}
    assert scim.refused("PATCH", path, patch_of({"op": "add", "path": "members", "value": [{"value": first["id"]}]})) == (409, "uniqueness")
    changed = scim.ok("PUT", path, {"schemas": [GROUP], "displayName": "测试股份公司", ORGANISATION: {"active": False}})
    assert (changed["members"], changed[ORGANISATION]["active"], changed["externalId"]) == ([], False, "G-1")
    before = len(scim.find("Groups", "id pr"))
    assert scim.refused("POST", "/Groups", {"schemas": [GROUP], "displayName": "测", "members": [{"value": "pe_ghost"}]}) == (
        400,
        "invalidValue",
    )
    assert len(scim.find("Groups", "id pr")) == before
    assert scim.send("DELETE", path).status_code == 204


def patch_of(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


@pytest.mark.clause("RFC 9865 2")
def test_a_cursor_that_was_not_given_out_for_this_search_is_refused(scim: Scim) -> None:
    """It would be taken for a place, and who follows by it would miss accounts."""
    ids = sorted(scim.user(f"walker{index}")["id"] for index in range(3))
    for name in ("第一公司", "第二公司"):
        scim.group(name)
    good = scim.ok("GET", "/Users?cursor=&count=1")["nextCursor"]
    other = scim.ok("GET", "/Groups?cursor=&count=1")["nextCursor"]
    assert scim.ok("GET", f"/Users?cursor={good}&count=1")["itemsPerPage"] == 1
    assert scim.ok("GET", f"/Users?cursor={good}")["itemsPerPage"] > 1, "the size of pages may change"
    swapped = f"{ids[1]}.{good.rpartition('.')[2]}"
    for cursor in (
        ids[0],
        "x",
        ".",
        "0",
        "%00",
        "%F0%9F%98%80",
        good[:-1],
        good + "A",
        good.upper(),
        "." + good,
        good + "%20",
        swapped,
        other,
        "a" * 5000,
    ):
        assert scim.refused("GET", f"/Users?cursor={cursor}&count=1") == (400, "invalidCursor"), cursor
    assert scim.refused("GET", f"/Groups?cursor={good}") == (400, "invalidCursor")
    assert scim.refused("GET", f"/Users?cursor={good}&filter=active%20eq%20true") == (400, "invalidCursor")
    search = {"schemas": [SEARCH_REQUEST], "cursor": good, "count": 1}
    assert scim.send("POST", "/Users/.search", search).status_code == 200
    for cursor in ("\ud800", ids[0], 7, [good, ""]):
        assert scim.send("POST", "/Users/.search", json.dumps(search | {"cursor": cursor}).encode()).status_code == 400


@pytest.mark.clause("RFC 7644 3.4.2", "RFC 9865 2")
def test_search_and_paging(scim: Scim, monkeypatch: pytest.MonkeyPatch) -> None:
    number = resident_number("99000019900307224")
    ids = sorted(scim.user(f"found{index}", displayName=f"测试 {index}")["id"] for index in range(5))
    special = scim.user("special", displayName="特 殊", externalId="S-1", phoneNumbers=[{"value": "13900000009"}], active=False)
    scim.patch(
        f"/Users/{special['id']}",
        {"op": "add", "path": PERSON + ":idType", "value": "resident_id"},
        {"op": "add", "path": PERSON + ":idNumber", "value": number},
    )
    firm = scim.group("另一公司")["id"]
    for text in (
        'userName eq "SPECIAL"',
        'externalId eq "S-1"',
        'displayName eq "特 殊"',
        'name.formatted eq "特 殊" and active eq false',
        'phoneNumbers.value eq "13900000009" and userName sw "spec"',
        f'{PERSON}:idNumber eq "{number}"',
        f'id eq "{special["id"]}"',
        f'id sw "{special["id"][:14]}"',
        f'userName eq "special" and {PERSON}:idType eq "resident_id" and phoneNumbers pr',
        'userName co "pecia" or userName eq "nobody"',
        'phoneNumbers[type eq "mobile" and value eq "13900000009"]',
        'phoneNumbers[value ew "00009"] and not (active eq true)',
        'displayName eq "特 殊" and meta.lastModified gt "2011-05-13T04:42:34Z"',
    ):
        assert scim.find("Users", text) == [special["id"]], text
    assert special["id"] in scim.find("Users", "active eq false")
    assert not set(ids) & set(scim.find("Users", "active eq false and userName pr"))
    assert scim.find("Groups", f'{ORGANISATION}:active eq true and id eq "{firm}"') == [firm]
    assert firm in scim.find("Groups", f"{ORGANISATION}:active eq true")
    for text in (
        'userName eq "x"',
        'emails eq "none@example.org"',
        'emails eq "no address"',
        f'{PERSON}:idNumber eq "123"',
        'id eq "or_x"',
        "active eq true and active eq false",
    ):
        assert scim.find("Users", text) == [], text
    assert scim.find("Users", 'emails.type eq "fax"') == []
    assert scim.find("Users", f'{PERSON}:sex eq "9"') == []
    monkeypatch.setattr(scim_search, "SCAN_MAX", 3)
    for text in ('userName eq "SPECIAL" or externalId eq "S-1"', 'phoneNumbers[value eq "13900000009"] or id eq "pe_x"'):
        assert scim.find("Users", text) == [special["id"]], "indexes lead to all of it, however many there are"
    for text in (
        'userName sw "found"',
        'emails.type eq "work"',
        f'{PERSON}:sex eq "1"',
        'userName ne "x"',
        'not (userName eq "special")',
        'userName eq "special" or userName sw "found"',
        'phoneNumbers[type eq "mobile"]',
        "active eq true or active eq false",
    ):
        assert scim.refused("GET", f"/Users?filter={text.replace(' ', '%20')}") == (400, "tooMany")
    monkeypatch.undo()
    assert scim.find("Users", 'userName sw "found"') == ids
    # By number, by cursor, and along a filter
    whole = scim.ok("GET", "/Users")
    assert (whole["startIndex"], whole["itemsPerPage"]) == (1, whole["totalResults"])
    everyone = [each["id"] for each in whole["Resources"]]
    second = scim.ok("GET", "/Users?startIndex=3&count=2")
    assert ([each["id"] for each in second["Resources"]], second["startIndex"], second["totalResults"]) == (everyone[2:4], 3, len(everyone))
    walked, cursor = [], ""
    while True:
        page = scim.ok("GET", f"/Users?cursor={cursor}&count=4")
        walked += [each["id"] for each in page["Resources"]]
        if "nextCursor" not in page:
            break
        cursor = page["nextCursor"]
    assert walked == everyone
    found = 'userName%20sw%20"found"'
    first = scim.ok("GET", f"/Users?filter={found}&cursor=&count=2")
    assert scim.find("Users", 'userName sw "found"', cursor=first["nextCursor"], count="2") == ids[2:4]
    assert scim.find("Users", 'userName sw "found"', startIndex="5", count="9") == ids[4:]
    assert scim.ok("GET", "/Users?count=0")["Resources"] == []
    assert scim.ok("GET", "/Users?startIndex=-5&count=-1")["startIndex"] == 1
    # As a request of its own, so that what is looked for stays out of logs
    asked = {"schemas": [SEARCH_REQUEST], "filter": 'userName eq "special"', "attributes": ["userName"], "count": 5, "startIndex": None}
    answer = scim.send("POST", "/Users/.search", asked)
    assert (answer.status_code, [set(each) for each in answer.json()["Resources"]]) == (200, [{"schemas", "id", "meta", "userName"}])
    assert scim.refused("POST", "/Groups/.search", {"filter": "id pr"}) == (400, "invalidSyntax")
    only = scim.ok("GET", f"/Users/{special['id']}?attributes=userName,{PERSON}:level")
    assert set(only) == {"schemas", "id", "meta", "userName", PERSON}
    without = scim.ok("GET", f"/Users/{special['id']}?excludedAttributes=name.formatted,id")
    assert "name" not in without
    assert "id" in without


@pytest.mark.clause("RFC 7644 3.12")
def test_attack_half_of_a_surrogate_pair_is_no_text_and_leaves_nothing(scim: Scim) -> None:
    user = {"schemas": [USER], "userName": "half-a-pair", "displayName": "测试"}
    for body in ({**user, "password": "Ab1\ud800cdefghijkl9"}, {**user, "externalId": "\ud800"}, {**user, "\udfff": 1}):
        answer = scim.send("POST", "/Users", json.dumps(body).encode())
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax"), body
    wanted = {"schemas": [SEARCH_REQUEST], "filter": 'userName eq "\ud800"'}
    assert scim.send("POST", "/Users/.search", json.dumps(wanted).encode()).status_code == 400
    wanted["filter"] = 'userName eq "\\ud800"'
    assert scim.send("POST", "/Users/.search", json.dumps(wanted).encode()).json()["scimType"] == "invalidFilter"
    assert scim.find("Users", 'userName eq "half-a-pair"') == []


@pytest.mark.parametrize("text", ["--5", "-", "", "5-", "1" * 10, "٣", "5.0"])
def test_attack_what_is_no_number(text: str) -> None:
    for name in ("count", "startIndex"):
        with pytest.raises(MalformedError, match="SCIM_VALUE_INVALID"):
            scim_routes.page_of({name: text})


def test_numbers_are_bounded_rather_than_refused() -> None:
    assert scim_routes.page_of({"count": "-5", "startIndex": "-1"}) == Page(0, 1)
    assert scim_routes.page_of({"count": "99999999"}) == Page(PAGE_SCIM_MAX, 1)


def test_refusals_have_the_form_and_word_of_the_standard(scim: Scim) -> None:
    made = scim.user("errors", externalId="X-1")
    path = f"/Users/{made['id']}"
    user = {"schemas": [USER], "userName": "other", "displayName": "测试"}
    for body, expected in (
        ({**user, "userName": "errors"}, (409, "uniqueness")),
        ({**user, "externalId": "X-1"}, (409, "uniqueness")),
        ({**user, "userName": "a"}, (400, "invalidValue")),
        ({**user, "userName": None}, (400, "invalidValue")),
        ({**user, "userName": 5}, (400, "invalidValue")),
        ({**user, "active": 1}, (400, "invalidValue")),
        ({**user, "emails": "x"}, (400, "invalidValue")),
        ({**user, "emails": ["x"]}, (400, "invalidValue")),
        ({**user, "name": "x"}, (400, "invalidValue")),
        ({**user, "password": "short"}, (400, "invalidValue")),
        ({**user, "password": "with other 1"}, (400, "invalidValue")),
        ({**user, PERSON: []}, (400, "invalidValue")),
        ({**user, PERSON: {"idNumber": "1"}}, (400, "invalidValue")),
        ({**user, PERSON: {"idType": "resident_id", "idNumber": "1"}}, (400, "invalidValue")),
        ({**user, "schemas": [GROUP]}, (400, "invalidSyntax")),
        ({}, (400, "invalidSyntax")),
        ([], (400, "invalidSyntax")),
        (b"{", (400, "invalidSyntax")),
        (b'{"schemas": NaN}', (400, "invalidSyntax")),
        (b'{"schemas": [], "schemas": []}', (400, "invalidSyntax")),
        (b"[" * 100_000, (400, "invalidSyntax")),
        (b" " * (BODY_SCIM_BYTES_MAX + 1), (413, None)),
    ):
        assert scim.refused("POST", "/Users", body) == expected, str(body)[:80]
    assert scim.refused("POST", "/Users", user, **{"content-type": "text/plain"}) == (400, "invalidSyntax")
    assert scim.refused("POST", "/Groups", {"schemas": [GROUP]}) == (400, "invalidValue")
    assert scim.refused("PATCH", path, patch_of({"op": "remove"})) == (400, "noTarget")
    assert scim.refused("PATCH", path, patch_of({"op": "add", "path": "a b", "value": 1})) == (400, "invalidPath")
    for query, expected in (
        ("filter=userName%20xx%20%22x%22", (400, "invalidFilter")),
        ("startIndex=x", (400, "invalidValue")),
        ("count=1e3", (400, "invalidValue")),
        ("filter=userName%20eq%20%22other%22&filter=active%20eq%20true", (400, "invalidValue")),
        ("count=1&c%6Funt=1", (400, "invalidValue")),
    ):
        assert scim.refused("GET", "/Users?" + query) == expected
    assert scim.find("Users", 'userName eq "other"') == []
    reader = bearer(scim.town, "reader", "directory.read")
    answer = scim.town.here.http.request("DELETE", "/scim/v2" + path, headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING")


def test_attack_a_directory_cannot_become_somebody_else(scim: Scim) -> None:
    """Who is proven, who administers and who comes from elsewhere is not the provisioning client's to decide."""
    town, given_before = scim.town, len(scim.town.audited("account.give"))
    proven = town.person("proven", name="测试甲", level=3)
    path = f"/Users/{proven.account_id}"
    give_account(town.desk, proven.account_id, AccountKind.PERSON, "hrs", is_given=True, actor="test")
    before = scim.ok("GET", path)
    other = resident_number("99000019900307325")
    for operation in (
        {"op": "replace", "path": "displayName", "value": "测试乙"},
        {"op": "add", "value": {PERSON: {"idType": "resident_id", "idNumber": other}}},
    ):
        assert scim.refused("PATCH", path, patch_of(operation)) == (400, "mutability")
    scim.patch(
        path,
        {"op": "replace", "path": "emails", "value": [{"value": "new@example.org"}]},
        {"op": "add", "path": PERSON + ":level", "value": 4},
    )
    after = scim.ok("GET", path)
    assert (after["displayName"], after[PERSON]["level"], after["userName"]) == (before["displayName"], 3, "proven")
    # An administrator: no change, no password, no end
    admin = town.person("boss")
    set_totp(town.desk, admin.account_id, actor="test")
    appointed(scim, admin.account_id)
    assert scim.refused("PATCH", f"/Users/{admin.account_id}", patch_of({"op": "add", "path": "password", "value": "taken over 99"})) == (
        403,
        None,
    )
    assert scim.refused("DELETE", f"/Users/{admin.account_id}") == (403, None)
    # Accounts of elsewhere: nothing; of those it was given no password, no end, nobody who acts for them, and what else it says of them is taken
    guest = town.person("guest", level=0)
    firm = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, "来自别处的公司"), actor="test")
    foreign, company = f"/Users/{guest.account_id}", f"/Groups/{firm.account_id}"
    named, away = {"op": "replace", "path": "displayName", "value": "来自别处"}, {"op": "replace", "path": "active", "value": False}
    attempts: tuple[tuple[str, dict[str, Any]], ...] = (
        (foreign, named),
        (foreign, away),
        (foreign, {"op": "add", "path": "externalId", "value": "mine"}),
        (company, named),
        (company, {"op": "replace", "path": ORGANISATION + ":active", "value": False}),
    )
    for where, operation in attempts:
        answer = scim.send("PATCH", where, patch_of(operation))
        assert (answer.status_code, answer.json()["detail"][:16]) == (403, "ACCOUNT_FOREIGN:")
    assert scim.refused("PUT", foreign, {"schemas": [USER], "userName": "guest", "displayName": "来自别处"}) == (403, None)
    assert any('"source":"scim:hrs"' in entry and guest.account_id in entry for entry in town.audited("account.refuse"))
    manager = bearer(town, "officer", "account.manage")
    for kind, each in (("accounts", guest), ("organisations", firm)):
        keeper = f"/v1/{kind}/{each.account_id}/provisioning-clients/"
        assert town.here.http.request("PUT", keeper + "nobody", headers=manager).json()["code"] == "CLIENT_NOT_FOUND"
        assert town.here.http.request("PUT", keeper + "hrs", headers=scim.headers).status_code == 403, "no directory gives itself anything"
        for _ in range(2):
            assert town.here.http.request("PUT", keeper + "hrs", headers=manager).status_code == 200
    assert len(town.audited("account.give")) == given_before + 3
    assert scim.refused("PATCH", foreign, patch_of({"op": "add", "path": "password", "value": "taken over 99"})) == (403, None)
    assert scim.refused("DELETE", foreign) == (403, None)
    member = {"op": "add", "path": "members", "value": [{"value": guest.account_id}]}
    assert scim.refused("PATCH", company, patch_of(member)) == (403, None)
    assert scim.patch(company, named)["members"] == []
    assert scim.patch(foreign, away, {"op": "add", "path": "externalId", "value": "mine"})["active"] is False
    town.here.http.request("DELETE", f"/v1/accounts/{guest.account_id}/provisioning-clients/hrs", headers=manager)
    assert scim.refused("PATCH", foreign, patch_of(named)) == (403, None), "its own name for it is no right to it"
    assert len(town.audited("account.take-back")) == 1
    # Each client has its own names for accounts, and none can take another's or a connector's
    second = Scim(town, bearer(town, "hr2", "directory.read", "directory.manage"))
    shared = scim.user("shared", externalId="7")
    assert "externalId" not in second.ok("GET", f"/Users/{shared['id']}")
    assert second.find("Users", 'externalId eq "7"') == []
    give_account(town.desk, shared["id"], AccountKind.PERSON, "hr2", is_given=True, actor="test")
    second.patch(f"/Users/{shared['id']}", {"op": "add", "path": "externalId", "value": "region|8"})
    with town.desk.database.read() as connection:
        account = find_account(connection, town.desk.vault, shared["id"])
    assert account is not None
    assert sorted(each.value for each in account.identifiers if each.kind == "upstream") == [
        f"given:scim:hr2|{shared['id']}",
        "scim:hr2|region|8",
        "scim:hrs|7",
    ]


def test_an_organisation_that_was_given_is_renamed_also_where_the_time_of_an_agent_is_over(scim: Scim) -> None:
    """Whose time is over is not told as a member: to leave him out says nothing about who acts for it."""
    desk = scim.town.desk
    firm = create_account(desk, NewAccount(AccountKind.ORGANISATION, "测试交接公司"), actor="test")
    stays, late = (scim.user(f"acts-{name}")["id"] for name in ("stays", "late"))
    earlier = FixedClock(desk.clock.now() - timedelta(minutes=1))
    grant_agent(desk, firm.account_id, stays, actor="test")
    grant_agent(replace(desk, clock=earlier), firm.account_id, late, valid_until=earlier.now() + timedelta(seconds=1), actor="test")
    give_account(desk, firm.account_id, AccountKind.ORGANISATION, "hrs", is_given=True, actor="test")
    path = f"/Groups/{firm.account_id}"
    shown = scim.ok("GET", path)
    revoked = len(scim.town.audited("agent.revoke"))
    assert scim.patch(path, {"op": "replace", "path": "displayName", "value": "测试交接后公司"})["displayName"] == "测试交接后公司"
    assert scim.ok("PUT", path, {**shown, "displayName": "测试交接公司"})["members"] == shown["members"]
    assert scim.refused("PUT", path, {**shown, "members": []}) == (403, None)
    assert scim.refused("PUT", path, {**shown, "members": [{"value": stays}, {"value": late}]}) == (403, None)
    assert len(scim.town.audited("agent.revoke")) == revoked, "nor is it this client's to end the grant that has run out"


def test_an_officer_holds_whom_a_directory_had_disabled_before(scim: Scim) -> None:
    """It was refused, as disabled already, and the directory let the person in again when its own reason was over."""
    desk, manager = scim.town.desk, bearer(scim.town, "holder", "account.manage")
    made = scim.user("on-leave")
    path, status = f"/Users/{made['id']}", f"/v1/accounts/{made['id']}/status"
    away, back = ({"op": "replace", "path": "active", "value": value} for value in (False, True))
    scim.patch(path, away)
    scim.patch(path, back)
    scim.patch(path, away)
    held = scim.town.here.http.request("PUT", status, headers=manager, json={"status": "disabled"})
    assert (held.status_code, held.json()["status"]) == (200, "disabled")
    answer = scim.send("PATCH", path, patch_of(back))
    assert (answer.status_code, answer.json()["detail"][:13]) == (403, "ACCOUNT_HELD:")
    last = json.loads(scim.town.audited("account.disabled")[-1])
    assert (last["actor"], last["facts"]["source"]) == ("client:holder", "")
    scim.patch(path, away)
    assert json.loads(scim.town.audited("account.disabled")[-1]) == last, "the directory had said so before"
    again = scim.town.here.http.request("PUT", status, headers=manager, json={"status": "disabled"})
    assert (again.status_code, again.json()["code"]) == (409, "ACCOUNT_STATUS_CONFLICT"), "it is held already"
    change_account_status(desk, made["id"], AccountKind.PERSON, AccountStatus.ACTIVE, actor="test")
    scim.patch(path, away)
    scim.patch(path, back)


def test_what_it_says_of_itself(scim: Scim) -> None:
    for nothing in ("/Schemas/urn:x", "/ResourceTypes/Robot", "/Robots", "/Me"):
        assert scim.refused("GET", nothing) == (404, None)
    config = scim.ok("GET", "/ServiceProviderConfig")
    assert (config["patch"]["supported"], config["etag"]["supported"], config["bulk"]["supported"]) == (True, True, True)
    types = scim.ok("GET", "/ResourceTypes")
    assert [each["id"] for each in types["Resources"]] == ["User", "Group"]
    assert scim.ok("GET", "/ResourceTypes/User") == types["Resources"][0]
    schemas = scim.ok("GET", "/Schemas")
    assert {each["id"] for each in schemas["Resources"]} == {USER, GROUP, PERSON, ORGANISATION}
    described = scim.ok("GET", f"/Schemas/{USER}")
    told = scim.user("described", emails=[{"value": "d@example.org"}])
    names = {each["name"] for each in described["attributes"]}
    assert set(told) - {"schemas", "id", "meta", "externalId", PERSON} <= names
    password = next(each for each in described["attributes"] if each["name"] == "password")
    assert (password["mutability"], password["returned"]) == ("writeOnly", "never")
