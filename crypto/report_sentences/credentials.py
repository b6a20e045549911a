"""Sentences on credentials that wallets show."""

from __future__ import annotations

from typing import Final

# Credentials: SD-JWT (RFC 9901), SD-JWT VC, key binding, status, what a verifier asked for
CREDENTIAL: Final = {
    "CREDENTIAL_MALFORMED": ("The text is no credential ({rule}).", "文本不是凭证（{rule}）。"),
    "CREDENTIAL_ALGORITHM": ("The credential is not signed by an algorithm that counts.", "凭证未使用可接受的签名算法。"),
    "CREDENTIAL_ISSUER_UNKNOWN": ("The issuer of the credential is not one that is known here.", "凭证的颁发者未知。"),
    "CREDENTIAL_KEY_UNKNOWN": ("The credential is signed by a key of its issuer that is not known here.", "凭证由其颁发者的未知密钥签名。"),
    "CREDENTIAL_SIGNATURE": ("The issuer's signature on the credential is right.", "凭证的颁发者签名正确。"),
    "CREDENTIAL_SIGNATURE_BAD": ("The issuer's signature on the credential is wrong ({rule}).", "凭证的颁发者签名错误（{rule}）。"),
    "CREDENTIAL_DIGEST": (
        "The credential's digests are not by {expected}, which its signature goes with.",
        "凭证的摘要算法不是与签名相配的 {expected}。",
    ),
    "CREDENTIAL_DISCLOSURES": ("All {count} disclosures belong to the credential.", "全部 {count} 个披露项均属于该凭证。"),
    "CREDENTIAL_DISCLOSURES_BAD": ("The disclosures do not fit the credential ({rule}).", "披露项与凭证不符（{rule}）。"),
    "CREDENTIAL_CLAIM_HIDDEN": ("The claim {claim} is hidden, which it must not be.", "声明 {claim} 被隐藏，这是不允许的。"),
    "CREDENTIAL_TYPE": ("The credential is of a type that is asked for.", "凭证类型符合要求。"),
    "CREDENTIAL_TYPE_MISSING": ("The credential does not say of which type it is.", "凭证未说明类型。"),
    "CREDENTIAL_TYPE_OTHER": ("The credential is of another type than the one asked for.", "凭证类型与要求不符。"),
    "CREDENTIAL_TIMES": ("The credential is within its time.", "凭证在有效期内。"),
    "CREDENTIAL_TIMES_MALFORMED": ("The credential does not say until when it counts.", "凭证未正确说明有效期。"),
    "CREDENTIAL_EXPIRED": ("The time of the credential is over.", "凭证已过有效期。"),
    "CREDENTIAL_NOT_YET_VALID": ("The time of the credential has not begun.", "凭证尚未生效。"),
    "CREDENTIAL_STATUS": ("The status list says that the licence is in force.", "状态列表表明证照有效。"),
    "CREDENTIAL_STATUS_ABSENT": ("The credential names no status list.", "凭证未给出状态列表。"),
    "CREDENTIAL_STATUS_MALFORMED": ("The credential's reference to a status list cannot be read.", "凭证的状态列表引用无法解析。"),
    "CREDENTIAL_STATUS_UNKNOWN": (
        "No current status list is at hand; whether the licence is in force is open.",
        "没有可用的最新状态列表，证照是否有效未知。",
    ),
    "CREDENTIAL_STATUS_INVALID": ("The status list says that the licence is no longer in force.", "状态列表表明证照已失效。"),
    "CREDENTIAL_STATUS_SUSPENDED": ("The status list says that the licence is suspended.", "状态列表表明证照被暂扣。"),
    "CREDENTIAL_STATUS_ANNUAL": ("The status list says that the annual check was not passed.", "状态列表表明证照未通过年检。"),
    "CREDENTIAL_STATUS_OTHER": ("The status list gives a value without a meaning here ({value}).", "状态列表给出未知状态值（{value}）。"),
    "CREDENTIAL_HOLDER_KEY_BAD": ("The holder's key in the credential cannot be read.", "凭证中的持有人密钥无法解析。"),
    "CREDENTIAL_HOLDER_KEY_MISSING": (
        "The credential names no key of a holder, so nobody can show it as his.",
        "凭证未绑定持有人密钥，无法证明由持有人出示。",
    ),
    "CREDENTIAL_BINDING": ("The holder's key signed the presentation.", "出示由持有人密钥签名。"),
    "CREDENTIAL_BINDING_MISSING": ("The presentation is not signed by the holder.", "出示未经持有人签名。"),
    "CREDENTIAL_BINDING_BAD": ("The holder's signature on the presentation is wrong ({rule}).", "出示的持有人签名错误（{rule}）。"),
    "CREDENTIAL_BINDING_AUDIENCE": ("The presentation was made for another verifier.", "该出示是为其他验证方生成的。"),
    "CREDENTIAL_BINDING_NONCE": ("The presentation was made for another question.", "该出示是为其他请求生成的。"),
    "CREDENTIAL_BINDING_OTHER": ("The holder signed a presentation of other disclosures.", "持有人签名对应的是其他披露项。"),
    "CREDENTIAL_BINDING_TIME": ("The presentation was not made now.", "该出示不是此刻生成的。"),
    "CREDENTIAL_HOLDER_NOT_SHOWN": (
        "Nobody has shown that he holds this credential: whoever has its text can hand it in.",
        "没有人证明自己是该凭证的持有人：任何得到其文本的人都可以提交它。",
    ),
    "CREDENTIAL_BINDING_NOT_ASKED": (
        "The presentation is signed by a holder, which was not asked for and not checked.",
        "出示带有持有人签名，但未要求，也未检查。",
    ),
    "PRESENTATION_COMPLETE": ("Everything that was asked for is shown.", "所询问的内容均已出示。"),
    "PRESENTATION_INCOMPLETE": ("Of what was asked for, {count} claims are not shown.", "所询问的内容中有 {count} 项未出示。"),
}
