"""The published vectors of the standards digests, read from beside the shared corpus (never copied into the project)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tests.optional import corpus, need


@cache
def _load() -> dict[str, Any]:
    path = corpus().parent / "standards" / "vectors.json"
    need("vectors", path.is_file(), f"not found at {path}")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def vectors(section: str) -> Any:
    """One section of the vectors file."""
    return _load()[section]
