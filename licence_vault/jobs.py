"""What the licence vault does without being asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from licence_vault.actions.change_licence_state import expire_licences
from licence_vault.actions.count_log import count_log
from licence_vault.actions.follow_log import follow_log
from licence_vault.actions.issue_batch import run_batches
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.actions.query_foreign_licence import sweep_foreign
from licence_vault.actions.send_reports import send_reports
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.limits import BATCH_EVERY_SECONDS, EXPIRY_EVERY_SECONDS, SWEEP_EVERY_SECONDS
from licence_vault.log_tables import PREFIX
from licence_vault.reporting.limits import FOREIGN_SWEEP_EVERY_SECONDS, REPORT_EVERY_SECONDS
from licence_vault.status.editions import count_editions_after, count_expired_lists
from licence_vault.status.register import list_numbers
from licence_vault.status.verify import LEEWAY_SECONDS
from licence_vault.use_tables import sharing
from service_kit.composition import Job, ReadinessCheck
from service_kit.log_waiting import log_state
from service_kit.log_witnessing import EVERY_SECONDS, WitnessDesk, read_witnesses
from service_kit.migrations import is_current
from service_kit.outbound import Outbound, read_networks
from service_kit.row_codes import AlteredRows
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.query_foreign_licence import ExchangeDesk
    from licence_vault.actions.report_desk import ReportDesk
    from service_kit.bounded_calls import Answer
    from service_kit.composition import Facts, ServiceContext
    from service_kit.transparency_log import TransparencyLog

COUNT_EVERY_SECONDS: Final = 5.0
PUBLISH_EVERY_SECONDS: Final = 5.0  # only what changed is published; with the verifiers' ttl it is known within eleven minutes everywhere


def jobs_of(context: ServiceContext, log: TransparencyLog, means: IssuingMeans) -> Sequence[Job]:
    """The periodic work. Witnesses are asked only where the settings name some."""
    jobs = [
        Job("licence-log-counts", COUNT_EVERY_SECONDS, partial(count_log, context, log)),
        Job("licence-batches", BATCH_EVERY_SECONDS, partial(run_batches, means)),
        Job("licence-sweeper", SWEEP_EVERY_SECONDS, partial(sweep_issues, means)),
        Job("licence-copies", SWEEP_EVERY_SECONDS, partial(sweep_copies, means)),
        Job("licence-expiry", EXPIRY_EVERY_SECONDS, partial(expire_licences, context)),
        Job("licence-status-lists", PUBLISH_EVERY_SECONDS, partial(publish_status_lists, context)),
    ]
    desk = witness_desk(context, log)
    return jobs if desk is None else [*jobs, Job("licence-log-witnesses", EVERY_SECONDS, desk.run)]


def report_jobs_of(desk: ReportDesk | None) -> Sequence[Job]:
    """Reporting to the region, where the settings name a collector."""
    if desk is None:
        return ()
    reporting = desk

    def run() -> dict[str, int]:
        return {"entered": follow_log(reporting), **send_reports(reporting)}

    return (Job("licence-reports", REPORT_EVERY_SECONDS, run),)


def exchange_jobs_of(desk: ExchangeDesk | None) -> Sequence[Job]:
    """Forgetting licences of other regions, where they are asked for."""
    return () if desk is None else (Job("licence-foreign-sweep", FOREIGN_SWEEP_EVERY_SECONDS, partial(sweep_foreign, desk)),)


def witness_desk(context: ServiceContext, log: TransparencyLog) -> WitnessDesk | None:
    """Who asks the witnesses; None where there are none. SETTING_INVALID."""
    witnesses = read_witnesses(context.settings.logs.witnesses)
    if not witnesses:
        return None
    if any(each.log != log.name for each in witnesses):  # it would never be asked, and whoever named it would not know
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="logs.witnesses", expected=f"{log.name}/<tree> <URL> <witness key>")
    settings = context.settings.outbound
    outbound = Outbound(read_networks(settings.networks), timeout_seconds=settings.timeout_seconds)

    def post(url: str, body: bytes, answer_bytes: int) -> Answer:
        return outbound.call("POST", url, headers={"content-type": "text/plain"}, content=body, answer_bytes=answer_bytes)

    return WitnessDesk(log, witnesses, post, context.clock)


def readiness_of(context: ServiceContext, log: TransparencyLog) -> Sequence[ReadinessCheck]:
    """Whether licences can be logged here."""
    altered = AlteredRows(context.database, (sharing,))

    def check_tables() -> Facts:
        if not is_current(context.database, PREFIX, "licence_vault.migrations"):
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_BEHIND", component=PREFIX)
        return {"component": PREFIX}

    def check_log() -> Facts:
        state = log_state(log, context.clock)
        return {"size": state.size, "waiting": state.waiting, "waiting_seconds": state.waiting_seconds}

    def check_lists() -> Facts:
        with context.database.read() as connection:
            at = int(context.clock.now().timestamp())
            numbers = list_numbers(connection)
            later = count_editions_after(connection, numbers, at + LEEWAY_SECONDS)
            return {"lists": len(numbers), "expired_lists": count_expired_lists(connection, numbers, at), "editions_of_a_later_time": later}

    def check_rights() -> Facts:
        return {"altered_rows": altered.count()}

    return (
        ReadinessCheck("licence_tables", check_tables),
        ReadinessCheck("licence_log", check_log),
        ReadinessCheck("licence_status_lists", check_lists),
        ReadinessCheck("licence_rights", check_rights),
    )
