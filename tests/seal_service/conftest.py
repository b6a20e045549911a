"""What the seal service's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.seal_service.house import House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A seal service with real parts around it."""
    with open_house(tmp_path) as opened:
        yield opened
