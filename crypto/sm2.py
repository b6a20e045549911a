"""SM2 keys (GB/T 32918): sign and verify with the user id, encrypt and decrypt. The doorway to the providers of SM2.

Whatever a library would let through is stopped here, the same for every provider: the DER of signatures and ciphertexts is strict,
points lie on the curve, private numbers are in range and belong to the public point stated beside them, and Z_A is ours. The private
number lives in the library's memory; it leaves it only into an encrypted or sealed key.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn

from crypto import password_encryption, providers
from crypto.providers.protocol import Capability, Handle, SM2Provider, capability_missing
from crypto.sm3 import sm3, sm3_of_joined
from standards import gbt32918_sm2 as sm2
from standards.errors import Kind, MalformedError, TrustError
from standards.gbt32918_sm2 import DEFAULT_ID
from standards.rfc5280_algorithms import read_spki
from standards.rfc5958_private_keys import (
    is_sm2_key,
    read_ec_private_key,
    read_private_key_info,
    write_sm2_private_key,
    write_sm2_spki,
)

if TYPE_CHECKING:
    from crypto.password_encryption import Prf

__all__ = ["DEFAULT_ID", "SM2PrivateKey", "SM2PublicKey", "describe_providers"]

E_BYTES: Final = 32
MAX_CACHED_KEYS: Final = 1024  # parsed public keys, about a kilobyte each
MAX_CACHED_IDS: Final = 8  # nearly always one, the default


def describe_providers() -> dict[str, str]:
    """What does SM2, with private keys too, and what SM3 and SM4, in this process: name, version and file, for a health report. Loads them
    if need be.
    """
    found, private, larger = providers.current(), providers.for_private_keys(), providers.for_larger_values()
    return {
        "sm2": f"{found.sm2.name}: {found.sm2.version}",
        "sm2_capabilities": ", ".join(sorted(found.sm2.capabilities)),
        "sm2_private_keys": f"{private.name}: {private.version}",
        "sm3_sm4": f"{found.symmetric.name}: {found.symmetric.version}",
        "sm4_larger_values": f"{larger.name}: {larger.version}",
    }


class SM2PublicKey:
    """A public key: checked once, parsed once, usable by any number of threads."""

    __slots__ = ("_handle", "_provider", "_z_a", "point")

    def __init__(self, point: bytes, handle: Handle, provider: SM2Provider) -> None:
        """Use :meth:`from_point` or :meth:`from_spki`, which check and cache."""
        self.point: Final = point
        self._handle: Final = handle
        self._provider: Final = provider
        self._z_a: Final[dict[bytes, bytes]] = {}

    @classmethod
    def from_point(cls, point: bytes, provider: SM2Provider | None = None) -> SM2PublicKey:
        """From 64 bytes x ‖ y or 65 with 04 in front; ``SM2_POINT_ENCODING`` or ``SM2_POINT_OFF_CURVE`` for anything else."""
        return _public_key(sm2.write_point(*sm2.read_point(point)), provider or providers.current().sm2)

    @classmethod
    def from_spki(cls, spki_der: bytes, provider: SM2Provider | None = None) -> SM2PublicKey:
        """From SubjectPublicKeyInfo in DER; ``SM2_KEY_EXPECTED`` when it is a key of another kind."""
        return _public_key_of_spki(spki_der, provider or providers.current().sm2)

    @property
    def spki_der(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        return write_sm2_spki(self.point)

    def z_a(self, uid: bytes = DEFAULT_ID) -> bytes:
        """Z_A of this key under a user id, 32 bytes (GB/T 32918.2-2016, 5.5)."""
        found = self._z_a.get(uid)
        if found is None:
            found = sm3(sm2.z_a_input(uid, self.point))
            if len(self._z_a) < MAX_CACHED_IDS:
                self._z_a[uid] = found
        return found

    def digest(self, message: bytes | memoryview, uid: bytes = DEFAULT_ID) -> bytes:
        """The 32 bytes e = SM3(Z_A ‖ M), the message read where it lies."""
        return sm3_of_joined(self.z_a(uid), message)

    def verify(self, signature_der: bytes, message: bytes | memoryview, uid: bytes = DEFAULT_ID) -> bool:
        """Whether this key signed ``message`` under ``uid``. Anything malformed is False, never an exception."""
        if len(uid) > sm2.MAX_ID_BYTES:
            return False
        return self.verify_digest(signature_der, self.digest(message, uid))

    def verify_digest(self, signature_der: bytes, e: bytes) -> bool:
        """Whether this key signed the 32 bytes ``e``."""
        if len(e) != E_BYTES:
            return False
        try:
            sm2.read_signature(signature_der)
        except MalformedError:
            return False
        return self._provider.verify(self._handle, signature_der, e)

    def encrypt(self, plaintext: bytes) -> bytes:
        """SM2Cipher in DER of 1 to ``MAX_PLAINTEXT_BYTES`` bytes, else ``SM2_PLAINTEXT_LENGTH`` (GB/T 32918.4-2016, 6.1)."""
        if not 1 <= len(plaintext) <= sm2.MAX_PLAINTEXT_BYTES:
            raise TrustError(Kind.UNACCEPTABLE, "SM2_PLAINTEXT_LENGTH", limit=sm2.MAX_PLAINTEXT_BYTES, found=len(plaintext))
        if Capability.ENCRYPT not in self._provider.capabilities:
            raise capability_missing(self._provider.name, Capability.ENCRYPT)
        ciphertext_der = self._provider.encrypt(self._handle, plaintext)
        sm2.read_ciphertext(ciphertext_der)
        return ciphertext_der

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SM2PublicKey) and other.point == self.point

    def __hash__(self) -> int:
        return hash(self.point)

    def __repr__(self) -> str:
        return f"SM2PublicKey({self.point.hex()})"

    def __reduce__(self) -> tuple[object, ...]:
        return SM2PublicKey.from_point, (self.point,)


@lru_cache(maxsize=MAX_CACHED_KEYS)
def _public_key(point: bytes, provider: SM2Provider) -> SM2PublicKey:
    return SM2PublicKey(point, provider.load_public(point), provider)


@lru_cache(maxsize=MAX_CACHED_KEYS)
def _public_key_of_spki(spki_der: bytes, provider: SM2Provider) -> SM2PublicKey:
    info = read_spki(spki_der)
    if not is_sm2_key(info):
        raise TrustError(Kind.UNACCEPTABLE, "SM2_KEY_EXPECTED", algorithm=info.algorithm.oid)
    if len(info.key_bits) != sm2.POINT_BYTES:
        raise MalformedError("SM2_POINT_ENCODING", length=len(info.key_bits))
    return SM2PublicKey.from_point(info.key_bits, provider)


class SM2PrivateKey:
    """A private key. Nothing but :meth:`to_pkcs8` gives its number away; ``repr``, ``str``, ``copy`` and ``pickle`` do not."""

    __slots__ = ("_handle", "_provider", "public_key")

    def __init__(self, handle: Handle, provider: SM2Provider, verifying: SM2Provider | None = None) -> None:
        """Use :meth:`generate`, :meth:`from_scalar` or :meth:`from_pkcs8`, which check. ``verifying``: what the public key is used with, where
        that is another provider.
        """
        self._handle: Final = handle
        self._provider: Final = provider
        self.public_key: Final = SM2PublicKey.from_point(provider.point_of(handle), verifying or provider)

    @classmethod
    def generate(cls, provider: SM2Provider | None = None) -> SM2PrivateKey:
        """A fresh key, its number from the provider's random generator and checked to be in 1..n-2."""
        chosen = _able(provider or providers.for_private_keys(), Capability.GENERATE)
        handle = chosen.generate()
        sm2.check_scalar(chosen.scalar_of(handle))
        return cls(handle, chosen, provider or providers.current().sm2)

    @classmethod
    def from_scalar(cls, scalar: bytes, point: bytes | None = None, provider: SM2Provider | None = None) -> SM2PrivateKey:
        """From the 32 bytes of d in 1..n-2 (else ``SM2_PRIVATE_KEY_RANGE``).

        Where ``point`` is given it must be the public point of d, else ``SM2_KEY_PAIR_MISMATCH``: signatures made with such a pair
        verify under no key.
        """
        sm2.check_scalar(scalar)
        chosen = _able(provider or providers.for_private_keys(), Capability.SIGN)
        key = cls(chosen.load_private(scalar), chosen, provider or providers.current().sm2)
        if point is not None and sm2.write_point(*sm2.read_point(point)) != key.public_key.point:
            raise TrustError(Kind.UNACCEPTABLE, "SM2_KEY_PAIR_MISMATCH")
        return key

    @classmethod
    def from_pkcs8(cls, data: bytes, password: bytes | None = None, provider: SM2Provider | None = None) -> SM2PrivateKey:
        """From PKCS#8 in DER, encrypted (PBES2) when ``password`` is given.

        Raises ``SM2_KEY_EXPECTED`` for a key of another kind, ``PASSWORD_WRONG`` when it does not open, ``SM2_PRIVATE_KEY_RANGE`` and
        ``SM2_KEY_PAIR_MISMATCH`` as :meth:`from_scalar`.
        """
        info = read_private_key_info(data if password is None else password_encryption.decrypt_private_key(data, password))
        if not is_sm2_key(info):
            raise TrustError(Kind.UNACCEPTABLE, "SM2_KEY_EXPECTED", algorithm=info.algorithm.oid)
        inner = read_ec_private_key(info.key_octets)
        point = inner.public_bits if inner.public_bits is not None else info.public_bits
        return cls.from_scalar(inner.scalar, point, provider)

    def sign(self, message: bytes | memoryview, uid: bytes = DEFAULT_ID) -> bytes:
        """DER {r, s} over ``message`` under ``uid`` (at most 8,191 bytes, else ``SM2_ID_TOO_LONG``)."""
        return self.sign_digest(self.public_key.digest(message, uid))

    def sign_digest(self, e: bytes) -> bytes:
        """DER {r, s} over the 32 bytes e = SM3(Z_A ‖ M); ``SM2_DIGEST_LENGTH`` for another length."""
        if len(e) != E_BYTES:
            raise TrustError(Kind.UNACCEPTABLE, "SM2_DIGEST_LENGTH", expected=E_BYTES, found=len(e))
        signature_der = self._provider.sign(self._handle, e)
        sm2.read_signature(signature_der)
        return signature_der

    def decrypt(self, ciphertext_der: bytes) -> bytes:
        """The plaintext of an SM2Cipher; ``SM2_DECRYPT_FAILED`` when its check value C3 does not match, or a code of its reader."""
        sm2.read_ciphertext(ciphertext_der)
        return self._provider.decrypt(self._handle, ciphertext_der)

    def to_pkcs8(self, password: bytes | None = None, *, prf: Prf | None = None) -> bytes:
        """PKCS#8 in DER; with a password EncryptedPrivateKeyInfo by PBES2 with HMAC-SM3 and SM4-CBC.

        Without a password these bytes are the bare key: they belong into a sealed store and nowhere else.
        """
        encoded = write_sm2_private_key(self._provider.scalar_of(self._handle), self.public_key.point)
        if password is None:
            return encoded
        return password_encryption.encrypt_private_key(encoded, password, prf=prf or password_encryption.Prf.HMAC_SM3)

    def __repr__(self) -> str:
        return f"SM2PrivateKey(public={self.public_key.point.hex()})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a private key is neither copied nor pickled")


def _able(provider: SM2Provider, capability: Capability) -> SM2Provider:
    if capability not in provider.capabilities:
        raise capability_missing(provider.name, capability)
    return provider
