"""What the front page says: (Chinese, English)."""

from __future__ import annotations

from typing import Final

from yinxin.mongolian_words import AWAITING_READER

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "front_title": ("政务服务的登录、印章与证照", "Sign-in, seals and licences for government services"),
    "front_lead": ("每一份盖章文件和每一张证照，任何人都能核验，不必相信我们。", "Anybody can check every sealed file and every licence, without having to trust us."),
    "door_verify": ("核验文件或证照", "Check a file or a licence"),
    "door_verify_help": ("选择文件或扫描二维码。默认在您的设备上核验，不上传，无需登录。", "Choose a file or scan a code. It is checked on your own device, not uploaded, without signing in."),
    "door_mine": ("我的证照", "My licences"),
    "door_mine_help": ("查看和出示您的证照，看看谁用过。", "See and show your licences, and who used them."),
    "door_console": ("工作台", "Console"),
    "door_console_help": ("印章、证照、审计与系统管理。", "Seals, licences, audit and the system."),
    "door_help": ("帮助", "Help"),
    "door_help_help": ("入门、操作指南、错误代码说明。", "First steps, guides, and what each error code means."),
    "door_docs": ("接口文档", "API documents"),
    "door_docs_help": ("供开发人员在线试用。", "For developers, to try them here."),
    "lost_title": ("没有找到页面", "No such page"),
    "lost_help": ("此地址没有页面。可能是地址输入有误，或链接已经失效。", "There is no page at this address. It may have been mistyped, or the link is an old one."),
    "lost_method": ("此地址不能直接打开：它只接收页面上提交的表单。", "This address cannot be opened by itself: it takes what a form of a page sends."),
    "lost_back": ("返回首页", "To the start page"),
    "front_mongolian": AWAITING_READER,
}  # fmt: skip
