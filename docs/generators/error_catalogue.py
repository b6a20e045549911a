"""The error catalogue: every code with its cause and what to do, in English and Chinese."""

from __future__ import annotations

from typing import Final

import yinxin.assembly  # noqa: F401 - importing the whole house enters every code
from service_kit.problem_catalogue import all_texts

HEADER: Final = """# Error catalogue 错误代码表

Every error answer carries a stable `code`. This page is written by `make docs` from the catalogue that the service itself answers with
(`/problems/{code}`). *No later start mends it* stands with codes over which `yinxin serve` ends with status 78: what ends with another status may be
mended by trying again.
"""
_LASTING_EN: Final = " *No later start mends it.*"
_LASTING_ZH: Final = " *再次启动不会好转。*"


def render() -> str:
    """CommonMark, one section per code, sorted."""
    return HEADER + "".join(
        f"\n## {text.code}\n\n**{text.title_en}** {text.cause_en} *What to do:* {text.remedy_en}{_LASTING_EN * text.is_lasting}\n\n"
        f"**{text.title_zh}** {text.cause_zh} *处理办法：* {text.remedy_zh}{_LASTING_ZH * text.is_lasting}\n"
        for text in all_texts()
    )
