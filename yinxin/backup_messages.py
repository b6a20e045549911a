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
)
register(*TEXTS)
