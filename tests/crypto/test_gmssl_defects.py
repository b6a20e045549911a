"""Why ``gmssl`` 3.2.2 never signs, decrypts or makes keys here: each defect shown. If one of these fails, the package has changed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from standards import gbt32918_sm2 as sm2
from standards import x690_der as der
from tests.crypto import published_vectors as v
from tests.crypto.sm2_arithmetic import G, add
from tests.optional import need

try:
    from gmssl import func
    from gmssl.sm2 import CryptSM2
except ImportError:
    func = CryptSM2 = None


@pytest.fixture(autouse=True)
def _gmssl() -> None:
    need("gmssl", CryptSM2, "pip install gmssl")


def engine(**options: Any) -> Any:
    made = CryptSM2(private_key=v.SM2_SCALAR.hex(), public_key="", **options)
    made.public_key = v.SM2_POINT[1:].hex()
    return made


def test_nonces_are_predictable_and_one_signature_gives_the_key_away() -> None:
    """Nonces come from ``random.choice``: whoever knows the generator's state knows k, and with k and one signature d."""
    state = random.getstate()
    try:
        random.seed(20260101)
        signature = engine().sign_with_sm3(v.SM2_MESSAGE)
        random.seed(20260101)
        k = int(func.random_hex(64), 16)
    finally:
        random.setstate(state)
    r, s = int(signature[:64], 16), int(signature[64:], 16)
    d = (k - s) * pow(s + r, -1, sm2.N) % sm2.N  # s = (1+d)^-1 (k - rd)
    assert d == int.from_bytes(v.SM2_SCALAR, "big")


def test_public_keys_in_their_usual_form_are_damaged() -> None:
    """``lstrip("04")`` strips digits, not a prefix: every further leading 0 or 4 of x is lost."""
    damaged, point = 0, G
    for _ in range(4000):
        point = add(point, G)
        assert point is not None
        digits = sm2.write_point(*point).hex()
        damaged += CryptSM2(private_key="", public_key=digits).public_key != digits[2:]
    assert 0.09 < damaged / 4000 < 0.17


def test_the_check_value_of_a_ciphertext_is_ignored() -> None:
    c1 = v.SM2_C1[1:]
    assert engine(mode=1).decrypt(c1 + v.SM2_C3 + v.SM2_C2) == v.SM2_PLAINTEXT
    assert engine(mode=1).decrypt(c1 + bytes(32) + v.SM2_C2) == v.SM2_PLAINTEXT
    changed = v.SM2_C2[:-1] + bytes((v.SM2_C2[-1] ^ 1,))
    assert engine(mode=1).decrypt(c1 + v.SM2_C3 + changed) == v.SM2_PLAINTEXT[:-1] + bytes((v.SM2_PLAINTEXT[-1] ^ 1,))


def test_an_extra_element_in_a_signature_is_accepted() -> None:
    extra = der.sequence(der.integer(v.SM2_R), der.integer(v.SM2_S), der.integer(1))
    assert engine(asn1=True).verify(extra.hex(), v.SM2_E)
