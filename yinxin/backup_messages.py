"""The entries of backups in the error catalogue."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "BACKUP_DAMAGED",
        "Backup damaged",
        "备份已损坏",
        "The file is no backup, is cut off, or a byte of it is not as it was written; `name` says where. Nothing was restored from it.",
        "该文件不是备份、不完整，或内容与写入时不一致，位置见 name；未从中恢复任何内容。",
        "Take another copy of this backup, or an earlier one; check the copies with `yinxin backup check`.",
        "请改用该备份的其他副本或更早的备份；可用 `yinxin backup check` 检查各副本。",
    ),
    ProblemText(
        "BACKUP_INCOMPLETE",
        "Documents missing in the backup",
        "备份中缺少文件",
        "The backup is whole as it was written, but rows of its database name documents that were gone from the deployment by then: `missing` of them, `name` is the first.",
        "备份与写入时一致，但其数据库所指的部分文件在备份时已不在部署中：共缺 missing 份，name 为其中第一份。",
        "Keep it, and keep an earlier backup that has them. Put them back into the deployment from that one (docs/how-to/backup.md), then make another.",
        "请保留该备份，并保留仍含有这些文件的更早备份；先据其恢复文件（见 docs/how-to/backup.zh-CN.md），再重新备份。",
    ),
    ProblemText(
        "BACKUP_TOO_NEW",
        "Backup of a newer version",
        "备份来自更新的版本",
        "A newer version of the program, `program`, made this backup in a form that this one does not know. Nothing was restored from it.",
        "该备份由更新版本的程序（program）生成，本版本不认识其格式；未从中恢复任何内容。",
        "Keep it, and restore it with that version or a later one.",
        "请保留该备份，并用该版本或更新的版本恢复。",
    ),
)
register(*TEXTS)
