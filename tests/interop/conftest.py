"""Fixtures of the tests with independent implementations."""

from __future__ import annotations

import pytest

from tests.interop.java_runner import JavaPrograms, compile_programs


@pytest.fixture(scope="session")
def java_programs(tmp_path_factory: pytest.TempPathFactory) -> JavaPrograms:
    """The Java programs, compiled once."""
    return compile_programs(tmp_path_factory.mktemp("java"))
