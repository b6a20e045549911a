"""SCIM filters and PATCH operations, with the examples of RFC 7644 where it has one."""

from __future__ import annotations

from typing import Any

import pytest

from standards.errors import MalformedError
from standards.rfc7644_scim import FILTER_CHARACTERS_MAX, OPERATIONS_MAX, PATCH_OP, Path, Shape, Term, apply_patch, is_match, read_filter

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
OURS = "urn:example:Ours"
SHAPE = Shape(
    CORE,
    ("id", "externalId", "userName", "displayName", "active", "name", "emails", "members", "level"),
    frozenset({"emails", "members"}),
    (OURS,),
)
USER: dict[str, Any] = {
    "id": "Ab1",
    "userName": "bjensen",
    "active": True,
    "name": {"formatted": "Ms. Barbara J Jensen III", "familyName": "Jensen"},
    "emails": [{"value": "bjensen@example.com", "type": "work"}, {"value": "babs@jensen.org", "type": "home"}],
    "members": [],
    OURS: {"area": "150700", "level": 2},
}


@pytest.mark.clause("RFC 7644 3.4.2.2")
@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('userName eq "bjensen"', True),
        ('USERNAME Eq "BJENSEN"', True),
        ('userName eq "other"', False),
        ('id eq "Ab1"', True),
        ('id eq "ab1"', False),
        ('name.familyName sw "jen"', True),
        ('name.familyName sw "ens"', False),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B"', True),
        ("active eq true", True),
        ("active eq false", False),
        ("active eq null", False),
        ("urn:example:ours:level eq 2", True),
        ("urn:example:Ours:level eq 2.5", False),
        ('urn:example:Ours:area eq "150700" and active eq true', True),
        ('emails eq "babs@jensen.org"', True),
        ('emails.type eq "home"', True),
        ('emails.type eq "fax"', False),
        ("emails pr", True),
        ("members pr", False),
        ("title pr", False),
        ("title.x pr", False),
        ('active eq "true"', False),
        ('userName eq "a\\"b" and userName pr', False),
        ('  userName   pr  and name.formatted sw "Ms. "  ', True),
    ],
)
def test_a_filter_holds_or_not(text: str, holds: bool) -> None:
    assert is_match(USER, read_filter(text, SHAPE)) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        'userName ne "x"',
        'userName co "x"',
        'userName eq "x" or active eq true',
        'not (userName eq "x")',
        '(userName eq "x")',
        'userName eq "x" and',
        'userName eq "x" active eq true',
        "userName eq x",
        "userName sw true",
        "userName sw 5",
        "userName eq [1]",
        "userName eq {}",
        'userName eq "x',
        'userName eq "\\q"',
        'userName eq "\\ud800"',
        "userName pr and " * 10 + "userName pr",
        'userName eq "' + "x" * FILTER_CHARACTERS_MAX + '"',
    ],
)
def test_attack_filters_beyond_the_subset_are_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="SCIM_FILTER_INVALID"):
        read_filter(text, SHAPE)


@pytest.mark.parametrize("text", ["urn:foreign:Schema:x pr", "1x pr", "a.b.c pr", "a%b pr"])
def test_attack_paths_nobody_knows(text: str) -> None:
    with pytest.raises(MalformedError, match="SCIM_PATH_INVALID"):
        read_filter(text, SHAPE)


def test_terms_are_read_as_they_are_meant() -> None:
    assert read_filter(f'{OURS}:area sw "15" and emails.value pr', SHAPE) == (
        Term(Path(OURS, "area"), "sw", "15"),
        Term(Path("", "emails", "value"), "pr"),
    )


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
        ({"op": "replace", "path": f"{OURS}:area", "value": "15"}, {OURS: {"area": "15", "level": 2}}),
        ({"op": "replace", "value": {OURS.lower(): {"area": "15"}}}, {OURS: {"area": "15", "level": 2}}),
        ({"op": "add", "path": OURS, "value": {"area": "15"}}, {OURS: {"area": "15", "level": 2}}),
        ({"op": "remove", "path": OURS.upper()}, {OURS: None}),
        ({"op": "remove", "path": "title"}, {"title": None}),
        ({"op": "remove", "path": "title", "value": "x"}, {"title": []}),
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
