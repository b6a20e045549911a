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
    ProblemText(
        "CERTIFICATE_MISSING",
        "No client certificate",
        "未出示客户端证书",
        "The client registered that its tokens are bound to its certificate (RFC 8705), and none came over the connection.",
        "该客户端登记其令牌与证书绑定（RFC 8705），但连接中未出示证书。",
        "Call through the proxy that ends mutual TLS; see `client_certificates` in the settings.",
        "请通过终止双向 TLS 的代理调用；参见设置中的 `client_certificates`。",
    ),
    ProblemText(
        "DPOP_PROOF_MISSING",
        "No proof of possession",
        "未附持有证明",
        "The client registered that its tokens are bound to a key (RFC 9449 5.2), and the request came without a DPoP proof.",
        "该客户端登记其令牌与密钥绑定（RFC 9449 5.2），但请求未附 DPoP 持有证明。",
        "Send a new proof for each request in the header `DPoP` (RFC 9449 4), also with a refresh token.",
        "请在每次请求的 `DPoP` 头中附上新的证明（RFC 9449 4），使用刷新令牌时也一样。",
    ),
    ProblemText(
        "INITIAL_TOKEN_INVALID",
        "Initial token not accepted",
        "初始访问令牌不被接受",
        "The token that lets a system register itself is missing, unknown, expired, withdrawn or used up.",
        "用于自助登记的初始访问令牌缺失、未知、已过期、已撤回或次数用尽。",
        "Ask the administrator for one: `yinxin client initial-token`.",
        "请向管理员申请：`yinxin client initial-token`。",
    ),
    ProblemText(
        "REGISTRATION_TOKEN_INVALID",
        "Registration token not accepted",
        "登记管理令牌不被接受",
        "There is no such client, or the token is not the one it got when it registered, or it has been withdrawn.",
        "客户端不存在，或令牌不是其登记时所得，或该客户端已注销。",
        "Send the registration_access_token of this client; where it is lost, the administrator manages the client.",
        "请使用该客户端的 registration_access_token；若已遗失，由管理员管理该客户端。",
    ),
    ProblemText(
        "TOKEN_OF_ANOTHER",
        "Another client's token",
        "令牌属于其他客户端",
        "A client revokes its own tokens only.",
        "客户端只能撤销颁发给自己的令牌。",
        "Have it revoked by the client it was issued to, or end the session or the grant.",
        "请由获得该令牌的客户端撤销，或结束相应会话或授权。",
    ),
)

register(*TEXTS)
