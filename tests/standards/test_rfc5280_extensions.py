"""RFC 5280, 4.2: extension values, agreed with asn1crypto in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from asn1crypto import x509 as asn1
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as extensions
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_names import write_directory_name, write_name, write_uri

if TYPE_CHECKING:
    from collections.abc import Callable


def theirs(written: bytes) -> tuple[object, bytes, bool]:
    extension = asn1.Extension.load(written)
    return extension["extn_value"].parsed.native, extension["extn_value"].contents, extension["critical"].native


USAGES = [
    "digital_signature",
    "non_repudiation",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


@pytest.mark.clause("RFC 5280 4.2.1.3")
@given(st.sets(st.integers(0, 8), min_size=1))
def test_key_usage(bits: set[int]) -> None:
    native, value, critical = theirs(extensions.write_key_usage(bits))
    assert native == {USAGES[bit] for bit in bits}
    assert critical
    assert extensions.read_key_usage(value) == bits


@pytest.mark.clause("RFC 5280 4.2.1.9")
@given(st.booleans(), st.none() | st.integers(0, 20))
def test_basic_constraints(ca: bool, length: int | None) -> None:
    length = length if ca else None
    native, value, critical = theirs(extensions.write_basic_constraints(ca=ca, path_length=length))
    assert native == {"ca": ca, "path_len_constraint": length}
    assert critical is ca
    assert extensions.read_basic_constraints(value) == extensions.BasicConstraints(ca, length)


def test_basic_constraints_as_found_and_as_refused() -> None:
    assert extensions.read_basic_constraints(der.sequence(der.boolean(False), der.integer(0))) == extensions.BasicConstraints(False, 0)
    for bad in (
        der.sequence(der.boolean(True), der.integer(-1)),
        der.sequence(der.boolean(True), der.integer(5000)),
        der.sequence(der.boolean(True), der.integer(0), der.null()),
    ):
        with pytest.raises(MalformedError, match="BASIC_CONSTRAINTS_MALFORMED"):
            extensions.read_basic_constraints(bad)


@pytest.mark.clause("RFC 5280 4.2.1.12")
def test_extended_key_usage() -> None:
    native, value, critical = theirs(extensions.write_extended_key_usage([oids.EKU_TIME_STAMPING], critical=True))
    assert (native, critical) == (["time_stamping"], True)
    assert extensions.read_extended_key_usage(value) == (oids.EKU_TIME_STAMPING,)
    for bad in (der.sequence(), der.sequence(*[der.oid("1.2.3")] * 65)):
        with pytest.raises(MalformedError, match="EXTENSION_COUNT"):
            extensions.read_extended_key_usage(bad)


@pytest.mark.clause("RFC 5280 4.2.1.1", "RFC 5280 4.2.1.2")
@given(st.binary(min_size=1, max_size=40))
def test_key_identifiers(key_id: bytes) -> None:
    native, value, _ = theirs(extensions.write_subject_key_identifier(key_id))
    assert native == key_id
    assert extensions.read_subject_key_identifier(value) == key_id
    native, value, _ = theirs(extensions.write_authority_key_identifier(key_id))
    assert native == {"key_identifier": key_id, "authority_cert_issuer": None, "authority_cert_serial_number": None}
    assert extensions.read_authority_key_identifier(value) == extensions.AuthorityKeyIdentifier(key_id, (), None)


def test_authority_key_identifier_by_name_and_number() -> None:
    name = write_name([("CN", "x")])
    read = extensions.read_authority_key_identifier(der.sequence(der.tlv(0xA1, write_directory_name(name)), der.integer(7, 0x82)))
    assert (read.key_id, read.issuer[0].name_der, read.serial) == (None, name, 7)
    for bad in (der.octet_string(b""), der.octet_string(bytes(129))):
        with pytest.raises(MalformedError, match="KEY_IDENTIFIER_LENGTH"):
            extensions.read_subject_key_identifier(bad)
    with pytest.raises(MalformedError, match="DER_UNEXPECTED_TAG"):
        extensions.read_authority_key_identifier(der.sequence(der.null()))


@pytest.mark.clause("RFC 5280 4.2.1.13", "RFC 5280 4.2.2.1")
def test_addresses() -> None:
    urls = ["http://a.example/1.crl", "http://a.example/2.crl"]
    native, value, _ = theirs(extensions.write_crl_distribution_points(urls))
    assert [point["distribution_point"] for point in native] == [[url] for url in urls]  # type: ignore[attr-defined]
    assert [name.text for point in extensions.read_crl_distribution_points(value) for name in point.full_names] == urls
    written = extensions.write_authority_information_access(ocsp_urls=["http://o.example"], ca_issuers_urls=["http://c.example"])
    native, value, _ = theirs(written)
    assert [pair["access_method"] for pair in native] == ["ocsp", "ca_issuers"]  # type: ignore[attr-defined]
    read = extensions.read_authority_information_access(value)
    assert [(method, name.text) for method, name in read] == [(oids.AD_OCSP, "http://o.example"), (oids.AD_CA_ISSUERS, "http://c.example")]
    with pytest.raises(MalformedError, match="ACCESS_DESCRIPTION_MALFORMED"):
        extensions.read_authority_information_access(der.sequence(der.sequence(der.oid("1.2.3"))))


@pytest.mark.clause("RFC 5280 4.2.1.13")
def test_distribution_points_in_full() -> None:
    name = write_directory_name(write_name([("CN", "x")]))
    relative = der.tlv(0xA1, der.sequence(der.oid("2.5.4.3"), der.utf8_string("y")))
    points = der.sequence(der.sequence(der.explicit(0, relative), der.tlv(0x81, b"\x01\x06"), der.tlv(0xA2, name)), der.sequence())
    first, second = extensions.read_crl_distribution_points(points)
    assert first.full_names == ()
    assert first.relative_name_der == relative
    assert first.reasons == frozenset({5, 6})
    assert first.crl_issuer[0].raw == name
    assert second == extensions.DistributionPoint((), None, None, ())


@pytest.mark.clause("RFC 5280 4.2.1.10")
def test_name_constraints() -> None:
    inside, outside = (write_directory_name(write_name([("C", "CN"), ("O", text)])) for text in ("in", "out"))
    native, value, critical = theirs(extensions.write_name_constraints(permitted=[inside], excluded=[outside]))
    assert critical
    assert native["permitted_subtrees"][0]["base"]["organization_name"] == "in"  # type: ignore[index]
    read = extensions.read_name_constraints(value)
    assert [tree.base.raw for tree in read.permitted] == [inside]
    assert [tree.base.raw for tree in read.excluded] == [outside]
    assert read.permitted[0].plain
    _, value, _ = theirs(extensions.write_name_constraints(permitted=[inside]))
    assert extensions.read_name_constraints(value).excluded == ()

    def one(*parts: bytes) -> extensions.Subtree:
        return extensions.read_name_constraints(der.sequence(der.tlv(0xA0, der.sequence(inside, *parts)))).permitted[0]

    assert one(der.tlv(0x80, b"\0")).plain
    assert not one(der.tlv(0x80, b"\1")).plain
    assert not one(der.tlv(0x81, b"\0")).plain
    assert not one(der.tlv(0x80, b"\0"), der.tlv(0x81, b"\0")).plain
    with pytest.raises(MalformedError):
        extensions.read_name_constraints(der.sequence(der.tlv(0xA2, der.sequence(inside))))


def test_alternative_names() -> None:
    read = extensions.read_general_names_value(der.sequence(write_uri("http://x.example")))
    assert read[0].text == "http://x.example"


READERS: list[Callable[[bytes], object]] = [
    extensions.read_key_usage,
    extensions.read_basic_constraints,
    extensions.read_extended_key_usage,
    extensions.read_subject_key_identifier,
    extensions.read_authority_key_identifier,
    extensions.read_name_constraints,
    extensions.read_general_names_value,
    extensions.read_crl_distribution_points,
    extensions.read_authority_information_access,
]


@given(st.sampled_from(READERS), st.binary(max_size=60) | st.binary(max_size=60).map(lambda content: der.tlv(0x30, content)))
def test_readers_raise_nothing_but_malformed(read: Callable[[bytes], object], noise: bytes) -> None:
    try:
        read(noise)
    except MalformedError as error:
        assert error.code
