"""The few words that pages also say in Mongolian, in the traditional script: verdicts and headings.

**No fluent reader has approved them yet.** Pages that show them say so (``AWAITING_READER``); ``docs/reference/mongolian-words.md`` has the
table to be corrected, and a test compares it with this one. Suffixes are joined by U+202F, as the script wants; U+180E stands before a separated
vowel. Written vertically: class ``mongolian`` of ``mongolian.css``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

IS_APPROVED: Final = False
AWAITING_READER: Final = (
    "蒙古文用词尚待通晓蒙古文的人员审定，仅供参考；以中文为准。",
    "The Mongolian words await a fluent reader. They are for orientation; the Chinese counts.",
)
"""(Chinese, English): what stands where Mongolian words are shown."""


@dataclass(frozen=True, slots=True)
class MongolianWord:
    """``written``: traditional script; ``reading``: its transliteration; ``cyrillic``: the same word as it is spelled in Cyrillic, from which
    dictionaries are searched; ``chinese``: what it stands for here.
    """

    written: str
    reading: str
    cyrillic: str
    chinese: str


WORDS: Final = {
    # Verdicts
    "valid": MongolianWord("ᠬᠦᠴᠦᠨ\u202fᠲᠡᠢ", "küčün-tei", "хүчинтэй", "有效"),
    "invalid": MongolianWord("ᠬᠦᠴᠦᠨ ᠦᠭᠡᠢ", "küčün ügei", "хүчингүй", "无效"),
    "indeterminate": MongolianWord("ᠲᠣᠳᠣᠷᠬᠠᠢ ᠪᠤᠰᠤ", "todorqai busu", "тодорхой бус", "无法判断"),
    # States
    "expired": MongolianWord("ᠬᠤᠭᠤᠴᠠᠭ\u180eᠠ ᠥᠩᠭᠡᠷᠡᠭᠰᠡᠨ", "quγučaγ-a önggeregsen", "хугацаа өнгөрсөн", "已过期"),
    "changed": MongolianWord("ᠥᠭᠡᠷᠡᠴᠢᠯᠡᠭᠳᠡᠭᠰᠡᠨ", "ögerečilegdegsen", "өөрчлөгдсөн", "被改动"),
    # Headings
    "language": MongolianWord("ᠮᠣᠩᠭᠣᠯ", "mongγol", "монгол", "蒙古文"),
    "licence": MongolianWord("ᠦᠨᠡᠮᠯᠡᠯ", "ünemlel", "үнэмлэх", "证照"),
    "my_licences": MongolianWord("ᠮᠢᠨᠦ ᠦᠨᠡᠮᠯᠡᠯ", "minu ünemlel", "миний үнэмлэх", "我的证照"),
    "seal": MongolianWord("ᠲᠠᠮᠠᠭ\u180eᠠ", "tamaγ-a", "тамга", "印章"),
    "verify": MongolianWord("ᠱᠢᠯᠭᠠᠨ ᠪᠠᠶᠢᠴᠠᠭᠠᠬᠤ", "šilγan bayičaγaqu", "шалган байцаах", "验证"),
    "show": MongolianWord("ᠦᠵᠡᠭᠦᠯᠬᠦ", "üǰegülkü", "үзүүлэх", "出示"),
    "validity": MongolianWord("ᠬᠦᠴᠦᠨ\u202fᠲᠡᠢ ᠬᠤᠭᠤᠴᠠᠭ\u180eᠠ", "küčün-tei quγučaγ-a", "хүчинтэй хугацаа", "有效期"),
}


def in_mongolian(name: str) -> str:
    """A word as it is written; KeyError for one that is not here."""
    return WORDS[name].written
