"""Entries of the error catalogue about sign-in at another identity provider."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_ROWS: Final = (
    ("CONNECTOR_SETTING_INVALID", "Upstream wrongly described", "上游配置无效", "A setting of an upstream identity provider is missing, unknown or against its rule; `facts` names it.", "上游身份提供方的某项设置缺失、未知或不符合规则；facts 列出其名称。", "Correct the setting (docs/reference/federation.md).", "请更正该设置（见 docs/reference/federation.md）。"),
    ("UPSTREAM_ANSWER_REFUSED", "Answer of the upstream not accepted", "上游应答不被接受", "What the other identity provider answered does not belong to this sign-in, is not properly signed, or is incomplete; `facts` says why.", "上游身份提供方的应答不属于本次登录、签名不正确或内容不完整，原因见 facts。", "Begin the sign-in again; if it repeats, tell the operator.", "请重新登录；若仍出现，请联系运维人员。"),
    ("UPSTREAM_UNKNOWN", "Provider not known here", "未接入的身份提供方", "No identity provider of this name or issuer is set up here.", "本部署未配置该名称或签发者的身份提供方。", "Go back and choose one of those that are offered.", "请返回并选择页面所列的登录方式。"),
    ("UPSTREAM_CANNOT", "This provider cannot be asked to sign in again", "该登录方式无法重新验证", "You are to sign in anew, for an application that wants it or to change your keys, and this provider has no way to ask for that.", "应用要求重新登录，或您要变更登录凭证，须重新登录，而该身份提供方不支持重新验证。", "Use another way to sign in.", "请使用其他登录方式。"),
    ("IDENTITY_IN_DOUBT", "Not clear whether this is the same account", "无法确认是否为同一账户", "What the other provider says fits an account here, but not well enough to open it; an administrator has been asked.", "上游所述身份与本系统某账户相似，但不足以直接登录；已提交管理员处理。", "Sign in the way you did before and link the other account under Linked sign-ins, or wait for the administrator.", "请用原有方式登录后在“关联登录”中关联，或等待管理员处理。"),
    ("SIGN_UP_CLOSED", "No account here", "尚无账户", "You have no account here, and signing in with this provider does not create one.", "您在本系统尚无账户，且该登录方式不会自动创建账户。", "Ask an administrator for an account, then link it.", "请联系管理员开户后再关联。"),
    ("SIGN_IN_NOT_RECENT", "Sign in again first", "请重新登录", "A way to sign in is only added shortly after signing in.", "只有刚登录后才能新增登录方式。", "Sign out, sign in again, and repeat it.", "请退出并重新登录后再操作。"),
    ("TARGET_NOT_OURS", "Leads elsewhere", "目标地址不属于本站", "target_link_uri is not an address of this deployment.", "target_link_uri 不是本部署的地址。", "Tell the operator of the page you came from.", "请联系来源页面的运维人员。"),
    ("LOGOUT_TOKEN_REFUSED", "Logout notice not accepted", "退出通知不被接受", "The logout token is not by this upstream for us, is expired, has come before, or is none; `facts` says why.", "退出令牌不是该上游签发给本系统的、已过期、已使用，或并非退出令牌；原因见 facts。", "Send a fresh logout token as OpenID Connect Back-Channel Logout 1.0 describes it.", "请按 OpenID Connect Back-Channel Logout 1.0 重新发送。"),
    ("DIRECTORY_PUSH_FAILED", "The other directory does not take it", "目录同步失败", "The directory that follows this one refused a request or did not answer; `facts` says how.", "跟随目录拒绝请求或未应答，详情见 facts。", "Check address, client and its rights there, then run it again: it goes on where it stands.", "请检查地址、客户端及其权限后重新运行，将从当前位置继续。"),
    ("SIMULATOR_REFUSED", "The simulated upstream refuses this", "上游模拟器拒绝了请求", "The request is not one that this demonstration's own connector makes.", "该请求不是本演示环境的连接器发出的。", "Begin at the sign-in page of the demonstration.", "请从演示环境的登录页开始。"),
    ("CONFLICT_NOT_FOUND", "No such doubt", "未找到待定身份", "There is no identity in doubt with this id.", "没有此标识的待定身份。", "List them with GET /v1/identity-conflicts.", "请用 GET /v1/identity-conflicts 查看列表。"),
    ("CONFLICT_DECIDED", "Decided already", "已有决定", "Somebody has decided it, or decides it at this moment.", "已有人作出或正在作出决定。", "Read it again.", "请重新读取。"),
    ("CONFLICT_DECISION_IMPOSSIBLE", "Cannot be decided so", "无法如此决定", "The account named is missing, closed, of another kind, has another proven number, or is joined with another subject of this upstream.", "所指账户不存在、已停用、类型不同、已验证号码不同，或已关联该上游的另一身份。", "Correct the account first, name another one, or decide otherwise.", "请先更正账户、改用其他账户，或作其他决定。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
