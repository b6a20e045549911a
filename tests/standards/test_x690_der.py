"""X.690: what we write another decoder reads the same, what is not DER is refused, and every byte read is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from standards import x690_der as der
from standards.errors import Kind, MalformedError
from tests.costs import at_most

aware_times = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
oids = st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**70), max_size=6)).map(
    lambda t: ".".join(map(str, (t[0], t[1], *t[2])))
)


def refused(data: bytes, read: object = None) -> str:
    with pytest.raises(MalformedError) as raised:
        node = der.read_der(data)
        read(node) if callable(read) else node.children()
    assert raised.value.kind is Kind.MALFORMED
    return raised.value.code


@pytest.mark.clause("ITU-T X.690 8.3")
@given(st.integers(-(2**600), 2**600))
def test_integers_round_trip_and_agree_with_asn1crypto(number: int) -> None:
    encoded = der.integer(number)
    assert encoded == core.Integer(number).dump()
    assert der.read_der(encoded).integer() == number


def test_integers_have_an_end() -> None:
    """Python writes no number of more than 4,300 digits, so nobody could say what he found."""
    longest = b"\x7f" * der.MAX_INTEGER_BYTES
    assert str(der.read_der(der.tlv(der.INTEGER, longest)).integer())
    assert refused(der.tlv(der.INTEGER, longest + b"\x00"), der.Node.integer) == "DER_INTEGER_TOO_LONG"


@pytest.mark.clause("ITU-T X.690 8.19")
@given(oids)
def test_object_identifiers_round_trip_and_agree_with_asn1crypto(dotted: str) -> None:
    encoded = der.oid(dotted)
    assert encoded == core.ObjectIdentifier(dotted).dump()
    assert der.read_der(encoded).oid() == dotted


@pytest.mark.clause("ITU-T X.690 8.1")
@given(st.binary(max_size=300))
def test_octets_bits_and_lengths(content: bytes) -> None:
    assert der.octet_string(content) == core.OctetString(content).dump()
    assert der.read_der(der.octet_string(content)).octets() == content
    assert der.read_der(der.bit_string(content)).bits() == content
    nested = der.sequence(der.octet_string(content), der.null(), der.boolean(True), der.boolean(False))
    first, second, third, fourth = der.read_der(nested).children(der.SEQUENCE)
    assert (first.raw, first.value) == (der.octet_string(content), content)
    second.null()
    assert (third.boolean(), fourth.boolean()) == (True, False)


@pytest.mark.clause("ITU-T X.690 11.2.2")
@given(st.frozensets(st.integers(0, 40)))
def test_named_bit_lists_round_trip_without_trailing_zeros(bits: frozenset[int]) -> None:
    encoded = der.named_bit_list(bits)
    assert der.read_der(encoded).named_bits() == bits
    content = der.read_der(encoded).value
    assert len(content) == 1 or content[-1] != 0


@pytest.mark.clause("ITU-T X.690 11.6")
@given(st.lists(st.binary(max_size=8), max_size=8))
def test_set_of_is_sorted(members: list[bytes]) -> None:
    encoded = [der.octet_string(member) for member in members]
    node = der.read_der(der.set_of(encoded))
    assert [child.raw for child in node.children(der.SET)] == sorted(encoded)


@pytest.mark.clause("ITU-T X.690 11.7", "ITU-T X.690 11.8", "RFC 5280 4.1.2.5")
@given(aware_times)
def test_times_round_trip(at: datetime) -> None:
    assert der.read_der(der.generalized_time(at)).time() == at
    assert der.read_der(der.x509_time(at)).time() == at
    assert der.read_der(der.x509_time(at)).tag == (der.UTC_TIME if at.year <= 2049 else der.GENERALIZED_TIME)


def test_times_of_other_zones_are_written_in_utc() -> None:
    at = datetime(2026, 1, 1, 7, tzinfo=timezone(timedelta(hours=8)))
    assert der.utc_time(at).endswith(b"251231230000Z")
    assert der.generalized_time(at).endswith(b"20251231230000Z")


def test_fractions_of_a_second_and_implicit_times() -> None:
    assert der.read_der(der.tlv(der.GENERALIZED_TIME, b"20260101000000.25Z")).time().microsecond == 250_000
    implicit = der.tlv(0x80, b"20260101000000Z")
    assert der.read_der(implicit).time(der.GENERALIZED_TIME) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "content", [b"2026010100000Z", b"20261301000000Z", b"20260101000000+0800", b"20260101000000", b"", b"20260230000000Z"]
)
def test_times_that_are_none_are_refused(content: bytes) -> None:
    assert refused(der.tlv(der.GENERALIZED_TIME, content), lambda node: node.time()) == "DER_TIME"


def test_time_in_the_shape_of_another_type_is_none() -> None:
    for tag in (der.OCTET_STRING, der.VISIBLE_STRING, 0x80):
        assert refused(der.tlv(tag, b"20260101000000Z"), lambda node: node.time()) == "DER_UNEXPECTED_TAG"


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20))
def test_text_in_every_string_type(text: str) -> None:
    assert der.read_der(der.utf8_string(text)).text() == text
    assert der.read_der(der.tlv(der.BMP_STRING, text.encode("utf-16-be"))).text() == text
    assert der.read_der(der.tlv(der.UNIVERSAL_STRING, text.encode("utf-32-be"))).text() == text


def test_ascii_strings() -> None:
    assert der.read_der(der.printable_string("CN")).text() == "CN"
    assert der.read_der(der.ia5_string("a@b")).text() == "a@b"
    assert refused(b"\x0c\x01\xff", lambda node: node.text()) == "DER_TEXT"
    assert refused(der.null(), lambda node: node.text()) == "DER_UNEXPECTED_TAG"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "DER_TRUNCATED"),
        (b"\x30", "DER_TRUNCATED"),
        (b"\x30\x05\x02\x01\x01", "DER_TRUNCATED"),
        (b"\x30\x82\x01", "DER_TRUNCATED"),
        (b"\x30\x80\x00\x00", "DER_LENGTH"),
        (b"\x30\x81\x03\x02\x01\x01", "DER_LENGTH"),
        (b"\x30\x82\x00\x81" + bytes(129), "DER_LENGTH"),
        (b"\x30\x85\x01\x00\x00\x00\x00", "DER_LENGTH"),
        (b"\x30\x84\xff\xff\xff\xff", "DER_TRUNCATED"),
        (b"\x1f\x81\x01\x00", "DER_LONG_TAG"),
        (b"\x30\x00\x00", "DER_TRAILING_BYTES"),
        (b"\x30\x03\x04\x05\x00", "DER_TRUNCATED"),
        (b"\x04\x01\x00", "DER_NOT_CONSTRUCTED"),
    ],
)
@pytest.mark.clause("ITU-T X.690 10.1")
def test_what_is_not_der_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


@pytest.mark.parametrize(
    ("data", "method", "code"),
    [
        (b"\x02\x00", "integer", "DER_INTEGER_NOT_MINIMAL"),
        (b"\x02\x02\x00\x01", "integer", "DER_INTEGER_NOT_MINIMAL"),
        (b"\x02\x02\xff\x80", "integer", "DER_INTEGER_NOT_MINIMAL"),
        (b"\x04\x01\x01", "integer", "DER_UNEXPECTED_TAG"),
        (b"\x01\x01\x01", "boolean", "DER_BOOLEAN"),
        (b"\x05\x01\x00", "null", "DER_NULL"),
        (b"\x06\x00", "oid", "DER_OID"),
        (b"\x06\x02\x2a\x80", "oid", "DER_OID"),
        (b"\x06\x03\x2a\x80\x01", "oid", "DER_OID"),
        (b"\x06\x81\x81" + b"\x2a" * 129, "oid", "DER_OID"),
        (b"\x03\x00", "bits", "DER_BIT_STRING"),
        (b"\x03\x02\x01\x00", "bits", "DER_BIT_STRING"),
        (b"\x03\x01\x01", "named_bits", "DER_BIT_STRING"),
        (b"\x03\x02\x08\x00", "named_bits", "DER_BIT_STRING"),
        (b"\x03\x02\x01\x01", "named_bits", "DER_BIT_STRING"),
        (b"\x03\x00", "named_bits", "DER_BIT_STRING"),
        (b"\x30\x04\x05\x00\x05\x00", "only_child", "DER_ELEMENT_COUNT"),
        (b"\x30\x00", "only_child", "DER_ELEMENT_COUNT"),
    ],
)
def test_values_that_break_their_rule_are_refused(data: bytes, method: str, code: str) -> None:
    assert refused(data, lambda node: getattr(node, method)()) == code


def test_explicit_and_implicit_tags() -> None:
    node = der.read_der(der.explicit(0, der.integer(5)))
    assert (node.tag, node.only_child().integer()) == (0xA0, 5)
    assert der.read_der(der.implicit(1, der.octet_string(b"x"))).octets(der.context(1, constructed=False)) == b"x"
    assert der.implicit(0, der.set_of([der.null()])) == b"\xa0\x02\x05\x00"
    assert repr(node) == "Node(tag=0xa0, start=0, length=3)"


def test_the_number_of_elements_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(der, "MAX_CHILDREN", 3)
    assert refused(der.sequence(*[der.null()] * 4)) == "DER_TOO_MANY_ELEMENTS"


@pytest.mark.clause("ITU-T X.690 8.1.3.6")
def test_ber_is_normalised() -> None:
    indefinite = b"\x30\x80\x24\x80\x04\x02ab\x04\x81\x01c\x00\x00\x02\x01\x07\x00\x00trailing"
    assert der.normalise_ber(indefinite, max_bytes=100) == der.sequence(der.octet_string(b"abc"), der.integer(7))
    definite = b"\x30\x81\x06\x24\x04\x04\x02hi"
    assert der.normalise_ber(definite, max_bytes=100) == der.sequence(der.octet_string(b"hi"))


@given(
    st.recursive(
        st.binary(max_size=9).map(der.octet_string), lambda inner: st.lists(inner, max_size=4).map(lambda p: der.sequence(*p)), max_leaves=9
    )
)
def test_normalising_der_changes_nothing(encoded: bytes) -> None:
    assert der.normalise_ber(encoded, max_bytes=10_000) == encoded


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x30\x80" * 80, "DER_TOO_DEEP"),
        (b"\x30\x80\x05\x00", "DER_TRUNCATED"),
        (b"\x30\x03\x02\x05\x00", "DER_TRUNCATED"),
        (b"\x30", "DER_TRUNCATED"),
        (b"\x04\x80\x00\x00", "DER_LENGTH"),
        (b"\x3f\x80\x00\x00", "DER_LONG_TAG"),
        (bytes(101), "DER_TOO_LARGE"),
        (b"\x24\x02\x05\x00", "DER_UNEXPECTED_TAG"),
    ],
)
def test_ber_that_cannot_be_normalised_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as raised:
        der.normalise_ber(data, max_bytes=100 if code == "DER_TOO_LARGE" else 1000)
    assert raised.value.code == code


def test_ber_of_very_many_small_elements_is_refused_early() -> None:
    """Each element of two bytes becomes an object of fifty."""
    crowd = b"\x30\x80" + b"\x05\x00" * 4_000_000 + b"\x00\x00"
    with at_most(2), pytest.raises(MalformedError, match="DER_TOO_MANY_ELEMENTS"):
        der.normalise_ber(crowd, max_bytes=len(crowd))
    kept = der.sequence(*[der.null()] * (der.MAX_BER_ELEMENTS - 1))
    assert der.normalise_ber(kept, max_bytes=len(kept)) == kept


@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_do_anything_but_refuse(data: bytes) -> None:
    for read in (der.read_der, lambda d: der.normalise_ber(d, max_bytes=1000)):
        try:
            read(data)
        except MalformedError as error:
            assert error.code.startswith("DER_")
