"""A licence as an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc, RFC 9901): what its holder can show piece by piece.

In the clear stand only what a verifier needs to judge the credential: who issued it, of which type, until when, where its status is, and
the holder's key. Everything else is disclosed by choice: each item, each holder and each part of him, and each face item. The face items
hang on one disclosure, so that not even their number shows. Decoys hide how many of the rest there are.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import write_base64url, write_jwk
from licence_vault.credential_errors import credential_too_large
from standards.rfc9901_sd_jwt import COMBINED_CHARACTERS, DIGEST_NAME, DIGESTS, Combined, Concealer, write_combined

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.jose import TokenSigner, VerificationKey
    from licence_vault.credentials.lanes import Lane
    from licence_vault.model import LicenceData

TOKEN_TYPE: Final = "dc+sd-jwt"  # noqa: S105 - draft-ietf-oauth-sd-jwt-vc 2.2.1
SALT_BYTES: Final = 16  # RFC 9901 9.3: 128 bits
DECOYS: Final = 8  # up to this many, by chance: licences of one type differ only in whether they end
FACE_DECOYS: Final = 4
VCT_PATH: Final = "/licences/credential-types/"
NEVER_DISCLOSED: Final = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", DIGEST_NAME})
"""What must stand in the clear (draft-ietf-oauth-sd-jwt-vc 2.2.2.3): a holder who could leave it out would leave out what ends it."""
CLAIMS: Final = (
    "identifier",
    "licence_number",
    "licence_version",
    "licence_name",
    "licence_type",
    "issuing_authority",
    "issued_on",
    "valid_from",
    "valid_to",
    "area_code",
    "holders",
    "fields",
)
"""The claims about the licence, each disclosed by choice. ``valid_to`` is absent where the licence does not end (长期)."""


def vct_of(base_url: str, type_code: str) -> str:
    """The name of a licence type's credentials. ``base_url``: of the deployment, without a slash at its end."""
    return base_url + VCT_PATH + type_code


def new_salt() -> str:
    """128 random bits, base64url."""
    return write_base64url(secrets.token_bytes(SALT_BYTES))


def write_credential(
    data: LicenceData,
    *,
    lane: Lane,
    signer: TokenSigner,
    issuer: str,
    vct: str,
    holder_key: VerificationKey,
    issued_at: datetime,
    expires_at: datetime,
    salt: Callable[[], str] = new_salt,
    decoys: Callable[[int], int] = secrets.randbelow,
) -> str:
    """The credential with all its disclosures, compact. One signature. ``issuer``: the Credential Issuer Identifier; times aware UTC.

    ``signer``: of the lane's algorithm, for TOKEN_TYPE. ``decoys``: a limit -> how many below it. CREDENTIAL_TOO_LARGE.
    """
    concealer = Concealer(lane.digest, salt)
    about = {
        "identifier": data.identifier,
        "licence_number": data.number,
        "licence_version": data.version,
        "licence_name": data.name,
        "licence_type": {"code": data.type.code, "name": data.type.name, "version": data.type.version},
        "issuing_authority": {"name": data.issuer.name, "code": data.issuer.code},
        "issued_on": data.issued_on.isoformat(),
        "valid_from": data.valid_from.isoformat(),
        **({} if data.valid_to is None else {"valid_to": data.valid_to.isoformat()}),
        "area_code": data.area_code,
        "holders": [
            concealer.conceal_element(concealer.conceal_members({"name": each.name, "code": each.code, "code_type": each.code_type}))
            for each in data.holders
        ],
        "fields": concealer.conceal_members(data.fields, decoys(FACE_DECOYS + 1)),
    }
    claims: dict[str, Any] = {
        "iss": issuer,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "vct": vct,
        "cnf": {"jwk": {name: value for name, value in write_jwk(holder_key).items() if name in {"kty", "crv", "x", "y"}}},
        "status": {"status_list": {"idx": data.status.index, "uri": data.status.list}},
        DIGEST_NAME: lane.digest_name,
        DIGESTS: concealer.conceal_members(about, decoys(DECOYS + 1))[DIGESTS],
    }
    text = write_combined(Combined(signer.sign(claims), tuple(each.text for each in concealer.disclosures)))
    if len(text) > COMBINED_CHARACTERS:
        raise credential_too_large(COMBINED_CHARACTERS)
    return text
