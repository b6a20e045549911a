"""The demonstration's entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "DEMO_CODE_UNKNOWN",
        "No one-time code for this account",
        "该账户没有动态口令",
        "No account of the demonstration with this login name has a one-time code.",
        "演示中没有使用动态口令的该登录名账户。",
        "Take the login name of an account that is marked with * in what yinxin demo prints.",
        "请使用 yinxin demo 输出中带 * 的账户登录名。",
    ),
    ProblemText(
        "DEMO_FOLDER_TAKEN",
        "Not a demonstration",
        "不是演示部署",
        "The folder holds a deployment that was not made as a demonstration; it stays untouched.",
        "该目录中的部署不是演示部署，未作任何改动。",
        "Choose another folder with --dir.",
        "请用 --dir 指定其他目录。",
    ),
    ProblemText(
        "DEMO_IN_PROGRESS",
        "Demonstration is being made",
        "演示正在生成",
        "Another process is making the demonstration in this folder right now.",
        "另一进程正在该目录中生成演示。",
        "Wait until it is done, or choose another folder with --dir.",
        "请等待其完成，或用 --dir 指定其他目录。",
    ),
    ProblemText(
        "DEMO_NOT_FORGEABLE",
        "Not the demonstration document",
        "不是演示文件",
        "Only the demonstration's own document can be forged for show.",
        "只有演示自带的文件可以制作伪造副本。",
        "Delete the folder `demo` in the deployment and run yinxin demo again.",
        "删除部署目录中的 `demo` 文件夹后重新运行 yinxin demo。",
    ),
    ProblemText(
        "PORT_BUSY",
        "Address cannot be listened on",
        "无法监听该地址",
        "Another program listens on this address already, or it is not an address of this machine.",
        "已有其他程序监听该地址，或该地址不属于本机。",
        "Stop the other program, or choose another --port or --host.",
        "停止该程序，或用 --port、--host 指定其他地址。",
    ),
)
register(*TEXTS)
