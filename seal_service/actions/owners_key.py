"""A key that its owner keeps in a device: known by the certificate request that the device made, which proves that it has the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.certificate_requests import read_proven_request
from crypto.signatures import SignatureAlgorithm
from crypto.sm2 import SM2PublicKey
from seal_service.errors import request_for_key_refused
from standards.errors import TrustError

if TYPE_CHECKING:
    from crypto.signer import Signer
    from service_kit.composition import ServiceContext

OUTSIDE: Final = "outside-"  # in front of the name of a key that is not in the keystore


def read_owners_key(request_der: bytes) -> bytes:
    """The public key (SubjectPublicKeyInfo, DER) of a request (PKCS #10). SEAL_KEY_REQUEST_REFUSED unless it is of SM2 and proves itself."""
    try:
        spki_der = read_proven_request(request_der).spki_der
        SM2PublicKey.from_spki(spki_der)
    except TrustError as error:
        raise request_for_key_refused(error.code) from None
    return spki_der


def make_key(context: ServiceContext, key_id: str, spki_der: bytes | None) -> tuple[bytes, Signer | None]:
    """The public key of a seal that is made: of a new key in the keystore with its signer, or of the owner's key without one."""
    if spki_der is not None:
        return spki_der, None
    signer = context.keystore.create(key_id, SignatureAlgorithm.SM2_SM3)
    return signer.public_spki_der, signer
