"""What the seal service's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seal_service.house import House, open_house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A seal service with real parts around it."""
    with open_house(tmp_path) as opened:
        yield opened
