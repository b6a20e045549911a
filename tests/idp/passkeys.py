"""An authenticator in software, written from Web Authentication Level 2 alone: it knows nothing of the library the provider uses."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
Cbor: TypeAlias = "int | bytes | str | Mapping[Any, Any]"


def words(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def cbor(value: Cbor) -> bytes:
    """The few forms an authenticator writes (RFC 8949 3)."""

    def head(major: int, number: int) -> bytes:
        if number < 24:
            return bytes([major << 5 | number])
        size = 1 if number < 256 else 2
        return bytes([major << 5 | (24 if size == 1 else 25)]) + number.to_bytes(size, "big")

    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(5, len(value)) + b"".join(cbor(name) + cbor(each) for name, each in value.items())


@dataclass
class Authenticator:
    """One passkey. Every member may be bent by an attack before it answers."""

    origin: str
    rp_id: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key_id: bytes = field(default_factory=lambda: os.urandom(32))
    counter: int = 0
    flags: int = PRESENT | VERIFIED
    user: bytes = b""
    algorithm: int = -7
    client_data: dict[str, object] = field(default_factory=dict)

    def _client_data(self, kind: str, options: Mapping[str, str]) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False, **self.client_data}
        ).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def create(self, options: Mapping[str, object]) -> str:
        """The answer to a registration's options (6.5, 6.5.4; attestation "none")."""
        user = options["user"]
        assert isinstance(user, dict)
        self.user = base64.urlsafe_b64decode(user["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        point = {1: 2, 3: self.algorithm, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.key_id).to_bytes(2, "big") + self.key_id + cbor(point)
        data = self._data(self.flags | ATTESTED) + attested
        response = {
            "clientDataJSON": words(self._client_data("webauthn.create", {"challenge": str(options["challenge"])})),
            "attestationObject": words(cbor({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return json.dumps({"id": words(self.key_id), "rawId": words(self.key_id), "type": "public-key", "response": response})

    def get(self, options: Mapping[str, object]) -> str:
        """The answer to a sign-in's options (6.3.3), with the next count of signatures."""
        self.counter += 1
        client_data = self._client_data("webauthn.get", {"challenge": str(options["challenge"])})
        data = self._data(self.flags)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": words(client_data),
            "authenticatorData": words(data),
            "signature": words(signature),
            "userHandle": words(self.user),
        }
        return json.dumps({"id": words(self.key_id), "rawId": words(self.key_id), "type": "public-key", "response": response})
