"""Files made to exhaust a reader: bounded time and memory, never valid, never an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seal_service.pdf.hostile import HOSTILE, MOST_MEGABYTES, MOST_SECONDS, verify_in_child

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(HOSTILE[name]())
    found = verify_in_child(str(path))
    assert found["verdict"] != "valid"
    assert found["seconds"] < MOST_SECONDS
    assert found["megabytes"] < MOST_MEGABYTES
