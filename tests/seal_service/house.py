"""A seal service with everything real around it in one temporary folder: database, audit trail, keys, certificates, time-stamps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

import pytest

from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.keystore import Keystore
from crypto.master_key import MasterKey
from crypto.timestamps import DEMONSTRATION_POLICY, TimeStampAuthority
from seal_service.ports import SEAL_MAKER, MakerIdentity
from seal_service.tables import PREFIX
from service_kit.audit import Audit, new_writer_id
from service_kit.blobs import Blobs
from service_kit.callers import Caller
from service_kit.clock import SystemClock
from service_kit.composition import ServiceContext
from service_kit.database import Database
from service_kit.idempotency import Idempotency
from service_kit.migrations import migrate, migrate_kit
from service_kit.outbox import Outbox
from service_kit.process_marks import FOLDER_NAME, ProcessMark
from service_kit.settings import Settings
from standards.errors import Kind, TrustError
from standards.rfc5280_names import write_name
from tests.audit_trail import find_entries
from tests.pki import DemoPki
from tests.prepared_tables import prepare_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList

CREDIT_CODE = "11150700MB1234562Q"  # invented; its check characters are right
ORGANISATION = "呼伦贝尔市政务服务演示中心（样例）"
MANAGE, USE, READ = "seal.manage", "seal.use", "seal.read"


@dataclass
class TestIssuer:
    """The issuing authority of a test PKI as the service sees it. ``fail_with`` makes issuing fail; ``unknown``: serials it never issued."""

    __test__ = False
    pki: DemoPki
    fail_with: BaseException | None = None
    revoked: list[int] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)

    def issue(self, *, common_name: str, organisation: str, spki_der: bytes, profile: Profile, actor: str) -> Certificate:
        if self.fail_with is not None:
            raise self.fail_with
        now = datetime.now(UTC).replace(microsecond=0)
        subject = write_name((("C", "CN"), ("O", organisation), ("CN", common_name)))
        return self.pki.issuing.issue(
            SubjectRequest(subject, spki_der), profile, not_before=now - timedelta(minutes=5), not_after=now + timedelta(days=30)
        )

    def chain(self) -> tuple[Certificate, ...]:
        return self.pki.chain

    def revoke(self, serial: int, *, reason: str, actor: str) -> None:
        if serial in self.unknown:
            raise TrustError(Kind.NOT_FOUND, "CERTIFICATE_UNKNOWN", serial=f"{serial:x}")
        if serial in self.revoked:  # as the real one: it stays so, as of then
            return
        self.revoked.append(serial)
        self.pki.revoked.append(RevokedCertificate(serial, datetime.now(UTC), reason))


@dataclass
class House:
    """The context and handles on what tests want to break."""

    context: ServiceContext
    issuer: TestIssuer
    pki: DemoPki
    folder: Path

    def entries(self, subject: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
        """(action, outcome, facts) of the audit trail, oldest first."""
        with self.context.database.read() as conn:
            found = find_entries(conn, subject=subject, limit=1000)
        return [(entry.action, entry.outcome, dict(entry.facts)) for entry in reversed(found)]

    def sql(self, statement: str) -> None:
        """Run a statement past all code, as somebody with the file could."""
        self.context.database.write(lambda conn: conn.exec_driver_sql(statement))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.context.database.read() as conn:
            return [tuple(row) for row in conn.exec_driver_sql(statement)]


@contextmanager
def answer_lost(house: House, kind: type) -> Iterator[None]:
    """Whoever writes a ``kind`` hears that nobody knows whether it was committed, when it was."""
    write = house.context.database.write

    def write_and_lose(job: Callable[[Connection], Any]) -> Any:
        value = write(job)
        if isinstance(value, kind):
            raise TrustError(Kind.UNAVAILABLE, "DATABASE_OUTCOME_UNKNOWN")
        return value

    with patch.object(house.context.database, "write", write_and_lose), pytest.raises(TrustError, match="DATABASE_OUTCOME_UNKNOWN"):
        yield


def caller(client_id: str = "cl_a", *scopes: str) -> Caller:
    return Caller(client_id, client_id, frozenset(scopes or (MANAGE, USE, READ)))


def migrate_seals(database: Database) -> None:
    """The tables of the seal service."""
    migrate(database, PREFIX, "seal_service.migrations")


@contextmanager
def open_house(folder: Path, *, database_url: str | None = None, **changes: Any) -> Iterator[House]:
    """A deployment with empty tables: SQLite in the folder, or what ``database_url`` names."""
    pki = DemoPki.create(datetime.now(UTC))
    issuer = TestIssuer(pki)
    authority = TimeStampAuthority(pki.tsa, pki.chain, pki.tsa_signer, DEMONSTRATION_POLICY)
    clock = SystemClock()
    database = Database(database_url or prepare_tables(folder / "db.sqlite3", migrate_kit, migrate_seals), 8)
    try:
        if database_url is not None:
            migrate_kit(database)
            migrate_seals(database)
        audit = Audit(database, b"k" * 32, new_writer_id())
        blobs = Blobs(folder / "blobs")
        trust: Callable[[], TrustList] = pki.trust_list
        trust_list = trust()
        context = ServiceContext(
            settings=Settings(dir=folder, demo=True),
            database=database,
            audit=audit,
            log=cast("Any", None),
            blobs=blobs,
            clock=clock,
            keystore=Keystore(folder / "keys", MasterKey(b"m" * 16)),
            outbox=Outbox(database, clock),
            idempotency=Idempotency(ProcessMark(folder / FOLDER_NAME, audit.writer_id)),
            issuer=issuer,
            time_stamp=lambda data: authority.stamp(data, clock.now()),
            time_stamp_bytes=authority.token_bytes_max,
            trust=lambda: trust_list,
            links={SEAL_MAKER: MakerIdentity(pki.maker, pki.maker_signer)},
        )
        yield House(replace(context, **changes), issuer, pki, folder)
    finally:
        database.close()
