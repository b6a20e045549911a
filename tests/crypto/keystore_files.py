"""Master keys for tests of the key store, and ways to damage its files."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from crypto.keystore import MasterKey
from crypto.signatures import SignatureAlgorithm, SignatureCheck, algorithm_identifier, verify_signature

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crypto.signer import Signer

SM2_SM3 = SignatureAlgorithm.SM2_SM3
OLD, NEW = MasterKey(bytes(range(16))), MasterKey(bytes(range(16, 32)))


def signs(signer: Signer) -> bool:
    stated = algorithm_identifier(signer.algorithm)
    return verify_signature(signer.public_spki_der, stated, b"m", signer.sign(b"m")) is SignatureCheck.GOOD


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    fields = json.loads(path.read_bytes())
    change(fields)
    path.write_bytes(json.dumps(fields).encode())


def flipped(name: str) -> Callable[[dict[str, Any]], None]:
    def change(fields: dict[str, Any]) -> None:
        content = bytearray(base64.b64decode(fields[name]))
        content[-1] ^= 1
        fields[name] = base64.b64encode(content).decode()

    return change


def put(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda fields: fields.update({name: value})
