"""Time and memory stay bounded, whatever the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seal_service.ofd.hostile import HOSTILE, MOST_MEGABYTES, MOST_SECONDS, verify_in_child

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_in_bounded_time_and_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.ofd"
    path.write_bytes(HOSTILE[name]())
    found = verify_in_child(str(path))
    assert found["verdict"] != "valid"
    assert found["seconds"] < MOST_SECONDS
    assert found["megabytes"] < MOST_MEGABYTES
    assert found["steps"] < 1000
