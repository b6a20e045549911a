"""Sentences on signatures, time-stamps and certificates."""

from __future__ import annotations

from typing import Final

# Signature containers: RFC 5652, GB/T 35275
SIGNATURE: Final = {
    "OK": ("The step passed.", "本步骤通过。"),
    "CMS_FORMAT_OK": ("The signature is a well-formed SignedData.", "签名数据格式正确。"),
    "CMS_MALFORMED": ("The signature data cannot be read ({reason}).", "签名数据无法解析（{reason}）。"),
    "CMS_ENCODING_NONDER": (
        "The signature is encoded in BER instead of DER ({reason}); this is tolerated.",
        "签名数据采用 BER 而非 DER 编码（{reason}），予以容许。",
    ),
    "CMS_VERSION_UNEXPECTED": (
        "{where} states version {found}, which does not fit its contents.",
        "{where} 的版本号 {found} 与其内容不符。",
    ),
    "GBT35275_DEVIATION": (
        "The signature deviates from GB/T 35275 in: {fields}.",
        "签名数据与 GB/T 35275 不一致之处：{fields}。",
    ),
    "CMS_SIGNER_COUNT": ("The signature holds {found} signers; exactly one is allowed.", "签名数据含 {found} 个签名者，只允许有一个。"),
    "CMS_CONTENT_EMBEDDED": (
        "A detached signature carries content of its own ({size_bytes} bytes), which is not allowed.",
        "分离式签名中夹带了内容（{size_bytes} 字节），不允许。",
    ),
    "CMS_CONTENT_MISSING": ("The content that was signed is not at hand.", "缺少被签名的内容。"),
    "CMS_CONTENT_TYPE_BAD": ("The signed content is of a kind not expected here ({found}).", "被签名内容的类型（{found}）不符合要求。"),
    "CMS_CONTENT_TYPE_MISMATCH": (
        "The content-type attribute states {stated}, the content is {found}.",
        "内容类型属性为 {stated}，实际内容类型为 {found}。",
    ),
    "CMS_CONTENT_TYPE_ALIAS": (
        "The content-type attribute uses the other identifier for plain data; this is tolerated.",
        "内容类型属性使用了“数据”类型的另一标识，予以容许。",
    ),
    "CMS_ATTRIBUTES_OK": ("The signed attributes are complete and fit the content.", "签名属性完整且与内容一致。"),
    "CMS_ATTRIBUTES_MISSING": ("Signed attributes that must be there are missing ({attribute}).", "缺少必需的签名属性（{attribute}）。"),
    "CMS_ATTRIBUTES_CONFUSED": (
        "The signed content is itself a set of signature attributes: it was taken from another signature.",
        "被签名内容本身是一组签名属性，系取自另一签名。",
    ),
    "CMS_ATTRIBUTE_DUPLICATE": ("The attribute {attribute} occurs more than once.", "属性 {attribute} 重复出现。"),
    "CMS_ATTRIBUTE_MISPLACED": (
        "The attribute {attribute} stands among the {where} attributes, where it is not allowed.",
        "属性 {attribute} 出现在不允许的位置（{where}）。",
    ),
    "CMS_UNSIGNED_ATTRIBUTE_IGNORED": (
        "The unsigned attribute {attribute} holds further evidence and was not used.",
        "未签名属性 {attribute} 含附加证据，未予使用。",
    ),
    "CMS_UNSIGNED_ATTRIBUTE_UNKNOWN": (
        "The unsigned attribute {attribute} is not known and could not be checked.",
        "未签名属性 {attribute} 未知，无法核验。",
    ),
    "CMS_CERTIFICATE_UNREADABLE": ("A certificate in the signature cannot be read ({reason}).", "签名中的某张证书无法解析（{reason}）。"),
    "CMS_SIGNING_CERTIFICATE_OK": ("The signature names the certificate that was used.", "签名所声明的证书与所用证书一致。"),
    "CMS_SIGNING_CERTIFICATE_MISSING": (
        "The signature does not say which certificate it was made with.",
        "签名未声明所使用的证书。",
    ),
    "CMS_SIGNING_CERTIFICATE_MISMATCH": (
        "The certificate is not the one the signature was made with.",
        "证书并非签名时所用的证书。",
    ),
    "CMS_SIGNING_CERTIFICATE_V1": (
        "The signature names its certificate by an outdated digest ({digest}).",
        "签名以过时的摘要算法（{digest}）声明证书。",
    ),
    "CMS_DIGEST_ALGORITHM_DISAGREES": (
        "The digest algorithm {digest} does not agree with {where}.",
        "摘要算法 {digest} 与 {where} 不一致。",
    ),
    "CMS_ALGORITHM_PROTECTION_OK": ("The algorithms are those that the signer protected.", "算法与签名者保护的一致。"),
    "CMS_ALGORITHM_PROTECTION_BAD": (
        "The algorithms were exchanged after signing ({algorithm}, {digest}).",
        "签名后算法被替换（{algorithm}、{digest}）。",
    ),
    "CMS_DIGEST_OK": ("The content is the one that was signed: its digest matches.", "内容摘要一致，即为当时签名的内容。"),
    "CMS_DIGEST_MISMATCH": (
        "The content is not the one that was signed: its digest differs.",
        "内容摘要不一致，内容在签名后被改动。",
    ),
    "SIG_VALUE_OK": ("The signature value verifies with the signer's public key.", "签名值经签名者公钥验证通过。"),
    "SIG_VALUE_BAD": ("The signature value does not verify with the signer's public key.", "签名值未通过签名者公钥验证。"),
    "SIG_RAW_RS": ("The signature value is a bare pair of numbers; this is tolerated.", "签名值为裸 r‖s 形式，予以容许。"),
    "SIG_ALGORITHM_UNSUPPORTED": ("The algorithm {algorithm} is not supported.", "不支持算法 {algorithm}。"),
    "SIG_ALGORITHM_WEAK": ("The algorithm {algorithm} is too weak to rely on.", "算法 {algorithm} 强度不足，不可信赖。"),
    "SIGNER_CERT_ABSENT": ("The signer's certificate is not in the signature.", "签名中没有签名者证书。"),
    "SIG_TIME_UNPROVEN": (
        "Only the signer states the time of signing ({claimed_at}); no time-stamp proves it.",
        "签名时间（{claimed_at}）仅由签名者自称，没有时间戳证明。",
    ),
    "SIG_TIME_IN_FUTURE": (
        "The stated time of signing, {claimed_at}, lies after the time of verification, {at}.",
        "所声明的签名时间 {claimed_at} 晚于验证时间 {at}。",
    ),
    "SIG_TIME_AFTER_TIMESTAMP": (
        "The signer states a later time ({claimed_at}) than the time-stamp ({gen_at}).",
        "签名者声明的时间（{claimed_at}）晚于时间戳（{gen_at}）。",
    ),
}

