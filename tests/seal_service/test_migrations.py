"""The migrations make exactly the tables that the code works with."""

from __future__ import annotations

from functools import partialmethod
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory

from seal_service import store
from seal_service.model import Power, SealState
from seal_service.tables import PREFIX, metadata
from service_kit.database import Database
from service_kit.migrations import differences, is_current, migrate

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy import Connection

SCRIPTS = "seal_service.migrations"
UPGRADE = ScriptDirectory._upgrade_revs


def test_the_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}", 2)
    try:
        migrate(database, PREFIX, SCRIPTS)
        migrate(database, PREFIX, SCRIPTS)
        assert is_current(database, PREFIX, SCRIPTS)
        assert differences(database, PREFIX, metadata) == []
    finally:
        database.close()


def migrate_to(revision: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the program of then left the tables."""
    with monkeypatch.context() as older:
        older.setattr(ScriptDirectory, "get_current_head", lambda _: revision)
        older.setattr(
            ScriptDirectory, "_upgrade_revs", partialmethod(lambda self, _, present, real: real(self, revision, present), real=UPGRADE)
        )
        migrate(database, PREFIX, SCRIPTS)


def test_what_stood_in_the_tables_before_stands_there_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seals, who managed and who used them, and uses of the version before come over; a revoked seal is a cancelled one."""
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}", 2)
    try:
        migrate_to("seal_0002", database, monkeypatch)

        def fill(conn: Connection) -> None:
            for name, state in (("sl_1", "active"), ("sl_2", "revoked")):
                conn.exec_driver_sql(
                    "INSERT INTO seal_seals (id, code, name, organisation, purpose, credit_code, type_code, state, version, managed_by, made_by, "
                    "key_id, certificate_der, is_certificate_revoked, picture_width_mm, made_at, state_at) VALUES "
                    f"('{name}', '1507000000000{name[-1]}', 'n', 'o', '', 'c', '1', '{state}', 2, 'cl_a', 'p', 'k{name}', x'3000', 0, 42, 1, 1)"
                )
                conn.exec_driver_sql(f"INSERT INTO seal_grants VALUES ('{name}', 'cl_a', 'cl_a', 5), ('{name}', 'cl_b', 'cl_a', 6)")
            conn.exec_driver_sql(
                "INSERT INTO seal_uses (id, seal_id, client_id, kind, state, digest, owner, intent_at, is_timestamped, intent_audit_id) "
                "VALUES ('su_1', 'sl_1', 'cl_b', 'digest', 'intent', x'00', 'p', 7, 0, 'a')"
            )

        database.write(fill)
        migrate(database, PREFIX, SCRIPTS)
        with database.read() as conn:
            assert [store.powers_of(conn, "sl_1", each) for each in ("cl_a", "cl_b")] == [{Power.MANAGE, Power.USE}, {Power.USE}]
            assert [grant.holder for grant in store.list_standing_grants(conn, "sl_1", "cl_b")] == ["cl_b"]
            assert store.list_grants(conn, "sl_2") == ["cl_a", "cl_b"]
            use, seal = store.load_use(conn, "su_1"), store.load_seal(conn, "sl_2")
        assert use is not None
        assert use.holder == "cl_b"
        assert seal is not None
        assert (seal.state, seal.are_powers_separated, seal.edition) == (SealState.CANCELLED, False, 1)
        assert differences(database, PREFIX, metadata) == []
    finally:
        database.close()


def test_of_older_uses_is_known_what_was_always_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that stand in the row, or answer an idempotency key, and those of batches and of signing devices; of others nothing is said."""
    database = Database(f"sqlite:///{tmp_path / 'db.sqlite3'}", 2)
    try:
        migrate_to("seal_0017", database, monkeypatch)

        def fill(conn: Connection) -> None:
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for name, state, inline, claim in (
                ("inline", "done", "x'01'", "NULL"),
                ("claimed", "done", "NULL", "x'02'"),
                ("batch", "done", "NULL", "NULL"),
                ("device", "done", "NULL", "NULL"),
                ("other", "done", "NULL", "NULL"),
                ("begun", "intent", "NULL", "x'03'"),
            ):
                conn.exec_driver_sql(
                    "INSERT INTO seal_uses (id, seal_id, client_id, kind, state, digest, owner, intent_at, is_timestamped, intent_audit_id, "
                    f"result_digest, result_inline, claim_digest) VALUES ('{name}', 'sl_1', 'c', 'document', '{state}', x'00', 'p', 7, 0, 'a', "
                    f"'d', {inline}, {claim})"
                )
            conn.exec_driver_sql(
                "INSERT INTO seal_seals (id, code, name, organisation, purpose, credit_code, type_code, state, version, made_by, key_id, "
                "is_certificate_revoked, picture_width_mm, made_at, state_at, name_mongolian, name_romanised, design_json, edition, "
                "are_powers_separated, is_key_here, is_key_destroyed, is_certificate_outside) VALUES "
                "('sl_1', '15070000000001', 'n', 'o', '', 'c', '1', 'making', 1, 'p', 'k', 0, 42, 1, 1, '', '', '', 1, 0, 1, 0, 0)"
            )
            conn.exec_driver_sql(
                "INSERT INTO seal_batches (id, seal_id, client_id, holder, actor, order_json, state, total, created_at) "
                "VALUES ('sb_1', 'sl_1', 'c', 'c', 'c', '{}', 'done', 1, 1)"
            )
            conn.exec_driver_sql(
                "INSERT INTO seal_batch_items (batch_id, number, name, document_digest, state, use_id) VALUES "
                "('sb_1', 1, 'n', 'd', 'sealed', 'batch'), ('sb_1', 2, 'n', 'd', 'failed', NULL)"
            )
            conn.exec_driver_sql(
                "INSERT INTO seal_remote_orders (use_id, seal_id, certificate_digest, holder, document_digest, order_json, at, expires_at) "
                "VALUES ('device', 'sl_1', 'd', 'c', 'd', '{}', 1, 1)"
            )

        database.write(fill)
        migrate(database, PREFIX, SCRIPTS)
        with database.read() as conn:
            known = {row.id: row.is_result_kept for row in conn.exec_driver_sql("SELECT id, is_result_kept FROM seal_uses")}
        assert known == {"inline": 1, "claimed": 1, "batch": 1, "device": 1, "other": None, "begun": None}
    finally:
        database.close()
