"""Entries of the error catalogue about accounts and signing in."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_READ_EN: Final = "Read the account again and repeat the change on what you find."
_READ_ZH: Final = "请重新读取账户后再修改。"
_AGAIN_EN: Final = "Go back to the application you came from and sign in again."
_AGAIN_ZH: Final = "请返回原应用重新登录。"

_ROWS: Final = (
    ("ACCOUNT_NOT_FOUND", "No such account", "未找到账户", "There is no account of this kind with this id.", "没有此类账户，或标识不存在。", "Check the id; accounts of persons begin with pe_, of organisations with or_.", "请核对标识：个人账户以 pe_ 开头，法人账户以 or_ 开头。"),
    ("ACCOUNT_FIELD_INVALID", "Field of an account against its rule", "账户字段不符合规则", "A field of an account, grant or credential breaks its rule; `facts` names the field, never its value.", "账户、授权或凭证的某个字段不符合规则；facts 只列出字段名，不含其值。", "Correct the field named.", "请更正所示字段。"),
    ("ACCOUNT_STATUS_CONFLICT", "Not possible in this state", "当前状态下不可行", "The account's state does not allow this.", "账户当前状态不允许此操作。", _READ_EN, _READ_ZH),
    ("ACCOUNT_CHANGED", "Account was changed", "账户已变更", "Somebody changed it meanwhile, or it is not the version named in If-Match.", "账户已被他人修改，或不是 If-Match 所示版本。", _READ_EN, _READ_ZH),
    ("ACCOUNT_OF_ONE_SELF", "Not for oneself", "不得为本人办理", "Nobody changes his own account in office, proves himself, lets himself act for an organisation, or decides whose an identity is for his own account.", "任何人不得凭职务变更本人账户、为本人添加核验记录、授权本人代表法人，或将存疑身份判定为本人账户。", "Another administrator does it, or the operator at the command line.", "请由另一名管理员办理，或由运维人员通过命令行办理。"),
    ("IDENTIFIER_TAKEN", "Identifier already in use", "标识已被使用", "A login name or number belongs to another account.", "该登录名或证件号码已属于其他账户。", "Find the other account by this identifier. Where both are one person's, take it off one (PATCH /v1/accounts/{id}), disable that one, and give it to the other.", "请按该标识查找另一账户。如两个账户属同一人，请先从其中一个移除该标识（PATCH /v1/accounts/{id}）并停用该账户，再登记到另一个。"),
    ("AGENT_NOT_FOUND", "No such grant", "未找到经办授权", "There is no grant of an agent with this id.", "没有此标识的经办人授权。", "List the agents of the organisation.", "请查看该法人的经办人列表。"),
    ("AGENT_EXISTS", "Already an agent", "已是经办人", "The person already acts for this organisation.", "该人员已是此法人的经办人。", "Revoke the present grant before making another.", "请先撤销现有授权再重新授予。"),
    ("CREDENTIAL_TAKEN", "Credential already registered", "凭证已登记", "This passkey or certificate belongs to an account already.", "该通行密钥或证书已登记在某个账户下。", "Use another one, or remove it from the other account.", "请使用其他凭证，或先从原账户移除。"),
    ("CREDENTIAL_NOT_FOUND", "No such credential", "未找到凭证", "The account has no credential with this id.", "该账户没有此标识的凭证。", "List the credentials of the account.", "请查看该账户的凭证列表。"),
    ("CREDENTIAL_UNUSABLE", "Credential not usable", "凭证不可用", "The passkey, certificate or hash is not of a form that is accepted; `facts` says why.", "通行密钥、证书或口令杂凑值的格式不被接受，原因见 facts。", "Use a credential of a supported kind (docs/reference/identity.md).", "请使用受支持的凭证类型（见 docs/reference/identity.md）。"),
    ("PASSWORD_UNACCEPTABLE", "Password not acceptable", "口令不符合要求", "The password is too short, too long, too plain, or contains the login name.", "口令过短、过长、过于简单，或包含登录名。", "Choose 10 to 128 characters, not all of one kind.", "请设置 10 至 128 个字符，且不要全部为同一类字符。"),
    ("SIGN_IN_FAILED", "Sign-in failed", "登录失败", "Name or secret is wrong, there were too many attempts, or the account may not sign in; which of these is not told.", "账号或凭据错误、尝试次数过多，或账户不允许登录；具体原因不予说明。", "Check what you typed and try again later; an administrator can issue a recovery code.", "请核对输入并稍后重试；可由管理员签发恢复码。"),
    ("SECOND_FACTOR_MISSING", "Two ways to sign in are needed", "必须使用两种方式登录", "This account, or whoever acts for this organisation, must sign in in two ways, and only one is set up.", "此账户（或代表此单位办事的人员）必须使用两种方式登录，但尚未登记第二种。", "Ask an administrator to set up a second one (`yinxin account totp`), or act for somebody else.", "请联系管理员登记第二种登录方式（`yinxin account totp`），或改为代表其他单位或本人办事。"),
    ("SIGN_IN_BUSY", "Sign-in is busy", "登录繁忙", "More people sign in at this moment than the machine can check.", "当前登录人数超过处理能力。", "Try again in a few seconds.", "请几秒后重试。"),
    ("ATTEMPTS_TOO_MANY", "Too many failed attempts", "失败次数过多", "From the address you come from too many attempts to sign in have failed.", "您所在的地址登录失败次数过多。", "Wait a quarter of an hour, then try again; others at this address have to wait, too.", "请等候十五分钟后再试；同一地址的其他人员同样需要等候。"),
    ("SIGN_INS_TOO_MANY", "Too many sign-ins begun", "发起登录过多", "From the address you come from too many sign-ins have been begun in a short time.", "您所在的地址在短时间内发起了过多登录。", "Wait a little and open the page again.", "请稍候，然后重新打开页面。"),
    ("SIGN_IN_UNKNOWN", "This sign-in is over", "本次登录已结束", "The sign-in has ended, expired, or was begun in another browser.", "登录已结束、已过期，或在另一浏览器中发起。", _AGAIN_EN, _AGAIN_ZH),
    ("SIGN_IN_OVERTAKEN", "Sent twice", "重复提交", "Another request of the same sign-in was faster.", "同一登录的另一请求已先行处理。", "Go on with the page that is open.", "请在已打开的页面继续。"),
    ("FORM_FORGED", "Form not from here", "表单来源不符", "The form was not made by this site for this browser.", "该表单不是本站为此浏览器生成的。", "Open the page again and send the form from there.", "请重新打开页面后提交。"),
    ("FORM_UNREADABLE", "Form not readable", "表单无法读取", "The body is not a well-formed form, is too large, or repeats a field.", "请求体不是规范的表单、过大，或字段重复。", "Open the page again and send the form from there.", "请重新打开页面后提交。"),
    ("SESSION_NOT_FOUND", "No such session", "未找到会话", "There is no session with this id, or it has ended.", "没有此会话，或会话已结束。", "List the sessions of the account.", "请查看该账户的会话列表。"),
    ("SIGN_IN_REFUSED", "Not signed in to the application", "未登录到应用", "You did not agree, or your account is not what the application asks for.", "您未同意授权，或您的账户不符合应用要求。", _AGAIN_EN, _AGAIN_ZH),
    ("CONSENT_OVERTAKEN", "Something else is asked by now", "请求内容已变更", "What the application asks for, or for whom you sign in, is no longer what the page said that you agreed to; nothing was agreed.", "应用请求的内容，或您登录的身份，已与您确认时页面显示的内容不同；授权未生效。", "Read the page again, and agree or not.", "请重新阅读页面后再决定是否同意。"),
    ("CAS_SERVICE_TAKEN", "Service of another client", "服务地址已被登记", "Another client has registered this address; an address belongs to one client.", "该地址已由其他客户端登记；每个地址只属于一个客户端。", "Register the address with one client only.", "请仅在一个客户端下登记该地址。"),
    ("AUTHORIZATION_REFUSED", "Request of the application not accepted", "应用的请求不被接受", "The application is unknown, its return address is not one it has registered, or it may not be answered as it asks; so nothing is sent there.", "应用未登记，其返回地址未经登记，或不得按其请求的方式应答，因此不会跳转。", "Tell the operator of the application you came from.", "请联系您所使用应用的运维人员。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
