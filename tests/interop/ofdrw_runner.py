"""ofdrw, an OFD and seal library by others: the small Java programs in ``ofdrw/`` run against its jars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.interop.maven_jars import compile_against

if TYPE_CHECKING:
    from tests.interop.java_runner import JavaPrograms

SOURCES = Path(__file__).parent / "ofdrw"


def compile_ofdrw_programs(folder: Path) -> JavaPrograms:
    """Compile every program in ``ofdrw/`` into ``folder``. Skips where no JDK or no ofdrw is to be had."""
    return compile_against("ofdrw", SOURCES, "ofdrw-sign", folder)
