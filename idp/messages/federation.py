"""Entries of the error catalogue about sign-in at another identity provider."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_ROWS: Final = (
    ("CONNECTOR_SETTING_INVALID", "Upstream wrongly described", "上游配置无效", "A setting of an upstream identity provider is missing, unknown or against its rule; `facts` names it.", "上游身份提供方的某项设置缺失、未知或不符合规则；facts 列出其名称。", "Correct the setting (docs/reference/federation.md).", "请更正该设置（见 docs/reference/federation.md）。"),
    ("UPSTREAM_ANSWER_REFUSED", "Answer of the upstream not accepted", "上游应答不被接受", "What the other identity provider answered does not belong to this sign-in, is not properly signed, or is incomplete; `facts` says why.", "上游身份提供方的应答不属于本次登录、签名不正确或内容不完整，原因见 facts。", "Begin the sign-in again; if it repeats, tell the operator.", "请重新登录；若仍出现，请联系运维人员。"),
)  # fmt: skip

TEXTS: Final = tuple(ProblemText(*row) for row in _ROWS)
register(*TEXTS)
