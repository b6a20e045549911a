"""What a Chinese reader of the console is told of a rule: every rule of licence contents has words of his own."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import licence_vault
from licence_vault.actions import batch_orders, check_given
from licence_vault.faces import draw
from licence_vault.reporting import field_map
from licence_vault.rule_messages import place_in
from licence_vault.type_rules import content_checks
from licence_vault.type_rules.definition import FORMAT
from service_kit.problems import problem_of
from service_kit.rule_texts import register_rules, rule_in
from standards.errors import Kind, TrustError
from yinxin.commands.console import explain
from yinxin.console.api_calls import ApiProblem
from yinxin.console.licence_rules import told_of_form

CHINESE = re.compile("[一-鿿]")
CALLS = {"Violation", "content_unacceptable"}


def written(node: ast.expr) -> str | None:
    """A text of the source, with something in the place of what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else filled(part) for part in node.values)
    return None


def filled(part: ast.expr) -> str:
    text = ast.unparse(part)
    return {"{category.value}": "person", "{NO_END}": "长期", "{FIRST_DAY.isoformat()}": "1949-10-01"}.get(text.strip("f'\""), "7")


def rules_of(module: object) -> set[str]:
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS]
    return {rule for call in calls if len(call.args) > 1 and (rule := written(call.args[1])) is not None}


def test_of_two_texts_that_fit_the_closer_one_is_told() -> None:
    assert rule_in("zh", "one of the choices of the type") == "应为该类型所列选项之一"
    assert rule_in("zh", "one of 1, 2") == "应为以下之一：1, 2"


def test_every_rule_of_contents_is_told_in_chinese() -> None:
    rules = rules_of(content_checks) | rules_of(batch_orders) | rules_of(check_given) | set(draw._FACE_RULES.values())
    rules |= {
        "at most 7 characters",
        "no blanks around it, no control and direction characters",
        "an integer",
        "a number",
        "at least 0.5",
        "at most 9",
    }
    rules |= {
        "YYYY-MM-DD",
        "one of the choices of the type",
        "a credit code",
        "a resident identity number",
        "six digits",
        "of the form AA-99",
    }
    assert len(rules) > 25
    assert {rule for rule in rules if rule_in("zh", rule) == rule or not CHINESE.search(rule_in("zh", rule))} == set()
    assert {rule for rule in rules if rule_in("en", rule) != rule} == set()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("holders[0].code", "持证主体代码"),
        ("holders[1].code_type", "持证主体代码类型（第 2 人）"),
        ("holder_name_3", "持证主体（第 3 人）"),
        ("column 10", "第 10 列"),
        ("valid_to", "有效期截止日期"),
        ("KZ_address", "KZ_address"),
    ],
)
def test_places_are_called_as_the_reader_calls_them(place: str, told: str) -> None:
    assert place_in("zh", place) == told
    assert place_in("en", place) == place


def test_what_is_not_known_stays_as_it_is() -> None:
    assert (rule_in("zh", "something new"), rule_in("zh", None), place_in("zh", None)) == ("something new", "", "")
    assert rule_in("zh", "of the form {0}{x}") == "应符合格式 {0}{x}"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"place": "KZ_address", "rule": "at most 60 characters", "broken": 2}, ("住所: 最多 60 个字符",)),
        ({"place": "holders[1].code", "rule": "a credit code"}, ("持证主体代码（第 2 人）: 应为有效的统一社会信用代码",)),
        ({"field": "valid_to", "rule": "not before valid_from"}, ("有效期截止日期: 不得早于有效期起始日期",)),
        ({"reason": "something else"}, ()),
    ],
)
def test_a_form_says_which_field_is_wrong_and_how(facts: dict[str, object], told: tuple[str, ...]) -> None:
    problem = ApiProblem(422, "LICENCE_CONTENT_UNACCEPTABLE", "证照内容不符合类型要求", facts=facts)
    shown = told_of_form(problem, "zh", {"items": [{"key": "KZ_address", "name": "住所"}]})
    assert (shown.violations, shown.code, shown.title) == (told, problem.code, problem.title)


