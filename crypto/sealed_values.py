"""Single values sealed at rest (SM4-GCM), and keyed hashes to find them by: for columns that hold personal data or secrets of others.

A sealed value is bound to the place it was written for (table, column, row): moved elsewhere it does not open. Form: one octet of version,
twelve of nonce, ciphertext with tag.
"""

from __future__ import annotations

import os
from typing import Final

from crypto.sm3 import hmac_sm3
from crypto.sm4 import KEY_BYTES, NONCE_BYTES, TAG_BYTES, sm4_gcm_open, sm4_gcm_seal
from standards.errors import Kind, TrustError

SECRET_BYTES: Final = 32
_VERSION: Final = b"\x01"
_SEAL_LABEL: Final = b"yinxin sealed value v1"
_FIND_LABEL: Final = b"yinxin lookup hash v1"


class ValueSealer:
    """Seals, opens and hashes under keys derived from one secret (32 bytes, from the key store)."""

    __slots__ = ("_find_key", "_seal_key")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError("the secret has 32 bytes")
        self._seal_key = hmac_sm3(secret, _SEAL_LABEL)[:KEY_BYTES]
        self._find_key = hmac_sm3(secret, _FIND_LABEL)

    def __repr__(self) -> str:
        return "ValueSealer()"

    def seal(self, value: bytes, place: str) -> bytes:
        """The value sealed for ``place``, such as ``idp_accounts.name:pe_12``. Two sealings of one value never look alike."""
        nonce = os.urandom(NONCE_BYTES)
        return _VERSION + nonce + sm4_gcm_seal(self._seal_key, nonce, value, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """The value; ``SEALED_VALUE_DAMAGED`` where it was altered, moved from another place or sealed under another secret."""
        head = len(_VERSION) + NONCE_BYTES
        if len(sealed) < head + TAG_BYTES or sealed[:1] != _VERSION:
            raise TrustError(Kind.UNAVAILABLE, "SEALED_VALUE_DAMAGED", place=place)
        try:
            return sm4_gcm_open(self._seal_key, sealed[1:head], sealed[head:], place.encode())
        except TrustError:
            raise TrustError(Kind.UNAVAILABLE, "SEALED_VALUE_DAMAGED", place=place) from None

    def find(self, value: bytes, domain: str) -> bytes:
        """A keyed hash (HMAC-SM3, 32 bytes) to look a value up by. The same value under two ``domain``s cannot be linked."""
        label = domain.encode()
        return hmac_sm3(self._find_key, len(label).to_bytes(2, "big") + label + value)
