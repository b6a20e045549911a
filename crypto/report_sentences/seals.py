"""Sentences on electronic seals and the containers that carry them."""

from __future__ import annotations

from typing import Final

# Electronic seals: GB/T 38540, GM/T 0031
SEAL: Final = {
    "SES_MALFORMED": ("The seal data cannot be read ({reason}).", "印章数据无法解析（{reason}）。"),
    "SES_VERSION_UNKNOWN": ("The seal data state the unknown version {found}.", "印章数据的版本号 {found} 未知。"),
    "SES_VERSION_MISMATCH": ("Seal and signature state different versions.", "印章与签名的版本号不一致。"),
    "SES_ENCODING_NONDER": ("The seal data are not encoded in strict DER; this is tolerated.", "印章数据不是严格的 DER 编码，予以容许。"),
    "SES_RAW_RS": ("The signature value is a bare pair of numbers; this is tolerated.", "签名值为裸 r‖s 形式，予以容许。"),
    "SES_OID_ALIAS": ("The signature algorithm has an older identifier; this is tolerated.", "签名算法使用旧标识，予以容许。"),
    "SES_TAG_VARIANT": ("A field is tagged in another way than the standard says; this is tolerated.", "某字段标签与标准不同，予以容许。"),
    "SES_CRITICAL_EXT_UNKNOWN": ("The seal has an unknown critical extension ({extension}).", "印章含未知的关键扩展项（{extension}）。"),
    "SEAL_SIG_BAD": ("The maker's signature on the seal does not verify.", "印章的制章者签名验证不通过。"),
    "SEAL_MAKE_TIME_BAD": ("The seal was made outside the validity of the maker's certificate.", "制章时间不在制章者证书有效期内。"),
    "SEAL_NOT_YET_VALID": ("The seal was not yet valid at the time of signing.", "签名时印章尚未生效。"),
    "SEAL_EXPIRED_AT_SIGNING": ("The seal had expired at the time of signing.", "签名时印章已过期。"),
    "SEAL_EXPIRED_NOW": ("The seal has expired since.", "印章现已过期。"),
    "SEAL_REVOKED": ("The seal has been revoked.", "印章已被撤销。"),
    "SEAL_STATUS_UNKNOWN": ("The status of the seal is not known.", "印章状态未知。"),
    "SIGNER_NOT_IN_SEAL": ("The signer's certificate is not listed in the seal.", "签名者证书不在印章的证书列表中。"),
    "DATA_HASH_BAD": ("The original data are not those that were sealed.", "原文杂凑值不一致，原文被改动。"),
    "DATA_HASH_ZA_VARIANT": (
        "The digest includes the signer's identity; this reading is tolerated.",
        "杂凑值按含 Z_A 的方式计算，予以容许。",
    ),
    "DATA_MISSING": ("The original data are missing.", "缺少原文。"),
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
