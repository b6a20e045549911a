"""Sentences on transparency logs."""

from __future__ import annotations

from typing import Final

# Transparency logs: RFC 6962, C2SP signed notes
LOG: Final = {
    "LOG_CHECKPOINT_SIGNED": ("The checkpoint of the log is signed by {key}.", "日志检查点由 {key} 签名。"),
    "LOG_CHECKPOINT_MALFORMED": ("The checkpoint of the log cannot be read ({rule}).", "日志检查点无法解析（{rule}）。"),
    "LOG_CHECKPOINT_SIGNATURE_BAD": ("The signature of {key} on the checkpoint does not verify.", "{key} 对检查点的签名验证不通过。"),
    "LOG_CHECKPOINT_KEY_UNKNOWN": ("No key that is known here signed the checkpoint.", "检查点没有已知密钥的签名。"),
    "LOG_KEY_WITHDRAWN": (
        "The key that signed the checkpoint was withdrawn on {withdrawn_at}, and nothing shows that it signed before.",
        "检查点的签名密钥已于 {withdrawn_at} 撤回，且无法证明签名早于撤回。",
    ),
    "LOG_KEY_WITHDRAWN_LATER": (
        "The key that signed the checkpoint was withdrawn on {withdrawn_at}; a time-stamp shows that it signed before.",
        "检查点的签名密钥已于 {withdrawn_at} 撤回；时间戳证明签名早于撤回。",
    ),
    "LOG_ORIGIN_OTHER": ("The checkpoint is of the log {found}, not of {expected}.", "检查点属于日志 {found}，而非 {expected}。"),
    "LOG_ENTRY_INCLUDED": ("The entry is contained in the log.", "该条目已包含在日志中。"),
    "LOG_ENTRY_NOT_INCLUDED": ("The proof does not show the entry to be contained in the log.", "证明未能表明该条目包含在日志中。"),
    "LOG_COSIGNED": ("The witness {key} has cosigned the checkpoint.", "见证方 {key} 已会签该检查点。"),
    "LOG_COSIGNATURE_BAD": ("The cosignature of the witness {key} does not verify.", "见证方 {key} 的会签验证不通过。"),
    "LOG_WITNESSES_TOO_FEW": (
        "{found} of the {expected} witnesses asked for have cosigned the checkpoint.",
        "要求 {expected} 个见证方会签检查点，实有 {found} 个。",
    ),
}
