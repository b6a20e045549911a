"""RFC 7644 (SCIM 2.0 protocol): filters, attribute paths and PATCH operations over resources as JSON values.

Filters: terms of ``eq``, ``sw`` and ``pr`` joined by ``and`` (RFC 7644 3.4.2.2); the other operators are refused, not guessed. Names of
attributes and operators are compared without case (RFC 7643 2.1). No input or output here, and nothing of what a resource means.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from standards.errors import MalformedError
from standards.rfc7493_i_json import demand_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
MEDIA_TYPE: Final = "application/scim+json"
FILTER_CHARACTERS_MAX: Final = 2000
TERMS_MAX: Final = 10
OPERATIONS_MAX: Final = 1000  # of one PATCH
_CASE_EXACT: Final = frozenset({"id", "externalid", "members"})
_PATH: Final = re.compile(r"(?:(urn:[A-Za-z0-9:._-]+):)?([A-Za-z$][A-Za-z0-9_$-]{0,63})(?:\.([A-Za-z$][A-Za-z0-9_$-]{0,63}))?")
_TOKEN: Final = re.compile(r'\s*("(?:[^"\\\x00-\x1f]|\\.)*"|[^\s"()\[\]]+|[()\[\]])')
_TARGET: Final = re.compile(r"([^\[\]]+?)(?:\[(.*)\](?:\.([A-Za-z$][A-Za-z0-9_$-]{0,63}))?)?", re.DOTALL)
_LITERALS: Final = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute: of the extension ``schema`` (empty: of the resource itself), and a part of it. As written: compared without case."""

    schema: str
    attribute: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison. ``operator``: eq, sw or pr."""

    path: Path
    operator: str
    value: str | bool | float | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a resource consists of. ``names``: its attributes as they are written; ``multiple``: those that are lists; ``core``: its schema."""

    core: str
    names: tuple[str, ...]
    multiple: frozenset[str] = frozenset()
    extensions: tuple[str, ...] = ()

    def written(self, attribute: str) -> str:
        """The attribute as it is written; one nobody knows stays as it came."""
        return next((each for each in self.names if each.lower() == attribute.lower()), attribute)


def _invalid_filter() -> MalformedError:
    return MalformedError("SCIM_FILTER_INVALID")


def _invalid_path() -> MalformedError:
    return MalformedError("SCIM_PATH_INVALID")


def _invalid_value(reason: str) -> MalformedError:
    return MalformedError("SCIM_VALUE_INVALID", reason=reason)


def read_path(text: str, shape: Shape) -> Path:
    """An attribute path. SCIM_PATH_INVALID."""
    match = _PATH.fullmatch(text)
    if match is None:
        raise _invalid_path()
    schema, attribute, part = match[1] or "", match[2], match[3] or ""
    if schema.lower() == shape.core.lower():
        schema = ""
    if schema:
        known = next((each for each in shape.extensions if each.lower() == schema.lower()), None)
        if known is None:
            raise _invalid_path()
        schema = known
    return Path(schema, attribute, part)


def read_filter(text: str, shape: Shape) -> tuple[Term, ...]:
    """The terms that must all hold. SCIM_FILTER_INVALID, also for operators beyond the subset; SCIM_PATH_INVALID."""
    if len(text) > FILTER_CHARACTERS_MAX:
        raise _invalid_filter()
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise _invalid_filter()
        tokens.append(match[1])
        position = match.end()
    terms: list[Term] = []
    while True:
        if len(tokens) < 2 or len(terms) == TERMS_MAX or tokens[0] in set("()[]"):
            raise _invalid_filter()
        path, operator = read_path(tokens[0], shape), tokens[1].lower()
        if operator == "pr":
            terms.append(Term(path, operator))
            tokens = tokens[2:]
        elif operator in {"eq", "sw"} and len(tokens) > 2:
            terms.append(Term(path, operator, _literal(tokens[2], operator)))
            tokens = tokens[3:]
        else:
            raise _invalid_filter()
        if not tokens:
            return tuple(terms)
        if tokens[0].lower() != "and":
            raise _invalid_filter()
        tokens = tokens[1:]


