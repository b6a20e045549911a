"""The error catalogue: every code with its cause and what to do, in English and Chinese."""

from __future__ import annotations

from typing import Final

import yinxin.assembly  # noqa: F401 - importing the whole house enters every code
from service_kit.problem_catalogue import all_texts

HEADER: Final = """# Error catalogue 错误代码表

Every error answer carries a stable `code`. This page is written by `make docs` from the catalogue that the service itself answers with
(`/problems/{code}`).
"""


def render() -> str:
    """CommonMark, one section per code, sorted."""
    return HEADER + "".join(
        f"\n## {text.code}\n\n**{text.title_en}** {text.cause_en} *What to do:* {text.remedy_en}\n\n"
        f"**{text.title_zh}** {text.cause_zh} *处理办法：* {text.remedy_zh}\n"
        for text in all_texts()
    )
