"""Seals that were made elsewhere: verified as far as they can be, reviewed by somebody else, then usable with their key, or archived."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest, create_request
from crypto.keys import write_private_key
from crypto.report import Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from seal_service import store
from seal_service.actions.apply_for_import import SEAL_PAPER, apply_for_import
from seal_service.actions.apply_for_seal import ApplicationOrder
from seal_service.actions.find_applications import find_application, load_paper
from seal_service.actions.find_import import find_import, read_steps
from seal_service.actions.find_seals import draw_picture, find_seal, list_editions, list_timeline
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.publish_status import find_status
from seal_service.actions.read_import import ImportOrder, chain_above
from seal_service.actions.record_use import User
from seal_service.actions.review_application import review_application
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import ApplicationKind, ApplicationState, KeyCustody, Seal, SealState
from seal_service.pictures.design import default_design, write_design
from seal_service.pictures.draw_seal import draw_seal
from seal_service.render import draw_picture as draw_png
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from seal_service.verify import verify_file
from service_kit import fail_points
from service_kit.callers import person_of
from standards.errors import TrustError
from standards.gbt20518_certificate import write_seal_subject
from standards.gbt38540_seal.values import MONGOLIAN_NAME, SealExtension, SealPicture
from standards.rfc5280_names import write_name
from standards.rfc7468_pem import CERTIFICATE, write_pem
from standards.x690_der import utf8_string
from tests.pki import DemoPki
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, open_house
from tests.seal_service.test_applications import APPLICANT, MAKER, MANAGER, REVIEWER, STEPS, USER, approved, code_of, deliver, person, take
from yinxin.demo.document import draw_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypto.certificates import Certificate
    from crypto.signer import PrivateKey

CODE = "15070000000007"
BY_HIM = person_of(APPLICANT)
NEW_NAME = "更名后的单位（样例）"
KEY = SM2PrivateKey.generate()
WHO: dict[str, Any] = {"managers": ("person:manager",), "users": ("person:user",)}
PICTURE = draw_png(draw_seal(default_design(ORGANISATION, "", CODE, "1", 42.0)), dpi=150)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A deployment for what leaves nothing behind."""
    with open_house(tmp_path_factory.mktemp("imports")) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def certify(pki: DemoPki, private_key: PrivateKey = KEY, *, organisation: str = CREDIT_CODE + ORGANISATION, days: int = 300) -> Certificate:
    subject = write_seal_subject("", organisation, CODE)
    spki_der = software_signer(private_key, "owner").public_spki_der
    return pki.issuing.issue(
        SubjectRequest(subject, spki_der), Profile.SEAL_SIGNING, not_before=now() - 400 * DAY, not_after=now() + days * DAY
    )


def made_elsewhere(pki: DemoPki, certificate: Certificate, *, with_digests: bool = False, **changes: Any) -> bytes:
    """A seal of another system under the same root."""
    described = SealDescription(
        es_id=CODE,
        vid="OTHER",
        kind=1,
        name="别处制作的印章（样例）",
        created_at=now() - 300 * DAY,
        valid_from=now() - 300 * DAY,
        valid_until=now() + 200 * DAY,
        picture=SealPicture("PNG", PICTURE, 42, 42),
        extensions=(SealExtension(MONGOLIAN_NAME, True, utf8_string("ᠬᠥᠯᠦᠨ")),),
    )
    maker = SealMaker(pki.maker, pki.maker_signer)
    return build_seal(replace(described, **changes), [certificate], maker, with_digests=with_digests)


def order_of(house: House, *, key: PrivateKey | None = KEY, **changes: Any) -> ImportOrder:
    made = ImportOrder(
        made_elsewhere(house.pki, certify(house.pki)),
        "系统迁移",
        custody=KeyCustody.ABSENT if key is None else KeyCustody.KEYSTORE,
        key_file=b"" if key is None else write_private_key(key),
        **WHO,
    )
    return replace(made, **changes)


def taken_over(house: House, order: ImportOrder) -> Seal:
    application, _ = apply_for_import(house.context, BY_HIM, order)
    review_application(house.context, REVIEWER, application.id, STEPS["approve"], reason="核对无误")
    return make_approved_seal(house.context, MAKER, application.id)


