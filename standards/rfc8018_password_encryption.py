"""RFC 8018 (PKCS#5): PBES2 with PBKDF2, and the EncryptedPrivateKeyInfo of RFC 5958 that carries it.

Structures and limits only; the keys are derived in ``crypto/password_encryption.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError
from standards.rfc5280_algorithms import AlgorithmIdentifier, read_algorithm, write_algorithm

MAX_ITERATIONS: Final = 10_000_000  # seconds of one core; today's advice is 600,000 (OWASP, PBKDF2-HMAC-SHA256)
MAX_SALT_BYTES: Final = 1024  # 8 to 64 bytes in use
MAX_ENCRYPTED_BYTES: Final = 1 << 20  # a private key, or the bags of a key file with its certificates

CIPHER_KEY_BYTES: Final = {oids.SM4_CBC: 16, oids.AES128_CBC: 16, oids.AES192_CBC: 24, oids.AES256_CBC: 32}
PRF_OIDS: Final = frozenset({oids.HMAC_SM3, oids.HMAC_SM3_ALIAS, oids.HMAC_SHA1, oids.HMAC_SHA256, oids.HMAC_SHA384, oids.HMAC_SHA512})
IV_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Pbes2:
    """PBES2 parameters: PBKDF2 with ``salt``, ``iterations`` and the PRF, then a cipher in CBC mode with ``iv``."""

    salt: bytes
    iterations: int
    prf_oid: str
    cipher_oid: str
    iv: bytes

    @property
    def key_bytes(self) -> int:
        """The length of the key to derive."""
        return CIPHER_KEY_BYTES[self.cipher_oid]


def read_pbes2(algorithm: AlgorithmIdentifier) -> Pbes2:
    """The parameters of id-PBES2.

    Raises ``PASSWORD_SCHEME_UNKNOWN`` for another scheme, key derivation, PRF or cipher, ``PBKDF2_ITERATIONS`` and ``PBKDF2_SALT``
    over the limits, and ``PBES2_MALFORMED`` or a DER code.
    """
    if algorithm.oid != oids.PBES2 or algorithm.parameters_der is None:
        raise MalformedError("PASSWORD_SCHEME_UNKNOWN", scheme=algorithm.oid)
    parts = der.read_der(algorithm.parameters_der).children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("PBES2_MALFORMED", elements=len(parts))
    derivation, cipher = read_algorithm(parts[0]), read_algorithm(parts[1])
    if derivation.oid != oids.PBKDF2 or derivation.parameters_der is None:
        raise MalformedError("PASSWORD_SCHEME_UNKNOWN", derivation=derivation.oid)
    if cipher.oid not in CIPHER_KEY_BYTES or cipher.parameters_der is None:
        raise MalformedError("PASSWORD_SCHEME_UNKNOWN", cipher=cipher.oid)
    iv = der.read_der(cipher.parameters_der).octets()
    if len(iv) != IV_BYTES:
        raise MalformedError("PBES2_MALFORMED", iv_bytes=len(iv))
    salt, iterations, key_bytes, prf_oid = _read_pbkdf2(derivation.parameters_der)
    if key_bytes is not None and key_bytes != CIPHER_KEY_BYTES[cipher.oid]:
        raise MalformedError("PBES2_MALFORMED", key_bytes=key_bytes)
    return Pbes2(salt, iterations, prf_oid, cipher.oid, iv)


def _read_pbkdf2(parameters_der: bytes) -> tuple[bytes, int, int | None, str]:
    parts = der.read_der(parameters_der).children(der.SEQUENCE)
    if len(parts) < 2:
        raise MalformedError("PBES2_MALFORMED", elements=len(parts))
    salt, iterations, rest = parts[0].octets(), parts[1].integer(), parts[2:]
    if len(salt) > MAX_SALT_BYTES:
        raise MalformedError("PBKDF2_SALT", limit=MAX_SALT_BYTES, found=len(salt))
    if not 1 <= iterations <= MAX_ITERATIONS:
        raise MalformedError("PBKDF2_ITERATIONS", limit=MAX_ITERATIONS)
    key_bytes: int | None = None
    prf_oid = oids.HMAC_SHA1  # the default of the structure
    if rest and rest[0].tag == der.INTEGER:
        key_bytes = rest[0].integer()
        rest = rest[1:]
    if rest:
        prf = read_algorithm(rest[0])
        if prf.oid not in PRF_OIDS or not prf.has_no_parameters:
            raise MalformedError("PASSWORD_SCHEME_UNKNOWN", prf=prf.oid)
        prf_oid = prf.oid
        rest = rest[1:]
    if rest:
        raise MalformedError("PBES2_MALFORMED", elements=len(parts))
    return salt, iterations, key_bytes, prf_oid


def write_pbes2(scheme: Pbes2) -> bytes:
    """AlgorithmIdentifier of id-PBES2, with keyLength stated as GmSSL and Tongsuo write it."""
    derivation = der.sequence(
        der.octet_string(scheme.salt),
        der.integer(scheme.iterations),
        der.integer(scheme.key_bytes),
        write_algorithm(scheme.prf_oid, der.null()),
    )
    cipher = write_algorithm(scheme.cipher_oid, der.octet_string(scheme.iv))
    return write_algorithm(oids.PBES2, der.sequence(write_algorithm(oids.PBKDF2, derivation), cipher))


def read_encrypted_private_key_info(data: bytes) -> tuple[Pbes2, bytes]:
    """EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm, encryptedData OCTET STRING }: its scheme and its ciphertext.

    Raises ``ENCRYPTED_KEY_MALFORMED``, ``ENCRYPTED_KEY_TOO_LARGE`` or as :func:`read_pbes2`.
    """
    if len(data) > MAX_ENCRYPTED_BYTES:
        raise MalformedError("ENCRYPTED_KEY_TOO_LARGE", limit=MAX_ENCRYPTED_BYTES, found=len(data))
    parts = der.read_der(data).children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("ENCRYPTED_KEY_MALFORMED", elements=len(parts))
    return read_pbes2(read_algorithm(parts[0])), parts[1].octets()


def write_encrypted_private_key_info(scheme: Pbes2, ciphertext: bytes) -> bytes:
    """EncryptedPrivateKeyInfo in DER."""
    return der.sequence(write_pbes2(scheme), der.octet_string(ciphertext))


def is_encrypted_private_key_info(data: bytes) -> bool:
    """Whether ``data`` has the shape of EncryptedPrivateKeyInfo: PrivateKeyInfo begins with an INTEGER instead."""
    try:
        parts = der.read_der(data).children(der.SEQUENCE)
    except MalformedError:
        return False
    return len(parts) == 2 and parts[0].tag == der.SEQUENCE and parts[1].tag == der.OCTET_STRING
