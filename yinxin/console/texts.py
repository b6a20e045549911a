"""What the console says: (Chinese, English). A template that asks for a text that is not here fails."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "service": ("印信管理台", "Yinxin console"),
    # Menu
    "section_home": ("工作台", "Home"),
    "section_seals": ("印章", "Seals"),
    "section_licences": ("证照", "Licences"),
    "section_checks": ("核验", "Verification"),
    "section_audit": ("审计", "Audit"),
    "section_clients": ("接入", "Connections"),
    "section_system": ("系统", "System"),
    "nav_home": ("待办与概览", "To do"),
    "nav_seals": ("印章列表", "All seals"),
    "nav_applications": ("印章申请与审核", "Applications"),
    "nav_designer": ("印章设计", "Designer"),
    "sign_out": ("退出登录", "Sign out"),
    "sign_in_again": ("重新登录", "Sign in again"),
    "signed_out_title": ("您已退出登录", "You have signed out"),
    "signed_out_help": ("本浏览器上的登录已结束，相关令牌已失效。", "The sign-in on this browser has ended, and its tokens with it."),
    "sign_in_failed_title": ("未能登录", "Signing in did not work"),
    "no_access_title": ("您没有此项权限", "Not among your duties"),
    "no_access_help": (
        "本页需要下列权限之一。权限由安全管理员分配；刚分配的权限请点“更新我的权限”。",
        "This page needs one of these rights. The security administrator gives them; look for new rights after one was given to you.",
    ),
    "problem_title": ("未能完成", "This did not work"),
    "go_back": ("返回", "Back"),
    "design_kept": ("沿用印章现有的设计。", "The design that the seal has is kept."),
    "design_kept_unchecked": (
        "上图即变更后的印模；现有设计未再按规则核对，请人工查看。",
        "The picture is as it will be made; the rules were not asked about that design again: look at it yourself.",
    ),
    "choose_again": ("文件须重新选择：{names}", "Files have to be chosen again: {names}"),
    "home_title": ("{name}，您好", "Hello, {name}"),
    "home_lead": ("这里是等您处理的事项。", "This is what waits for you."),
    "home_nothing_title": ("您还没有管理台权限", "You have no rights here yet"),
    "home_nothing_help": (
        "您已成功登录，但尚未被分配职责或印章权力。请把下面的标识告知安全管理员。",
        "You are signed in, but you have neither a duty nor a power over a seal. Tell the security administrator this name.",
    ),
    "home_my_licences": ("查看我的证照", "See my licences"),
    "own_switch": ("切换身份", "Act for somebody else"),
    "own_keys": ("登录密钥", "Keys you sign in with"),
    "own_sessions": ("已登录的设备", "Where you are signed in"),
    "your_holder": ("您的权限标识", "Your name of rights"),
    "renew_rights": ("更新我的权限", "Look for new rights"),
    "your_rights": ("您的职责", "Your duties"),
}
