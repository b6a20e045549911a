"""The verify-only provider of last resort: ``gmssl`` 3.2.2 in pure Python, where no native library with SM2 exists.

It never signs, decrypts or makes keys: its nonces come from a generator that can be predicted, it ignores the check value of a
ciphertext, and it damages public keys that it is given in their usual form. Verifying works on public numbers alone, and the strict
codec, the range and the curve checks that it lacks stand in front of it. It is slow (about sixty verifications a second).
"""

from __future__ import annotations

from typing import Final, NoReturn

from crypto.providers.protocol import Capability, Handle, capability_missing, provider_missing
from standards.gbt32918_sm2 import read_signature


class GmsslVerify:
    """Verification by ``gmssl``."""

    name: Final = "gmssl"
    capabilities: Final[frozenset[Capability]] = frozenset({Capability.VERIFY})

    def __init__(self) -> None:
        """``CRYPTO_PROVIDER_MISSING`` where the optional package is not installed."""
        try:
            from gmssl.sm2 import CryptSM2
        except ImportError:
            raise provider_missing(self.name, "the optional package gmssl is not installed") from None
        self._engine: Final = CryptSM2
        self.version: Final = "gmssl, pure Python, verification only"

    def load_public(self, point: bytes) -> Handle:
        """The 128 hexadecimal digits of x ‖ y, set past the constructor: it strips every leading 0 and 4 of a key that begins with 04."""
        engine = self._engine(private_key="", public_key="")
        engine.public_key = point[1:].hex()
        return engine

    def verify(self, public: Handle, signature_der: bytes, e: bytes) -> bool:
        """``CryptSM2.verify`` over raw r ‖ s."""
        r, s = read_signature(signature_der)
        try:
            return bool(public.verify(f"{r:064x}{s:064x}", e))
        except TypeError:
            return False  # sG + tP is the point at infinity, for which gmssl has no representation: such a signature is not valid

    def load_private(self, scalar: bytes) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused: this provider never holds a private key."""
        raise capability_missing(self.name, Capability.SIGN)

    def generate(self) -> NoReturn:
        """Refused."""
        raise capability_missing(self.name, Capability.GENERATE)

    def point_of(self, private: Handle) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused."""
        raise capability_missing(self.name, Capability.SIGN)

    def scalar_of(self, private: Handle) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused."""
        raise capability_missing(self.name, Capability.SIGN)

    def sign(self, private: Handle, e: bytes) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused."""
        raise capability_missing(self.name, Capability.SIGN)

    def encrypt(self, public: Handle, plaintext: bytes) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused."""
        raise capability_missing(self.name, Capability.ENCRYPT)

    def decrypt(self, private: Handle, ciphertext_der: bytes) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused."""
        raise capability_missing(self.name, Capability.DECRYPT)
