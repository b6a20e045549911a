"""ofdrw, an OFD and seal library by others: the small Java programs in ``ofdrw/`` run against its jars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.interop.maven_jars import programs_against

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.interop.java_runner import JavaPrograms

SOURCES = Path(__file__).parent / "ofdrw"


def ofdrw_programs() -> AbstractContextManager[JavaPrograms]:
    """Every program in ``ofdrw/``. Skips where no JDK or no ofdrw is to be had."""
    return programs_against("ofdrw", SOURCES, "ofdrw-sign")
