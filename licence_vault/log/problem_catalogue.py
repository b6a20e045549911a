"""The log's and the status lists' entries in the error catalogue."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "LICENCE_LEAF_FORM",
        "Not a leaf of the licence log",
        "不是证照日志条目",
        "An entry of the licence log does not have its one form; `facts` names the member.",
        "证照日志条目不符合唯一规定的格式，见 facts。",
        "Take the entry from the log as it is.",
        "请原样使用日志中的条目。",
    ),
    ProblemText(
        "LICENCE_LOG_FILE_NOT_FOUND",
        "No such file of the log",
        "日志文件不存在",
        "The log has no such tile, bundle or checkpoint, or not yet.",
        "日志没有此分块、条目包或检查点，或尚未生成。",
        "Go by the size in the newest checkpoint.",
        "请以最新检查点的大小为准。",
    ),
    ProblemText(
        "MONITOR_BOOKS_FORM",
        "Books not readable",
        "台账无法解析",
        "A line of the department's own books is not an event and a commitment of 64 hexadecimal digits.",
        "台账中有一行不是“事件 承诺值（64 位十六进制）”。",
        "Correct the line that `facts` names; # begins a remark.",
        "请更正 facts 所示的行；# 之后为备注。",
    ),
    ProblemText(
        "STATUS_LIST_NOT_FOUND",
        "No such status list",
        "状态列表不存在",
        "There is no status list of this number, or none was in force at that time.",
        "没有此编号的状态列表，或该时刻没有有效的列表。",
        "Take the address from the licence; a new list is published within a minute of its first licence.",
        "请使用证照所载地址；新列表在首个证照产生后一分钟内发布。",
    ),
    ProblemText(
        "STATUS_ORDER_CHANGED",
        "Key of the status lists is another",
        "状态列表密钥已变更",
        "Places in status lists were given out by another key than the one at hand: going on would give some of them out twice.",
        "状态列表的位置此前由另一密钥分配；继续分配会导致位置重复。",
        "Restore the key folder that belongs to this database; no licence is made until then.",
        "请恢复与本数据库对应的密钥目录；在此之前不会制发证照。",
    ),
    ProblemText(
        "STATUS_LIST_REFUSED",
        "Status list not published",
        "状态列表未发布",
        "What was signed did not pass the own verifier and was not given out.",
        "签名结果未通过自身校验，未予发布。",
        "The operator runs `yinxin doctor`: a key or a library is not what it should be.",
        "由运维人员运行 yinxin doctor：密钥或密码库异常。",
    ),
)

register(*TEXTS)
