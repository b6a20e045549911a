"""Persons as SCIM Users and organisations as SCIM Groups, both ways (RFC 7643), and what the discovery endpoints say of them.

| SCIM | here |
|---|---|
| User.userName | login name; where there is none, the id |
| User.externalId, Group.externalId | the client's own name for it: each client sees and sets its own |
| User.name.formatted, displayName | the name |
| User.emails, phoneNumbers, addresses | mail boxes, mobile numbers, address |
| User.active, extension active of a Group | whether it may sign in or be acted for |
| Group.displayName, members | name of the organisation, and its agents (not its legal representative) |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3
from idp.actions.provision_account import Wanted, scim_source, source_id_of
from idp.model.federation import FOLLOWED
from idp.model.people import ID_NUMBERS, Account, AccountKind, AccountStatus, Identifier, IdentifierKind
from standards.errors import MalformedError
from standards.rfc7644_filter import Shape
from standards.rfc7644_scim import apply_patch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from idp.model.people import Agent

BASE: Final = "/scim/v2"
CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
USER: Final = CORE + "User"
GROUP: Final = CORE + "Group"
PERSON: Final = "urn:yinxin:params:scim:schemas:1.0:Person"
ORGANISATION: Final = "urn:yinxin:params:scim:schemas:1.0:Organisation"
_COMMON: Final = ("id", "externalId", "meta", "schemas", "displayName")
SHAPES: Final = {
    AccountKind.PERSON: Shape(
        USER,
        (*_COMMON, "userName", "name", "active", "password", "emails", "phoneNumbers", "addresses"),
        frozenset({"emails", "phoneNumbers", "addresses"}),
        (PERSON,),
    ),
    AccountKind.ORGANISATION: Shape(GROUP, (*_COMMON, "members"), frozenset({"members"}), (ORGANISATION,)),
}
COLLECTION: Final = {AccountKind.PERSON: "Users", AccountKind.ORGANISATION: "Groups"}
TYPE_NAME: Final = {AccountKind.PERSON: "User", AccountKind.ORGANISATION: "Group"}
EXTENSION: Final = {AccountKind.PERSON: PERSON, AccountKind.ORGANISATION: ORGANISATION}
_ATTRIBUTE: Final = {
    AccountKind.PERSON: {"sex": "sex", "bornOn": "born_on", "nationality": "nationality"},
    AccountKind.ORGANISATION: {"organisationType": "organisation_type", "organisationClass": "organisation_class"},
}
BODY_SCIM_BYTES_MAX: Final = 1024 * 1024
VALUES_MAX: Final = 5000  # members or addresses of one resource


def version_of(account: Account, members: Iterable[Agent]) -> str:
    """The ETag of a resource: weak, because what is shown also depends on who asks."""
    names = " ".join(sorted(each.person_id for each in members))
    return f'W/"{account.version}"' if account.kind is AccountKind.PERSON else f'W/"{account.version}-{sm3(names.encode()).hex()[:16]}"'


def resource_of(account: Account, members: list[Agent], client_id: str, base_url: str) -> dict[str, Any]:
    """The resource as a client sees it. Personal data."""
    kind, number = account.kind, account.id_number
    source_id = source_id_of(account, scim_source(client_id))
    extension: dict[str, Any] = {name: account.attributes[kept] for name, kept in _ATTRIBUTE[kind].items() if kept in account.attributes}
    extension |= {"level": account.level, **({"area": account.area} if account.area else {})}
    followed = [each.value.partition("|")[2] for each in account.identifiers if each.value.startswith(FOLLOWED)]
    if followed:  # so that a directory that we follow knows what is its own
        extension["followed"] = followed
    if number is not None:
        extension |= {"idType": number.kind.value, "idNumber": number.value}
    resource: dict[str, Any] = {
        "schemas": [SHAPES[kind].core, EXTENSION[kind]],
        "id": account.account_id,
        "displayName": account.name,
        EXTENSION[kind]: extension,
        "meta": {
            "resourceType": TYPE_NAME[kind],
            "created": f"{account.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "lastModified": f"{account.changed_at:%Y-%m-%dT%H:%M:%SZ}",
            "location": f"{base_url}{BASE}/{COLLECTION[kind]}/{account.account_id}",
            "version": version_of(account, members),
        },
    }
    if source_id is not None:
        resource["externalId"] = source_id
    is_active = account.status is AccountStatus.ACTIVE
    if kind is AccountKind.ORGANISATION:
        extension["active"] = is_active
        resource["members"] = [
            {"value": each.person_id, "type": "User", "$ref": f"{base_url}{BASE}/Users/{each.person_id}"} for each in members
        ]
        return resource
    login = account.identifier(IdentifierKind.LOGIN)
    resource |= {"userName": login.value if login else account.account_id, "name": {"formatted": account.name}, "active": is_active}
    for name, identifier, label in (("emails", IdentifierKind.MAIL, "work"), ("phoneNumbers", IdentifierKind.MOBILE, "mobile")):
        values = [each.value for each in account.identifiers if each.kind is identifier]
        if values:
            resource[name] = [{"value": value, "type": label, "primary": place == 0} for place, value in enumerate(values)]
    if "address" in account.attributes:
        resource["addresses"] = [{"formatted": account.attributes["address"], "type": "home"}]
    return resource


def _text(holder: Mapping[str, Any], name: str) -> str | None:
    value = next((each for key, each in holder.items() if key.lower() == name.lower()), None)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise MalformedError("SCIM_VALUE_INVALID", reason=f"{name} is a text")
    return value


def _part(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = next((each for key, each in holder.items() if key.lower() == name.lower()), None)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError("SCIM_VALUE_INVALID", reason=f"{name} is an object")
    return value


def _elements(holder: Mapping[str, Any], name: str, part: str) -> list[str]:
    value = next((each for key, each in holder.items() if key.lower() == name.lower()), None)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > VALUES_MAX or not all(isinstance(each, dict) for each in value):
        raise MalformedError("SCIM_VALUE_INVALID", reason=f"{name} is a list of objects")
    return [text for each in value if (text := _text(each, part)) is not None]


def _active(holder: Mapping[str, Any]) -> bool | None:
    """None where nothing is said of it: that is no wish to let anybody in again."""
    value = next((each for key, each in holder.items() if key.lower() == "active"), None)
    if isinstance(value, str) and value.lower() in {"true", "false"}:  # some clients send booleans as texts
        return value.lower() == "true"
    if value is not None and not isinstance(value, bool):
        raise MalformedError("SCIM_VALUE_INVALID", reason="active is true or false")
    return value


def _name(resource: Mapping[str, Any]) -> str:
    name = _part(resource, "name")
    stated = _text(resource, "displayName") or _text(name, "formatted")
    if stated is None:
        family, given = _text(name, "familyName") or "", _text(name, "givenName") or ""
        stated = f"{family}{given}" if not (family + given).isascii() else f"{given} {family}".strip()
    return stated


def patched(present: dict[str, Any], body: Any, account: Account) -> dict[str, Any]:
    """A resource as a PatchOp makes it. SCIM_VALUE_INVALID, and those of ``apply_patch``."""
    shape = SHAPES[account.kind]
    if account.kind is AccountKind.ORGANISATION:
        return apply_patch(present, body, shape)
    # Without what a person is called now, so that what the patch says of that can be told apart
    unnamed = {**{name: each for name, each in present.items() if name != "displayName"}, "name": {"formatted": None}}
    return _with_name(apply_patch(unnamed, body, shape), account)


def _with_name(resource: dict[str, Any], account: Account) -> dict[str, Any]:
    """With the name that a patch leaves a person: the one before where it says none.

    One name is kept of everybody, not its parts (RFC 7643 4.1.1: either may be stated). Family name and given name together make a new one; of one
    alone nobody can tell what becomes of the rest: SCIM_VALUE_INVALID rather than an answer that says done.
    """
    name = _part(resource, "name")
    if _text(resource, "displayName") or _text(name, "formatted"):
        return resource
    parts = [each for each in ("familyName", "givenName") if _text(name, each)]
    if len(parts) == 1:
        raise MalformedError(
            "SCIM_VALUE_INVALID", reason="familyName and givenName together, or formatted: one name is kept here, not its parts"
        )
    is_untouched = not parts and any(key.lower() == "formatted" for key in name)
    return {**resource, "name": {"formatted": account.name}} if is_untouched else resource


def wanted_of(resource: Any, kind: AccountKind, client_id: str, present: Account | None = None) -> Wanted:
    """What a client wants an account to be. Attributes nobody here knows are passed over (RFC 7644 3.3). SCIM_VALUE_INVALID, SCIM_SYNTAX_INVALID."""
    schemas = resource.get("schemas") if isinstance(resource, dict) else None
    if not isinstance(schemas, list) or SHAPES[kind].core not in schemas:
        raise MalformedError("SCIM_SYNTAX_INVALID", expected=SHAPES[kind].core)
    extension = _part(resource, EXTENSION[kind])
    attributes: dict[str, str | None] = {kept: _text(extension, name) for name, kept in _ATTRIBUTE[kind].items()}
    identifiers: list[Identifier] = []
    members = None
    if kind is AccountKind.PERSON:
        login = _text(resource, "userName")
        if login is None:
            raise MalformedError("SCIM_VALUE_INVALID", reason="userName is required")
        if present is None or login != present.account_id:
            identifiers.append(Identifier(IdentifierKind.LOGIN, login))
        identifiers += [Identifier(IdentifierKind.MAIL, value) for value in _elements(resource, "emails", "value")]
        identifiers += [Identifier(IdentifierKind.MOBILE, value) for value in _elements(resource, "phoneNumbers", "value")]
        attributes["address"] = next(iter(_elements(resource, "addresses", "formatted")), None)
        name, is_active = _name(resource) or login, _active(resource)
    else:
        members = frozenset(_elements(resource, "members", "value"))
        name, is_active = _text(resource, "displayName") or "", _active(extension)
        if not name:
            raise MalformedError("SCIM_VALUE_INVALID", reason="displayName is required")
    return Wanted(
        kind=kind,
        name=name,
        source=scim_source(client_id),
        source_id=_text(resource, "externalId"),
        identifiers=tuple(identifiers),
        number=_number(extension, kind),
        attributes=attributes,
        area=_text(extension, "area") or "",
        is_active=is_active,
        password=_text(resource, "password") if kind is AccountKind.PERSON else None,
        members=members,
    )


def _number(extension: Mapping[str, Any], kind: AccountKind) -> Identifier | None:
    id_type, id_number = _text(extension, "idType"), _text(extension, "idNumber")
    if id_number is None:
        return None
    known = {each.value: each for each in ID_NUMBERS[kind]}
    if id_type not in known:
        raise MalformedError("SCIM_VALUE_INVALID", reason="idType is one of " + ", ".join(sorted(known)))
    return Identifier(known[id_type], id_number)
