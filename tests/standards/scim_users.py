"""A synthetic person as SCIM tells of it, and the shape of what is told, for the tests of filters, patches and bulk operations."""

from __future__ import annotations

from typing import Any

from standards.rfc7644_filter import Shape

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
    "meta": {"lastModified": "2012-01-01T00:00:00Z"},
    OURS: {"area": "150700", "level": 2},
}
