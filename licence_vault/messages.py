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

_ID: Final = ("Check the identifier; departments see what is theirs.", "请核对标识；各部门只能看到本部门的内容。")
_AGAIN: Final = ("Read it again and decide with what it is now.", "请重新读取后再决定。")
_REFUSALS: Final = (
    ("LICENCE_TYPE_MALFORMED", "Licence type not usable", "证照类型文件不可用", "The file of a licence type breaks the rule named in the facts.", "证照类型文件违反 facts 所示规则。", "Correct the file at the place named; GET /v1/licence-type-starters has examples.", "请按所示位置更正；可参考 GET /v1/licence-type-starters。"),
    ("LICENCE_TYPE_TOO_LARGE", "Licence type too large", "证照类型文件过大", "The file of a licence type is over the limit.", "证照类型文件超过上限。", "Make the pictures of its face smaller.", "请缩小样式中的图片。"),
    ("LICENCE_TYPE_NOT_FOUND", "Licence type not found", "未找到证照类型", "There is no such type or version, or it is a draft of others.", "没有此类型或版本，或为他人草稿。", *_ID),
    ("LICENCE_TYPE_NOT_PUBLISHED", "Licence type not published", "证照类型未发布", "No version of the type is published, so nothing is issued by it.", "该类型没有已发布的版本，不能据以签发。", "Have a version published: somebody else than its author does that.", "请由作者以外的人员审核发布。"),
    ("LICENCE_TYPE_STATE_CONFLICT", "Step not allowed in this state", "当前状态不允许此操作", "The life of a licence type has no such step from its present state.", "证照类型在当前状态下没有这一步。", *_AGAIN),
    ("LICENCE_TYPE_CHANGED", "Licence type changed meanwhile", "证照类型已被更改", "The version is not any more as If-Match says.", "该版本已不是 If-Match 所指的版本。", *_AGAIN),
    ("LICENCE_TYPE_DRAFT_OPEN", "A draft is open", "已有草稿", "A version of this type is being written or reviewed already.", "该类型已有一个版本正在编写或审核。", "Change that one, or have it rejected or published first.", "请修改该版本，或先完成其审核。"),
    ("LICENCE_ISSUER_NOT_FOUND", "Issuing authority not found", "未找到颁发机构", "There is no such issuing authority, or the caller does not act for it.", "没有此颁发机构，或调用方无权代表该机构。", "An administrator enters authorities and who acts for them.", "请由管理员登记颁发机构及其经办应用。"),
    ("LICENCE_ISSUER_CHANGED", "Issuing authority changed meanwhile", "颁发机构信息已被更改", "What is known of the authority is not any more as If-Match says.", "该机构信息已不是 If-Match 所指的版本。", *_AGAIN),
    ("LICENCE_ISSUER_WITHOUT_SEAL", "Authority without a seal", "颁发机构未设置印章", "Nothing can be issued for this authority: it has no seal yet.", "该机构尚未设置印章，不能签发。", "An administrator names its seal with PUT /v1/licence-issuers/{code}.", "请由管理员通过 PUT /v1/licence-issuers/{code} 设置印章。"),
    ("LICENCE_CONTENT_UNACCEPTABLE", "Content against the licence type", "证照内容不符合类型要求", "What is to stand in the licence breaks rules of its type; each is named with its place (`violations`).", "证照内容违反其类型的规则，逐条列出位置和规则（violations）。", "Correct it by the rules of the type (GET /v1/licence-types/...).", "请按证照类型的规则更正。"),
    ("LICENCE_NUMBER_TAKEN", "Printed number taken", "证照编号已被使用", "Another licence of this authority and type has this printed number.", "该机构同类型的另一证照已使用此编号。", "Give another number; to change that licence use its own steps.", "请更换编号；如需变更原证照，请使用变更、延续等操作。"),
    ("LICENCE_SERIES_BEHIND", "Series behind", "编号序列落后", "The next numbers of the series are all in use already; the series has been moved on.", "该序列接下来的编号均已被使用，序列已前移。", "Send the same request again.", "请重新发送相同的请求。"),
    ("LICENCE_NOT_FOUND", "Licence not found", "未找到证照", "There is no such licence, or the caller does not act for its authority.", "没有此证照，或调用方无权代表其颁发机构。", *_ID),
    ("LICENCE_CHANGED", "Licence changed meanwhile", "证照已被更改", "The licence is not any more as If-Match says.", "证照已不是 If-Match 所指的版本。", *_AGAIN),
    ("LICENCE_STATE_CONFLICT", "Step not allowed in this state", "当前状态不允许此操作", "The life of a licence has no such step from its present state.", "证照在当前状态下没有这一步。", *_AGAIN),
    ("LICENCE_SUCCEEDED", "Next version under way", "已有后续版本", "The next version of this licence is being issued, or was issued.", "该证照的下一版本正在签发或已签发。", "Go on with the next version.", "请对后续版本进行操作。"),
    ("LICENCE_TRANSFER_UNFIT", "Not to be taken in", "不能办理转入", "The licence was not transferred out by its authority, is the receiving authority's own, is of another type or of other holders, or was taken in before.", "该证照未由原机构办理转出、本来就由转入机构签发、类型或持证主体不一致，或已办理转入。", "Have it transferred out first, and give the identifier and the holders as they stand in it.", "请先由原机构办理转出，并按原证照填写标识和持证主体。"),
    ("LICENCE_VERSIONS_EXHAUSTED", "No version left", "版本号已用尽", "A licence number has three digits for its versions, and all are used.", "证照标识的三位版本号已用尽。", "Cancel the licence and issue a new one.", "请注销原证照并签发新证照。"),
    ("LICENCE_ERASED", "Content erased", "证照内容已删除", "What this licence said was erased for good; its events remain.", "该证照内容已被永久删除，仅保留事件记录。", "There is nothing to be done.", "无法恢复。"),
    ("LICENCE_FILE_NOT_FOUND", "No such file", "没有此文件", "The licence was not issued in this form, or is not released yet.", "该证照没有此格式的文件，或尚未签发。", "Look at the files of the licence.", "请查看证照的文件列表。"),
    ("LICENCE_SELF_CHECK_FAILED", "Own check failed", "自检未通过", "Our own verifier does not accept the licence that was just sealed, so it was not released.", "刚签章的证照未通过本系统校验，未予签发。", "It is tried again by itself for half an hour and given up then; the operator looks at the trust list, the seal and the reason in the facts.", "系统会在半小时内自动重试，其后放弃；请运维人员检查信任列表、印章及 facts 中的原因。"),
    ("LICENCE_ISSUING_ABANDONED", "Issuing given up", "签发已放弃", "This issuing was given up before; nothing was released.", "该次签发已放弃，未发出任何文件。", "The facts and its history name the cause: mend it and issue anew.", "原因见 facts 及事件记录；请处理后重新签发。"),
    ("LICENCE_LOG_PENDING", "A moment too early", "请稍候", "The public log has not taken in the licence's last event yet.", "公开日志尚未收录该证照的上一事件。", "Try again in a second.", "请一秒后重试。"),
    ("LOG_KEYS_CHANGED", "Keys of the log were changed", "日志密钥已更换", "A key of the public log was withdrawn, or its successor has taken over, since this process was started. It signs no checkpoint with the former one: nobody who has the trust list of today would believe it. What is recorded is durable and waits.", "本进程启动之后，公开日志的密钥已被撤回，或已由后继密钥接替。本进程不再以原密钥签署检查点：持有当前信任列表者不会相信它。已有记录持久保存，等待处理。", "The operator starts the servers again: a log takes its keys up when it is started (docs/reference/licence-log.md). What waited goes on by itself.", "由运维人员重启服务：日志在启动时取用其密钥（见 docs/reference/licence-log.md）。等待的业务随后自动继续。"),
    ("LICENCE_KEY_NOT_ROTATED_HERE", "Not such a key", "不是可更换的密钥", "This is no key of the licence log or of its status lists.", "这不是证照日志或状态列表的密钥。", "Take one of those in the facts.", "请使用 facts 中列出的密钥。"),
    ("LICENCE_KEYS_TOO_MANY", "Too many keys", "密钥过多", "As many keys have followed each other under this name as trust lists have room for.", "该名称下先后使用的密钥已达信任列表可容纳的上限。", "Begin another log or another address of status lists.", "请启用新的日志或新的状态列表地址。"),
    ("LICENCE_SEALER_MISSING", "Nothing that seals", "未接入签章服务", "No seal service is connected to the licence vault.", "证照库未接入签章服务。", "Run the seal service in the same process, or set service_urls.", "请在同一进程运行印章服务，或设置 service_urls。"),
    ("LICENCE_ROW_FILE_UNACCEPTABLE", "File of rows not usable", "批量文件不可用", "The file of a batch cannot be read as what it is said to be; the facts name the rule, the row and, of a workbook, the cell.", "批量文件无法按所述格式读取；facts 给出规则和行号，工作簿还给出单元格。", "Correct the file; a first line names the columns (docs/reference/licences.md).", "请更正文件；首行为列名（见 docs/reference/licences.md）。"),
    ("LICENCE_ROW_TAKEN", "Row has its licence", "该行已有证照", "A licence is being issued for this row already.", "该行的证照已在签发。", "Nothing is to be done.", "无需处理。"),
    ("LICENCE_BATCH_NOT_FOUND", "Batch not found", "未找到批次", "There is no such batch, or the caller does not act for its authority.", "没有此批次，或调用方无权代表其颁发机构。", *_ID),
    ("LICENCE_BATCH_STATE_CONFLICT", "Step not allowed in this state", "当前状态不允许此操作", "The batch takes no such step in its present state; one whose loading was cut off, or that nobody started in 30 days, is cancelled by itself: send the file again.", "批次在当前状态下不能进行此操作；读取中断或 30 天内未开始的批次会自动取消，请重新提交文件。", *_AGAIN),
    ("LICENCE_BATCH_CALLER_DISABLED", "Caller may act no more", "调用方已停用", "Whoever opened the batch was disabled before a licence was issued for this row.", "提交批次的调用方在为该行签发前已被停用。", "Have the caller enabled again, and put the rows that are left into a new batch.", "请恢复该调用方，并将剩余各行放入新批次。"),
    ("LICENCE_BATCHES_TOO_MANY", "Too many batches", "批次过多", "As many batches of this authority wait or run as may.", "该机构未结束的批次已达上限。", "Start, finish or cancel one first.", "请先启动、完成或取消其中一个。"),
    ("LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE", "Archive cannot be used", "压缩包无法使用", "The archive with files of imported licences is no whole ZIP archive, is too large, or cannot be read by everybody alike; the facts name the rule and, where there is one, the entry. Nothing of it was attached.", "导入证照文件的压缩包不是完整的 ZIP、过大，或不同软件读取结果不一致；facts 给出规则及所涉条目。其中文件均未附上。", "Pack the files anew with a common program, or into several archives (docs/reference/licences.md).", "请用常用软件重新打包，或分成多个压缩包（见 docs/reference/licences.md）。"),
    ("LICENCE_IMPORT_FILE_NOT_FOUND", "No file attached", "未附文件", "No file was attached to this imported licence.", "该导入证照未附文件。", "Attach one with `PUT /v1/imported-licences/{id}/file`.", "请先用 `PUT /v1/imported-licences/{id}/file` 附上文件。"),
    ("LICENCE_IMPORT_FILE_UNACCEPTABLE", "File of the archive not attached", "压缩包中的文件未附上", "A file of an archive cannot be attached to an imported licence; the entry of the report names the rule. The other files are not affected.", "压缩包中的某个文件无法附到导入的证照；报告中该条目给出规则。其他文件不受影响。", "Correct the file, and send it in another archive or with `PUT /v1/imported-licences/{id}/file`.", "请更正该文件，再次打包提交，或用 `PUT /v1/imported-licences/{id}/file` 附上。"),
    ("LICENCE_IMPORT_NOT_FOUND", "Imported licence not found", "未找到导入的证照", "There is no such imported licence, or the caller does not act for its authority.", "没有此导入证照，或调用方无权代表其颁发机构。", *_ID),
    ("LICENCE_MEMBERS_TOO_MANY", "Too many act for it", "经办方过多", "As many clients and persons act for this authority as may.", "可代表该机构的应用与人员已达上限。", "Take a membership back that is not needed any more.", "请先收回不再需要的授权。"),
)  # fmt: skip

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
    *(ProblemText(*row) for row in _REFUSALS),
)

register(*TEXTS)
