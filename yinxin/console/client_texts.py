"""What the pages say on which systems are connected: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "conn_nav": ("接入应用与密钥", "Clients and keys"),
    "conn_title": ("接入应用", "Clients"),
    "conn_lead": (
        "每个业务系统登记为一个接入应用，用自己的密钥取得访问令牌。",
        "Every system that calls us is a client with a secret of its own.",
    ),
    "conn_none": ("还没有接入应用", "No client yet"),
    "conn_new": ("登记接入应用", "Register a client"),
    "conn_name": ("名称", "Name"),
    "conn_name_example": ("例如：不动产登记系统", "Such as: land registry"),
    "conn_id": ("应用标识", "Client id"),
    "conn_id_hint": ("小写字母、数字和连字符，登记后不能更改", "Lower-case letters, digits, hyphens; it stays as it is"),
    "conn_scopes": ("可做的事", "What it may do"),
    "conn_scopes_hint": ("只能授予您自己拥有的权限。", "You can give what you hold yourself."),
    "conn_scopes_none": ("您没有可以授予的权限。", "You hold no right that you could give."),
    "conn_register": ("登记", "Register"),
    "conn_status": ("状态", "State"),
    "conn_status_active": ("启用", "active"),
    "conn_status_disabled": ("停用", "disabled"),
    "conn_created": ("登记时间", "Registered"),
    "conn_by": ("登记人", "By"),
    "conn_rate": ("每分钟令牌数上限", "Tokens a minute at most"),
    "conn_secret_title": ("密钥，仅显示这一次", "The secret, shown this once"),
    "conn_secret_help": (
        "请现在复制到密钥管理系统，不要写入代码或邮件。离开本页后无法再次查看，只能更换。",
        "Copy it into your secret store now, not into code or mail. It cannot be shown again, only replaced.",
    ),
    "conn_secret": ("密钥", "Secret"),
    "conn_rotate": ("更换密钥", "Replace the secret"),
    "conn_rotate_overlap": ("现有密钥再保留一天，便于切换", "Those that work now go on working for a day"),
    "conn_rotate_help": (
        "怀疑泄露时不要保留：之前的密钥将全部立即失效。",
        "Where one may have leaked, do not keep them: all before the new one end at once.",
    ),
    "conn_disable": ("停用", "Disable"),
    "conn_disable_help": ("立即停止发放令牌，已发出的令牌同时失效。", "It gets no token any more, and those it has count no more."),
    "conn_enable": ("重新启用", "Enable again"),
    "conn_disabled": ("接入应用已停用。", "The client is disabled."),
    "conn_enabled": ("接入应用已启用。", "The client is enabled."),
    "conn_step_token": ("第一步：取得访问令牌", "First: obtain a token"),
    "conn_step_call": ("第二步：调用接口", "Second: make a call"),
    "conn_docs": ("全部接口见接口文档", "All operations stand in the API documents"),
    "conn_copy_secret": ("复制密钥", "Copy the secret"),
}