def _literal(token: str, operator: str) -> str | bool | float | None:
    if token in _LITERALS and operator == "eq":
        return _LITERALS[token]
    try:
        value = json.loads(token)
        demand_text(value)
    except ValueError:
        raise _invalid_filter() from None
    if not isinstance(value, str) and not (operator == "eq" and isinstance(value, int | float)):
        raise _invalid_filter()
    return value


def is_match(resource: Mapping[str, Any], terms: Sequence[Term]) -> bool:
    """Whether all terms hold for the resource (or for one element of a list of it)."""
    return all(_holds(resource, term) for term in terms)


def _holds(resource: Mapping[str, Any], term: Term) -> bool:
    values = _values(resource, term.path)
    if term.operator == "pr":
        return any(value not in (None, "", [], {}) for value in values)
    if term.operator == "eq" and not isinstance(term.value, str):
        return any(value is term.value or (not isinstance(value, bool) and value == term.value) for value in values)
    wanted = str(term.value)
    texts = [value for value in values if isinstance(value, str)]
    if term.path.attribute.lower() not in _CASE_EXACT:
        wanted, texts = wanted.casefold(), [text.casefold() for text in texts]
    return any(text.startswith(wanted) if term.operator == "sw" else text == wanted for text in texts)


def _get(holder: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in holder.items() if key.lower() == name.lower()), None)


def _values(resource: Mapping[str, Any], path: Path) -> list[Any]:
    holder = resource.get(path.schema) if path.schema else resource
    found = _get(holder, path.attribute) if isinstance(holder, dict) else None
    elements = found if isinstance(found, list) else [found]
    if path.part or isinstance(found, list):
        return [_get(each, path.part or "value") if isinstance(each, dict) else each for each in elements if each is not None]
    return [each for each in elements if each is not None]


# PATCH (RFC 7644 3.5.2)


def apply_patch(resource: Mapping[str, Any], body: Any, shape: Shape) -> dict[str, Any]:
    """The resource as the operations of a PatchOp make it; the one given stays as it is.

    SCIM_SYNTAX_INVALID, SCIM_PATH_INVALID, SCIM_FILTER_INVALID, SCIM_VALUE_INVALID, SCIM_TARGET_MISSING (a filter that selects nothing to
    replace). Beyond the RFC, as widespread clients send it: operation names in any case, and ``remove`` of listed elements by value.
    """
    changed = deepcopy(dict(resource))
    schemas = body.get("schemas") if isinstance(body, dict) else None
    if not isinstance(schemas, list) or PATCH_OP not in schemas:
        raise MalformedError("SCIM_SYNTAX_INVALID", expected=PATCH_OP)
    operations = _get(body, "operations")
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
            raise _invalid_path()
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
        raise _invalid_path()
    path = read_path(match[1], shape)
    terms = None if match[2] is None else read_filter(match[2], shape)
    part = match[3] or path.part
    holder = resource.setdefault(path.schema, {}) if path.schema else resource
    key = next((each for each in holder if each.lower() == path.attribute.lower()), shape.written(path.attribute))
    if terms is not None:
        _change_selected(holder, key, verb, terms, part, value)
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


def _change_selected(holder: dict[str, Any], key: str, verb: str, terms: Sequence[Term], part: str, value: Any) -> None:
    elements = _elements(holder, key)
    selected = [each for each in elements if isinstance(each, dict) and is_match(each, terms)]
    if verb == "remove" and not part:
        holder[key] = [each for each in elements if each not in selected]
        return
    if not selected and verb == "add":  # a new element that the filter describes
        selected = [{term.path.attribute: term.value for term in terms if term.operator == "eq"}]
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
            raise _invalid_path()
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
    present = {each.get("value") for each in _elements(holder, key) if isinstance(each, dict)}
    holder[key] = [*_elements(holder, key), *(each for each in given if each.get("value") is None or each["value"] not in present)]
