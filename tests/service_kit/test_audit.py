"""The audit trail: every change recorded or refused, every tampering named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from crypto.sm3 import hmac_sm3
from service_kit.audit import Audit, find_entries, find_entry, new_writer_id
from service_kit.database import Database
from service_kit.entry_ids import new_entry_id
from service_kit.log_check import check_audit
from service_kit.migrations import migrate_kit
from service_kit.tables import audit as table
from standards.errors import Kind, TrustError
from tests.optional import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

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


def test_entries_are_found_page_by_page(database: Database, audit: Audit) -> None:
    ids = [database.write(record(audit, subject=f"thing:{i % 2}")) for i in range(6)]
    with database.read() as connection:
        assert [e.entry_id for e in find_entries(connection, subject="thing:1")] == [ids[5], ids[3], ids[1]]
        assert [e.entry_id for e in find_entries(connection, before=ids[4], limit=2)] == [ids[3], ids[2]]
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


def test_postgresql_refuses_to_empty_the_table(database: Database, audit: Audit) -> None:
    if database.is_sqlite:
        return  # SQLite knows no TRUNCATE; its DELETE is tested above
    database.write(record(audit))
    with pytest.raises(Exception, match="append-only"):
        database.write(lambda connection: connection.execute(text("TRUNCATE kit_audit")).rowcount)


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
    audit.block("maintenance")
    with pytest.raises(TrustError) as refused:
        database.write(record(audit))
    assert (refused.value.kind, refused.value.code) == (Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    audit.unblock()
    database.write(record(audit))
    assert codes(database) == []


def test_an_insert_that_fails_undoes_the_change(database: Database, audit: Audit) -> None:
    """The database refuses the audit row: what the job did before must be gone, and other jobs of the batch unharmed."""
    database.write(lambda c: c.execute(text("CREATE TABLE work (name VARCHAR(20))")).rowcount)
    if database.is_sqlite:
        trigger = [
            "CREATE TRIGGER fault BEFORE INSERT ON kit_audit WHEN NEW.subject = 'marked' BEGIN SELECT RAISE(ABORT, 'fault'); END",
        ]
    else:
        trigger = [
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fault'; END $$",
            "CREATE TRIGGER fault BEFORE INSERT ON kit_audit FOR EACH ROW WHEN (NEW.subject = 'marked') EXECUTE FUNCTION fault()",
        ]
    database.write(lambda c: [c.execute(text(each)).rowcount for each in trigger])

    def change(subject: str) -> Any:
        def job(connection: Any) -> None:
            connection.execute(text("INSERT INTO work VALUES (:name)"), {"name": subject})
            record(audit, subject=subject)(connection)

        return job

    database.write(change("first"))
    futures = [database.submit(change(name)) for name in ("a", "marked", "b")]
    outcomes = [future.exception(10) for future in futures]
    assert [type(each) for each in outcomes] == [type(None), TrustError, type(None)]
    assert isinstance(outcomes[1], TrustError)
    assert (outcomes[1].kind, outcomes[1].code) == (Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE")
    with database.read() as connection:
        assert set(connection.execute(text("SELECT name FROM work")).scalars()) == {"first", "a", "b"}
    assert codes(database) == []


def test_no_room_left_refuses_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'small.sqlite3'}")
    migrate_kit(database)
    audit = Audit(database, KEY, new_writer_id())
    database.write(record(audit))
    pages = database.write(lambda c: c.execute(text("PRAGMA page_count")).scalar())
    database.write(lambda c: c.execute(text(f"PRAGMA max_page_count = {pages + 4}")).scalar())
    acknowledged = []
    with pytest.raises(TrustError) as refused:
        for i in range(2000):
            acknowledged.append(database.write(record(audit, n=i, filling="x" * 400)))
    assert refused.value.kind is Kind.UNAVAILABLE
    assert refused.value.code == "AUDIT_UNAVAILABLE"
    assert acknowledged
    with database.read() as connection:
        assert {e.entry_id for e in find_entries(connection, limit=1000)} >= set(acknowledged)
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    assert codes(database) == []
    database.write(lambda c: c.execute(text("PRAGMA max_page_count = 1000000")).scalar())
    database.write(record(audit))
    assert codes(database) == []
    database.close()


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
        with pytest.raises(ValueError, match="UTC"):
            database.write(lambda c, at=wrong: audit.record(c, at=at, actor="a", action="b", subject="c", outcome="done"))
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


WRITER = """
import sys, threading
from datetime import UTC, datetime
from service_kit.audit import Audit, new_writer_id
from service_kit.database import Database
database = Database(sys.argv[1])
audit = Audit(database, b"k" * 32, new_writer_id())
lock = threading.Lock()
def work(n):
    for i in range(10_000):
        made = database.write(lambda c: audit.record(c, at=datetime.now(UTC), actor="a", action="b", subject=f"{n}:{i}", outcome="done"))
        with lock:
            sys.stdout.write(made + "\\n")
            sys.stdout.flush()
