"""One verification function for every algorithm, which never raises."""

from __future__ import annotations

from itertools import count
from math import gcd

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from crypto.digests import digest
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, digest_oid_of, verify_over_digest, verify_signature
from crypto.sm2 import SM2PrivateKey
from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.rfc5280_algorithms import AlgorithmIdentifier, algorithm, read_spki, write_algorithm, write_spki
from standards.rfc5958_private_keys import SM2_KEY_ALGORITHM
from tests.costs import at_most
from tests.crypto import published_vectors as v

MESSAGE = b"what is signed"
RSA = rsa.generate_private_key(65537, 2048)
RSA_SHORT = rsa.generate_private_key(65537, 1024)
EC = {curve.name: ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())}
ED = ed25519.Ed25519PrivateKey.generate()
SM2 = SM2PrivateKey.from_scalar(v.SM2_SCALAR)

GOOD, BAD, UNSUPPORTED, WEAK = SignatureCheck.GOOD, SignatureCheck.BAD, SignatureCheck.UNSUPPORTED, SignatureCheck.WEAK


def spki(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check(spki_der: bytes, stated: AlgorithmIdentifier, signature: bytes, digest_oid: str | None = None) -> SignatureCheck:
    found = verify_signature(spki_der, stated, MESSAGE, signature, digest_oid=digest_oid)
    assert found is verify_signature(spki_der, stated, memoryview(MESSAGE), signature, digest_oid=digest_oid)
    if found in {GOOD, WEAK}:
        changed = verify_signature(spki_der, stated, MESSAGE + b".", signature, digest_oid=digest_oid)
        assert changed is BAD
        broken = signature[:-1] + bytes((signature[-1] ^ 1,))
        assert verify_signature(spki_der, stated, MESSAGE, broken, digest_oid=digest_oid) is BAD
        assert verify_signature(spki_der, stated, MESSAGE, b"", digest_oid=digest_oid) is BAD
    return found


RSA_OIDS = {
    oids.SHA224_WITH_RSA: hashes.SHA224(),
    oids.SHA256_WITH_RSA: hashes.SHA256(),
    oids.SHA384_WITH_RSA: hashes.SHA384(),
    oids.SHA512_WITH_RSA: hashes.SHA512(),
    oids.SHA1_WITH_RSA: hashes.SHA1(),
    oids.MD5_WITH_RSA: hashes.MD5(),
}


@pytest.mark.parametrize("oid", RSA_OIDS)
@pytest.mark.parametrize("parameters", [None, der.null()])
def test_rsa_pkcs1(oid: str, parameters: bytes | None) -> None:
    signature = RSA.sign(MESSAGE, padding.PKCS1v15(), RSA_OIDS[oid])
    weak = oid in {oids.SHA1_WITH_RSA, oids.MD5_WITH_RSA}
    assert check(spki(RSA), algorithm(oid, parameters), signature) is (WEAK if weak else GOOD)


@pytest.mark.parametrize(("bits", "outcome"), [(33, GOOD), (64, GOOD), (65, UNSUPPORTED), (2000, UNSUPPORTED)])
def test_rsa_exponents_that_only_cost_time_are_no_keys(bits: int, outcome: SignatureCheck) -> None:
    """An exponent as long as the modulus makes one verification as dear as forty."""
    numbers = RSA.private_numbers()
    n, order = numbers.public_numbers.n, (numbers.p - 1) * (numbers.q - 1)
    exponent = next(e for e in count(2 ** (bits - 1) + 1, 2) if gcd(e, order) == 1)
    padded = pow(int.from_bytes(RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256()), "big"), 65537, n)
    signature = pow(padded, pow(exponent, -1, order), n).to_bytes(256, "big")
    key = der.sequence(der.sequence(der.oid(oids.RSA), der.null()), der.bit_string(der.sequence(der.integer(n), der.integer(exponent))))
    assert check(key, algorithm(oids.SHA256_WITH_RSA, der.null()), signature) is outcome


