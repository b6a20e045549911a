"""Sentences on status lists."""

from __future__ import annotations

from typing import Final

# Token Status List (IETF draft-ietf-oauth-status-list)
STATUS: Final = {
    "STATUS_TOKEN_SIGNED": ("The status list is signed by its issuer.", "状态列表由其发布方签名。"),
    "STATUS_TOKEN_KEY_UNKNOWN": ("The status list is signed by a key that is not known here.", "状态列表由未知密钥签名。"),
    "STATUS_TOKEN_REFUSED": ("The status list cannot be believed ({rule}).", "状态列表不可采信（{rule}）。"),
    "STATUS_LIST_OTHER": (
        "The status list is {found}, not {expected} as the licence says.",
        "状态列表是 {found}，而非证照所载的 {expected}。",
    ),
    "STATUS_LIST_FRESH": (
        "The status list was issued {age_seconds} seconds before and is in force.",
        "状态列表于 {age_seconds} 秒前发布，仍在有效期内。",
    ),
    "STATUS_LIST_EXPIRED": ("The status list is out of date; fetch a newer one.", "状态列表已过期，请获取新列表。"),
    "STATUS_LIST_NOT_YET": ("The status list is of a later time.", "状态列表的发布时间晚于所验时刻。"),
    "STATUS_LIST_OLD": (
        "The status list was issued {age_seconds} seconds before; no more than {limit_seconds} are accepted.",
        "状态列表发布于 {age_seconds} 秒前，超过可接受的 {limit_seconds} 秒。",
    ),
    "STATUS_LIST_LOGGED": ("The status list was published in the log for all to see.", "状态列表已在公开日志中发布。"),
    "STATUS_LIST_NOT_LOGGED": ("The log was shown another status list than this.", "公开日志中的状态列表与此不同。"),
    "STATUS_VALID": ("The licence is in force.", "证照有效。"),
    "STATUS_INVALID": (
        "The licence is not in force any more: cancelled, revoked, withdrawn, transferred or replaced.",
        "证照已失效：已注销、吊销、撤销、转出或被替换。",
    ),
    "STATUS_SUSPENDED": ("The licence is suspended.", "证照已暂扣。"),
    "STATUS_OVERDUE": ("The annual check of the licence is overdue.", "证照未按期年检。"),
}
