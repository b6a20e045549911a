"""SCIM PATCH and bulk operations, with the examples of RFC 7644 where it has one."""

from __future__ import annotations

from typing import Any

import pytest

from standards.errors import MalformedError
from standards.rfc7644_filter import FILTER_CHARACTERS_MAX
from standards.rfc7644_scim import (
    BULK_DEPTH_MAX,
    BULK_ID_CHARACTERS_MAX,
    BULK_REQUEST,
    OPERATIONS_MAX,
    PATCH_OP,
    BulkOperation,
    apply_patch,
    read_bulk,
)
from tests.standards.scim_users import OURS, SHAPE, USER


def patch(*operations: Any) -> dict[str, Any]:
    return apply_patch(USER, {"schemas": [PATCH_OP], "Operations": list(operations)}, SHAPE)


@pytest.mark.clause("RFC 7644 3.5.2")
@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "value": {"emails": [{"value": "b@x", "type": "other"}], "displayName": "Babs"}}, {"displayName": "Babs"}),
        ({"op": "Replace", "path": "ACTIVE", "value": False}, {"active": False}),
        ({"op": "replace", "value": {"active": False}}, {"active": False}),
        ({"op": "add", "path": "name.givenName", "value": "B"}, {"name": {**USER["name"], "givenName": "B"}}),
        ({"op": "remove", "path": "name.FAMILYname"}, {"name": {"formatted": "Ms. Barbara J Jensen III"}}),
        ({"op": "add", "path": "displayname", "value": "B"}, {"displayName": "B"}),
        ({"op": "remove", "path": "emails"}, {"emails": None}),
        ({"op": "remove", "path": 'emails[type eq "work"]'}, {"emails": USER["emails"][1:]}),
        ({"op": "remove", "path": 'emails[type eq "fax"]'}, {"emails": USER["emails"]}),
        ({"op": "remove", "path": "emails", "value": [{"value": "babs@jensen.org"}]}, {"emails": USER["emails"][:1]}),
        ({"op": "remove", "path": "emails", "value": "babs@jensen.org"}, {"emails": USER["emails"][:1]}),
        (
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@x"},
            {"emails": [{"value": "new@x", "type": "work"}, USER["emails"][1]]},
        ),
        (
            {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": "new@x"}},
            {"emails": [{"value": "new@x", "type": "work"}, USER["emails"][1]]},
        ),
        ({"op": "remove", "path": 'emails[type eq "work"].type'}, {"emails": [{"value": "bjensen@example.com"}, USER["emails"][1]]}),
        (
            {"op": "add", "path": 'emails[type eq "fax"].value', "value": "f@x"},
            {"emails": [*USER["emails"], {"type": "fax", "value": "f@x"}]},
        ),
        ({"op": "replace", "path": "emails.type", "value": "x"}, {"emails": [{**each, "type": "x"} for each in USER["emails"]]}),
        ({"op": "replace", "path": "emails", "value": {"value": "one@x"}}, {"emails": [{"value": "one@x"}]}),
        ({"op": "add", "path": "emails", "value": [{"value": "babs@jensen.org"}]}, {"emails": USER["emails"]}),
        ({"op": "add", "path": "members", "value": [{"value": "u1"}, {"type": "x"}]}, {"members": [{"value": "u1"}, {"type": "x"}]}),
        (
            {"op": "add", "path": "emails", "value": [{"value": {"x": 1}}, {"value": ["x"]}]},  # what it means is asked elsewhere
            {"emails": [*USER["emails"], {"value": {"x": 1}}, {"value": ["x"]}]},
        ),
        ({"op": "replace", "path": f"{OURS}:area", "value": "15"}, {OURS: {"area": "15", "level": 2}}),
        ({"op": "replace", "value": {OURS.lower(): {"area": "15"}}}, {OURS: {"area": "15", "level": 2}}),
        ({"op": "add", "path": OURS, "value": {"area": "15"}}, {OURS: {"area": "15", "level": 2}}),
        ({"op": "remove", "path": OURS.upper()}, {OURS: None}),
        ({"op": "remove", "path": "title"}, {"title": None}),
        ({"op": "remove", "path": "title", "value": "x"}, {"title": []}),
        ({"op": "remove", "path": 'emails[type eq "work" or value ew "jensen.org"]'}, {"emails": []}),
        ({"op": "remove", "path": 'emails[not (type eq "work")]'}, {"emails": USER["emails"][:1]}),
        ({"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "x"}, dict(USER)),
        ({"op": "replace", "value": {"urn:foreign:Schema": {"x": 1}, "active": False}}, {"active": False, "urn:foreign:Schema": None}),
        ({"op": "remove", "path": 'urn:foreign:Schema:list[type eq "work"].value'}, dict(USER)),
    ],
)
def test_each_operation(operation: dict[str, Any], expected: dict[str, Any]) -> None:
    changed = patch(operation)
    for name, value in expected.items():
        assert changed.get(name) == value
    assert USER["active"] is True
    assert len(USER["emails"]) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "SCIM_SYNTAX_INVALID"),
        ({"Operations": [{"op": "remove", "path": "emails"}]}, "SCIM_SYNTAX_INVALID"),
        ({"schemas": [PATCH_OP]}, "SCIM_SYNTAX_INVALID"),
        ({"schemas": [PATCH_OP], "Operations": []}, "SCIM_SYNTAX_INVALID"),
        ({"schemas": [PATCH_OP], "Operations": [{}] * (OPERATIONS_MAX + 1)}, "SCIM_SYNTAX_INVALID"),
        ({"schemas": [PATCH_OP], "Operations": ["x"]}, "SCIM_SYNTAX_INVALID"),
        ({"schemas": [PATCH_OP], "Operations": [{"op": 5}]}, "SCIM_SYNTAX_INVALID"),
        ({"schemas": [PATCH_OP], "operations": [{"op": "move", "path": "x"}]}, "SCIM_SYNTAX_INVALID"),
    ],
)
def test_attack_bodies_that_are_no_patch(body: Any, code: str) -> None:
    with pytest.raises(MalformedError, match=code):
        apply_patch(USER, body, SHAPE)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "remove"}, "SCIM_TARGET_MISSING"),
        ({"op": "replace", "path": 'emails[type eq "fax"].value', "value": "x"}, "SCIM_TARGET_MISSING"),
        ({"op": "replace", "path": 'emails[type eq "work"]', "value": "x"}, "SCIM_VALUE_INVALID"),
        ({"op": "replace", "path": "emails[type co 1]", "value": {}}, "SCIM_FILTER_INVALID"),
        ({"op": "add", "path": "emails", "value": "x"}, "SCIM_VALUE_INVALID"),
        ({"op": "add", "value": "x"}, "SCIM_VALUE_INVALID"),
        ({"op": "add", "value": {OURS: "x"}}, "SCIM_VALUE_INVALID"),
        ({"op": "add", "path": "userName.x", "value": "x"}, "SCIM_PATH_INVALID"),
        ({"op": "add", "path": "a b", "value": "x"}, "SCIM_PATH_INVALID"),
        ({"op": "add", "path": "]", "value": "x"}, "SCIM_PATH_INVALID"),
        ({"op": "add", "path": 5, "value": "x"}, "SCIM_PATH_INVALID"),
        ({"op": "add", "path": "x" * (FILTER_CHARACTERS_MAX + 1), "value": "x"}, "SCIM_PATH_INVALID"),
    ],
)
def test_attack_operations_that_cannot_be_done(operation: dict[str, Any], code: str) -> None:
    with pytest.raises(MalformedError, match=code):
        patch(operation)


