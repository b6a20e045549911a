"""SignedData: read with the bytes kept, against asn1crypto; every malformed shape refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import cms as oracle
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import gbt35275_cms, rfc5652_cms
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import write_algorithm

NAME = der.sequence(der.tlv(der.SET, der.sequence(der.oid(oids.COMMON_NAME), der.utf8_string("a"))))
DIGEST = write_algorithm(oids.SM3)
SIGNATURE = write_algorithm(oids.SM2_WITH_SM3)
IDENTIFIER = rfc5652_cms.write_issuer_and_serial(NAME, 77)
KEY_IDENTIFIER = der.tlv(0x80, b"key")
CONTENT_TYPE = rfc5652_cms.write_attribute(oids.CONTENT_TYPE, der.oid(oids.CMS_DATA))
MESSAGE_DIGEST = rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, der.octet_string(b"d" * 32))
ATTRIBUTES = der.set_of([CONTENT_TYPE, MESSAGE_DIGEST])
DETACHED = rfc5652_cms.write_content(oids.CMS_DATA, None)
FAKE_CERTIFICATE = der.sequence(der.integer(1))


def signer(*extra: bytes, version: int = 1, identifier: bytes = IDENTIFIER, attributes: bytes = b"\xa0" + ATTRIBUTES[1:]) -> bytes:
    return der.sequence(der.integer(version), identifier, DIGEST, attributes, SIGNATURE, der.octet_string(b"value"), *extra)


def signed_data(*tail: bytes, version: int = 1, content: bytes = DETACHED, outer: str = oids.CMS_SIGNED_DATA) -> bytes:
    fields = der.sequence(der.integer(version), der.tlv(der.SET, DIGEST), content, *(tail or (der.tlv(der.SET, signer()),)))
    return der.sequence(der.oid(outer), der.explicit(0, fields))


def refused(data: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        rfc5652_cms.read_signed_data(data)
    return caught.value.code


@pytest.mark.clause("RFC 5652 5.1", "RFC 5652 5.3")
def test_what_is_written_is_read_and_asn1crypto_agrees() -> None:
    encoded = rfc5652_cms.write_signed_data(
        outer_type=oids.CMS_SIGNED_DATA,
        version=1,
        digest_der=DIGEST,
        content_der=rfc5652_cms.write_content(oids.CMS_DATA, b"inside"),
        certificates_der=rfc5652_cms.write_certificates([FAKE_CERTIFICATE]),
        signer_der=rfc5652_cms.write_signer(
            IDENTIFIER, DIGEST, ATTRIBUTES, SIGNATURE, b"value", [rfc5652_cms.write_attribute(oids.SIGNATURE_TIME_STAMP, b"\x05\x00")]
        ),
    )
    found = rfc5652_cms.read_signed_data(encoded)
    theirs = oracle.ContentInfo.load(encoded, strict=True)["content"]
    assert theirs["version"].native == "v1"
    assert theirs["encap_content_info"]["content"].native == found.content == b"inside"
    assert found.content_tag == der.OCTET_STRING
    assert found.content_type == theirs["encap_content_info"]["content_type"].dotted == oids.CMS_DATA
    assert found.certificates == (FAKE_CERTIFICATE,)
    [one] = found.signers
    their_signer = theirs["signer_infos"][0]
    assert one.issuer_der == their_signer["sid"].chosen["issuer"].dump() == NAME
    assert one.serial == their_signer["sid"].chosen["serial_number"].native == 77
    assert one.subject_key_id is None
    assert one.signature == their_signer["signature"].native == b"value"
    assert one.signed_attributes_der == ATTRIBUTES == their_signer["signed_attrs"].untag().dump(force=True)
    assert one.signed_attributes_sorted
    assert [attribute.oid for attribute in one.signed_attributes or ()] == [a["type"].dotted for a in their_signer["signed_attrs"]]
    assert one.unsigned_attributes == (rfc5652_cms.Attribute(oids.SIGNATURE_TIME_STAMP, (b"\x05\x00",)),)
    assert one.digest_algorithm.oid == their_signer["digest_algorithm"]["algorithm"].dotted
    assert found.is_version_consistent
    assert one.is_version_consistent


@pytest.mark.clause("RFC 5652 5.4")
def test_signed_attributes_keep_their_bytes_whatever_their_order() -> None:
    for order in ([CONTENT_TYPE, MESSAGE_DIGEST], [MESSAGE_DIGEST, CONTENT_TYPE]):
        stored = der.tlv(0xA0, b"".join(order))
        [found] = rfc5652_cms.read_signed_data(signed_data(der.tlv(der.SET, signer(attributes=stored)))).signers
        assert found.signed_attributes_der == der.tlv(der.SET, b"".join(order))
        assert found.signed_attributes_sorted == (order == sorted(order))


def test_a_signer_may_lack_attributes_and_be_named_by_key() -> None:
    [found] = rfc5652_cms.read_signed_data(
        signed_data(der.tlv(der.SET, signer(attributes=b"", identifier=KEY_IDENTIFIER, version=3)))
    ).signers
    assert found.signed_attributes is None
    assert found.signed_attributes_der == b""
    assert found.subject_key_id == b"key"
    assert found.issuer_der is None
    assert found.serial is None
    assert found.unsigned_attributes == ()
    assert found.is_version_consistent
    [other] = rfc5652_cms.read_signed_data(signed_data(der.tlv(der.SET, signer(attributes=b"", identifier=KEY_IDENTIFIER)))).signers
    assert not other.is_version_consistent


def test_an_empty_set_of_unsigned_attributes_is_none() -> None:
    [found] = rfc5652_cms.read_signed_data(signed_data(der.tlv(der.SET, signer(b"\xa1\x00")))).signers
    assert found.unsigned_attributes == ()


@pytest.mark.clause("RFC 5652 10.2.1", "RFC 5652 10.2.2", "RFC 5940 2.1")
def test_certificates_and_revocation_items_of_every_kind() -> None:
    answer = der.sequence(der.oid(oids.RI_OCSP_RESPONSE), der.sequence(der.integer(0)))
    other = der.sequence(der.oid(oids.CMS_DATA), der.null())
    data = signed_data(
        der.tlv(0xA0, FAKE_CERTIFICATE + der.tlv(0xA2, b"")),
        der.tlv(0xA1, FAKE_CERTIFICATE + der.implicit(1, answer) + der.implicit(1, other)),
        der.tlv(der.SET, signer()),
        version=5,
    )
    found = rfc5652_cms.read_signed_data(data)
    assert found.certificates == found.crls == (FAKE_CERTIFICATE,)
    assert found.ocsp_responses == (der.sequence(der.integer(0)),)
    assert (found.other_certificates, found.other_revocation) == (1, 1)
    assert found.is_version_consistent
    only_lists = rfc5652_cms.read_signed_data(signed_data(der.tlv(0xA1, FAKE_CERTIFICATE), der.tlv(der.SET, signer())))
    assert only_lists.crls == (FAKE_CERTIFICATE,)


@pytest.mark.clause("RFC 5652 5.1")
@pytest.mark.parametrize(
    ("version", "content_type", "signer_version", "consistent"),
    [
        (1, oids.CMS_DATA, 1, True),
        (3, oids.CMS_DATA, 1, False),
        (3, oids.TST_INFO, 1, True),
        (1, oids.TST_INFO, 1, False),
        (3, oids.CMS_DATA, 3, True),
        (1, oids.CMS_DATA, 3, False),
    ],
)
def test_version_table(version: int, content_type: str, signer_version: int, consistent: bool) -> None:
    data = signed_data(
        der.tlv(der.SET, signer(version=signer_version, identifier=KEY_IDENTIFIER if signer_version == 3 else IDENTIFIER)),
        version=version,
        content=rfc5652_cms.write_content(content_type, None),
    )
    assert rfc5652_cms.read_signed_data(data).is_version_consistent == consistent


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "DER_TRUNCATED"),
        (b"\x00" * 64, "DER_TRAILING_BYTES"),
        (der.sequence(der.oid(oids.CMS_SIGNED_DATA)), "CMS_MALFORMED"),
        (signed_data(outer=oids.CMS_DATA), "CMS_NOT_SIGNED_DATA"),
        (signed_data(outer=oids.GM_SIGNED_DATA), "CMS_NOT_SIGNED_DATA"),
        (signed_data() + b"\x00", "DER_TRAILING_BYTES"),
        (signed_data(b"", b"", b""), "CMS_MALFORMED"),
        (signed_data(der.null(), der.null(), der.null(), der.null()), "CMS_MALFORMED"),
        (signed_data(der.null(), der.tlv(der.SET, signer())), "CMS_MALFORMED"),
        (signed_data(der.tlv(0xA0, FAKE_CERTIFICATE)), "CMS_MALFORMED"),
        (signed_data(der.tlv(0xA1, b"\xa1\x00"), der.tlv(der.SET, signer())), "CMS_MALFORMED"),
        (signed_data(der.tlv(0xA1, b"\xa3\x00"), der.tlv(der.SET, signer())), "DER_UNEXPECTED_TAG"),
        (signed_data(der.tlv(der.SET, der.sequence(der.integer(1)))), "CMS_MALFORMED"),
        (signed_data(der.tlv(der.SET, signer(attributes=b"\xa0\x00"))), "CMS_MALFORMED"),
        (signed_data(der.tlv(der.SET, signer(attributes=der.tlv(0xA0, der.sequence(der.oid(oids.CONTENT_TYPE)))))), "CMS_MALFORMED"),
        (signed_data(der.tlv(der.SET, signer(der.null()))), "DER_UNEXPECTED_TAG"),
        (signed_data(der.tlv(der.SET, signer(der.null(), der.null()))), "CMS_MALFORMED"),
        (signed_data(der.tlv(der.SET, signer(der.null(), attributes=b""))), "DER_UNEXPECTED_TAG"),
        (signed_data(der.tlv(der.SET, signer(der.null(), der.null(), attributes=b""))), "CMS_MALFORMED"),
        (signed_data(der.tlv(der.SET, signer(identifier=der.sequence(NAME)))), "CMS_MALFORMED"),
        (
            signed_data(der.tlv(0xA0, FAKE_CERTIFICATE * (rfc5652_cms.MAX_CERTIFICATES + 1)), der.tlv(der.SET, signer())),
            "CMS_TOO_MANY_ELEMENTS",
        ),
        (signed_data(der.tlv(der.SET, signer() * (rfc5652_cms.MAX_SIGNERS + 1))), "CMS_TOO_MANY_ELEMENTS"),
        (
            signed_data(der.tlv(der.SET, signer(attributes=der.tlv(0xA0, CONTENT_TYPE * (rfc5652_cms.MAX_ATTRIBUTES + 1))))),
            "CMS_TOO_MANY_ELEMENTS",
        ),
        (signed_data(content=der.sequence(der.oid(oids.CMS_DATA), der.tlv(0xA0, b""))), "DER_ELEMENT_COUNT"),
    ],
)
def test_malformed_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


def test_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfc5652_cms, "MAX_CMS_BYTES", 100)
    assert refused(signed_data()) == "CMS_TOO_LARGE"


@given(st.binary(max_size=200))
def test_random_bytes_are_malformed_at_most(data: bytes) -> None:
    for read in (
        rfc5652_cms.read_signed_data,
        rfc5652_cms.read_attribute_set,
        rfc5652_cms.read_content_type,
        rfc5652_cms.read_message_digest,
        rfc5652_cms.read_signing_time,
        rfc5652_cms.read_algorithm_protection,
        rfc5652_cms.read_adobe_revocation,
        rfc5652_cms.encoded_length,
    ):
        try:
            read(data)
        except MalformedError as error:
            assert error.code.startswith(("DER_", "CMS_", "ALGORITHM_"))


@given(st.binary(max_size=40), st.integers(0, 300))
def test_padding_is_told_by_length(content: bytes, padding: int) -> None:
    data = der.octet_string(content)
    assert rfc5652_cms.encoded_length(data + bytes(padding)) == len(data)


def test_length_forms_of_the_outer_element() -> None:
    long = der.octet_string(bytes(70_000))
    assert rfc5652_cms.encoded_length(long + b"\x00\x00") == len(long)
    assert rfc5652_cms.encoded_length(b"\x30\x84\x00\x00\x00\x01x\x00") == 7
    assert rfc5652_cms.encoded_length(b"\x30\x80\x00\x00\x00") == 4
    assert rfc5652_cms.encoded_length(b"\x30\x80\x24\x80\x04\x01x\x00\x00\x02\x01\x00\x00\x00\x00\x00") == 14
    for bad in (
        b"",
        b"\x30",
        b"\x30\x05abc",
        b"\x30\x85\x00\x00\x00\x00\x01x",
        b"\x30\x82\x01",
        long[:-1],
        b"\x30\x80\x00",
        b"\x30\x80" * 100,
        b"\x30\x80" + b"\x05\x00" * der.MAX_BER_ELEMENTS + b"\x00\x00",
    ):
        with pytest.raises(MalformedError):
            rfc5652_cms.encoded_length(bad)


@pytest.mark.clause("RFC 5652 11.1", "RFC 5652 11.2", "RFC 5652 11.3")
def test_attribute_values() -> None:
    at = datetime(2026, 11, 5, 8, 30, 1, tzinfo=UTC)
    assert rfc5652_cms.read_content_type(core.ObjectIdentifier(oids.TST_INFO).dump()) == oids.TST_INFO
    assert rfc5652_cms.read_message_digest(core.OctetString(b"digest").dump()) == b"digest"
    assert rfc5652_cms.read_signing_time(core.UTCTime(at).dump()) == at
    assert rfc5652_cms.read_signing_time(core.GeneralizedTime(at).dump()) == at


@pytest.mark.clause("RFC 6211 2")
def test_algorithm_protection_both_ways() -> None:
    value = rfc5652_cms.write_algorithm_protection(DIGEST, SIGNATURE)
    theirs = oracle.CMSAlgorithmProtection.load(value, strict=True)
    assert theirs["digest_algorithm"]["algorithm"].dotted == oids.SM3
    assert theirs["signature_algorithm"]["algorithm"].dotted == oids.SM2_WITH_SM3
    digest, signature = rfc5652_cms.read_algorithm_protection(value)
    assert (digest.oid, signature.oid) == (oids.SM3, oids.SM2_WITH_SM3)


@pytest.mark.clause("ISO 32000-2 12.8.3.3.2")
def test_adobe_revocation_attribute() -> None:
    item = der.sequence(der.integer(1))
    value = der.sequence(der.explicit(0, der.sequence(item, item)), der.explicit(1, der.sequence(item)), der.explicit(2, der.null()))
    assert rfc5652_cms.read_adobe_revocation(value) == ((item, item), (item,))
    assert rfc5652_cms.read_adobe_revocation(der.sequence()) == ((), ())
    with pytest.raises(MalformedError, match="CMS_TOO_MANY_ELEMENTS"):
        rfc5652_cms.read_adobe_revocation(der.sequence(der.explicit(0, der.sequence(item * (rfc5652_cms.MAX_REVOCATION_ITEMS + 1)))))


def test_no_certificates_leave_the_field_out() -> None:
    assert rfc5652_cms.write_certificates([]) == b""


@pytest.mark.clause("GB/T 35275-2017 8")
def test_dialects_are_told_apart_by_the_outer_type() -> None:
    national = gbt35275_cms.read_either_dialect(
        signed_data(
            outer=oids.GM_SIGNED_DATA, content=der.sequence(der.oid(oids.GM_DATA), der.explicit(0, der.ia5_string("digest as text")))
        )
    )
    assert gbt35275_cms.is_gbt35275(national)
    assert (national.content_tag, national.content) == (der.IA5_STRING, b"digest as text")
    assert gbt35275_cms.find_deviations(national) == ()
    assert not gbt35275_cms.is_gbt35275(gbt35275_cms.read_either_dialect(signed_data()))
    with pytest.raises(MalformedError, match="CMS_NOT_SIGNED_DATA"):
        gbt35275_cms.read_either_dialect(signed_data(outer=oids.GM_ENVELOPED_DATA))


@pytest.mark.clause("GB/T 35275-2017 8")
def test_deviations_from_the_national_form_are_named() -> None:
    odd = der.sequence(der.integer(3), KEY_IDENTIFIER, write_algorithm(oids.SHA256), SIGNATURE, der.octet_string(b"value"))
    found = gbt35275_cms.read_either_dialect(signed_data(der.tlv(der.SET, odd), version=3, outer=oids.GM_SIGNED_DATA))
    assert gbt35275_cms.find_deviations(found) == (
        "SignedData.version",
        "SignerInfo.version",
        "SignerInfo.sid",
        "SignerInfo.digestAlgorithm",
    )


def test_the_two_plain_data_types_count_as_one() -> None:
    assert gbt35275_cms.same_content_type(oids.GM_DATA, oids.CMS_DATA)
    assert gbt35275_cms.same_content_type(oids.TST_INFO, oids.TST_INFO)
    assert not gbt35275_cms.same_content_type(oids.GM_DATA, oids.TST_INFO)


def test_raw_signature_values() -> None:
    raw = (1).to_bytes(32, "big") + (2**255).to_bytes(32, "big")
    assert gbt35275_cms.signature_from_raw(raw) == der.sequence(der.integer(1), der.integer(2**255))
    assert gbt35275_cms.signature_from_raw(raw[:-1]) is None
