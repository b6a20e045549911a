"""Bodies of requests, asked at every operation that is served: a member is of the JSON type that it is documented with, or refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute

import idp.service
from idp.actions.register_client import NewClient, register_client
from yinxin.links import known_scopes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from tests.deployments import Here

SAMPLES: tuple[tuple[str, Any], ...] = (
    ("string", "1"),
    ("string", "true"),
    ("string", "1700000000"),
    ("integer", 1),
    ("integer", 1700000000),
    ("number", 1.0),
    ("number", 20.5),
    ("boolean", True),
    ("array", ["1"]),
    ("object", {"1": "1"}),
    ("null", None),
)
NO_TIMES = (
    "1700000000",
    "1700000000.5",
    "2030-12-31",
    "2030-12-31 00:00:00Z",
    "2030-W01-1T00:00:00Z",
    "20301231T000000Z",
    "P1D",
    "2030-12-31T24:00:00Z",
    "",
)
NO_DAYS = ("1700000000", "2030-12-31T00:00:00Z", "2030-12-31T00:00:00", "20301231", "2030-W01-1")


@pytest.fixture
def headers(here: Here) -> dict[str, str]:
    """Of a client that may ask everything."""
    desk = idp.service.client_desk(here.house.context)
    _, secret = register_client(desk, NewClient("all", tuple(known_scopes()), client_id="cl_all"), actor="operator:test")
    token = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("cl_all", secret)).json()
    return {"authorization": "Bearer " + token["access_token"]}


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types a member is documented with; empty: any."""
    if "anyOf" in schema:
        return set().union(*(types_of(each) for each in schema["anyOf"]))
    return {"object"} if "$ref" in schema else {schema["type"]} if "type" in schema else set()


def resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference names."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def members(document: Mapping[str, Any], schema: Mapping[str, Any], example: Any) -> Iterator[tuple[Any, str, str, Mapping[str, Any]]]:
    """Bodies with one place for a value, ``PLACE``; the name of the top member they are in; the name of the place; its schema."""
    for name, inner in resolved(document, schema).get("properties", {}).items():
        whole = dict(example) if isinstance(example, dict) else {}
        is_choice = "enum" in resolved(document, inner)
        yield whole | {name: PLACE}, name, name, {"type": "string"} if is_choice and "$ref" in inner else inner
        for each in (inner, *inner.get("anyOf", ())):
            further = each.get("items", each)
            if is_choice or "$ref" not in further or "enum" in resolved(document, further):
                continue
            for body, _, place, deeper in members(document, further, {}):
                yield whole | {name: [body] if "items" in each else body}, name, place, deeper


PLACE = object()


def filled(body: Any, value: Any) -> Any:
    """The body with the value in its place."""
    if body is PLACE:
        return value
    if isinstance(body, dict):
        return {name: filled(inner, value) for name, inner in body.items()}
    return [filled(inner, value) for inner in body] if isinstance(body, list) else body


def bodies(document: Mapping[str, Any], served: Collection[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every operation with a JSON body that the framework reads, and the schema of that."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            if "application/json" in content and path in served:
                yield method.upper(), re.sub(r"\{[^}]*\}", "1", path), content["application/json"]["schema"]


@pytest.mark.untraced
def test_a_member_of_another_type_than_documented_is_refused_everywhere(here: Here, headers: dict[str, str]) -> None:
    document = here.application.openapi()
    served = {route.path for route in here.application.routes if isinstance(route, APIRoute) and route.body_field is not None}
    assert "/v1/seals/{seal_id}/grants" in served
    assert "/v1/seals/{seal_id}/digest-signatures" not in served, "reads by hand, tested by itself"
    asked: set[tuple[str, str]] = set()
    for method, path, schema in bodies(document, served):
        whole = next((each for each in (schema, *schema.get("anyOf", ())) if "$ref" in each), schema)
        example: Mapping[str, Any] = next(iter(resolved(document, whole).get("examples", ())), {})
        for body, member, place, documented in members(document, whole, example):
            types = types_of(documented)
            wrong = [value for kind, value in SAMPLES if types and kind not in types and not (kind == "integer" and "number" in types)]
            formats = {each.get("format") for each in (documented, *documented.get("anyOf", ()))}
            wrong += [*(NO_TIMES if "date-time" in formats else ()), *(NO_DAYS if "date" in formats else ())]
            for value in wrong:
                answer = here.http.request(method, path, json=filled(body, value), headers=headers)
                told = answer.json()
                where = (method, path, member, place, value, told)
                assert (answer.status_code, told["code"]) == (422, "REQUEST_INVALID"), where
                assert any(each["at"].startswith(f"body.{member}") for each in told["violations"]), where
                asked.add((path, place))
    assert {("/v1/seals/1/grants", "valid_until"), ("/v1/accounts", "verified_at"), ("/v1/licences", "valid_from")} <= asked
    assert {("/v1/seals/1/batches", "certify"), ("/v1/accounts", "needs_two_factors")} <= asked
    assert len(asked) > 150


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("/v1/supervision/summary?since=", {"FIELD_UNACCEPTABLE", "REQUEST_INVALID"}),
        ("/v1/audit/entries?since=", {"REQUEST_INVALID"}),
    ],
)
def test_a_time_in_the_address_is_written_as_one(here: Here, headers: dict[str, str], path: str, answers: set[str]) -> None:
    for text in (*NO_TIMES, "2026-01-01T00:00:00", "0001-01-01T00:00:00%2B14:00", "2026-02-30T00:00:00Z"):
        if text:
            answer = here.http.get(path + text, headers=headers)
            assert (answer.status_code, answer.json()["code"] in answers) == (422, True), text
    for text in ("2026-01-01T08:00:00%2B08:00", "2026-01-01t00:00:00.123z", "2026-01-01T00:00:00-00:00"):
        assert here.http.get(path + text, headers=headers).status_code == 200, text


