"""Sentences on electronic seals and the containers that carry them."""

from __future__ import annotations

from typing import Final

# Electronic seals: GB/T 38540, GM/T 0031
SEAL: Final = {
    "SES_MALFORMED": ("The seal data cannot be read ({reason}).", "印章数据无法解析（{reason}）。"),
    "SES_VERSION_UNKNOWN": ("The seal data state the unknown version {found}.", "印章数据的版本号 {found} 未知。"),
    "SES_VERSION_MISMATCH": ("Seal and signature state different versions.", "印章与签名的版本号不一致。"),
    "SES_ENCODING_NONDER": (
        "The field {where} is not encoded in strict DER ({found}); this is tolerated.",
        "字段 {where} 不是严格的 DER 编码（{found}），予以容许。",
    ),
    "SES_RAW_RS": (
        "The signature value in {where} is a bare pair of numbers; this is tolerated.",
        "{where} 的签名值为裸 r‖s 形式，予以容许。",
    ),
    "SES_OID_ALIAS": (
        "The signature algorithm in {where} has an older identifier ({found}); this is tolerated.",
        "{where} 的签名算法使用旧标识（{found}），予以容许。",
    ),
    "SES_TAG_VARIANT": (
        "The field {where} is tagged in another way than the standard says ({found}); this is tolerated.",
        "字段 {where} 的标签与标准不同（{found}），予以容许。",
    ),
    "SES_CRITICAL_EXT_UNKNOWN": ("The seal has an unknown critical extension ({extension}).", "印章含未知的关键扩展项（{extension}）。"),
    "SEAL_SIG_BAD": ("The maker's signature on the seal does not verify.", "印章的制章者签名验证不通过。"),
    "SEAL_MAKING_UNPROVEN": (
        "Trust in who made the seal ended on {undone_at}, and nothing shows that the seal is older.",
        "印章制作者自{undone_at}起不再可信，且无法证明印章在此之前制作。",
    ),
    "SEAL_MAKE_TIME_BAD": ("The seal was made outside the validity of the maker's certificate.", "制章时间不在制章者证书有效期内。"),
    "SEAL_NOT_YET_VALID": ("The seal was not yet valid at the time of signing.", "签名时印章尚未生效。"),
    "SEAL_EXPIRED_AT_SIGNING": ("The seal had expired at the time of signing.", "签名时印章已过期。"),
    "SEAL_EXPIRED_NOW": ("The seal has expired since.", "印章现已过期。"),
    "SEAL_REVOKED": (
        "The published status of the seal was {status} since {since} ({cause}).",
        "印章自 {since} 起的公布状态为 {status}（{cause}）。",
    ),
    "SEAL_STATUS_UNKNOWN": ("The status of the seal is not known ({reason}).", "印章状态未知（{reason}）。"),
    "SIGNER_NOT_IN_SEAL": ("The signer's certificate is not listed in the seal.", "签名者证书不在印章的证书列表中。"),
    "DATA_HASH_BAD": ("The original data are not those that were sealed.", "原文杂凑值不一致，原文被改动。"),
    "DATA_HASH_ZA_VARIANT": (
        "The digest includes the signer's identity; this reading is tolerated.",
        "杂凑值按含 Z_A 的方式计算，予以容许。",
    ),
    "DATA_MISSING": ("The original data are missing.", "缺少原文。"),
    "SES_CERT_LIST_ENTRY_BAD": (
        "An entry of the certificate list is no certificate ({where}); it was passed over.",
        "证书列表中有一项不是证书（{where}），已跳过。",
    ),
    "SES_TIME_UNREADABLE": ("The stated time of sealing cannot be read ({where}).", "所声明的签章时间无法解析（{where}）。"),
    "SES_FORMAT_OK": ("The seal data follow version {version} of the format.", "印章数据符合第 {version} 版格式。"),
    "SEAL_SIG_OK": ("The maker's signature on the seal verifies.", "印章的制章者签名验证通过。"),
    "SEAL_MAKE_TIME_OK": (
        "The seal was made within its validity and that of the maker's certificate ({made_at}).",
        "制章时间（{made_at}）在印章和制章者证书的有效期内。",
    ),
    "SEAL_CREATE_TIME_SHIFTED": (
        "The stated making time {made_at} lies after {limit}; it looks like local time written as UTC and is tolerated.",
        "所声明的制章时间 {made_at} 晚于 {limit}，疑为以 UTC 书写的北京时间，予以容许。",
    ),
    "SEAL_TIME_OK": (
        "The seal was valid at the relevant time ({valid_from} to {valid_until}).",
        "印章在相关时间有效（{valid_from} 至 {valid_until}）。",
    ),
    "SEAL_VERSION_READ_ONLY": (
        "Data version {version} is read and verified here, never signed with.",
        "数据版本 {version} 在此只读取和验证，不用于签章。",
    ),
    "SIGNER_IN_SEAL": ("The signer's certificate is listed in the seal.", "签名者证书在印章的证书列表中。"),
    "DATA_HASH_OK": ("The original data are those that were sealed.", "原文杂凑值一致，即为签章时的原文。"),
    "SEAL_STATUS_OK": ("The published status of the seal is valid.", "印章的公布状态为有效。"),
    "SEAL_STATUS_NOT_ASKED": (
        "No status list is at hand, so the published status of the seal was not asked for.",
        "没有状态列表，未查询印章的公布状态。",
    ),
    "SEAL_REVOKED_AFTER": (
        "The seal was valid when used and became {status} later ({since}).",
        "印章在签章时有效，之后（{since}）状态变为 {status}。",
    ),
    "SEAL_STATUS_LIST_OK": ("The status list {number} of {issued_at} is current.", "状态列表 {number}（{issued_at}）在有效期内。"),
    "SEAL_STATUS_LIST_BAD": ("The status list cannot be relied on ({reason}).", "状态列表不可信赖（{reason}）。"),
}

# Containers: GB/T 33190, GM/T 0099
CONTAINER: Final = {
    "REF_HASH_BAD": ("The protected file {path} was changed.", "受保护的文件 {path} 被改动。"),
    "REF_MISSING": ("The protected file {path} is missing.", "缺少受保护的文件 {path}。"),
    "SIGNED_VALUE_MISSING": ("The signature value is missing.", "缺少签名值。"),
    "SEAL_FILE_MISMATCH": ("The separate seal file differs from the seal in the signature.", "单独存放的印章与签名中的印章不一致。"),
    "OFD_ENTRY_UNPROTECTED": (
        "The entry file is outside the protected files; its information is not proven.",
        "入口文件不在保护范围内，其信息未经证明。",
    ),
    "UNPROTECTED_REACHABLE": ("The file {path} can be shown but is not protected.", "文件 {path} 可被显示但不在保护范围内。"),
    "UNPROTECTED_UNREFERENCED": ("The file {path} is not protected and not used.", "文件 {path} 未受保护且未被引用。"),
    "DUPLICATE_ENTRY": ("The container holds {path} more than once.", "容器中 {path} 重复。"),
    "BAD_PATH": ("The container holds the unsafe path {path}.", "容器中含不安全路径 {path}。"),
}
