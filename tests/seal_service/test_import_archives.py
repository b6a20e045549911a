"""Seals from elsewhere that are none of ours in number or form, some of the field among them: archived, never used, and known again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.certificate_requests import create_request
from crypto.certificates import Certificate
from crypto.signer import software_signer
from seal_service.actions.apply_for_import import apply_for_import
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.read_import import ImportOrder
from seal_service.actions.review_application import review_application
from seal_service.model import KeyCustody, SealState
from standards.errors import TrustError
from standards.gbt38540_seal.read import read_seal
from standards.rfc5280_names import write_name
from tests.optional import corpus
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House
from tests.seal_service.test_applications import MAKER, REVIEWER, STEPS, code_of
from tests.seal_service.test_imports import BY_HIM, KEY, WHO, certify, made_elsewhere, order_of, taken_over


def test_a_seal_of_another_numbering_is_archived_under_a_number_of_ours_once(house: House) -> None:
    context = house.context
    foreign = made_elsewhere(house.pki, certify(house.pki), es_id="51f044b76510434e9bc67a1185c2fba5")
    order = order_of(house, seal_der=foreign)
    with pytest.raises(TrustError, match="14 digits"):
        apply_for_import(context, BY_HIM, order)
    order = replace(order, custody=KeyCustody.ABSENT, key_file=b"")
    seal = taken_over(house, order)
    assert (seal.code, seal.state, seal.state_reason) == ("15070000000001", SealState.ARCHIVED, "KEY_ABSENT CODE_ASSIGNED")
    with pytest.raises(TrustError, match="SEAL_CODE_TAKEN") as refused:
        apply_for_import(context, BY_HIM, order)
    assert refused.value.facts["seal_code"] == seal.code
    other = made_elsewhere(house.pki, certify(house.pki), es_id="another")
    first, _ = apply_for_import(context, BY_HIM, replace(order, seal_der=other))
    assert code_of(apply_for_import, context, BY_HIM, replace(order, seal_der=other)) == "SEAL_IMPORT_OPEN"
    house.sql("UPDATE seal_code_counters SET last_serial = 99999999")
    review_application(context, REVIEWER, first.id, STEPS["approve"], reason="x")
    assert code_of(make_approved_seal, context, MAKER, first.id) == "SEAL_CODES_EXHAUSTED"


def test_seals_of_the_field_are_taken_as_far_as_they_can_be_verified(house: House) -> None:
    """A seal of the national system, and one whose certificate breaks the rules of certificates: archived, with what is open said."""
    folder = corpus() / "ses"
    national = (folder / "zibo_real_estate_seal_national_system" / "sign1_Seal.esl").read_bytes()
    order = ImportOrder(national, "归档", managers=WHO["managers"])
    seal = taken_over(house, order)
    assert seal.code == read_seal(national).es_id
    assert Certificate.from_der(seal.certificate_der or b"").organisation == seal.credit_code + seal.organisation
    assert (seal.state, seal.state_reason) == (SealState.ARCHIVED, "KEY_ABSENT CERT_NO_ANCHOR")
    assert draw_picture(seal).width_mm == read_seal(national).picture.width_mm

    irregular = (folder / "gomain_v4_housing_department_permit" / "sign0_Seal.esl").read_bytes()
    order = replace(order, seal_der=irregular, organisation=ORGANISATION, credit_code=CREDIT_CODE)
    assert code_of(apply_for_import, house.context, BY_HIM, replace(order, organisation="")) == "SEAL_IMPORT_UNACCEPTABLE"
    seal = taken_over(house, order)
    assert (seal.state, "CMS_CERTIFICATE_UNREADABLE" in str(seal.state_reason)) == (SealState.ARCHIVED, True)
    assert (seal.certificate_der, seal.chain_der) == (read_seal(irregular).property.certificates[0], ())
    request = create_request(software_signer(KEY, "device"), write_name((("CN", "device"),)))
    with_key = replace(order, custody=KeyCustody.OWNER, key_request_der=request, users=WHO["users"])
    assert code_of(apply_for_import, house.context, BY_HIM, with_key) == "SEAL_IMPORT_KEY_REFUSED"
