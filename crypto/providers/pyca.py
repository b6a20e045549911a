"""SM3 and SM4 from ``cryptography``, whose wheels carry their own OpenSSL: the same code on every platform, whatever the system has.

``hashlib`` is not used for SM3 because it knows the algorithm only where the interpreter was built against a library that does.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from crypto.providers.protocol import provider_missing

GCM_TAG_BYTES: Final = 16

_SM3: Final = hashes.SM3()
_BEGUN: Final = hashes.Hash(_SM3)  # nothing is ever put into it: a copy costs a third less than a new one


class Pyca:
    """SM3, HMAC-SM3, PBKDF2-HMAC-SM3, SM4-CBC and SM4-GCM. All of them release the interpreter lock on large inputs."""

    name: Final = "cryptography"

    def __init__(self) -> None:
        """``CRYPTO_PROVIDER_MISSING`` where ``cryptography`` was built on a library without SM3 or SM4."""
        self.version: Final = backend.openssl_version_text()
        try:
            hashes.Hash(_SM3)
            Cipher(SM4(bytes(16)), modes.GCM(bytes(12))).encryptor()
        except UnsupportedAlgorithm as error:
            raise provider_missing(self.name, str(error)) from None

    @staticmethod
    def new_sm3() -> hashes.Hash:
        """A running SM3 (``update``, ``copy``, ``finalize``)."""
        return _BEGUN.copy()

    @staticmethod
    def hmac_sm3(key: bytes, data: bytes | bytearray | memoryview) -> bytes:
        """HMAC-SM3, 32 bytes."""
        mac = HMAC(key, _SM3)
        mac.update(data)
        return mac.finalize()

    @staticmethod
    def pbkdf2_hmac_sm3(password: bytes, salt: bytes, iterations: int, length: int) -> bytes:
        """PBKDF2 with HMAC-SM3."""
        return PBKDF2HMAC(_SM3, length, salt, iterations).derive(password)

    @staticmethod
    def sm4_cbc(key: bytes, iv: bytes, blocks: bytes, *, encrypt: bool) -> bytes:
        """SM4-CBC over whole blocks."""
        cipher = Cipher(SM4(key), modes.CBC(iv))
        context = cipher.encryptor() if encrypt else cipher.decryptor()
        return context.update(blocks) + context.finalize()

    @staticmethod
    def sm4_gcm_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """SM4-GCM, the ciphertext followed by its 16-byte tag."""
        context = Cipher(SM4(key), modes.GCM(nonce)).encryptor()
        context.authenticate_additional_data(aad)
        return context.update(plaintext) + context.finalize() + context.tag

    @staticmethod
    def sm4_gcm_open(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        """The plaintext, or ``None`` when the tag does not match."""
        context = Cipher(SM4(key), modes.GCM(nonce, sealed[-GCM_TAG_BYTES:])).decryptor()
        context.authenticate_additional_data(aad)
        try:
            return context.update(sealed[:-GCM_TAG_BYTES]) + context.finalize()
        except (InvalidTag, ValueError):
            # ``cryptography`` tells the two apart by its library's error queue, in which others of this thread may have left something
            return None
