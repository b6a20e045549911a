"""Entries in the error catalogue on using licences of others: permission, use codes, the share interface, what a holder sees."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_SHARING: Final = (
    "Ask the licence administrator for a permission (PUT /v1/licence-sharing/...).",
    "请联系证照管理员授予共享权限（PUT /v1/licence-sharing/...）。",
)
_NEW_CODE: Final = ("Have a new use code granted for this system and purpose.", "请为本系统与用途重新取得用证码。")
_SHAPE: Final = ("Send it as docs/reference/licence-sharing.md shows.", "请按 docs/reference/licence-sharing.md 的格式发送。")
_ROWS: Final = (
    ("LICENCE_SHARING_NOT_FOUND", "No such permission", "没有此共享权限", "The system has no permission for licences of this type.", "该系统没有此证照类型的共享权限。", *_SHARING),
    ("LICENCE_SHARING_CHANGED", "Permission changed meanwhile", "共享权限已被更改", "The permission is not any more as If-Match says.", "共享权限已不是 If-Match 所指的版本。", "Read it again and decide with what it is now.", "请重新读取后再决定。"),
    ("LICENCE_SHARING_DENIED", "Not shared with this system", "未授权共享", "The system may not do this with licences of the type, or a person stands behind a call that a system has to make itself.", "该系统无权对此类型证照进行此操作，或本应由系统发起的调用以个人身份发起。", *_SHARING),
    ("LICENCE_RIGHT_OF_ONE_SELF", "Not for oneself", "不得为本人办理", "Nobody lets himself act for an issuing authority or use licences of others: neither the system or person that asks for it, nor the system a person comes by, nor an organisation he may act for.", "任何人不得为本人授予代表发证机关或使用他人证照的权限：发起请求的系统或个人、个人所使用的系统、个人可代表的组织均不例外。", "Let another registrar do it, by another system; the console is one.", "请由其他登记人员通过其他系统办理，例如控制台。"),
    ("USE_CODE_UNKNOWN", "Use code unknown", "用证码无效", "There is no such use code, or it was given for another system.", "没有此用证码，或该码授予其他系统。", *_NEW_CODE),
    # In the holder's access log alone; the caller is told USE_CODE_UNKNOWN
    ("USE_CODE_STOLEN", "Use code of another system", "用证码属于其他系统", "A system tried a use code that was given for another; nothing was given.", "有系统使用了授予其他系统的用证码，未提供任何内容。", "Ask the system that it was given for how it came into other hands.", "请向该码所属系统查问用证码为何外泄。"),
    ("USE_CODE_USED", "Use code used", "用证码已使用", "A use code counts once, and this one was used.", "用证码只能使用一次，此码已使用。", *_NEW_CODE),
    ("USE_CODE_EXPIRED", "Use code expired", "用证码已过期", "A use code counts ten minutes, and this one is older.", "用证码十分钟内有效，此码已过期。", *_NEW_CODE),
    ("USE_CODE_PURPOSE_DIFFERS", "Another purpose", "用途不符", "The use code was given for another purpose than the one named.", "用证码的授权用途与所述用途不符。", "Send the purpose exactly as it was consented to.", "请原样提交授权时的用途。"),
    ("USE_CODE_WITHDRAWN", "Use code withdrawn", "用证码授权已撤回", "The entrustment, or the power over an organisation's licences, by which the code was granted has ended; or the sign-in of whoever granted it by such a power has.", "授予该用证码所依据的委托或组织证照使用权限已终止，或凭该权限授予者的登录已结束。", *_NEW_CODE),
    ("LICENCE_NOT_IN_FORCE", "Licence not in force", "证照不在有效状态", "The licence is suspended, ended, over or not valid yet; the facts name the state.", "证照已暂扣、终止、过期或尚未生效；facts 给出状态。", "Ask the holder for a licence in force, or see the state's cause at its issuing authority.", "请出示有效证照，或向颁发机构了解状态原因。"),
    ("LICENCE_HOLDER_UNKNOWN", "Holder not known", "持证主体身份未核实", "Nobody is signed in whose number is verified at the level the facts name, or who acts for an organisation with the power over its licences (`licence`).", "当前登录者的证件号码未达到 facts 所示核验等级，也无权（licence）代表组织使用证照。", "Sign in with a verified account, or have the power granted by the organisation.", "请使用已实名核验的账户登录，或由组织授予证照使用权限。"),
    ("LICENCE_OF_HOLDER_NOT_FOUND", "No such licence of the holder", "该主体没有此类有效证照", "The holder has no licence of this type that is in force.", "该持证主体没有此类型的有效证照。", "Check code, code type and licence type.", "请核对主体代码、代码类型与证照类型。"),
    ("LICENCE_ENTRUSTMENT_NOT_FOUND", "Entrustment not found", "未找到委托", "There is no such entrustment, or it is somebody else's.", "没有此委托，或属于他人。", "Check the identifier.", "请核对标识。"),
    ("LICENCE_ENTRUSTMENT_STANDS", "Entrusted already", "已委托", "The same holder entrusts the same person with licences of this type already, for as long or longer; the facts name the entrustment and its end.", "该主体已就此类证照委托同一人，且期限不短于此次；facts 给出委托编号与截止时间。", "Name a later time to lengthen it; end it first to shorten it.", "如需延长请填写更晚的时间；如需缩短请先终止原委托。"),
    ("LICENCE_ENTRUSTMENTS_TOO_MANY", "Too many entrustments", "委托过多", "As many entrustments of this holder stand as may.", "该主体未终止的委托已达上限。", "End one that is not needed any more.", "请先终止不再需要的委托。"),
    ("SHARE_MEMBER_MISSING", "Member missing", "缺少必填项", "A member of the request that must be there is missing or empty; the facts name it.", "请求缺少必填项或其为空；facts 给出名称。", *_SHAPE),
    ("SHARE_REQUEST_MALFORMED", "Request not usable", "请求格式错误", "The request is not as the share interface takes it; the facts name member and rule.", "请求不符合共享接口格式；facts 给出项与规则。", *_SHAPE),
    ("SHARE_HOLDER_TYPE_UNKNOWN", "Unknown holder code type", "持证主体代码类型错误", "The holder's code type is none of GB/T 36903 Annex A.", "持证主体代码类型不在 GB/T 36903 附录 A 中。", *_SHAPE),
    ("SHARE_NO_MATCH", "Nothing found", "未查询到证照", "Nothing answers to what was asked.", "没有符合条件的证照。", "Check the values asked with.", "请核对查询条件。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)

register(*TEXTS)
