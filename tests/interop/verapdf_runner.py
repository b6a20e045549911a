"""veraPDF, the judge of PDF/A that the industry agreed on: the small Java program in ``verapdf/`` run against its jars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.interop.maven_jars import programs_against

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.interop.java_runner import JavaPrograms

SOURCES = Path(__file__).parent / "verapdf"


def verapdf_programs() -> AbstractContextManager[JavaPrograms]:
    """The program. Skips where no JDK or no veraPDF is to be had."""
    return programs_against("verapdf", SOURCES, "validation-model")
