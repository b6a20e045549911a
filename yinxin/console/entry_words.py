"""What a page says of something that was entered and is refused: which field it is, in words like those of the forms, and what to enter. The catalogue's words for these
codes are for who writes programs: they point to members of the answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from service_kit.rule_texts import rule_in
from yinxin.console.api_calls import ApiProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENTRY_CODES: Final = frozenset({"FIELD_UNACCEPTABLE", "REQUEST_INVALID", "FIELD_TOO_LONG", "ROLE_FIELD_INVALID", "CLIENT_FIELD_INVALID"})
FILE_TOO_LARGE: Final = "FILE_TOO_LARGE"
MEGABYTE: Final = 1024 * 1024
_AT_MOST: Final = ("文件不得超过 {0}。", "A file may have at most {0}.")
_TITLE: Final = ("填写的内容须更正", "Something in the form needs correcting")
_FIX: Final = ("请按要求更正后重新提交。", "Correct it and send the form again.")
_UNNAMED: Final = ("有一项内容不符合要求。", "One of the entries is not as it has to be.")
_NO_FORM: Final = frozenset({"body", "query", "path", "header", "order", "placement", "officer"})
"""Where in a request, which a form does not show."""
_LABELS: Final[dict[str, tuple[str, str]]] = {
    "reason": ("事由", "Reason"),
    "purpose": ("用途", "Purpose"),
    "organisation": ("单位名称", "Organisation"),
    "credit_code": ("统一社会信用代码", "Credit code"),
    "name": ("名称", "Name"),
    "name_mongolian": ("蒙古文名称", "Name in Mongolian"),
    "name_romanised": ("名称的罗马字写法", "Romanised name"),
    "type_code": ("类型", "Type"),
    "division": ("行政区划代码", "Division code"),
    "area_code": ("行政区划代码", "Area code"),
    "picture_width_mm": ("直径（毫米）", "Diameter (mm)"),
    "width_mm": ("宽（毫米）", "Width (mm)"),
    "height_mm": ("高（毫米）", "Height (mm)"),
    "design": ("设计", "Design"),
    "picture": ("图样", "Picture"),
    "papers": ("材料", "Papers"),
    "manage power": ("管理权", "Power to manage"),
    "use power": ("使用权", "Power to use"),
    "audit power": ("监督权", "Power to audit"),
    "managers": ("管理人", "Managers"),
    "users": ("用印人", "Users"),
    "auditors": ("监督人", "Auditors"),
    "holder": ("人员或应用", "Person or client"),
    "client_id": ("应用标识", "Client id"),
    "via_client": ("仅限通过应用", "Only through client"),
    "forms": ("文件格式", "Kinds of files"),
    "form": ("文件格式", "Kind of file"),
    "document_types": ("文件类型", "Document types"),
    "document_type": ("文件类型", "Kind of document"),
    "uses_max": ("最多次数", "At most so often"),
    "valid_from": ("起始日期", "From"),
    "valid_to": ("有效期止", "Until"),
    "valid_until": ("有效期至", "Until"),
    "until": ("截止日期", "Until"),
    "since": ("起始日期", "Since"),
    "at": ("判断日期", "Day to judge by"),
    "issued_on": ("颁发日期", "Issued on"),
    "hours": ("时段", "Hours"),
    "certificates": ("证书", "Certificates"),
    "keyword": ("关键字", "Keyword"),
    "x_mm": ("距左（毫米）", "From left, mm"),
    "y_mm": ("距下（毫米）", "From bottom, mm"),
    "page": ("页码", "Page"),
    "pages": ("页码", "Pages"),
    "mode": ("方式", "Way"),
    "modes": ("用证方式", "Ways of use"),
    "number": ("证照编号", "Number"),
    "identifier": ("标识", "Identifier"),
    "holders": ("持证主体", "Holders"),
    "agent": ("受托人的证件号码", "Number of who is entrusted"),
    "code": ("代码", "Code"),
    "made_by": ("使用方", "Made for"),
    "file": ("文件", "File"),
    "archive": ("压缩包", "Archive"),
    "seal_id": ("印章", "Seal"),
    "url": ("推送地址", "Address"),
    "duty": ("职责", "Duty"),
    "role": ("角色", "Role"),
}
_NUMBER: Final = r"-?[0-9]+(?:\.[0-9]+)?"
_SHAPES: Final = (  # what the framework calls a rule, with what it expects behind it
    (re.compile(r"(?:missing|string_type|string_too_short|too_short)(?: .*)?"), ("必填", "needed")),
    (re.compile(r"string_too_long max_length ([0-9]+)"), ("最多 {0} 个字符", "at most {0} characters")),
    (re.compile(r"too_long max_length ([0-9]+)"), ("最多 {0} 项", "at most {0}")),
    (re.compile(r"too_many_bytes"), ("内容过长", "too long")),
    (re.compile(rf"greater_than_equal ge ({_NUMBER})"), ("不小于 {0}", "at least {0}")),
    (re.compile(rf"less_than_equal le ({_NUMBER})"), ("不大于 {0}", "at most {0}")),
    (re.compile(rf"greater_than gt ({_NUMBER})"), ("大于 {0}", "more than {0}")),
    (re.compile(rf"less_than lt ({_NUMBER})"), ("小于 {0}", "less than {0}")),
    (re.compile(r"int_(?:type|parsing|from_float)(?: .*)?"), ("应为整数", "a whole number")),
    (re.compile(r"float_(?:type|parsing)(?: .*)?|finite_number"), ("应为数字", "a number")),
    (re.compile(r"(?:date|datetime|time)_.+"), ("应为日期或时间", "a day or a time")),
    (re.compile(r"(?:enum|literal_error)(?: .*)?"), ("请从所列选项中选择", "one of those that are offered")),
    (re.compile(r"string_pattern_mismatch(?: .*)?"), ("格式不正确", "of another form")),
)


def told_to_enter(problem: ApiProblem, language: str) -> ApiProblem:
    """The refusal of an entry with the fields and what to enter there; any other problem as it came. Its code stays."""
    place = 0 if language == "zh" else 1
    if problem.code == FILE_TOO_LARGE:
        return _of_file(problem, place)
    if problem.code not in ENTRY_CODES:
        return problem
    colon = ("：", ": ")[place]
    told = tuple(dict.fromkeys(f"{_label(at, place)}{colon}{_rule(rule, place)}" for at, rule in _named_in(problem)))
    violations = told or problem.violations
    return ApiProblem(
        problem.status, problem.code, _TITLE[place], "" if violations else _UNNAMED[place], _FIX[place], problem.facts, violations
    )


def _of_file(problem: ApiProblem, place: int) -> ApiProblem:
    """How large a file may be, where the limit is known: the catalogue points to where a program reads it."""
    limit = problem.facts.get("limit_bytes")
    if not isinstance(limit, int):
        return problem
    shown = f"{limit / MEGABYTE:.3g} MB" if limit >= MEGABYTE else f"{limit / 1024:.3g} kB"
    return ApiProblem(problem.status, problem.code, problem.title, _AT_MOST[place].format(shown), problem.fix, problem.facts)


def _named_in(problem: ApiProblem) -> Iterator[tuple[str, str]]:
    """Place and rule of each that is broken; nothing where a page has found words of its own for them already."""
    for each in problem.named:
        yield each.get("at", ""), each.get("told") or " ".join(filter(None, (each.get("rule"), each.get("expected"))))
    if not problem.named and not problem.violations:
        yield from _in_facts(problem.facts)


def _in_facts(facts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    at, rule = facts.get("field", facts.get("place")), facts.get("rule", facts.get("expected"))
    limit = facts.get("limit_bytes")
    if isinstance(at, str):
        yield at, rule if isinstance(rule, str) else "" if limit is None else "too_many_bytes"


def _label(at: str, place: int) -> str:
    """A field in words: ``body.holders.0.code`` by its last name that is known, or as the API has it."""
    parts = [each for each in at.split(".") if each not in _NO_FORM]
    known = at if at in _LABELS else next((each for each in reversed(parts) if each in _LABELS), None)
    return _LABELS[known][place] if known is not None else ".".join(parts) or at


def _rule(rule: str, place: int) -> str:
    for shape, words in _SHAPES:
        found = shape.fullmatch(rule)
        if found is not None:
            return words[place].format(*found.groups())
    return rule_in(("zh", "en")[place], rule) or _UNNAMED[place]