def test_attack_elements_whose_values_cannot_be_told_apart() -> None:
    odd = [{"op": "replace", "path": "emails", "value": [{"value": []}]}, {"op": "add", "path": "emails", "value": {"value": "a@x"}}]
    assert patch(*odd)["emails"] == [{"value": []}, {"value": "a@x"}]


def nested(deep: int) -> Any:
    value: Any = []
    for _ in range(deep - 1):
        value = [value]
    return value


def bulk(*operations: Any, **members: Any) -> tuple[list[BulkOperation], int | None]:
    return read_bulk({"schemas": [BULK_REQUEST], "Operations": list(operations), **members})


@pytest.mark.clause("RFC 7644 3.7")
def test_operations_of_a_bulk_message_and_what_they_refer_to() -> None:
    data = {"members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}], "displayName": "bulkId", "level": 2}
    read, stop = bulk(
        {"method": "post", "path": "/Groups", "bulkId": "g", "data": data},
        {"method": "DELETE", "path": "/Users/bulkId:a", "version": 'W/"1"'},
        failOnErrors=2,
    )
    assert stop == 2
    assert [(each.method, each.bulk_id, each.version) for each in read] == [("POST", "g", None), ("DELETE", "", 'W/"1"')]
    assert [each.needs for each in read] == [{"a", "b"}, {"a"}]
    ids = {"a": "pe_1"}
    assert read[0].resolved(ids).data == {**data, "members": [{"value": "pe_1"}, {"value": "bulkId:b"}]}
    assert read[1].resolved(ids).path == "/Users/pe_1"
    assert bulk({"method": "DELETE", "path": "/Users/x"})[1] is None
    assert bulk({"method": "PUT", "path": "/Users/x", "data": nested(BULK_DEPTH_MAX)})[0][0].needs == set()


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"Operations": [{"method": "DELETE", "path": "/Users/x"}]},
        {"schemas": [BULK_REQUEST]},
        {"schemas": [BULK_REQUEST], "Operations": []},
        {"schemas": [BULK_REQUEST], "Operations": ["x"]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "GET", "path": "/Users/x"}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": 5, "path": "/Users/x"}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "DELETE"}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "DELETE", "path": "x" * (FILTER_CHARACTERS_MAX + 1)}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "POST", "path": "/Users"}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "POST", "path": "/Users", "bulkId": ""}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "POST", "path": "/Users", "bulkId": "x" * (BULK_ID_CHARACTERS_MAX + 1)}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "POST", "path": "/Users", "bulkId": "a"}] * 2},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "DELETE", "path": "/Users/x", "version": 1}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "PUT", "path": "/Users/x", "data": nested(BULK_DEPTH_MAX + 1)}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "PUT", "path": "/Users/x", "data": {"x": nested(900)}}]},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "DELETE", "path": "/Users/x"}], "failOnErrors": 0},
        {"schemas": [BULK_REQUEST], "Operations": [{"method": "DELETE", "path": "/Users/x"}], "failOnErrors": True},
    ],
)
def test_attack_bodies_that_are_no_bulk_message(body: Any) -> None:
    with pytest.raises(MalformedError, match="SCIM_SYNTAX_INVALID"):
        read_bulk(body)
