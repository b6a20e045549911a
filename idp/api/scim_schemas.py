"""What the discovery endpoints of SCIM say (RFC 7643 5, 6, 7): made from one table of attributes."""

from __future__ import annotations

from typing import Any, Final

from idp.api.scim_search import PAGE_SCIM_MAX
from idp.api.scim_shapes import BASE, BODY_SCIM_BYTES_MAX, CORE, GROUP, ORGANISATION, PERSON, USER
from idp.model.people import ID_NUMBERS, AccountKind
from standards.rfc7644_scim import BULK_OPERATIONS_MAX, BULK_REQUEST, LIST_RESPONSE, PATCH_OP, SEARCH_REQUEST

_LIST_PART: Final = (
    ("value", "string", "Its value."),
    ("type", "string", "A label.", {"mutability": "readOnly"}),
    ("primary", "boolean", "The first.", {"mutability": "readOnly"}),
)
_FOLLOWED: Final = (
    "followed",
    "string",
    "What the directories that this one follows call it; empty: it is this one's own.",
    {"multiValued": True, "mutability": "readOnly", "caseExact": True},
)
_ATTRIBUTES: Final[dict[str, tuple[tuple[str, str, str, dict[str, Any]], ...]]] = {
    USER: (
        ("userName", "string", "Login name; lower case.", {"required": True, "uniqueness": "server"}),
        ("name", "complex", "The name.", {"subAttributes": (("formatted", "string", "The whole name."),)}),
        ("displayName", "string", "The name.", {}),
        ("active", "boolean", "Whether the person may sign in.", {}),
        ("password", "string", "Sets the password; never shown.", {"mutability": "writeOnly", "returned": "never", "caseExact": True}),
        ("emails", "complex", "Mail boxes.", {"multiValued": True, "subAttributes": _LIST_PART}),
        ("phoneNumbers", "complex", "Mobile numbers.", {"multiValued": True, "subAttributes": _LIST_PART}),
        (
            "addresses",
            "complex",
            "One address.",
            {
                "multiValued": True,
                "subAttributes": (("formatted", "string", "The address."), ("type", "string", "A label.", {"mutability": "readOnly"})),
            },
        ),
    ),
    GROUP: (
        ("displayName", "string", "Name of the organisation.", {"required": True}),
        (
            "members",
            "complex",
            "Its agents: who may act for it.",
            {
                "multiValued": True,
                "subAttributes": (
                    ("value", "string", "Id of a User.", {"mutability": "immutable", "caseExact": True}),
                    ("$ref", "reference", "Its address.", {"mutability": "immutable", "referenceTypes": ["User"], "caseExact": True}),
                    ("type", "string", "User.", {"mutability": "immutable", "canonicalValues": ["User"]}),
                ),
            },
        ),
    ),
    PERSON: (
        ("idType", "string", "Kind of identity document.", {"canonicalValues": sorted(ID_NUMBERS[AccountKind.PERSON])}),
        ("idNumber", "string", "Its number; left as it is where not sent.", {"uniqueness": "server"}),
        ("level", "integer", "Assurance level 0 to 4.", {"mutability": "readOnly"}),
        _FOLLOWED,
        ("area", "string", "GB/T 2260, 6 or 12 digits.", {}),
        ("sex", "string", "GB/T 2261.1.", {}),
        ("bornOn", "string", "YYYY-MM-DD.", {}),
        ("nationality", "string", "Nationality.", {}),
    ),
    ORGANISATION: (
        ("active", "boolean", "Whether anybody may act for it.", {}),
        ("idType", "string", "Kind of number.", {"canonicalValues": sorted(ID_NUMBERS[AccountKind.ORGANISATION])}),
        ("idNumber", "string", "Its number; left as it is where not sent.", {"uniqueness": "server"}),
        ("level", "integer", "Assurance level 0 to 4.", {"mutability": "readOnly"}),
        _FOLLOWED,
        ("area", "string", "GB/T 2260, 6 or 12 digits.", {}),
        ("organisationType", "string", "Kind of organisation.", {}),
        ("organisationClass", "string", "Class of organisation.", {}),
    ),
}
USER_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [USER],
    "userName": "jia",
    "displayName": "测试甲",
    "externalId": "4711",
}
GROUP_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [GROUP],
    "displayName": "测试有限公司",
    "members": [{"value": "pe_abcdefghijklmnopqrstuvwx"}],
}
RESOURCE_EXAMPLES: Final[dict[AccountKind, dict[str, Any]]] = {AccountKind.PERSON: USER_EXAMPLE, AccountKind.ORGANISATION: GROUP_EXAMPLE}
SEARCH_EXAMPLE: Final[dict[str, Any]] = {"schemas": [SEARCH_REQUEST], "filter": 'userName eq "jia"', "count": 10}
BULK_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [BULK_REQUEST],
    "failOnErrors": 1,
    "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "jia", "data": USER_EXAMPLE},
        {"method": "POST", "path": "/Groups", "bulkId": "firm", "data": {**GROUP_EXAMPLE, "members": [{"value": "bulkId:jia"}]}},
    ],
}
PATCH_EXAMPLE: Final = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "测试乙"}]}
_NAMES: Final = {USER: "User", GROUP: "Group", PERSON: "Person", ORGANISATION: "Organisation"}


def _attribute(name: str, kind: str, description: str, **further: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": description,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        **further,
    }
    if "subAttributes" in further:
        made["subAttributes"] = [_attribute(*each[:3], **(each[3] if len(each) > 3 else {})) for each in further["subAttributes"]]
    return made


def discovery(base_url: str) -> dict[str, dict[str, Any]]:
    """Path below the base -> document."""
    here = base_url + BASE
    schemas: dict[str, dict[str, Any]] = {
        urn: {
            "schemas": [CORE + "Schema"],
            "id": urn,
            "name": _NAMES[urn],
            "description": f"{_NAMES[urn]} of this directory",
            "attributes": [_attribute(name, kind, description, **further) for name, kind, description, further in attributes],
            "meta": {"resourceType": "Schema", "location": f"{here}/Schemas/{urn}"},
        }
        for urn, attributes in _ATTRIBUTES.items()
    }
    types = {
        name: {
            "schemas": [CORE + "ResourceType"],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "description": description,
            "schema": core,
            "schemaExtensions": [{"schema": extension, "required": False}],
            "meta": {"resourceType": "ResourceType", "location": f"{here}/ResourceTypes/{name}"},
        }
        for name, description, core, extension in (
            ("User", "A natural person", USER, PERSON),
            ("Group", "An organisation with its agents", GROUP, ORGANISATION),
        )
    }
    config = {
        "schemas": [CORE + "ServiceProviderConfig"],
        "documentationUri": base_url + "/docs",
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": BULK_OPERATIONS_MAX, "maxPayloadSize": BODY_SCIM_BYTES_MAX},
        "filter": {"supported": True, "maxResults": PAGE_SCIM_MAX},
        "changePassword": {"supported": True},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "pagination": {"cursor": True, "index": True, "defaultPaginationMethod": "index", "maxPageSize": PAGE_SCIM_MAX},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth 2.0 bearer token",
                "description": "Scopes directory.read and directory.manage.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{here}/ServiceProviderConfig"},
    }
    documents = {"ServiceProviderConfig": config, "Schemas": _listed(schemas), "ResourceTypes": _listed(types)}
    documents |= {f"Schemas/{urn}": schema for urn, schema in schemas.items()}
    return documents | {f"ResourceTypes/{name}": each for name, each in types.items()}


def _listed(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": len(found),
        "itemsPerPage": len(found),
        "startIndex": 1,
        "Resources": list(found.values()),
    }
