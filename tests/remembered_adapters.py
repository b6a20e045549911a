"""Equal parameters of routes share what validates them, in processes of tests: they put together hundreds of applications of the same routes, and
making a validator anew for each parameter of each is half of that work.

Servers that tests start are not touched by this, and the OpenAPI document that comes out is compared with the published one by a test.
"""

from __future__ import annotations

from typing import Any, Final
from unittest.mock import patch

import fastapi._compat.v2 as fields
from pydantic import ConfigDict, TypeAdapter

_known: Final[dict[tuple[object, str, str], TypeAdapter[Any]]] = {}


def _adapter(annotated: Any, *, config: ConfigDict | None = None) -> TypeAdapter[Any]:
    # What a metadata's text names by its address lives as long as its adapter does, so no other can have the same
    key = (annotated.__origin__, repr(annotated.__metadata__), repr(config))
    try:
        found = _known.get(key)
    except TypeError:  # a type that is no key
        return TypeAdapter(annotated, config=config)
    if found is None:
        found = _known[key] = TypeAdapter(annotated, config=config)
    return found


def remember_adapters() -> None:
    """From now on, in this process."""
    patch.object(fields, "TypeAdapter", _adapter).start()
