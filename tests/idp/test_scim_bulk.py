"""Many SCIM operations in one message, and provisioning as two widespread clients do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from idp.api.scim_bulk import Outcome, run_bulk
from idp.api.scim_shapes import GROUP, PERSON, USER
from standards.rfc7644_scim import BULK_OPERATIONS_MAX, BULK_REQUEST, BULK_RESPONSE, PATCH_OP, BulkOperation
from tests.deployments import make_deployment, served_here
from tests.idp.people import Registered, settle
from tests.idp.scim import Scim
from tests.idp.test_changes import bearer

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture(scope="module")
def scim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scim]:
    with served_here(make_deployment(tmp_path_factory.mktemp("scim") / "deployment", services=["idp"])) as here:
        town = settle(here, Registered())
        yield Scim(town, bearer(town, "hrs", "directory.read", "directory.manage"))
        town.desk.pool.close()


def bulk(scim: Scim, *operations: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    answer = scim.send("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": list(operations), **members})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["schemas"] == [BULK_RESPONSE]
    return list(told["Operations"])


def user(login: str, bulk_id: str, **fields: Any) -> dict[str, Any]:
    data = {"schemas": [USER], "userName": login, "displayName": "测试甲", **fields}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def group(name: str, bulk_id: str, *members: str) -> dict[str, Any]:
    data = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


@pytest.mark.clause("RFC 7644 3.7")
def test_many_at_once_with_what_they_refer_to(scim: Scim) -> None:
    """A group may stand before its members; each outcome stands where its operation stood."""
    told = bulk(scim, group("测试批量公司", "firm", "bulkId:a", "bulkId:b"), user("bulk-a", "a"), user("bulk-b", "b"))
    assert [(each["method"], each["bulkId"], each["status"]) for each in told] == [
        ("POST", "firm", "201"),
        ("POST", "a", "201"),
        ("POST", "b", "201"),
    ]
    ids = [each["location"].rpartition("/")[2] for each in told]
    firm = scim.ok("GET", f"/Groups/{ids[0]}")
    assert {each["value"] for each in firm["members"]} == {ids[1], ids[2]}
    assert told[0]["version"] == firm["meta"]["version"]
    assert told[0]["location"] == firm["meta"]["location"]
    # The rest of the methods, and one that names the version it read
    replaced = {"schemas": [USER], "userName": "bulk-a", "displayName": "测试乙"}
    patched = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": False}],
    }
    told = bulk(
        scim,
        {"method": "PUT", "path": f"/Users/{ids[1]}", "version": 'W/"9"', "data": replaced},
        {"method": "PUT", "path": f"/Users/{ids[1]}", "version": 'W/"1"', "data": replaced},
        {"method": "PATCH", "path": f"/Users/{ids[1]}", "data": patched},
        {"method": "DELETE", "path": f"/Users/{ids[2]}"},
        {"method": "DELETE", "path": f"/Users/{ids[2]}"},
    )
    assert [each["status"] for each in told] == ["412", "200", "200", "204", "404"]
    assert told[0]["response"]["status"] == "412"
    assert [each["location"].rpartition("/")[2] for each in told] == [ids[1]] * 3 + [ids[2]] * 2
    after = scim.ok("GET", f"/Users/{ids[1]}")
    assert (after["displayName"], after["active"]) == ("测试乙", False)
    # One may be made and changed in the same message
    told = bulk(scim, user("bulk-c", "c"), {"method": "DELETE", "path": "/Users/bulkId:c"})
    assert [each["status"] for each in told] == ["201", "204"]
    assert scim.find("Users", 'userName eq "bulk-c"') == []


def test_each_fails_for_itself_and_all_stop_where_that_was_asked_for(scim: Scim) -> None:
    taken = user("bulk-taken", "t")
    bulk(scim, taken)
    told = bulk(scim, taken, group("无人公司", "g", "bulkId:t"), group("循环公司", "h", "bulkId:h"), user("bulk-free", "f"))
    assert [each["status"] for each in told] == ["409", "409", "409", "201"]
    assert "location" not in told[0]
    assert told[0]["response"]["scimType"] == "uniqueness"
    assert [each["response"]["detail"].partition(":")[0] for each in told[1:3]] == ["SCIM_BULK_REFERENCE"] * 2
    assert scim.find("Groups", 'displayName eq "无人公司"') == []
    told = bulk(scim, user("bulk-first", "1"), taken, user("bulk-late", "2"), group("迟公司", "3", "bulkId:none"), failOnErrors=1)
    assert [each["status"] for each in told] == ["201", "409"]
    assert scim.find("Users", 'userName eq "bulk-late"') == []
    told = bulk(scim, group("甲公司", "3", "bulkId:none"), group("乙公司", "4", "bulkId:none"), failOnErrors=1)
    assert [each["bulkId"] for each in told] == ["3"]
    for path, method in (
        ("/Users", "DELETE"),
        ("/Robots/x", "DELETE"),
        ("Users/x", "DELETE"),
        ("/Users/", "DELETE"),
        ("/Users/a/b", "DELETE"),
        ("/Users/pe_x", "POST"),
    ):
        (only,) = bulk(scim, {"method": method, "path": path, "bulkId": "x", "data": {}})
        assert only["status"] == "400", path


def test_attack_a_bulk_message_is_no_way_around_anything(scim: Scim) -> None:
    """Bounded, by the same rules as each alone, and for whoever may change the directory only."""
    too_many = [{"method": "DELETE", "path": "/Users/x"}] * (BULK_OPERATIONS_MAX + 1)
    assert scim.refused("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": too_many}) == (413, None)
    assert scim.refused("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": []}) == (400, "invalidSyntax")
    assert scim.refused("POST", "/Bulk", b"[]") == (400, "invalidSyntax")
    guest = scim.town.person("bulk-guest", level=3)
    foreign = {"schemas": [USER], "userName": "bulk-guest", "displayName": "另一个人", "password": "taken over 99"}
    told = bulk(
        scim,
        {"method": "PUT", "path": f"/Users/{guest.account_id}", "data": foreign},
        {"method": "DELETE", "path": f"/Users/{guest.account_id}"},
    )
    assert [each["status"] for each in told] == ["403", "403"]
    reader = bearer(scim.town, "bulk-reader", "directory.read")
    body = {"schemas": [BULK_REQUEST], "Operations": [user("bulk-nobody", "x")]}
    answer = scim.town.here.http.request("POST", "/scim/v2/Bulk", headers=reader, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING")
    assert scim.find("Users", 'userName eq "bulk-nobody"') == []
    assert [each["status"] for each in bulk(scim, user("bulk-recorded", "y"))] == ["201"]
    assert '"actor":"client:hrs"' in scim.town.audited("account.create")[-1]


def test_as_microsoft_entra_provisions(scim: Scim) -> None:
    """The calls of its provisioning service, with the attributes that it maps by default."""
    assert scim.find("Users", 'userName eq "anna@example.org"') == []
    made = scim.ok(
        "POST",
        "/Users",
        {
            "schemas": [USER, ENTERPRISE],
            "externalId": "anna",
            "userName": "anna@example.org",
            "active": True,
            "emails": [{"primary": True, "type": "work", "value": "anna@example.org"}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "安娜", "familyName": "安", "givenName": "娜"},
            "roles": [],
            ENTERPRISE: {"department": "one"},
        },
    )
    path = f"/Users/{made['id']}"
    changed = scim.patch(
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@example.org"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "13800000002"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "two"},
        {"op": "Replace", "value": {"displayName": "安娜二", f"{ENTERPRISE}:manager": {"value": "x"}}},
    )
    assert (changed["emails"][0]["value"], changed["phoneNumbers"][0]["value"]) == ("new@example.org", "13800000002")
    assert changed["displayName"] == "安娜二"
    assert scim.patch(path, {"op": "Replace", "path": "active", "value": "False"})["active"] is False
    firm = scim.ok("POST", "/Groups", {"schemas": [GROUP], "externalId": "g-anna", "displayName": "安娜公司", "members": []})
    place = f"/Groups/{firm['id']}"
    scim.patch(path, {"op": "Replace", "path": "active", "value": "True"})
    scim.patch(place, {"op": "Add", "path": "members", "value": [{"value": made["id"]}]})
    assert scim.find("Groups", f'id eq "{firm["id"]}" and members eq "{made["id"]}"', excludedAttributes="members") == [firm["id"]]
    scim.patch(place, {"op": "Remove", "path": "members", "value": [{"value": made["id"]}]})
    assert scim.ok("GET", place)["members"] == []
    assert PERSON in made


def test_as_okta_provisions(scim: Scim) -> None:
    assert scim.ok("GET", "/Users?startIndex=1&count=100&filter=userName%20eq%20%22okta%40example.org%22")["totalResults"] == 0
    made = scim.user("okta@example.org", emails=[{"primary": True, "value": "o@example.org", "type": "work"}], groups=[], locale="zh-CN")
    assert scim.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": False}})["active"] is False
    assert scim.ok("PUT", f"/Users/{made['id']}", {**made, "active": True})["active"] is True
    firm = scim.group("奥克塔公司", members=[{"value": made["id"], "display": "okta@example.org"}])
    assert scim.find("Groups", f'members[value eq "{made["id"]}"]') == [firm["id"]]
    removed = scim.patch(f"/Groups/{firm['id']}", {"op": "remove", "path": f'members[value eq "{made["id"]}"]'})
    assert removed["members"] == []


def test_attack_a_bulk_message_that_cannot_be_read_through_does_nothing(scim: Scim) -> None:
    """Nobody would be told what was done before the operation that could not be read."""
    nested: Any = []
    for _ in range(700):
        nested = [nested]
    body = {"schemas": [BULK_REQUEST], "Operations": [user("bulk-before", "1"), user("bulk-deep", "2", emails=nested)]}
    assert scim.refused("POST", "/Bulk", body) == (400, "invalidSyntax")
    assert scim.find("Users", 'userName eq "bulk-before"') == []


def test_attack_values_of_other_forms_spoil_their_own_operation_alone(scim: Scim) -> None:
    (made,) = bulk(scim, user("bulk-form", "f"))
    add = {"op": "add", "path": "emails", "value": [{"value": {"x": []}}]}
    patch = {"method": "PATCH", "path": made["location"].partition("/scim/v2")[2], "data": {"schemas": [PATCH_OP], "Operations": [add]}}
    told = bulk(scim, user("bulk-form-2", "g"), patch, user("bulk-form-3", "h"))
    assert [each["status"] for each in told] == ["201", "400", "201"]


def test_attack_a_chain_of_references_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round makes one of them: looking for references anew in all that wait would take as long as all of them squared."""
    looked: list[str] = []
    referred = BulkOperation.needs.fget  # type: ignore[attr-defined]

    def needs(operation: BulkOperation) -> frozenset[str]:
        looked.append(operation.bulk_id)
        return frozenset(referred(operation))

    monkeypatch.setattr(BulkOperation, "needs", property(needs))
    chain = [group("链", f"{i}", f"bulkId:{i + 1}") for i in range(BULK_OPERATIONS_MAX - 1)] + [
        user("bulk-end", f"{BULK_OPERATIONS_MAX - 1}")
    ]
    body = {"schemas": [BULK_REQUEST], "Operations": chain}
    made = run_bulk(
        body, lambda kind, _id, operation: Outcome(201, account_id=f"{kind.value}{operation.bulk_id}"), lambda _: Outcome(500), ""
    )
    assert {each["status"] for each in made["Operations"]} == {"201"}
    assert sorted(looked) == sorted(each["bulkId"] for each in chain)
