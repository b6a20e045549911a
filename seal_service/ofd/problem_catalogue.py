"""The entries of sealing OFD documents in the error catalogue: cause and what to do, in English and Chinese."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register


def _sealing(code: str, title: tuple[str, str], cause: tuple[str, str], remedy: tuple[str, str]) -> ProblemText:
    return ProblemText(code, *title, *cause, *remedy)


_UNSEALABLE: Final = ("OFD cannot be sealed", "OFD 文件无法签章")
_ORIGINAL: Final = (
    "Seal the document as its author's software wrote it, or have it written anew before anything is signed.",
    "请使用制作软件写出的原文件签章，或在签章前重新生成该文件。",
)

TEXTS: Final = (
    _sealing(
        "OFD_UNREADABLE",
        ("OFD not readable", "OFD 文件无法读取"),
        ("The file is no OFD package that can be read.", "文件不是可读取的 OFD 包。"),
        _ORIGINAL,
    ),
    _sealing(
        "OFD_UNACCEPTABLE",
        _UNSEALABLE,
        (
            "Readers would not agree on what the package shows, or a part of it is missing or unreadable; `found` names the trouble.",
            "各阅读软件对该包的内容会有不同解读，或有部件缺失、无法读取；`found` 指明问题所在。",
        ),
        _ORIGINAL,
    ),
    _sealing(
        "OFD_ENCRYPTED",
        _UNSEALABLE,
        ("The document is encrypted, so it cannot be seen what would be sealed.", "文件已加密，无法确认所签内容。"),
        ("Seal the document before it is encrypted.", "请在加密之前签章。"),
    ),
    _sealing(
        "OFD_LOCKED",
        ("Document is locked", "文件已锁定"),
        (
            "An earlier signature protects the list of signatures: any further one would break it.",
            "此前的签章保护了签名列表，再次签章会使其失效。",
        ),
        ("Seal a copy that is not locked; only the last to seal should lock.", "请使用未锁定的文件签章；只应由最后签章者锁定。"),
    ),
    _sealing(
        "OFD_SIGNATURES_UNCLEAR",
        _UNSEALABLE,
        (
            "The package holds signatures that no list names, or several lists: it cannot be told which of them count.",
            "包内有未列入签名列表的签名，或有多个签名列表，无法判断以哪个为准。",
        ),
        _ORIGINAL,
    ),
    _sealing(
        "OFD_SIGNATURES_TOO_MANY",
        _UNSEALABLE,
        ("The document carries as many signatures as one document may.", "文件中的签名数量已达上限。"),
        ("Seal another copy.", "请使用另一份文件签章。"),
    ),
    _sealing(
        "OFD_SIGNATURE_TOO_LARGE",
        _UNSEALABLE,
        ("The signature would describe more files or places than fit into it.", "签名需要描述的文件或位置过多。"),
        ("Choose fewer places, or split the document.", "请减少签章位置，或拆分文件。"),
    ),
    _sealing(
        "OFD_SIGN_NOT_SHOWN",
        ("Signature without a seal is not shown", "无印章的签名不显示图样"),
        (
            "A digital signature without a seal has no picture, so it takes no places and no seam.",
            "不带印章的数字签名没有图样，不能指定位置或骑缝。",
        ),
        ("Leave the placement out, or seal with the profile `seal`.", "请去掉位置，或使用 `seal` 形式签章。"),
    ),
    _sealing(
        "OFD_VALUE_UNACCEPTABLE",
        ("Signature value unacceptable", "签名值不可用"),
        ("What was handed in is no signature value of acceptable length.", "所提交的不是长度合适的签名值。"),
        ("Hand in the SES_Signature or SignedData that was made for this document.", "请提交为该文件生成的 SES_Signature 或 SignedData。"),
    ),
    _sealing(
        "OFD_ENTRIES_UNSEALED",
        ("List of files without a seal", "未签章文件不能加文件清单"),
        (
            "A list of files (GM/T 0099) names files and has no digests: without a seal beside it, it proves nothing of what is in them.",
            "GM/T 0099 文件清单只列文件名而无杂凑值，没有签章时不能证明文件内容。",
        ),
        ("Seal the document first, then add the list.", "请先签章，再添加文件清单。"),
    ),
    _sealing(
        "OFD_ENTRIES_PRESENT",
        ("List of files is there already", "已有文件清单"),
        ("The package has a list of its files (GM/T 0099) already.", "包内已有 GM/T 0099 文件清单。"),
        ("Leave the list as it is.", "请保留原有清单。"),
    ),
)
register(*TEXTS)
