"""A use code whose copy could not be given at once: the same call gets it later, as long as the code counts, and no other call gets anything."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.copy_shared import WantedCopy, copy_shared, offer_shared, picture_shared
from licence_vault.actions.permit_sharing import withdraw_sharing
from licence_vault.actions.query_shared import ShareCall
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.limits import COPY_LEASE_SECONDS, COPY_RETRY_SECONDS, USE_CODE_SECONDS
from licence_vault.model import Holder
from licence_vault.uses import DONE, UseAction, UseMode
from service_kit import fail_points
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.fakes.sealer import unavailable
from tests.licence_vault.issuing_here import caller
from tests.licence_vault.using_here import ME, SHARED, UsingHere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.actions.copy_shared import SharedCopy
    from licence_vault.register import LicenceRecord

FIRM = ("001", "12990000YX0000008K")
FRIEND = ("111", "110105194912310011")
CALL = ShareCall(caller("cl_office"), "办理变更登记")
WANTED = WantedCopy("pdf", "示例窗口")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("once-more") / "d") as using:
        yield using


@pytest.fixture
def here(shared: UsingHere) -> Iterator[UsingHere]:
    """The one vault of this module, with its sealer back and its clock where it was."""
    at = shared.issuing.vault.clock.at
    yield shared
    shared.issuing.sealer.fail_with = None
    shared.issuing.vault.clock.at = at


@pytest.fixture
def licence(here: UsingHere) -> LicenceRecord:
    return here.issue()


@pytest.fixture
def call(here: UsingHere, licence: LicenceRecord) -> ShareCall:
    return replace(CALL, use_code=here.code(licence, here.directory.sign_in("pe_me", ME)).code)


def copy(here: UsingHere, licence: LicenceRecord, call: ShareCall, **changes: Any) -> SharedCopy:
    return copy_shared(here.issuing.means, here.desk, call, licence.identifier, replace(WANTED, **changes))


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError, match=f"^{code}"):
        act()


def cut_off(here: UsingHere, licence: LicenceRecord, call: ShareCall) -> None:
    """The seals go away once the code is used up."""
    here.issuing.sealer.fail_with = unavailable()
    refused(unavailable().code, lambda: copy(here, licence, call))
    here.issuing.sealer.fail_with = None


def later(here: UsingHere, seconds: float) -> None:
    here.issuing.vault.clock.at += timedelta(seconds=seconds)


def swept(here: UsingHere) -> None:
    later(here, COPY_RETRY_SECONDS + 1)
    assert sweep_copies(here.issuing.means)["left"] == 0


def copies(here: UsingHere, licence: LicenceRecord) -> list[str]:
    with here.desk.context.database.read() as conn:
        return [each.id for each in store.list_copies(conn, licence.id, before=None, limit=10)]


def outcomes(here: UsingHere, licence: LicenceRecord) -> list[tuple[UseAction, str]]:
    """Without the granting of the code."""
    return [(each.action, each.outcome) for each in here.uses(licence)][1:]


def test_what_was_cut_off_is_given_to_the_same_call_once_it_is_made(here: UsingHere, licence: LicenceRecord, call: ShareCall) -> None:
    cut_off(here, licence, call)
    refused("IDEMPOTENCY_IN_FLIGHT", lambda: copy(here, licence, call))
    refused("USE_CODE_USED", lambda: copy(here, licence, call, made_by="另一窗口"))
    swept(here)
    given = copy(here, licence, call)
    assert copies(here, licence) == [given.made.record.id]
    assert offer_shared(here.issuing.means, here.desk, call, licence.identifier, WANTED).made == given.made, "an answer may be lost, too"
    assert (
        picture_shared(replace(here.issuing.means, pictures=lambda content, dpi: content), here.desk, call, licence.identifier, WANTED).copy
        == given
    )
    refused("USE_CODE_USED", lambda: copy(here, licence, call, form="ofd"))
    assert outcomes(here, licence) == [
        (UseAction.REFUSED, "USE_CODE_USED"),
        (UseAction.COPIED, DONE),
        *[(UseAction.DOWNLOADED, DONE)] * 3,
        (UseAction.REFUSED, "USE_CODE_USED"),
    ]
    assert {(each.mode, each.client) for each in here.uses(licence)} == {(UseMode.CONSENTED, "cl_office")}


def test_whoever_died_over_it_has_the_same_call_finish_it(
    here: UsingHere, licence: LicenceRecord, call: ShareCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(point: str) -> None:
        if point == "make-copy.intended":
            raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(fail_points, "reach", die)
        with pytest.raises(KeyboardInterrupt):
            copy(here, licence, call)
    begun = copies(here, licence)
    later(here, COPY_LEASE_SECONDS)
    given = copy(here, licence, call)
    assert [given.made.record.id] == copies(here, licence) == begun
    assert outcomes(here, licence) == [(UseAction.COPIED, DONE)]


def test_it_ends_with_the_time_of_the_code(here: UsingHere, licence: LicenceRecord, call: ShareCall) -> None:
    cut_off(here, licence, call)
    swept(here)
    later(here, USE_CODE_SECONDS - COPY_RETRY_SECONDS - 2)
    copy(here, licence, call)
    later(here, 1)
    refused("USE_CODE_USED", lambda: copy(here, licence, call))
    assert len(copies(here, licence)) == 1


def test_it_is_for_who_had_the_code_and_may_still_use_it(here: UsingHere, licence: LicenceRecord) -> None:
    here.permit("cl_brief")
    me = here.directory.sign_in("pe_me", ME)
    call = ShareCall(caller("cl_brief"), CALL.reason, here.code(licence, me, "cl_brief").code)
    given = copy(here, licence, call)
    refused("USE_CODE_UNKNOWN", lambda: copy(here, licence, replace(call, caller=caller("cl_office"))))
    refused("LICENCE_SHARING_DENIED", lambda: copy(here, licence, replace(call, caller=Caller("cl_brief", "pe_clerk", frozenset()))))
    withdraw_sharing(here.desk.context, caller("cl_admin"), "cl_brief", SHARED)
    refused("LICENCE_SHARING_DENIED", lambda: copy(here, licence, call))
    here.permit("cl_brief")
    assert copy(here, licence, call) == given


def test_a_power_counts_for_it_as_for_the_code(here: UsingHere) -> None:
    licence = here.issue(Holder("示例有限公司", FIRM[1], "001"))
    agent = here.directory.sign_in("pe_agent", FRIEND, acts_for={FIRM: None})
    call = replace(CALL, use_code=here.code(licence, agent).code)
    given = copy(here, licence, call)
    assert copy(here, licence, call) == given
    here.directory.sign_in("pe_agent", FRIEND)
    refused("USE_CODE_WITHDRAWN", lambda: copy(here, licence, call))


def test_many_at_once_come_to_one_copy(here: UsingHere, licence: LicenceRecord, call: ShareCall) -> None:
    start, ended = threading.Barrier(6), []

    def race() -> None:
        start.wait()
        try:
            ended.append(copy(here, licence, call).made.record.id)
        except TrustError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(ended) - {"IDEMPOTENCY_IN_FLIGHT"} == set(copies(here, licence))
    assert len(copies(here, licence)) == 1
    assert [action for action, _ in outcomes(here, licence)].count(UseAction.COPIED) == 1


def test_two_codes_are_two_copies(here: UsingHere, licence: LicenceRecord, call: ShareCall) -> None:
    first = copy(here, licence, call)
    another = replace(call, use_code=here.code(licence, here.directory.sign_in("pe_me", ME)).code)
    assert copy(here, licence, another).made.record.id != first.made.record.id
