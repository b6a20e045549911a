"""Follow the public log and enter what the region is to be told: no event that is in the log is left out, whatever wrote it.

The leaf of an event stands in the event's own transaction. So nothing has to be remembered when a licence changes, and a deployment that gets
a collector later tells it everything from the beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.reported import licence_key
from licence_vault.reporting.limits import FOLLOWED_PER_TURN, TURNS
from licence_vault.store import reports

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.report_desk import ReportDesk


def follow_log(desk: ReportDesk) -> int:
    """Enter what is new; how many reports were entered. Safe in every worker."""
    database = desk.context.database

    # 1. Types are entered first: the region should know the type before its licences. Nothing waits for a type that it refuses.
    with database.read() as conn:
        untold = reports.list_untold_types(conn, FOLLOWED_PER_TURN)
    entered = database.write(lambda conn: _enter_types(desk, conn)) if untold else 0

    # 2. The log, page by page, as far as it has numbered its entries.
    for _ in range(TURNS):
        with database.read() as conn:
            size = reports.read_followed(conn)
            _, end = reports.list_logged_events(conn, size, FOLLOWED_PER_TURN)
        if end == size:
            break
        entered += database.write(lambda conn: _enter_events(desk, conn))
    return entered


def _enter_types(desk: ReportDesk, conn: Connection) -> int:
    reports.read_followed(conn, is_locked=True)
    untold = reports.list_untold_types(conn, FOLLOWED_PER_TURN)
    for code, version, state in untold:
        reports.insert_type_report(conn, code, version, state, desk.context.clock.now())
    return len(untold)


def _enter_events(desk: ReportDesk, conn: Connection) -> int:
    size = reports.read_followed(conn, is_locked=True)
    found, end = reports.list_logged_events(conn, size, FOLLOWED_PER_TURN)
    entered = 0
    for log_index, event in found:
        if not desk.fields.operation(event.step):  # made, given up, printed: the region knows no such thing
            continue
        record = store.load_licence(conn, event.licence_id)
        if record is None:
            continue
        reports.insert_licence_report(
            conn,
            key=licence_key(record.identifier, record.version, event.event.value, event.position),
            root_id=record.root_id,
            type_code=record.type_code,
            event=event,
            log_index=log_index,
            at=desk.context.clock.now(),
        )
        entered += 1
    reports.write_followed(conn, end)
    return entered
