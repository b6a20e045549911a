"""The licence vault's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from licence_vault import credential_messages
from licence_vault.faces import problem_catalogue as faces_catalogue
from licence_vault.log import problem_catalogue as log_catalogue
from service_kit.problem_catalogue import ProblemText, register

ENGINES: Final = (credential_messages, faces_catalogue, log_catalogue)  # importing them enters their codes

_NUMBER: Final = {
    "LICENCE_NUMBER_CHECK": ("The last part is no check character.", "最后一段不是校验位。"),
    "LICENCE_NUMBER_ISSUER": ("The issuer is no credit code of 18 characters.", "颁发机构代码不是 18 位统一社会信用代码。"),
    "LICENCE_NUMBER_LENGTH": ("The number is over 128 characters.", "标识超过 128 位。"),
    "LICENCE_NUMBER_PARTS": ("After the root there are five parts, separated by dots.", "根标识之后应有以点分隔的五段。"),
    "LICENCE_NUMBER_ROOT": ("The number does not begin with 1.2.156.3005.2.", "标识未以 1.2.156.3005.2 开头。"),
    "LICENCE_NUMBER_SERIAL": (
        "The serial is empty, has characters besides 0-9 and A-Z, or is not of the length that is written.",
        "流水号为空、含有 0-9、A-Z 以外的字符，或长度不符。",
    ),
    "LICENCE_NUMBER_TYPE": (
        "The type code is not the credit code of the defining authority and three further characters.",
        "证照类型代码应为定义机构的统一社会信用代码加三位顺序码。",
    ),
    "LICENCE_NUMBER_VERSION": ("The version is not three digits from 001.", "版本号应为从 001 起的三位数字。"),
}

TEXTS: Final = (
    *(
        ProblemText(
            code,
            "Not a licence number",
            "不是电子证照标识",
            cause_en,
            cause_zh,
            "Copy the number from the licence file; `yinxin licence check-number` says what is wrong with it.",
            "请从证照文件中复制；可用 yinxin licence check-number 检查。",
        )
        for code, (cause_en, cause_zh) in _NUMBER.items()
    ),
    ProblemText(
        "LICENCE_DATE",
        "Not a date",
        "日期格式错误",
        "A date has eight digits, year, month and day, of a day that exists.",
        "日期应为八位数字（年月日），且须为存在的日期。",
        "Correct the date; one without an end has the words for long-term, or nothing.",
        "请更正日期；无截止日期时写“长期”。",
    ),
    ProblemText(
        "VALIDITY_RANGE",
        "Not a list of validity ranges",
        "有效期限范围格式错误",
        "Ranges are numbers with the Chinese word for day, month or year, or the words for long-term, each once, joined by ^.",
        "有效期限范围应为带“天、月、年”的数字或“长期”，以 ^ 连接，且不重复。",
        "Write one range after the other, joined by ^.",
        "请按“1年^5年^长期”的形式填写。",
    ),
    ProblemText(
        "LICENCE_DATA_MALFORMED",
        "Licence data not usable",
        "证照数据不可用",
        "The data of the licence breaks the rule named in the facts, or is not in its canonical form.",
        "证照数据违反 facts 所示规则，或不是规范形式。",
        "Take the data from the licence file as it is.",
        "请原样使用证照文件中的数据。",
    ),
    ProblemText(
        "LICENCE_DATA_TOO_LARGE",
        "Licence data too large",
        "证照数据过大",
        "The data of one licence is over the limit.",
        "单个证照的数据超过上限。",
        "Put long material into an attachment of the matter, not into the licence.",
        "请将较长材料作为办件附件，而非证照内容。",
    ),
)

register(*TEXTS)
