"""Work without the tracing of coverage, which makes interpreted code two to four times as slow.

For the many like cases behind the first ones, which stay traced, and for what other people's code does with a result: what is covered
stays the same, and so does everything that is tried and asserted.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def untraced() -> Iterator[None]:
    """Nothing is traced in this thread, nor in threads that are started meanwhile."""
    here, started = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(started)
        sys.settrace(here)
