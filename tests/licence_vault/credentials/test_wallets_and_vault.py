"""The real vault: a licence that was issued reaches a wallet, is shown, is revoked, and counts no more at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from crypto.report import Verdict
from licence_vault import store
from licence_vault.actions.ask_presentation import ask_presentation, find_answer
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.credential_source import CREDENTIAL_ISSUED
from licence_vault.actions.enter_issuer import give_membership, take_membership
from licence_vault.actions.issue_credential import issue_credential
from licence_vault.actions.offer_credential import MadeOffer, offer_credential
from licence_vault.actions.publish_status_lists import publish_status_lists
from licence_vault.actions.redeem_offer import redeem_code
from licence_vault.actions.take_presentation import take_presentation
from licence_vault.credentials.issuance_messages import GRANT_TYPE, PROOF_TYPE, configuration_id
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.credentials.nonces import new_nonce
from licence_vault.credentials.presentation_messages import read_question
from licence_vault.model import step_named
from licence_vault.ports import STANDING
from licence_vault.store.credentials import list_credentials_of_licence
from licence_vault.uses import DONE, FOR_WALLET, UseAction
from licence_vault.wallets import desks_of
from seal_service.ports import PresentPerson
from service_kit import fail_points
from service_kit.callers import Caller
from standards.errors import Kind, TrustError
from tests.licence_vault.credentials.wallets import key_of, present
from tests.licence_vault.issuing_here import ISSUER, IssuingHere, caller
from tests.licence_vault.type_files import TYPE
from yinxin.licence_links import HouseVerifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypto.report import Report
    from licence_vault.actions.credential_desk import CredentialDesk
    from licence_vault.actions.presentation_desk import PresentationDesk
    from licence_vault.register import LicenceRecord

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("wallets") / "deployment") as made:
        yield made


def offer(desk: CredentialDesk, here: IssuingHere, identifier: str, holder: str = "") -> MadeOffer:
    who = holder or here.clerk.holder
    return offer_credential(desk, identifier=identifier, lanes=list(LaneName), has_tx_code=True, holder=who, actor=here.clerk.actor)


def fetch(desk: CredentialDesk, token: str, name: LaneName) -> str:
    at = desk.clock.now()
    proof = key_of(name, "holder").sign_raw(
        {"alg": str(LANES[name].algorithm), "typ": PROOF_TYPE, "jwk": key_of(name, "holder").jwk},
        {"aud": desk.issuer, "iat": int(at.timestamp()), "nonce": new_nonce(desk.nonce_key, at)},
    )
    body = {"credential_configuration_id": configuration_id(TYPE, name), "proofs": {"jwt": [proof]}}
    return issue_credential(desk, token, json.dumps(body).encode())


def shown(desk: PresentationDesk, here: IssuingHere, credential: str, name: LaneName) -> Any:
    question = read_question([TYPE], [["licence_number"], ["holders", None, "name"]], [name])
    made = ask_presentation(desk, question, purpose="测试核验", holder=here.clerk.holder, actor=here.clerk.actor)
    text = present(credential, name, at=desk.clock.now(), aud=made.request["client_id"], nonce=made.request["nonce"])
    form = {"vp_token": json.dumps({"licence": [text]}), "state": made.request["state"]}
    take_presentation(desk, made.request_id, FORM, urlencode(form).encode())
    return find_answer(desk, made.request_id, holder=here.clerk.holder)


def test_from_issuing_to_revoking(here: IssuingHere) -> None:
    desk, asking = desks_of(here.vault.context, here.means.contents)
    record = here.issue()
    made = offer(desk, here, record.identifier)
    token = redeemed(desk, made)
    held = {name: fetch(desk, token, name) for name in LaneName}
    for name, credential in held.items():
        found = shown(asking, here, credential, name)
        assert (found.verdict, found.result["claims"]["holders"][0]["name"]) == ("valid", "张三（示例）")
    # everything is in the trail of the licence, and who acts for the authority is told
    assert [entry for entry in here.trail(record.id) if entry[0].startswith("credential.")] == [
        ("credential.offer", "done"),
        ("credential.redeem", "done"),
        *[("credential.issue", "intended"), ("credential.issue", "done")] * 2,
    ]
    with here.vault.context.database.read() as connection:
        told = [str(row[0]) for row in connection.exec_driver_sql("SELECT payload FROM kit_outbox").all()]
    assert sum(CREDENTIAL_ISSUED in each and record.id in each for each in told) == 2
    assert "张三" not in "".join(told)
    # handed in as a file it is verified by what is published, as a stranger would, and by nobody else's keys
    publish_status_lists(here.vault.context)
    for credential in held.values():
        report = handed_in(here, credential)
        assert (report.verdict, [each.verdict for each in report.questions if each.name == "seal"]) == (Verdict.VALID, [Verdict.VALID])
        assert handed_in(here, credential, PresentPerson("张三（示例）", "11010519491231002X")).verdict is Verdict.VALID
        assert handed_in(here, credential, PresentPerson("李四（示例）", "11010519491231002X")).verdict is Verdict.INVALID
        assert handed_in(here, credential, base_url="https://elsewhere.example").verdict is Verdict.INDETERMINATE
    # revoked: at once, before any list says so
    here.take_in()
    change_licence_state(here.vault.context, here.clerk, record.id, step_named("revoke"), reason="测试", if_revision=None)
    for name, credential in held.items():
        found = shown(asking, here, credential, name)
        codes = {step["code"] for step in found.result["report"]["en"]["signatures"][0]["steps"]}
        assert (found.verdict, "CREDENTIAL_STATUS_INVALID" in codes) == ("invalid", True)
    assert [handed_in(here, each).verdict for each in held.values()] == [Verdict.VALID, Verdict.VALID], "the list of before says so yet"
    here.vault.clock.advance(seconds=2)
    publish_status_lists(here.vault.context)
    assert [handed_in(here, each).verdict for each in held.values()] == [Verdict.INVALID, Verdict.INVALID]
    with pytest.raises(TrustError, match="CREDENTIAL_DENIED"):
        offer(desk, here, record.identifier)


def lines(here: IssuingHere, record: LicenceRecord) -> list[tuple[UseAction, str, str, str, str]]:
    """What whose licence it is sees of its uses, the oldest first."""
    with here.vault.context.database.read() as connection:
        found = store.list_uses_of_subjects(connection, store.list_holder_digests(connection, record.id), before=None, limit=100)
    assert {(each.mode, each.officer_sealed) for each in found} <= {(None, None)}
    return [(each.action, each.client, each.actor, each.reason, each.outcome) for each in reversed(found) if each.licence_id == record.id]


def redeemed(desk: CredentialDesk, made: MadeOffer) -> str:
    code = made.offer["grants"][GRANT_TYPE]["pre-authorized_code"]
    form = {"grant_type": GRANT_TYPE, "pre-authorized_code": code, "tx_code": str(made.tx_code)}
    return redeem_code(desk, FORM, urlencode(form).encode())


def test_whose_licence_it_is_sees_that_it_was_offered_and_each_credential_that_left(here: IssuingHere) -> None:
    """Who may make offers can fetch one into a wallet of his own: that is the whole licence."""
    desk, _ = desks_of(here.vault.context, here.means.contents)
    record = here.issue()
    by = "client:yinxin-console for pe_clerk"
    give_membership(here.vault.context, caller("cl_admin"), ISSUER, "person:pe_clerk")
    made = offer_credential(desk, identifier=record.identifier, lanes=list(LaneName), has_tx_code=True, holder="person:pe_clerk", actor=by)
    offered = (UseAction.WALLET_OFFERED, "yinxin-console", by, FOR_WALLET, DONE)
    assert lines(here, record) == [offered]
    token = redeemed(desk, made)
    assert lines(here, record) == [offered], "a code that was redeemed gives nothing yet"
    fetch(desk, token, LaneName.ES256)
    issued = (UseAction.WALLET_ISSUED, "yinxin-console", by, FOR_WALLET, DONE)
    assert lines(here, record) == [offered, issued]
    fetch(desk, token, LaneName.SM2)
    assert lines(here, record) == [offered, issued, issued]


def test_nothing_is_offered_or_leaves_without_its_line(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, _ = desks_of(here.vault.context, here.means.contents)
    record = here.issue()
    token = redeemed(desk, offer(desk, here, record.identifier))

    def fail(*_: object, **__: object) -> None:
        raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE", reason="no space left")

    monkeypatch.setattr("licence_vault.actions.credential_source.record_use", fail)
    with pytest.raises(TrustError, match=r"^AUDIT_UNAVAILABLE"):
        offer(desk, here, record.identifier)
    with pytest.raises(TrustError, match=r"^AUDIT_UNAVAILABLE"):
        fetch(desk, token, LaneName.ES256)
    with here.vault.context.database.read() as connection:
        assert [each.state for each in list_credentials_of_licence(connection, record.id)] == ["intended"]
    assert [each[0] for each in lines(here, record)] == [UseAction.WALLET_OFFERED]


def test_an_offer_ends_with_the_right_of_whoever_made_it(here: IssuingHere, monkeypatch: pytest.MonkeyPatch) -> None:
    """He has its code and could fetch the whole licence into a wallet of his own, ten minutes after he was shown the door."""
    context, admin, gone = here.vault.context, caller("cl_admin"), "client:yinxin-console for or_team by pe_gone"
    desk, _ = desks_of(context, here.means.contents)
    record = here.issue()

    def made() -> MadeOffer:
        give_membership(context, admin, ISSUER, "person:or_team")
        wishes: dict[str, Any] = {"lanes": list(LaneName), "has_tx_code": True, "actor": gone, "grant_id": "gr_1"}
        return offer_credential(desk, identifier=record.identifier, holder="person:or_team", **wishes)

    def states() -> list[str]:
        with context.database.read() as connection:
            return [each.state for each in list_credentials_of_licence(connection, record.id)]

    # before its code is redeemed
    first = made()
    take_membership(context, admin, ISSUER, "person:or_team")
    with pytest.raises(TrustError, match="CREDENTIAL_OFFER_INVALID"):
        redeemed(desk, first)
    assert here.trail(record.id)[-1] == ("credential.redeem", "refused")
    # before the credential is asked for
    token = redeemed(desk, made())
    take_membership(context, admin, ISSUER, "person:or_team")
    with pytest.raises(TrustError, match="CREDENTIAL_TOKEN_INVALID"):
        fetch(desk, token, LaneName.ES256)
    assert states() == []
    # before it leaves
    token = redeemed(desk, made())
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(fail_points, "reach", lambda _name: take_membership(context, admin, ISSUER, "person:or_team"))
        with pytest.raises(TrustError, match="CREDENTIAL_DENIED"):
            fetch(desk, token, LaneName.ES256)
    assert states() == ["void"]
    # his client, his account, his right to act for the organisation
    asked: list[Caller] = []

    def stands(who: Caller) -> bool:
        asked.append(who)
        return False

    watched = replace(context, links={**context.links, STANDING: stands})
    other, _ = desks_of(watched, here.means.contents)
    with pytest.raises(TrustError, match="CREDENTIAL_TOKEN_INVALID"):
        fetch(other, redeemed(other, made()), LaneName.ES256)
    assert asked == [Caller("yinxin-console", "or_team", frozenset(), grant_id="gr_1")]


def handed_in(here: IssuingHere, credential: str, holder: PresentPerson | None = None, *, base_url: str = "") -> Report:
    context = here.vault.context
    if base_url:
        context = replace(context, settings=replace(context.settings, base_url=base_url))
    return HouseVerifier(context)(credential.encode(), context.trust(), context.clock.now(), is_now=True, holder=holder)


def test_only_who_acts_for_the_authority_makes_offers(here: IssuingHere) -> None:
    desk, _ = desks_of(here.vault.context, here.means.contents)
    record = here.issue()
    for identifier, holder in ((record.identifier, here.stranger.holder), (record.identifier + "X", here.clerk.holder)):
        with pytest.raises(TrustError, match="CREDENTIAL_LICENCE_UNKNOWN"):
            offer(desk, here, identifier, holder)
    assert TYPE in {each.code for each in desk.types()}


def test_of_what_was_erased_there_is_no_credential(here: IssuingHere) -> None:
    desk, _ = desks_of(here.vault.context, here.means.contents)
    record = here.issue()

    def look(licence_id: str) -> Any:
        with here.vault.context.database.read() as connection:
            return desk.source.current(connection, licence_id)

    assert look(record.id).state == record.state.value
    assert look("lc_none") is None
    here.vault.context.database.write(
        lambda connection: connection.exec_driver_sql("DELETE FROM licence_keys WHERE licence_id = ?", (record.id,))
    )
    assert look(record.id) is None
    with pytest.raises(TrustError, match="CREDENTIAL_LICENCE_UNKNOWN"):
        offer(desk, here, record.identifier)
    here.vault.context.database.write(
        lambda connection: desk.source.note_issued(
            connection, licence_id="lc_none", credential_id="cr_x", lane="sm2", at=here.vault.clock.now(), actor="wallet"
        )
    )
