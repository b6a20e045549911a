"""Tokens that a holder signs with the key of his wallet: bindings of presentations (RFC 9901 4.3) and proofs at issuance (OpenID4VCI F.1).

They are the one kind of token whose key is not looked up: it stands in the credential, or the proof brings it along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.jose import CheckedToken, invalid, read_jwk, read_signed

if TYPE_CHECKING:
    from crypto.jose import VerificationKey
    from licence_vault.credentials.lanes import Lane

TOKEN_CHARACTERS: Final = 4096  # with a key and an address of 2,048 characters it stays below
_KEY_MEMBERS: Final = frozenset({"kty", "crv", "x", "y"})
_KEY_NOTES: Final = frozenset({"alg", "use", "kid", "key_ops", "ext"})  # what wallets write beside the key, and what says nothing here


def read_holder_key(members: object, lane: Lane) -> VerificationKey:
    """The public key of a wallet (RFC 7517), of the lane's curve. JWS_INVALID, also where it brings its private half along."""
    if not isinstance(members, dict):
        raise invalid("jwk")
    stated = {name: value for name, value in members.items() if name not in _KEY_NOTES}
    if stated.keys() != _KEY_MEMBERS or members.get("alg", lane.algorithm) != lane.algorithm or members.get("use", "sig") != "sig":
        raise invalid("jwk")
    key = read_jwk({**stated, "kid": "holder"}, gm=lane.is_gm)
    if key.algorithm != lane.algorithm:  # another kind of key, dressed up with a member too many
        raise invalid("jwk")
    return key


def check_holder_token(token: str, lane: Lane, *, token_type: str, key: VerificationKey | None = None) -> CheckedToken:
    """Check form, type and signature; claims are read but not judged. JWS_INVALID.

    ``key``: by which it must be signed. None: the header has to bring the key along as ``jwk``, and nothing else that could name one.
    """
    signed = read_signed(token, TOKEN_CHARACTERS)
    header = signed.header
    if not header.keys() <= ({"alg", "typ", "jwk"} if key is None else {"alg", "typ", "kid"}):
        raise invalid("header member")
    if header.get("typ") != token_type:
        raise invalid("typ")
    if header.get("alg") != lane.algorithm:
        raise invalid("alg")
    if key is None:
        key = read_holder_key(header.get("jwk"), lane)
    if not signed.is_by(key):
        raise invalid("signature")
    return CheckedToken({"alg": str(lane.algorithm), "typ": token_type}, signed.claims(), key)
