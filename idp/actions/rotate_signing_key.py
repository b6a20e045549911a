"""Change a key that signs tokens: in peace without any token failing, in need at once. Each algorithm has keys of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.signatures import SignatureAlgorithm
from idp.model.clients import ACCESS_TOKEN_ALGORITHM, GM_ALGORITHM, KEY_ANNOUNCE_SECONDS, SIGNING_ALGORITHMS, SigningKey, signing_key_at
from idp.store.clients import insert_signing_key, load_signing_keys, update_signing_key
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.keystore import Keystore
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.composition import Facts
    from service_kit.database import Database
    from service_kit.idempotency import Idempotency, Once

KEY_PREFIX: Final = "token-"
_SIGNERS: Final = {
    ACCESS_TOKEN_ALGORITHM: SignatureAlgorithm.ECDSA_SHA256,
    "RS256": SignatureAlgorithm.RSA_SHA256,
    "PS256": SignatureAlgorithm.RSA_PSS_SHA256,
    "EdDSA": SignatureAlgorithm.ED25519,
    GM_ALGORITHM: SignatureAlgorithm.SM2_SM3,
}


@dataclass(frozen=True, slots=True)
class KeyDesk:
    """What the rotation of signing keys needs."""

    database: Database
    audit: Audit
    clock: Clock
    keystore: Keystore
    mac_key: bytes
    idempotency: Idempotency

    def __repr__(self) -> str:
        """Without the key."""
        return "KeyDesk()"


def _new_key(desk: KeyDesk, algorithm: str, at: datetime, signs_from_at: datetime) -> SigningKey:
    # The private key is durable in the keystore before its row exists: a crash in between leaves an unused key, never a row without one
    key_id = f"{KEY_PREFIX}{at:%Y%m%d}-{secrets.token_hex(4)}"
    signer = desk.keystore.create(key_id, _SIGNERS[algorithm])
    return SigningKey(key_id, algorithm, signer.public_spki_der, created_at=at, signs_from_at=signs_from_at, withdrawn_at=None)


def ensure_signing_key(desk: KeyDesk, *, actor: str, algorithm: str = ACCESS_TOKEN_ALGORITHM) -> SigningKey:
    """The key that signs now with an algorithm; the first one is made where there is none, by one of all who try."""
    at = desk.clock.now()
    with desk.database.read() as connection:
        keys, _ = load_signing_keys(connection, desk.mac_key)
    present = signing_key_at(keys, at, algorithm)
    return present or _add(desk, _new_key(desk, algorithm, at, at), is_first=True, actor=actor)


def ensure_signing_keys(desk: KeyDesk, *, actor: str) -> None:
    """A key for every algorithm."""
    for algorithm in SIGNING_ALGORITHMS:
        ensure_signing_key(desk, actor=actor, algorithm=algorithm)


def rotate_signing_key(
    desk: KeyDesk, *, actor: str, algorithm: str = ACCESS_TOKEN_ALGORITHM, reason: str = "", once: Once | None = None
) -> SigningKey:
    """Make the next signing key and publish it; it signs once every verifier has had the time to fetch it (KEY_ANNOUNCE_SECONDS).

    Where ``once`` says that the same request made one before: that one, as it stands. IDEMPOTENCY_*.
    """
    at = desk.clock.now()
    made = _made_before(desk, once, at)
    if made is not None:
        return made
    key = _new_key(desk, algorithm, at, at + timedelta(seconds=KEY_ANNOUNCE_SECONDS))
    return _add(desk, key, actor=actor, reason=reason, once=once)


def replace_signing_key(
    desk: KeyDesk, *, actor: str, algorithm: str = ACCESS_TOKEN_ALGORITHM, reason: str = "", once: Once | None = None
) -> SigningKey:
    """After a compromise: a new key signs at once, every other of its algorithm is withdrawn, and with it all tokens that it signed.

    ``once``: as for ``rotate_signing_key``.
    """
    at = desk.clock.now()
    made = _made_before(desk, once, at)
    return made or _add(desk, _new_key(desk, algorithm, at, at), is_alone=True, actor=actor, reason=reason, once=once)


def _made_before(desk: KeyDesk, once: Once | None, at: datetime) -> SigningKey | None:
    """What the same request made: looked for before a private key is made, which would stay unused."""
    if once is None:
        return None
    with desk.database.read() as connection:
        asked = once.key
        found = desk.idempotency.find(
            connection, caller=asked.caller, route=asked.route, key=asked.key, request_digest=once.request_digest, at=at
        )
        return None if found is None else _named(connection, desk, found.reference)


def _named(connection: Connection, desk: KeyDesk, key_id: str | None) -> SigningKey:
    return next(each for each in load_signing_keys(connection, desk.mac_key)[0] if each.key_id == key_id)


def _add(
    desk: KeyDesk,
    key: SigningKey,
    *,
    is_first: bool = False,
    is_alone: bool = False,
    actor: str,
    reason: str = "",
    once: Once | None = None,
) -> SigningKey:
    """Store a key and the record. ``is_first``: where another process was quicker, its key counts; ``is_alone``: all others are withdrawn."""

    def store(connection: Connection) -> SigningKey:
        made = desk.idempotency.once(connection, once, reference=key.key_id, at=key.created_at)
        if made is not None:
            return _named(connection, desk, made)
        keys, _ = load_signing_keys(connection, desk.mac_key)
        present = [other for other in keys if other.algorithm == key.algorithm and other.withdrawn_at is None]
        if is_first and present:  # perhaps from a moment after our own clock's reading: whether its turn has come does not matter
            return present[0]
        withdrawn = present if is_alone else []
        for other in withdrawn:
            update_signing_key(connection, replace(other, withdrawn_at=key.created_at), desk.mac_key)
        insert_signing_key(connection, key, desk.mac_key)
        desk.audit.record(
            connection,
            at=key.created_at,
            actor=actor,
            action="signing-key.replace" if is_alone else "signing-key.announce",
            subject=f"key:{key.key_id}",
            outcome="done",
            facts={
                "algorithm": key.algorithm,
                "signs_from": key.signs_from_at.isoformat(),
                "withdrawn": " ".join(other.key_id for other in withdrawn),
                "reason": reason,
            },
        )
        return key

    return desk.database.write(store)


def signing_key_facts(desk: KeyDesk) -> Facts:
    """For readiness: the key that signs access tokens now. SIGNING_KEY_MISSING."""
    with desk.database.read() as connection:
        keys, _ = load_signing_keys(connection, desk.mac_key)
    key = signing_key_at(keys, desk.clock.now())
    if key is None:
        raise TrustError(Kind.UNAVAILABLE, "SIGNING_KEY_MISSING")
    return {"key": key.key_id, "keys": len(keys)}
