"""Sentences on licence files: GB/T 36901 to 36905, what they say, and what the log and the status list say of them."""

from __future__ import annotations

from typing import Final

LICENCE: Final = {
    "LICENCE_NUMBER_VALID": ("The licence's identifier is well formed and its check character right.", "证照标识格式正确，校验位正确。"),
    "LICENCE_NUMBER_LEGACY": (
        "The identifier's check character is that of an older way of computing it, which some systems use.",
        "证照标识的校验位采用部分系统使用的旧算法。",
    ),
    "LICENCE_NUMBER_INVALID": ("The licence's identifier is not one ({rule}).", "证照标识无效（{rule}）。"),
    "LICENCE_NOT_ASKED_FOR": ("It is not the licence that was asked for.", "并非所查询的证照。"),
    "LICENCE_NUMBER_OTHER": ("The identifier names another {part} than the licence.", "证照标识中的 {part} 与证照内容不一致。"),
    "LICENCE_NUMBER_CREDIT_CODE": (
        "A credit code inside the identifier does not pass its own check.",
        "证照标识中的统一社会信用代码未通过自身校验。",
    ),
    "LICENCE_DATA_MISSING": ("The sealed file holds no licence data.", "盖章文件中没有证照数据。"),
    "LICENCE_DATA_UNREADABLE": ("The licence data cannot be read: {place}, {rule}.", "证照数据无法解析：{place}，{rule}。"),
    "LICENCE_DATA_READ": ("The licence data stand inside what was sealed.", "证照数据在签章保护范围之内。"),
    "LICENCE_SEALS_HOLD": ("The seals of the file hold.", "文件签章有效。"),
    "LICENCE_SEALS_FAIL": ("The seals of the file do not hold.", "文件签章无效。"),
    "LICENCE_SEALS_UNKNOWN": ("Whether the seals of the file hold cannot be told.", "无法判断文件签章是否有效。"),
    "LICENCE_SEALER_UNKNOWN": ("Whose seal it is cannot be told.", "无法判断印章归属。"),
    "LICENCE_SEALED_BY_ISSUER": ("The file is sealed by the issuer {expected}.", "文件由颁发机构{expected}盖章。"),
    "LICENCE_ISSUER_NAME_OTHER": (
        "The licence calls its issuer {found}; the certificate of the seal, of the same credit code, says {expected}.",
        "证照所载颁发机构名称为{found}；印章证书中同一统一社会信用代码的机构名称为{expected}。",
    ),
    "LICENCE_SEALED_BY_OTHER": (
        "The file is sealed by {found}, not by the issuer {expected}.",
        "文件由{found}盖章，而非颁发机构{expected}。",
    ),
    "LICENCE_SHOWN_BESIDE": (
        "Beside the seal of the issuer {found} has put something on the page that the issuer does not answer for: look at what it shows or covers.",
        "除颁发机构印章外，{found}也在页面上签章，其显示或遮盖的内容不由颁发机构负责，请人工核对。",
    ),
    "LICENCE_COMMITTED": ("The entry in the log is that of this very licence.", "日志条目正是本证照的条目。"),
    "LICENCE_LEAF_MISSING": ("The file does not hold its entry in the log.", "文件未附日志条目。"),
    "LICENCE_LEAF_UNREADABLE": ("The entry in the log cannot be read ({rule}).", "日志条目无法解析（{rule}）。"),
    "LICENCE_LEAF_OTHER": ("The entry in the log is that of another licence ({member}).", "日志条目属于另一份证照（{member}）。"),
    "LICENCE_PROOF_MISSING": ("The file does not hold the proof {name}.", "文件未附证明 {name}。"),
    "LICENCE_PROOF_UNREADABLE": ("The proof {name} cannot be read ({rule}).", "证明 {name} 无法解析（{rule}）。"),
    "LICENCE_LOG_UNKNOWN": ("The log {origin} is not known here.", "日志 {origin} 不在信任列表中。"),
    "LICENCE_NOT_SHOWN_LOGGED": ("That the licence is in a public log is not shown.", "未能证明证照已记入公开日志。"),
    "LICENCE_IN_FORCE": ("The licence is in force by its days.", "证照在有效期内。"),
    "LICENCE_ISSUED_IN_FUTURE": (
        "The licence says that it was issued on {issued_on}, a day that is still to come.",
        "证照所载颁发日期 {issued_on} 尚未到来。",
    ),
    "LICENCE_NOT_YET_VALID": ("The licence is in force only from {valid_from}.", "证照自 {valid_from} 起生效。"),
    "LICENCE_EXPIRED": ("The licence was in force until {valid_to}.", "证照有效期至 {valid_to}，已过期。"),
    "LICENCE_STATUS_SIGNER_UNKNOWN": ("Who signs the status list {list} is not known here.", "状态列表 {list} 的签名者不在信任列表中。"),
    "LICENCE_STATUS_NOT_AT_HAND": (
        "The status list {list} is not at hand: whether the licence was revoked is not known.",
        "没有状态列表 {list}：无法得知证照是否已被吊销。",
    ),
    "LICENCE_STATUS_KEY_WITHDRAWN": (
        "The status list {list} at hand was signed by a key that was withdrawn: it tells nothing.",
        "现有状态列表 {list} 的签名密钥已被撤回，不能采信。",
    ),
    "LICENCE_STATUS_PLACE_UNPROVEN": (
        "The licence's place in the status list is known from the file alone.",
        "证照在状态列表中的位置仅由文件自身说明。",
    ),
    "LICENCE_HOLDER_MATCHES": ("The licence is held by whom was asked about.", "持证主体与所查一致。"),
    "LICENCE_HOLDER_NOT_SAID": ("The file does not say who holds the licence.", "文件中没有说明持证主体。"),
    "LICENCE_HOLDER_OTHER": ("The licence is not held by whom was asked about.", "持证主体与所查不一致。"),
    "LICENCE_COPY_FOR": (
        'This is an annotated copy and no original: made for {made_by}, for "{reason}", on {made_at}, to be used until {until}.',
        "这是加注件，不是原件：制作人 {made_by}，用途“{reason}”，制作时间 {made_at}，有效期至 {until}。",
    ),
    "LICENCE_COPY_IN_TIME": ("The copy may be used until {until}.", "加注件在有效期内，有效期至 {until}。"),
    "LICENCE_COPY_EXPIRED": ("The copy might be used until {until}, and no longer.", "加注件有效期至 {until}，已过期。"),
    "LICENCE_COPY_NOT_YET": ("The copy says that it was made only on {made_at}.", "加注件所述制作时间为 {made_at}，此时尚未制作。"),
    "LICENCE_COPY_NO_ORIGINAL": ("The original is asked for, and this is a copy.", "所需为原件，而此文件是加注件。"),
    "LICENCE_COPY_MIXED": (
        "The file says that it is an original and a copy at once.",
        "文件同时自称原件和加注件。",
    ),
    "LICENCE_COPY_MISSING": (
        "The file is an annotated copy, but does not say for whom, why and until when.",
        "文件为加注件，但未说明制作人、用途和有效期。",
    ),
    "LICENCE_COPY_UNREADABLE": ("What the copy says of itself cannot be read: {place}, {rule}.", "加注信息无法解析：{place}，{rule}。"),
    "LICENCE_COPY_OF_NOTHING": ("Of which licence it is a copy cannot be told.", "无法判断是哪份证照的加注件。"),
    "LICENCE_COPY_OF_OTHER": ("The copy was made of another licence than the one inside.", "加注信息属于另一份证照。"),
    "LICENCE_COPY_COMMITTED": ("The entry in the log is that of this very copy.", "日志条目正是本加注件的条目。"),
    "LICENCE_QR_GENUINE": ("The code was signed by a known issuer of licences.", "二维码由已知的证照签发方签名。"),
    "LICENCE_QR_HOLDERS_FIRST": (
        "A code names {limit} holders at most: whether the licence has more it does not say.",
        "二维码最多载明 {limit} 名持证主体，证照是否还有其他持证主体，二维码中没有说明。",
    ),
    "LICENCE_QR_NOT_GENUINE": (
        "The code is not one of a licence, or was changed ({reason}).",
        "二维码不是证照二维码，或已被改动（{reason}）。",
    ),
    "LICENCE_QR_KEY_WITHDRAWN": (
        "The key that signed the code was withdrawn: it tells nothing. Ask for a new print.",
        "二维码的签名密钥已被撤回，不能采信，请重新打印。",
    ),
    "LICENCE_QR_KEY_UNKNOWN": ("Who signed the code is not known here.", "二维码的签名者不在信任列表中。"),
}