def keys(house: House) -> set[str]:
    return {each.key_id for each in house.context.keystore.list() if each.key_id.startswith("import-")}


def test_a_seal_with_its_key_goes_on_file_and_seals_what_our_verifier_calls_valid(house: House) -> None:
    context = house.context
    order = order_of(house)
    application, taken_in = apply_for_import(context, BY_HIM, order, idempotency_key="k")
    assert apply_for_import(context, BY_HIM, order, idempotency_key="k")[0] == application  # once
    assert (application.kind, application.state, application.seal_id) == (ApplicationKind.IMPORT, ApplicationState.APPLIED, None)
    assert (application.credit_code, application.organisation, application.name_mongolian) == (CREDIT_CODE, ORGANISATION, "ᠬᠥᠯᠦᠨ")
    assert (taken_in.verdict, taken_in.custody) == ("valid", KeyCustody.KEYSTORE)
    _, papers, found = find_import(context, REVIEWER, application.id)
    assert {"SEAL_SIG_OK", "SIGNER_IN_SEAL"} <= {step.code for step in read_steps(found.steps_json)}
    assert [load_paper(context, REVIEWER, paper.id)[1] for paper in papers if paper.name == SEAL_PAPER] == [order.seal_der]

    # Neither the applicant himself nor somebody who has not seen an approval takes it over
    everything = person("applicant", "seal.review", "seal.make")
    assert code_of(review_application, context, everything, application.id, STEPS["approve"], reason="x") == "SECOND_PERSON_NEEDED"
    assert code_of(make_approved_seal, context, MAKER, application.id) == "APPLICATION_STATE_CONFLICT"
    reviewed = review_application(context, REVIEWER, application.id, STEPS["approve"], reason="核对无误")
    assert code_of(make_approved_seal, context, everything, application.id) == "SECOND_PERSON_NEEDED"
    assert code_of(make_approved_seal, context, MAKER, application.id, if_version=1) == "APPLICATION_CHANGED"
    assert code_of(make_approved_seal, context, MAKER, application.id, key_request_der=b"0") == "FIELD_UNACCEPTABLE"
    seal = make_approved_seal(context, MAKER, application.id, if_version=reviewed.version)
    assert make_approved_seal(context, MAKER, application.id).id == seal.id
    assert (seal.state, seal.code, seal.is_key_here, seal.seal_data_der) == (SealState.MADE, CODE, True, order.seal_der)

    deliver(house)
    take(house, MAKER, seal, "issue", "")
    take(house, USER, seal, "activate", "")
    user = User("cl_console", "person:user", holder="person:user")
    sealed = seal_document(context, user, seal.id, SealOrder(draw_document(), page=1, x_mm=150, y_mm=60))
    assert verify_file(sealed.content, house.pki.trust_list(), context.clock.now()).verdict is Verdict.VALID
    acts = list_timeline(context, MANAGER, seal.id, after=0, limit=99)
    assert [act.act for act in acts] == ["apply", "approve", "import", "file", "issue", "activate"]
    assert acts[2].second_to == "person:applicant"
    assert find_status(context, CODE).status.name == "VALID"


def test_a_seal_without_its_key_is_archived_with_a_plain_mark_and_never_used(house: House) -> None:
    context = house.context
    seal = taken_over(house, order_of(house, key=None, users=()))
    assert (seal.state, seal.state_reason, seal.is_key_here) == (SealState.ARCHIVED, "KEY_ABSENT", False)
    assert draw_picture(seal).width_mm == 42
    deliver(house)
    assert find_seal(context, MANAGER, seal.id)[0].state is SealState.ARCHIVED  # nothing goes to the region
    assert code_of(find_status, context, CODE) == "SEAL_NOT_FOUND"  # nor do we vouch for how it stands
    for name in ("issue", "activate", "freeze"):
        who = {"issue": MAKER, "activate": MANAGER, "freeze": MANAGER}[name]
        assert code_of(take, house, who, seal, name) in {"SEAL_STATE_CONFLICT", "SEAL_NOT_FOUND"}
    assert take(house, MANAGER, seal, "cancel").state is SealState.CANCELLED
    assert house.issuer.revoked == []  # its certificate is another's


