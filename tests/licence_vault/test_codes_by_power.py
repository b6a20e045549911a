"""Use codes that somebody grants by his power over an organisation's licences: they end with the power, whichever way they are used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from licence_vault.actions.copy_shared import WantedCopy, copy_shared
from licence_vault.actions.entrust_use import EntrustmentOrder, end_entrustment, entrust_use
from licence_vault.actions.query_shared import ShareCall, query_by_code, query_by_identifier
from licence_vault.actions.redeem_use_code import redeem_use_code
from licence_vault.limits import USE_CODE_SECONDS
from licence_vault.model import Holder
from licence_vault.uses import DONE, UseAction, UseMode
from standards.errors import TrustError
from tests.licence_vault.issuing_here import caller
from tests.licence_vault.using_here import ME, SHARED, UsingHere
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.ports import SignedInHolder
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller

WHY = "办理变更登记"
FIRM = ("001", "12990000YX0000008K")
FRIEND = ("111", "110105194912310011")
OFFICE = caller("cl_office")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("powers") / "d") as using:
        yield using


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError, match=f"^{code}"):
        act()


def used_in(way: str, here: UsingHere, licence: LicenceRecord, code: str, desk: UseDesk | None = None) -> None:
    """Use a code for WHY by one of the ways that there are."""
    desk, call = desk or here.desk, ShareCall(OFFICE, WHY)
    if way == "redeemed":
        redeem_use_code(desk, OFFICE, code, purpose=WHY)
    elif way == "asked by code":
        query_by_code(desk, call, code)
    elif way == "asked by number":
        query_by_identifier(desk, replace(call, use_code=code), licence.identifier)
    else:
        copy_shared(here.issuing.means, desk, replace(call, use_code=code), licence.identifier, WantedCopy("ofd", "示例窗口"))


WAYS = ["redeemed", "asked by code", "asked by number", "copied"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("left", ["another power", "no organisation", "nobody"])
def test_a_power_that_is_over_takes_its_codes_with_it(here: UsingHere, way: str, left: str) -> None:
    """Taken back, with his agency, or his sign-in is over."""
    licence = here.issue(Holder("示例有限公司", FIRM[1], "001"))
    subject = f"pe_agent_{licence.id}"
    agent = here.directory.sign_in(subject, FRIEND, acts_for={FIRM: frozenset({"licence"})})
    before = here.directory.people[subject]
    granted = here.code(licence, agent)
    assert (granted.record.power_client, granted.record.power_grant) == (agent.client_id, agent.grant_id)
    if left == "nobody":
        del here.directory.people[subject]
    else:
        here.directory.sign_in(subject, FRIEND, acts_for={FIRM: frozenset({"seal"})} if left == "another power" else None)
    refused("USE_CODE_WITHDRAWN", lambda: used_in(way, here, licence, granted.code))
    assert here.lines(licence)[-1] == (UseAction.REFUSED, UseMode.ENTRUSTED, "cl_office", "USE_CODE_WITHDRAWN")
    refused("USE_CODE_WITHDRAWN", lambda: used_in(way, here, licence, granted.code, replace(here.desk, directory=None)))
    here.directory.people[subject] = before
    used_in(way, here, licence, granted.code)
    assert here.lines(licence)[-1][3] == DONE


def test_a_code_by_a_power_that_remembers_nobody_counts_for_nothing(here: UsingHere) -> None:
    """As codes do that were granted before powers were remembered."""
    licence = here.issue(Holder("示例有限公司", FIRM[1], "001"))
    granted = here.code(licence, here.directory.sign_in("pe_forgotten", FRIEND, acts_for={FIRM: None}))
    forget = f"UPDATE licence_use_codes SET power_client = '', power_grant = '' WHERE id = '{granted.record.id}'"
    here.desk.context.database.write(lambda conn: conn.exec_driver_sql(forget))
    refused("USE_CODE_WITHDRAWN", lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY))


@pytest.mark.parametrize("way", WAYS)
def test_what_hangs_on_no_power_outlasts_the_sign_in(here: UsingHere, way: str) -> None:
    licence = here.issue()
    holder = here.directory.sign_in("pe_leaving", ME)
    given = entrust_use(here.desk, holder, EntrustmentOrder(FRIEND, SHARED, AT + timedelta(days=1), "委托办理"))
    codes = [here.code(licence, person) for person in (holder, here.directory.sign_in("pe_leaving_friend", FRIEND))]
    assert {(each.record.power_client, each.record.power_grant) for each in codes} == {("", "")}
    for subject in ("pe_leaving", "pe_leaving_friend"):
        del here.directory.people[subject]
    for each in codes:
        used_in(way, here, licence, each.code)
    end_entrustment(here.desk, here.directory.sign_in("pe_me", ME), given.id)


def test_a_power_is_asked_for_only_by_whose_code_it_is_and_while_it_counts(here: UsingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    licence = here.issue(Holder("示例有限公司", FIRM[1], "001"))
    agent = here.directory.sign_in("pe_asked", FRIEND, acts_for={FIRM: None})
    granted = here.code(licence, agent)
    asked: list[str] = []
    find = here.directory.find

    def watched(of: Caller, at: datetime) -> SignedInHolder | None:
        asked.append(of.grant_id)
        return find(of, at)

    monkeypatch.setattr(here.directory, "find", watched)
    refused("USE_CODE_UNKNOWN", lambda: redeem_use_code(here.desk, caller("cl_thief"), granted.code, purpose=WHY))
    late = here.later(seconds=USE_CODE_SECONDS)
    refused("USE_CODE_EXPIRED", lambda: redeem_use_code(late, OFFICE, granted.code, purpose=WHY))
    assert asked == []
    redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY)
    refused("USE_CODE_USED", lambda: redeem_use_code(here.desk, OFFICE, granted.code, purpose=WHY))
    assert asked == [agent.grant_id]