# Time-stamps: RFC 3161, GB/T 20520
TIMESTAMP: Final = {
    "TS_OK": ("The time-stamp of {gen_at} is genuine.", "时间戳（{gen_at}）有效。"),
    "TS_IMPRINT_OK": ("The time-stamp belongs to what was stamped.", "时间戳与被盖时间戳的数据一致。"),
    "TS_IMPRINT_BAD": (
        "The time-stamp belongs to something else; its time proves nothing here.",
        "时间戳属于其他数据，其时间不能作为证明。",
    ),
    "TS_BAD": ("The time-stamp is not sound ({reason}).", "时间戳无效（{reason}）。"),
    "TS_UNTRUSTED": (
        "The time-stamp authority is not known to be trusted ({reason}).",
        "无法确认时间戳服务机构可信（{reason}）。",
    ),
    "TS_TSA_CERT_BAD": ("The certificate of the time-stamp authority is not good ({reason}).", "时间戳服务机构的证书不合格（{reason}）。"),
    "TS_TIME_IN_FUTURE": (
        "The time-stamp states {gen_at}, which lies after the time of verification, {at}.",
        "时间戳时间 {gen_at} 晚于验证时间 {at}。",
    ),
    "TS_EXTENSIONS_IGNORED": ("The time-stamp has extensions that were not used.", "时间戳含有未使用的扩展项。"),
    "TS_TOO_MANY": (
        "The signature carries {found} time-stamps; at most {limit} are checked.",
        "签名带有 {found} 个时间戳，最多核验 {limit} 个。",
    ),
    "TS_BEFORE_CREATE": ("The time-stamp is older than what it stamps.", "时间戳早于被盖时间戳的数据。"),
}

