"""The version of this program."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def program_version() -> str:
    """As installed; ``0`` in a tree that is not installed."""
    try:
        return installed_version("yinxin")
    except PackageNotFoundError:
        return "0"