def test_rsa_bare_key_oid_takes_the_digest_from_beside_it() -> None:
    signature = RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    stated = algorithm(oids.RSA, der.null())
    assert check(spki(RSA), stated, signature, oids.SHA256) is GOOD
    assert check(spki(RSA), stated, signature, oids.SHA512) is BAD
    assert check(spki(RSA), stated, signature, oids.SM3) is UNSUPPORTED
    assert check(spki(RSA), stated, signature) is UNSUPPORTED
    assert check(spki(RSA), algorithm(oids.SHA256_WITH_RSA), signature, oids.SHA512) is GOOD
    assert check(spki(RSA), algorithm(oids.SHA256_WITH_RSA, der.integer(1)), signature) is UNSUPPORTED


def test_short_rsa_is_weak() -> None:
    signature = RSA_SHORT.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    assert check(spki(RSA_SHORT), algorithm(oids.SHA256_WITH_RSA, der.null()), signature) is WEAK


def test_enormous_rsa_is_not_computed() -> None:
    modulus = (1 << 20_000) + 1
    key = write_spki(write_algorithm(oids.RSA, der.null()), der.sequence(der.integer(modulus), der.integer(65537)))
    with at_most(1):
        assert check(key, algorithm(oids.SHA256_WITH_RSA, der.null()), bytes(2048)) is UNSUPPORTED
        assert check(key, algorithm(oids.SHA256_WITH_RSA, der.null()), bytes(2500)) is BAD


def pss(digest: str | None, mgf: bytes | None, salt: int | None, trailer: int | None = None) -> AlgorithmIdentifier:
    parts = [
        der.explicit(0, write_algorithm(digest, der.null())) if digest else b"",
        der.explicit(1, mgf) if mgf else b"",
        der.explicit(2, der.integer(salt)) if salt is not None else b"",
        der.explicit(3, der.integer(trailer)) if trailer is not None else b"",
    ]
    return algorithm(oids.RSA_PSS, der.sequence(*parts))


MGF_SHA256 = write_algorithm(oids.MGF1, write_algorithm(oids.SHA256, der.null()))


@pytest.mark.clause("RFC 4055 1.2", "RFC 4055 3.3")
def test_a_key_for_pss_is_bound_to_pss_and_to_what_it_states() -> None:
    bits = read_spki(spki(RSA)).key_bits
    stated = pss(oids.SHA256, MGF_SHA256, 32)
    bound, free = write_spki(stated.raw, bits), write_spki(write_algorithm(oids.RSA_PSS), bits)
    sha256 = hashes.SHA256()
    good = RSA.sign(MESSAGE, padding.PSS(padding.MGF1(sha256), 32), sha256)
    assert check(bound, stated, good) is GOOD
    assert check(free, stated, good) is GOOD
    other = algorithm(oids.SHA256_WITH_RSA, der.null())
    plain = RSA.sign(MESSAGE, padding.PKCS1v15(), sha256)
    assert [check(key, other, plain) for key in (spki(RSA), bound, free)] == [GOOD, BAD, BAD]
    short = RSA.sign(MESSAGE, padding.PSS(padding.MGF1(sha256), 20), sha256)
    assert [check(key, pss(oids.SHA256, MGF_SHA256, 20), short) for key in (free, bound)] == [GOOD, BAD]
    longer = RSA.sign(MESSAGE, padding.PSS(padding.MGF1(sha256), 32), hashes.SHA512())
    assert [check(key, pss(oids.SHA512, MGF_SHA256, 32), longer) for key in (free, bound)] == [GOOD, BAD]


PSS_SHA256_FIELDS = [node.raw for node in der.read_der(pss(oids.SHA256, MGF_SHA256, 32).parameters_der or b"").children()]


