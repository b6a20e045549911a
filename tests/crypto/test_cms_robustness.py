"""No changed byte makes a signature valid, and no input makes the verifier raise, hang or recurse deeply."""

from __future__ import annotations

import random
from contextlib import nullcontext, suppress
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import cms, digests
from crypto.certificates import Certificate
from crypto.cms import Dialect
from crypto.report import Verdict
from crypto.report_text import SENTENCES, sentence
from crypto.signatures import SignatureAlgorithm
from crypto.timestamps import DEMONSTRATION_POLICY, TimeStampAuthority, build_request, verify_token
from crypto.trust_list import TrustList
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc3161_timestamp import read_request, read_response
from standards.rfc5280_crl import read_crl
from standards.rfc6960_ocsp import read_ocsp_request, read_ocsp_response, write_ocsp_request
from tests.costs import at_most
from tests.crypto.signing_actors import AT, CONTENT, DAY, world
from tests.pki import DemoPki, cert_id_der
from tests.untraced import untraced

if TYPE_CHECKING:
    from collections.abc import Iterator

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


ENDLESS = b"\x7f" * 3000  # over 7,000 digits, and Python writes no number of more than 4,300


def with_endless_numbers(data: bytes) -> Iterator[bytes]:
    """The structure again and again, each time with another of its numbers (also those within octet strings) become endless."""
    node = der.read_der(data)
    if node.tag in {der.INTEGER, der.ENUMERATED}:
        yield der.tlv(node.tag, ENDLESS)
    elif node.tag & 0x20:
        parts = [child.raw for child in node.children()]
        for i, part in enumerate(parts):
            for changed in with_endless_numbers(part):
                yield der.tlv(node.tag, b"".join((*parts[:i], changed, *parts[i + 1 :])))
    elif node.tag == der.OCTET_STRING:
        with suppress(MalformedError):  # a digest or a signature value
            for changed in with_endless_numbers(node.value):
                yield der.octet_string(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_endless_numbers_never_raise_and_are_told(kind: str) -> None:
    changed = list(with_endless_numbers(signed(kind)))
    assert changed
    for data in changed:
        found = cms.verify_signed_data(data, content_digest=lambda oid: digests.digest(oid, CONTENT), trust=trust(kind), at=AT + DAY)
        assert found.verdict is not Verdict.VALID
        assert all(sentence(step, language) for step in found.steps for language in ("en", "zh"))


def test_endless_numbers_in_evidence_and_requests_are_refused() -> None:
    pki = DemoPki.create(AT)
    asked = write_ocsp_request([cert_id_der(pki.seal, pki.issuing.certificate)], b"n" * 16)
    answered = pki.responder().respond(asked, lambda _: "good", this_update=AT, next_update=AT + DAY)
    stamped = build_request(digests.digest(oids.SM3, b""), nonce=1)
    granted = TimeStampAuthority(pki.tsa, pki.chain, pki.tsa_signer, DEMONSTRATION_POLICY).respond(stamped, AT)
    for seed, reader in (
        (pki.seal.der, Certificate.from_der),
        (pki.crls(AT)[0], read_crl),
        (asked, read_ocsp_request),
        (answered, read_ocsp_response),
        (stamped, read_request),
        (granted, read_response),
    ):
        reader(seed)
        changed = list(with_endless_numbers(seed))
        assert changed
        for data in changed:
            with suppress(MalformedError):  # nothing else may come out; a number that nobody reads is passed over
                repr(reader(data))


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
