"""Lists of entrustments hide none that counts: those that stand come before those that ended, and those that are for something before empty ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from licence_vault import store
from licence_vault.actions.entrust_use import AGENT_CODE_TYPES, EntrustmentOrder, end_entrustment, entrust_use, list_entrustments
from licence_vault.actions.find_entrusted_licences import find_entrusted_licences
from licence_vault.actions.redeem_use_code import redeem_use_code
from licence_vault.model import Holder
from licence_vault.uses import Entrustment, new_entrustment_id
from service_kit.rule_texts import rule_in
from standards.errors import TrustError
from standards.gb11643_resident_id import compute_check_character
from standards.gbt36903_metadata import HOLDER_CODE_TYPES
from tests.audit_trail import find_entries
from tests.licence_vault.issuing_here import caller
from tests.licence_vault.type_files import TYPE
from tests.licence_vault.using_here import SHARED, UsingHere
from tests.licence_vault.vault_here import VaultHere
from tests.postgres import postgres_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from licence_vault.actions.find_entrusted_licences import ReceivedEntrustment
    from licence_vault.actions.use_desk import UseDesk
    from service_kit.callers import Caller

WHY = "委托办理"
FIRM = ("001", "91150700MA0N000012")


def number(place: int) -> tuple[str, str]:
    body = f"11010519491231{place:03d}"
    return "111", body + compute_check_character(body)


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("lists") / "d") as using:
        yield using


@pytest.fixture
def giver(here: UsingHere) -> Caller:
    return here.directory.sign_in("pe_giver", number(1))


@pytest.fixture
def agent(here: UsingHere) -> Caller:
    return here.directory.sign_in("pe_agent", number(2))


def order(here: UsingHere, *, to: int = 2, days: float = 3, type_code: str = SHARED, reason: str = WHY) -> EntrustmentOrder:
    return EntrustmentOrder(number(to), type_code, here.desk.context.clock.now() + timedelta(days=days), reason)


def give(here: UsingHere, person: Caller, *, to: int = 2, days: float = 3, type_code: str = SHARED, reason: str = WHY) -> Entrustment:
    """A second later than what was given before."""
    here.issuing.vault.clock.at += timedelta(seconds=1)
    return entrust_use(here.desk, person, order(here, to=to, days=days, type_code=type_code, reason=reason))


def received(here: UsingHere, agent: Caller, *, before: str | None = None, limit: int = 50) -> list[ReceivedEntrustment]:
    return find_entrusted_licences(here.desk, agent, before=before, limit=limit)


def refused(code: str, act: Callable[[], object]) -> TrustError:
    with pytest.raises(TrustError, match=f"^{code}") as raised:
        act()
    return raised.value


def test_what_stands_is_seen_whatever_was_ended_after_it(here: UsingHere, giver: Caller) -> None:
    standing = [give(here, giver, to=3, days=300), give(here, giver, to=4)]
    ended: list[Entrustment] = []
    for _ in range(7):
        ended.append(give(here, giver, to=5))
        end_entrustment(here.desk, giver, ended[-1].id)
    over = give(here, giver, to=6, days=0.00001)  # less than a second
    here.issuing.vault.clock.at += timedelta(seconds=1)
    first = list_entrustments(here.desk, giver, before=None, limit=3)
    assert [each.id for each in first.standing] == [each.id for each in reversed(standing)]
    past = [*first.past]
    assert len(past) == 3
    while page := list_entrustments(here.desk, giver, before=past[-1].id, limit=3).past:
        past += page
    assert [each.id for each in past] == [over.id, *(each.id for each in reversed(ended))]
    assert list_entrustments(here.desk, giver, before=past[0].id, limit=1).standing == []
    for unknown in (new_entrustment_id(), give(here, here.directory.sign_in("pe_other", number(9))).id):
        refused("LICENCE_ENTRUSTMENT_NOT_FOUND", lambda unknown=unknown: list_entrustments(here.desk, giver, before=unknown, limit=1))  # type: ignore[misc]


def test_of_one_moment_each_is_on_one_page(here: UsingHere, giver: Caller) -> None:
    given = [entrust_use(here.desk, giver, order(here, to=place)).id for place in range(2, 9)]
    for each in given:
        end_entrustment(here.desk, giver, each)
    seen: list[str] = []
    while page := list_entrustments(here.desk, giver, before=seen[-1] if seen else None, limit=2).past:
        seen += [each.id for each in page]
    assert seen == sorted(given)


def test_what_is_for_nothing_comes_behind_what_is_for_something(here: UsingHere, giver: Caller, agent: Caller) -> None:
    here.issue(Holder("王五（示例）", number(1)[1], "111"))
    real = give(here, giver)
    empty = [give(here, here.directory.sign_in(f"pe_{place}", number(place))) for place in range(10, 16)]
    other_type = give(here, giver, type_code=TYPE)  # of which he holds none
    suspended = here.issue(Holder("赵六（示例）", number(20)[1], "111"))
    here.step(suspended, "revoke")
    empty.append(give(here, here.directory.sign_in("pe_20", number(20))))
    here.issue(Holder("钱七（示例）", number(21)[1], "111"))
    later = give(here, here.directory.sign_in("pe_21", number(21)))
    expected = [later.id, real.id, empty[-1].id, other_type.id, *(each.id for each in reversed(empty[:-1]))]
    whole = received(here, agent)
    assert [each.entrustment.id for each in whole] == expected
    assert [len(each.licences) for each in whole] == [1, 1, *[0] * 8]
    for limit in (1, 2, 3):
        seen: list[str] = []
        while page := received(here, agent, before=seen[-1] if seen else None, limit=limit):
            seen += [each.entrustment.id for each in page]
        assert seen == expected
    refused("LICENCE_ENTRUSTMENT_NOT_FOUND", lambda: received(here, giver, before=real.id))
    refused("LICENCE_ENTRUSTMENT_NOT_FOUND", lambda: received(here, agent, before=new_entrustment_id()))


def test_there_is_one_of_a_kind_and_a_longer_one_lengthens_it(here: UsingHere, giver: Caller, agent: Caller) -> None:
    licence = here.issue(Holder("王五（示例）", number(1)[1], "111"))
    given = give(here, giver)
    code = here.code(licence, agent)
    for until in (given.until - timedelta(days=1), given.until):
        again = replace(order(here), until=until)
        refusal = refused("LICENCE_ENTRUSTMENT_STANDS", partial(entrust_use, here.desk, giver, again))
        assert (refusal.facts["entrustment"], refusal.facts["until"]) == (given.id, given.until.isoformat())
    lengthened = give(here, giver, days=9, reason="委托办理延续")
    assert lengthened == replace(given, until=lengthened.until, reason="委托办理延续")
    assert list_entrustments(here.desk, giver, before=None, limit=9).standing == [lengthened]
    assert [each.entrustment for each in received(here, agent)] == [lengthened]
    here.issuing.vault.clock.at += timedelta(seconds=1)
    redeem_use_code(here.desk, caller("cl_office"), code.code, purpose="办理变更登记")
    with here.desk.context.database.read() as conn:
        steps = [each.action for each in find_entries(conn, subject=f"licence-entrustment:{given.id}", limit=9)]
    assert sorted(steps) == ["licence-entrustment.give", "licence-entrustment.lengthen"]
    assert give(here, giver, to=3).id != given.id
    assert give(here, giver, type_code=TYPE).id != given.id
    end_entrustment(here.desk, giver, given.id)
    assert give(here, giver).id != given.id


def test_an_entrustment_to_an_organisation_from_before_stays_and_can_be_ended(here: UsingHere, giver: Caller) -> None:
    assert set(HOLDER_CODE_TYPES) >= AGENT_CODE_TYPES
    at, find = here.desk.context.clock.now(), here.desk.contents.find_holder
    older = Entrustment(new_entrustment_id(), find(*number(1)), find(*FIRM), SHARED, WHY, "person:pe_giver", at, at + timedelta(days=9))
    here.desk.context.database.write(lambda conn: store.insert_entrustment(conn, older))
    assert list_entrustments(here.desk, giver, before=None, limit=9).standing == [older]
    refusal = refused("FIELD_UNACCEPTABLE", lambda: entrust_use(here.desk, giver, replace(order(here), agent=FIRM)))
    assert refusal.facts["field"] == "agent"
    assert rule_in("zh", str(refusal.facts["rule"])).startswith("只能委托个人")
    end_entrustment(here.desk, giver, older.id)
    assert [each.id for each in list_entrustments(here.desk, giver, before=None, limit=9).past] == [older.id]


def test_of_two_that_are_given_at_one_moment_by_two_processes_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, where both run: neither sees the other's until it is refused, and run again behind it."""
    counted, meeting, met = store.count_standing_entrustments, Barrier(2, timeout=30), count()

    def both_have_looked(conn: Connection, holder: bytes, at: datetime) -> int:
        found = counted(conn, holder, at)
        if next(met) < meeting.parties:
            meeting.wait()
        return found

    with UsingHere.made(tmp_path / "d", database_url=postgres_url()) as here, VaultHere.reopened(tmp_path / "d") as other:
        giver = here.directory.sign_in("pe_giver", number(1))
        monkeypatch.setattr(store, "count_standing_entrustments", both_have_looked)

        def give_by(desk: UseDesk) -> str:
            try:
                return entrust_use(desk, giver, order(here)).id
            except TrustError as error:
                return error.code

        with ThreadPoolExecutor(2) as pool:
            told = set(pool.map(give_by, (here.desk, replace(here.desk, context=other.context))))
        (given,) = list_entrustments(here.desk, giver, before=None, limit=9).standing
        assert told == {given.id, "LICENCE_ENTRUSTMENT_STANDS"}
