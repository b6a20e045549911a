"""What the rules of licence types, of the designs of their faces and of a region's field map are called in Chinese."""

from __future__ import annotations

from typing import Final

from service_kit.rule_texts import register_rules

_SHARED: Final = (
    (r"an object", "应为对象"),
    (r"lacks (.+)", "缺少成员 {0}"),
    (r"does not know (.+)", "不应有成员 {0}"),
    (r"true or false", "应为 true 或 false"),
    (r"one of (.+)", "应为以下之一：{0}"),
    (r"one or more of (.+)", "应为以下之一或几项：{0}"),
    (r"a list of at most (\d+)", "应为数组，最多 {0} 项"),
    (r"a text of at most (\d+) characters", "应为文本，最多 {0} 个字符"),
    (r"a text of 1 to (\d+) characters", "应为文本，1 至 {0} 个字符"),
    (r"a text of one line, of at most (\d+) characters", "应为一行文本，最多 {0} 个字符"),
    (r"one line, without control and direction characters", "应为一行，不得含控制字符"),
    (r"an integer from (\d+) to (\d+)", "应为 {0} 至 {1} 的整数"),
    (r"a number from (\S+) to (\S+)", "应为 {0} 至 {1} 的数字"),
    (r"at most (\d+) bytes", "最多 {0} 字节"),
    (r"no member twice in an object", "对象中的成员不得重复"),
    (r"each key once", "标识（key）不得重复"),
    (r"([1-9])", "应为 {0}"),
)
_TYPES: Final = (
    (r"a sound credit code of the defining authority and three digits", "应为定义机构的有效统一社会信用代码加三位数字"),
    (r"as the type code begins", "应与类型代码的前 18 位相同"),
    (r"like 1年\^5年\^长期", "应写作 1年^5年^长期 的形式"),
    (r"a letter, then letters, digits and underscores", "应以字母开头，其后为字母、数字或下划线"),
    (r"each once, for a choice and only there", "选项不得重复，且仅用于选择项"),
    (r"for a mask and only there", "仅用于按格式填写的项，且必须填写"),
    (r"at most as great as `most`", "不得大于 most"),
    (r"an integer, for numbers and only there", "应为整数，且仅用于数字项"),
    (r"issuer", "应为 issuer（由颁发机构盖章）"),
    (r"keys of information items", "应为信息项的标识（key）"),
    (r"millimetres from 0 to (\S+)", "应为 0 至 {0} 毫米"),
    (
        r"one \{serial:N\} with N from 1 to 12; \{year\} and \{area\} as wanted",
        "须有且仅有一个 {{serial:N}}，N 为 1 至 12；可另用 {{year}} 和 {{area}}",
    ),
    (r"items of the type", "应为该类型的信息项"),
    (r"a question mark behind an item that need not be there", "非必填的信息项后须加问号"),
    (r"without blanks around it", "前后不得有空格"),
    (r"at least (\d+), so that a value has room", "不得小于 {0}，否则容不下该项的值"),
    (r"numbers of at most (\d+) digits", "数字最多 {0} 位"),
    (r"not 0, which says that the licence is in force", "不得为 0：0 表示证照有效"),
    (r"1: a face has one page", "应为 1：证面只有一页"),
    (r"on the page of the face", "应在证面页面之内"),
)
_FACES: Final = (
    (r"an integer from 1 to (\d+)", "应为 1 至 {0} 的整数"),
    (r"no control characters but the end of a line", "除换行外不得含控制字符"),
    (r"three integers from 0 to 255", "应为三个 0 至 255 的整数"),
    (r"Base64 of up to (\d+) bytes", "应为 Base64，解码后最多 {0} 字节"),
    (r"1 to (\d+) parts", "应有 1 至 {0} 个组成部分"),
    (r"up to (\d+) seals and one code", "最多 {0} 个印章位置和一个二维码"),
    (r"within the page", "应在页面之内"),
    (r"stroked or filled", "须有边框或填充"),
    (r"a width, where a text has several lines or is spread", "多行或分散对齐的文字须有宽度"),
    (r"at most size_mm", "不得大于 size_mm"),
    (r"columns for traditional Mongolian", "传统蒙古文须竖排（columns）"),
)
_FIELD_MAPS: Final = (
    (r"an object of at most (\d+) (?:columns|types)", "应为对象，最多 {0} 项"),
    (r"columns of the form (.+)", "列名应符合格式 {0}"),
    (r"a source, or a constant", "应为来源（source）或固定值（constant）"),
    (r"a column for (.+)", "缺少 {0} 对应的列"),
    (r"codes of licence types, or (.+)", "应为证照类型代码，或 {0}"),
    (r"a code", "应为代码"),
    (r"\[a-z0-9\]\[a-z0-9-\]\{0,39\}", "应为小写字母、数字和连字符，最多 40 个字符，不以连字符开头"),
    (r"the members it has, and no others", "成员应齐全，且不得有其他成员"),
)
register_rules(*_SHARED, *_TYPES, *_FACES, *_FIELD_MAPS)
