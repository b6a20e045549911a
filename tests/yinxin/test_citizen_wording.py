"""What a citizen reads of a licence and of a use, in both languages, for every action, mode and state there is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from licence_vault.actions.download_copy import OVER, STOLEN, USED
from licence_vault.actions.redeem_use_code import STOLEN as STOLEN_CODE
from licence_vault.actions.scan_showing import OVER as SHOWING_OVER
from licence_vault.actions.scan_showing import TAKEN, WITHDRAWN, WRONG
from licence_vault.model import LicenceState
from licence_vault.uses import ANYBODY, ISSUER_LOOK, UseAction, UseMode
from service_kit.page_frame.pages import PageFrame
from service_kit.problem_catalogue import text_of
from yinxin.citizen.texts import TEXTS
from yinxin.citizen.wording import end_of_day, read_card, read_time, tell_use, write_time

FRAME = PageFrame("yinxin.citizen", TEXTS)
TODAY = date(2026, 11, 28)
USE: dict[str, Any] = {
    "number": 1,
    "at": "2026-11-28T01:02:03.000000+00:00",
    "licence": "lc_1",
    "type": "T",
    "client": "cl_registry",
    "by": "client:cl_registry",
    "officer": {"name": "李示例", "role": "窗口受理", "division": "示例区登记中心"},
    "mode": "consented",
    "action": "queried",
    "reason": "办理变更登记",
    "outcome": "done",
    "audit_entry": "0193",
    "is_own": False,
}


def told(language: str = "zh", **changes: Any) -> Any:
    return tell_use(
        USE | changes,
        lambda key, **facts: FRAME.text(key, language, **facts),
        licences={"lc_1": "食品经营许可证"},
        systems={"cl_registry": "登记系统"},
        language=language,
    )


def licence(**changes: Any) -> dict[str, Any]:
    data = {"name": "食品经营许可证", "holders": [{"name": "张****"}, {"name": "李****"}], "fields": {"KZ_a": "1", "KZ_b": "2"}}
    usual = {"id": "lc_1", "identifier": "1.2", "type": "T", "state": "issued", "valid_from": "2026-01-01", "valid_to": None}
    return usual | {"data": data, "field_names": {"KZ_a": "地址"}} | changes


def test_a_use_says_who_what_why_for_whom_and_when() -> None:
    use = told()
    assert use.sentence == "登记系统查询了您的「食品经营许可证」"
    assert (use.at, use.why, use.ground, use.until) == ("2026-11-28 09:02", "办理变更登记", "经您同意", "")
    assert use.officer == "李示例（窗口受理，示例区登记中心）"
    assert told("en").officer == "李示例 (窗口受理, 示例区登记中心)"
    assert told(action="showing_scanned").until == ""
    assert told("en", officer=None).sentence == "登记系统 was told what is in your “食品经营许可证”"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("is_own", [False, True])
@pytest.mark.parametrize("by", ["client:cl_registry", "client:cl_portal for pe_1", "client:cl_registry for og_1 by pe_1"])
@pytest.mark.parametrize("action", list(UseAction))
def test_every_action_has_its_sentence(action: UseAction, by: str, language: str, *, is_own: bool) -> None:
    use = told(language, action=action.value, by=by, is_own=is_own)
    assert use.sentence != FRAME.text(
        "did_other", language, who="登记系统", what=FRAME.text("your_licence", language, name="食品经营许可证")
    )
    assert use.is_own is is_own
    assert "{" not in use.sentence


@pytest.mark.parametrize("mode", [*UseMode, None])
def test_every_right_has_its_words(mode: UseMode | None) -> None:
    use = told(mode=None if mode is None else mode.value)
    assert bool(use.ground) == (mode is not None)
    assert use.ground != TEXTS["mode_none"][0]
    claimed = told(action="asked_elsewhere", mode=None if mode is None else mode.value)
    assert (claimed.ground == use.ground) == (mode is None), "of another region's licence it is what the asker says"


def test_what_a_newer_vault_says_is_told_plainly() -> None:
    use = told(action="borrowed", mode="by_magic", licence="lc_9")
    assert (use.sentence, use.ground) == ("登记系统使用了一份证照", TEXTS["mode_none"][0])
    assert told(licence=None).sentence == "登记系统查询了您的证照"


@pytest.mark.parametrize("by", ["client:cl_registry", "client:cl_registry for pe_9"])
def test_who_looks_for_the_authority_is_called_so(by: str) -> None:
    looked: dict[str, Any] = {"by": by, "mode": None, "reason": ISSUER_LOOK, "officer": None}
    assert told(action="issuer_read", **looked).sentence == "发证机关（通过登记系统）查看了您的「食品经营许可证」"
    assert told("en", action="downloaded", **looked).sentence == (
        "The authority that issued it (by 登记系统) downloaded files or data of your “食品经营许可证”"
    )
    assert told(action="issuer_read", **looked).why == ""


def test_a_refusal_says_why() -> None:
    use = told(action="refused", outcome="LICENCE_NOT_IN_FORCE")
    assert (use.is_refused, use.refusal) == (True, "证照不在有效状态")
    assert told("en", action="refused", outcome="SOMETHING_NEW").refusal == "SOMETHING_NEW"


@pytest.mark.parametrize("outcome", [STOLEN_CODE, STOLEN, USED, OVER, WRONG, SHOWING_OVER, TAKEN, WITHDRAWN])
def test_what_stands_in_the_log_alone_is_told_in_words_too(outcome: str) -> None:
    text = text_of(outcome)
    assert text is not None, "the console leads to its page in the error catalogue"
    for language in ("zh", "en"):
        assert told(language, action="refused", outcome=outcome).refusal == text.title(language) != outcome


def test_who_fetched_a_copy_without_saying_who_he_is_has_no_name_of_a_system() -> None:
    assert told(action="downloaded", client=ANYBODY, by=ANYBODY).sentence.startswith("持有下载地址的人")


@pytest.mark.parametrize(
    ("mode", "who"),
    [
        ("entrusted", "代您办理的人（通过登记系统）"),
        ("own", "另一持证主体（通过登记系统）"),
        ("consented", "另一持证主体（通过登记系统）"),
        (None, "有人（通过登记系统）"),  # such as who works at the authority: he acts for no holder
    ],
)
def test_somebody_else_is_no_system_and_not_oneself(mode: str | None, who: str) -> None:
    for by in ("client:cl_registry for pe_2", "client:cl_registry for og_1 by pe_2"):
        seen = told(by=by, action="shown", mode=mode)
        assert (seen.sentence, seen.is_own) == (f"{who}查看了您的「食品经营许可证」的全部内容", False)
    assert told(by="client:cl_portal for pe_2", action="showing_agreed").sentence == "登记系统获准查看您的「食品经营许可证」一次"


def test_what_one_did_oneself_is_told_as_that() -> None:
    granted = told(action="code_granted", by="client:cl_portal for pe_1", is_own=True)
    assert (granted.sentence, granted.until) == ("您授权登记系统使用您的「食品经营许可证」一次", "2026-11-28 09:12")
    agreed = told(action="showing_agreed", by="client:cl_portal for pe_1", is_own=True)
    assert agreed.sentence == "您同意让登记系统查看您的「食品经营许可证」一次"
    copied = told(action="copied", by="client:cl_registry for og_1 by pe_1", mode="entrusted", is_own=True)
    assert copied.sentence == "您制作了您的「食品经营许可证」的加注件"
    assert [told(reason=each).why for each in ("own", "entrusted", "亮证 showing")] == ["", "", ""]


@pytest.mark.parametrize(
    ("changes", "state", "tone", "days"),
    [
        ({}, "issued", "ok", None),
        ({"valid_to": "2026-12-08"}, "issued", "ok", 10),
        ({"valid_to": "2026-11-28"}, "issued", "ok", 0),
        ({"valid_to": "2026-11-27"}, "expired", "bad", None),
        ({"valid_from": "2026-11-29"}, "not_yet", "warn", None),
        ({"valid_to": "2027-11-27"}, "issued", "ok", None),
        ({"state": "suspended"}, "suspended", "warn", None),
        ({"state": "revoked"}, "revoked", "bad", None),
    ],
)
def test_a_card_counts_days_and_states(changes: dict[str, Any], state: str, tone: str, days: int | None) -> None:
    card = read_card(licence(**changes), TODAY)
    assert (card.state, card.tone, card.days_left, card.is_in_force) == (state, tone, days, tone == "ok")


def test_plain_words_are_of_problems_that_there_are() -> None:
    plain = [key.removeprefix("plain_") for key in TEXTS if key.startswith("plain_")]
    assert plain
    assert [code for code in plain if text_of(code) is None] == []


def test_every_state_has_a_name() -> None:
    released = set(LicenceState) - {LicenceState.DRAFT}
    assert {f"state_{each.value}" for each in released} <= TEXTS.keys()


def test_a_card_shows_what_there_is() -> None:
    card = read_card(licence(), TODAY)
    assert (card.holders, card.fields()) == ("张****、李****", [("地址", "1"), ("KZ_b", "2")])
    erased = read_card(licence(data=None), TODAY)
    assert (erased.name, erased.holders, erased.fields()) == ("T", "", [])


def test_days_of_forms_end_where_the_day_ends_in_china() -> None:
    assert end_of_day("2026-12-01") == "2026-12-01T23:59:59+08:00"
    assert end_of_day("soon") is None
    assert write_time(read_time("2026-11-28T16:00:00Z")) == "2026-11-29 00:00"