def test_a_form_says_everything_that_is_wrong() -> None:
    broken = (("KZ_address", "必填"), ("holders[0].code", "应为有效的统一社会信用代码"))
    problem = ApiProblem(422, "X", "x", facts={"place": "KZ_address", "rule": "required", "broken": 2}, broken=broken)
    shown = told_of_form(problem, "zh", {"items": [{"key": "KZ_address", "name": "住所"}]})
    assert shown.violations == ("住所: 必填", "持证主体代码: 应为有效的统一社会信用代码")


FIELD_CALLS = {"field_unacceptable": 1, "row_file_unacceptable": 0, "refused_at": 0, "ValueError": 0}
OF_TOKENS = {"credentials", "log"}


def test_every_rule_of_a_field_and_of_a_file_of_rows_is_told_in_chinese() -> None:
    found = set()
    root = Path(licence_vault.__file__).parent
    for source in root.rglob("*.py"):
        if source.relative_to(root).parts[0] in OF_TOKENS:
            continue
        for call in ast.walk(ast.parse(source.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in FIELD_CALLS:
                if call.func.id == "ValueError" and source.name != "workbooks.py":
                    continue
                place = FIELD_CALLS[call.func.id]
                for rule in call.args[place : place + 1]:
                    texts = [rule.body, rule.orelse] if isinstance(rule, ast.IfExp) else [rule]
                    found |= {text for each in texts if (text := written(each)) is not None}
    assert len(found) > 60
    assert {rule for rule in found if not CHINESE.search(rule_in("zh", rule))} == set()


DEFINITION_CALLS = {"type_malformed", "_bad", "field_map_malformed"}


def test_every_rule_of_types_faces_and_field_maps_is_told_in_chinese() -> None:
    found = set()
    for source in Path(licence_vault.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(source.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in DEFINITION_CALLS and len(call.args) == 2:
                place, rule = call.args
                assert not isinstance(place, ast.Starred)
                texts = [rule.body, rule.orelse] if isinstance(rule, ast.IfExp) else [rule]
                found |= {_as_told(each) for each in texts}
    assert len(found) > 50
    assert {rule for rule in found if not CHINESE.search(rule_in("zh", rule))} == set()
    assert {rule for rule in found if rule_in("en", rule) != rule} == set()


def _as_told(rule: ast.expr) -> str:
    """As ``written``; of a joined list its beginning, and of a name of this house what it stands for."""
    if isinstance(rule, ast.BinOp):
        return f"{written(rule.left)}a, b"
    text = written(rule)
    if text is not None:
        return text
    known = {"str(FORMAT)": str(FORMAT), "_NAME.pattern": field_map._NAME.pattern}
    return known[ast.unparse(rule)]


def test_a_command_tells_a_broken_rule_in_the_language_of_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = TrustError(Kind.MALFORMED, "LICENCE_FIELD_MAP_MALFORMED", place="$.dates", rule="one of a, b")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "\n  $.dates: 应为以下之一：a, b\n" in explain(refused)
    monkeypatch.setenv("LC_ALL", "C")
    assert explain(refused).count("one of a, b") == 1


def body_of(error: TrustError, language: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(problem_of(error, language=language).body)
    return body


def test_a_refusal_says_its_rule_in_the_language_of_who_asks() -> None:
    """``facts`` stay as they are, for programs."""
    error = TrustError(Kind.UNACCEPTABLE, "LICENCE_CONTENT_UNACCEPTABLE", place="KZ_address", rule="at most 60 characters", broken=2)
    rule = {"at": "KZ_address", "rule": "at most 60 characters"}
    chinese, english = body_of(error, "zh"), body_of(error, "en")
    assert chinese["violations"] == [rule | {"told": "最多 60 个字符"}]
    assert english["violations"] == [rule | {"told": "at most 60 characters"}]
    assert chinese["facts"] == english["facts"] == error.facts


@pytest.mark.parametrize("facts", [{}, {"rule": 7}, {"rule": "a rule of somebody else"}])
def test_of_a_rule_without_words_nothing_is_told_twice(facts: dict[str, Any]) -> None:
    assert "violations" not in body_of(TrustError(Kind.UNACCEPTABLE, "LICENCE_CONTENT_UNACCEPTABLE", **facts), "zh")


def test_a_rule_has_one_text() -> None:
    register_rules(("required", "必填"))
    with pytest.raises(ValueError, match="already registered"):
        register_rules(("required", "要填"))
