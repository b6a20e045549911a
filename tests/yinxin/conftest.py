from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.deployments import Here, make_deployment, served_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished deployment."""
    return make_deployment(tmp_path / "deployment")


@pytest.fixture
def here(folder: Path) -> Iterator[Here]:
    """The same, served in this process."""
    with served_here(folder) as served:
        yield served
