"""Encodings of SM2: signature value, points, ciphertext, input of Z_A."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from standards import gbt32918_sm2 as sm2
from standards import x690_der as der
from standards.errors import MalformedError
from standards.gbt32918_sm2 import CiphertextOrder, SM2Ciphertext
from tests.crypto import published_vectors as v
from tests.crypto.sm2_arithmetic import G, multiply

scalars = st.integers(1, sm2.N - 1)
points = st.sampled_from([multiply(k, G) for k in (1, 2, 3, 7, 12345, sm2.N - 1, 2**200 + 1)])


class OracleSignature(core.Sequence):  # type: ignore[misc]
    _fields = [("r", core.Integer), ("s", core.Integer)]  # noqa: RUF012


class OracleCipher(core.Sequence):  # type: ignore[misc]
    _fields = [("x", core.Integer), ("y", core.Integer), ("hash", core.OctetString), ("cipher", core.OctetString)]  # noqa: RUF012


@pytest.mark.clause("GB/T 32918.5-2017 A.2")
def test_published_signature() -> None:
    assert sm2.read_signature(v.SM2_SIGNATURE) == (v.SM2_R, v.SM2_S)
    assert sm2.write_signature(v.SM2_R, v.SM2_S) == v.SM2_SIGNATURE


@pytest.mark.clause("GB/T 35276-2017 7.3")
@given(scalars, scalars)
def test_signature_round_trip_and_oracle(r: int, s: int) -> None:
    encoded = sm2.write_signature(r, s)
    assert encoded == OracleSignature({"r": r, "s": s}).dump()
    if r + s == sm2.N:
        with pytest.raises(MalformedError, match="SM2_SIGNATURE_RANGE"):
            sm2.read_signature(encoded)
    else:
        assert sm2.read_signature(encoded) == (r, s)


R, S = der.integer(v.SM2_R), der.integer(v.SM2_S)
BAD_SIGNATURES = {
    "empty": b"",
    "r is zero": der.sequence(der.integer(0), S),
    "s is zero": der.sequence(R, der.integer(0)),
    "r is n": der.sequence(der.integer(sm2.N), S),
    "s is n": der.sequence(R, der.integer(sm2.N)),
    "r is n+1": der.sequence(der.integer(sm2.N + 1), S),
    "s is n+1": der.sequence(R, der.integer(sm2.N + 1)),
    "r is -1": der.sequence(der.integer(-1), S),
    "s is -1": der.sequence(R, der.integer(-1)),
    "r + s is n": der.sequence(R, der.integer(sm2.N - v.SM2_R)),
    "one element": der.sequence(R),
    "three elements": der.sequence(R, S, der.integer(1)),
    "three short elements": der.sequence(der.integer(1), der.integer(2), der.integer(3)),
    "one short element": der.sequence(der.integer(1)),
    "null behind": der.sequence(R, S, der.null()),
    "trailing byte": v.SM2_SIGNATURE + b"\x00",
    "leading zero in r": der.sequence(b"\x02\x22\x00" + R[2:], S),
    "no sign byte in r": der.sequence(b"\x02\x20" + R[3:], S),
    "long length of the sequence": b"\x30\x81\x46" + v.SM2_SIGNATURE[2:],
    "long length of r": der.sequence(b"\x02\x81\x21" + R[2:], S),
    "indefinite length": b"\x30\x80" + v.SM2_SIGNATURE[2:] + b"\x00\x00",
    "set instead of sequence": b"\x31" + v.SM2_SIGNATURE[1:],
    "octet string instead of integer": der.sequence(b"\x04" + R[1:], S),
    "truncated": v.SM2_SIGNATURE[:-1],
    "raw 64 bytes": v.SM2_R.to_bytes(32, "big") + v.SM2_S.to_bytes(32, "big"),
    "raw 63 bytes": bytes(63),
    "empty integer": der.sequence(b"\x02\x00", S),
    "very long": der.sequence(der.integer(1 << 4096), S),
}


@pytest.mark.clause("GB/T 32918.2-2016 7.1 B1", "GB/T 32918.2-2016 7.1 B2", "GB/T 32918.2-2016 7.1 B5")
@pytest.mark.parametrize("name", BAD_SIGNATURES)
def test_malformed_signatures_are_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        sm2.read_signature(BAD_SIGNATURES[name])


@pytest.mark.clause("GB/T 32918.2-2016 5.5")
def test_z_a_input() -> None:
    a_b_g = b"".join(number.to_bytes(32, "big") for number in (sm2.A, sm2.B, sm2.GX, sm2.GY))
    expected = bytes.fromhex("0080") + b"1234567812345678" + a_b_g + v.SM2_POINT[1:]
    assert sm2.z_a_input(sm2.DEFAULT_ID, v.SM2_POINT) == sm2.z_a_input(sm2.DEFAULT_ID, v.SM2_POINT[1:]) == expected
    assert sm2.z_a_input(b"", v.SM2_POINT)[:2] == b"\x00\x00"
    assert sm2.z_a_input(bytes(sm2.MAX_ID_BYTES), v.SM2_POINT)[:2] == b"\xff\xf8"
    with pytest.raises(MalformedError, match="SM2_ID_TOO_LONG"):
        sm2.z_a_input(bytes(sm2.MAX_ID_BYTES + 1), v.SM2_POINT)


@pytest.mark.clause("GB/T 32918.1-2016 4.2.9")
@given(points)
def test_point_round_trip(point: tuple[int, int]) -> None:
    encoded = sm2.write_point(*point)
    assert sm2.read_point(encoded) == sm2.read_point(encoded[1:]) == point


ON_TWIST = next(x for x in range(1, 100) if pow(x**3 + sm2.A * x + sm2.B, (sm2.P - 1) // 2, sm2.P) == sm2.P - 1)


@pytest.mark.clause("GB/T 32918.1-2016 6.2.1")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "SM2_POINT_ENCODING"),
        (b"\x00", "SM2_POINT_ENCODING"),
        (b"\x02" + v.SM2_POINT[1:33], "SM2_POINT_ENCODING"),
        (b"\x06" + v.SM2_POINT[1:], "SM2_POINT_ENCODING"),
        (v.SM2_POINT + b"\x00", "SM2_POINT_ENCODING"),
        (v.SM2_POINT[:-1] + bytes((v.SM2_POINT[-1] ^ 1,)), "SM2_POINT_OFF_CURVE"),
        (bytes(64), "SM2_POINT_OFF_CURVE"),
        (ON_TWIST.to_bytes(32, "big") + (5).to_bytes(32, "big"), "SM2_POINT_OFF_CURVE"),
        ((0).to_bytes(32, "big") + sm2.P.to_bytes(32, "big"), "SM2_POINT_OFF_CURVE"),
        (b"\xff" * 64, "SM2_POINT_OFF_CURVE"),
    ],
)
def test_bad_points(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError, match=code):
        sm2.read_point(data)


def test_coordinate_over_p_is_refused_even_when_its_residue_is_on_the_curve() -> None:
    x = next(x for x in range(100) if pow(x**3 + sm2.A * x + sm2.B, (sm2.P - 1) // 2, sm2.P) == 1)
    y = pow(x**3 + sm2.A * x + sm2.B, (sm2.P + 1) // 4, sm2.P)
    assert sm2.is_on_curve(x, y)
    assert not sm2.is_on_curve(x + sm2.P, y)
    assert not sm2.is_on_curve(x, y - sm2.P)


@pytest.mark.clause("GB/T 32918.1-2016 6.1")
@pytest.mark.parametrize(("d", "good"), [(0, False), (1, True), (sm2.N - 2, True), (sm2.N - 1, False), (sm2.N, False)])
def test_scalar_range(d: int, good: bool) -> None:
    if good:
        sm2.check_scalar(d.to_bytes(32, "big"))
    else:
        with pytest.raises(MalformedError, match="SM2_PRIVATE_KEY_RANGE"):
            sm2.check_scalar(d.to_bytes(32, "big"))
    with pytest.raises(MalformedError, match="SM2_PRIVATE_KEY_RANGE"):
        sm2.check_scalar(d.to_bytes(33, "big"))


@pytest.mark.clause("GB/T 32918.5-2017 C.2")
def test_published_ciphertext() -> None:
    parts = SM2Ciphertext(int.from_bytes(v.SM2_C1[1:33], "big"), int.from_bytes(v.SM2_C1[33:], "big"), v.SM2_C3, v.SM2_C2)
    assert sm2.read_ciphertext(v.SM2_CIPHERTEXT) == parts
    assert sm2.write_ciphertext(parts) == v.SM2_CIPHERTEXT
    assert sm2.write_raw_ciphertext(parts) == v.SM2_C1 + v.SM2_C3 + v.SM2_C2
    assert sm2.write_raw_ciphertext(parts, CiphertextOrder.C1C2C3) == v.SM2_C1 + v.SM2_C2 + v.SM2_C3
    # C1 of the published sample begins with 04 04: the short form of it begins with 04 too
    assert sm2.read_raw_ciphertext(v.SM2_C1[1:] + v.SM2_C3 + v.SM2_C2) == parts


@pytest.mark.clause("GB/T 35276-2017 7.2", "GB/T 32918.4-2016 6.1")
@given(points, st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=300), st.sampled_from(CiphertextOrder), st.booleans())
def test_ciphertext_round_trips(point: tuple[int, int], c3: bytes, c2: bytes, order: CiphertextOrder, with_04: bool) -> None:
    parts = SM2Ciphertext(*point, c3, c2)
    encoded = sm2.write_ciphertext(parts)
    assert encoded == OracleCipher({"x": point[0], "y": point[1], "hash": c3, "cipher": c2}).dump()
    assert sm2.read_ciphertext(encoded) == parts
    raw = sm2.write_raw_ciphertext(parts, order)
    assert sm2.read_raw_ciphertext(raw if with_04 else raw[1:], order) == parts


X, Y = der.integer(sm2.GX), der.integer(sm2.GY)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (der.sequence(X, Y, der.octet_string(v.SM2_C3)), "SM2_CIPHERTEXT_ENCODING"),
        (der.sequence(X, Y, der.octet_string(v.SM2_C3), der.octet_string(b"")), "SM2_CIPHERTEXT_ENCODING"),
        (der.sequence(X, Y, der.octet_string(v.SM2_C3[1:]), der.octet_string(b"c")), "SM2_CIPHERTEXT_ENCODING"),
        (der.sequence(X, X, der.octet_string(v.SM2_C3), der.octet_string(b"c")), "SM2_POINT_OFF_CURVE"),
        (der.sequence(X, der.integer(sm2.GY - sm2.P), der.octet_string(v.SM2_C3), der.octet_string(b"c")), "SM2_POINT_OFF_CURVE"),
        (v.SM2_CIPHERTEXT + b"\x00", "DER_TRAILING_BYTES"),
        (bytes(sm2.MAX_CIPHERTEXT_BYTES + 1), "SM2_CIPHERTEXT_TOO_LARGE"),
    ],
)
def test_malformed_ciphertexts(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError, match=code):
        sm2.read_ciphertext(data)


@pytest.mark.parametrize("data", [b"", v.SM2_C1, v.SM2_C1 + v.SM2_C3, bytes(200), v.SM2_C1[:-1] + b"\x00" + v.SM2_C3 + v.SM2_C2])
def test_malformed_raw_ciphertexts(data: bytes) -> None:
    with pytest.raises(MalformedError, match="SM2_CIPHERTEXT_ENCODING"):
        sm2.read_raw_ciphertext(data)
