"""Proofs of possession for tests, put together by hand so that every member can be bent."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def encode(part: Any) -> str:
    """JSON (or bytes as they are) in base64url."""
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()


def public_jwk(key: PrivateKey) -> dict[str, Any]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32, "big")), "y": encode(numbers.y.to_bytes(32, "big"))}
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}


def sign(key: PrivateKey, header: dict[str, Any], claims: Any) -> str:
    """A compact JWS with whatever it is told to say; ``alg`` is the key's unless ``header`` says otherwise."""
    is_ec = isinstance(key, ec.EllipticCurvePrivateKey)
    head = {"alg": "ES256" if is_ec else "EdDSA", **header}
    message = f"{encode(head)}.{encode(claims)}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{message}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"{message}.{encode(key.sign(message.encode()))}"


def without_gaps(members: dict[str, Any]) -> dict[str, Any]:
    """The members whose value is not ``...``."""
    return {name: value for name, value in members.items() if value is not ...}


@dataclass
class Prover:
    """A sender with a key. ``header`` and ``claims`` given to ``proof`` replace or (``...``) remove members."""

    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0

    def proof(self, method: str, url: str, at_seconds: float, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        self.count += 1
        whole = {"htm": method, "htu": url, "iat": int(at_seconds), "jti": f"p{self.count}", **claims}
        head = {"typ": "dpop+jwt", "jwk": public_jwk(self.key), **(header or {})}
        return sign(self.key, without_gaps(head), without_gaps(whole))
