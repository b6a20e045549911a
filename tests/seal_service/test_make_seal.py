"""Making seals: code, key, certificate, grants; once per idempotency key; cut off anywhere without a trace of use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from crypto.certificates import Certificate
from crypto.report import Verdict
from crypto.signatures import SignatureCheck
from seal_service.actions.find_seals import find_picture, find_seal, find_seal_data, list_seals
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import Seal, SealState
from seal_service.seal_data.seal_file import verify_esl
from seal_service.verify import verify_file
from service_kit.idempotency import IN_FLIGHT_SECONDS
from service_kit.settings import Seals
from standards.errors import Kind, TrustError
from standards.gbt38540_seal.read import read_seal
from tests.audit_trail import blocked
from tests.clocks import FixedClock
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, answer_lost, caller
from tests.seal_service.ofd.sealing import plain
from tests.seal_service.pdf.documents import reportlab_document

REQUEST = SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE)


def test_a_seal_has_code_key_certificate_and_picture(house: House) -> None:
    seal = make_seal(house.context, caller(), REQUEST)
    assert (seal.state, seal.version, seal.code, seal.name) == (SealState.ACTIVE, 2, "15070000000001", ORGANISATION)
    assert seal.certificate_der is not None
    certificate = Certificate.from_der(seal.certificate_der)
    assert certificate.common_name == seal.code
    assert certificate.organisation == CREDIT_CODE + ORGANISATION
    assert certificate.spki_der == house.context.keystore.signer(seal.key_id).public_spki_der
    assert certificate.is_issued_by(Certificate.from_der(seal.chain_der[0])) is SignatureCheck.GOOD
    assert find_seal(house.context, caller(), seal.id) == (seal, ["cl_a"])
    assert "<svg" in find_picture(house.context, caller(), seal.id).to_svg()
    assert [(action, outcome) for action, outcome, _ in house.entries(f"seal:{seal.id}")] == [
        ("seal.make", "intended"),
        ("seal.make", "done"),
    ]


def test_a_seal_has_its_electronic_seal_of_the_standard(house: House) -> None:
    seal = make_seal(house.context, caller(), REQUEST)
    assert seal.seal_data_der is not None
    read = read_seal(seal.seal_data_der)
    assert (read.version, read.es_id, read.property.name, read.property.kind) == (4, seal.code, seal.name, 1)
    assert read.property.certificates == (seal.certificate_der,)
    assert read.maker_certificate_der == house.pki.maker.der
    assert (read.picture.kind, read.picture.width_mm, read.picture.height_mm) == ("PNG", 42, 42)
    assert read.picture.data.startswith(b"\x89PNG")
    assert len(seal.seal_data_der) < 26_000
    assert verify_esl(seal.seal_data_der, house.pki.trust_list(), house.context.clock.now()).verdict is Verdict.VALID


@pytest.mark.clause("GM/T 0031-2025 making")
@pytest.mark.parametrize("is_setting", [False, True])
def test_a_seal_of_version_5_is_time_stamped_and_what_it_seals_is_valid(house: House, *, is_setting: bool) -> None:
    context = house.context
    if is_setting:
        context = replace(context, settings=replace(context.settings, seals=Seals(data_version=5)))
    seal = make_seal(context, caller(), replace(REQUEST, data_version=None if is_setting else 5))
    read = read_seal(find_seal_data(context, caller(), seal.id)[1])
    assert (read.version, read.header_version, read.time_stamp_der is not None) == (5, 5, True)
    assert verify_esl(seal.seal_data_der or b"", house.pki.trust_list(), context.clock.now()).verdict is Verdict.VALID
    for document in (reportlab_document(), plain()) if is_setting else ():
        sealed = seal_document(context, User("cl_a", "client:cl_a"), seal.id, SealOrder(document, page=1, x_mm=100, y_mm=100)).content
        report = verify_file(sealed, house.pki.trust_list(), context.clock.now())
        assert report.signatures[-1].verdict is Verdict.VALID
        assert "SEAL_MAKE_TIME_OK" in {step.code for step in report.signatures[-1].steps}


def test_a_seal_of_version_5_needs_a_time_stamp_authority_and_leaves_nothing_without(house: House) -> None:
    with pytest.raises(TrustError, match="TIME_STAMP_NOT_CONFIGURED"):
        make_seal(replace(house.context, time_stamp=None), caller(), replace(REQUEST, data_version=5))
    assert [state for (state,) in house.rows("SELECT state FROM seal_seals")] == ["abandoned"]
    [(seal_id,)] = house.rows("SELECT id FROM seal_seals")
    with pytest.raises(TrustError, match="SEAL_WITHOUT_SEAL_DATA"):
        find_seal_data(house.context, caller(), seal_id)


def test_codes_take_the_division_asked_for(house: House) -> None:
    assert make_seal(house.context, caller(), replace(REQUEST, division="150100")).code == "15010000000001"


def test_sixteen_makings_at_once_get_sixteen_codes(house: House) -> None:
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: make_seal(house.context, caller(), REQUEST).code, range(16)))
    assert sorted(codes) == [f"150700{serial:08d}" for serial in range(1, 17)]


def test_codes_end(house: House) -> None:
    house.sql("INSERT INTO seal_code_counters VALUES ('150700', 99999999)")
    with pytest.raises(TrustError) as refused:
        make_seal(house.context, caller(), REQUEST)
    assert (refused.value.kind, refused.value.code) == (Kind.CONFLICT, "SEAL_CODES_EXHAUSTED")
    assert house.rows("SELECT last_serial FROM seal_code_counters") == [(99999999,)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"credit_code": "11150700MB1234562R"}, "CREDIT_CODE_CHECK"),
        ({"organisation": " "}, "SEAL_NAME_EMPTY"),
        ({"organisation": "\U0001f600"}, "SEAL_GLYPH_MISSING"),
        ({"grants": ("a b",)}, "FIELD_UNACCEPTABLE"),
        ({"name": "a\r\nb"}, "FIELD_UNACCEPTABLE"),
        ({"name": "\u202eb\u0000"}, "FIELD_UNACCEPTABLE"),
        ({"picture_width_mm": 5.0}, "SEAL_SIZE_BAD"),
    ],
)
def test_what_cannot_become_a_seal_is_refused_before_anything_is_recorded(house: House, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        make_seal(house.context, caller(), replace(REQUEST, **changes))
    assert refused.value.code == code
    assert house.rows("SELECT count(*) FROM seal_seals") == [(0,)]
    assert house.entries() == []


def test_the_same_key_makes_one_seal(house: House) -> None:
    first = make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    assert make_seal(house.context, caller(), REQUEST, idempotency_key="k1") == first
    assert make_seal(house.context, caller("cl_b"), REQUEST, idempotency_key="k1").id != first.id
    with pytest.raises(TrustError) as refused:
        make_seal(house.context, caller(), replace(REQUEST, purpose="业务专用章"), idempotency_key="k1")
    assert (refused.value.kind, refused.value.code) == (Kind.UNACCEPTABLE, "IDEMPOTENCY_KEY_REUSED")


def test_sixteen_at_once_with_one_key_make_one_seal(house: House) -> None:
    def attempt(_: int) -> str:
        try:
            return make_seal(house.context, caller(), REQUEST, idempotency_key="k1").id
        except TrustError as error:
            return error.code

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(attempt, range(16)))
    assert house.rows("SELECT count(*) FROM seal_seals") == [(1,)]
    assert len(answers - {"IDEMPOTENCY_IN_FLIGHT"}) == 1


def test_a_failing_issuer_leaves_an_abandoned_seal_and_a_key_that_can_be_used_again(house: House) -> None:
    house.issuer.fail_with = TrustError(Kind.UNAVAILABLE, "CA_UNAVAILABLE")
    with pytest.raises(TrustError) as refused:
        make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    assert refused.value.code == "CA_UNAVAILABLE"
    assert house.rows("SELECT state, state_reason FROM seal_seals") == [("abandoned", "failed")]
    house.issuer.fail_with = None
    seal = make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    assert (seal.state, seal.code) == (SealState.ACTIVE, "15070000000002")
    assert [outcome for _, outcome, _ in house.entries()] == ["done", "intended", "voided", "intended", "done"]  # the first: audit.opened


def test_a_making_whose_process_died_is_abandoned_and_its_key_freed(house: House) -> None:
    house.issuer.fail_with = KeyboardInterrupt()  # past every handler of ours, as a killed process is
    with pytest.raises(KeyboardInterrupt):
        make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    house.issuer.fail_with = None
    house.sql(f"UPDATE seal_seals SET state = 'making', made_by = '{dead_process()}'")
    assert sweep_intents(house.context) == {"voided": 0, "abandoned": 1, "certificates_revoked": 0}
    assert sweep_intents(house.context)["abandoned"] == 0
    assert make_seal(house.context, caller(), REQUEST, idempotency_key="k1").state is SealState.ACTIVE


def test_a_making_begun_again_ends_the_one_that_was_left_and_keeps_its_key(house: House) -> None:
    """Its process may live, on another machine or held up: its end must not let go of the key that the second making holds."""

    def hold_up(**_: object) -> Certificate:
        after.enter_context(blocked())  # so that even giving up cannot be recorded
        raise TrustError(Kind.UNAVAILABLE, "CA_UNAVAILABLE")

    object.__setattr__(house.context, "issuer", SimpleNamespace(issue=hold_up))
    with ExitStack() as after, pytest.raises(TrustError, match="CA_UNAVAILABLE"):
        make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    assert house.rows("SELECT state FROM seal_seals") == [("making",)]

    object.__setattr__(house.context, "issuer", house.issuer)
    object.__setattr__(house.context, "clock", FixedClock(datetime.now(UTC) + timedelta(seconds=IN_FLIGHT_SECONDS + 1)))
    second = make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    assert second.state is SealState.ACTIVE
    assert house.rows("SELECT state, state_reason FROM seal_seals ORDER BY made_at")[0] == ("abandoned", "failed")
    assert sweep_intents(house.context)["abandoned"] == 0
    assert make_seal(house.context, caller(), REQUEST, idempotency_key="k1") == second


def test_a_making_that_is_swept_meanwhile_does_not_become_active(house: House) -> None:
    issue = house.issuer.issue

    def issue_late(**wanted: Any) -> Certificate:
        house.sql("UPDATE seal_seals SET state = 'abandoned'")
        return issue(**wanted)

    house.issuer.issue = issue_late  # type: ignore[method-assign]
    with pytest.raises(TrustError) as refused:
        make_seal(house.context, caller(), REQUEST)
    assert refused.value.code == "SEAL_MAKING_CUT_OFF"
    assert house.rows("SELECT state FROM seal_seals") == [("abandoned",)]
    assert len(house.issuer.revoked) == 1  # what was certified for it


def test_a_making_whose_commit_is_answered_with_a_lost_connection_keeps_its_certificate(house: House) -> None:
    with answer_lost(house, Seal):
        make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    seal = make_seal(house.context, caller(), REQUEST, idempotency_key="k1")
    assert (seal.state, seal.code, house.issuer.revoked) == (SealState.ACTIVE, "15070000000001", [])


def test_what_was_certified_is_revoked_where_the_seal_cannot_be_built(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_PICTURE_NOT_HERE")

    monkeypatch.setattr("seal_service.actions.certify_seal.build_seal_data", fail)
    with pytest.raises(TrustError, match="SEAL_PICTURE_NOT_HERE"):
        make_seal(house.context, caller(), REQUEST)
    assert (house.rows("SELECT state FROM seal_seals"), len(house.issuer.revoked)) == ([("abandoned",)], 1)


def test_others_do_not_see_it(house: House) -> None:
    seal = make_seal(house.context, caller(), replace(REQUEST, grants=("cl_b",)))
    assert find_seal(house.context, caller(), seal.id)[1] == ["cl_b"]
    assert find_seal(house.context, caller("cl_b"), seal.id)[1] == ["cl_b"]
    assert [found.id for found in list_seals(house.context, caller("cl_b"), after="", limit=9)] == [seal.id]
    for read in (find_seal, find_picture):
        with pytest.raises(TrustError) as refused:
            read(house.context, caller("cl_c"), seal.id)
        assert refused.value.code == "SEAL_NOT_FOUND"
    assert list_seals(house.context, caller("cl_c"), after="", limit=9) == []


def dead_process() -> str:
    import socket

    return f"{socket.gethostname()[:32]}-1-dead"
