"""Places where a test may end the process as a power cut would, so that what a job leaves behind can be looked at.

A job names the boundaries between its steps with :func:`reach`. That does nothing unless the composition armed the points, which it does
only in a demonstration deployment (no legal effect) whose environment names a step in ``YINXIN_FAIL_AT``.
"""

from __future__ import annotations

import os
import signal
from typing import Final

ENVIRONMENT_VARIABLE: Final = "YINXIN_FAIL_AT"

_armed: str | None = None


def arm(step: str | None) -> None:
    """From now on :func:`reach` ends this process with SIGKILL when ``step`` is reached; None disarms."""
    global _armed  # noqa: PLW0603 - one process, one life to end
    _armed = step


def arm_from_environment(*, is_allowed: bool) -> None:
    """Arm what ``YINXIN_FAIL_AT`` names, where fault injection is allowed at all; disarm otherwise."""
    arm(os.environ.get(ENVIRONMENT_VARIABLE) if is_allowed else None)


def reach(step: str) -> None:
    """Say that ``step`` is reached."""
    if _armed is not None and step == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
