"""The editions of a status list: JWT and CWT, each under ES256 and under SM2, all over the same bytes and the same times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cbor2

from crypto.cose import TYPE, sign_cose
from crypto.jose import TokenSigner, verification_key
from crypto.signatures import SignatureAlgorithm
from standards.ietf_status_list import CWT_TYPE, JWT_TYPE, StatusListClaims, write_cwt_claims, write_jwt_claims

if TYPE_CHECKING:
    from crypto.jose import VerificationKey
    from crypto.keystore import Keystore

ES256_KEY: Final = "licence-status-es256"
SM2_KEY: Final = "licence-status-sm2"
KEYS: Final = {ES256_KEY: SignatureAlgorithm.ECDSA_SHA256, SM2_KEY: SignatureAlgorithm.SM2_SM3}
"""Keys in the keystore that sign status lists."""


@dataclass(frozen=True, slots=True)
class StatusTokens:
    """The four tokens of one edition."""

    jwt_es256: str
    jwt_sm2: str
    cwt_es256: bytes
    cwt_sm2: bytes


def public_key(keystore: Keystore, key_id: str) -> VerificationKey:
    """A key as verifiers get it; its ``kid`` is its thumbprint."""
    return verification_key(keystore.signer(key_id).public_spki_der)


def sign_tokens(keystore: Keystore, claims: StatusListClaims, es256_key: str, sm2_key: str) -> StatusTokens:
    """Sign all four. ``es256_key``, ``sm2_key``: the keys that sign now, as the keystore names them."""
    return StatusTokens(
        jwt_es256=_jwt(keystore, es256_key, claims),
        jwt_sm2=_jwt(keystore, sm2_key, claims),
        cwt_es256=_cwt(keystore, es256_key, claims),
        cwt_sm2=_cwt(keystore, sm2_key, claims),
    )


def _jwt(keystore: Keystore, key_id: str, claims: StatusListClaims) -> str:
    signer = TokenSigner(keystore.signer(key_id), key_id=public_key(keystore, key_id).key_id, token_type=JWT_TYPE)
    return signer.sign(write_jwt_claims(claims))


def _cwt(keystore: Keystore, key_id: str, claims: StatusListClaims) -> bytes:
    payload = cbor2.dumps(write_cwt_claims(claims), canonical=True)
    return sign_cose(payload, keystore.signer(key_id), key_id=public_key(keystore, key_id).key_id.encode(), protected={TYPE: CWT_TYPE})
