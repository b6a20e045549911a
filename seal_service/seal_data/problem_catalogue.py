"""The entries of seal data in the error catalogue: cause and what to do, in English and Chinese."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register


def _making(code: str, cause_en: str, cause_zh: str, remedy_en: str, remedy_zh: str) -> ProblemText:
    return ProblemText(code, "Seal cannot be made", "无法制作印章", cause_en, cause_zh, remedy_en, remedy_zh)


def _sealing(code: str, cause_en: str, cause_zh: str, remedy_en: str, remedy_zh: str) -> ProblemText:
    return ProblemText(code, "Seal cannot be used", "无法用章", cause_en, cause_zh, remedy_en, remedy_zh)


TEXTS: Final = (
    ProblemText(
        "SES_MALFORMED",
        "Seal data not readable",
        "印章数据无法读取",
        "The bytes are no seal or sealing value of GB/T 38540 or GM/T 0031.",
        "数据不是 GB/T 38540 或 GM/T 0031 的印章或签章数据。",
        "Send the file as the issuing system wrote it.",
        "请原样发送签发系统写出的文件。",
    ),
    ProblemText(
        "SEAL_STATUS_LIST_MALFORMED",
        "Status list not readable",
        "状态列表无法读取",
        "The list of the status of seals is malformed.",
        "印章状态列表格式错误。",
        "Fetch the list anew from who publishes it.",
        "请向发布方重新获取列表。",
    ),
    ProblemText(
        "SEAL_STATUS_UNACCEPTABLE",
        "Status list not writable",
        "状态列表无法写出",
        "The list holds a time with fractions of a second, a repeated seal or a value over its limit.",
        "列表含有带小数秒的时间、重复的印章或超出上限的值。",
        "Correct the records that the list is made from.",
        "请更正生成列表所用的记录。",
    ),
    _making(
        "SES_VALUE_UNACCEPTABLE",
        "A value of the seal breaks a rule of the standard or a limit.",
        "印章的某个值违反标准或超出上限。",
        "Correct the field named in `facts`.",
        "请更正 facts 所示字段。",
    ),
    _making(
        "SEAL_CERTIFICATE_UNACCEPTABLE",
        "A certificate that would go into the seal cannot be read, or its key may not sign or is not SM2.",
        "将写入印章的证书无法读取，或其密钥不得用于签名，或不是 SM2 密钥。",
        "Obtain an SM2 signing certificate by GB/T 20518.",
        "请按 GB/T 20518 取得 SM2 签名证书。",
    ),
    _making(
        "SEAL_MAKER_UNACCEPTABLE",
        "The maker's certificate is not good for making seals now.",
        "制章者证书当前不能用于制章。",
        "Renew the maker's certificate, and check the trust list for its anchor and revocation data.",
        "请更新制章者证书，并检查信任列表中的信任锚和吊销信息。",
    ),
    _making(
        "SEAL_MAKING_INCOMPLETE",
        "A seal of version 5 is made only with the maker's certificate verified and a time-stamp over the maker's signature.",
        "制作第 5 版印章必须先验证制章者证书，并对制章签名加盖时间戳。",
        "Configure a trust list and a time-stamp authority, or make a seal of version 4.",
        "请配置信任列表和时间戳服务，或制作第 4 版印章。",
    ),
    _sealing(
        "SEAL_VERSION_UNACCEPTABLE",
        "Seals of GM/T 0031-2014 are verified, but no longer used for sealing.",
        "GM/T 0031-2014 的印章只验证，不再用于签章。",
        "Have the seal made again in version 4.",
        "请按第 4 版重新制作印章。",
    ),
    _sealing(
        "SEAL_NOT_VALID_AT_SIGNING",
        "The time of sealing is outside the validity of the seal or of the signer's certificate.",
        "签章时间不在印章或签章者证书的有效期内。",
        "Have the seal made again with a current certificate.",
        "请用当前证书重新制作印章。",
    ),
    _sealing(
        "SEAL_SIGNER_NOT_LISTED",
        "The signer's certificate is not in the seal. A renewed certificate needs a seal made again.",
        "签章者证书不在印章中。证书更新后须重新制作印章。",
        "Have the seal made again for the present certificate.",
        "请用当前证书重新制作印章。",
    ),
    _sealing(
        "SEAL_KEY_MISMATCH",
        "The key is not that of the certificate, or does not sign SM2 with SM3.",
        "密钥与证书不符，或不是 SM2 与 SM3 签名密钥。",
        "Use the key that belongs to the seal's certificate.",
        "请使用与印章证书对应的密钥。",
    ),
    _sealing(
        "SEAL_DATA_HASH_UNACCEPTABLE",
        "The digest of the original is not 32 bytes of SM3.",
        "原文杂凑值不是 32 字节的 SM3 值。",
        "Compute SM3 over the original.",
        "请计算原文的 SM3 值。",
    ),
)
register(*TEXTS)
