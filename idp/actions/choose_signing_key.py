"""Which key signs now with which algorithm, which keys are published, and their signers, as one process remembers them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import anyio.to_thread

from crypto.jose import verification_key, write_jwk
from idp.limits import KEY_RING_MAX_AGE_SECONDS
from idp.model.clients import ACCESS_TOKEN_ALGORITHM, GM_ALGORITHM, ORDINARY_ALGORITHMS, published_keys_at, signing_key_at
from idp.store.clients import KEY_QUERY, load_signing_keys, signing_key_mac
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.jose import VerificationKey
    from crypto.keystore import Keystore
    from crypto.signer import Signer
    from idp.model.clients import SigningKey
    from service_kit.database import Database


class SigningKeyChangedError(TrustError):
    """The key a token was to be signed with has been withdrawn meanwhile: choose again. Never leaves the identity provider."""

    def __init__(self) -> None:
        super().__init__(Kind.CONFLICT, "SIGNING_KEY_CHANGED")


class KeyRing:
    """The signing keys of this deployment. Read anew when older than KEY_RING_MAX_AGE_SECONDS; a withdrawn key never signs again,
    because each grant demands, where it becomes durable, that its key's row is unchanged. What it signed before counts nowhere, because
    whoever finds a signature right asks the database about its key besides (``stands``, ``is_withdrawn``, ``STANDING_QUERY``).
    """

    def __init__(self, database: Database, keystore: Keystore, mac_key: bytes) -> None:
        self._database = database
        self._keystore = keystore
        self._mac_key = mac_key
        self._keys: tuple[SigningKey, ...] = ()
        self._macs: dict[str, bytes] = {}
        self._signers: dict[str, Signer] = {}
        self._verifying: dict[str, VerificationKey] = {}
        self._read_at_seconds: float | None = None

    def read(self) -> None:
        """Read the keys anew. Blocks: to be called in a thread."""
        with self._database.read() as connection:
            self._keys, self._macs = load_signing_keys(connection, self._mac_key)
        self._verifying = {
            key.key_id: verification_key(key.public_der, key.key_id, algorithm=key.algorithm)
            for key in self._keys
            if key.withdrawn_at is None
        }
        self._read_at_seconds = time.monotonic()

    def _is_fresh(self) -> bool:
        return self._read_at_seconds is not None and time.monotonic() - self._read_at_seconds < KEY_RING_MAX_AGE_SECONDS

    def forget(self) -> None:
        """Read the keys again next time."""
        self._read_at_seconds = None

    async def signing(self, at: datetime, algorithm: str = ACCESS_TOKEN_ALGORITHM) -> tuple[SigningKey, Signer]:
        """The key that signs with an algorithm at a time, with its signer. SIGNING_KEY_MISSING (unavailable) where there is none."""
        if not self._is_fresh():
            await anyio.to_thread.run_sync(self.read)
        key = signing_key_at(self._keys, at, algorithm)
        if key is None:
            raise TrustError(Kind.UNAVAILABLE, "SIGNING_KEY_MISSING")
        if key.key_id not in self._signers:
            self._signers[key.key_id] = await anyio.to_thread.run_sync(self._keystore.signer, key.key_id)
        return key, self._signers[key.key_id]

    def signing_here(self, at: datetime, algorithm: str) -> tuple[SigningKey, Signer]:
        """As ``signing``, for threads: it may read the database and open the keystore."""
        if not self._is_fresh():
            self.read()
        key = signing_key_at(self._keys, at, algorithm)
        if key is None:
            raise TrustError(Kind.UNAVAILABLE, "SIGNING_KEY_MISSING")
        return key, self._keystore.signer(key.key_id)

    def public_set(self, at: datetime) -> bytes:
        """The JWK set (RFC 7517 5) that verifiers need at a time, as JSON. Reads the database where what is remembered is old."""
        return self._set(at, ORDINARY_ALGORITHMS)

    def gm_set(self, at: datetime) -> bytes:
        """The set of SM2 keys (GM/T 0125.4), apart from the other because readers that do not know the curve refuse a whole set for it."""
        return self._set(at, (GM_ALGORITHM,))

    def _set(self, at: datetime, algorithms: tuple[str, ...]) -> bytes:
        if not self._is_fresh():
            self.read()
        published = published_keys_at(self._keys, at, algorithms)
        keys = [write_jwk(verification_key(key.public_der, key.key_id, algorithm=key.algorithm)) for key in published]
        return json.dumps({"keys": keys}, separators=(",", ":")).encode()

    def verification_keys(self) -> dict[str, VerificationKey]:
        """Every key of this deployment that was never withdrawn, by its id: what reads our own tokens, old ones too."""
        if not self._is_fresh():
            self.read()
        return self._verifying

    async def verifying(self) -> dict[str, VerificationKey]:
        """As ``verification_keys``, without holding up the event loop."""
        return self._verifying if self._is_fresh() else await anyio.to_thread.run_sync(self.verification_keys)

    def stands(self, key_id: str) -> bool:
        """Whether a key has not been withdrawn, as of now: what it signed is worth nothing from the moment its withdrawal is durable, however fresh
        this ring is. One small look. For tokens of ours that nothing else is looked up for in the database.
        """
        found = self._database.look(KEY_QUERY, {"key": key_id})
        return found is not None and bool(found[0])

    def demand_unchanged(self, connection: Connection, key: SigningKey) -> None:
        """Within a write job: let it become durable only if the key's row is still the one that was read."""
        self._database.defer(connection, self, (key.key_id, self._macs.get(key.key_id)))

    # ---- as a row sink of the group-commit writer: one look per key and batch

    def write_rows(self, connection: Connection, rows: Sequence[tuple[str, bytes | None]]) -> None:
        """Compare each key's row with the database; SigningKeyChangedError where one differs."""
        for key_id, mac in set(rows):
            if mac is None or signing_key_mac(connection, key_id) != mac:
                raise SigningKeyChangedError

    def rows_committed(self) -> None:
        """Nothing to do: nothing was written."""

    def rows_undone(self) -> None:
        """Nothing to do: nothing was written."""
