"""Licence types over HTTP: two people, one published version, one file in and out; and issuing authorities with those who act for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from licence_vault import limits
from licence_vault.actions.define_type import draft_type, take_type_step
from licence_vault.model import type_step_named
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.deployments import Here, make_deployment, served_here
from tests.licence_vault.served import Office, office
from tests.licence_vault.type_files import AUTHORITY, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

ISSUER = "11430000006122244L"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("types") / "d")) as served:
        yield served


@pytest.fixture(scope="module")
def author(here: Here) -> Office:
    return office(here, "cl_author", "licence.define", "licence.review", "licence.read")


@pytest.fixture(scope="module")
def reviewer(here: Here) -> Office:
    return office(here, "cl_reviewer", "licence.review", "licence.define", "licence.read")


@pytest.fixture(scope="module")
def reader(here: Here) -> Office:
    return office(here, "cl_reader", "licence.read")


@pytest.fixture(scope="module")
def admin(here: Here) -> Office:
    return office(here, "cl_admin", "licence.admin", "licence.read")


def test_an_author_publishes_by_no_other_name(here: Here) -> None:
    context, code, scopes = here.house.context, f"{AUTHORITY}109", frozenset({"licence.define", "licence.review"})
    himself, for_office = Caller("cl_console", "pe_x", scopes), Caller("cl_console", "or_y", scopes, acting="pe_x")
    drafted = draft_type(context, for_office, type_file(code=code))
    assert drafted.authors == ("person:or_y", "person:pe_x")
    submit, publish = type_step_named("submit"), type_step_named("publish")
    take_type_step(context, himself, code, 1, submit, reason="", if_revision=None)
    for one in (himself, for_office, Caller("cl_portal", "pw_1", scopes, known_as="pe_x"), Caller("cl_elsewhere", "pw_1", scopes)):
        with pytest.raises(TrustError, match="SECOND_PERSON_NEEDED"):
            take_type_step(context, one, code, 1, publish, reason="", if_revision=None)
    assert take_type_step(context, Caller("cl_console", "pe_z", scopes), code, 1, publish, reason="", if_revision=None).reviewed_by


def test_a_type_is_written_by_one_and_published_by_another(author: Office, reviewer: Office, reader: Office, here: Here) -> None:
    code = f"{AUTHORITY}101"
    drafted = author.call("POST", "/v1/licence-types", type_file(code=code), status=201)
    path = drafted.headers["location"]
    assert path == f"/v1/licence-types/{code}/versions/1"
    assert author.refusal("POST", "/v1/licence-types", type_file(code=code), status=409)[0] == "LICENCE_TYPE_DRAFT_OPEN"
    assert reader.refusal("GET", path, status=404)[0] == "LICENCE_TYPE_NOT_FOUND"

    # whoever changes a draft is one of its authors, and no author publishes
    changed = reviewer.call("PUT", path, type_file(code=code, name="改名"), status=200, if_match=drafted.headers["etag"])
    assert changed.json()["authors"] == ["cl_author", "cl_reviewer"]
    assert author.refusal("PUT", path, type_file(code=code), status=428)[0] == "PRECONDITION_REQUIRED"
    stale = author.refusal("PUT", path, type_file(code=code), status=412, if_match=drafted.headers["etag"])
    assert stale == ("LICENCE_TYPE_CHANGED", {"type": code, "version": 1, "expected": 1, "found": 2})
    assert author.refusal("PUT", path, type_file(), status=422, if_match="*")[0] == "FIELD_UNACCEPTABLE"
    assert author.refusal("POST", f"{path}/publish", {}, status=409, if_match="*")[0] == "LICENCE_TYPE_STATE_CONFLICT"
    submitted = author.call("POST", f"{path}/submit", {}, status=200, if_match=changed.headers["etag"])
    assert submitted.json()["state"] == "in_review"
    assert author.refusal("PUT", path, type_file(code=code), status=409, if_match="*")[0] == "LICENCE_TYPE_STATE_CONFLICT"
    for person in (author, reviewer):
        assert person.refusal("POST", f"{path}/publish", {}, status=403, if_match="*")[0] == "SECOND_PERSON_NEEDED"
    chief = office(here, "cl_chief", "licence.review", "licence.read")
    read = chief.call("GET", path, status=200).headers["etag"]
    assert chief.refusal("POST", f"{path}/reject", {}, status=422, if_match=read)[0] == "FIELD_UNACCEPTABLE"
    rejected = chief.call("POST", f"{path}/reject", {"reason": "名称有误"}, status=200, if_match=read)
    assert rejected.json()["reason"] == "名称有误"
    submitted = author.call("POST", f"{path}/submit", {}, status=200, if_match=rejected.headers["etag"])

    # nobody publishes what he has not read
    assert chief.refusal("POST", f"{path}/publish", {}, status=428)[0] == "PRECONDITION_REQUIRED"
    assert chief.refusal("POST", f"{path}/publish", {}, status=412, if_match=read)[0] == "LICENCE_TYPE_CHANGED"
    published = chief.call("POST", f"{path}/publish", {}, status=200, if_match=submitted.headers["etag"])
    assert (published.json()["state"], published.json()["reviewed_by"]) == ("published", "cl_chief")

    # everybody reads it now; what is exported is what is imported
    shown = reader.call("GET", path, status=200)
    assert shown.json()["definition"]["name"] == "改名"
    exported = reader.call("GET", f"{path}/file", status=200)
    assert exported.headers["content-disposition"].endswith(f'licence-type-{code}-1.json"')
    second = author.call("POST", "/v1/licence-types", json.loads(exported.content), status=201).json()
    assert (second["version"], second["state"]) == (2, "draft")

    # publishing the next retires the one before, in one moment
    author.call("POST", f"/v1/licence-types/{code}/versions/2/submit", {}, status=200, if_match='"1"')
    chief.call("POST", f"/v1/licence-types/{code}/versions/2/publish", {}, status=200, if_match='"2"')
    assert reader.call("GET", path, status=200).json()["state"] == "retired"
    retired = {each["version"] for each in reader.call("GET", "/v1/licence-types?state=retired", status=200).json()["types"]}
    assert 1 in retired
    chief.call("POST", f"/v1/licence-types/{code}/versions/2/retire", {"reason": "废止"}, status=200, if_match='"3"')

    with here.house.context.database.read() as conn:
        trail = [each.action for each in find_entries(conn, subject=f"licence-type:{code}", limit=50)]
    assert [each.removeprefix("licence-type.") for each in reversed(trail)] == [
        "draft", "change", "submit", "reject", "submit", "publish", "draft", "submit", "retire", "publish", "retire",
    ]  # fmt: skip


def test_drafts_are_listed_for_those_who_write_and_review_only(author: Office, reader: Office) -> None:
    codes = [f"{AUTHORITY}{number}" for number in (201, 202, 203)]
    for code in codes:
        author.call("POST", "/v1/licence-types", type_file(code=code), status=201)
    assert not {each["code"] for each in reader.call("GET", "/v1/licence-types", status=200).json()["types"]} & set(codes)
    found: list[str] = []
    after = f"{AUTHORITY}200-1"
    while after:
        page = author.call("GET", f"/v1/licence-types?state=draft&limit=2&after={after}", status=200).json()
        found += [each["code"] for each in page["types"]]
        after = page["next_after"]
    assert found[:3] == codes


def test_a_malformed_file_is_named_by_its_place(author: Office) -> None:
    code, facts = author.refusal("POST", "/v1/licence-types", type_file("items.0.kind", "blob"), status=400)
    assert (code, facts["place"]) == ("LICENCE_TYPE_MALFORMED", "$.items[0].kind")
    assert (
        author.refusal("POST", f"/v1/licence-types/{AUTHORITY}777/versions/9/submit", {}, status=404, if_match="*")[0]
        == "LICENCE_TYPE_NOT_FOUND"
    )


def test_the_starter_set_can_be_imported(author: Office) -> None:
    starters = author.call("GET", "/v1/licence-type-starters", status=200).json()["types"]
    made = author.call("POST", "/v1/licence-types", starters[0], status=201).json()
    assert made["code"] == starters[0]["code"]


def test_issuing_authorities_and_who_acts_for_them(admin: Office, reader: Office, here: Here) -> None:
    path = f"/v1/licence-issuers/{ISSUER}"
    assert admin.refusal("GET", path, status=404)[0] == "LICENCE_ISSUER_NOT_FOUND"
    body = {"name": "示例市住房和城乡建设局", "area_code": "150100"}
    entered = admin.call("PUT", path, body, status=200)
    assert admin.refusal("PUT", path, body | {"seal_id": "sl_1"}, status=412, if_match='"9"')[0] == "LICENCE_ISSUER_CHANGED"
    assert admin.refusal("PUT", path, body, status=422, if_match="nonsense")[0] == "FIELD_UNACCEPTABLE"
    assert admin.call("PUT", path, body | {"seal_id": "sl_1"}, status=200, if_match=entered.headers["etag"]).json()["seal_id"] == "sl_1"
    assert admin.refusal("PUT", path[:-1] + "X", body, status=400)[0] == "CREDIT_CODE_CHECK"
    assert admin.refusal("PUT", path, body | {"name": "a\u202eb"}, status=422)[0] == "FIELD_UNACCEPTABLE"
    assert admin.refusal("PUT", path, body | {"seal_id": "a\u202eb"}, status=422)[0] == "FIELD_UNACCEPTABLE"

    for _ in range(2):  # once is enough
        admin.call("PUT", f"{path}/members/cl_reader", status=204)
    assert admin.refusal("PUT", f"{path}/members/person:%20", status=422)[0] == "FIELD_UNACCEPTABLE"
    mistyped = admin.refusal("PUT", f"{path}/members/cl_raeder", status=422)  # whoever registers under it would issue licences
    assert mistyped == ("FIELD_UNACCEPTABLE", {"field": "holder", "rule": "a system that is registered"})
    admin.call("PUT", f"{path}/members/person:pe_somebody", status=204)
    admin.call("DELETE", f"{path}/members/person:pe_somebody", status=204)
    assert admin.call("GET", path, status=200).json()["members"] == ["cl_reader"]
    own = reader.call("GET", "/v1/my-licence-issuers", status=200).json()["issuers"]
    assert own == [{"code": ISSUER, **body, "seal_id": "sl_1", "members": None, "can_issue": None, "obstacle": None}]
    second = "11220000013544541J"  # after the first by its code or before it: the pages have both
    admin.call("PUT", f"/v1/licence-issuers/{second}", {"name": "示例局", "area_code": "220000"}, status=200)
    admin.call("PUT", f"/v1/licence-issuers/{second}/members/cl_reader", status=204)
    seen: list[str] = []
    after: str | None = ""
    for _ in range(2):
        page = reader.call("GET", f"/v1/my-licence-issuers?limit=1&after={after}", status=200).json()
        seen += [each["code"] for each in page["issuers"]]
        after = page["next_after"]
    assert (seen, after) == (sorted([ISSUER, second]), None)
    admin.call("DELETE", f"/v1/licence-issuers/{second}/members/cl_reader", status=204)
    for _ in range(2):
        admin.call("DELETE", f"{path}/members/cl_reader", status=204)
    assert reader.call("GET", "/v1/my-licence-issuers", status=200).json()["issuers"] == []
    nobody = f"/v1/licence-issuers/{AUTHORITY}/members/cl_reader"
    for method in ("PUT", "DELETE"):
        assert admin.refusal(method, nobody, status=404)[0] == "LICENCE_ISSUER_NOT_FOUND"
    assert len(admin.call("GET", "/v1/licence-issuers?limit=1", status=200).json()["issuers"]) == 1
    assert ISSUER in {each["code"] for each in admin.call("GET", "/v1/licence-issuers", status=200).json()["issuers"]}

    with here.house.context.database.read() as conn:
        trail = [each.action for each in find_entries(conn, subject=f"licence-issuer:{ISSUER}", limit=50)]
    assert [each.removeprefix("licence-issuer.") for each in reversed(trail)] == [
        "enter",
        "change",
        *["give-membership"] * 2,
        *["take-membership"] * 2,
    ]


def test_as_many_act_for_an_authority_as_may(admin: Office, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cl_one", "cl_two"):
        office(here, name, "licence.issue")
    other = "11220000013544541J"
    admin.call("PUT", f"/v1/licence-issuers/{other}", {"name": "示例局", "area_code": "220000"}, status=200)
    monkeypatch.setattr(limits, "MEMBERS", 1)
    admin.call("PUT", f"/v1/licence-issuers/{other}/members/cl_one", status=204)
    assert admin.refusal("PUT", f"/v1/licence-issuers/{other}/members/cl_two", status=409)[0] == "LICENCE_MEMBERS_TOO_MANY"
