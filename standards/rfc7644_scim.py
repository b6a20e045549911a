"""RFC 7644 (SCIM 2.0 protocol): messages, and PATCH operations over resources as JSON values; filters are in ``rfc7644_filter``.

No input or output here, and nothing of what a resource means.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from standards.errors import MalformedError
from standards.rfc7644_filter import (
    FILTER_CHARACTERS_MAX,
    invalid_path,
    is_match,
    member_of,
    read_filter,
    read_path,
    split_path,
    terms_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from standards.rfc7644_filter import Filter, Shape

ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
MEDIA_TYPE: Final = "application/scim+json"
OPERATIONS_MAX: Final = 1000  # of one PATCH
BULK_OPERATIONS_MAX: Final = 200
BULK_ID_CHARACTERS_MAX: Final = 128
BULK_DEPTH_MAX: Final = 32  # of values within values in the data of an operation: a resource has four, a PATCH of one seven
BULK_ID: Final = "bulkId:"  # 3.7.2: stands before the bulkId of another operation where the id of its resource is meant
_TARGET: Final = re.compile(r"([^\[\]]+?)(?:\[(.*)\](?:\.([A-Za-z$][A-Za-z0-9_$-]{0,63}))?)?", re.DOTALL)


def _invalid_value(reason: str) -> MalformedError:
    return MalformedError("SCIM_VALUE_INVALID", reason=reason)


def apply_patch(resource: Mapping[str, Any], body: Any, shape: Shape) -> dict[str, Any]:
    """The resource as the operations of a PatchOp make it; the one given stays as it is.

    SCIM_SYNTAX_INVALID, SCIM_PATH_INVALID, SCIM_FILTER_INVALID, SCIM_VALUE_INVALID, SCIM_TARGET_MISSING (a filter that selects nothing to
    replace). Beyond the RFC, as widespread clients send it: operation names in any case, ``remove`` of listed elements by value, and attributes
    of extensions that nobody here knows, which are passed over as those of a whole resource are (3.3).
    """
    changed = deepcopy(dict(resource))
    schemas = body.get("schemas") if isinstance(body, dict) else None
    if not isinstance(schemas, list) or PATCH_OP not in schemas:
        raise MalformedError("SCIM_SYNTAX_INVALID", expected=PATCH_OP)
    operations = member_of(body, "operations")
    if not isinstance(operations, list) or not 1 <= len(operations) <= OPERATIONS_MAX:
        raise MalformedError("SCIM_SYNTAX_INVALID", expected=f"1 to {OPERATIONS_MAX} Operations")
    for operation in operations:
        if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
            raise MalformedError("SCIM_SYNTAX_INVALID", expected="op")
        verb, path, value = operation["op"].lower(), operation.get("path"), operation.get("value")
        if verb not in {"add", "replace", "remove"}:
            raise MalformedError("SCIM_SYNTAX_INVALID", expected="add, replace or remove")
        if path is None and verb == "remove":
            raise MalformedError("SCIM_TARGET_MISSING")
        if path is not None and (not isinstance(path, str) or len(path) > FILTER_CHARACTERS_MAX):
            raise invalid_path()
        extension = next((each for each in shape.extensions if path is not None and each.lower() == path.lower()), None)
        if extension is not None:  # 3.10: the name of an extension stands for all of it
            _change_extension(changed, verb, extension, value, shape)
        elif path is None:
            _merge(changed, verb, value, shape)
        else:
            _change(changed, verb, path, value, shape)
    return changed


def _merge(resource: dict[str, Any], verb: str, value: Any, shape: Shape) -> None:
    if not isinstance(value, dict):
        raise _invalid_value("without a path the value is an object")
    for name, given in value.items():
        extension = next((each for each in shape.extensions if each.lower() == name.lower()), None)
        if extension is None:
            _change(resource, verb, name, given, shape)
        else:
            _change_extension(resource, verb, extension, given, shape)


def _change_extension(resource: dict[str, Any], verb: str, extension: str, value: Any, shape: Shape) -> None:
    if verb == "remove":
        resource.pop(extension, None)
        return
    if not isinstance(value, dict):
        raise _invalid_value("an extension is an object")
    for name, each in value.items():
        _change(resource, verb, f"{extension}:{name}", each, shape)


def _change(resource: dict[str, Any], verb: str, text: str, value: Any, shape: Shape) -> None:
    match = _TARGET.fullmatch(text)
    if match is None:
        raise invalid_path()
    named = split_path(match[1], shape)
    if named.schema and named.schema not in shape.extensions:
        return
    path = read_path(match[1], shape)
    selection = None if match[2] is None else read_filter(match[2], shape)
    part = match[3] or path.part
    holder = resource.setdefault(path.schema, {}) if path.schema else resource
    key = next((each for each in holder if each.lower() == path.attribute.lower()), shape.written(path.attribute))
    if selection is not None:
        _change_selected(holder, key, verb, selection, part, value)
    elif part:
        _change_part(holder, key, verb, part, value)
    elif verb == "remove":
        _remove(holder, key, value)
    elif key in shape.multiple:
        _change_list(holder, key, verb, value)
    else:
        holder[key] = value


def _elements(holder: dict[str, Any], key: str) -> list[Any]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _change_selected(holder: dict[str, Any], key: str, verb: str, selection: Filter, part: str, value: Any) -> None:
    elements = _elements(holder, key)
    selected = [each for each in elements if isinstance(each, dict) and is_match(each, selection)]
    if verb == "remove" and not part:
        holder[key] = [each for each in elements if each not in selected]
        return
    if not selected and verb == "add":  # a new element that the filter describes
        selected = [{term.path.attribute: term.value for term in terms_of(selection) if term.operator == "eq"}]
        holder[key] = [*elements, *selected]
    if not selected:
        raise MalformedError("SCIM_TARGET_MISSING")
    for each in selected:
        if part:
            _set(each, part, verb, value)
        elif isinstance(value, dict):
            each.update(value)
        else:
            raise _invalid_value("an element is an object")


def _change_part(holder: dict[str, Any], key: str, verb: str, part: str, value: Any) -> None:
    found = holder.setdefault(key, {})
    for each in found if isinstance(found, list) else [found]:
        if not isinstance(each, dict):
            raise invalid_path()
        _set(each, part, verb, value)


def _set(element: dict[str, Any], part: str, verb: str, value: Any) -> None:
    key = next((each for each in element if each.lower() == part.lower()), part)
    if verb == "remove":
        element.pop(key, None)
    else:
        element[key] = value


def _remove(holder: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        holder.pop(key, None)
        return
    unwanted = [each.get("value") if isinstance(each, dict) else each for each in (value if isinstance(value, list) else [value])]
    holder[key] = [each for each in _elements(holder, key) if not isinstance(each, dict) or each.get("value") not in unwanted]


def _change_list(holder: dict[str, Any], key: str, verb: str, value: Any) -> None:
    given = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in given):
        raise _invalid_value("an element is an object")
    if verb == "replace":
        holder[key] = given
        return
    present = {_simple(each.get("value")) for each in _elements(holder, key) if isinstance(each, dict)}
    holder[key] = [*_elements(holder, key), *(each for each in given if _simple(each.get("value")) is None or each["value"] not in present)]


def _simple(value: Any) -> str | float | bool | None:
    """A value by which elements are told apart; None for one that is none (RFC 7643 2.4: it is simple)."""
    return value if isinstance(value, str | int | float) else None


# Bulk (RFC 7644 3.7)


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One of many. ``path``: below the base; ``bulk_id``: the client's name for what a POST makes, empty for others; ``version``: an ETag."""

    method: str
    path: str
    bulk_id: str = ""
    version: str | None = None
    data: Any = None

    @property
    def needs(self) -> frozenset[str]:
        """The bulkIds that path and data refer to."""
        return frozenset(_referred([self.path.rpartition("/")[2], self.data]))

    def resolved(self, ids: Mapping[str, str]) -> BulkOperation:
        """With ids in the place of the references to them."""
        folder, _, last = self.path.rpartition("/")
        return BulkOperation(self.method, f"{folder}/{_replaced(last, ids)}", self.bulk_id, self.version, _replaced(self.data, ids))