def test_what_cannot_be_verified_is_marked_and_archived_but_takes_no_key(house: House) -> None:
    context = house.context
    strange = DemoPki.create(datetime.now(UTC), label="strange")
    certificate = certify(strange)
    order = order_of(house, seal_der=made_elsewhere(strange, certificate))
    with pytest.raises(TrustError, match="SEAL_IMPORT_KEY_REFUSED") as refused:
        apply_for_import(context, BY_HIM, order)
    assert "CERT_NO_ANCHOR" in str(refused.value.facts["reason"])
    assert keys(house) == set()

    application, taken_in = apply_for_import(context, BY_HIM, replace(order, custody=KeyCustody.ABSENT, key_file=b""))
    assert taken_in.verdict == "indeterminate"
    review_application(context, REVIEWER, application.id, STEPS["approve"], reason="仅归档")
    seal = make_approved_seal(context, MAKER, application.id)
    assert seal.state is SealState.ARCHIVED
    assert str(seal.state_reason).split()[:2] == ["KEY_ABSENT", "CERT_NO_ANCHOR"]


@pytest.mark.parametrize("has_chain", [True, False])
def test_a_seal_that_lists_digests_needs_its_certificate_beside_it(house: House, *, has_chain: bool) -> None:
    certificate = certify(house.pki)
    seal_der = made_elsewhere(house.pki, certificate, with_digests=True)
    order = order_of(house, seal_der=seal_der)
    with pytest.raises(TrustError) as refused:
        apply_for_import(house.context, BY_HIM, replace(order, custody=KeyCustody.ABSENT, key_file=b""))
    assert refused.value.code == "SEAL_IMPORT_UNACCEPTABLE"
    pem = b"".join(write_pem(CERTIFICATE, each.der) for each in (certificate, *house.pki.chain))
    given = pem if has_chain else certificate.der
    seal = taken_over(house, replace(order, certificates=given))
    assert seal.certificate_der == certificate.der
    assert len(seal.chain_der) == (len(house.pki.chain) if has_chain else 0)


def test_a_key_in_its_owners_device_signs_in_two_phases(house: House) -> None:
    request = create_request(software_signer(KEY, "device"), write_name((("CN", "device"),)))
    other = create_request(software_signer(SM2PrivateKey.generate(), "other"), write_name((("CN", "device"),)))
    order = order_of(house, key=None, custody=KeyCustody.OWNER, key_request_der=request)
    assert code_of(apply_for_import, house.context, BY_HIM, replace(order, key_request_der=other)) == "SEAL_IMPORT_KEY_REFUSED"
    assert code_of(apply_for_import, house.context, BY_HIM, replace(order, key_request_der=b"0")) == "SEAL_KEY_REQUEST_REFUSED"
    seal = taken_over(house, order)
    assert (seal.state, seal.is_key_here, seal.key_id.startswith("outside-")) == (SealState.MADE, False, True)


class OneDevice:
    """The devices of a deployment, with one key."""

    def has(self, key_id: str) -> bool:
        return key_id == "hsm-seal"

    def signer(self, key_id: str) -> Any:
        if not self.has(key_id):
            raise TrustError("not-found", "KEY_UNKNOWN")  # type: ignore[arg-type] # as a device of ours says it
        return software_signer(KEY, key_id)


def test_a_key_in_a_device_of_the_deployment_proves_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.context.keystore, "_devices", OneDevice())
    order = order_of(house, key=None, custody=KeyCustody.DEVICE, device_key="hsm-seal")
    assert code_of(apply_for_import, house.context, BY_HIM, replace(order, device_key="no-such")) == "SEAL_IMPORT_KEY_REFUSED"
    seal = taken_over(house, order)
    assert (seal.key_id, seal.is_key_here, seal.state) == ("hsm-seal", True, SealState.MADE)
    second = replace(order, seal_der=made_elsewhere(house.pki, certify(house.pki), es_id="15070000000008"))
    assert code_of(apply_for_import, house.context, BY_HIM, second) == "SEAL_IMPORT_KEY_REFUSED"  # one key, one seal


