"""Change the key that signs access tokens: in peace without any token failing, in need at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from crypto.signatures import SignatureAlgorithm
from idp.model.clients import KEY_ANNOUNCE_SECONDS, SigningKey, signing_key_at
from idp.store.clients import insert_signing_key, load_signing_keys, update_signing_key

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.keystore import Keystore
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database

KEY_PREFIX: Final = "token-"
_COORDINATE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KeyDesk:
    """What the rotation of signing keys needs."""

    database: Database
    audit: Audit
    clock: Clock
    keystore: Keystore
    mac_key: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "KeyDesk()"


def _new_key(desk: KeyDesk, at: datetime, signs_from_at: datetime) -> SigningKey:
    # The private key is durable in the keystore before its row exists: a crash in between leaves an unused key, never a row without one
    key_id = f"{KEY_PREFIX}{at:%Y%m%d}-{secrets.token_hex(4)}"
    signer = desk.keystore.create(key_id, SignatureAlgorithm.ECDSA_SHA256)
    public = load_der_public_key(signer.public_spki_der)
    if not isinstance(public, EllipticCurvePublicKey):
        raise TypeError(key_id)
    point = public.public_numbers()
    return SigningKey(
        key_id=key_id,
        public_x=point.x.to_bytes(_COORDINATE_BYTES, "big"),
        public_y=point.y.to_bytes(_COORDINATE_BYTES, "big"),
        created_at=at,
        signs_from_at=signs_from_at,
        withdrawn_at=None,
    )


def ensure_signing_key(desk: KeyDesk, *, actor: str) -> SigningKey:
    """The key that signs now; the first one is made where there is none."""
    at = desk.clock.now()
    with desk.database.read() as connection:
        keys, _ = load_signing_keys(connection, desk.mac_key)
    present = signing_key_at(keys, at)
    return present or _add(desk, _new_key(desk, at, at), withdrawn=(), actor=actor)


def rotate_signing_key(desk: KeyDesk, *, actor: str) -> SigningKey:
    """Make the next signing key and publish it; it signs once every verifier has had the time to fetch it (KEY_ANNOUNCE_SECONDS)."""
    at = desk.clock.now()
    return _add(desk, _new_key(desk, at, at + timedelta(seconds=KEY_ANNOUNCE_SECONDS)), withdrawn=(), actor=actor)


def replace_signing_key(desk: KeyDesk, *, actor: str) -> SigningKey:
    """After a compromise: a new key signs at once, every other is withdrawn, and with it all tokens that it signed."""
    at = desk.clock.now()
    key = _new_key(desk, at, at)
    with desk.database.read() as connection:
        keys, _ = load_signing_keys(connection, desk.mac_key)
    return _add(desk, key, withdrawn=tuple(other.key_id for other in keys if other.withdrawn_at is None), actor=actor)


def _add(desk: KeyDesk, key: SigningKey, *, withdrawn: tuple[str, ...], actor: str) -> SigningKey:
    def store(connection: Connection) -> None:
        keys, _ = load_signing_keys(connection, desk.mac_key)
        for other in keys:
            if other.key_id in withdrawn:
                update_signing_key(connection, replace(other, withdrawn_at=key.created_at), desk.mac_key)
        insert_signing_key(connection, key, desk.mac_key)
        desk.audit.record(
            connection,
            at=key.created_at,
            actor=actor,
            action="signing-key.replace" if withdrawn else "signing-key.announce",
            subject=f"key:{key.key_id}",
            outcome="done",
            facts={"signs_from": key.signs_from_at.isoformat(), "withdrawn": " ".join(withdrawn)},
        )

    desk.database.write(store)
    return key
