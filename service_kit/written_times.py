"""Times in answers whose shapes are made of JSON's own values: written in one way, and documented as times, so that programs made from the API's
description read them as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, overload

from pydantic import Field

if TYPE_CHECKING:
    from datetime import datetime

WrittenUtc = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time in UTC in the form of RFC 3339, as ``write_utc`` writes it."""


@overload
def write_utc(at: datetime) -> str: ...
@overload
def write_utc(at: None) -> None: ...
@overload
def write_utc(at: datetime | None) -> str | None: ...
def write_utc(at: datetime | None) -> str | None:
    """YYYY-MM-DDTHH:MM:SSZ, parts of a second left out; None for none. ``at``: aware, in UTC."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
