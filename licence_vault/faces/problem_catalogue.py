"""The entries of licence faces in the error catalogue: cause and what to do, in English and Chinese."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

_DESIGN: Final = ("Design of the licence not usable", "证照样式不可用")
_CORRECT: Final = ("Correct the design (docs/reference/licence-files.md).", "请更正样式（见 docs/reference/licence-files.md）。")
_DRAWING: Final = ("Licence cannot be drawn", "无法生成证照文件")

TEXTS: Final = (
    ProblemText(
        "FACE_DESIGN_MALFORMED",
        *_DESIGN,
        "A member of the design breaks a rule; `facts` names the place and the rule.",
        "样式中有一项不符合规则，位置与规则见 facts。",
        *_CORRECT,
    ),
    ProblemText(
        "FACE_DESIGN_TOO_LARGE",
        *_DESIGN,
        "The design is over the limit named in `facts`.",
        "样式超出 facts 所示上限。",
        *_CORRECT,
    ),
    ProblemText(
        "FACE_BINDING_UNKNOWN",
        *_DESIGN,
        "A text of the design names something that licences do not have; `facts` shows it.",
        "样式文本引用了证照中没有的内容，见 facts。",
        *_CORRECT,
    ),
    ProblemText(
        "FACE_FIELD_MISSING",
        *_DRAWING,
        "The design shows an item that this licence lacks; `facts` names it.",
        "样式要显示的内容在该证照中缺失，名称见 facts。",
        "Add the item to the licence, or mark it as optional in the design.",
        "请为证照补充该项，或在样式中标为可选。",
    ),
    ProblemText(
        "FACE_TEXT_TOO_LONG",
        *_DRAWING,
        "A text does not fit its place even in the smallest letters that the design allows; `facts` shows the place; of a licence to be issued nothing was numbered yet.",
        "文本即使用样式允许的最小字号也放不下，位置见 facts；签发时尚未编号。",
        "Shorten the text, or give it more room in the design.",
        "请缩短文本，或在样式中留出更多空间。",
    ),
    ProblemText(
        "FACE_VALUE_BAD",
        *_DRAWING,
        "A watermark, a remark, an attachment or the text of the code is out of its rule; `facts` names it.",
        "水印、加注说明、附件或二维码文本不符合规则，见 facts。",
        "Correct the value.",
        "请更正该内容。",
    ),
    ProblemText(
        "LICENCE_QR_UNREADABLE",
        "Code not readable",
        "二维码无法识读",
        "The text is not that of a licence code made here; `facts` names the reason.",
        "文本不是本系统证照二维码的内容，原因见 facts。",
        "Scan the code again, in better light and as a whole.",
        "请在光线良好处重新完整扫描。",
    ),
    ProblemText(
        "LICENCE_QR_TOO_LARGE",
        "Code would be too large",
        "二维码内容过大",
        "What the code would have to say is over the limit named in `facts`; of a licence to be issued nothing was numbered yet, of a type it is the longest "
        "that its rules allow.",
        "二维码拟载内容超出 facts 所示上限；签发时尚未编号；对证照类型，按其规则允许的最长内容计算。",
        "Shorten the names, or take a lower level of error correction for the code: L holds most, then M, Q, H.",
        "请缩短名称，或降低二维码的纠错级别：L 容量最大，其次 M、Q、H。",
    ),
)

register(*TEXTS)