def test_rsa_pss() -> None:
    def signed(digest: hashes.HashAlgorithm, mgf: hashes.HashAlgorithm, salt: int) -> bytes:
        return RSA.sign(MESSAGE, padding.PSS(padding.MGF1(mgf), salt), digest)

    sha1, sha256, sha512 = hashes.SHA1(), hashes.SHA256(), hashes.SHA512()
    assert check(spki(RSA), pss(oids.SHA256, MGF_SHA256, 32), signed(sha256, sha256, 32)) is GOOD
    assert check(spki(RSA), algorithm_identifier(SignatureAlgorithm.RSA_PSS_SHA256), signed(sha256, sha256, 32)) is GOOD
    assert check(spki(RSA), pss(oids.SHA256, MGF_SHA256, 32, 1), signed(sha256, sha256, 32)) is GOOD
    assert check(spki(RSA), pss(oids.SHA512, MGF_SHA256, 0), signed(sha512, sha256, 0)) is GOOD
    assert check(spki(RSA), pss(oids.SHA256, MGF_SHA256, 32), signed(sha256, sha256, 20)) is BAD
    assert check(spki(RSA), pss(oids.SHA256, MGF_SHA256, 32), signed(sha256, sha512, 32)) is BAD
    assert check(spki(RSA), pss(None, None, None), signed(sha1, sha1, 20)) is WEAK
    value = signed(sha256, sha256, 32)
    for stated in (
        algorithm(oids.RSA_PSS),
        pss(oids.SHA256, MGF_SHA256, 32, 2),
        pss(oids.SHA256, MGF_SHA256, -1),
        pss(oids.SHA256, MGF_SHA256, 513),
        pss(oids.SHA256, write_algorithm(oids.MGF1), 32),
        pss(oids.SHA256, write_algorithm(oids.SHA256, der.null()), 32),
        pss("1.2.3", MGF_SHA256, 32),
        algorithm(oids.RSA_PSS, der.sequence(der.explicit(4, der.integer(1)))),
        algorithm(oids.RSA_PSS, der.sequence(der.explicit(0, b""))),
        # SHA-1 for a reader who takes the first, SHA-256 for one who takes the last
        algorithm(oids.RSA_PSS, der.sequence(der.explicit(0, write_algorithm(oids.SHA1)), *PSS_SHA256_FIELDS)),
        algorithm(oids.RSA_PSS, der.sequence(*reversed(PSS_SHA256_FIELDS))),
    ):
        assert check(spki(RSA), stated, value) is UNSUPPORTED


ECDSA_OIDS = {
    oids.ECDSA_WITH_SHA256: hashes.SHA256(),
    oids.ECDSA_WITH_SHA384: hashes.SHA384(),
    oids.ECDSA_WITH_SHA512: hashes.SHA512(),
    oids.ECDSA_WITH_SHA1: hashes.SHA1(),
}


@pytest.mark.parametrize("curve", EC)
@pytest.mark.parametrize("oid", ECDSA_OIDS)
def test_ecdsa(curve: str, oid: str) -> None:
    signature = EC[curve].sign(MESSAGE, ec.ECDSA(ECDSA_OIDS[oid]))
    assert check(spki(EC[curve]), algorithm(oid), signature) is (WEAK if oid == oids.ECDSA_WITH_SHA1 else GOOD)


def test_ecdsa_bare_key_oid_and_other_curves() -> None:
    key = EC["secp256r1"]
    signature = key.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert check(spki(key), algorithm(oids.EC_PUBLIC_KEY), signature, oids.SHA256) is GOOD
    assert check(spki(key), algorithm(oids.EC_PUBLIC_KEY), signature) is UNSUPPORTED
    assert check(spki(key), algorithm(oids.ECDSA_WITH_SHA256), signature + b"\x00") is BAD
    other = ec.generate_private_key(ec.SECP256K1())
    signature = other.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert check(spki(other), algorithm(oids.ECDSA_WITH_SHA256), signature) is UNSUPPORTED


def test_ed25519() -> None:
    assert check(spki(ED), algorithm(oids.ED25519), ED.sign(MESSAGE)) is GOOD
    assert check(spki(ED), algorithm(oids.ED25519, der.null()), ED.sign(MESSAGE)) is UNSUPPORTED


