"""SM4 (GB/T 32907-2016) in CBC mode with PKCS#7 padding and in GCM mode (GB/T 36624, RFC 8998). The doorway to the provider of SM4.

CBC is for formats that demand it (encrypted PKCS#8, GB/T 35275) and proves nothing about its ciphertext: what must not be changed
unseen goes into GCM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto import providers
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from crypto.providers.protocol import SM4GCM

KEY_BYTES: Final = 16
BLOCK_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
BULK_BYTES: Final = 4096  # from where a second library pays; below, beginning a cipher is most of the work


def _gcm_of(size: int) -> SM4GCM:
    return providers.symmetric() if size < BULK_BYTES else providers.for_larger_values()


def _check_length(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise TrustError(Kind.UNACCEPTABLE, "SM4_LENGTH", part=name, expected=length, found=len(value))


def sm4_cbc_encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """SM4-CBC with PKCS#7 padding: always 1 to 16 bytes longer than ``plaintext``. ``iv`` is fresh and random for every message."""
    _check_length("key", key, KEY_BYTES)
    _check_length("iv", iv, BLOCK_BYTES)
    padding = BLOCK_BYTES - len(plaintext) % BLOCK_BYTES
    return providers.symmetric().sm4_cbc(key, iv, plaintext + bytes((padding,)) * padding, encrypt=True)


def sm4_cbc_decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """The plaintext with its padding removed; ``SM4_DECRYPT_FAILED`` when length or padding are wrong."""
    _check_length("key", key, KEY_BYTES)
    _check_length("iv", iv, BLOCK_BYTES)
    if not ciphertext or len(ciphertext) % BLOCK_BYTES:
        raise TrustError(Kind.UNACCEPTABLE, "SM4_DECRYPT_FAILED")
    padded = providers.symmetric().sm4_cbc(key, iv, ciphertext, encrypt=False)
    padding = padded[-1]
    if not 1 <= padding <= BLOCK_BYTES or padded[-padding:] != bytes((padding,)) * padding:
        raise TrustError(Kind.UNACCEPTABLE, "SM4_DECRYPT_FAILED")
    return padded[:-padding]


def sm4_gcm_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """Ciphertext followed by its 16-byte tag. A ``nonce`` of 12 bytes must never come twice under one key."""
    _check_length("key", key, KEY_BYTES)
    _check_length("nonce", nonce, NONCE_BYTES)
    return _gcm_of(len(plaintext)).sm4_gcm_seal(key, nonce, plaintext, aad)


def sm4_gcm_open(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """The plaintext of :func:`sm4_gcm_seal`; ``SM4_DECRYPT_FAILED`` when key, nonce, ciphertext, tag or ``aad`` are not the same."""
    _check_length("key", key, KEY_BYTES)
    _check_length("nonce", nonce, NONCE_BYTES)
    plaintext = _gcm_of(len(sealed)).sm4_gcm_open(key, nonce, sealed, aad) if len(sealed) >= TAG_BYTES else None
    if plaintext is None:
        raise TrustError(Kind.UNACCEPTABLE, "SM4_DECRYPT_FAILED")
    return plaintext
