"""Entries in the error catalogue on credentials for wallets: issuing them, and asking for them."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_REQUESTS: Final = {
    "CREDENTIAL_REQUEST_MALFORMED": (
        "The wallet's request cannot be read; `facts` name the part.",
        "钱包的请求无法解析，facts 指明位置。",
        "Send it as OpenID4VCI 1.0 or OpenID4VP 1.0 says.",
        "请按 OpenID4VCI 1.0 或 OpenID4VP 1.0 发送。",
    ),
    "CREDENTIAL_CONFIGURATION_UNKNOWN": (
        "The wallet asks for a credential that its offer does not name.",
        "钱包请求了要约中没有的凭证。",
        "Ask for one of the `credential_configuration_ids` of the offer.",
        "请请求要约 credential_configuration_ids 中的凭证。",
    ),
    "CREDENTIAL_PROOF_INVALID": (
        "The wallet does not show that it holds its key; `facts` name the rule.",
        "钱包未能证明持有其密钥，facts 指明规则。",
        "Make a new proof with a fresh nonce and the algorithm of the configuration.",
        "请以新的 nonce 和配置要求的算法重新生成证明。",
    ),
    "CREDENTIAL_NONCE_INVALID": (
        "The nonce in the proof is not one of this issuer, too old, or was used before.",
        "证明中的 nonce 不是本颁发方签发、已过期或已使用。",
        "Fetch a fresh nonce and make the proof anew.",
        "请重新获取 nonce 并生成证明。",
    ),
    "CREDENTIAL_GRANT_UNSUPPORTED": (
        "The issuer takes pre-authorised codes only.",
        "颁发方只接受预授权码。",
        "Begin from a credential offer.",
        "请从凭证要约开始。",
    ),
    "CREDENTIAL_TX_CODE_MISSING": (
        "The digits that go with the offer are missing, or were sent where the offer has none.",
        "缺少要约对应的交易码，或要约没有交易码而发送了交易码。",
        "Ask the holder for the digits he was given at the counter.",
        "请向持有人索取窗口告知的数字。",
    ),
    "CREDENTIAL_OFFER_INVALID": (
        "The code or the digits beside it are wrong, too old, used, or were guessed at too often, or whoever made the offer may not any more.",
        "预授权码或交易码错误、过期、已使用或尝试次数过多，或要约的创建者已无权签发。",
        "Have a new offer made.",
        "请重新生成要约。",
    ),
    "CREDENTIAL_OFFER_ALTERED": (
        "Somebody changed the offer in the database past the program.",
        "要约记录在数据库中被绕过程序修改。",
        "Find out who can write to the database; have a new offer made.",
        "请查明谁能写数据库，并重新生成要约。",
    ),
    "CREDENTIAL_TOKEN_INVALID": (
        "The wallet's access token is unknown, too old, or was used for all it was for, or whoever made the offer may not any more.",
        "钱包的访问令牌未知、过期或已用完，或要约的创建者已无权签发。",
        "Have a new offer made.",
        "请重新生成要约。",
    ),
    "CREDENTIAL_DENIED": (
        "The licence is not in force, so no credential is issued of it.",
        "证照不在有效状态，不签发凭证。",
        "See the licence's state.",
        "请查看证照状态。",
    ),
    "CREDENTIAL_LICENCE_UNKNOWN": (
        "There is no such licence, or the caller has nothing to do with it.",
        "证照不存在，或与调用方无关。",
        "Check the identifier.",
        "请核对证照标识。",
    ),
    "CREDENTIAL_KEYS_UNFIT": (
        "The file is not the published keys of an issuer: JSON with `issuer` and `jwks`.",
        "文件不是颁发方公布的密钥（含 issuer 与 jwks 的 JSON）。",
        "Fetch /.well-known/jwt-vc-issuer of the issuer; for SM2 put his issuer and his gm-jwks into the same form.",
        "请获取颁发方的 /.well-known/jwt-vc-issuer；SM2 通道请以同样形式给出 issuer 与 gm-jwks。",
    ),
    "CREDENTIAL_SELF_CHECK_FAILED": (
        "Our own verifier refused what had just been signed; it did not leave.",
        "自有验证程序拒绝了刚签署的凭证，凭证未发出。",
        "Report it with the request's id; the keys or the machine are not in order.",
        "请连同请求编号报告；密钥或设备存在异常。",
    ),
    "CREDENTIAL_TYPE_UNKNOWN": (
        "No licence type of that code is published.",
        "没有已发布的该代码证照类型。",
        "Check the code.",
        "请核对代码。",
    ),
    "PRESENTATION_QUESTION_UNFIT": (
        "The question names no type, claim or lane that can be asked for; `facts` name the part.",
        "请求中没有可询问的类型、声明或通道，facts 指明位置。",
        "Ask for published types, and for claims as docs/reference/credentials.md lists them.",
        "请询问已发布的类型及 docs/reference/credentials.md 所列声明。",
    ),
    "PRESENTATION_UNKNOWN": (
        "There is no such question, or another client asked it.",
        "该询问不存在，或由其他客户端发起。",
        "Ask anew.",
        "请重新发起询问。",
    ),
    "PRESENTATION_OVER": (
        "The question was answered before, or its time is over.",
        "该询问已被回答或已过期。",
        "Ask anew.",
        "请重新发起询问。",
    ),
    "PRESENTATION_STATE_WRONG": (
        "The answer does not belong to this question.",
        "该回答不属于此询问。",
        "Send `state` as the request has it.",
        "请原样发送请求中的 state。",
    ),
    "WALLET_RATE_EXCEEDED": (
        "Too many requests from one address.",
        "同一地址请求过多。",
        "Wait as long as Retry-After says.",
        "请按 Retry-After 等待。",
    ),
}

TEXTS: Final = (
    ProblemText(
        "CREDENTIAL_TOO_LARGE",
        "Licence too large for a credential",
        "证照内容超出凭证容量",
        "The licence says more than 64 KiB of credential can hold; wallets read no more.",
        "证照内容超过 64 KiB 凭证容量，钱包无法读取。",
        "Show the licence file instead of a credential.",
        "请出示证照文件，而非凭证。",
    ),
    *(ProblemText(code, "Wallet request refused", "钱包请求被拒绝", *texts) for code, texts in _REQUESTS.items()),
)

register(*TEXTS)
