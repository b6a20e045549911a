"""What a process tells monitors of its database's writer, its outbox and its clock: counts since it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit.metrics import Metrics

if TYPE_CHECKING:
    from service_kit.clock import SystemClock
    from service_kit.database import Database
    from service_kit.outbox import Outbox


def process_metrics(database: Database, outbox: Outbox, clock: SystemClock) -> Metrics:
    """The metrics of one process, to which requests and periodic jobs add theirs. Reading them asks neither the disk nor the database.

    ``outbox``: the common one; deliveries of webhooks, which their owners see, are not among its messages.
    """
    metrics = Metrics()
    for name, description, source in (
        ("database_jobs_total", "Jobs the writer was handed", lambda: database.statistics.jobs),
        ("database_failed_jobs_total", "Jobs of the writer that were undone", lambda: database.statistics.failed_jobs),
        ("database_commits_total", "Commits of the writer, each of many jobs at once", lambda: database.statistics.commits),
        (
            "database_retries_total",
            "Batches the writer began again, because the database refused them as a whole",
            lambda: database.statistics.retries,
        ),
        ("outbox_delivered_total", "Messages of the outbox that arrived", lambda: outbox.delivered),
        ("outbox_failures_total", "Attempts to deliver that failed", lambda: outbox.failures),
        ("outbox_alarms_total", "Failed attempts for messages that have failed so often that somebody should look", lambda: outbox.alarms),
        ("clock_held_back_total", "Times asked for while the clock of the machine was behind one already issued", lambda: clock.held_back),
    ):
        metrics.reading(name, description, source, kind="counter")
    return metrics
