"""What the share interface calls things: return codes, results of verifying, names of members. Whether they are those of GB/T 36906 itself
could not be read; they are those of a municipal service in use, kept here as data so that a region's own can be put in their place.
"""

from __future__ import annotations

from typing import Final

OK: Final = 0
NOT_PROVIDED: Final = 2
NO_MATCH: Final = 10
NOT_AUTHENTICATED: Final = 11
MISSING: Final = 12
TYPE_UNPUBLISHED: Final = 13
ENDED: Final = 21
EXPIRED: Final = 22
RESTRICTED: Final = 23
OTHER: Final = 99
NOT_PERMITTED: Final = 100
BAD_PARAMETER: Final = 102
BAD_HOLDER_TYPE: Final = 103
BAD_TYPE: Final = 113

RETURN_CODES: Final = {
    OK: "成功",
    NOT_PROVIDED: "证照源不提供此服务",
    NO_MATCH: "未查询到符合条件的证照",
    NOT_AUTHENTICATED: "身份认证失败",
    MISSING: "必填项为空",
    TYPE_UNPUBLISHED: "证照类型不存在或未发布",
    ENDED: "证照已废止或注销",
    EXPIRED: "证照已过期",
    RESTRICTED: "证照使用受限",
    OTHER: "其他错误",
    NOT_PERMITTED: "无此证照类型的使用权限",
    101: "证照状态配置错误",
    BAD_PARAMETER: "参数错误",
    BAD_HOLDER_TYPE: "持证主体代码类型错误",
    105: "证照目录不存在",
    106: "证照目录未启用",
    107: "证照模板不存在",
    108: "证照模板未启用",
    109: "证照编号为空",
    110: "持证主体代码为空",
    111: "持证主体为空",
    BAD_TYPE: "证照类型代码错误",
}
"""head.status -> what it says."""

FIELDS: Final = {
    "purpose": ("useCause", "certificateCopyCause"),
    "reason": ("useCause", "certificateCopyCause"),
    "made_by": ("certificateCopyCreator",),
    "until": ("expiryTime", "certificateCopyExpiringTime"),
    "officer.name": ("operator.name",),
    "officer.role": ("operator.role",),
    "officer.division": ("operator.division",),
}
"""Our field -> what the calls that have it call it."""

REFUSALS: Final = {
    "TOKEN_MISSING": NOT_AUTHENTICATED,
    "TOKEN_INVALID": NOT_AUTHENTICATED,
    "TOKEN_EXPIRED": NOT_AUTHENTICATED,
    "TOKEN_REVOKED": NOT_AUTHENTICATED,
    "SCOPE_MISSING": NOT_AUTHENTICATED,
    "SHARE_MEMBER_MISSING": MISSING,
    "SHARE_REQUEST_MALFORMED": BAD_PARAMETER,
    "SHARE_HOLDER_TYPE_UNKNOWN": BAD_HOLDER_TYPE,
    "FIELD_UNACCEPTABLE": BAD_PARAMETER,
    "LICENCE_SHARING_DENIED": NOT_PERMITTED,
    "USE_CODE_PURPOSE_DIFFERS": NOT_PERMITTED,
    "USE_CODE_WITHDRAWN": NOT_PERMITTED,
    "LICENCE_TYPE_NOT_PUBLISHED": TYPE_UNPUBLISHED,
    "LICENCE_NOT_FOUND": NO_MATCH,
    "LICENCE_ERASED": NO_MATCH,
    "LICENCE_OF_HOLDER_NOT_FOUND": NO_MATCH,
    "SHARE_NO_MATCH": NO_MATCH,
    "USE_CODE_UNKNOWN": NO_MATCH,
    "USE_CODE_USED": NO_MATCH,
    "USE_CODE_EXPIRED": NO_MATCH,
    "LICENCE_SEALER_MISSING": NOT_PROVIDED,
    "LICENCE_STATE_CONFLICT": RESTRICTED,  # revoked or suspended while its copy was made
}
"""Our stable code -> head.status; LICENCE_NOT_IN_FORCE carries its own by the status rule of the type, and what is not here is OTHER."""

MISSING_MEMBERS: Final = {"certNo": 109, "holderCode": 110, "holder": 111}
"""Members that have a code of their own where they are missing."""

MALFORMED_MEMBERS: Final = {"certTypeCode": BAD_TYPE}
"""Members that have a code of their own where they are not of their form."""

RESULTS: Final = {
    "valid": ("1", "信息正确，证照有效"),
    "valid_copy": ("1", "信息正确，证照有效；此文件为加注件，不是原件"),
    "not_yet": ("2", "证照尚未生效"),
    "restricted": ("3", "证照暂时失效"),
    "ended": ("4", "证照已失效"),
    "copy_over": ("4", "加注件已过有效期"),
    "differs": ("5", "部分信息有误"),
    "not_found": ("6", "未找到证照"),
    "unknown": ("7", "信息不完整，无法判定"),
}
"""What verifying answers: result and message. What is not known is never called valid."""
