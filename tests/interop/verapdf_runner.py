"""veraPDF, the judge of PDF/A that the industry agreed on: the small Java program in ``verapdf/`` run against its jars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.interop.maven_jars import compile_against

if TYPE_CHECKING:
    from tests.interop.java_runner import JavaPrograms

SOURCES = Path(__file__).parent / "verapdf"


def compile_verapdf_programs(folder: Path) -> JavaPrograms:
    """Compile the program. Skips where no JDK or no veraPDF is to be had."""
    return compile_against("verapdf", SOURCES, "validation-model", folder)
