"""A seal whose certificate an outside authority issues: it waits with its request, and takes no certificate but the right one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest, read_proven_request
from crypto.report import Verdict
from seal_service import store
from seal_service.actions.apply_for_seal import ApplicationOrder
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.expire_seals import expire_seals
from seal_service.actions.find_seals import list_editions
from seal_service.actions.install_certificate import find_request, install_certificate
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import ApplicationKind, ApplicationState, EditionState, SealState, transition_named
from seal_service.seal_data.seal_file import verify_esl
from service_kit.callers import Caller
from standards.errors import TrustError
from standards.rfc5280_names import write_name
from tests.pki import DemoPki
from tests.seal_service.test_applications import (
    APPLICANT,
    MAKER,
    MANAGER,
    ORDER,
    REVIEWER,
    USER,
    activated,
    approved,
    code_of,
    deliver,
    take,
)

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from tests.seal_service.house import House


def issue(pki: DemoPki, wanted: SubjectRequest) -> Certificate:
    now = datetime.now(UTC).replace(microsecond=0)
    return pki.issuing.issue(wanted, Profile.SEAL_SIGNING, not_before=now - timedelta(minutes=5), not_after=now + timedelta(days=30))


def test_a_seal_waits_for_its_certificate_and_takes_only_its_own(house: House) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house, replace(ORDER, is_certificate_outside=True)).id)
    assert (seal.state, seal.certificate_der) == (SealState.MADE_REQUESTED, None)
    sweep_intents(context)  # waiting is no orphan
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    assert code_of(find_request, context, USER, "sl_none") == "SEAL_NOT_FOUND"

    strange = DemoPki.create(datetime.now(UTC), label="strange")
    another = SubjectRequest(wanted.subject_der, house.pki.maker.spki_der)
    for certificate, reason in ((issue(house.pki, another), "another key"), (issue(strange, wanted), "CERT_NO_ANCHOR")):
        with pytest.raises(TrustError, match="SEAL_CERTIFICATE_REFUSED") as refused:
            install_certificate(context, MAKER, seal.id, certificate, ())
        assert reason in str(refused.value.facts["reason"])

    made = install_certificate(context, MAKER, seal.id, issue(house.pki, wanted), house.pki.chain)
    assert (made.state, made.is_certificate_outside) == (SealState.MADE, True)
    assert verify_esl(made.seal_data_der or b"", house.pki.trust_list(), context.clock.now()).verdict is Verdict.VALID
    assert code_of(find_request, context, MAKER, seal.id) == "SEAL_STATE_CONFLICT"
    assert code_of(install_certificate, context, MAKER, seal.id, issue(house.pki, wanted), ()) == "SEAL_STATE_CONFLICT"


def test_the_applicant_neither_hands_in_the_certificate_nor_issues_the_seal(house: House) -> None:
    """Nor by another portal, for an organisation that he acts for."""
    context = house.context
    scopes = frozenset({"seal.apply", "seal.make", "seal.read"})
    himself, elsewhere = Caller("cl_console", "pe_x", scopes), Caller("cl_portal", "or_y", scopes, acting="pe_x")
    seal = make_approved_seal(context, MAKER, approved(house, replace(ORDER, is_certificate_outside=True), himself).id)
    certificate = issue(house.pki, read_proven_request(find_request(context, MAKER, seal.id)))
    for who in (himself, elsewhere):
        assert code_of(install_certificate, context, who, seal.id, certificate, house.pki.chain) == "SECOND_PERSON_NEEDED"
    install_certificate(context, MAKER, seal.id, certificate, house.pki.chain)
    deliver(house)
    for who in (himself, elsewhere):
        assert code_of(take, house, who, seal, "issue", "") == "SECOND_PERSON_NEEDED"
    assert take(house, MAKER, seal, "issue", "").state is SealState.ISSUED


def test_who_applied_for_a_renewal_does_not_issue_it_and_who_applied_for_the_seal_may(house: House) -> None:
    context = house.context
    seal = activated(house)
    order = ApplicationOrder(ApplicationKind.RENEW, "到期", seal_id=seal.id)
    both = replace(MANAGER, scopes=MANAGER.scopes | {"seal.make"})
    make_approved_seal(context, MAKER, approved(house, order, both).id)
    while context.outbox.run_once():
        pass
    assert code_of(take, house, both, seal, "issue", "") == "SECOND_PERSON_NEEDED"
    before = replace(APPLICANT, scopes=frozenset({"seal.make", "seal.read"}))
    assert take(house, before, seal, "issue", "").state is SealState.ISSUED


CODE = ORDER.credit_code


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ((("O", "12990000YX0000008K别的公司"), ("CN", "99999999999999")), "another credit code"),
        ((("O", f"12990000YX0000008K{ORDER.organisation}"), ("CN", "x")), "another credit code"),
        ((("O", f"{CODE}别的公司"), ("CN", "x")), "another organisation"),
        ((("O", "别的公司"), ("CN", "x")), "another organisation"),
        ((("CN", "别的公司"),), "another organisation"),
        ((("C", "CN"),), "another organisation"),
        ((("O", CODE + ORDER.organisation.translate(str.maketrans("（）", "()"))), ("CN", "x")), ""),
        ((("O", f" {ORDER.organisation}"), ("CN", "x")), ""),
        ((("O", CODE), ("CN", "x")), ""),
    ],
)
def test_the_certificate_names_whom_the_seal_was_applied_for(house: House, subject: tuple[tuple[str, str], ...], reason: str) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house, replace(ORDER, is_certificate_outside=True)).id)
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    certificate = issue(house.pki, SubjectRequest(write_name(subject), wanted.spki_der))
    if not reason:
        assert install_certificate(context, MAKER, seal.id, certificate, house.pki.chain).state is SealState.MADE
        return
    with pytest.raises(TrustError, match="SEAL_CERTIFICATE_REFUSED") as refused:
        install_certificate(context, MAKER, seal.id, certificate, house.pki.chain)
    assert refused.value.facts["reason"] == reason
    assert house.rows("SELECT state FROM seal_seals") == [("made-requested",)]


def test_the_certificate_of_a_renamed_seal_names_the_new_organisation(house: House) -> None:
    context = house.context
    seal = activated(house)
    renamed = "呼伦贝尔市数据服务中心（样例）"
    order = ApplicationOrder(ApplicationKind.CHANGE, "更名", seal_id=seal.id, organisation=renamed, is_certificate_outside=True)
    make_approved_seal(context, MAKER, approved(house, order, MANAGER).id)
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    before = SubjectRequest(write_name((("O", CODE + ORDER.organisation), ("CN", seal.code))), wanted.spki_der)
    assert code_of(install_certificate, context, MAKER, seal.id, issue(house.pki, before), house.pki.chain) == "SEAL_CERTIFICATE_REFUSED"
    assert install_certificate(context, MAKER, seal.id, issue(house.pki, wanted), house.pki.chain).organisation == renamed


def has_key(house: House, key_id: str) -> bool:
    return key_id in {each.key_id for each in house.context.keystore.list()}


def test_giving_up_the_wait_closes_the_making_and_what_was_applied_for_can_be_made_again(house: House) -> None:
    context = house.context
    application = approved(house, replace(ORDER, is_certificate_outside=True))
    seal = make_approved_seal(context, MAKER, application.id)
    key_id = seal.key_id
    assert has_key(house, key_id)
    given_up = change_seal_state(context, MAKER, seal.id, transition_named("give-up"), reason="the authority refused")
    assert given_up.state is SealState.ABANDONED
    assert [each.state for each in list_editions(context, MAKER, seal.id)] == [EditionState.ABANDONED]
    sweep_intents(context)
    assert not has_key(house, key_id)
    again = make_approved_seal(context, MAKER, application.id)
    assert (again.state, again.id == seal.id) == (SealState.MADE_REQUESTED, False)


@pytest.mark.parametrize("step", ["cancel", "invalidate"])
def test_ending_a_seal_that_waits_for_a_renewed_certificate_closes_edition_and_application(house: House, step: str) -> None:
    context = house.context
    seal = activated(house)
    order = ApplicationOrder(ApplicationKind.RENEW, "到期", seal_id=seal.id, is_certificate_outside=True)
    application = approved(house, order, MANAGER)
    waiting = make_approved_seal(context, MAKER, application.id)
    assert waiting.state is SealState.CHANGED
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    [key_id] = [each.key_id for each in list_editions(context, MAKER, seal.id) if each.state is EditionState.MAKING]

    by = {"cancel": MANAGER, "invalidate": REVIEWER}[step]
    change_seal_state(context, by, seal.id, transition_named(step), reason="organisation dissolved")
    with context.database.read() as conn:
        lapsed = store.load_application(conn, application.id)
    assert lapsed is not None
    assert lapsed.state is ApplicationState.LAPSED
    assert [each.state for each in list_editions(context, MAKER, seal.id)] == [EditionState.MADE, EditionState.ABANDONED]
    assert code_of(find_request, context, MAKER, seal.id) == "SEAL_STATE_CONFLICT"
    assert code_of(install_certificate, context, MAKER, seal.id, issue(house.pki, wanted), ()) == "SEAL_STATE_CONFLICT"
    sweep_intents(context)
    assert not has_key(house, key_id)
    assert ("application.lapse", "done") in [(action, outcome) for action, outcome, _ in house.entries(f"application:{application.id}")]


def test_a_seal_that_expires_while_its_renewal_is_made_outside_still_takes_the_certificate(house: House) -> None:
    context = house.context
    seal = activated(house)
    order = ApplicationOrder(ApplicationKind.RENEW, "到期", seal_id=seal.id, is_certificate_outside=True)
    make_approved_seal(context, MAKER, approved(house, order, MANAGER).id)
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    house.sql("UPDATE seal_seals SET valid_until = 1")
    expire_seals(context)
    made = install_certificate(context, MAKER, seal.id, issue(house.pki, wanted), house.pki.chain)
    assert (made.state, made.edition) == (SealState.MADE, 2)


def test_what_changed_meanwhile_is_neither_made_nor_installed(house: House) -> None:
    context = house.context
    application = approved(house, replace(ORDER, is_certificate_outside=True))
    assert code_of(make_approved_seal, context, MAKER, application.id, if_version=application.version - 1) == "APPLICATION_CHANGED"
    seal = make_approved_seal(context, MAKER, application.id, if_version=application.version)
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    certificate = issue(house.pki, wanted)
    assert code_of(install_certificate, context, MAKER, seal.id, certificate, (), if_version=seal.version + 1) == "SEAL_CHANGED"
    made = install_certificate(context, MAKER, seal.id, certificate, house.pki.chain, if_version=seal.version)
    assert made.state is SealState.MADE
    assert make_approved_seal(context, MAKER, application.id, if_version=1).id == seal.id  # made before: the same seal, whatever was seen
