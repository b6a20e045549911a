"""RFC 5280 names: agree with asn1crypto and cryptography, compare safely, show nothing deceptive."""

from __future__ import annotations

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from standards import rfc5280_names as names
from standards import x690_der as der
from standards.errors import MalformedError

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
printable = st.text("abcXYZ0189 '()+,-./:=?", min_size=1, max_size=20)


def raw_name(*pairs: tuple[str, bytes]) -> bytes:
    return der.sequence(*(der.tlv(der.SET, der.sequence(der.oid(oid), value)) for oid, value in pairs))


def refused(name_der: bytes) -> str:
    with pytest.raises(MalformedError) as raised:
        names.read_name(name_der)
    return raised.value.code


@pytest.mark.clause("RFC 5280 4.1.2.4")
@given(texts, texts, printable)
def test_written_names_are_read_the_same_by_asn1crypto(organisation: str, common: str, serial: str) -> None:
    encoded = names.write_name(
        [("C", "CN"), ("O", organisation), ("CN", common), ("serialNumber", serial), ("emailAddress", "a@b.example")]
    )
    theirs = asn1.Name.load(encoded)
    assert theirs.native == {
        "country_name": "CN",
        "organization_name": organisation,
        "common_name": common,
        "serial_number": serial,
        "email_address": "a@b.example",
    }
    assert [attribute.text for rdn in names.read_name(encoded) for attribute in rdn] == ["CN", organisation, common, serial, "a@b.example"]


@pytest.mark.clause("RFC 4514 2")
@given(st.text(st.sampled_from('ab ,+"\\<>;#=印信'), min_size=1, max_size=12))
def test_text_agrees_with_cryptography(value: str) -> None:
    theirs = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(x509.NameOID.COMMON_NAME, value)])
    mine = names.name_text(names.write_name([("C", "CN"), ("CN", value)]))
    assert x509.Name.from_rfc4514_string(mine) == theirs


@pytest.mark.clause("RFC 4514 2.4")
def test_what_deceives_the_eye_is_escaped() -> None:
    shown = names.name_text(names.write_name([("CN", "safe\u202egpj.exe\nO=Other\x00")]))
    assert shown == "CN=safe\\E2\\80\\AEgpj.exe\\0AO=Other\\00"


def test_multi_valued_and_unknown_attributes() -> None:
    pairs = [der.sequence(der.oid("2.5.4.3"), der.utf8_string("a")), der.sequence(der.oid("1.2.3.4"), der.utf8_string("b"))]
    encoded = der.sequence(der.set_of(pairs), raw_name(("2.5.4.3", der.octet_string(b"x")))[2:])
    assert names.name_text(encoded) in {"CN=#040178,1.2.3.4=#0c0162+CN=a", "CN=#040178,CN=a+1.2.3.4=#0c0162"}
    assert names.attribute_text(encoded, "1.2.3.4") == "b"
    assert names.attribute_text(encoded, "2.5.4.10") is None


@pytest.mark.parametrize(
    ("encoded", "code"),
    [
        (der.sequence(der.tlv(der.SET, b"")), "NAME_MALFORMED"),
        (der.sequence(der.tlv(der.SET, der.sequence(der.oid("2.5.4.3")))), "NAME_MALFORMED"),
        (raw_name(*[("2.5.4.3", der.utf8_string("x"))] * 65), "NAME_MALFORMED"),
        (raw_name(("2.5.4.3", der.utf8_string("x" * 9000))), "NAME_TOO_LARGE"),
        (raw_name(("2.5.4.3", b"\x0c\x01\xff")), "DER_TEXT"),
    ],
)
def test_malformed_names_are_refused(encoded: bytes, code: str) -> None:
    assert refused(encoded) == code


@pytest.mark.clause("RFC 5280 7.1")
def test_comparison_folds_string_type_case_and_spaces_only_where_safe() -> None:
    utf8 = raw_name(("2.5.4.10", der.utf8_string("Acme  Root ")))
    assert names.is_same_name(utf8, raw_name(("2.5.4.10", der.printable_string("ACME root"))))
    assert not names.is_same_name(utf8, raw_name(("2.5.4.10", der.printable_string("ACMEroot"))))
    assert not names.is_same_name(utf8, raw_name(("2.5.4.3", der.printable_string("ACME root"))))
    # TeletexString is a different repertoire; control, invisible and private characters may hide a difference
    assert not names.is_same_name(utf8, raw_name(("2.5.4.10", der.tlv(der.TELETEX_STRING, b"Acme  Root "))))
    for hidden in ("\u200b", "\x00", "\ue000"):
        assert not names.is_same_name(utf8, raw_name(("2.5.4.10", der.utf8_string("Acme Root" + hidden))))
        assert names.is_same_name(*[raw_name(("2.5.4.10", der.utf8_string("Acme Root" + hidden)))] * 2)
    for separator in ("\x85", "\x1c"):  # control characters that count as white space when text is split
        assert not names.is_same_name(utf8, raw_name(("2.5.4.10", der.utf8_string(f"Acme{separator}Root"))))
    octets = raw_name(("2.5.4.10", der.octet_string(b"Acme")))
    assert not names.is_same_name(octets, raw_name(("2.5.4.10", der.utf8_string("Acme"))))


@pytest.mark.clause("RFC 5280 4.2.1.10")
def test_subtrees() -> None:
    base = names.write_name([("C", "CN"), ("O", "Unit")])
    assert names.is_within(names.write_name([("C", "CN"), ("O", "unit"), ("CN", "x")]), base)
    assert names.is_within(base, base)
    assert not names.is_within(names.write_name([("C", "CN")]), base)
    assert not names.is_within(names.write_name([("O", "Unit"), ("C", "CN")]), base)


@pytest.mark.clause("RFC 5280 4.2.1.6")
def test_general_names() -> None:
    inner = names.write_name([("CN", "x")])
    nodes = der.read_der(
        der.sequence(
            names.write_uri("http://a.example/x"),
            names.write_directory_name(inner),
            der.tlv(0x82, b"a.example"),
            der.tlv(0x87, b"\x7f\0\0\1"),
            der.tlv(0x86, b"ldap://\xd6\xd0"),
        )
    ).children()
    read = names.read_general_names(nodes)
    assert [name.kind for name in read] == [names.URI, names.DIRECTORY_NAME, names.DNS_NAME, names.IP_ADDRESS, names.URI]
    assert (read[0].text, read[1].name_der, read[2].text, read[3].text) == ("http://a.example/x", inner, "a.example", None)
    assert read[4].text == "ldap://\\xd6\\xd0"
    with pytest.raises(MalformedError, match="GENERAL_NAME_MALFORMED"):
        names.read_general_name(der.read_der(der.null()))
    with pytest.raises(MalformedError, match="GENERAL_NAMES_TOO_MANY"):
        names.read_general_names(nodes * 201)