@pytest.mark.clause("GB/T 33560-2017 A", "GB/T 32918.2-2016 7.1")
@pytest.mark.parametrize("oid", sorted(oids.SM2_SIGNATURE_OIDS))
def test_sm2_and_its_aliases(oid: str) -> None:
    signature = SM2.sign(MESSAGE)
    assert check(SM2.public_key.spki_der, algorithm(oid), signature) is GOOD
    assert check(SM2.public_key.spki_der, algorithm(oid, der.null()), signature) is GOOD
    assert check(SM2.public_key.spki_der, algorithm(oid), SM2.sign(MESSAGE, b"other id")) is BAD


@pytest.mark.parametrize("oid", [oids.SM2_CURVE, oids.EC_PUBLIC_KEY])
def test_sm2_bare_key_oids(oid: str) -> None:
    signature, key = SM2.sign(MESSAGE), SM2.public_key.spki_der
    assert check(key, algorithm(oid), signature, oids.SM3) is GOOD
    assert check(key, algorithm(oid), signature, oids.SHA256) is UNSUPPORTED
    assert check(key, algorithm(oid), signature) is UNSUPPORTED


def test_a_key_carries_its_algorithm() -> None:
    """An algorithm of another kind of key is bad, not unsupported: such a signature can never have been made."""
    keys = {"sm2": SM2.public_key.spki_der, "rsa": spki(RSA), "ec": spki(EC["secp256r1"]), "ed": spki(ED)}
    stated = {
        "sm2": algorithm(oids.SM2_WITH_SM3),
        "rsa": algorithm(oids.SHA256_WITH_RSA, der.null()),
        "ec": algorithm(oids.ECDSA_WITH_SHA256),
        "ed": algorithm(oids.ED25519),
    }
    for key_kind, key in keys.items():
        for kind, one in stated.items():
            if kind != key_kind:
                assert check(key, one, bytes(64)) is BAD
    assert check(keys["ec"], algorithm(oids.SM2_CURVE), bytes(64), oids.SM3) is BAD


def test_plain_ecdsa_on_the_sm2_curve_is_not_an_sm2_signature() -> None:
    assert check(SM2.public_key.spki_der, algorithm(oids.ECDSA_WITH_SHA256), v.SM2_SIGNATURE) is BAD


