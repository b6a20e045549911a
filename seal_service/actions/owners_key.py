"""Keys of seals that are not made here: those that owners keep in devices, known by certificate requests, and those that are taken over."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from crypto.certificate_requests import read_proven_request
from crypto.signatures import SignatureAlgorithm, SignatureCheck, verify_signature
from crypto.sm2 import SM2PublicKey
from seal_service.errors import import_key_refused, request_for_key_refused
from standards.errors import TrustError
from standards.gbt33560_oids import SM2_WITH_SM3
from standards.rfc5280_algorithms import algorithm

if TYPE_CHECKING:
    from crypto.signer import Signer
    from service_kit.composition import ServiceContext

PROOF_PREFIX: Final = b"yinxin: proof of possession of a seal's key\0"
OUTSIDE: Final = "outside-"  # in front of the name of a key that is not in the keystore


def read_owners_key(request_der: bytes) -> bytes:
    """The public key (SubjectPublicKeyInfo, DER) of a request (PKCS #10). SEAL_KEY_REQUEST_REFUSED unless it is of SM2 and proves itself."""
    try:
        spki_der = read_proven_request(request_der).spki_der
        SM2PublicKey.from_spki(spki_der)
    except TrustError as error:
        raise request_for_key_refused(error.code) from None
    return spki_der


def check_holds_key(signer: Signer, spki_der: bytes) -> None:
    """Have ``signer`` prove that it holds the key ``spki_der`` by signing what nobody has seen before. SEAL_IMPORT_KEY_REFUSED.

    What is signed is random, begins with a text no document begins with, and is thrown away: nothing is sealed by it.
    """
    challenge = PROOF_PREFIX + secrets.token_bytes(32)
    if signer.public_spki_der != spki_der or signer.algorithm is not SignatureAlgorithm.SM2_SM3:
        raise import_key_refused("another key")
    value = signer.sign(challenge)
    if verify_signature(spki_der, algorithm(SM2_WITH_SM3), challenge, value) is not SignatureCheck.GOOD:
        raise import_key_refused("its signature does not verify")


def make_key(context: ServiceContext, key_id: str, spki_der: bytes | None) -> tuple[bytes, Signer | None]:
    """The public key of a seal that is made: of a new key in the keystore with its signer, or of the owner's key without one."""
    if spki_der is not None:
        return spki_der, None
    signer = context.keystore.create(key_id, SignatureAlgorithm.SM2_SM3)
    return signer.public_spki_der, signer
