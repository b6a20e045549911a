"""The audit trail when the database refuses, the disk is full, or the process is killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from service_kit.audit import Audit, new_writer_id
from service_kit.database import Database
from service_kit.log_check import check_audit
from service_kit.migrations import migrate_kit
from service_kit.tables import audit as table
from standards.errors import Kind, TrustError
from tests.audit_trail import find_entries
from tests.optional import PROJECT
from tests.untraced import untraced

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"k" * 32
AT = datetime(2026, 11, 23, 8, 0, 0, 123456, UTC)


def record(audit: Audit, subject: str = "thing:1", **facts: Any) -> Any:
    return lambda connection: audit.record(
        connection, at=AT, actor="client:a", action="thing.changed", subject=subject, outcome="done", facts=facts
    )


def codes(database: Database) -> list[str]:
    return [finding.code for finding in check_audit(database, KEY).findings]


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
    pages = int(database.write(lambda c: c.execute(text("PRAGMA page_count")).scalar_one()))
    database.write(lambda c: c.execute(text(f"PRAGMA max_page_count = {pages + 4}")).scalar())
    acknowledged = []
    with pytest.raises(TrustError) as refused:
        for i in range(2000):
            acknowledged.append(database.write(record(audit, n=i, filling="x" * 400)))  # noqa: PERF401 - the last one fails
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
        with untraced():  # who is killed leaves no record
            processes = [
                subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-c", WRITER, database_url], stdout=subprocess.PIPE, cwd=PROJECT, text=True
                )
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
    with untraced():
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
                acknowledged.append(database.write(record(audit, n=i, filling="x" * 400)))  # noqa: PERF401 - the last one fails
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
