"""Work without the tracing of coverage, which makes interpreted code two to four times as slow.

For the many like cases behind the first ones, which stay traced, and for what other people's code does with a result: what is covered
stays the same, and so does everything that is tried and asserted.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"
"""By this variable a process learns that it is to be traced as its parent is."""


@contextmanager
def untraced() -> Iterator[None]:
    """Nothing is traced in this thread, nor in threads and processes that are started meanwhile."""
    here, started = sys.gettrace(), threading.gettrace()
    of_children = os.environ.pop(OF_CHILDREN, None)
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        if of_children is not None:
            os.environ[OF_CHILDREN] = of_children
        threading.settrace(started)
        sys.settrace(here)
