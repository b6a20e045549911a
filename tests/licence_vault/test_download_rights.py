"""Addresses for one download give nothing once what the copy was given by has ended, and nothing to a person who comes by the system."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from licence_vault import store
from licence_vault.actions.copy_shared import WantedCopy, offer_shared
from licence_vault.actions.define_type import take_type_step
from licence_vault.actions.download_copy import WITHDRAWN, offer_own_download, take_download
from licence_vault.actions.entrust_use import EntrustmentOrder, end_entrustment, entrust_use
from licence_vault.actions.finish_copy import CopyNote, CopyUse, read_note
from licence_vault.actions.make_copy import CopyOrder, make_copy
from licence_vault.actions.permit_sharing import withdraw_sharing
from licence_vault.actions.query_shared import ShareCall
from licence_vault.copy_tables import copies
from licence_vault.model import Holder, type_step_named
from licence_vault.uses import DONE, Officer, ShareRight, UseAction, UseMode
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.licence_vault.issuing_here import caller
from tests.licence_vault.using_here import ME, SHARED, UsingHere
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from licence_vault.register import LicenceRecord

WHY = "办理变更登记"
FIRM = ("001", "12990000YX0000008K")
FRIEND = ("111", "110105194912310011")
OFFICER = Officer("李四（示例）", "执法人员", "示例市监督所")
DENIED = "LICENCE_SHARING_DENIED"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("rights") / "d") as using:
        yield using


def address(here: UsingHere, licence: LicenceRecord, code: str | None, client: str = "cl_office") -> str:
    """Of a copy by a use code, or by duty."""
    call = ShareCall(caller(client), WHY, code, None if code else OFFICER)
    offered = offer_shared(here.issuing.means, here.desk, call, licence.identifier, WantedCopy("ofd", "示例窗口"))
    assert offered.address is not None
    return offered.address.token


def take(here: UsingHere, token: str, who: Caller) -> bytes:
    return take_download(here.issuing.means, token, who, directory=here.desk.directory).content


def gone(here: UsingHere, licence: LicenceRecord, token: str, who: Caller, outcome: str) -> None:
    with pytest.raises(TrustError, match=r"^LICENCE_DOWNLOAD_GONE"):
        take(here, token, who)
    action, _, client, told = here.lines(licence)[-1]
    assert (action, client, told) == (UseAction.REFUSED, who.client_id, outcome)


@pytest.mark.parametrize("mode", [UseMode.CONSENTED, UseMode.BY_DUTY])
@pytest.mark.parametrize("change", ["withdrawn", "another right", "another mode"])
def test_a_permission_that_was_withdrawn_takes_its_addresses_with_it(here: UsingHere, mode: UseMode, change: str) -> None:
    licence, client = here.issue(), f"cl_{mode}_{change.replace(' ', '_')}"
    here.permit(client)
    code = None if mode is UseMode.BY_DUTY else here.code(licence, here.directory.sign_in("pe_me", ME), client).code
    token = address(here, licence, code, client)
    if change == "withdrawn":
        withdraw_sharing(here.desk.context, caller("cl_admin"), client, SHARED)
    elif change == "another right":
        here.permit(client, rights=frozenset({ShareRight.QUERY}))
    else:
        here.permit(client, modes=frozenset({UseMode.ENTRUSTED}))
    gone(here, licence, token, caller(client), DENIED)
    here.permit(client)
    assert take(here, token, caller(client)), "it was not used up by that"
    assert here.lines(licence)[-1] == (UseAction.DOWNLOADED, mode, client, DONE)


def test_an_entrustment_that_was_ended_takes_the_addresses_with_it(here: UsingHere) -> None:
    licence, me = here.issue(), here.directory.sign_in("pe_me", ME)
    given = entrust_use(here.desk, me, EntrustmentOrder(FRIEND, SHARED, AT + timedelta(days=1), "委托办理"))
    friend = here.directory.sign_in("pe_friend", FRIEND)
    first, second = (address(here, licence, here.code(licence, friend).code) for _ in range(2))
    assert take(here, first, caller("cl_office"))
    assert here.lines(licence)[-1] == (UseAction.DOWNLOADED, UseMode.ENTRUSTED, "cl_office", DONE)
    end_entrustment(here.desk, me, given.id)
    gone(here, licence, second, caller("cl_office"), WITHDRAWN)


def test_a_power_that_is_over_takes_the_addresses_with_it(here: UsingHere) -> None:
    licence = here.issue(Holder("示例有限公司", FIRM[1], "001"))
    agent = here.directory.sign_in("pe_agent", FRIEND, acts_for={FIRM: frozenset({"licence"})})
    first, second = (address(here, licence, here.code(licence, agent).code) for _ in range(2))
    assert take(here, first, caller("cl_office"))
    here.directory.sign_in("pe_agent", FRIEND)
    gone(here, licence, second, caller("cl_office"), WITHDRAWN)
    with pytest.raises(TrustError, match=r"^LICENCE_DOWNLOAD_GONE"):  # nobody can say how it stands
        take_download(here.issuing.means, second, caller("cl_office"))


@pytest.mark.parametrize("mode", [UseMode.CONSENTED, UseMode.BY_DUTY])
def test_a_person_fetches_nothing_by_a_systems_right(here: UsingHere, mode: UseMode) -> None:
    licence = here.issue()
    code = None if mode is UseMode.BY_DUTY else here.code(licence, here.directory.sign_in("pe_me", ME)).code
    token = address(here, licence, code)
    gone(here, licence, token, Caller("cl_office", "pe_somebody", frozenset(), grant_id="gr_x"), DENIED)
    assert take(here, token, caller("cl_office"))


def test_what_an_authority_gives_asks_for_no_permission(here: UsingHere) -> None:
    """A copy that it had made, and one that was made for another system, go where it says."""
    licence, means = here.issue(), here.issuing.means
    order = CopyOrder(licence.id, "ofd", "示例窗口", WHY)
    for use in (CopyUse("cl_clerk", "client:cl_clerk"), CopyUse("cl_other", "client:cl_other", UseMode.CONSENTED)):
        made = make_copy(means, order, use)
        token = offer_own_download(means, here.issuing.clerk, licence.id, made.record.id, client="cl_unpermitted").token
        assert take(here, token, caller("cl_unpermitted")) == made.content


def test_a_note_from_before_tells_nothing_of_what_it_hangs_on(here: UsingHere) -> None:
    licence, means = here.issue(Holder("示例有限公司", FIRM[1], "001")), here.issuing.means
    agent = here.directory.sign_in("pe_before", FRIEND, acts_for={FIRM: None})
    token = address(here, licence, here.code(licence, agent).code)
    with here.desk.context.database.read() as conn:
        [record] = store.list_copies(conn, licence.id, before=None, limit=2)
        key = means.contents.open_key(licence.id, store.load_key(conn, licence.id) or b"")
    note = read_note(key.open_note(record.id, record.note_sealed or b""))
    assert (note.use.power_client, note.use.power_grant) == (agent.client_id, agent.grant_id)
    older = json.dumps(json.loads(note.write())[:5]).encode()
    assert read_note(older) == CopyNote(note.salted, replace(note.use, power_client="", power_grant=""))
    sealed = key.seal_note(record.id, older)
    here.desk.context.database.write(lambda conn: conn.execute(update(copies).where(copies.c.id == record.id).values(note_sealed=sealed)))
    gone(here, licence, token, caller("cl_office"), WITHDRAWN)


def test_a_retired_type_takes_the_addresses_with_it(tmp_path: Path) -> None:
    with UsingHere.made(tmp_path / "d") as here:
        licence = here.issue()
        token = address(here, licence, None)
        take_type_step(here.desk.context, here.issuing.clerk, SHARED, 1, type_step_named("retire"), reason="停用", if_revision=None)
        gone(here, licence, token, caller("cl_office"), DENIED)
