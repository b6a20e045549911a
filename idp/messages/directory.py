"""Entries of the error catalogue about directories: changes, reconciliation, imports, provisioning."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_ROWS: Final = (
    ("CHANGE_CURSOR_UNKNOWN", "Cursor not of this feed", "变更游标无效", "The cursor is malformed, of another deployment, or ahead of this one, as after a restored backup.", "游标格式错误、属于其他部署，或超前于本部署（例如恢复备份之后）。", "Reconcile, then go on from the cursor that the reconciliation names.", "请先对账，再从对账结果给出的游标继续。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
