"""A wallet for tests: its key, what it shows of a credential, and what an attacker makes of it. An issuer beside it, in both lanes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.jose import TokenSigner, VerificationKey, read_base64url, verification_key, write_base64url, write_jwk
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from licence_vault.credentials.lanes import LANES, Lane, LaneName
from licence_vault.credentials.sd_jwt_vc import TOKEN_TYPE, vct_of, write_credential
from standards.rfc9901_sd_jwt import Combined, digest_of, read_combined, read_disclosure
from tests.licence_vault.samples import TYPE_CODE, sample_licence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crypto.signer import Signer
    from licence_vault.model import LicenceData

AT = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
BASE = "https://licences.example"
VCT = vct_of(BASE, TYPE_CODE)
AUDIENCE = "redirect_uri:https://verifier.example/answer"
NONCE = "n-0S6_WzA2Mj"


@dataclass(frozen=True)
class Key:
    """A key pair of a lane."""

    signer: Signer
    public: VerificationKey

    @property
    def jwk(self) -> dict[str, Any]:
        return {name: value for name, value in write_jwk(self.public).items() if name in {"kty", "crv", "x", "y"}}

    def sign_raw(self, header: Mapping[str, Any], claims: object) -> str:
        """A JWS with any header and any payload, signed rightly."""
        head = write_base64url(json.dumps(header).encode())
        body = write_base64url(claims if isinstance(claims, bytes) else json.dumps(claims).encode())
        r, s = decode_dss_signature(self.signer.sign(f"{head}.{body}".encode()))
        return f"{head}.{body}." + write_base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@cache
def key_of(name: LaneName, owner: str) -> Key:
    """The key pair of ``owner`` in a lane; the same at every call."""
    private = SM2PrivateKey.generate() if name is LaneName.SM2 else ec.generate_private_key(ec.SECP256R1())
    signer = software_signer(private, f"{owner}-{name}")
    return Key(signer, verification_key(signer.public_spki_der, f"{owner}-{name}"))


def issuers_of(name: LaneName) -> dict[str, dict[str, VerificationKey]]:
    public = key_of(name, "issuer").public
    return {BASE: {public.key_id: public}}


def issue(
    name: LaneName = LaneName.ES256,
    *,
    data: LicenceData | None = None,
    holder: str = "holder",
    issuer_name: str = BASE,
    signed_by: Key | None = None,
    issued_at: datetime = AT - timedelta(days=1),
    expires_at: datetime = AT + timedelta(days=30),
    decoys: Callable[[int], int] = lambda _: 2,
) -> str:
    """A credential for the sample licence."""
    issuer = signed_by or key_of(name, "issuer")
    return write_credential(
        data or sample_licence(),
        lane=LANES[name],
        signer=TokenSigner(issuer.signer, key_id=issuer.public.key_id, token_type=TOKEN_TYPE),
        issuer=issuer_name,
        vct=VCT,
        holder_key=key_of(name, holder).public,
        issued_at=issued_at,
        expires_at=expires_at,
        decoys=decoys,
    )


def payload_of(token: str) -> dict[str, Any]:
    """The claims of a JWS, unverified."""
    read: dict[str, Any] = json.loads(read_base64url(token.split(".")[1]))
    return read


def present(
    credential: str,
    name: LaneName = LaneName.ES256,
    *,
    show: Callable[[str | None], bool] = lambda _: True,
    holder: str = "holder",
    at: datetime = AT,
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    """What a wallet sends: the disclosures whose names ``show`` takes, bound. ``changes``: claims of the binding that are to be wrong; None
    leaves one out.
    """
    lane: Lane = LANES[name]
    combined = read_combined(credential)
    shown = Combined(combined.token, tuple(each for each in combined.disclosures if show(read_disclosure(each).name)))
    claims = {
        "iat": int(at.timestamp()),
        "aud": AUDIENCE,
        "nonce": NONCE,
        "sd_hash": digest_of(shown.bound_text, lane.digest),
        **changes,
    }
    claims = {claim: value for claim, value in claims.items() if value is not None}
    said = {"alg": str(lane.algorithm), "typ": "kb+jwt", **(header or {})}
    return shown.bound_text + key_of(name, holder).sign_raw(said, claims)