def test_unknown_things_are_unsupported() -> None:
    signature = SM2.sign(MESSAGE)
    assert check(SM2.public_key.spki_der, algorithm("1.2.3.4"), signature) is UNSUPPORTED
    other = dsa.generate_private_key(2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert check(other, algorithm("2.16.840.1.101.3.4.3.2"), signature) is UNSUPPORTED
    for key in (b"", b"\x30\x00", write_spki(SM2_KEY_ALGORITHM, bytes(65)), write_spki(write_algorithm(oids.EC_PUBLIC_KEY), b"")):
        assert check(key, algorithm(oids.SM2_WITH_SM3), signature) is UNSUPPORTED
    assert check(write_spki(write_algorithm(oids.RSA, der.null()), b"junk"), algorithm(oids.SHA256_WITH_RSA), b"s") is UNSUPPORTED


@given(st.binary(max_size=120), st.binary(max_size=120), st.sampled_from([*RSA_OIDS, *ECDSA_OIDS, oids.SM2_WITH_SM3, oids.RSA_PSS, "1.2"]))
def test_never_raises(key: bytes, signature: bytes, oid: str) -> None:
    for spki_der in (key, SM2.public_key.spki_der, spki(RSA), spki(EC["secp256r1"]), spki(ED)):
        for parameters in (None, der.null(), key or None):
            assert verify_signature(spki_der, algorithm(oid, parameters), b"m", signature) in {BAD, UNSUPPORTED}


def test_identifiers_of_what_we_write() -> None:
    assert algorithm_identifier(SignatureAlgorithm.SM2_SM3).parameters_der is None
    assert algorithm_identifier(SignatureAlgorithm.RSA_SHA256).parameters_der == der.null()
    assert digest_oid_of(SignatureAlgorithm.SM2_SM3) == oids.SM3
    assert {algorithm_identifier(one).oid for one in SignatureAlgorithm} > {oids.SM2_WITH_SM3, oids.ED25519}


def test_over_a_digest_the_same_rules_hold_as_over_the_message() -> None:
    """Curves and lengths of keys, what a key states about its own use, and which key an algorithm takes."""
    sha256 = hashes.SHA256()
    small = ec.generate_private_key(ec.SECP192R1())
    pss = padding.PSS(padding.MGF1(sha256), 32)
    for_pss = write_spki(algorithm_identifier(SignatureAlgorithm.RSA_PSS_SHA256).raw, read_spki(spki(RSA)).key_bits)
    by_rsa, by_ecdsa, bare = (algorithm(oid, der.null()) for oid in (oids.SHA256_WITH_RSA, oids.ECDSA_WITH_SHA256, oids.RSA))
    by_ec = algorithm(oids.EC_PUBLIC_KEY)
    signed, short = (key.sign(MESSAGE, padding.PKCS1v15(), sha256) for key in (RSA, RSA_SHORT))
    on_p256, on_p192 = (key.sign(MESSAGE, ec.ECDSA(sha256)) for key in (EC["secp256r1"], small))
    by_sm2, by_ed = algorithm_identifier(SignatureAlgorithm.SM2_SM3), algorithm_identifier(SignatureAlgorithm.ED25519)
    expected = [
        (spki(RSA), by_rsa, signed, GOOD),
        (spki(RSA), bare, signed, GOOD),
        (spki(RSA_SHORT), by_rsa, short, WEAK),
        (spki(RSA), algorithm_identifier(SignatureAlgorithm.RSA_PSS_SHA256), RSA.sign(MESSAGE, pss, sha256), GOOD),
        (for_pss, by_rsa, signed, BAD),
        (spki(EC["secp256r1"]), by_ecdsa, on_p256, GOOD),
        (spki(EC["secp256r1"]), by_ec, on_p256, GOOD),
        (spki(EC["secp256r1"]), by_rsa, signed, BAD),
        (spki(RSA), by_ecdsa, on_p256, BAD),
        (spki(small), by_ecdsa, on_p192, UNSUPPORTED),
    ]
    for spki_der, stated, signature, found in expected:
        assert verify_signature(spki_der, stated, MESSAGE, signature, digest_oid=oids.SHA256) is found
        assert verify_over_digest(spki_der, stated, digest(oids.SHA256, MESSAGE), signature, digest_oid=oids.SHA256) is found
        changed = verify_over_digest(spki_der, stated, digest(oids.SHA256, b"other"), signature, digest_oid=oids.SHA256)
        assert changed is (BAD if found in {GOOD, WEAK} else found)
    for spki_der, stated, signature in ((SM2.public_key.spki_der, by_sm2, SM2.sign(MESSAGE)), (spki(ED), by_ed, ED.sign(MESSAGE))):
        assert verify_over_digest(spki_der, stated, digest(oids.SM3, MESSAGE), signature, digest_oid=oids.SM3) is UNSUPPORTED
    assert verify_over_digest(spki(RSA), by_rsa, b"short", signed) is UNSUPPORTED


@pytest.mark.clause("RFC 5480 2.2")
def test_points_in_the_hybrid_form_are_no_keys() -> None:
    key = EC["secp256r1"]
    signature = key.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    parity = numbers.y % 2
    named = write_algorithm(oids.EC_PUBLIC_KEY, der.oid(oids.SECP256R1))
    for point, found in (
        (b"\x04" + x + y, GOOD),
        (bytes((2 + parity,)) + x, GOOD),
        (bytes((6 + parity,)) + x + y, UNSUPPORTED),
        (bytes((7 - parity,)) + x + y, UNSUPPORTED),
        (b"\x00", UNSUPPORTED),
        (b"", UNSUPPORTED),
    ):
        assert verify_signature(write_spki(named, point), algorithm(oids.ECDSA_WITH_SHA256), MESSAGE, signature) is found
