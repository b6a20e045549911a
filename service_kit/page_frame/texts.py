"""What the frame says: (Chinese, English)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "service": ("印信", "Yinxin"),  # what pages are called together: every package that has some puts its own in its place
    "skip": ("跳到正文", "Skip to content"),
    "demo": ("演示环境，不具有法律效力", "Demonstration, no legal effect"),
    "language": ("English", "中文"),
    "type_large": ("大字版", "Large type"),
    "type_normal": ("标准字号", "Normal type"),
    "menu": ("菜单", "Menu"),
    "help": ("帮助", "Help"),
    "problem": ("未能完成", "This did not work"),
    "problem_code": ("错误代码", "Code"),
    "problem_help": ("说明与处理办法", "What it means and what to do"),
    "not_done": ("刚才提交的内容没有办完", "What you sent just now was not carried through"),
    "not_done_help": (
        "登录在此之前已结束。请核对当前内容，然后重新办理。",
        "Your sign-in had ended before. Look at how things stand, and do it again.",
    ),
}
