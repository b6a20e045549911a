"""What pages say of an entry that is refused: its name on forms and what to enter, not where a program looks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import seal_service.service  # noqa: F401 - importing it enters its rules
from seal_service.actions.grant_seal import GrantOrder, check_order
from service_kit.problem_catalogue import text_of
from service_kit.problems import problem_of
from service_kit.rule_texts import rule_in
from standards.errors import TrustError
from yinxin.console.api_calls import ApiProblem, problem_in, told_in
from yinxin.console.entry_words import ENTRY_CODES, told_to_enter
from yinxin.console.licence_texts import TEXTS as LICENCE_TEXTS
from yinxin.console.seal_texts import TEXTS as SEAL_TEXTS
from yinxin.console.use_texts import TEXTS as USE_TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable


def shown(problem: ApiProblem, language: str) -> tuple[str, ...]:
    told = told_to_enter(told_in(problem, language), language)
    assert (told.status, told.code, told.facts) == (problem.status, problem.code, problem.facts)
    assert "facts" not in told.title + told.detail + told.fix
    assert "violations" not in told.title + told.detail + told.fix
    return told.violations


def refused(**members: Any) -> ApiProblem:
    return problem_in(httpx.Response(422, json=members, headers={"content-type": "application/problem+json"}))


@pytest.mark.parametrize(
    ("named", "zh", "en"),
    [
        ({"at": "body.reason", "rule": "string_too_short", "expected": "min_length 1"}, "事由：必填", "Reason: needed"),
        ({"at": "body.reason", "rule": "missing"}, "事由：必填", "Reason: needed"),
        ({"at": "body.reason", "rule": "string_too_long", "expected": "max_length 256"}, "事由：最多 256 个字符", "Reason: at most 256 characters"),
        ({"at": "body.uses_max", "rule": "int_parsing"}, "最多次数：应为整数", "At most so often: a whole number"),
        ({"at": "body.picture_width_mm", "rule": "greater_than_equal", "expected": "ge 10"}, "直径（毫米）：不小于 10", "Diameter (mm): at least 10"),
        ({"at": "body.valid_until", "rule": "datetime_from_date_parsing"}, "有效期至：应为日期或时间", "Until: a day or a time"),
        ({"at": "body.holders.0.code", "rule": "string_pattern_mismatch", "expected": "pattern ^a$"}, "代码：格式不正确", "Code: of another form"),
        ({"at": "body.role", "rule": "enum", "expected": "'a' or 'b'"}, "角色：请从所列选项中选择", "Role: one of those that are offered"),
        ({"at": "body.unheard", "rule": "something_new"}, "unheard：something_new", "unheard: something_new"),
    ],
)  # fmt: skip
def test_a_refused_request_names_the_entry_and_what_to_enter(named: dict[str, str], zh: str, en: str) -> None:
    problem = refused(code="REQUEST_INVALID", title="x", detail="see `violations`", remedy="see facts", violations=[named, named])
    assert (shown(problem, "zh"), shown(problem, "en")) == ((zh,), (en,))


def code_of(action: Callable[[], object]) -> TrustError:
    with pytest.raises(TrustError) as told:
        action()
    return told.value


@pytest.mark.parametrize(
    ("change", "zh", "en"),
    [
        ({"uses_max": 0}, "最多次数：应为 1 至 ", "At most so often: a whole number of 1 to "),
        ({"from_minute": 60}, "时段：起止时间须同时填写，或都不填", "Hours: both ends, or none"),
        ({"document_types": ("",)}, "文件类型：每行最多 ", "Document types: lines of at most "),
        ({"document_types": ("x",) * 999}, "文件类型：最多 ", "Document types: at most "),
    ],
)
def test_the_rules_of_seals_are_told_in_both_languages(change: dict[str, Any], zh: str, en: str) -> None:
    error = code_of(lambda: check_order(GrantOrder("cl_a", **change)))
    for language, expected in (("zh", zh), ("en", en)):
        (told,) = shown(refused(**json.loads(problem_of(error, language=language).body)), language)
        assert told.startswith(expected)
    assert rule_in("zh", "1 to 20 holders of the power") == "该权限的持有人应为 1 至 20 个"


def test_what_came_about_on_the_page_itself_is_told_alike() -> None:
    problem = ApiProblem(422, "FIELD_UNACCEPTABLE", "", facts={"field": "x_mm", "rule": "a number"})
    assert (shown(problem, "zh"), shown(problem, "en")) == (("距左（毫米）：应为数字",), ("From left, mm: a number",))
    long = ApiProblem(413, "FIELD_TOO_LONG", "", facts={"field": "reason", "limit_bytes": 9})
    assert (shown(long, "zh"), shown(long, "en")) == (("事由：内容过长",), ("Reason: too long",))
    by_form = ApiProblem(422, "FIELD_UNACCEPTABLE", "x", facts={"field": "valid_to", "rule": "x"}, violations=("有效期截止日期: 必填",))
    assert shown(by_form, "zh") == ("有效期截止日期: 必填",), "as the form of licences calls it"
    unnamed = ApiProblem(422, "FIELD_UNACCEPTABLE", "", facts={})
    assert (shown(unnamed, "zh"), told_to_enter(unnamed, "zh").detail) == ((), "有一项内容不符合要求。")


def test_any_other_problem_stays_as_it_came() -> None:
    problem = ApiProblem(409, "SEAL_POWER_HELD", "title", "detail", "fix", {"held": "use"}, ("a: b",))
    assert told_to_enter(problem, "zh") is problem
    assert all(text_of(each) is not None for each in ENTRY_CODES), "codes that there are"


@pytest.mark.parametrize(
    ("name", "key"),
    {
        "credit_code": "fact_credit_code",
        "type_code": "fact_type",
        "division": "field_division",
        "picture_width_mm": "field_width",
        "width_mm": "design_width",
        "height_mm": "design_height",
        "managers": "field_managers",
        "users": "field_users",
        "auditors": "field_auditors",
        "holder": "holder",
        "uses_max": "grant_max",
        "valid_until": "grant_until",
        "via_client": "grant_via",
        "document_types": "grant_types_label",
        "document_type": "stamp_document_type",
        "x_mm": "stamp_x",
        "y_mm": "stamp_y",
        "valid_to": "lic_valid_to",
    }.items(),
)
def test_a_field_is_called_as_its_form_calls_it(name: str, key: str) -> None:
    problem = refused(code="REQUEST_INVALID", title="x", violations=[{"at": f"body.{name}", "rule": "missing"}])
    zh, en = {**SEAL_TEXTS, **USE_TEXTS, **LICENCE_TEXTS}[key]
    assert (shown(problem, "zh"), shown(problem, "en")) == ((f"{zh}：必填",), (f"{en}: needed",))


def test_of_a_file_that_is_too_large_the_limit_is_told() -> None:
    for limit, zh, en in (
        (50 << 20, "文件不得超过 50 MB。", "A file may have at most 50 MB."),
        (2048, "文件不得超过 2 kB。", "A file may have at most 2 kB."),
    ):
        problem = ApiProblem(413, "FILE_TOO_LARGE", "", facts={"field": "papers", "limit_bytes": limit})
        told = [told_to_enter(told_in(problem, language), language) for language in ("zh", "en")]
        assert [each.detail for each in told] == [zh, en]
        assert not any("facts" in each.detail + each.fix for each in told)
    unknown = ApiProblem(413, "FILE_TOO_LARGE", "too large", "detail")
    assert told_to_enter(unknown, "en") is unknown
