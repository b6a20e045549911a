"""What can go wrong while clients prove themselves, look into tokens and register themselves."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "CLIENT_KEYS_UNAVAILABLE",
        "The client's keys cannot be had",
        "无法取得客户端公钥",
        "The key set at the client's jwks_uri cannot be fetched or read. The client is answered as for any failed authentication.",
        "无法获取或读取客户端 jwks_uri 处的密钥集。对客户端的答复与其他认证失败相同。",
        "Look at the reason in the audit trail (action token.refuse); allow the address in `outbound.networks`, or register the keys themselves.",
        "查看审计记录（token.refuse）中的原因；在 `outbound.networks` 中允许该地址，或直接登记公钥。",
    ),
)

register(*TEXTS)
