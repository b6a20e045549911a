"""Rows that give rights count as the program wrote them: not one written, changed or moved past it, and of those from before only what the trail proves."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service_kit.audit import Audit, new_writer_id
from service_kit.database import Database
from service_kit.duties import code_older_duties, duties_of, give_duty, list_duty_holders, take_duty
from service_kit.roles import Role, appoint, code_older_roles, dismiss, list_role_holders, role_of
from service_kit.row_codes import AlteredRows, count_altered
from service_kit.tables import duties, role_holders
from standards.errors import TrustError
from tests.service_kit.log_setting import AT

GIVEN: Any = {"actor": "operator:x", "reason": "r", "at": AT}


@pytest.fixture
def given(database: Database, audit: Audit) -> Database:
    """Two roles and two duties."""

    def work(connection: Any) -> None:
        for holder, role in (("person:a", Role.AUDIT), ("person:s", Role.SYSTEM)):
            assert appoint(connection, audit, holder, role, is_bound=lambda *_: False, **GIVEN)
        for duty in ("reads", "writes"):
            assert give_duty(connection, audit, "person:d", duty, known=("reads", "writes"), **GIVEN)

    database.write(work)
    return database


def sql(database: Database, statement: str) -> None:
    database.write(lambda connection: connection.execute(text(statement)))


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE kit_role_holders SET role = 'security' WHERE holder = 'person:a'",
        "UPDATE kit_role_holders SET appointed_by = 'person:b' WHERE holder = 'person:a'",
        "UPDATE kit_role_holders SET row_mac = NULL WHERE holder = 'person:a'",
        "UPDATE kit_role_holders SET row_mac = (SELECT row_mac FROM kit_role_holders WHERE holder = 'person:s') WHERE holder = 'person:a'",
        "DELETE FROM kit_role_holders WHERE holder = 'person:a'; ",
    ],
)
def test_a_role_that_was_changed_past_the_program_gives_nothing(given: Database, audit: Audit, attack: str) -> None:
    sql(given, attack)
    if attack.startswith("DELETE"):  # put to somebody else with the code it had
        sql(given, "UPDATE kit_role_holders SET holder = 'person:a' WHERE holder = 'person:s'")
    with given.read() as connection:
        with pytest.raises(TrustError) as refused:
            role_of(connection, "person:a")
        assert (refused.value.code, refused.value.facts["row"]) == ("ROW_ALTERED", "person:a")
        assert next(each.is_altered for each in list_role_holders(connection))
        assert count_altered(connection, role_holders) == 1
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        given.write(lambda connection: give_duty(connection, audit, "person:a", "reads", known=("reads",), **GIVEN))
    assert given.write(lambda connection: dismiss(connection, audit, "person:a", **GIVEN))
    with given.read() as connection:
        assert role_of(connection, "person:a") is None
        assert next(audit.own_entries(connection, "holder:person:a", ("role.dismiss",))).facts["was_altered"] is True


def test_a_duty_that_was_written_past_the_program_gives_nothing(given: Database, audit: Audit) -> None:
    with given.read() as connection:
        assert duties_of(connection, "person:d") == ("reads", "writes")
    sql(given, "INSERT INTO kit_duties SELECT 'person:e', duty, given_by, given_at, reason, row_mac FROM kit_duties WHERE duty = 'writes'")
    with given.read() as connection:
        with pytest.raises(TrustError, match="ROW_ALTERED"):
            duties_of(connection, "person:e")
        assert [(each.holder, each.is_altered) for each in list_duty_holders(connection)][-1] == ("person:e", True)
        assert count_altered(connection, duties) == 1
    assert given.write(lambda connection: take_duty(connection, audit, "person:e", "writes", **GIVEN))


def test_rows_from_before_there_were_codes_count_as_far_as_the_trail_proves_them(given: Database, audit: Audit) -> None:
    for table in ("kit_role_holders", "kit_duties"):
        sql(given, f"UPDATE {table} SET row_mac = NULL")
    # 1. Raised, given to another, dismissed and put back, taken and put back: what the trail does not say
    sql(given, "UPDATE kit_role_holders SET role = 'security' WHERE holder = 'person:a'")
    sql(given, "INSERT INTO kit_role_holders VALUES ('person:x', 'security', 'operator:x', 0, 'r', NULL)")
    sql(given, "INSERT INTO kit_duties VALUES ('person:x', 'reads', 'operator:x', 0, 'r', NULL)")
    given.write(lambda connection: take_duty(connection, audit, "person:d", "writes", **GIVEN))
    sql(given, "INSERT INTO kit_duties VALUES ('person:d', 'writes', 'operator:x', 0, 'r', NULL)")
    given.write(lambda connection: code_older_roles(connection, audit))
    given.write(lambda connection: code_older_duties(connection, audit))
    with given.read() as connection:
        assert role_of(connection, "person:s") is Role.SYSTEM
        assert {each.holder: each.is_altered for each in list_role_holders(connection)} == {
            "person:a": True,
            "person:s": False,
            "person:x": True,
        }
        assert {(each.holder, each.duty): each.is_altered for each in list_duty_holders(connection)} == {
            ("person:d", "reads"): False,
            ("person:d", "writes"): True,
            ("person:x", "reads"): True,
        }


@pytest.mark.parametrize("garbage", ["9223372036854775807", "-9223372036854775808", "-100000000000000000", "'soon'", "x'00ff'", "1.5"])
def test_a_row_with_values_that_the_program_never_writes_is_listed_as_altered(given: Database, audit: Audit, garbage: str) -> None:
    """SQLite takes any value in any column: the list shows the row all the same, so that it can be found and taken away."""
    with given.read() as connection:
        takes_anything = connection.dialect.name == "sqlite"
    if garbage in {"'soon'", "x'00ff'"} and not takes_anything:
        with pytest.raises(DBAPIError):
            sql(given, f"UPDATE kit_role_holders SET appointed_at = {garbage}")
        return
    sql(given, f"UPDATE kit_role_holders SET appointed_at = {garbage}, reason = {garbage} WHERE holder = 'person:a'")
    sql(given, f"UPDATE kit_duties SET given_at = {garbage}, given_by = {garbage} WHERE duty = 'reads'")
    with given.read() as connection:
        first, other = list_role_holders(connection)
        assert (first.holder, first.is_altered, first.appointed_at.year, other.is_altered) == ("person:a", True, 1970, False)
        reads, writes = list_duty_holders(connection)
        assert (reads.duty, reads.is_altered, reads.given_at.year, writes.is_altered) == ("reads", True, 1970, False)
    assert given.write(lambda connection: dismiss(connection, audit, "person:a", **GIVEN))
    assert given.write(lambda connection: take_duty(connection, audit, "person:d", "reads", **GIVEN))


def test_a_count_that_took_long_is_given_again_for_a_while(given: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = AlteredRows(given, (role_holders, duties))
    monkeypatch.setattr("service_kit.row_codes.monotonic", lambda: 900.0)
    assert counted.count() == 0
    sql(given, "UPDATE kit_role_holders SET row_mac = NULL")
    assert counted.count() == 2, "quick counts are made each time"
    clock = [1000.0]

    def now() -> float:
        clock[0] += 0.2  # each look at it comes so much later
        return clock[0]

    monkeypatch.setattr("service_kit.row_codes.monotonic", now)
    assert counted.count() == 2
    sql(given, "UPDATE kit_duties SET row_mac = NULL")
    assert counted.count() == 2, "kept"
    clock[0] += 300
    assert counted.count() == 4


def test_an_entry_that_another_key_made_proves_nothing(given: Database) -> None:
    sql(given, "UPDATE kit_role_holders SET row_mac = NULL")
    stranger = Audit(given, b"o" * 32, new_writer_id())
    given.write(lambda connection: code_older_roles(connection, stranger))
    with given.read() as connection:
        assert count_altered(connection, role_holders) == 2


def test_attack_a_copy_of_anothers_entry_proves_nothing(given: Database, audit: Audit) -> None:
    """Whoever writes to the database can enter a genuine entry once more under another name: its code is right, what stands beside it is not."""
    sql(given, "UPDATE kit_role_holders SET row_mac = NULL")
    copied = "entry, mac, actor, action"
    sql(
        given,
        f"INSERT INTO kit_audit (entry_id, writer_id, number, subject, {copied}) "
        f"SELECT 'au_copy', writer_id, 1000000, 'holder:person:evil', {copied} FROM kit_audit WHERE subject = 'holder:person:s'",
    )
    sql(
        given,
        "INSERT INTO kit_role_holders SELECT 'person:evil', role, appointed_by, appointed_at, reason, NULL FROM kit_role_holders WHERE holder = 'person:s'",
    )
    given.write(lambda connection: code_older_roles(connection, audit))
    with given.read() as connection:
        assert {each.holder: each.is_altered for each in list_role_holders(connection)}["person:evil"]
        assert role_of(connection, "person:s") is Role.SYSTEM


def test_bytes_where_a_text_belongs_are_altered_like_others(given: Database, audit: Audit) -> None:
    sql(
        given, "UPDATE kit_role_holders SET reason = x'ff' WHERE holder = 'person:a'"
    )  # SQLite keeps bytes, PostgreSQL makes a text of them
    with given.read() as connection:
        with pytest.raises(TrustError, match="ROW_ALTERED"):
            role_of(connection, "person:a")
        assert count_altered(connection, role_holders) == 1
    assert given.write(lambda connection: dismiss(connection, audit, "person:a", **GIVEN))


def test_where_there_is_no_trail_there_are_no_rights(given: Database, database_url: str) -> None:
    other = Database(database_url, pool_size=1)
    try:
        with other.read() as connection, pytest.raises(TrustError, match="AUDIT_UNAVAILABLE"):
            role_of(connection, "person:a")
    finally:
        other.close()
