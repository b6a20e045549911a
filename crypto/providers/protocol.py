"""What a provider of SM2 offers. ``crypto/sm2.py`` is the only caller and has checked every value before it gets here.

A provider works on handles: whatever its library keeps for a parsed key, with private numbers in the library's own memory. A handle
is used by several threads at once and in processes forked later; a provider that cannot bear that must not be written.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from standards.errors import Kind, TrustError

Handle = Any  # a native key as its own library shapes it


class Capability(StrEnum):
    """What a provider can be asked for."""

    VERIFY = "verify"
    SIGN = "sign"
    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    GENERATE = "generate"


ALL_CAPABILITIES = frozenset(Capability)


@runtime_checkable
class SM2Provider(Protocol):
    """SM2 over the recommended curve. All methods release the interpreter lock where the library is native.

    A failure of the library itself raises :class:`TrustError` ``CRYPTO_PROVIDER_FAILED``; a ciphertext whose check value does not
    match raises ``SM2_DECRYPT_FAILED``.
    """

    def __hash__(self) -> int:
        """Parsed keys are cached per provider."""
        ...

    @property
    def name(self) -> str:
        """Its name in settings."""
        ...

    @property
    def version(self) -> str:
        """What the library says about itself, with the file it was loaded from."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can be asked for; every other method raises ``CRYPTO_CAPABILITY_MISSING``."""
        ...

    def load_public(self, point: bytes) -> Handle:
        """A public key from 65 bytes that were checked to be a point of the curve."""
        ...

    def load_private(self, scalar: bytes) -> Handle:
        """A private key from 32 bytes that were checked to be in 1..n-2."""
        ...

    def generate(self) -> Handle:
        """A fresh private key from the library's random generator."""
        ...

    def point_of(self, private: Handle) -> bytes:
        """The 65 bytes of the public point that the library computes from the private key."""
        ...

    def scalar_of(self, private: Handle) -> bytes:
        """The 32 bytes of the private number, for writing an encrypted or sealed key and for nothing else."""
        ...

    def sign(self, private: Handle, e: bytes) -> bytes:
        """DER {r, s} over the 32 bytes e = SM3(Z_A ‖ M)."""
        ...

    def verify(self, public: Handle, signature_der: bytes, e: bytes) -> bool:
        """Whether a signature that the strict codec accepted belongs to e."""
        ...

    def encrypt(self, public: Handle, plaintext: bytes) -> bytes:
        """DER SM2Cipher."""
        ...

    def decrypt(self, private: Handle, ciphertext_der: bytes) -> bytes:
        """The plaintext of an SM2Cipher that the strict codec accepted, its C3 compared in constant time."""
        ...


class SM4GCM(Protocol):
    """SM4 in GCM mode. ``crypto/sm4.py`` is the only caller and has checked the lengths of key and nonce."""

    @property
    def name(self) -> str:
        """What it is called in logs."""
        ...

    @property
    def version(self) -> str:
        """What the library says about itself."""
        ...

    def sm4_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """The ciphertext followed by its 16-byte tag."""
        ...

    def sm4_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        """The plaintext, or ``None`` when the tag does not match. ``sealed`` has 16 bytes or more."""
        ...


def provider_failed(provider: str, operation: str, detail: str = "") -> TrustError:
    """The library refused something it must be able to do. ``detail`` is the library's own text, which names no key."""
    return TrustError(Kind.UNAVAILABLE, "CRYPTO_PROVIDER_FAILED", provider=provider, operation=operation, detail=detail)


def provider_missing(provider: str, reason: str) -> TrustError:
    """The library is not on this machine, or is there without SM2."""
    return TrustError(Kind.UNAVAILABLE, "CRYPTO_PROVIDER_MISSING", provider=provider, reason=reason)


def capability_missing(provider: str, capability: Capability) -> TrustError:
    """This provider does not do that by design."""
    return TrustError(Kind.UNAVAILABLE, "CRYPTO_CAPABILITY_MISSING", provider=provider, capability=capability.value)


def decrypt_failed() -> TrustError:
    """One error for every way in which a ciphertext does not open, so that none tells the sender more than another."""
    return TrustError(Kind.UNACCEPTABLE, "SM2_DECRYPT_FAILED")
