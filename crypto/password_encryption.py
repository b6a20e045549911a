"""Keys under a password: PBES2 (RFC 8018) and the key derivation of PKCS#12 (RFC 7292, appendix B).

Written is PBES2 with PBKDF2-HMAC-SM3 and SM4-CBC. Read are these and the AES forms in common use.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from crypto.digests import digest
from crypto.sm3 import hmac_sm3, pbkdf2_hmac_sm3
from crypto.sm4 import sm4_cbc_decrypt, sm4_cbc_encrypt
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc5958_private_keys import read_private_key_info
from standards.rfc8018_password_encryption import (
    IV_BYTES,
    Pbes2,
    read_encrypted_private_key_info,
    write_encrypted_private_key_info,
)

WRITTEN_ITERATIONS: Final = 600_000  # OWASP's advice for PBKDF2-HMAC-SHA256, to which SM3 is comparable; about 0.25 s
SALT_BYTES: Final = 16

_HASHLIB_PRFS: Final = {oids.HMAC_SHA1: "sha1", oids.HMAC_SHA256: "sha256", oids.HMAC_SHA384: "sha384", oids.HMAC_SHA512: "sha512"}
_HASHLIB_MACS: Final = {oids.SHA1: "sha1", oids.SHA256: "sha256", oids.SHA384: "sha384", oids.SHA512: "sha512"}
_BLOCK_BYTES: Final = {oids.SHA1: 64, oids.SHA256: 64, oids.SM3: 64, oids.SHA384: 128, oids.SHA512: 128}


class Prf(StrEnum):
    """Which identifier is written for HMAC-SM3."""

    HMAC_SM3 = oids.HMAC_SM3  # read by GmSSL
    HMAC_SM3_TONGSUO = oids.HMAC_SM3_ALIAS  # read by Tongsuo


def password_wrong() -> TrustError:
    """The password does not open it, or what it opened was changed: the two cannot be told apart."""
    return TrustError(Kind.UNACCEPTABLE, "PASSWORD_WRONG")


def derive_key(scheme: Pbes2, password: bytes) -> bytes:
    """The cipher key of a PBES2 scheme."""
    name = _HASHLIB_PRFS.get(scheme.prf_oid)
    if name is None:
        return pbkdf2_hmac_sm3(password, scheme.salt, scheme.iterations, scheme.key_bytes)
    return hashlib.pbkdf2_hmac(name, password, scheme.salt, scheme.iterations, scheme.key_bytes)


def pbes2_decrypt(scheme: Pbes2, password: bytes, ciphertext: bytes) -> bytes:
    """The plaintext; ``PASSWORD_WRONG`` when the padding shows that the key was not the right one."""
    if not ciphertext or len(ciphertext) % IV_BYTES:
        raise MalformedError("PBES2_MALFORMED", ciphertext_bytes=len(ciphertext))
    key = derive_key(scheme, password)
    if scheme.cipher_oid == oids.SM4_CBC:
        try:
            return sm4_cbc_decrypt(key, scheme.iv, ciphertext)
        except TrustError:
            raise password_wrong() from None
    context = Cipher(AES(key), modes.CBC(scheme.iv)).decryptor()
    padded = context.update(ciphertext) + context.finalize()
    padding = padded[-1]
    if not 1 <= padding <= IV_BYTES or padded[-padding:] != bytes((padding,)) * padding:
        raise password_wrong()
    return padded[:-padding]


def encrypt_private_key(pkcs8_der: bytes, password: bytes, *, prf: Prf = Prf.HMAC_SM3, iterations: int = WRITTEN_ITERATIONS) -> bytes:
    """EncryptedPrivateKeyInfo in DER: PBES2 with PBKDF2-HMAC-SM3 and SM4-CBC under a fresh salt and IV."""
    scheme = Pbes2(os.urandom(SALT_BYTES), iterations, prf.value, oids.SM4_CBC, os.urandom(IV_BYTES))
    return write_encrypted_private_key_info(scheme, sm4_cbc_encrypt(derive_key(scheme, password), scheme.iv, pkcs8_der))


def decrypt_private_key(data: bytes, password: bytes) -> bytes:
    """The PKCS#8 inside an EncryptedPrivateKeyInfo; ``PASSWORD_WRONG`` when what comes out is no private key."""
    scheme, ciphertext = read_encrypted_private_key_info(data)
    plaintext = pbes2_decrypt(scheme, password, ciphertext)
    try:
        read_private_key_info(plaintext)
    except MalformedError:
        raise password_wrong() from None
    return plaintext


def pkcs12_mac(digest_oid: str, password: str, salt: bytes, iterations: int, content: bytes) -> bytes:
    """The HMAC over the authenticated safe of a PKCS#12 file (RFC 7292, 4 and appendix B, purpose 3).

    ``digest_oid`` is SHA-1, SHA-256, SHA-384, SHA-512 or SM3, else ``PASSWORD_SCHEME_UNKNOWN``. SHA-1 is read because most files of
    the last twenty years have it; as the inner function of an HMAC it is not broken.
    """
    if digest_oid not in _BLOCK_BYTES:
        raise MalformedError("PASSWORD_SCHEME_UNKNOWN", digest=digest_oid)
    key = _pkcs12_key(digest_oid, password.encode("utf-16-be") + b"\0\0", salt, iterations)
    if digest_oid == oids.SM3:
        return hmac_sm3(key, content)
    return hmac.digest(key, content, _HASHLIB_MACS[digest_oid])


def _pkcs12_key(digest_oid: str, password: bytes, salt: bytes, iterations: int) -> bytes:
    """One digest's length of key material for purpose 3 (MAC): the case of appendix B.2 in which a single block is enough."""
    block = _BLOCK_BYTES[digest_oid]
    value = digest(digest_oid, b"\x03" * block + _filled(salt, block) + _filled(password, block))
    for _ in range(iterations - 1):
        value = digest(digest_oid, value)
    return value


def _filled(part: bytes, block: int) -> bytes:
    """Copies of ``part`` up to the next multiple of the block length; nothing stays nothing."""
    if not part:
        return b""
    length = block * -(-len(part) // block)
    return (part * (length // len(part) + 1))[:length]
