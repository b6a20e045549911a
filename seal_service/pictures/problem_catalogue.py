"""The entries of drawing seals in the error catalogue: cause and what to do, in English and Chinese."""

from __future__ import annotations

from typing import Final

from service_kit.problem_catalogue import ProblemText, register

TEXTS: Final = (
    ProblemText(
        "SEAL_NAME_EMPTY",
        "Seal without a name",
        "印章没有名称",
        "A seal carries the registered name of its owner.",
        "印章须刊有单位的法定名称。",
        "Give the name.",
        "请填写名称。",
    ),
    ProblemText(
        "SEAL_NAME_TOO_LONG",
        "Name too long for the ring",
        "名称过长",
        "The characters would be too narrow to be read.",
        "字符会过窄而无法辨认。",
        "Use the statutory short name, or a larger seal where the rules allow one.",
        "请使用规范简称，或在规定允许时使用更大的印章。",
    ),
    ProblemText(
        "SEAL_PURPOSE_TOO_LONG",
        "Purpose line too long",
        "用途文字过长",
        "The line below the star holds up to 16 characters.",
        "五角星下方最多容纳 16 个字符。",
        "Shorten it.",
        "请缩短。",
    ),
    ProblemText(
        "SEAL_CODE_BAD",
        "Seal code not usable",
        "印章编码无效",
        "A seal code has 13 or 14 digits.",
        "印章编码为 13 或 14 位数字。",
        "Correct the code, or leave it away.",
        "请更正编码，或不填写。",
    ),
    ProblemText(
        "SEAL_SIZE_BAD",
        "Seal size not allowed",
        "印章尺寸不合规",
        "The diameter lies outside what can be drawn readably.",
        "直径超出可清晰绘制的范围。",
        "Choose a diameter between the limits in the facts; 42 mm is common.",
        "请使用详情所列范围内的直径；常用 42 毫米。",
    ),
    ProblemText(
        "SEAL_GLYPH_MISSING",
        "Character cannot be drawn",
        "字形缺失",
        "The typeface has no shape for a character of the name, and nothing else is drawn in its place.",
        "字体中没有名称所含字符的字形，系统不会以其他符号代替。",
        "Check the character (the facts give its code point), or choose a typeface that has it.",
        "请核对该字符（码位见详情），或选用包含该字的字体。",
    ),
    ProblemText(
        "SEAL_MONGOLIAN_BAD",
        "Mongolian name not usable",
        "蒙古文名称无效",
        "A bilingual seal needs the name in letters of the traditional script; other characters cannot be joined into its line.",
        "蒙汉双文印章须填写传统蒙古文名称，其他文字无法与之连写。",
        "Enter the name in traditional Mongolian (Unicode U+1800 to U+18AA), suffixes joined by U+202F.",
        "请以传统蒙古文录入（Unicode U+1800 至 U+18AA），词缀前使用 U+202F。",
    ),
    ProblemText(
        "SEAL_FACE_MISSING",
        "Typeface not installed",
        "缺少字体",
        "This machine has no face of the kind the design asks for; nothing is drawn with another one in its place.",
        "本机没有该印模所需的字体，系统不会用其他字体代替。",
        "Install the package named in the facts (Debian: fonts-noto-core for Mongolian, fonts-noto-cjk for Song), or choose `sans`.",
        "请安装详情所列的软件包（Debian：蒙古文为 fonts-noto-core，宋体为 fonts-noto-cjk），或选用 `sans`。",
    ),
    ProblemText(
        "SEAL_DESIGN_IMPOSSIBLE",
        "Parts of the design do not go together",
        "印模要素不能同时使用",
        "A field of the design does not fit its shape or arrangement; the facts name the field and the rule.",
        "印模中某一项与其形状或排列方式不符，详情列有该项及规则。",
        "Change the named field, or choose another shape.",
        "请修改所列项目，或改用其他形状。",
    ),
    ProblemText(
        "SEAL_DESIGN_MALFORMED",
        "Design cannot be read",
        "印模数据无法读取",
        "A field of the design is unknown, missing or of another type; it may have been written by a later program.",
        "印模数据中某一项未知、缺失或类型不符，可能由更高版本的程序写入。",
        "Correct the named field; see the reference on seal designs.",
        "请更正所列项目，参见印模参考文档。",
    ),
)

register(*TEXTS)
