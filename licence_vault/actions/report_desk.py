"""What reporting to the region needs, and what one report says now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.finish_issue import definition_of_version
from licence_vault.errors import licence_not_found, type_not_found
from licence_vault.model import read_salted_licence
from licence_vault.ports import OutgoingReport
from licence_vault.reported import ReportKind, keys_of_licence
from licence_vault.reporting.mapped_record import ToldEvent, map_erasure, map_licence, map_type
from service_kit.outbox import retry_seconds

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.content_vault import ContentVault
    from licence_vault.model import LicenceData
    from licence_vault.ports import RegionalCollector
    from licence_vault.register import LicenceRecord
    from licence_vault.reported import Report
    from licence_vault.reporting.field_map import FieldMap
    from service_kit.composition import ServiceContext


@dataclass
class ReportDesk:
    """One process's side of reporting. ``outages``: how often in a row the region was away; until ``rests_until`` it is left alone."""

    context: ServiceContext
    contents: ContentVault
    collector: RegionalCollector
    fields: FieldMap
    outages: int = 0
    rests_until: datetime | None = None

    def is_resting(self) -> bool:
        """Whether the region was away a moment ago."""
        return self.rests_until is not None and self.context.clock.now() < self.rests_until

    def note_outage(self) -> None:
        """It was away: leave it alone, for longer each time."""
        self.outages += 1
        self.rests_until = self.context.clock.now() + timedelta(seconds=retry_seconds(self.outages))

    def note_answer(self) -> None:
        """It is there."""
        self.outages, self.rests_until = 0, None

    def write_report(self, report: Report) -> OutgoingReport:
        """What a report says, made anew. Raises LICENCE_NOT_FOUND, LICENCE_TYPE_NOT_FOUND, SEALED_VALUE_DAMAGED."""
        with self.context.database.read() as conn:
            return self.write_within(conn, report)

    def write_within(self, conn: Connection, report: Report) -> OutgoingReport:
        """The same as a transaction sees it."""
        record = None if report.licence_id is None else _load_record(conn, report.licence_id)
        content = _type_content(conn, self, report) if record is None else _content(conn, self, report, record)
        is_erased = record is not None and record.data_sealed is None
        erases = "" if record is None or report.kind is not ReportKind.ERASURE else keys_of_licence(record.identifier, record.version)
        return OutgoingReport(
            report.key,
            report.kind.value,
            content,
            sm3(content),
            report.log_index,
            is_replacing=report.is_replacing or is_erased,  # whatever the region has of an erased licence is more than it should
            number=report.number if report.log_index is None else None,
            erases=erases,
        )


def _load_record(conn: Connection, licence_id: str) -> LicenceRecord:
    record = store.load_licence(conn, licence_id)
    if record is None:
        raise licence_not_found(licence_id)
    return record


def _content(conn: Connection, desk: ReportDesk, report: Report, record: LicenceRecord) -> bytes:
    if report.kind is ReportKind.ERASURE:
        return map_erasure(desk.fields, record, report.taken_at)
    event = next((each for each in store.list_events(conn, record.id) if each.position == report.event_position), None)
    if event is None:
        raise licence_not_found(record.id)
    version = store.load_type(conn, record.type_code, record.type_version)
    if version is None:
        raise type_not_found(record.type_code, record.type_version)
    before = None if record.predecessor_id is None else store.load_licence(conn, record.predecessor_id)
    told = ToldEvent(
        record, event, definition_of_version(version), _data(conn, desk, record), None if before is None else before.identifier
    )
    return map_licence(desk.fields, told)


def _data(conn: Connection, desk: ReportDesk, record: LicenceRecord) -> LicenceData | None:
    key_sealed = store.load_key(conn, record.id)
    if key_sealed is None or record.data_sealed is None:
        return None
    return read_salted_licence(desk.contents.open_key(record.id, key_sealed).open_data(record.data_sealed)).data


def _type_content(conn: Connection, desk: ReportDesk, report: Report) -> bytes:
    version = store.load_type(conn, report.type_code, report.type_version or 0)
    if version is None:
        raise type_not_found(report.type_code, report.type_version)
    return map_type(desk.fields, version, definition_of_version(version), report.type_state or "")
