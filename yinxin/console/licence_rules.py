"""What the rules of licence contents and of row files are called on the console in Chinese: the API names them in English, for programs."""

from __future__ import annotations

import re
from typing import Any, Final

from yinxin.console.api_calls import ApiProblem

_NAMES: Final = {
    "holder_name": "持证主体",
    "holder_code": "持证主体代码",
    "holder_code_type": "持证主体代码类型",
    "valid_from": "有效期起始日期",
    "valid_to": "有效期截止日期",
    "issued_on": "颁发日期",
    "number": "证照编号",
    "name": "证照名称",
    "area_code": "行政区划代码",
    "holders": "持证主体",
    "qr": "二维码",
}
_HOLDER: Final = re.compile(r"holders\[(\d+)\]\.(name|code|code_type)")
_FURTHER_HOLDER: Final = re.compile(r"(holder_(?:name|code|code_type))_(\d+)")
_COLUMN: Final = re.compile(r"column (\d+)")

_RULES: Final = (
    (r"required", "必填"),
    (r"required, 长期 for no end", "必填；无截止日期的填“长期”"),
    (r"not an item of the type", "该类型没有此信息项"),
    (r"not a column of this type", "该类型没有此列"),
    (r"at most (\d+) characters", "最多 {0} 个字符"),
    (r"no blanks around it, no control and direction characters", "前后不得有空格，不得含控制字符"),
    (r"one line, without blanks around it, control and direction characters", "应为一行，前后不得有空格，不得含控制字符"),
    (r"an integer", "应为整数"),
    (r"a number", "应为数字"),
    (r"at least (\S+)", "不小于 {0}"),
    (r"at most (\S+)", "不大于 {0}"),
    (r"YYYY-MM-DD", "日期应写作 2026-01-31"),
    (r"YYYY-MM-DD, YYYYMMDD or 长期", "日期应写作 2026-01-31 或 20260131；无截止日期的填“长期”"),
    (r"one of the choices of the type", "应为该类型所列选项之一"),
    (r"a credit code", "应为有效的统一社会信用代码"),
    (r"a resident identity number", "应为有效的公民身份号码"),
    (r"six digits", "应为六位数字"),
    (r"of the form (.+)", "应符合格式 {0}"),
    (r"a code type of GB/T 36903 Annex A", "应为 GB/T 36903 附录 A 的代码类型"),
    (r"the type is for person holders", "此类证照只颁发给自然人"),
    (r"the type is for organisation holders", "此类证照只颁发给法人和其他组织"),
    (r"each holder once", "持证主体不得重复"),
    (r"licences of this type have an end", "此类证照须有截止日期"),
    (r"licences of this type have no end", "此类证照没有截止日期，应填“长期”"),
    (r"not before valid_from", "不得早于有效期起始日期"),
    (r"within the longest validity range of the type", "超出该类型最长有效期"),
    (r"not shorter than the shortest validity range of the type", "短于该类型最短有效期"),
    (r"not after today", "不得晚于今天"),
    (r"not before (\d{4}-\d\d-\d\d)", "不得早于 {0}"),
    (r"none: the type numbers its licences itself", "该类型自动编号，不得填写"),
    (r"the type leaves it to the issuing authority", "该类型由发证机关编号，必须填写"),
    (r"that of the type: its face shows no other", "应与证照类型名称一致：证面不显示其他名称"),
    (r"fits its place on the face in the smallest letters of the design", "文字过长，证面放不下"),
    (r"the face shows it", "证面须显示此项"),
    (r"characters that a typeface here has", "含有字库中没有的字符"),
)
RULES: Final = tuple((re.compile(english), chinese) for english, chinese in _RULES)


def rule_in(language: str, rule: str | None) -> str:
    """A rule in the reader's language; one that is not known here stays as it is."""
    if rule is None or language != "zh":
        return rule or ""
    for english, chinese in RULES:
        found = english.fullmatch(rule)
        if found is not None:
            return chinese.format(*found.groups())
    return rule


def place_in(language: str, place: str | None) -> str:
    """A place in the reader's language; the keys of a type's own items stay as they are, for so are the columns called."""
    if place is None or language != "zh":
        return place or ""
    holder, further, column = _HOLDER.fullmatch(place), _FURTHER_HOLDER.fullmatch(place), _COLUMN.fullmatch(place)
    if holder is not None:
        number = int(holder[1])
        return _NAMES[f"holder_{holder[2]}"] + (f"（第 {number + 1} 人）" if number else "")
    if further is not None:
        return f"{_NAMES[further[1]]}（第 {further[2]} 人）"
    if column is not None:
        return f"第 {column[1]} 列"
    return _NAMES.get(place, place)


def told_of_form(problem: ApiProblem, language: str, definition: dict[str, Any]) -> ApiProblem:
    """A refusal of what was filled in, with the field and the rule that it breaks, where it names them; items are called as on the form."""
    place, rule = problem.facts.get("place", problem.facts.get("field")), problem.facts.get("rule")
    if problem.violations or not isinstance(place, str) or not isinstance(rule, str):
        return problem
    items = {item["key"]: item["name"] for item in definition["items"]}
    violation = f"{items.get(place) or place_in(language, place)}: {rule_in(language, rule)}"
    return ApiProblem(problem.status, problem.code, problem.title, problem.detail, problem.fix, problem.facts, (violation,))
