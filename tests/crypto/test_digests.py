"""Digests by object identifier."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import digests
from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards.errors import TrustError

NAMES = {
    oids.MD5: "md5",
    oids.SHA1: "sha1",
    oids.SHA224: "sha224",
    oids.SHA256: "sha256",
    oids.SHA384: "sha384",
    oids.SHA512: "sha512",
    oids.SHA3_256: "sha3_256",
    oids.SHA3_384: "sha3_384",
    oids.SHA3_512: "sha3_512",
}


@given(st.sampled_from([*NAMES, oids.SM3]), st.binary(max_size=300), st.binary(max_size=300))
def test_running_and_at_once(oid: str, first: bytes, second: bytes) -> None:
    expected = sm3(first + second) if oid == oids.SM3 else hashlib.new(NAMES[oid], first + second).digest()
    running = digests.new_digest(oid)
    running.update(memoryview(first))
    twin = running.copy()
    running.update(b"other")
    twin.update(second)
    assert twin.digest() == digests.digest(oid, memoryview(first + second)) == expected
    assert digests.is_known(oid)
    assert digests.is_weak(oid) == (oid in {oids.MD5, oids.SHA1})


@pytest.mark.parametrize("oid", ["", "1.2.3", oids.SM2_WITH_SM3])
def test_unknown_digests(oid: str) -> None:
    assert not digests.is_known(oid)
    assert not digests.is_weak(oid)
    with pytest.raises(TrustError, match="DIGEST_UNKNOWN"):
        digests.digest(oid, b"")
    with pytest.raises(TrustError, match="DIGEST_UNKNOWN"):
        digests.new_digest(oid)