@pytest.mark.untraced
def test_a_member_that_stands_twice_and_what_is_no_json_is_refused_everywhere(here: Here, headers: dict[str, str]) -> None:
    document = here.application.openapi()
    served = {route.path for route in here.application.routes if isinstance(route, APIRoute) and route.body_field is not None}
    asked = [(method, path) for method, path, _ in bodies(document, served)]
    assert len(asked) > 30
    sent = headers | {"content-type": "application/json"}
    for method, path in asked:
        for text in ('{"reason":"a","x":1,"reason":"b"}', '{"x":[{"y":{"reason":1,"reason":1}}]}', r'{"reason":1,"r\u0065ason":1}'):
            answer = here.http.request(method, path, content=text, headers=sent)
            told = answer.json()
            assert (answer.status_code, told["code"], told["facts"]) == (422, "MEMBER_REPEATED", {"member": "reason"}), (method, path)
        for wrong in (
            b"{",
            b'{"reason":NaN}',
            b'{"reason":1e999}',
            b'{"reason":"\\ud800"}',
            b'{"reason":1',
            b"[" * 65,
            b"\xff",
            "{}".encode("utf-16"),
        ):
            answer = here.http.request(method, path, content=wrong, headers=sent)
            assert (answer.status_code, answer.json()["code"]) == (400, "REQUEST_MALFORMED"), (method, path, wrong[:20])
            assert [each["rule"] for each in answer.json()["violations"]] == ["json_invalid"], (method, path, wrong[:20])
        for kind in ({"content-type": "application/x-www-form-urlencoded"}, {"content-type": "text/json"}, {}):
            answer = here.http.request(method, path, content='{"reason":"a"}', headers=headers | kind)
            told = answer.json()
            assert (answer.status_code, told["code"]) == (422, "MEDIA_TYPE_UNSUPPORTED"), (method, path, kind)
            assert told["facts"] == {"found": kind.get("content-type", ""), "expected": "application/json"}
    # In their own media types, and without any body, they are read as before
    for media_type in ("application/merge-patch+json", "Application/JSON; charset=utf-8"):
        assert (
            here.http.request(*asked[0], content="{}", headers=headers | {"content-type": media_type}).json()["code"] == "REQUEST_INVALID"
        )
    assert here.http.request(*asked[0], headers=headers).json()["violations"] == [{"at": "body", "rule": "missing"}]
    chinese = here.http.request(*asked[0], content='{"x":1,"x":1}', headers=sent | {"accept-language": "zh-CN"}).json()
    assert chinese["title"] == "成员重复"


def test_a_member_that_stands_twice_in_the_field_of_a_form_is_refused(here: Here, headers: dict[str, str]) -> None:
    path, form = "/v1/seals/sl_000000000000000000000000/signatures", {"placement": '{"page":1,"page":2,"x_mm":1,"y_mm":1}'}
    answer = here.http.post(path, files={"document": ("a.pdf", b"%PDF-1.7")}, data=form, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == (422, "MEMBER_REPEATED", {"member": "page"})
    for wrong in ("{", '{"page":NaN}', "[" * 10_000):
        answer = here.http.post(path, files={"document": ("a.pdf", b"%PDF-1.7")}, data={"placement": wrong}, headers=headers)
        assert (answer.status_code, answer.json()["facts"]) == (422, {"field": "placement", "rule": "json_invalid"})


def test_a_time_in_a_form_is_written_as_one(here: Here) -> None:
    for text in (*NO_TIMES, "2026-01-01T00:00:00"):
        if text:
            answer = here.http.post("/v1/verifications", files={"document": ("a.txt", b"text")}, data={"at": text})
            assert (answer.status_code, answer.json()["facts"]["field"]) == (422, "at"), text
