"""No changed byte makes a signature valid, and no input makes the verifier raise, hang or recurse deeply."""

from __future__ import annotations

import random
from contextlib import nullcontext
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import cms, digests
from crypto.cms import Dialect
from crypto.report import Verdict
from crypto.report_text import SENTENCES
from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import verify_token
from crypto.trust_list import TrustList
from standards import x690_der as der
from tests.costs import at_most
from tests.crypto.signing_actors import AT, CONTENT, DAY, world
from tests.untraced import untraced

KINDS = ["sm2", "sm2-stamped", "national", "ecdsa", "rsa-stamped"]


@cache
def signed(kind: str) -> bytes:
    if kind == "national":
        return world().sign(dialect=Dialect.GBT35275)
    here = world(algorithm(kind))
    return here.sign(timestamp=here.stamp() if kind.endswith("stamped") else None)


def algorithm(kind: str) -> SignatureAlgorithm:
    family = kind.split("-", maxsplit=1)[0]
    return {"ecdsa": SignatureAlgorithm.ECDSA_SHA256, "rsa": SignatureAlgorithm.RSA_SHA256}.get(family, SignatureAlgorithm.SM2_SM3)


@cache
def trust(kind: str) -> TrustList:
    return world(algorithm(kind)).trust()


def verdict_on(data: bytes, kind: str) -> Verdict:
    found = cms.verify_signed_data(data, content_digest=lambda oid: digests.digest(oid, CONTENT), trust=trust(kind), at=AT + DAY)
    assert {step.code for step in found.steps} <= set(SENTENCES)
    return found.verdict


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_is_valid(kind: str) -> None:
    assert verdict_on(signed(kind), kind) is Verdict.VALID


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_is_valid(kind: str) -> None:
    """Every byte of the signature, one bit of it each, the bit chosen by the place."""
    data = bytearray(signed(kind))
    survivors = []
    for place in range(len(data)):
        bit = 1 << place % 8
        data[place] ^= bit
        with untraced() if place % 16 else nullcontext():
            if verdict_on(bytes(data), kind) is Verdict.VALID:
                survivors.append(place)
        data[place] ^= bit
    assert survivors == []


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150)
@given(data=st.data())
def test_no_changed_byte_is_valid(kind: str, data: st.DataObject) -> None:
    whole = bytearray(signed(kind))
    place = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))
    whole[place] = value
    assert verdict_on(bytes(whole), kind) is not Verdict.VALID


@settings(max_examples=150)
@given(data=st.data())
def test_cut_repeated_or_inserted_bytes_never_raise(data: st.DataObject) -> None:
    whole = signed("sm2-stamped")
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    insert = data.draw(st.binary(max_size=8))
    changed = whole[:start] + insert + whole[end:]
    assert changed == whole or verdict_on(changed, "sm2-stamped") is not Verdict.VALID


@given(st.binary(max_size=400))
def test_random_bytes_never_raise(data: bytes) -> None:
    assert verdict_on(data, "sm2") is Verdict.INVALID
    assert verify_token(data, CONTENT, TrustList.empty(), AT).verdict is Verdict.INVALID


@pytest.mark.parametrize("opening", [b"\x30\x80", b"\x24\x80", b"\xa0\x80", b"\x30\x84\x00\x40\x00\x00"])
def test_deep_nesting_is_bounded(opening: bytes) -> None:
    with at_most(2):
        assert verdict_on(opening * 1_000_000, "sm2") is Verdict.INVALID


def test_deep_definite_nesting_is_bounded() -> None:
    data = b""
    for _ in range(5000):
        data = der.tlv(der.SEQUENCE, data)
    assert verdict_on(data, "sm2") is Verdict.INVALID


def test_very_large_input_is_refused_at_once() -> None:
    with at_most(1):
        assert verdict_on(der.sequence(bytes(9 * 1024 * 1024)), "sm2") is Verdict.INVALID


def test_many_certificates_cost_little() -> None:
    """Sixty certificates of the same name are all that fit, and the search among them is bounded."""
    from tests.crypto.cms_surgery import changed
    from tests.crypto.signing_actors import other_certificate

    here = world(SignatureAlgorithm.ECDSA_SHA256)
    extra = [other_certificate(here, serial=number).der for number in range(1, 60)]
    random.Random(7).shuffle(extra)
    crowded = changed(here.sign(), lambda parts: parts.certificates.extend(extra))
    with at_most(1):
        assert here.verify(crowded).verdict is Verdict.VALID