# Certificates, chains and revocation: RFC 5280, GB/T 20518
CERTIFICATE: Final = {
    "CERT_CHAIN_OK": (
        "The certificate comes from {issuer}; its chain leads to the trust anchor {anchor}.",
        "证书由 {issuer} 颁发，证书链通向信任锚 {anchor}。",
    ),
    "CERT_CHAIN_BAD": ("The certificate chain does not hold at {certificate} ({reason}).", "证书链在 {certificate} 处不成立（{reason}）。"),
    "CERT_NO_ANCHOR": (
        "No trust anchor is known for the certificate {certificate} ({reason}).",
        "证书 {certificate} 没有已知的信任锚（{reason}）。",
    ),
    "CERT_USAGE_OK": ("The certificate may be used for this purpose ({purpose}).", "证书可用于此用途（{purpose}）。"),
    "CERT_USAGE_BAD": (
        "The certificate {certificate} may not be used for this purpose ({reason}).",
        "证书 {certificate} 不得用于此用途（{reason}）。",
    ),
    "CERT_TIME_OK": ("Every certificate was valid at {at}.", "各证书在 {at} 时均在有效期内。"),
    "CERT_NOT_VALID_AT_TIME": (
        "The certificate {certificate} was not valid at {at} ({reason}).",
        "证书 {certificate} 在 {at} 时不在有效期内（{reason}）。",
    ),
    "CERT_EXPIRED_AFTER": (
        "The certificate {certificate} was valid at the relevant time and has expired since ({expired_at}).",
        "证书 {certificate} 在相关时间有效，此后（{expired_at}）已过期。",
    ),
    "CERT_REVOCATION_OK": ("The certificate {certificate} was not revoked ({source}).", "证书 {certificate} 未被撤销（{source}）。"),
    "CERT_REVOCATION_NOT_AVAILABLE": (
        "No revocation was checked for the certificate {certificate}: its issuer publishes none for it, since it is valid for {days} days alone.",
        "未核验证书 {certificate} 的撤销状态：该证书有效期仅 {days} 天，颁发者不为其发布撤销信息。",
    ),
    "CERT_REVOCATION_NOT_PUBLISHED": (
        "The issuers under {anchor} publish no revocation data, so none was checked for {certificate}.",
        "信任锚 {anchor} 下不发布撤销信息，未核验证书 {certificate} 的撤销状态。",
    ),
    "CERT_REVOKED_BEFORE": (
        "The certificate {certificate} had been revoked by then ({revoked_at}).",
        "证书 {certificate} 在此之前（{revoked_at}）已被撤销。",
    ),
    "CERT_REVOKED_AFTER": (
        "The certificate {certificate} was good at the relevant time and was revoked later ({revoked_at}).",
        "证书 {certificate} 在相关时间有效，之后（{revoked_at}）被撤销。",
    ),
    "CERT_REVOCATION_UNKNOWN": (
        "Whether the certificate {certificate} was revoked is not known ({status}).",
        "无法确定证书 {certificate} 是否被撤销（{status}）。",
    ),
    "CERT_WEAK_ALGORITHM": (
        "The chain of {certificate} rests on an algorithm too weak to rely on.",
        "证书 {certificate} 的证书链使用了强度不足的算法。",
    ),
    "CERT_PROFILE_DEVIATION": (
        "The certificate {certificate} deviates from the national profile in: {deviation}.",
        "证书 {certificate} 与国家标准格式不一致之处：{deviation}。",
    ),
    "CERT_DIGEST_ALG_UNKNOWN": ("A certificate digest uses an unknown algorithm ({algorithm}).", "证书摘要所用算法（{algorithm}）未知。"),
}
