"""GB/T 7408 (ISO 8601): the offset of the one legal time of the country, in which days and hours without an offset are meant."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