def read_bulk(body: Any) -> tuple[list[BulkOperation], int | None]:
    """The operations of a BulkRequest, and after how many errors to stop (None: never). SCIM_SYNTAX_INVALID."""

    def demand(holds: bool, expected: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            raise MalformedError("SCIM_SYNTAX_INVALID", expected=expected)

    schemas = body.get("schemas") if isinstance(body, dict) else None
    demand(isinstance(schemas, list) and BULK_REQUEST in schemas, BULK_REQUEST)
    stop, operations = member_of(body, "failOnErrors"), member_of(body, "Operations")
    demand(stop is None or (type(stop) is int and stop > 0), "failOnErrors of 1 or more")
    demand(isinstance(operations, list) and len(operations) > 0, "Operations")
    read: list[BulkOperation] = []
    for each in operations:
        demand(isinstance(each, dict), "an object for each operation")
        method, path, bulk_id, version = (member_of(each, name) for name in ("method", "path", "bulkId", "version"))
        demand(isinstance(method, str) and method.upper() in {"POST", "PUT", "PATCH", "DELETE"}, "method")
        demand(isinstance(path, str) and len(path) <= FILTER_CHARACTERS_MAX, "path")
        demand(bulk_id is None or (isinstance(bulk_id, str) and 0 < len(bulk_id) <= BULK_ID_CHARACTERS_MAX), "bulkId")
        demand(method.upper() != "POST" or bulk_id is not None, "bulkId of a POST")
        demand(version is None or isinstance(version, str), "version")
        data = member_of(each, "data")
        demand(_is_within(data, BULK_DEPTH_MAX), f"data of at most {BULK_DEPTH_MAX} values within values")
        read.append(BulkOperation(method.upper(), path, bulk_id or "", version, data))
    named = [each.bulk_id for each in read if each.method == "POST"]
    demand(len(set(named)) == len(named), "no bulkId twice")
    return read, stop


def _is_within(value: Any, depth: int) -> bool:
    """Whether a value is nested no deeper than that: before anything is done, since what is told of many operations must not be lost over one."""
    level = [value]
    for _ in range(depth):
        level = [part for each in level for part in _parts(each) if isinstance(part, dict | list)]
    return not level


def _parts(value: Any) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _referred(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value.removeprefix(BULK_ID)} if value.startswith(BULK_ID) else set()
    return {name for part in _parts(value) for name in _referred(part)}


def _replaced(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return ids.get(value.removeprefix(BULK_ID), value) if value.startswith(BULK_ID) else value
    if isinstance(value, dict):
        return {name: _replaced(part, ids) for name, part in value.items()}
    return [_replaced(part, ids) for part in value] if isinstance(value, list) else value
