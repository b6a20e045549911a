"""A digest sealed in every form: put into a PDF by its owner it is a sealed PDF, the sealing value alone is one of the standard."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from crypto.report import Verdict
from crypto.sm3 import sm3
from seal_service.actions.digest_values import CMS_PROFILE, PLAIN, DigestForm, begin_value, read_digest_form
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.sign_digest import SealedDigest, sign_digest
from seal_service.api.document_routes import CMS, value_form_of
from seal_service.pdf.sealing_value import SES_FILTER, SES_SUBFILTER, Profile, describe_range
from seal_service.seal_data.verify import verify_seal_signature
from seal_service.verify import SES, verify_file
from standards.errors import TrustError
from standards.gbt38540_seal.read import read_seal_signature
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.seal_service.pdf.seals_inside import prepared

if TYPE_CHECKING:
    from seal_service.model import Seal
    from seal_service.pdf.seal import PreparedSeal

USER = User("cl_a", "client:cl_a")
RANGE = "/ByteRange[0 10 20 30]"


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def sign(house: House, seal: Seal, digest: bytes, form: DigestForm, **options: Any) -> SealedDigest:
    return asyncio.run(sign_digest(house.context, USER, seal.id, digest, form=form, **options))


def room(profile: Profile) -> PreparedSeal:
    """A PDF that its owner has made ready, with the present time in /M."""
    names: dict[str, Any] = {"filter_name": SES_FILTER, "subfilter": SES_SUBFILTER} if profile is Profile.SES else {}
    return prepared(signed_at=datetime.now(UTC).replace(microsecond=0), reserved_bytes=40_000, **names)


@pytest.mark.clause("GB/T 38540-2020 8")
@pytest.mark.parametrize("is_timestamped", [False, True])
@pytest.mark.parametrize("profile", Profile)
def test_in_the_document_of_its_owner_it_is_a_seal(house: House, seal: Seal, profile: Profile, is_timestamped: bool) -> None:
    document = room(profile)
    info = describe_range(document.byte_range) if profile.has_seal else ""
    sealed = sign(house, seal, document.digest, DigestForm(profile, info), is_timestamped=is_timestamped)
    report = verify_file(document.finish(sealed.value_der), house.context.trust(), datetime.now(UTC))
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert value_form_of(sealed.value_der) == ((SES, "dat") if profile is Profile.SES else (CMS, "p7s"))
    kinds = {Profile.SES: "pdf-ses", Profile.PADES: "pdf-cms", Profile.PADES_SES: "pdf-cms+ses"}
    assert [each.kind for each in report.signatures] == [kinds[profile]]


def test_the_sealing_value_of_any_original(house: House, seal: Seal) -> None:
    sealed = sign(house, seal, sm3(b"content"), DigestForm(Profile.SES, "/Doc_0/Signs/Sign_0/Signature.xml"))
    value = read_seal_signature(sealed.value_der)
    judged = [
        verify_seal_signature(value, trust=house.context.trust(), at=datetime.now(UTC), data=data).verdict
        for data in (b"content", b"other")
    ]
    assert judged == [Verdict.VALID, Verdict.INVALID]
    assert value.property_info == "/Doc_0/Signs/Sign_0/Signature.xml"


def test_another_range_than_the_documents_is_no_seal_of_it(house: House, seal: Seal) -> None:
    document = room(Profile.PADES_SES)
    sealed = sign(house, seal, document.digest, DigestForm(Profile.PADES_SES, RANGE))
    report = verify_file(document.finish(sealed.value_der), house.context.trust(), datetime.now(UTC))
    assert report.verdict is Verdict.INVALID
    assert "PDF_SES_RANGE_DISAGREES" in {step.code for each in report.signatures for step in each.steps}


def test_a_key_answers_for_one_form(house: House, seal: Seal) -> None:
    forms = [PLAIN, DigestForm(Profile.PADES), DigestForm(Profile.SES, "a"), DigestForm(Profile.SES, "b")]
    first = sign(house, seal, sm3(b"x"), forms[2], idempotency_key="k")
    assert sign(house, seal, sm3(b"x"), forms[2], idempotency_key="k").value_der == first.value_der
    for form in (forms[0], forms[1], forms[3]):
        with pytest.raises(TrustError) as refused:
            sign(house, seal, sm3(b"x"), form, idempotency_key="k")
        assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("profile", [Profile.SES, Profile.PADES_SES])
def test_a_value_with_a_seal_is_judged_whole_each_time(house: House, seal: Seal, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also right after another signature with this certificate was found good: the seal in it has not been looked at."""
    sign(house, seal, sm3(b"x"), PLAIN)

    def over_other_bytes(seal: Seal, digest: bytes, form: DigestForm, **options: Any) -> Any:
        return begin_value(seal, sm3(digest), form, **options)

    monkeypatch.setattr("seal_service.actions.sign_digest.begin_value", over_other_bytes)
    with pytest.raises(TrustError) as refused:
        sign(house, seal, sm3(b"x"), DigestForm(profile, RANGE))
    assert refused.value.code == "SEAL_SELF_CHECK_FAILED"
    assert sorted(house.rows("SELECT state FROM seal_uses")) == [("done",), ("voided",)]


