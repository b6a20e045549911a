"""Reading seals and sealing values: every field of every version, and every malformed shape refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt38540_seal.certificate_frame import read_certificate_frame
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import (
    MAX_EXTENSIONS,
    MAX_LIST_ENTRIES,
    MAX_PICTURE_BYTES,
    MAX_PICTURE_MM,
    MAX_SEAL_BYTES,
    MAX_SIGNATURE_BYTES,
    CertificateDigest,
    SealExtension,
)
from tests.standards import gbt38540_forms as forms

V4_FORMAT = "GB/T 38540-2020 format"
V5_FORMAT = "GM/T 0031-2025 format"
V1_FORMAT = "GM/T 0031-2014 format"


@pytest.mark.clause(V4_FORMAT)
def test_a_seal_of_version_4() -> None:
    raw = forms.seal()
    seal = read_seal(raw)
    assert (seal.version, seal.header_version, seal.vid, seal.es_id) == (4, 4, "vendor", "15070000000001")
    assert (seal.property.kind, seal.property.name, seal.property.cert_list_type) == (1, "示范章", 1)
    assert seal.property.certificates == (forms.CERTIFICATE,)
    assert seal.property.certificate_digests == ()
    assert (seal.property.created_at, seal.property.valid_from, seal.property.valid_until) == (forms.MADE, forms.START, forms.END)
    assert (seal.picture.kind, seal.picture.data, seal.picture.width_mm, seal.picture.height_mm) == ("PNG", b"picture", 42, 42)
    assert (seal.extensions, seal.quirks, seal.time_stamp_der) == ((), (), None)
    assert (seal.maker_certificate_der, seal.signature) == (forms.CERTIFICATE, forms.VALUE)
    assert seal.signature_algorithm_oid == "1.2.156.10197.1.501"
    assert (seal.raw, seal.info_raw, seal.signed_bytes) == (raw, forms.info(), forms.info())
    outer = core.Sequence.load(raw)  # an independent reader finds the same signed part
    assert seal.signed_bytes == outer[0].dump()


@pytest.mark.clause(V5_FORMAT)
def test_a_seal_of_version_5_with_its_time_stamp() -> None:
    assert (read_seal(forms.seal_v5()).version, read_seal(forms.seal_v5()).time_stamp_der) == (5, None)
    stamped = read_seal(forms.seal_v5(stamp=der.explicit(0, der.bit_string(b"token"))))
    assert (stamped.version, stamped.time_stamp_der, stamped.quirks) == (5, b"token", ())


@pytest.mark.clause(V1_FORMAT)
@pytest.mark.parametrize("number", [1, 2, 4, 5, 11])
def test_a_seal_of_version_1_whatever_number_its_header_states(number: int) -> None:
    raw = forms.seal_v1(version=number)
    seal = read_seal(raw)
    assert (seal.version, seal.header_version, seal.quirks) == (1, number, ())
    outer = core.Sequence.load(raw)
    signed = core.SequenceOf([outer[0], outer[1][0], outer[1][1]], spec=core.Any)
    assert seal.signed_bytes == signed.dump()
    assert seal.info_raw == outer[0].dump()


@pytest.mark.clause(V4_FORMAT)
def test_a_list_of_digests() -> None:
    entries = forms.listed(
        *(der.sequence(der.printable_string(kind), der.octet_string(value)) for kind, value in (("SM3", b"1"), ("x", b"2")))
    )
    found = read_seal(forms.seal(forms.info(prop=forms.properties(list_type=der.integer(2), entries=entries)))).property
    assert found.certificates == ()
    assert found.certificate_digests == (CertificateDigest("SM3", b"1"), CertificateDigest("x", b"2"))


@pytest.mark.clause(V4_FORMAT)
def test_extensions_of_a_seal() -> None:
    extensions = der.sequence(
        forms.extension(), forms.extension(der.oid("1.2.156.112600.7.2"), der.boolean(True), der.octet_string("ᠮᠣᠩᠭᠣᠯ".encode()))
    )
    seal = read_seal(forms.seal(forms.info(extensions=extensions)))
    assert seal.quirks == ()  # the name in Mongolian script is critical and known
    assert seal.extensions == (
        SealExtension("1.2.3", False, b"x"),
        SealExtension("1.2.156.112600.7.2", True, "ᠮᠣᠩᠭᠣᠯ".encode()),
    )
    assert seal.extension("1.2.3") is seal.extensions[0]
    assert seal.extension("1.2.4") is None


@pytest.mark.clause(V4_FORMAT)
def test_a_sealing_value_of_version_4() -> None:
    tbs = forms.to_be_signed(extensions=der.explicit(0, der.sequence(forms.extension())))
    raw = forms.signature(tbs, stamp=der.explicit(0, der.bit_string(b"token")))
    found = read_seal_signature(raw)
    assert (found.version, found.stated_version, found.seal.version, found.seal_raw) == (4, 4, 4, forms.seal())
    assert (found.time_info_at, found.time_info_token) == (forms.SIGNED, None)
    assert (found.data_hash, found.property_info) == (bytes(32), "/Doc_0/Signs/Sign_0/Signature.xml")
    assert found.extensions == (SealExtension("1.2.3", False, b"x"),)
    assert (found.to_be_signed, found.raw) == (tbs, raw)
    assert (found.signer_certificate_der, found.signature, found.time_stamp_der) == (forms.CERTIFICATE, forms.VALUE, b"token")
    assert found.quirks == ()
    assert found.to_be_signed == core.Sequence.load(raw)[0].dump()


@pytest.mark.clause(V5_FORMAT)
def test_a_sealing_value_of_version_5() -> None:
    found = read_seal_signature(forms.signature(forms.to_be_signed(version=der.integer(5), eseal=forms.seal_v5())))
    assert (found.version, found.stated_version, found.seal.version, found.time_stamp_der) == (5, 5, 5, None)


@pytest.mark.clause(V1_FORMAT)
def test_a_sealing_value_of_version_1() -> None:
    found = read_seal_signature(forms.signature_v1())
    assert (found.version, found.seal.version, found.property_info, found.quirks) == (1, 1, "all", ())
    assert found.time_info_at == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    assert (found.signer_certificate_der, found.signature_algorithm_oid) == (forms.CERTIFICATE, "1.2.156.10197.1.501")


@pytest.mark.clause(V4_FORMAT)
def test_form_and_seal_of_different_versions_are_kept_apart_for_the_verifier() -> None:
    new_form = read_seal_signature(forms.signature(forms.to_be_signed(eseal=forms.seal_v1())))
    assert (new_form.version, new_form.seal.version) == (4, 1)
    old_form = read_seal_signature(forms.signature_v1(eseal=forms.seal()))
    assert (old_form.version, old_form.seal.version) == (1, 4)
    assert read_seal(forms.seal(forms.info(head=forms.header(version=der.integer(7))))).version == 4


EXTRA = der.integer(1)
BAD_SEALS = {
    "empty": b"",
    "trailing bytes": forms.seal() + b"\x00",
    "truncated": forms.seal()[:-1],
    "not a sequence": der.octet_string(forms.seal()),
    "three elements": der.sequence(forms.info(), der.octet_string(forms.CERTIFICATE), forms.SM2),
    "six elements": der.sequence(der.read_der(forms.seal_v5()).value, EXTRA, EXTRA),
    "five elements in version 4": forms.seal(stamp=der.explicit(0, der.bit_string(b"token"))),
    "extra element in the header": forms.seal(forms.info(head=der.sequence(der.read_der(forms.header()).value, EXTRA))),
    "other header": forms.seal(forms.info(head=forms.header(identifier=der.ia5_string("EX")))),
    "version of no octets": forms.seal(forms.info(head=forms.header(version=b"\x02\x00"))),
    "version of nine octets": forms.seal(forms.info(head=forms.header(version=der.integer(1 << 64)))),
    "extra element in the property": forms.seal(forms.info(prop=forms.properties(more=EXTRA))),
    "extra element in the info": forms.seal(forms.info(extensions=der.sequence(forms.extension()) + EXTRA)),
    "extra element in the picture": forms.seal(forms.info(pict=der.sequence(der.read_der(forms.picture()).value, EXTRA))),
    "extra element in an extension": forms.seal(forms.info(extensions=der.sequence(forms.extension(value=EXTRA * 3)))),
    "list of another type": forms.seal(forms.info(prop=forms.properties(list_type=der.integer(3)))),
    "digests in a list of certificates' digests only": forms.seal(forms.info(prop=forms.properties(list_type=der.integer(2)))),
    "too many signers": forms.seal(forms.info(prop=forms.properties(entries=forms.listed(*[EXTRA] * (MAX_LIST_ENTRIES + 1))))),
    "name is a number": forms.seal(forms.info(prop=forms.properties(name=EXTRA))),
    "name too long": forms.seal(forms.info(prop=forms.properties(name=der.utf8_string("x" * 5000)))),
    "no time": forms.seal(forms.info(prop=forms.properties(end=der.tlv(der.GENERALIZED_TIME, b"tomorrow")))),
    "time is a number": forms.seal(forms.info(prop=forms.properties(end=EXTRA))),
    "oversized picture": forms.seal(forms.info(pict=forms.picture(data=der.octet_string(bytes(MAX_PICTURE_BYTES + 1))))),
    "oversized seal": forms.seal(value=der.bit_string(bytes(MAX_SEAL_BYTES))),
    "picture of negative size": forms.seal(forms.info(pict=forms.picture(width=der.integer(-1)))),
    "picture of a house": forms.seal(forms.info(pict=forms.picture(height=der.integer(MAX_PICTURE_MM + 1)))),
    "too many extensions": forms.seal(forms.info(extensions=der.sequence(*[forms.extension()] * (MAX_EXTENSIONS + 1)))),
    "extension of no identifier": forms.seal(forms.info(extensions=der.sequence(forms.extension(oid=b"\x06\x00")))),
    "flag of two octets": forms.seal(forms.info(extensions=der.sequence(forms.extension(critical=b"\x01\x02\xff\xff")))),
    "value is a number": forms.seal(value=EXTRA),
    "value too long": forms.seal(value=der.bit_string(bytes(MAX_SIGNATURE_BYTES + 1))),
    "value of part octets": forms.seal(value=der.tlv(der.BIT_STRING, b"\x04" + forms.VALUE)),
    "certificate too long": forms.seal(cert=der.sequence(der.octet_string(bytes(70_000)))),
    "algorithm is a number": forms.seal(algorithm=EXTRA),
    "indefinite length": b"\x30\x80" + der.read_der(forms.seal()).value + b"\x00\x00",
    "length beyond the end": b"\x30\x84\x7f\xff\xff\xff" + der.read_der(forms.seal()).value,
    "length octets beyond the end": b"\x30\x88\x00",
    "length of nine octets": b"\x30\x89" + bytes(9),
}


@pytest.mark.parametrize("name", BAD_SEALS)
def test_malformed_seals(name: str) -> None:
    with pytest.raises(MalformedError) as refused:
        read_seal(BAD_SEALS[name])
    assert refused.value.code == "SES_MALFORMED"
    assert refused.value.facts["reason"]


BAD_SIGNATURES = {
    "trailing bytes": forms.signature() + b"\x00",
    "three elements": der.sequence(forms.to_be_signed(), EXTRA, EXTRA),
    "six elements": forms.signature(stamp=EXTRA + EXTRA),
    "extra element in what is signed": forms.signature(forms.to_be_signed(extensions=der.explicit(0, der.sequence()) + EXTRA)),
    "extra element in version 1": forms.signature_v1(more=EXTRA),
    "seal that cannot be read": forms.signature(forms.to_be_signed(eseal=forms.seal(value=EXTRA))),
    "time is a number": forms.signature(forms.to_be_signed(time=EXTRA)),
    "data hash is a number": forms.signature(forms.to_be_signed(data_hash=EXTRA)),
    "data hash too long": forms.signature(forms.to_be_signed(data_hash=der.bit_string(bytes(65)))),
    "time-stamp is a number": forms.signature(stamp=EXTRA),
    "time-stamp too long": forms.signature(stamp=der.sequence(der.octet_string(bytes(70_000)))),
    "oversized": forms.signature(stamp=bytes(MAX_SEAL_BYTES)),
}


@pytest.mark.parametrize("name", BAD_SIGNATURES)
def test_malformed_sealing_values(name: str) -> None:
    with pytest.raises(MalformedError) as refused:
        read_seal_signature(BAD_SIGNATURES[name])
    assert refused.value.code == "SES_MALFORMED"


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_nothing_else_is_ever_raised(noise: bytes, place: int, octet: int) -> None:
    spoilt = bytearray(forms.signature())
    spoilt[place % len(spoilt)] = octet
    for data in (noise, b"\x30\x82" + noise, bytes(spoilt), bytes(spoilt[:place])):
        for read in (read_seal, read_seal_signature):
            try:
                read(data)
            except MalformedError as error:
                assert error.code == "SES_MALFORMED"


@pytest.mark.clause("RFC 5280 4.1")
def test_the_frame_of_a_certificate() -> None:
    frame = read_certificate_frame(forms.CERTIFICATE)
    assert (frame.spki_der, frame.not_before, frame.not_after) == (forms.SPKI, forms.START, forms.END)
    assert read_certificate_frame(forms.certificate(version=b"")) == frame


@pytest.mark.parametrize(
    "broken",
    [der.sequence(), der.sequence(der.sequence(), EXTRA, EXTRA), forms.certificate(validity=der.sequence(der.utc_time(forms.START)))],
)
def test_what_is_not_even_the_frame_of_a_certificate(broken: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        read_certificate_frame(broken)
    assert refused.value.code == "CERT_MALFORMED"