def test_the_same_seal_twice_is_a_clear_conflict_and_its_number_is_passed_over(house: House) -> None:
    context = house.context
    order = order_of(house, seal_der=made_elsewhere(house.pki, certify(house.pki), es_id="15070000000002"))
    assert make_seal(context, person("cl", "seal.manage"), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE)).code[-1] == "1"
    application, _ = apply_for_import(context, BY_HIM, order)
    assert code_of(apply_for_import, context, BY_HIM, order) == "SEAL_IMPORT_OPEN"
    assert code_of(apply_for_import, context, BY_HIM, replace(order, reason="y"), idempotency_key="k") == "SEAL_IMPORT_OPEN"
    review_application(context, REVIEWER, application.id, STEPS["approve"], reason="x")
    make_approved_seal(context, MAKER, application.id)
    assert code_of(apply_for_import, context, BY_HIM, order) == "SEAL_CODE_TAKEN"
    later = make_seal(context, person("cl", "seal.manage"), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    assert later.code == "15070000000003"


def test_two_applications_that_met_end_in_one_seal(house: House) -> None:
    """As two processes leave them that looked at the same time: the later one finds the code taken."""
    context = house.context
    order = order_of(house, key=None)
    first, _ = apply_for_import(context, BY_HIM, order)
    house.sql("UPDATE seal_imports SET code = '15070000000099', seal_digest = 'x'")
    second, _ = apply_for_import(context, BY_HIM, order)
    house.sql(f"UPDATE seal_imports SET code = '{CODE}'")
    for each in (first, second):
        review_application(context, REVIEWER, each.id, STEPS["approve"], reason="x")
    make_approved_seal(context, MAKER, first.id)
    assert code_of(make_approved_seal, context, MAKER, second.id) == "SEAL_CODE_TAKEN"


def test_the_key_of_what_is_rejected_or_withdrawn_is_destroyed(house: House) -> None:
    for step, who in (("reject", REVIEWER), ("withdraw", APPLICANT)):
        application, taken_in = apply_for_import(house.context, BY_HIM, order_of(house))
        assert keys(house) == {taken_in.key_id}
        review_application(house.context, who, application.id, STEPS[step], reason="x")
        sweep_intents(house.context)
        assert keys(house) == set()
        assert find_import(house.context, REVIEWER, application.id)[2].is_key_destroyed


@pytest.mark.parametrize("point", ["import-seal.intended", "import-seal.key-kept"])
def test_what_is_cut_off_leaves_no_key_and_can_be_handed_in_again(house: House, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    context, order = house.context, order_of(house)

    def cut(name: str) -> None:
        if name == point:
            raise RuntimeError(name)

    # A failure in this process cleans up at once; where the process ends, the sweeper does, or whoever hands the same in again
    for end in ("failure", "swept", "handed in again"):
        with monkeypatch.context() as cutting:
            cutting.setattr(fail_points, "reach", cut)
            if end != "failure":
                cutting.setattr("seal_service.actions.apply_for_import.give_up_import", lambda *_: None)
            with pytest.raises(RuntimeError):
                apply_for_import(context, BY_HIM, order, idempotency_key="k")
            assert len(house.rows("SELECT * FROM seal_imports")) == (end != "failure")
        if end == "swept":
            house.sql("UPDATE seal_imports SET begun_at = 1")
            sweep_intents(context)
        if end != "handed in again":
            assert (keys(house), house.rows("SELECT * FROM seal_imports")) == (set(), [])
    assert code_of(apply_for_import, context, BY_HIM, order, idempotency_key="k") == "IDEMPOTENCY_IN_FLIGHT"
    house.sql(f"UPDATE kit_idempotency SET owner = '{socket.gethostname()[:32]}-1-dead'")
    assert apply_for_import(context, BY_HIM, order, idempotency_key="k")[0].state is ApplicationState.APPLIED
    assert len(house.rows("SELECT * FROM seal_imports")) == len(keys(house)) == 1


def test_what_went_bad_between_handing_in_and_taking_over_is_refused(house: House) -> None:
    context = house.context
    certificate = certify(house.pki)
    application, _ = apply_for_import(context, BY_HIM, order_of(house, seal_der=made_elsewhere(house.pki, certificate)))
    review_application(context, REVIEWER, application.id, STEPS["approve"], reason="x")
    house.pki.revoked.append(RevokedCertificate(certificate.serial, now() - DAY, "keyCompromise"))
    changed = house.pki.trust_list()
    later = replace(context, trust=lambda: changed)
    assert code_of(make_approved_seal, later, MAKER, application.id) == "SEAL_IMPORT_REFUSED"
    gone = replace(context, trust=lambda: DemoPki.create(datetime.now(UTC), label="strange").trust_list())
    assert code_of(make_approved_seal, gone, MAKER, application.id) == "SEAL_IMPORT_KEY_REFUSED"


def test_a_seal_whose_time_is_over_is_archived_alone(shared: House) -> None:
    ended = made_elsewhere(shared.pki, certify(shared.pki, days=-5), es_id="15070000000011", valid_until=now() - 10 * DAY)
    order = order_of(shared, seal_der=ended)
    assert code_of(apply_for_import, shared.context, BY_HIM, order) == "SEAL_IMPORT_KEY_REFUSED"
    seal = taken_over(shared, replace(order, custody=KeyCustody.ABSENT, key_file=b""))
    assert seal.state is SealState.ARCHIVED


def test_a_picture_that_cannot_be_drawn_is_said_and_none_is_invented(shared: House) -> None:
    order = order_of(
        shared,
        seal_der=made_elsewhere(shared.pki, certify(shared.pki), es_id="15070000000012", picture=SealPicture("ofd", b"PK..", 42, 42)),
    )
    with pytest.raises(TrustError) as refused:
        apply_for_import(shared.context, BY_HIM, order)
    assert refused.value.facts["reason"] == "PICTURE_FORMAT_UNKNOWN"
    seal = taken_over(shared, replace(order, custody=KeyCustody.ABSENT, key_file=b""))
    assert code_of(draw_picture, seal) == "SEAL_PICTURE_NOT_HERE"


def test_an_application_of_another_kind_has_nothing_handed_in(shared: House) -> None:
    application = approved(shared, ApplicationOrder(ApplicationKind.NEW, "x", organisation=ORGANISATION, credit_code=CREDIT_CODE, **WHO))
    assert code_of(find_import, shared.context, REVIEWER, application.id) == "APPLICATION_NOT_FOUND"
    assert code_of(make_approved_seal, shared.context, MAKER, "sa_000000000000000000000000") == "APPLICATION_NOT_FOUND"
    assert chain_above(shared.pki.root.certificate, ()) == ()


def test_a_changed_seal_from_elsewhere_is_then_one_of_ours_and_its_old_certificate_is_not_revoked_here(house: House) -> None:
    other = DemoPki.create(datetime.now(UTC), label="elsewhere")
    both = house.pki.trust_list().joined_with(other.trust_list())
    house.context = replace(house.context, trust=lambda: both)
    seal = taken_over(house, order_of(house, seal_der=made_elsewhere(other, certify(other))))
    deliver(house)
    take(house, MAKER, seal, "issue", "")
    take(house, USER, seal, "activate", "")
    order = ApplicationOrder(
        ApplicationKind.CHANGE,
        "更名",
        seal_id=seal.id,
        organisation=NEW_NAME,
        design_json=json.dumps(write_design(default_design(NEW_NAME, "", CODE, "1", 42.0))),
    )
    manager = replace(MANAGER, scopes=MANAGER.scopes | {"seal.apply"})
    changed = make_approved_seal(house.context, MAKER, approved(house, order, manager).id)
    assert (changed.code, changed.edition, changed.is_certificate_outside, changed.is_key_here) == (CODE, 2, False, True)
    sweep_intents(house.context)
    assert house.issuer.revoked == []
    assert keys(house) == set()
    assert [each.is_key_destroyed for each in list_editions(house.context, MAKER, seal.id)] == [True, False]
    take(house, MANAGER, changed, "cancel")
    assert len(house.issuer.revoked) == 1  # what we issued, we revoke
    with house.context.database.read() as conn:
        assert store.load_import(conn, "sa_none") is None


def test_find_application_shows_the_kind(house: House) -> None:
    application, _ = apply_for_import(house.context, BY_HIM, order_of(house, key=None))
    assert find_application(house.context, REVIEWER, application.id)[0].kind is ApplicationKind.IMPORT
