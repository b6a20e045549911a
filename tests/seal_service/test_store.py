"""Rows in and out, on SQLite; the statements that need a lock are compiled for PostgreSQL too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import IntegrityError

from seal_service import store
from seal_service.model import DocumentForm, Grant, Power, Seal, SealState, UseKind, UseState
from seal_service.store import grants, seals
from seal_service.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 5, 1, 8, 30, 15, 123456, tzinfo=UTC)
CERTIFICATE = bytes.fromhex("3003020101")
ISSUER = bytes.fromhex("3003020102")
ROOT = bytes.fromhex("3003020103")
SEAL_DATA = bytes.fromhex("3003020104")


def make_seal(seal_id: str = "sl_a", **changes: Any) -> Seal:
    seal = Seal(
        id=seal_id,
        code=f"150700{abs(hash(seal_id)) % 10**8:08d}",
        name="演示印章",
        organisation="演示中心（样例）",
        purpose="",
        credit_code="11150700MB0000000X",
        type_code="1",
        state=SealState.ACTIVE,
        state_reason=None,
        version=1,
        made_by="host-1-a",
        claim_digest=None,
        key_id=f"key-{seal_id}",
        certificate_der=CERTIFICATE,
        chain_der=(ISSUER, ROOT),
        seal_data_der=SEAL_DATA,
        is_certificate_revoked=False,
        picture_width_mm=42.0,
        made_at=AT,
        state_at=AT,
    )
    return replace(seal, **changes)


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def intent(conn: Connection, use_id: str = "su_a", seal_id: str = "sl_a", at: datetime = AT) -> None:
    store.insert_intent(
        conn,
        use_id=use_id,
        seal_id=seal_id,
        client_id="cl_a",
        kind=UseKind.DIGEST,
        digest=b"d" * 32,
        input_digest=None,
        owner="host-1-a",
        claim_digest=b"c" * 32,
        at=at,
        is_timestamped=False,
        audit_id="ae_1",
        holder="cl_a",
        form=DocumentForm.DIGEST,
        document_type="",
        grant_id=None,
    )


def test_times_keep_their_microseconds() -> None:
    assert store.read_time(store.write_time(AT)) == AT
    assert store.write_time(datetime(1970, 1, 1, tzinfo=UTC)) == 0


def test_a_seal_comes_back_as_it_went_in(conn: Connection) -> None:
    seal = make_seal()
    store.insert_seal(conn, seal)
    assert store.load_seal(conn, "sl_a") == seal
    assert store.load_seal(conn, "sl_a", is_locked=True) == seal
    assert store.load_seal(conn, "sl_b") is None
    assert store.hold_state(conn, "sl_a") is SealState.ACTIVE
    assert store.hold_state(conn, "sl_b") is None


def test_an_active_seal_without_certificate_is_refused_by_the_database(conn: Connection) -> None:
    with pytest.raises(IntegrityError):
        store.insert_seal(conn, make_seal(certificate_der=None, chain_der=()))


def test_a_code_is_given_once(conn: Connection) -> None:
    store.insert_seal(conn, make_seal("sl_a", code="15070000000001"))
    with pytest.raises(IntegrityError):
        store.insert_seal(conn, make_seal("sl_b", code="15070000000001"))


def test_serials_run_per_division(conn: Connection) -> None:
    assert [store.take_next_serial(conn, "150700") for _ in range(3)] == [1, 2, 3]
    assert store.take_next_serial(conn, "150100") == 1


def test_making_ends_with_a_certificate(conn: Connection) -> None:
    store.insert_seal(conn, make_seal(state=SealState.MAKING, certificate_der=None, chain_der=()))
    assert [seal.id for seal in store.list_seals_in_making(conn, limit=9)] == ["sl_a"]
    seal = store.load_seal(conn, "sl_a")
    assert seal is not None
    store.update_edition(conn, replace(seal, certificate_der=CERTIFICATE, chain_der=(ISSUER,), seal_data_der=SEAL_DATA, valid_until=AT))
    store.update_state(conn, seal, state=SealState.ACTIVE, reason=None, at=AT + timedelta(minutes=1))
    found = store.load_seal(conn, "sl_a")
    assert found is not None
    assert (found.state, found.version, found.certificate_der, found.chain_der) == (SealState.ACTIVE, 2, CERTIFICATE, (ISSUER,))
    assert found.state_at == AT + timedelta(minutes=1)


def test_a_revoked_seal_waits_for_its_certificate_to_be_revoked(conn: Connection) -> None:
    seal = make_seal()
    store.insert_seal(conn, seal)
    assert store.list_seals_with_certificate_to_revoke(conn, limit=9) == []
    store.update_state(conn, seal, state=SealState.CANCELLED, reason="lost", at=AT)
    assert [one.id for one in store.list_seals_with_certificate_to_revoke(conn, limit=9)] == ["sl_a"]
    store.update_certificate_revoked(conn, "sl_a")
    assert store.list_seals_with_certificate_to_revoke(conn, limit=9) == []


def test_a_holder_sees_the_seals_he_has_a_power_over_and_nothing_else(conn: Connection) -> None:
    for name, manager in (("sl_1", "cl_a"), ("sl_2", "cl_b"), ("sl_3", "cl_b"), ("sl_4", "cl_a")):
        seal = make_seal(name)
        store.insert_seal(conn, seal)
        store.insert_power(conn, seal, manager, Power.MANAGE, given_by="x", at=AT)
        if name == "sl_3":
            store.insert_power(conn, seal, "cl_a", Power.USE, given_by="cl_b", at=AT)

    paging: dict[str, Any] = {"after": "", "limit": 9}

    def listed(holder: str | None, **conditions: Any) -> list[str]:
        return [seal.id for seal in store.list_seals_of_holder(conn, holder, **{**paging, **conditions})]

    assert listed("cl_a") == ["sl_1", "sl_3", "sl_4"]
    assert listed("cl_a", after="sl_1", limit=1) == ["sl_3"]
    assert listed("cl_c") == []
    assert listed(None) == ["sl_1", "sl_2", "sl_3", "sl_4"]
    assert listed(None, state=SealState.FROZEN) == []
    assert listed("cl_b", search="演示") == ["sl_2", "sl_3"]
    assert listed("cl_b", search="%") == []


def test_the_table_itself_keeps_separated_powers_apart(conn: Connection) -> None:
    apart, together = make_seal("sl_1", are_powers_separated=True), make_seal("sl_2")
    for seal in (apart, together):
        store.insert_seal(conn, seal)
        store.insert_power(conn, seal, "cl_a", Power.MANAGE, given_by="x", at=AT)
        store.insert_power(conn, seal, "cl_b", Power.USE, given_by="x", at=AT)
    store.insert_power(conn, together, "cl_a", Power.USE, given_by="x", at=AT)
    assert store.powers_of(conn, "sl_2", "cl_a") == {Power.MANAGE, Power.USE}
    for holder, power in (("cl_a", Power.USE), ("cl_a", Power.AUDIT), ("cl_b", Power.MANAGE)):
        with pytest.raises(IntegrityError), conn.begin_nested():
            store.insert_power(conn, apart, holder, power, given_by="x", at=AT)
    assert [(each.holder, each.power) for each in store.list_powers(conn, "sl_1")] == [("cl_a", Power.MANAGE), ("cl_b", Power.USE)]


def test_grants_are_given_counted_and_taken_back(conn: Connection) -> None:
    seal = make_seal()
    store.insert_seal(conn, seal)
    grant = Grant("sg_1", "sl_a", "cl_b", "cl_a", AT, forms=frozenset({"pdf"}), document_types=frozenset({"批文"}), uses_max=2)
    store.insert_grant(conn, grant)
    assert not store.is_granted(conn, "sl_a", "cl_b")  # a grant is nothing without the power
    store.insert_power(conn, seal, "cl_b", Power.USE, given_by="cl_a", at=AT)
    assert store.is_granted(conn, "sl_a", "cl_b")
    assert store.list_grants(conn, "sl_a") == ["cl_b"]
    assert store.list_standing_grants(conn, "sl_a", "cl_b") == [grant]
    assert [store.take_one_use(conn, "sg_1") for _ in range(3)] == [True, True, False]
    with pytest.raises(IntegrityError), conn.begin_nested():
        conn.exec_driver_sql("UPDATE seal_grants SET used = 3")
    assert store.revoke_grant(conn, "sg_1", by="cl_a", at=AT, reason="x")
    assert not store.revoke_grant(conn, "sg_1", by="cl_a", at=AT, reason="x")
    assert not store.is_granted(conn, "sl_a", "cl_b")
    assert not store.take_one_use(conn, "sg_1")
    kept = store.load_grant(conn, "sg_1")
    assert kept is not None
    assert (kept.used, kept.revoked_by, kept.version) == (2, "cl_a", 2)


def finish(conn: Connection, digest: str, size_bytes: int, audit_id: str) -> bool:
    return store.finish_use(
        conn,
        "su_a",
        seal_id="sl_a",
        at=AT,
        result_digest=digest,
        result_bytes=size_bytes,
        result_inline=None,
        is_result_kept=True,
        audit_id=audit_id,
    )


def test_an_intent_is_finished_once(conn: Connection) -> None:
    store.insert_seal(conn, make_seal())
    intent(conn)
    assert finish(conn, "ab" * 32, 7, "ae_2")
    assert not finish(conn, "cd" * 32, 8, "ae_3")
    assert not store.void_use(conn, "su_a", at=AT, reason="late", audit_id="ae_4")
    use = store.load_use(conn, "su_a")
    assert use is not None
    assert (use.state, use.result_digest, use.result_bytes, use.result_audit_id) == (UseState.DONE, "ab" * 32, 7, "ae_2")
    assert store.load_use(conn, "su_b") is None


def test_a_voided_intent_gives_no_result(conn: Connection) -> None:
    store.insert_seal(conn, make_seal())
    intent(conn)
    assert store.void_use(conn, "su_a", at=AT, reason="orphan", audit_id="ae_2")
    assert not finish(conn, "ab" * 32, 7, "ae_3")
    use = store.load_use(conn, "su_a")
    assert use is not None
    assert (use.state, use.void_reason, use.result_digest) == (UseState.VOIDED, "orphan", None)


def test_old_intents_are_found_oldest_first(conn: Connection) -> None:
    store.insert_seal(conn, make_seal())
    for minute, name in ((2, "su_b"), (1, "su_a"), (3, "su_c")):
        intent(conn, name, at=AT + timedelta(minutes=minute))
    assert [use.id for use in store.list_intents(conn, limit=2)] == ["su_a", "su_b"]


def test_states_are_read_under_a_lock_where_the_database_has_several_writers() -> None:
    dialect: Any = PGDialect
    for statement, ending in (
        (seals._STATE_LOCKED, "FOR SHARE"),
        (grants._RIGHT, "FOR SHARE OF seal_seals"),
        (seals._SEAL_LOCKED, "FOR UPDATE"),
    ):
        assert str(statement.compile(dialect=dialect())).rstrip().endswith(ending)
