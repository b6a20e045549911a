"""A log over the audit trail, for the tests of the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from crypto.checkpoints import CheckpointSigner
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from service_kit.audit import Audit, new_writer_id
from service_kit.log_check import check_log
from service_kit.log_tree import LogTree
from service_kit.tables import audit as table
from service_kit.transparency_log import TransparencyLog
from standards import gbt33560_oids as oids
from tests.clocks import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service_kit.database import Database

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SM2_KEY = SM2PrivateKey.generate()
ED_KEY = Ed25519PrivateKey.generate()


def trees(count: int = 2) -> tuple[LogTree, ...]:
    sm2 = CheckpointSigner("log.example/audit/sm3", software_signer(SM2_KEY, "log-sm2"))
    ed25519 = CheckpointSigner("log.example/audit/sha256", software_signer(ED_KEY, "log-ed25519"))
    return (
        LogTree("sm3", "log.example/audit/sm3", oids.SM3, (sm2,)),
        LogTree("sha256", "log.example/audit/sha256", oids.SHA256, (ed25519,)),
    )[:count]


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database, b"k" * 32, new_writer_id())


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def make_log(database: Database, tmp_path: Path, clock: FixedClock) -> Callable[..., TransparencyLog]:
    def make(**options: Any) -> TransparencyLog:
        options.setdefault("trees", trees())
        options.setdefault("anchor_folders", [tmp_path / "anchors"])
        return TransparencyLog(options.pop("database", database), "audit", table, tmp_path / "log", clock=clock, **options)

    return make


def add(database: Database, audit: Audit, count: int = 1) -> list[str]:
    def job(connection: Any) -> list[str]:
        return [
            audit.record(connection, at=AT, actor="client:a", action="thing.changed", subject=f"thing:{i}", outcome="done")
            for i in range(count)
        ]

    return database.write(job)


def codes(log: TransparencyLog) -> set[str]:
    return {finding.code for finding in check_log(log).findings}


def without_triggers(database: Database, *statements: str) -> None:
    on = "" if database.is_sqlite else " ON kit_audit"
    drops = [f"DROP TRIGGER kit_audit_{name}{on}" for name in ("keep", "stay", "index_once")]
    database.write(lambda connection: [connection.execute(text(each)).rowcount for each in (*drops, *statements)])
