"""The signing seam over software keys."""

from __future__ import annotations

import copy
import hashlib
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, is_over_digest, verify_signature
from crypto.signer import PrivateKey, Signer, algorithm_of, software_signer
from crypto.sm2 import SM2PrivateKey
from standards.errors import TrustError

RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[SignatureAlgorithm, PrivateKey] = {
    SignatureAlgorithm.SM2_SM3: SM2PrivateKey.generate(),
    SignatureAlgorithm.ECDSA_SHA256: ec.generate_private_key(ec.SECP256R1()),
    SignatureAlgorithm.ECDSA_SHA384: ec.generate_private_key(ec.SECP384R1()),
    SignatureAlgorithm.ED25519: ed25519.Ed25519PrivateKey.generate(),
    SignatureAlgorithm.RSA_SHA256: RSA,
    SignatureAlgorithm.RSA_PSS_SHA256: RSA,
}


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
@pytest.mark.parametrize("verify_after_sign", [False, True])
def test_every_algorithm_signs_what_verifies(algorithm: SignatureAlgorithm, verify_after_sign: bool) -> None:
    signer = software_signer(KEYS[algorithm], "key-1", algorithm=algorithm, verify_after_sign=verify_after_sign)
    assert isinstance(signer, Signer)
    assert (signer.key_id, signer.algorithm) == ("key-1", algorithm)
    stated = algorithm_identifier(algorithm)
    assert verify_signature(signer.public_spki_der, stated, b"m", signer.sign(b"m")) is SignatureCheck.GOOD
    if algorithm is SignatureAlgorithm.ED25519:
        with pytest.raises(TrustError, match="SIGN_DIGEST_IMPOSSIBLE"):
            signer.sign_digest(bytes(32))
        return
    if isinstance(KEYS[algorithm], SM2PrivateKey):
        digest = KEYS[algorithm].public_key.digest(b"m")  # type: ignore[union-attr]
    else:
        digest = hashlib.new("sha384" if algorithm is SignatureAlgorithm.ECDSA_SHA384 else "sha256", b"m").digest()
    assert verify_signature(signer.public_spki_der, stated, b"m", signer.sign_digest(digest)) is SignatureCheck.GOOD
    with pytest.raises(TrustError, match="SIGN_DIGEST_LENGTH"):
        signer.sign_digest(digest + b"\x00")
    # Over this digest, by this key, in this way, and over nothing else
    made = signer.sign_digest(digest)
    assert is_over_digest(signer.public_spki_der, algorithm, digest, made)
    assert not is_over_digest(signer.public_spki_der, algorithm, bytes(len(digest)), made)
    assert not is_over_digest(signer.public_spki_der, algorithm, digest + b"\x00", made)
    assert not is_over_digest(signer.public_spki_der, algorithm, digest, b"\x30\x00")
    assert not is_over_digest(signer.public_spki_der, algorithm, digest, b"")
    assert not is_over_digest(b"\x30\x00", algorithm, digest, made)
    for other in set(SignatureAlgorithm) - {algorithm}:
        assert not is_over_digest(signer.public_spki_der, other, digest, made)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_a_faulted_signature_is_never_given_out(algorithm: SignatureAlgorithm) -> None:
    signer: Any = software_signer(KEYS[algorithm], "key-1", algorithm=algorithm, verify_after_sign=True)
    good = signer._sign

    class Faulted(type(signer)):  # type: ignore[misc]
        _sign = staticmethod(lambda data: good(data[:-1] + bytes((data[-1] ^ 1,))))

    faulted: Any = Faulted.__new__(Faulted)
    for name in ("key_id", "algorithm", "public_spki_der", "_digest", "_is_good", "_verify_after_sign"):
        object.__setattr__(faulted, name, getattr(signer, name))
    with pytest.raises(TrustError, match="SIGN_FAULT"):
        faulted.sign(b"message")


def test_default_algorithms_and_unsuitable_keys() -> None:
    for algorithm, key in KEYS.items():
        assert algorithm_of(key) in {algorithm, SignatureAlgorithm.RSA_SHA256}
    for unsuitable in (ec.generate_private_key(ec.SECP521R1()), rsa.generate_private_key(65537, 1024)):
        with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
            software_signer(unsuitable, "x")
    with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
        software_signer(KEYS[SignatureAlgorithm.SM2_SM3], "x", algorithm=SignatureAlgorithm.ECDSA_SHA256)
    with pytest.raises(TrustError, match="KEY_UNSUPPORTED"):
        software_signer(KEYS[SignatureAlgorithm.ECDSA_SHA256], "x", algorithm=SignatureAlgorithm.ECDSA_SHA384)


def test_signers_show_and_give_away_nothing() -> None:
    signer = software_signer(KEYS[SignatureAlgorithm.SM2_SM3], "key-1")
    assert repr(signer) == "SoftwareSigner('key-1', sm2-sm3)"
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            refused(signer)
