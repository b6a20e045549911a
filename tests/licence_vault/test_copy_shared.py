"""Copies that other departments' systems are given: by a use code or a duty, each on record, none without a permission to download."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.copy_shared import WantedCopy, copy_shared, offer_shared, offer_shared_of_holder, picture_shared
from licence_vault.actions.download_copy import take_download
from licence_vault.actions.permit_sharing import withdraw_sharing
from licence_vault.actions.query_shared import ShareCall, query_by_identifier
from licence_vault.actions.redeem_use_code import STOLEN
from licence_vault.actions.verify_shared import verify_shared_file
from licence_vault.limits import OFFICER_CHARACTERS, SHARE_COPIES
from licence_vault.model import Holder
from licence_vault.uses import DONE, Officer, ShareRight, UseAction, UseMode
from service_kit.callers import Caller
from standards.errors import TrustError
from tests.fakes.sealer import FakeJudge
from tests.fakes.sealer import refused as refused_by_sealer
from tests.licence_vault.issuing_here import ISSUER_NAME, caller
from tests.licence_vault.using_here import ME, SHARED, UsingHere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.actions.copy_shared import SharedCopy
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord

WHY = "办理变更登记"
OFFICER = Officer("李四（示例）", "执法人员", "示例市监督所")
CALL = ShareCall(caller("cl_office"), WHY)
BY_DUTY = replace(CALL, officer=OFFICER)
WANTED = WantedCopy("ofd", "示例窗口")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsingHere]:
    with UsingHere.made(tmp_path_factory.mktemp("shared-copies") / "d") as using:
        using.permit("cl_reader", rights=frozenset({ShareRight.QUERY, ShareRight.VERIFY}))
        using.permit("cl_polite", modes=frozenset({UseMode.CONSENTED}))
        yield using


@pytest.fixture
def licence(here: UsingHere) -> LicenceRecord:
    return here.issue()


@pytest.fixture(scope="module")
def me(here: UsingHere) -> Caller:
    return here.directory.sign_in("pe_me", ME)


def copy(here: UsingHere, licence: LicenceRecord, call: ShareCall, **changes: Any) -> SharedCopy:
    return copy_shared(here.issuing.means, here.desk, call, licence.identifier, replace(WANTED, **changes))


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError) as raised:
        act()
    assert raised.value.code == code


def last(here: UsingHere, licence: LicenceRecord) -> tuple[UseAction, UseMode | None, str, str]:
    return here.lines(licence)[-1]


def test_a_use_code_is_good_for_one_copy(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    call = replace(CALL, use_code=here.code(licence, me).code)
    given = copy(here, licence, call)
    assert (given.identifier, given.made.record.licence_id, given.address) == (licence.identifier, licence.id, None)
    assert last(here, licence) == (UseAction.COPIED, UseMode.CONSENTED, "cl_office", DONE)
    other = here.issue()
    for another in (
        lambda: copy(here, licence, call, form="pdf"),
        lambda: copy(here, licence, call, made_by="另一窗口"),
        lambda: copy(here, licence, call, until=here.desk.context.clock.now() + timedelta(days=1)),
        lambda: copy(here, other, call),
        lambda: query_by_identifier(here.desk, call, licence.identifier),
    ):
        refused("USE_CODE_USED", another)
        assert last(here, licence) == (UseAction.REFUSED, UseMode.CONSENTED, "cl_office", "USE_CODE_USED")
    assert here.lines(other) == []


def test_a_code_that_was_refused_is_not_used_up(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    other = here.issue()
    call = replace(CALL, use_code=here.code(licence, me).code)
    refused("SHARE_NO_MATCH", lambda: copy(here, other, call))
    assert last(here, licence) == (UseAction.REFUSED, UseMode.CONSENTED, "cl_office", "SHARE_NO_MATCH")
    for thief in (replace(call, caller=caller("cl_nobody")), replace(call, use_code="yxu_none")):
        refused("USE_CODE_UNKNOWN", lambda thief=thief: copy(here, other, thief))  # type: ignore[misc]
    assert last(here, licence) == (UseAction.REFUSED, UseMode.CONSENTED, "cl_nobody", STOLEN), (
        "whose code it is, and not whose number was named"
    )
    assert here.lines(other) == [(UseAction.REFUSED, None, "cl_office", "USE_CODE_UNKNOWN")], (
        "of what is no code, the licence that was named"
    )
    refused("USE_CODE_PURPOSE_DIFFERS", lambda: copy(here, licence, replace(call, reason="别的事")))
    refused("USE_CODE_UNKNOWN", lambda: copy(here, licence, replace(call, caller=caller("cl_reader"))))
    assert last(here, licence) == (UseAction.REFUSED, UseMode.CONSENTED, "cl_reader", STOLEN)
    refused("USE_CODE_UNKNOWN", lambda: copy(here, licence, replace(call, use_code="yxu_none")))
    refused("FIELD_UNACCEPTABLE", lambda: copy(here, licence, call, made_by=""))
    copy(here, licence, call)


def test_an_officer_is_given_copies_by_duty(here: UsingHere, licence: LicenceRecord) -> None:
    copy(here, licence, BY_DUTY)
    assert last(here, licence) == (UseAction.COPIED, UseMode.BY_DUTY, "cl_office", DONE)
    line = here.uses(licence)[-1]
    assert line.officer_sealed is not None
    for name in ("", "甲" * (OFFICER_CHARACTERS + 1)):  # nothing of it is on record that could not be read again
        refused("FIELD_UNACCEPTABLE", lambda name=name: copy(here, licence, replace(CALL, officer=Officer(name, "x", "x"))))  # type: ignore[misc]
    assert len(here.uses(licence)) == 1


@pytest.mark.parametrize(
    "call",
    [
        CALL,
        replace(BY_DUTY, caller=caller("cl_reader")),
        replace(BY_DUTY, caller=caller("cl_polite")),
        replace(BY_DUTY, caller=caller("cl_nobody")),
        replace(BY_DUTY, caller=Caller("cl_office", "pe_clerk", frozenset())),
    ],
    ids=["neither-code-nor-duty", "no-right-to-download", "no-duty", "no-permission", "a-person"],
)
def test_who_may_not_is_given_nothing(here: UsingHere, licence: LicenceRecord, call: ShareCall) -> None:
    refused("LICENCE_SHARING_DENIED", lambda: copy(here, licence, call))
    assert (last(here, licence)[0], last(here, licence)[3]) == (UseAction.REFUSED, "LICENCE_SHARING_DENIED")
    refused(
        "LICENCE_SHARING_DENIED",
        lambda: offer_shared_of_holder(here.issuing.means, here.desk, call, SHARED, ME, None, WANTED),
    )


def test_a_stranger_does_not_learn_how_a_licence_stands(here: UsingHere, licence: LicenceRecord) -> None:
    here.step(licence, "revoke")
    refused("LICENCE_SHARING_DENIED", lambda: copy(here, licence, replace(BY_DUTY, caller=caller("cl_nobody"))))
    refused("LICENCE_NOT_IN_FORCE", lambda: copy(here, licence, BY_DUTY))
    assert last(here, licence) == (UseAction.REFUSED, UseMode.BY_DUTY, "cl_office", "LICENCE_NOT_IN_FORCE")


def test_where_nobody_draws_pages_no_copy_is_made_for_a_picture(here: UsingHere, licence: LicenceRecord) -> None:
    means = replace(here.issuing.means, pictures=None)
    refused("SHARE_REQUEST_MALFORMED", lambda: picture_shared(means, here.desk, BY_DUTY, licence.identifier, WANTED))
    assert here.lines(licence) == []


def test_a_permission_that_was_withdrawn_counts_no_more(here: UsingHere, me: Caller, licence: LicenceRecord) -> None:
    here.permit("cl_brief")
    call = ShareCall(caller("cl_brief"), WHY, here.code(licence, me, "cl_brief").code)
    withdraw_sharing(here.desk.context, caller("cl_admin"), "cl_brief", SHARED)
    refused("LICENCE_SHARING_DENIED", lambda: copy(here, licence, call))


def test_who_has_a_file_verified_is_told_that_it_is_a_copy(here: UsingHere, licence: LicenceRecord) -> None:
    content = copy(here, licence, BY_DUTY, until=here.desk.context.clock.now() + timedelta(days=1)).made.content

    def ask(desk: UseDesk, judge: FakeJudge) -> str:
        return verify_shared_file(desk, judge, caller("cl_reader"), SHARED, content, reason=WHY)

    assert ask(here.desk, FakeJudge(ISSUER_NAME)) == "valid_copy"
    assert ask(here.desk, FakeJudge("另一机构")) == "differs"
    before = here.lines(licence)
    assert ask(here.later(days=1, seconds=1), FakeJudge(ISSUER_NAME)) == "copy_over"
    assert here.lines(licence) == [*before, (UseAction.VERIFIED, None, "cl_reader", DONE)]
    assert ask(here.later(days=1, seconds=1), FakeJudge("另一机构")) == "differs"
    here.step(licence, "revoke")
    assert ask(here.desk, FakeJudge(ISSUER_NAME)) == "ended"


def test_a_number_that_is_none_is_on_record_too(here: UsingHere) -> None:
    refused("SHARE_NO_MATCH", lambda: copy_shared(here.issuing.means, here.desk, BY_DUTY, "1.2.3", WANTED))
    with here.desk.context.database.read() as conn:
        newest = conn.exec_driver_sql("SELECT action, outcome, licence_id FROM licence_uses ORDER BY id DESC LIMIT 1").one()
    assert tuple(newest) == ("refused", "SHARE_NO_MATCH", None)


def test_addresses_are_for_the_system_that_asked(here: UsingHere, licence: LicenceRecord) -> None:
    offered = offer_shared(here.issuing.means, here.desk, BY_DUTY, licence.identifier, WANTED)
    assert offered.address is not None
    token = offered.address.token
    refused("LICENCE_DOWNLOAD_GONE", lambda: take_download(here.issuing.means, token, caller("cl_reader")))
    assert take_download(here.issuing.means, token, caller("cl_office")).content == offered.made.content
    assert last(here, licence) == (UseAction.DOWNLOADED, UseMode.BY_DUTY, "cl_office", DONE)


def test_a_holder_has_few_copies_made_in_one_call(here: UsingHere) -> None:
    holder = Holder("王五（示例）", "110105194912310038", "111")
    found = [here.issue(holder) for _ in range(SHARE_COPIES + 1)]
    pair = (holder.code_type, holder.code)

    def offer(number: str | None = None, of: tuple[str, str] = pair) -> list[SharedCopy]:
        return offer_shared_of_holder(here.issuing.means, here.desk, BY_DUTY, SHARED, of, number, WANTED)

    offered = offer()
    assert len({each.identifier for each in offered} & {each.identifier for each in found}) == SHARE_COPIES
    refused("LICENCE_OF_HOLDER_NOT_FOUND", lambda: offer("none"))
    refused("LICENCE_OF_HOLDER_NOT_FOUND", lambda: offer(None, ("111", "110105194912310046")))
    here.issuing.sealer.fail_with = refused_by_sealer()
    try:
        refused("SEAL_NOT_ACTIVE", offer)
    finally:
        here.issuing.sealer.fail_with = None
