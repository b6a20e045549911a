"""Proofs that the sender of a token holds the key the token is bound to (DPoP, RFC 9449). Pure: that a proof comes once only is for the
caller to see to (service_kit/one_use.py), because it needs the database.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from crypto.jose import (
    NEVER_IN_HEADER,
    CheckedToken,
    VerificationKey,
    read_base64url,
    read_jwk,
    read_signed,
    read_strict_json,
    thumbprint,
    write_base64url,
)
from service_kit.addresses import normalized_address
from standards.errors import Kind, TrustError

PROOF_CHARACTERS: Final = 4096  # a proof with a P-256 key and an address of 2,048 characters stays below
PROOF_SECONDS: Final = 60  # how old a proof may be: it is made for one request
AHEAD_SECONDS: Final = 30  # FAPI 2.0 5.3.2.1: ten seconds ahead must be taken, more than sixty never
ID_CHARACTERS: Final = 256
NONCE_CHARACTERS: Final = 256
ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519")
TOKEN_TYPE: Final = "dpop+jwt"  # noqa: S105 - RFC 9449 4.2
_NOT_BESIDE_ITS_KEY: Final = (NEVER_IN_HEADER - {"jwk"}) | {"x5t", "x5t#S256"}
"""A proof brings its key along, and nothing that could name another."""
_KEY_KINDS: Final = {"EC P-256": ("ES256",), "OKP Ed25519": ("EdDSA", "Ed25519")}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof found right. ``jkt``: the thumbprint of its key (RFC 7638, SHA-256, base64url). ``proof_id``: its ``jti``, to be taken once;
    ``used_until_at``: until when it must be remembered, aware UTC. ``nonce``: as it came, for the caller to judge.
    """

    jkt: str
    proof_id: str
    used_until_at: datetime
    nonce: str | None

    @property
    def once(self) -> str:
        """What may be used only once: the id, which is unique to its key."""
        return f"{self.jkt} {self.proof_id}"


def refused(reason: str) -> TrustError:
    """The one refusal of a proof; ``reason`` names the rule, never what was found."""
    return TrustError(Kind.UNAUTHENTICATED, "DPOP_PROOF_INVALID", reason=reason)


def access_token_digest(token: str) -> str:
    """``ath``: SHA-256 of the access token's characters, base64url (RFC 9449 4.2)."""
    return write_base64url(hashlib.sha256(token.encode("utf-8", "replace")).digest())


def check_proof(proof: str, *, method: str, url: str, at: datetime, access_token: str | None = None, bound_to: str | None = None) -> Proof:
    """Check a proof in every point of RFC 9449 4.3 but nonce and repetition. DPOP_PROOF_INVALID.

    ``url``: the address of the request without query and fragment. ``access_token``: the token sent beside it, which the proof must then
    name. ``bound_to``: the thumbprint that the token is bound to.
    """
    try:
        checked = _check_signature(proof)
    except TrustError as error:
        raise refused(str(error.facts.get("reason", "key"))) from None
    claims = checked.claims
    # 1. Made for this request
    if claims.get("htm") != method:
        raise refused("htm")
    if not _names(claims.get("htu"), url):
        raise refused("htu")
    # 2. Now
    issued = claims.get("iat")
    now = at.timestamp()
    if type(issued) is not int or not now - PROOF_SECONDS <= issued <= now + AHEAD_SECONDS:
        raise refused("iat")
    proof_id = claims.get("jti")
    if not isinstance(proof_id, str) or not 0 < len(proof_id) <= ID_CHARACTERS:
        raise refused("jti")
    nonce = claims.get("nonce")
    if nonce is not None and not (isinstance(nonce, str) and 0 < len(nonce) <= NONCE_CHARACTERS):
        raise refused("nonce")
    # 3. With this token, by the key it is bound to
    if access_token is not None:
        named = claims.get("ath")
        if not isinstance(named, str) or not hmac.compare_digest(
            named.encode("utf-8", "replace"), access_token_digest(access_token).encode()
        ):
            raise refused("ath")
    jkt = thumbprint(checked.key)
    if bound_to is not None and not hmac.compare_digest(jkt.encode(), bound_to.encode("utf-8", "replace")):
        raise refused("key")
    until = datetime.fromtimestamp(issued, UTC) + timedelta(seconds=PROOF_SECONDS + AHEAD_SECONDS)
    return Proof(jkt, proof_id, until, nonce)


def _names(htu: Any, url: str) -> bool:
    # RFC 9449 4.3 (9): query and fragment do not count. Of the normalization of RFC 3986 6.2.2 and 6.2.3: the case of scheme and host, and the
    # port where it is the scheme's own; the path counts as it stands
    if not isinstance(htu, str):
        return False
    named = htu.partition("#")[0].partition("?")[0]
    return named == url or normalized_address(named) == normalized_address(url)


def stated_nonce(proof: str) -> str | None:
    """The nonce that a proof states, nothing of it checked; None where it states none. JWS_INVALID for what cannot be read."""
    stated = read_strict_json(read_base64url(proof[:PROOF_CHARACTERS].partition(".")[2].partition(".")[0])).get("nonce")
    return stated if isinstance(stated, str) else None


def _check_signature(proof: str) -> CheckedToken:
    """The proof, whose key it brings along itself: the one kind of token where that is meant."""
    signed = read_signed(proof, PROOF_CHARACTERS)
    header = signed.header
    if _NOT_BESIDE_ITS_KEY & set(header):
        raise refused("header member")
    if header.get("typ") != TOKEN_TYPE:
        raise refused("typ")
    members, algorithm = header.get("jwk"), header.get("alg")
    if not isinstance(members, dict):
        raise refused("jwk")
    if algorithm not in _KEY_KINDS.get(f"{members.get('kty')} {members.get('crv')}", ()):
        raise refused("alg")
    stated = {name: value for name, value in members.items() if name not in {"alg", "use", "kid", "key_ops", "ext"}}
    if not set(stated) <= {"kty", "crv", "x", "y"}:
        raise refused("key is not public")
    if members.get("alg", algorithm) != algorithm or members.get("use", "sig") != "sig":
        raise refused("key")
    key: VerificationKey = read_jwk({**stated, "kid": "proof"})
    if not signed.is_by(key):
        raise refused("signature")
    return CheckedToken({"alg": str(algorithm), "typ": TOKEN_TYPE}, signed.claims(), key)
