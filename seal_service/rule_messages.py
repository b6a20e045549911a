"""What the rules of the fields of a request about seals are called in Chinese (``service_kit.rule_texts``)."""

from __future__ import annotations

from typing import Final

from service_kit.rule_texts import register_rules

_TEXTS: Final = (
    (r"one line, without control and direction characters", "应为一行，不得含控制字符"),
    (r"must not be empty", "不得为空"),
    (r"at most (\d+) characters", "最多 {0} 个字符"),
    (r"lines of at most (\d+) characters", "每行最多 {0} 个字符"),
    (r"1 to (\d+) characters", "应为 1 至 {0} 个字符"),
    (r"at most (\d+) papers", "最多 {0} 份材料"),
    (r"at most (\d+) types", "最多 {0} 种"),
    (r"a whole number", "应为整数"),
    (r"a whole number of 1 to (\d+)", "应为 1 至 {0} 的整数"),
    (r"a number", "应为数字"),
    (r"a number of millimetres", "应为毫米数"),
    (r"(\d+) to (\d+) holders of the power", "该权限的持有人应为 {0} 至 {1} 个"),
    (
        r"1 to 128 letters, digits, dots, underscores, tildes or hyphens; or person: and a subject of visible ASCII",
        "应为应用标识，或“person:”加主体标识",
    ),
    (r"a client id", "应为应用标识"),
)
_ORDERS: Final = (
    (r"a design", "应为印章设计工具保存的设计"),
    (r"in place of a design, for a new seal or a change", "仅用于新刻或变更，且不得同时提交设计"),
    (
        r"what was drawn elsewhere does not change with the name: a new picture or a design",
        "自备的印模图样不随名称改变：请一并提交新的图样或设计",
    ),
    (r"needed for a change, a renewal or an end", "变更、换发、注销须指明印章"),
    (r"not for a new seal", "新刻印章不得填写"),
    (r"1 to (\d+) certificates in PEM", "应为 1 至 {0} 张 PEM 格式的证书"),
    (r"not for a seal that was made elsewhere", "不适用于在他处制作的印章"),
)
_TIMES: Final = (
    (r"after valid_from", "须晚于起始日期"),
    (r"both ends, or none", "起止时间须同时填写，或都不填"),
    (r"00:00 to 24:00", "应在 00:00 至 24:00 之间"),
    (r"two different times", "起止时间不得相同"),
    (r"HH:MM-HH:MM", "应写作 08:30-17:30"),
    (r"\+HH:MM or -HH:MM", "应写作 +08:00"),
    (r"-14:00 to \+14:00", "应在 -14:00 至 +14:00 之间"),
    (r"a time that thirty days come before", "时间过早"),
    (r"before until, by at most (\d+) days", "须早于截止时间，最多相差 {0} 天"),
)
register_rules(*_TEXTS, *_ORDERS, *_TIMES)
