"""Work without the tracing of coverage, which makes interpreted code two to four times as slow.

For the many like cases behind the first ones, which stay traced, for what other people's code does with a result, and for what pytest does
around a test: what is covered stays the same, and so does everything that is tried and asserted.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"
"""By this variable a process learns that it is to be traced as its parent is."""


@dataclass(frozen=True)
class Tracing:
    """What traces this thread, and threads and processes that it starts."""

    here: Any
    started: Any
    of_children: str | None

    @staticmethod
    def now() -> Tracing:
        """As it is."""
        return Tracing(sys.gettrace(), threading.gettrace(), os.environ.get(OF_CHILDREN))

    @contextmanager
    def on(self) -> Iterator[None]:
        """Trace so, and afterwards as before."""
        before = Tracing.now()
        self._set()
        try:
            yield
        finally:
            before._set()

    def _set(self) -> None:
        if self.of_children is None:
            os.environ.pop(OF_CHILDREN, None)
        else:
            os.environ[OF_CHILDREN] = self.of_children
        threading.settrace(self.started)
        sys.settrace(self.here)


NOTHING = Tracing(None, None, None)


@contextmanager
def untraced() -> Iterator[None]:
    """Nothing is traced in this thread, nor in threads and processes that are started meanwhile."""
    with NOTHING.on():
        yield