def test_a_cms_without_the_seal_that_was_wished_is_not_released(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "seal_service.actions.sign_digest.begin_value",
        lambda seal, digest, form, **options: begin_value(seal, digest, replace(form, profile=Profile.PADES), **options),
    )
    with pytest.raises(TrustError) as refused:
        sign(house, seal, sm3(b"x"), DigestForm(Profile.PADES_SES, RANGE))
    assert refused.value.facts["steps"] == "PDF_SES_ATTRIBUTE_BAD"


def test_without_seal_data_there_is_no_sealing_value(house: House, seal: Seal) -> None:
    house.sql("UPDATE seal_seals SET seal_data_der = NULL, version = version + 1")
    with pytest.raises(TrustError) as refused:
        sign(house, seal, sm3(b"x"), DigestForm(Profile.SES, "a"))
    assert refused.value.code == "SEAL_WITHOUT_SEAL_DATA"
    assert house.rows("SELECT state FROM seal_uses") == [("voided",)]
    assert sign(house, seal, sm3(b"x"), DigestForm(Profile.PADES)).value_der


def test_a_seal_without_a_certificate_signs_nothing(house: House, seal: Seal) -> None:
    from crypto.signatures import SignatureAlgorithm

    with pytest.raises(TrustError) as refused:
        begin_value(replace(seal, certificate_der=None), sm3(b"x"), PLAIN, algorithm=SignatureAlgorithm.SM2_SM3, at=datetime.now(UTC))
    assert refused.value.code == "SEAL_NOT_ACTIVE"


@pytest.mark.parametrize(
    ("profile", "info", "form"),
    [
        (CMS_PROFILE, "", PLAIN),
        ("pades", "", DigestForm(Profile.PADES)),
        ("ses", "a", DigestForm(Profile.SES, "a")),
        ("pades+ses", RANGE, DigestForm(Profile.PADES_SES, RANGE)),
        ("ses", "x" * 128, DigestForm(Profile.SES, "x" * 128)),
    ],
)
def test_forms_that_can_be_asked_for(profile: str, info: str, form: DigestForm) -> None:
    assert read_digest_form(profile, info) == form


@pytest.mark.parametrize(
    ("profile", "info"),
    [
        ("SES", "a"),
        ("", ""),
        (None, ""),
        (["ses"], "a"),
        ("cms", "a"),
        ("pades", None),
        ("ses", ""),
        ("ses", None),
        ("ses", "章"),
        ("ses", "a\nb"),
        ("ses", "x" * 129),
        ("pades+ses", "a"),
        ("pades+ses", RANGE + "x"),
        ("pades+ses", "/ByteRange[0 1 2]"),
    ],
)
def test_forms_that_are_refused(profile: object, info: object) -> None:
    with pytest.raises(TrustError) as refused:
        read_digest_form(profile, info)
    assert refused.value.code == "FIELD_UNACCEPTABLE"
