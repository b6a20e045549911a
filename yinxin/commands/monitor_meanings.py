"""What each finding of ``yinxin monitor`` means, for whoever reads it in a department."""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "FOLLOWED_CHECKPOINT_BAD": ("There is no checkpoint, or none that the log signed.", "没有检查点，或检查点不是该日志所签。"),
    "FOLLOWED_ROLLED_BACK": ("The log is smaller than it was.", "日志比此前所见的小。"),
    "FOLLOWED_FORKED": (
        "The history is another than was seen, or the entries do not give the signed root.",
        "日志历史与此前所见不同，或条目与所签的根不符。",
    ),
    "FOLLOWED_TREE_BEHIND": (
        "One tree has not come as far as another was a round ago: entries that only one of them has are under no eye.",
        "一棵树落后于另一棵树上一轮的大小：仅在一棵树中的条目无人监督。",
    ),
    "FOLLOWED_TREE_LEFT_OUT": (
        "The log has a tree that is not followed: a proof in it counts, and nobody looks at it. Give its key too.",
        "日志还有一棵树未被监视：该树中的证明同样有效，却无人监督。请同时给出其密钥。",
    ),
    "FOLLOWED_TREES_DIFFER": ("The two trees do not name each other.", "两棵树没有互相指明。"),
    "FOLLOWED_ENTRIES_MISSING": ("Entries under a checkpoint are not handed out.", "检查点之下的条目未能取得。"),
    "FOLLOWED_SPLIT_VIEW": ("The witness was shown another history than is shown here.", "见证方所见的历史与此处所见不同。"),
    "FOLLOWED_UNANSWERED": (
        "The log did not answer all questions: what was found is told, the rest is not known.",
        "日志未答复全部询问：已发现的问题如上，其余情况未知。",
    ),
    "MONITOR_WITNESS_SILENT": (
        "A witness could not be asked, or watches none of the trees; the log itself was followed.",
        "无法询问见证方，或其未监视任何一棵树；日志本身已核对。",
    ),
    "MONITOR_WITNESS_BAD": (
        "A witness shows no checkpoint that the log signed: ask whoever runs it. The log itself was followed.",
        "见证方出示的不是该日志签名的检查点：请联系见证方运维人员；日志本身已核对。",
    ),
    "MONITOR_STATE_NOT_KEPT": (
        "What was seen could not be written: see to room and rights; the next run begins where the last one that was kept ended.",
        "所见内容无法写入状态文件：请检查空间与权限；下次运行从上次保存处继续。",
    ),
    "MONITOR_ENTRY_NOT_OURS": (
        "The log has an entry in the department's name that its books have not.",
        "日志中有以本部门名义的条目，而台账中没有。",
    ),
    "MONITOR_ENTRY_MISSING": ("What the books have is not in the log.", "台账中有的内容，日志中没有。"),
    "MONITOR_COUNTS_DIFFER": ("The published counts are not those of the entries.", "公布的数量与条目不符。"),
    "MONITOR_LEAF_UNREADABLE": ("An entry is no leaf.", "有条目无法解析。"),
}
"""Code -> in English, in Chinese."""
