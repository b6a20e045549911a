"""Verify a credential that a wallet shows, without a network: the issuer's published keys, and the status lists in a trust list.

Pure, as every verifier of the house: nothing is raised on hostile input, and what is not known is not valid.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crypto.jose import read_jwks, read_strict_json
from licence_vault.credential_errors import credential_keys_unfit
from licence_vault.credentials.check_credential import CheckedCredential, DemandedBinding, check_credential
from licence_vault.status.at_hand import status_at_hand
from standards.errors import TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.jose import VerificationKey
    from crypto.trust_list import TrustList

    Issuers = dict[str, dict[str, VerificationKey]]


def verify_credential(
    text: str, trust: TrustList, issuers: Issuers, at: datetime, *, binding: DemandedBinding | None = None
) -> CheckedCredential:
    """The verdict at ``at`` (aware UTC). ``binding`` None: whether its holder shows it is not asked, only what the issuer signed."""

    def status_of(address: str, index: int) -> int | None:
        return status_at_hand(address, index, trust, at)

    return check_credential(text, issuers=issuers, at=at, status_of=status_of, binding=binding)


def read_issuer_keys(data: bytes) -> Issuers:
    """The keys of an issuer by his name, from his published metadata (draft-ietf-oauth-sd-jwt-vc 4.2): ``issuer`` and ``jwks``.

    A set of SM2 keys stands in the same form under the same issuer; the lanes are told apart by the keys. CREDENTIAL_KEYS_UNFIT.
    """
    try:
        members = read_strict_json(data)
        issuer, jwks = members.get("issuer"), members.get("jwks")
        if not isinstance(issuer, str) or not isinstance(jwks, dict):
            raise credential_keys_unfit()
        whole = json.dumps(jwks).encode()
        return {issuer: {**read_jwks(whole), **read_jwks(whole, gm=True)}}
    except TrustError:
        raise credential_keys_unfit() from None
