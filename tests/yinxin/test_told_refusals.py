"""What the OpenAPI document says an operation may answer, held against what it does answer: of every operation that is served."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.yinxin.test_request_shapes import headers, resolved  # noqa: F401 - a fixture among them

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.deployments import Here

WITHOUT_PLACE = {
    "/v1/signing-keys": "shown in the list alone",
    "/v1/accounts/{account_id}/evidence": "shown with its account",
    "/v1/organisations/{account_id}/evidence": "shown with its organisation",
    "/v1/seals/{seal_id}/batches/{batch_id}/documents": "shown in the report of its batch",
    "/v1/seals/{seal_id}/batches/{batch_id}/archives": "shown in the report of their batch",
    "/v1/licence-credential-offers": "shown once",
    "/v1/licence-use-codes": "shown once",
    "/v1/my/use-consents": "shown once",
    "/v1/my/licence-entrustments": "shown in the list alone",
    "/v1/licences/{licence_id}/copies/{copy_id}/addresses": "the address is used up by reading",
    "/oauth2/par": "a browser takes it there",
}
"""Where a 201 names no place: why there is none to read what was made."""


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of everything that is served."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                yield method.upper(), path, operation


def filled(path: str, operation: Mapping[str, Any]) -> str:
    """The address of something that is not there, in the form that its names have."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            schema = parameter["schema"]
            prefix = re.match(r"\^([a-z]{2}_)", schema.get("pattern", ""))
            value = prefix[1] + "0" * 24 if prefix else schema["enum"][0] if "enum" in schema else "1"
            path = path.replace(f"{{{parameter['name']}}}", value)
    return path


def calls(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Headers and body of several ways to call it wrongly, and one that is as right as its example."""
    names = {each["name"] for each in operation.get("parameters", ())}
    content = operation.get("requestBody", {}).get("content", {})
    versions = ({"if-match": "*"}, {"if-match": '"9"'}, {"if-match": "x"}, {}) if "If-Match" in names else ({},)
    yield {"params": {"nobody-knows-it": "1"}}
    for version in versions:
        if "application/json" in content:
            stated = content["application/json"]["schema"]
            whole = next((each for each in (stated, *stated.get("anyOf", ())) if "$ref" in each), stated)
            example: dict[str, Any] = next(iter(resolved(document, whole).get("examples", ())), {})
            yield {"json": example, "headers": version}
            yield {"json": {}, "headers": version}
            yield {"content": "{", "headers": version | {"content-type": "application/json"}}
        else:
            yield {"headers": version}


@pytest.mark.untraced
def test_every_refusal_stands_in_the_openapi_document(here: Here, headers: dict[str, str]) -> None:  # noqa: F811 - the fixture
    document = here.application.openapi()
    untold, placed, asked = set(), set(), 0
    for method, path, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        address = filled(path, operation)
        for call in calls(document, operation):
            answer = here.http.request(method, address, **{**call, "headers": headers | call.get("headers", {})})
            asked += 1
            if answer.status_code == 201 and path not in WITHOUT_PLACE:
                placed.add(path)
                assert here.http.get(answer.headers["location"], headers=headers).status_code in {200, 404}, "another's may be hidden"
            if str(answer.status_code) not in operation["responses"]:
                untold.add((method, path, answer.status_code, answer.json()["code"]))
    assert asked > 300
    assert {"/v1/clients", "/v1/accounts", "/v1/followed-sources"} <= placed
    assert sorted(untold) == []


@pytest.mark.untraced
def test_whatever_refuses_what_it_is_sent_says_so(here: Here) -> None:
    """By what an operation takes: a body may be no JSON or too large, a version another one, a name of something not there."""
    may_make = {"PUT /v1/licence-issuers/{issuer_code}", "PUT /v1/licence-sharing/{client_id}/{type_code}"}
    for method, path, operation in operations(here.application.openapi()):
        told, names = operation["responses"].keys(), {each["name"]: each["in"] for each in operation.get("parameters", ())}
        if not path.startswith("/v1/"):
            continue
        wanted = {"422"}
        if "requestBody" in operation:
            wanted |= {"413"} | ({"400"} if "application/json" in operation["requestBody"]["content"] else set())
        wanted |= {"412"} if "If-Match" in names else set()
        wanted |= {"409"} if "Idempotency-Key" in names else set()
        if method in {"GET", "PATCH"} and path.endswith("_id}") and f"{method} {path}" not in may_make:
            wanted.add("404")
        assert wanted <= told, (method, path, wanted - told)


@pytest.mark.untraced
def test_what_was_made_is_found(here: Here) -> None:
    """A 201 names where what was made is read (RFC 9110 15.3.2), wherever it can be."""
    document = here.application.openapi()
    made = {path: operation["responses"]["201"] for _, path, operation in operations(document) if "201" in operation["responses"]}
    placed = {path for path, answer in made.items() if "Location" in answer.get("headers", {})}
    assert made.keys() - placed == WITHOUT_PLACE.keys()
    assert {
        "/v1/clients",
        "/v1/seals",
        "/v1/webhooks",
        "/scim/v2/Users",
        "/oauth2/register",
        "/v1/my/licences/{licence_id}/copies",
    } <= placed
