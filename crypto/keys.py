"""Keys in and out of files: PKCS#8, SEC 1 and PKCS#1 private keys, PKCS#12, in PEM or DER.

SM2 is read by ourselves, since ``cryptography`` does not know its curve; what the structure is and how it is protected is read by
ourselves for all kinds, and the number crunching of RSA, EC and Ed25519 keys is left to ``cryptography``.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from crypto.password_encryption import decrypt_private_key, password_wrong, pbes2_decrypt, pkcs12_mac
from crypto.sm2 import SM2PrivateKey
from standards import gbt33560_oids as oids
from standards import rfc7292_pkcs12 as pkcs12
from standards import rfc7468_pem as pem
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc5958_private_keys import is_sm2_key, read_ec_private_key, read_private_key_info
from standards.rfc8018_password_encryption import MAX_ITERATIONS, is_encrypted_private_key_info, read_pbes2

if TYPE_CHECKING:
    from crypto.signer import PrivateKey

_PRIVATE_LABELS: Final = frozenset({pem.PRIVATE_KEY, pem.ENCRYPTED_PRIVATE_KEY, pem.EC_PRIVATE_KEY, pem.RSA_PRIVATE_KEY})
MAX_PASSWORD_BYTES: Final = 1024  # a passphrase; longer input costs hashing time and nothing else


def read_private_key(data: bytes, password: bytes | None = None) -> PrivateKey:
    """The one private key in ``data``, PEM or DER: PKCS#8 plain or encrypted (PBES2), SEC 1 (EC, SM2) or PKCS#1 (RSA).

    Raises ``PASSWORD_NEEDED``, ``PASSWORD_WRONG``, ``PASSWORD_SCHEME_UNKNOWN``, ``KEY_UNSUPPORTED``, ``PRIVATE_KEY_COUNT`` when a PEM
    file has none or several, the codes of :class:`SM2PrivateKey`, or a code of a reader. A password that is not needed is ignored.
    """
    encoded = data
    if pem.is_pem(data):
        found = [content for label, content in pem.read_pem(data) if label in _PRIVATE_LABELS]
        if len(found) != 1:
            raise MalformedError("PRIVATE_KEY_COUNT", expected=1, found=len(found))
        encoded = found[0]
    if is_encrypted_private_key_info(encoded):
        if password is None:
            raise TrustError(Kind.UNACCEPTABLE, "PASSWORD_NEEDED")
        encoded = decrypt_private_key(encoded, password)
    return _read_plain(encoded)


def _read_plain(encoded: bytes) -> PrivateKey:
    try:
        info = read_private_key_info(encoded)
    except MalformedError:
        sm2_key = _read_sec1_sm2(encoded)
        if sm2_key is not None:
            return sm2_key
    else:
        if is_sm2_key(info):
            return SM2PrivateKey.from_pkcs8(encoded)
    try:
        key = load_der_private_key(encoded, None)
    except UnsupportedAlgorithm:
        raise TrustError(Kind.UNACCEPTABLE, "KEY_UNSUPPORTED") from None
    except (ValueError, TypeError):
        raise MalformedError("PRIVATE_KEY_MALFORMED") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise TrustError(Kind.UNACCEPTABLE, "KEY_UNSUPPORTED", key=type(key).__name__)
    return key


def _read_sec1_sm2(encoded: bytes) -> SM2PrivateKey | None:
    try:
        inner = read_ec_private_key(encoded)
    except MalformedError:
        return None
    return SM2PrivateKey.from_scalar(inner.scalar, inner.public_bits) if inner.curve_oid == oids.SM2_CURVE else None


def write_private_key(private_key: PrivateKey) -> bytes:
    """PKCS#8 in DER without protection: for sealed stores and encrypted containers, never for a file of its own."""
    if isinstance(private_key, SM2PrivateKey):
        return private_key.to_pkcs8()
    return private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki_of(private_key: PrivateKey) -> bytes:
    """SubjectPublicKeyInfo of a private key's public half, in DER."""
    if isinstance(private_key, SM2PrivateKey):
        return private_key.public_key.spki_der
    return private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def read_pkcs12(data: bytes, password: bytes) -> tuple[PrivateKey, list[bytes]]:
    """The private key and the certificates (DER, the key's own first) of a PKCS#12 file in DER or BER.

    The password's integrity check comes first: ``PASSWORD_WRONG`` when it fails, ``PKCS12_MAC_MISSING`` where there is none to make.
    Bags are plain or under PBES2; older schemes (RC2, 3DES) are ``PASSWORD_SCHEME_UNKNOWN``. ``PRIVATE_KEY_COUNT`` unless there is
    exactly one key.
    """
    if len(password) > MAX_PASSWORD_BYTES:
        raise password_wrong()
    pfx = pkcs12.read_pfx(data)
    if pfx.mac is None:
        raise TrustError(Kind.UNACCEPTABLE, "PKCS12_MAC_MISSING")
    try:
        text = password.decode()
    except UnicodeDecodeError:
        raise password_wrong() from None
    expected = pkcs12_mac(pfx.mac.digest_oid, text, pfx.mac.salt, pfx.mac.iterations, pfx.content)
    if not hmac.compare_digest(expected, pfx.mac.value):
        raise password_wrong()
    keys: list[pkcs12.Bag] = []
    certificates: list[bytes] = []
    safes = [
        (safe, None if safe.encryption is None else read_pbes2(safe.encryption)) for safe in pkcs12.read_authenticated_safe(pfx.content)
    ]
    if (
        sum(scheme.iterations for _, scheme in safes if scheme is not None) > MAX_ITERATIONS
    ):  # each part may not cost as much as a whole file
        raise MalformedError("PBKDF2_ITERATIONS", limit=MAX_ITERATIONS)
    for safe, scheme in safes:
        content = safe.content if scheme is None else pbes2_decrypt(scheme, password, safe.content)
        for bag in pkcs12.read_bags(content):
            if bag.kind == pkcs12.CERTIFICATE_BAG:
                certificates.append(bag.content)
            else:
                keys.append(bag)
    if len(keys) != 1:
        raise MalformedError("PRIVATE_KEY_COUNT", expected=1, found=len(keys))
    [bag] = keys
    private_key = _read_plain(bag.content if bag.kind == pkcs12.KEY_BAG else decrypt_private_key(bag.content, password))
    spki_der = spki_of(private_key)
    return private_key, sorted(certificates, key=lambda certificate: spki_der not in certificate)
