"""What the page on duties and administrators says: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "nav_duties": ("职责与三员", "Duties and administrators"),
    "duties_title": ("职责与三员", "Duties and administrators"),
    "duties_lead": ("谁可以做什么。每次任免都记入审计。", "Who may do what. Every change stands in the audit trail."),
    "administrators": ("三员", "Three administrators"),
    "administrators_help": (
        "系统、安全、审计三员由三人分别担任：一人一角色，不得兼任业务职责，也不得对印章有任何权力。",
        "Three people for three roles: nobody has two, and none of them has a duty or a power over a seal.",
    ),
    "role_system_help": (
        "维护部署、接入应用和账户；不经手印章和证照。",
        "Keeps the deployment, its clients and accounts running; handles no seal and no licence.",
    ),
    "role_security_help": (
        "分配职责和印章权力，可紧急冻结印章；不能为自己办理。",
        "Gives duties and powers, freezes seals in an emergency; never for himself.",
    ),
    "role_audit_help": ("查看全部审计记录并核对日志；不能更改任何内容。", "Reads the whole trail and checks its log; changes nothing."),
    "role_security_made": ("安全管理员由运维人员通过命令行任命。", "Security administrators are appointed at the command line."),
    "appoint": ("任命", "Appoint"),
    "dismiss": ("免去", "Dismiss"),
    "role_which": ("角色", "Role"),
    "duties": ("业务职责", "Duties"),
    "duties_none": ("还没有分配职责", "Nobody has a duty yet"),
    "duty_which": ("职责", "Duty"),
    "duty_give": ("分配职责", "Give a duty"),
    "duty_take": ("收回", "Take back"),
    "duty_since": ("{at} 起", "Since {at}"),
    "duty_altered": (
        "此行被绕过系统写入数据库，不产生权限：请收回，并按安全事件核查。",
        "This row was written to the database past the program and gives nothing: take it back, and treat it as an incident.",
    ),
    "duty_scopes": ("包含的权限", "Comes with"),
    "notice_given": ("已办理。对方点“更新我的权限”后即可使用。", "Done. It counts once the person looks for new rights."),
}
