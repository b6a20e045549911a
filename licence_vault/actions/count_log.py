"""Keep the public counts up with the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.log.counts import count_further, counted_size, read_counts

if TYPE_CHECKING:
    from licence_vault.log.counts import Count
    from service_kit.composition import ServiceContext
    from service_kit.transparency_log import TransparencyLog


def count_log(context: ServiceContext, log: TransparencyLog) -> int:
    """Count what the log has taken in since the last time, in steps; returns how many entries the counts cover."""
    size = log.head().size
    with context.database.read() as connection:
        counted = counted_size(connection)
    while counted < size:
        counted = context.database.write(lambda connection: count_further(connection, size))
    return counted


def find_counts(context: ServiceContext, issuer_code: str | None) -> tuple[int, tuple[Count, ...]]:
    """(entries of the log that are covered, counts)."""
    with context.database.read() as connection:
        return read_counts(connection, issuer_code)
