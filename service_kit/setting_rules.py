"""What the values of settings may be: addresses, numbers, levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service_kit.settings import Settings

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_SECONDS: Final = (0.001, 3600.0)  # of anything that is waited for


def absolute_database_url(database_url: str, folder: Path) -> str:
    """The URL of a SQLite file with its path taken from the folder of the deployment, as all paths are; others as they are."""
    scheme, separator, path = database_url.partition(":///")
    if not separator or not scheme.startswith("sqlite") or not path or path.startswith(("/", ":", "file:", "?")):
        return database_url
    name, mark, query = path.partition("?")
    return f"{scheme}:///{quote(str((folder / unquote(name)).resolve()))}{mark}{query}"  # the folder's name may have any character


def address_of(url: str) -> SplitResult | None:
    """The parts of an http or https URL; None of anything else."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:  # a port over 65535, half a bracket
        return None
    return parts if is_one else None


def numbers_of(settings: Settings) -> Iterator[tuple[str, float, float, float]]:
    """Every number with its bounds; one that is no number (TOML's nan) is within none."""
    yield "workers", settings.workers, 1, 64
    yield "threads", settings.threads, 1, 256
    yield "listen.port", settings.listen.port, 0, 65535
    yield "limits.body_bytes", settings.limits.body_bytes, 1024, 4 * 1024**3
    yield "limits.header_count", settings.limits.header_count, 1, 10_000
    yield "limits.header_bytes", settings.limits.header_bytes, 1024, 16 * 1024**2
    yield "limits.request_seconds", settings.limits.request_seconds, *_SECONDS
    yield "limits.write_queue", settings.limits.write_queue, 1, 100_000
    yield "logs.interval_seconds", settings.logs.interval_seconds, *_SECONDS
    for name, value in (
        ("time_stamps", settings.time_stamps.timeout_seconds),
        ("outbound", settings.outbound.timeout_seconds),
        ("service_client", settings.service_client.timeout_seconds),
        ("region", settings.region.timeout_seconds),
        ("collector", settings.collector.timeout_seconds),
        ("exchange", settings.exchange.timeout_seconds),
    ):
        yield f"{name}.timeout_seconds", value, *_SECONDS
    for name, skew in (
        ("region", settings.region.clock_skew_seconds),
        ("collector", settings.collector.clock_skew_seconds),
        ("exchange", settings.exchange.clock_skew_seconds),
    ):
        yield f"{name}.clock_skew_seconds", skew, 0, 24 * 3600