for n in range(8):
    threading.Thread(target=work, args=(n,), daemon=True).start()
threading.Event().wait()
"""


def test_killed_under_load_nothing_acknowledged_is_lost(database: Database, database_url: str) -> None:
    """I1: several rounds, two processes at once; each is ended by SIGKILL in the middle of its work."""
    acknowledged: set[str] = set()
    for _ in range(3):
        processes = [
            subprocess.Popen([sys.executable, "-W", "ignore", "-c", WRITER, database_url], stdout=subprocess.PIPE, cwd=PROJECT, text=True)
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdout is not None
            for _ in range(60):
                acknowledged.add(process.stdout.readline().strip())
            process.kill()
        for process in processes:
            assert process.stdout is not None
            acknowledged |= {line.strip() for line in process.stdout.read().splitlines() if len(line.strip()) == 36}
            process.stdout.close()
            process.wait()
    with database.read() as connection:
        kept = set(connection.execute(select(table.c.entry_id)).scalars())
    assert len(acknowledged) >= 360
    assert acknowledged <= kept
    assert codes(database) == []


COUNTED = """
import sys
from datetime import UTC, datetime
from service_kit.audit import Audit
from service_kit.database import Database
database = Database(sys.argv[1])
audit = Audit(database, b"k" * 32, "w")
for i in range(50):
    database.write(lambda c: audit.record(c, at=datetime.now(UTC), actor="a", action="b", subject="s", outcome="done"))
"""


def test_every_single_commit_is_synced(tmp_path: Path) -> None:
    """An acknowledged row survives a power cut only if it was synced: count the system calls of 50 commits."""
    from tests.optional import need_program

    strace = need_program("strace")
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    made = Database(url)
    migrate_kit(made)
    made.close()
    counts = tmp_path / "counts"
    command = [strace, "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", str(counts), sys.executable, "-W", "ignore", "-c", COUNTED, url]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    calls = sum(int(line.split()[3]) for line in counts.read_text().splitlines() if line.endswith("sync"))
    assert calls >= 50


def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """The same on a real, small file system, where it may be mounted."""
    from tests.optional import need

    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    mounted = (
        mount is not None
        and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False).returncode == 0
    )
    need("a small file system", mounted, "mounting a tmpfs needs privileges")
    try:
        database = Database(f"sqlite:///{folder / 'x.sqlite3'}")
        migrate_kit(database)
        audit = Audit(database, KEY, new_writer_id())
        acknowledged = []
        with pytest.raises(TrustError) as refused:
            for i in range(5000):
                acknowledged.append(database.write(record(audit, n=i, filling="x" * 400)))
        assert refused.value.kind is Kind.UNAVAILABLE
        with database.read() as connection:
            kept = set(connection.execute(select(table.c.entry_id)).scalars())
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert set(acknowledged) <= kept
        assert acknowledged
        assert codes(database) == []
        database.close()
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
