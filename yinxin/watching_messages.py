"""The entries of the witness's and the monitor's commands in the error catalogue."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "WITNESS_MISSING",
        "Not a witness",
        "不是见证方目录",
        "The folder holds no witness.",
        "该目录不是见证方目录。",
        "Run `yinxin witness init --dir DIR --name NAME`.",
        "运行 `yinxin witness init --dir DIR --name NAME`。",
    ),
    ProblemText(
        "WITNESS_DESCRIPTION_BAD",
        "Description of the witness not readable",
        "见证方描述无法解析",
        "witness.json does not say a name and the logs with their keys.",
        "witness.json 未正确给出名称以及日志与密钥。",
        "Restore the file, or add the logs again with `yinxin witness watch`; the state of each log stays as it is.",
        "请恢复该文件，或用 `yinxin witness watch` 重新登记日志；各日志的状态不受影响。",
    ),
    ProblemText(
        "WITNESS_KEYS_DIFFER",
        "Keys of several origins",
        "密钥来源不一",
        "The keys are not all of one tree of a log: the facts name the origins.",
        "所给密钥不属于日志的同一棵树，facts 列出各来源。",
        "Run `yinxin witness watch` once for each tree, with the keys of that tree.",
        "请对每棵树分别运行 `yinxin witness watch`，并给出该树的密钥。",
    ),
    ProblemText(
        "WITNESS_CHANGING",
        "Another command changes the witness",
        "见证方正被修改",
        "Another `yinxin witness watch` writes the description of this witness; of two at once one log would be lost.",
        "另一个 `yinxin witness watch` 正在写入该见证方的描述；同时写入会丢失其中一个日志。",
        "Run the command again once the other one has ended.",
        "请等另一命令结束后重新运行。",
    ),
    ProblemText(
        "MONITOR_KEYS_DIFFER",
        "Keys of several origins or kinds",
        "密钥来源或种类不一",
        "Two trees have the same name, or the keys of one tree are of two kinds, so that one of them would not be looked at.",
        "两棵树同名，或同一棵树的密钥种类不一，其中一个将得不到监测。",
        "Run `yinxin monitor` once for each log, with a state file of its own; of each tree give the keys that it signs with.",
        "请对每个日志分别运行 `yinxin monitor` 并使用各自的状态文件；每棵树给出其签名所用的密钥。",
    ),
    ProblemText(
        "MONITOR_STATE_BAD",
        "State of the monitor not usable",
        "监测状态文件不可用",
        "The state file is damaged, of another version, or of another department.",
        "状态文件损坏、版本不符或属于其他部门。",
        "Restore it from a backup; without it the whole log is read again, and what was seen before is forgotten.",
        "请从备份恢复；若无备份则须重新读取整个日志，且此前所见不再可比。",
    ),
    ProblemText(
        "MONITOR_RUNNING",
        "Monitor at work already",
        "监测正在进行",
        "Another run works with this state file. Of two at once the later one would keep what the earlier one saw.",
        "另一次监测正在使用该状态文件；同时运行会以较早所见覆盖较新所见。",
        "Wait until it has ended, or give this one a state file of its own.",
        "请等其结束后再运行，或另用状态文件。",
    ),
    ProblemText(
        "MONITOR_UNREACHABLE",
        "Log not reachable",
        "日志无法访问",
        "The log or a witness did not answer, or not as it must. Nothing is known now; what was seen stays.",
        "日志或见证方未应答或应答不符。当前状态未知；此前所见保持不变。",
        "Check the address and try again; where it goes on, the operator of the log owes an explanation.",
        "请核对地址后重试；若持续如此，应要求日志运营方说明。",
    ),
)

register(*TEXTS)
