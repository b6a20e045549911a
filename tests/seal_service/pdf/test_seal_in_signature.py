"""The seal of GB/T 38540 inside PDF signatures: valid where everything fits, never valid where one part belongs elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crypto.authority import Profile as CertificateProfile
from crypto.authority import RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.report import Outcome, Verdict
from crypto.sm3 import sm3
from seal_service.pdf.sealing_value import (
    SES_FILTER,
    SES_SUBFILTER,
    Profile,
    RoundKind,
    default_profile,
    describe_range,
    estimate_value_size,
)
from seal_service.seal_data.status_list import (
    OpenedStatusList,
    SealHistory,
    SealStatus,
    SealStatusList,
    StatusRecord,
    open_status_lists,
    write_status_list,
)
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5652_cms import write_attribute
from tests.crypto.cms_surgery import Parts, changed, resigned
from tests.pki import DemoPki, signer_for
from tests.seal_service.pdf.documents import DOCUMENTS, reportlab_document
from tests.seal_service.pdf.sealing import AT, pki, sealed, signatures, stamp
from tests.seal_service.pdf.seals_inside import (
    DAY,
    DESCRIPTION,
    LATER,
    begun,
    forged_value,
    judged,
    make_seal_data,
    prepared,
    seal_data,
    sealed_with,
    with_attributes,
    with_forged,
)
from tests.seal_service.pdf.tampering import failures, undecided, warnings

KINDS = {Profile.PADES_SES: "pdf-cms+ses", Profile.PADES: "pdf-cms", Profile.SES: "pdf-ses"}


@pytest.mark.clause("GB/T 38540-2020 sealing verification", "EN 319 142-1 6.3")
@pytest.mark.parametrize("is_stamped", [False, True])
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("name", ["reportlab", "qpdf object streams", "own, hybrid"])
def test_every_profile_is_valid_and_says_what_it_is(name: str, profile: Profile, is_stamped: bool) -> None:
    document = sealed_with(profile, DOCUMENTS[name], timestamp=stamp() if is_stamped else None)
    report = judged(document)
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    (found,) = report.signatures
    assert found.kind == KINDS[profile]
    assert (found.cryptographically_valid, found.document_intact, found.trusted) == (True, True, True)
    assert found.signed_at == AT
    codes = {step.code for step in found.steps if step.outcome is Outcome.PASS}
    assert ("SIGNER_IN_SEAL" in codes, "DATA_HASH_OK" in codes) == (profile.has_seal, profile.has_seal)
    assert ("PDF_SES_AGREES" in codes) == (profile is Profile.PADES_SES)
    assert ("TS_OK" in codes) == is_stamped
    assert ("SIG_TIME_UNPROVEN" in {step.code for step in found.steps}) == (not is_stamped)


def test_the_default_is_both_worlds_where_the_seal_has_its_data() -> None:
    assert default_profile(None) is Profile.PADES
    assert default_profile(seal_data()) is Profile.PADES_SES
    assert judged(sealed_with()).signatures[0].kind == "pdf-cms+ses"
    assert judged(sealed(reportlab_document())).signatures[0].kind == "pdf-cms"


def test_the_dictionary_names_the_profile_and_the_room_is_hardly_larger_than_the_value() -> None:
    for profile in Profile:
        (value,) = signatures(sealed_with(profile)).values()
        names = (str(value["/Filter"]), str(value["/SubFilter"]))
        expected = (f"/{SES_FILTER}", f"/{SES_SUBFILTER}") if profile is Profile.SES else ("/Adobe.PPKLite", "/ETSI.CAdES.detached")
        assert names == expected
        contents = bytes(value["/Contents"])
        used = len(contents.rstrip(b"\0"))
        assert 0 < len(contents) - used < 700, profile


def test_several_profiles_in_one_document_are_valid_together() -> None:
    document = reportlab_document()
    for x_mm, profile in zip((40, 90, 140), Profile, strict=True):
        from seal_service.pdf.placement import Placement

        document = sealed_with(profile, document, placement=Placement(1, x_mm, 40))
    report = judged(document)
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert [each.kind for each in report.signatures] == [KINDS[profile] for profile in Profile]


def test_the_time_stamp_around_it_carries_the_seal_past_the_end_of_its_certificate() -> None:
    """The token over the CMS proves that the sealing value inside existed then; alone it would only claim its time."""
    stamped = sealed_with(timestamp=stamp())
    when = AT + timedelta(days=20)
    revoked = DemoPki.trust_list(_revoked_at(AT + 2 * DAY))
    assert undecided(judged(stamped, trust=revoked, at=when)) == set()
    assert "SIG_TIME_UNPROVEN" in undecided(judged(sealed_with(), trust=revoked, at=when))


def _revoked_at(at: Any) -> DemoPki:
    from dataclasses import replace

    demo = pki()
    return replace(demo, at=AT + 15 * DAY, revoked=[RevokedCertificate(demo.seal.serial, at, "keyCompromise")])


def test_the_rounds_sign_in_order_and_refuse_to_be_mixed_up() -> None:
    document = prepared()
    first = begun(document, Profile.PADES_SES)
    assert (first.kind, first.is_last) == (RoundKind.SES, False)
    with pytest.raises(ValueError, match="another round"):
        first.finish(b"")
    second = first.follow(pki().seal_signer.sign(first.to_be_signed))
    assert (second.kind, second.is_last) == (RoundKind.CMS, True)
    assert first.to_be_signed in second.to_be_signed
    with pytest.raises(ValueError, match="no next one"):
        second.follow(b"")
    done = document.finish(second.finish(pki().seal_signer.sign(second.to_be_signed)))
    assert judged(done).verdict is Verdict.VALID
    assert begun(prepared(), Profile.SES).is_last
    assert begun(prepared(), Profile.PADES).kind is RoundKind.CMS


def test_a_seal_without_its_data_cannot_seal_by_the_national_standard() -> None:
    for profile in (Profile.SES, Profile.PADES_SES):
        with pytest.raises(TrustError) as refused:
            sealed(reportlab_document(), profile=profile)
        assert refused.value.code == "SEAL_WITHOUT_SEAL_DATA"


def test_the_room_grows_with_the_token() -> None:
    demo = pki()

    def size(profile: Profile, token_bytes: int) -> int:
        return estimate_value_size(
            profile,
            certificate=demo.seal,
            chain=demo.chain,
            algorithm=demo.seal_signer.algorithm,
            seal_data_der=seal_data(),
            timestamp_bytes=token_bytes,
        )

    for profile in Profile:
        assert size(profile, 5000) == size(profile, 0) + 5000


# Attacks


def test_a_seal_value_of_another_document_is_invalid_although_the_cms_fits() -> None:
    report = judged(with_forged(digest=sm3(b"another document")))
    assert report.verdict is Verdict.INVALID
    assert failures(report) == {"DATA_HASH_BAD"}
    assert report.signatures[0].document_intact is None
    assert report.tampered is None


def test_a_range_that_is_not_the_one_of_the_signature_is_invalid() -> None:
    assert failures(judged(with_forged(property_info="/ByteRange[0 1 2 3]"))) == {"PDF_SES_RANGE_DISAGREES"}
    assert judged(with_forged(property_info="the whole document")).verdict is Verdict.VALID


def test_a_seal_of_others_in_which_the_signer_does_not_stand_is_invalid() -> None:
    demo = pki()
    assert failures(judged(with_forged(seal_der=make_seal_data([demo.maker])))) == {"SIGNER_NOT_IN_SEAL"}


def test_another_signer_than_the_one_of_the_cms_is_invalid() -> None:
    """Both signatures are right and both certificates stand in the seal, but they are of two people."""
    demo = pki()
    request = SubjectRequest(demo.seal.subject_der, signer_for("ses-second").public_spki_der)
    second = demo.issuing.issue(request, CertificateProfile.SEAL_SIGNING, not_before=AT - 30 * DAY, not_after=AT + 300 * DAY)
    both = make_seal_data([demo.seal, second])
    report = judged(with_forged(seal_der=both, certificate=second, signer=signer_for("ses-second")))
    assert failures(report) == {"PDF_SES_SIGNER_DISAGREES"}
    assert judged(with_forged(seal_der=both)).verdict is Verdict.VALID


def test_another_time_than_the_one_of_the_cms_is_invalid() -> None:
    report = judged(with_forged(at=AT - timedelta(minutes=20)))
    assert failures(report) == {"PDF_SES_TIME_DISAGREES"}
    assert judged(with_forged(at=AT - timedelta(minutes=1))).verdict is Verdict.VALID


def test_an_expired_seal_and_one_not_yet_valid_are_invalid() -> None:
    expired = make_seal_data(valid_until=AT - DAY)
    early = make_seal_data(valid_from=AT + DAY)
    assert "SEAL_EXPIRED_AT_SIGNING" in failures(judged(with_forged(seal_der=expired)))
    assert "SEAL_NOT_YET_VALID" in failures(judged(with_forged(seal_der=early)))
    for der_bytes in (expired, early):
        with pytest.raises(TrustError) as refused:
            begun(prepared(), Profile.PADES_SES, seal_data_der=der_bytes)
        assert refused.value.code == "SEAL_NOT_VALID_AT_SIGNING"


def test_a_seal_that_its_maker_did_not_sign_is_invalid() -> None:
    spoilt = bytearray(seal_data())
    spoilt[spoilt.index(b"picture") + 2] ^= 1
    assert "SEAL_SIG_BAD" in failures(judged(with_forged(seal_der=bytes(spoilt))))


def test_a_signature_value_of_another_key_is_invalid() -> None:
    assert "SIG_VALUE_BAD" in failures(judged(with_forged(signer=signer_for("ses-second"))))


@pytest.mark.parametrize(
    ("status", "since", "code"),
    [
        (SealStatus.FROZEN, AT - DAY, "SEAL_REVOKED"),
        (SealStatus.CANCELLED, AT - DAY, "SEAL_REVOKED"),
        (SealStatus.CANCELLED, AT + timedelta(minutes=10), "SEAL_REVOKED_AFTER"),
        (SealStatus.VALID, AT - DAY, None),
    ],
)
@pytest.mark.parametrize("profile", [Profile.PADES_SES, Profile.SES])
def test_the_published_status_of_the_seal_counts(profile: Profile, status: SealStatus, since: Any, code: str | None) -> None:
    report = judged(sealed_with(profile), status=_published(status, since))
    if code is None:
        assert report.verdict is Verdict.VALID
    elif code == "SEAL_REVOKED":
        assert failures(report) == {code}
    else:
        assert (report.verdict, undecided(report)) == (Verdict.INDETERMINATE, {code})
        stamped = judged(sealed_with(profile, timestamp=stamp()), status=_published(status, since))
        assert (stamped.verdict, code in warnings(stamped)) == (Verdict.VALID, True)


def _published(status: SealStatus, since: Any) -> tuple[OpenedStatusList, ...]:
    demo = pki()
    first = StatusRecord(SealStatus.VALID, AT - 9 * DAY, "made")
    records = (first,) if status is SealStatus.VALID else (first, StatusRecord(status, since, "by order"))
    listing = SealStatusList(7, AT + timedelta(minutes=30), AT + DAY, (SealHistory(DESCRIPTION.es_id, records, None),))
    signed = write_status_list(listing, demo.maker_signer, demo.maker, demo.chain)
    return tuple(open_status_lists([signed], demo.trust_list(), LATER))


def test_by_the_letter_an_unknown_status_is_undecided() -> None:
    assert undecided(judged(sealed_with(), strict=True)) == {"SEAL_STATUS_UNKNOWN"}


def _strip(parts: Parts) -> None:
    parts.signer.attributes = parts.signer.without(oids.SES_SIGNATURE_ATTRIBUTE)


def test_the_seal_cannot_be_stripped_from_the_signature() -> None:
    document = with_attributes(_fitting, change=lambda cms: changed(cms, _strip))
    report = judged(document)
    assert failures(report) == {"SIG_VALUE_BAD"}
    assert report.signatures[0].kind == "pdf-cms"


def _fitting(document: Any) -> list[tuple[str, bytes]]:
    return [(oids.SES_SIGNATURE_ATTRIBUTE, forged_value(digest=document.digest, property_info=describe_range(document.byte_range)))]


def test_two_attributes_or_two_values_are_invalid_even_where_each_fits() -> None:
    sign = pki().seal_signer.sign

    def doubled(parts: Parts) -> None:
        kind = der.oid(oids.SES_SIGNATURE_ATTRIBUTE)
        own = [raw for raw in parts.signer.attributes or [] if der.read_der(raw).children()[0].raw == kind]
        parts.signer.attributes = [*(parts.signer.attributes or []), *own]

    def two_values(parts: Parts) -> None:
        value = parts.signer.value_of(oids.SES_SIGNATURE_ATTRIBUTE)
        other = der.sequence(der.oid(oids.SES_SIGNATURE_ATTRIBUTE), der.tlv(der.SET, value + value))
        parts.signer.attributes = [*parts.signer.without(oids.SES_SIGNATURE_ATTRIBUTE), other]

    for attack, code in ((doubled, "CMS_ATTRIBUTE_DUPLICATE"), (two_values, "PDF_SES_ATTRIBUTE_BAD")):
        report = judged(with_attributes(_fitting, change=lambda cms, attack=attack: resigned(cms, attack, sign)))  # type: ignore[misc]
        assert code in failures(report), attack
        assert "SIG_VALUE_BAD" not in failures(report)


def test_a_seal_beside_the_signature_is_ignored_with_a_warning() -> None:
    """Whoever has the file can write there: it neither makes nor breaks anything."""

    def beside(parts: Parts) -> None:
        parts.signer.unsigned = [write_attribute(oids.SES_SIGNATURE_ATTRIBUTE, forged_value(digest=sm3(b"anything")))]

    report = judged(with_attributes(lambda _: [], change=lambda cms: changed(cms, beside)))
    assert report.verdict is Verdict.VALID
    assert report.signatures[0].kind == "pdf-cms"
    assert "CMS_UNSIGNED_ATTRIBUTE_IGNORED" in warnings(report)


@pytest.mark.parametrize("value", [b"\x30\x00", b"\x05\x00", der.sequence(der.integer(1), der.octet_string(b"x"))])
def test_an_attribute_that_cannot_be_read_is_invalid_by_name(value: bytes) -> None:
    report = judged(with_attributes(lambda _: [(oids.SES_SIGNATURE_ATTRIBUTE, value)]))
    assert failures(report) == {"PDF_SES_ATTRIBUTE_BAD"}
    assert report.signatures[0].cryptographically_valid is None


def test_a_seal_in_a_cms_without_certificate_or_time_leaves_the_agreement_open() -> None:
    def bare(parts: Parts) -> None:
        parts.certificates = []

    report = judged(with_attributes(_fitting, change=lambda cms: changed(cms, bare)))
    assert {"SIGNER_CERT_ABSENT", "PDF_SES_SIGNER_DISAGREES"} <= undecided(report)
    assert report.verdict is not Verdict.VALID
