"""The one seam behind which private keys sign: software keys here, devices and remote services by the same protocol.

A signer says which key it is and signs; nothing in it gives a private key away.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, runtime_checkable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto import digests
from crypto.signatures import MIN_RSA_BITS, SignatureAlgorithm, digest_oid_of
from crypto.sm2 import SM2PrivateKey
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

PrivateKey = SM2PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@runtime_checkable
class Signer(Protocol):
    """A key that signs."""

    @property
    def key_id(self) -> str:
        """Its name in the store or device."""
        ...

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """What it signs with."""
        ...

    @property
    def public_spki_der(self) -> bytes:
        """Its public key as SubjectPublicKeyInfo."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message`` as X.509 and CMS carry it: DER {r, s} for SM2 (default user id) and ECDSA."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """The same over a digest: e = SM3(Z_A ‖ M) for SM2, the hash for ECDSA and RSA. ``SIGN_DIGEST_IMPOSSIBLE`` for Ed25519."""
        ...


class SoftwareSigner:
    """A private key in this process's memory. Made by :func:`software_signer`."""

    __slots__ = ("_digest", "_is_good", "_sign", "_verify_after_sign", "algorithm", "key_id", "public_spki_der")

    def __init__(
        self,
        key_id: str,
        algorithm: SignatureAlgorithm,
        public_spki_der: bytes,
        digest: Callable[[bytes], bytes] | None,
        sign: Callable[[bytes], bytes],
        is_good: Callable[[bytes, bytes], bool],
        *,
        verify_after_sign: bool,
    ) -> None:
        """``sign`` and ``is_good`` work on what ``digest`` gives, or on the message itself where there is none."""
        self.key_id: Final = key_id
        self.algorithm: Final = algorithm
        self.public_spki_der: Final = public_spki_der
        self._digest: Final = digest
        self._sign: Final = sign
        self._is_good: Final = is_good
        self._verify_after_sign: Final = verify_after_sign

    def sign(self, message: bytes) -> bytes:
        """Sign; with ``verify_after_sign`` a signature that a fault has spoilt is never given out (``SIGN_FAULT``)."""
        return self._signed(message if self._digest is None else self._digest(message))

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest that the caller has computed; ``SIGN_DIGEST_LENGTH`` when it is not one of this algorithm."""
        if self._digest is None:
            raise TrustError(Kind.UNACCEPTABLE, "SIGN_DIGEST_IMPOSSIBLE", algorithm=self.algorithm.value)
        expected = DIGEST_BYTES[self.algorithm]
        if len(digest) != expected:
            raise TrustError(Kind.UNACCEPTABLE, "SIGN_DIGEST_LENGTH", expected=expected, found=len(digest))
        return self._signed(digest)

    def _signed(self, data: bytes) -> bytes:
        signature = self._sign(data)
        if self._verify_after_sign and not self._is_good(signature, data):
            raise TrustError(Kind.UNAVAILABLE, "SIGN_FAULT", key_id=self.key_id)
        return signature

    def __repr__(self) -> str:
        return f"SoftwareSigner({self.key_id!r}, {self.algorithm.value})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a signer is neither copied nor pickled")


DIGEST_BYTES: Final = {
    SignatureAlgorithm.SM2_SM3: 32,
    SignatureAlgorithm.ECDSA_SHA256: 32,
    SignatureAlgorithm.ECDSA_SHA384: 48,
    SignatureAlgorithm.RSA_SHA256: 32,
    SignatureAlgorithm.RSA_PSS_SHA256: 32,
}


def algorithm_of(private_key: PrivateKey) -> SignatureAlgorithm:
    """What a key signs with where nothing else is asked for; ``KEY_UNSUPPORTED`` for other curves and RSA under 2048 bits."""
    if isinstance(private_key, SM2PrivateKey):
        return SignatureAlgorithm.SM2_SM3
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return SignatureAlgorithm.ED25519
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        if isinstance(private_key.curve, ec.SECP256R1):
            return SignatureAlgorithm.ECDSA_SHA256
        if isinstance(private_key.curve, ec.SECP384R1):
            return SignatureAlgorithm.ECDSA_SHA384
        raise TrustError(Kind.UNACCEPTABLE, "KEY_UNSUPPORTED", curve=private_key.curve.name)
    if private_key.key_size < MIN_RSA_BITS:
        raise TrustError(Kind.UNACCEPTABLE, "KEY_UNSUPPORTED", rsa_bits=private_key.key_size, minimum=MIN_RSA_BITS)
    return SignatureAlgorithm.RSA_SHA256


def software_signer(
    private_key: PrivateKey, key_id: str, *, algorithm: SignatureAlgorithm | None = None, verify_after_sign: bool = False
) -> SoftwareSigner:
    """A signer over a key in memory. ``algorithm`` may ask for RSASSA-PSS; any other but the key's own is ``KEY_UNSUPPORTED``."""
    own = algorithm_of(private_key)
    chosen = algorithm or own
    if chosen is not own and (own, chosen) != (SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.RSA_PSS_SHA256):
        raise TrustError(Kind.UNACCEPTABLE, "KEY_UNSUPPORTED", key=own.value, algorithm=chosen.value)
    if isinstance(private_key, SM2PrivateKey):
        public = private_key.public_key
        return SoftwareSigner(
            key_id,
            chosen,
            public.spki_der,
            public.digest,
            private_key.sign_digest,
            public.verify_digest,
            verify_after_sign=verify_after_sign,
        )
    spki_der = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest: Callable[[bytes], bytes] | None = partial(digests.digest, digest_oid_of(chosen))
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        digest = None
        sign, verify = private_key.sign, private_key.public_key().verify
    elif isinstance(private_key, ec.EllipticCurvePrivateKey):
        curve_scheme = ec.ECDSA(Prehashed(hashes.SHA256() if chosen is SignatureAlgorithm.ECDSA_SHA256 else hashes.SHA384()))
        sign = partial(private_key.sign, signature_algorithm=curve_scheme)
        verify = partial(private_key.public_key().verify, signature_algorithm=curve_scheme)
    else:
        scheme: padding.AsymmetricPadding = padding.PKCS1v15()
        if chosen is SignatureAlgorithm.RSA_PSS_SHA256:
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        prehashed = Prehashed(hashes.SHA256())
        sign = partial(private_key.sign, padding=scheme, algorithm=prehashed)
        verify = partial(private_key.public_key().verify, padding=scheme, algorithm=prehashed)
    return SoftwareSigner(key_id, chosen, spki_der, digest, sign, _answers(verify), verify_after_sign=verify_after_sign)


def _answers(verify: Callable[[bytes, bytes], None]) -> Callable[[bytes, bytes], bool]:
    def is_good(signature: bytes, data: bytes) -> bool:
        try:
            verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return is_good
