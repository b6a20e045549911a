"""Entries in the error catalogue on using licences of others: permission, use codes, the share interface, what a holder sees."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_SHARING: Final = (
    "Ask the licence administrator for a permission (PUT /v1/licence-sharing/...).",
    "请联系证照管理员授予共享权限（PUT /v1/licence-sharing/...）。",
)
_ROWS: Final = (
    ("LICENCE_SHARING_NOT_FOUND", "No such permission", "没有此共享权限", "The system has no permission for licences of this type.", "该系统没有此证照类型的共享权限。", *_SHARING),
    ("LICENCE_SHARING_CHANGED", "Permission changed meanwhile", "共享权限已被更改", "The permission is not any more as If-Match says.", "共享权限已不是 If-Match 所指的版本。", "Read it again and decide with what it is now.", "请重新读取后再决定。"),
    ("LICENCE_SHARING_DENIED", "Not shared with this system", "未授权共享", "The system may not do this with licences of the type, or a person stands behind a call that a system has to make itself.", "该系统无权对此类型证照进行此操作，或本应由系统发起的调用以个人身份发起。", *_SHARING),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)

register(*TEXTS)
