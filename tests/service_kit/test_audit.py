"""The audit trail: every change recorded or refused, every tampering named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text

from crypto.sm3 import hmac_sm3
from service_kit.audit import Audit, find_entry, new_writer_id
from service_kit.database import Database
from service_kit.entry_ids import new_entry_id
from service_kit.log_check import check_audit
from service_kit.migrations import migrate_kit
from service_kit.tables import audit as table
from standards.errors import Kind, TrustError
from tests.audit_trail import blocked, find_entries
from tests.postgres import postgres_url

KEY = b"k" * 32
AT = datetime(2026, 11, 23, 8, 0, 0, 123456, UTC)


def record(audit: Audit, subject: str = "thing:1", **facts: Any) -> Any:
    return lambda connection: audit.record(
        connection, at=AT, actor="client:a", action="thing.changed", subject=subject, outcome="done", facts=facts
    )


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database, KEY, new_writer_id())


def codes(database: Database) -> list[str]:
    return [finding.code for finding in check_audit(database, KEY).findings]


def without_triggers(database: Database, *statements: str) -> None:
    """What somebody does who may do anything to the database."""
    drop = (
        [f"DROP TRIGGER kit_audit_{name}" for name in ("keep", "stay", "index_once")]
        if database.is_sqlite
        else [f"DROP TRIGGER kit_audit_{name} ON kit_audit" for name in ("keep", "stay", "index_once")]
    )
    database.write(lambda connection: [connection.execute(text(each)).rowcount for each in (*drop, *statements)])


def test_an_entry_is_canonical_and_carries_its_mac(database: Database, audit: Audit) -> None:
    entry_id = database.write(record(audit, subject='印章 "甲"\n', b=1, a="x", c=None, d=True))
    with database.read() as connection:
        row = connection.execute(select(table).where(table.c.entry_id == entry_id)).one()
        entry = find_entry(connection, entry_id)
    assert row.entry == json.dumps(json.loads(row.entry), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert row.mac == hmac_sm3(KEY, row.entry)
    assert (entry.at, entry.actor, entry.action, entry.subject) == (AT, "client:a", "thing.changed", '印章 "甲"\n')
    assert dict(entry.facts) == {"a": "x", "b": 1, "c": None, "d": True}
    assert (entry.number, entry.writer_id, entry.log_index) == (1, audit.writer_id, None)
    assert codes(database) == []


def test_numbers_have_no_gap_whatever_fails(database: Database, audit: Audit) -> None:
    def failing(connection: Any) -> None:
        record(audit)(connection)
        raise LookupError

    for i in range(10):
        database.write(record(audit, n=i))
        with pytest.raises(LookupError):
            database.write(failing)
    with database.read() as connection:
        assert [entry.number for entry in find_entries(connection)] == list(range(10, -1, -1))
    assert codes(database) == []


def test_a_new_writer_names_the_former_ones(database: Database, audit: Audit) -> None:
    for _ in range(3):
        database.write(record(audit))
    second = Audit(database, KEY, new_writer_id())
    database.write(record(second))
    with database.read() as connection:
        opened = find_entries(connection, subject="audit")
    assert [dict(entry.facts) for entry in opened] == [{audit.writer_id: 3}, {}]
    assert codes(database) == []


def test_the_same_writer_goes_on_where_it_was(database: Database, audit: Audit) -> None:
    database.write(record(audit))
    again = Audit(database, KEY, audit.writer_id)
    database.write(record(again))
    with database.read() as connection:
        assert [entry.number for entry in find_entries(connection)] == [2, 1, 0]
    assert codes(database) == []


def test_entries_are_found_by_subject_and_by_id(database: Database, audit: Audit) -> None:
    ids = [database.write(record(audit, subject=f"thing:{i % 2}")) for i in range(6)]
    with database.read() as connection:
        assert [e.entry_id for e in find_entries(connection, subject="thing:1")] == [ids[5], ids[3], ids[1]]
        with pytest.raises(TrustError) as unknown:
            find_entry(connection, "nothing")
    assert unknown.value.code == "AUDIT_ENTRY_UNKNOWN"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kit_audit SET actor = 'client:b'",
        "UPDATE kit_audit SET entry = mac",
        "DELETE FROM kit_audit",
        "UPDATE kit_audit SET number = number + 10",
    ],
)
def test_the_database_refuses_to_change_entries(database: Database, audit: Audit, statement: str) -> None:
    database.write(record(audit))
    with pytest.raises(Exception, match="append-only"):
        database.write(lambda connection: connection.execute(text(statement)).rowcount)
    assert codes(database) == []


def test_an_index_is_set_once(database: Database, audit: Audit) -> None:
    database.write(record(audit))
    database.write(lambda c: c.execute(text("UPDATE kit_audit SET log_index = 7 WHERE number = 1")).rowcount)
    with pytest.raises(Exception, match="append-only"):
        database.write(lambda c: c.execute(text("UPDATE kit_audit SET log_index = 8 WHERE number = 1")).rowcount)


def test_postgresql_refuses_to_empty_the_table() -> None:
    """SQLite knows no TRUNCATE; its DELETE is tested above."""
    remote = Database(postgres_url(), pool_size=1)
    migrate_kit(remote)
    remote.write(record(Audit(remote, KEY, "w")))
    with pytest.raises(Exception, match="append-only"):
        remote.write(lambda connection: connection.execute(text("TRUNCATE kit_audit")).rowcount)
    assert codes(remote) == []
    remote.close()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE kit_audit SET entry = mac WHERE number = 2", "AUDIT_ROW_ALTERED"),
        ("UPDATE kit_audit SET mac = entry WHERE number = 2", "AUDIT_ROW_ALTERED"),
        ("UPDATE kit_audit SET actor = 'client:b' WHERE number = 2", "AUDIT_COLUMNS_DIFFER"),
        ("DELETE FROM kit_audit WHERE number = 2", "AUDIT_ROWS_MISSING"),
        ("DELETE FROM kit_audit WHERE number = 0", "AUDIT_ROWS_MISSING"),
    ],
)
def test_tampering_is_named(database: Database, audit: Audit, statement: str, code: str) -> None:
    for i in range(4):
        database.write(record(audit, n=i))
    without_triggers(database, statement)
    assert code in codes(database)
    named = next(finding for finding in check_audit(database, KEY).findings if finding.code == code)
    assert named.facts["writer"] == audit.writer_id


def test_an_altered_row_is_the_one_finding_where_all_else_is_there(database: Database, audit: Audit) -> None:
    for i in range(4):
        database.write(record(audit, n=i))
    without_triggers(database, "UPDATE kit_audit SET mac = entry WHERE number = 2")
    assert codes(database) == ["AUDIT_ROW_ALTERED"], "nothing is missing, and nothing out of order"


def test_rows_put_in_each_others_place_are_named(database: Database, audit: Audit) -> None:
    for i in range(4):
        database.write(record(audit, n=i))
    without_triggers(
        database,
        "UPDATE kit_audit SET position = 1000 WHERE number = 2",
    )
    assert set(codes(database)) == {"AUDIT_ROWS_MISSING", "AUDIT_ROW_OUT_OF_ORDER"}


def test_a_cut_off_end_is_named_once_another_writer_has_begun(database: Database, audit: Audit) -> None:
    for i in range(4):
        database.write(record(audit, n=i))
    database.write(record(Audit(database, KEY, new_writer_id())))
    without_triggers(database, "DELETE FROM kit_audit WHERE number IN (3, 4)")
    finding = check_audit(database, KEY).findings[0]
    assert (finding.code, finding.facts["expected_number"], finding.facts["found_number"]) == ("AUDIT_END_MISSING", 4, 2)


def test_a_forged_opening_is_named(database: Database, audit: Audit) -> None:
    """A number 0 that opens nothing: MACed with the right key, so only a fault of ours could make it."""
    database.write(record(audit))
    forged = Audit(database, KEY, "w2")
    forged._next = 0
    database.write(record(forged))
    assert codes(database) == ["AUDIT_OPENING_WRONG"]


def test_findings_are_bounded(database: Database, audit: Audit) -> None:
    database.write(lambda connection: [record(audit)(connection) for _ in range(150)])
    without_triggers(database, "UPDATE kit_audit SET mac = entry")
    assert len(check_audit(database, KEY).findings) == 100


def test_a_blocked_trail_refuses_the_change(database: Database, audit: Audit) -> None:
    with blocked(), pytest.raises(TrustError) as refused:
        database.write(record(audit))
    assert (refused.value.kind, refused.value.code) == (Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    database.write(record(audit))
    assert codes(database) == []


def test_what_cannot_be_recorded_is_said(database: Database, audit: Audit) -> None:
    with pytest.raises(TrustError, match="TEXT_NOT_UNICODE"):
        database.write(record(audit, subject="\ud800"))
    with pytest.raises(TrustError, match="AUDIT_ENTRY_TOO_LARGE"):
        database.write(record(audit, text="x" * 60_001))
    with pytest.raises(TrustError, match="AUDIT_ENTRY_TOO_LARGE"):
        database.write(record(audit, subject="x" * 256))
    with pytest.raises(TypeError, match="ratio"):
        database.write(record(audit, ratio=0.5))
    with pytest.raises(TypeError, match="huge"):
        database.write(record(audit, huge=2**53))
    with pytest.raises(TypeError, match="ASCII"):
        database.write(record(audit, 名="x"))
    for wrong in (AT.replace(tzinfo=None), AT.astimezone(timezone(timedelta(hours=8)))):
        job = partial(audit.record, at=wrong, actor="a", action="b", subject="c", outcome="done")
        with pytest.raises(ValueError, match="UTC"):
            database.write(job)
    with pytest.raises(ValueError, match="outcome"):
        database.write(lambda c: audit.record(c, at=AT, actor="a", action="b", subject="c", outcome="maybe"))
    with pytest.raises(ValueError, match="16 bytes"):
        Audit(database, b"short", "w")
    assert codes(database) == []


def test_the_key_is_not_shown(database: Database) -> None:
    assert "canary" not in repr(Audit(database, b"canary-canary-canary", "w"))


def test_identifiers_sort_by_time() -> None:
    """RFC 9562 5.7, example time of its appendix A.6."""
    at = datetime.fromtimestamp(0x017F22E279B0 / 1000, UTC)
    made = new_entry_id(at)
    assert made.startswith("017f22e2-79b0-7")
    assert made[19] in "89ab"
    assert len({new_entry_id(at) for _ in range(1000)}) == 1000
    assert new_entry_id(at) < new_entry_id(at + timedelta(milliseconds=1))
