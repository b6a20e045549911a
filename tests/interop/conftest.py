"""Fixtures of the tests with independent implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.interop.java_runner import JavaPrograms, bouncy_castle_programs
from tests.interop.ofdrw_runner import ofdrw_programs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package")
def java_programs() -> Iterator[JavaPrograms]:
    """The programs against BouncyCastle."""
    with bouncy_castle_programs() as programs:
        yield programs


@pytest.fixture(scope="package")
def ofdrw() -> Iterator[JavaPrograms]:
    """The programs against ofdrw."""
    with ofdrw_programs() as programs:
        yield programs
