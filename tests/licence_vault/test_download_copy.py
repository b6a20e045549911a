"""Addresses for one download: once, for ten minutes, for whom they were made, of licences in force; every try on record."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.download_copy import OVER, STOLEN, USED, offer_own_download, take_download
from licence_vault.actions.erase_licence import erase_licence
from licence_vault.actions.find_copies import list_copies, read_own_copy
from licence_vault.actions.finish_copy import CopyUse
from licence_vault.actions.make_copy import CopyOrder, make_copy
from licence_vault.actions.permit_sharing import SharingOrder, permit_sharing
from licence_vault.actions.sweep_copies import sweep_copies
from licence_vault.copy_tables import downloads
from licence_vault.limits import DOWNLOAD_SECONDS, DOWNLOAD_TOKEN_CHARACTERS
from licence_vault.model import step_named
from licence_vault.uses import ANYBODY, DONE, Officer, ShareRight, UseAction, UseMode, read_officer
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.licence_vault.issuing_here import PERSON, IssuingHere, caller
from tests.licence_vault.type_files import TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.actions.finish_copy import MadeCopy
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import UseRecord

OFFICE = caller("cl_office")
USE = CopyUse("cl_office", "client:cl_office", UseMode.CONSENTED)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("downloads") / "d") as made:
        shared = SharingOrder(
            "cl_office", TYPE, frozenset({UseMode.CONSENTED, UseMode.BY_DUTY}), frozenset({ShareRight.DOWNLOAD}), "数据共享协议"
        )
        permit_sharing(made.vault.context, caller("cl_admin"), shared, if_revision=None)
        yield made


@pytest.fixture
def licence(here: IssuingHere) -> LicenceRecord:
    return here.issue()


@pytest.fixture
def copy(here: IssuingHere, licence: LicenceRecord) -> MadeCopy:
    return make_copy(here.means, CopyOrder(licence.id, "ofd", "示例窗口", "办理示例事项"), USE)


def address(here: IssuingHere, copy: MadeCopy, client: str | None = "cl_office") -> str:
    offered = offer_own_download(here.means, here.clerk, copy.record.licence_id, copy.record.id, client=client)
    assert len(offered.token) == DOWNLOAD_TOKEN_CHARACTERS
    assert offered.token not in repr(offered)
    return offered.token


def lines(here: IssuingHere, copy: MadeCopy) -> list[UseRecord]:
    subjects = [here.means.contents.find_holder(PERSON.code_type, PERSON.code)]
    with here.vault.context.database.read() as conn:
        found = store.list_uses_of_subjects(conn, subjects, before=None, limit=1000)
    return [each for each in found if each.licence_id == copy.record.licence_id]


def tried(here: IssuingHere, copy: MadeCopy) -> tuple[UseAction, str]:
    """The newest line of the access log."""
    line = lines(here, copy)[0]
    return line.action, line.outcome


def gone(here: IssuingHere, token: str, client: Any = OFFICE) -> None:
    with pytest.raises(TrustError, match="LICENCE_DOWNLOAD_GONE"):
        take_download(here.means, token, client)


def test_an_address_is_good_once(here: IssuingHere, copy: MadeCopy) -> None:
    token = address(here, copy)
    assert take_download(here.means, token, OFFICE) == copy
    assert tried(here, copy) == (UseAction.DOWNLOADED, DONE)
    line = lines(here, copy)[0]
    assert (line.mode, line.client, line.reason) == (UseMode.CONSENTED, "cl_office", "办理示例事项")
    gone(here, token)
    assert tried(here, copy) == (UseAction.REFUSED, USED)


PERSON_AT_PORTAL = Caller("cl_portal", "pe_me", frozenset())


@pytest.mark.parametrize(
    "who",
    [None, caller("cl_other"), caller("cl_portal")],
    ids=["nobody", "other", "it"],
)
@pytest.mark.parametrize(
    "made_for",
    [
        CopyUse("cl_portal", PERSON_AT_PORTAL.actor, UseMode.OWN),
        CopyUse("cl_office", "client:cl_office", UseMode.BY_DUTY, Officer("李四（示例）", "执法人员", "示例市监督所")),
        CopyUse("cl_office", "client:cl_office", UseMode.CONSENTED),
    ],
    ids=["own", "duty", "consented"],
)
def test_nobody_else_fetches_by_the_right_for_which_it_was_made(
    here: IssuingHere, licence: LicenceRecord, made_for: CopyUse, who: Caller | None
) -> None:
    copy = make_copy(here.means, CopyOrder(licence.id, "ofd", "示例窗口", "办理示例事项"), made_for)
    assert take_download(here.means, address(here, copy, None), who) == copy
    line = lines(here, copy)[0]
    assert (line.action, line.mode, line.officer_sealed) == (UseAction.DOWNLOADED, None, None)
    assert (line.client, line.actor) == ((ANYBODY, ANYBODY) if who is None else (who.client_id, who.actor))


def test_he_for_whom_it_was_made_fetches_by_that_right_and_for_that_officer(here: IssuingHere, licence: LicenceRecord) -> None:
    officer = Officer("李四（示例）", "执法人员", "示例市监督所")
    by_duty = CopyUse("cl_office", "client:cl_office", UseMode.BY_DUTY, officer)
    copy = make_copy(here.means, CopyOrder(licence.id, "ofd", "示例窗口", "办理示例事项"), by_duty)
    take_download(here.means, address(here, copy), OFFICE)
    line = lines(here, copy)[0]
    assert line.officer_sealed is not None
    assert (line.mode, line.client) == (UseMode.BY_DUTY, "cl_office")
    assert read_officer(here.means.contents.open_officer(line.officer_sealed)) == officer


def test_of_racers_one_gets_the_file(here: IssuingHere, copy: MadeCopy) -> None:
    token = address(here, copy, None)
    start, ended = threading.Barrier(8), []

    def race() -> None:
        start.wait()
        try:
            take_download(here.means, token, None)
            ended.append("got")
        except TrustError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["LICENCE_DOWNLOAD_GONE"] * 7 + ["got"]
    assert [each.action for each in lines(here, copy)].count(UseAction.DOWNLOADED) == 1


@pytest.mark.parametrize("who", [None, caller("cl_thief")], ids=["nobody", "another"])
def test_a_stolen_address_is_of_no_use(here: IssuingHere, copy: MadeCopy, who: Any) -> None:
    token = address(here, copy)
    gone(here, token, who)
    assert tried(here, copy) == (UseAction.REFUSED, STOLEN)
    assert take_download(here.means, token, OFFICE) == copy, "and it is not used up by that"


@pytest.mark.parametrize("late", [timedelta(seconds=DOWNLOAD_SECONDS), timedelta(days=1)])
def test_an_address_is_good_for_ten_minutes(here: IssuingHere, copy: MadeCopy, late: timedelta) -> None:
    early, token = address(here, copy), address(here, copy)
    here.vault.clock.at += timedelta(seconds=DOWNLOAD_SECONDS - 1)
    take_download(here.means, early, OFFICE)
    here.vault.clock.at += late - timedelta(seconds=DOWNLOAD_SECONDS - 1)
    gone(here, token)
    assert tried(here, copy) == (UseAction.REFUSED, OVER)


def test_a_copy_that_is_over_is_not_fetched(here: IssuingHere, licence: LicenceRecord) -> None:
    until = here.vault.clock.at + timedelta(seconds=60)
    copy = make_copy(here.means, CopyOrder(licence.id, "ofd", "示例窗口", "办理示例事项", until), USE)
    token = address(here, copy)
    here.vault.clock.at += timedelta(seconds=61)
    gone(here, token)
    assert tried(here, copy) == (UseAction.REFUSED, OVER)


def test_of_a_licence_revoked_meanwhile_nothing_is_fetched(here: IssuingHere, copy: MadeCopy) -> None:
    token = address(here, copy)
    here.take_in()
    change_licence_state(here.vault.context, here.clerk, copy.record.licence_id, step_named("revoke"), reason="依据", if_revision=None)
    gone(here, token)
    assert tried(here, copy) == (UseAction.REFUSED, "LICENCE_STATE_CONFLICT")


def test_addresses_and_notes_go_with_the_licence(here: IssuingHere, copy: MadeCopy) -> None:
    token, licence_id = address(here, copy), copy.record.licence_id
    here.take_in()
    change_licence_state(here.vault.context, here.clerk, licence_id, step_named("cancel"), reason="依据", if_revision=None)
    erase_licence(here.vault.context, here.clerk, licence_id, reason="依申请", if_revision=None)
    gone(here, token)
    [view] = list_copies(here.means, here.clerk, licence_id, before=None, limit=10)
    assert (view.record.id, view.note) == (copy.record.id, None)
    with pytest.raises(TrustError, match="LICENCE_ERASED"):
        read_own_copy(here.means, here.clerk, licence_id, copy.record.id)


@pytest.mark.parametrize("token", ["", "x" * DOWNLOAD_TOKEN_CHARACTERS, "\udc80", "'; --"])
def test_what_is_no_address_leads_nowhere(here: IssuingHere, token: str) -> None:
    gone(here, token)


def test_copies_of_others_do_not_exist(here: IssuingHere, copy: MadeCopy) -> None:
    other = here.issue().id
    copy_id, licence_id = copy.record.id, copy.record.licence_id
    asked: list[tuple[str, Any]] = [
        ("LICENCE_NOT_FOUND", lambda: list_copies(here.means, here.stranger, licence_id, before=None, limit=1)),
        ("LICENCE_NOT_FOUND", lambda: read_own_copy(here.means, here.stranger, licence_id, copy_id)),
        ("LICENCE_NOT_FOUND", lambda: offer_own_download(here.means, here.stranger, licence_id, copy_id, client=None)),
        ("LICENCE_COPY_NOT_FOUND", lambda: read_own_copy(here.means, here.clerk, other, copy_id)),
        ("LICENCE_COPY_NOT_FOUND", lambda: read_own_copy(here.means, here.clerk, licence_id, "cp_none")),
    ]
    for code, ask in asked:
        with pytest.raises(TrustError) as raised:
            ask()
        assert raised.value.code == code
    assert read_own_copy(here.means, here.clerk, licence_id, copy_id) == copy
    assert tried(here, copy) == (UseAction.DOWNLOADED, DONE)


def test_nothing_is_kept_that_could_be_used_and_old_addresses_are_forgotten(here: IssuingHere, copy: MadeCopy) -> None:
    token = address(here, copy)
    for path in here.vault.context.settings.dir.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()
    here.vault.clock.at += timedelta(seconds=2 * DOWNLOAD_SECONDS + 1)
    sweep_copies(here.means)
    with here.vault.context.database.read() as conn:
        assert conn.execute(downloads.select()).first() is None
    gone(here, token)
