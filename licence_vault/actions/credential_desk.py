"""What issuing credentials to wallets needs: the keys that sign, and the licences that there are, as a protocol."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy import select

from crypto.jose import TokenSigner, verification_key
from crypto.report import Outcome
from crypto.sm3 import hmac_sm3
from licence_vault.credential_errors import credential_denied
from licence_vault.credential_tables import credentials
from licence_vault.credentials.issuance_messages import issuer_of
from licence_vault.credentials.lanes import LANES, Lane, LaneName
from licence_vault.credentials.sd_jwt_vc import TOKEN_TYPE
from licence_vault.validity import check_days
from service_kit.migrations import are_there
from standards.errors import Kind, TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from crypto.jose import VerificationKey
    from crypto.keystore import KeyInfo, Keystore
    from licence_vault.credentials.issuance_messages import OfferedType
    from licence_vault.model import LicenceData
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database

CREDENTIAL_DAYS: Final = 365  # a credential ends with its licence, or after this; the wallet then fetches another
KEY_PREFIX: Final = "licence-credential-"
DIGITS_OF_ID: Final = 24
KEYS_KEPT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class CurrentLicence:
    """A licence as it stands. ``licence_id``: of its row; ``is_in_force``: whether credentials may say so now; ``state``: its name."""

    licence_id: str
    data: LicenceData
    is_in_force: bool
    state: str


class LicenceSource(Protocol):
    """Where licences come from. Called within transactions: it reads and writes on the connection it is given, and nothing else."""

    def types(self, connection: Connection) -> Sequence[OfferedType]:
        """The published types."""
        ...

    def find(self, connection: Connection, identifier: str, holder: str) -> CurrentLicence | None:
        """The licence with an identifier, where ``holder`` (a caller, as rights are kept) may have credentials made of it; else None."""
        ...

    def current(self, connection: Connection, licence_id: str) -> CurrentLicence | None:
        """A licence as it stands now; None where its content is gone."""
        ...

    def may_offer(self, connection: Connection, licence_id: str, actor: str) -> bool:
        """Whether ``actor``, who offered credentials of it, may have them made still."""
        ...

    def stands(self, actor: str, grant_id: str) -> bool:
        """Whether ``actor``, whose token hung on ``grant_id``, may act at all still. Asked with no transaction open."""
        ...

    def note_offered(self, connection: Connection, *, licence_id: str, at: datetime, actor: str) -> None:
        """``actor`` offers credentials of it in this transaction. The audit entry is written already; for what else has to know."""
        ...

    def note_issued(self, connection: Connection, *, licence_id: str, credential_id: str, lane: str, at: datetime, actor: str) -> None:
        """A credential of it, which ``actor`` offered, leaves in this transaction. As ``note_offered``."""
        ...


class CredentialKeys:
    """The keys that sign or signed credentials. Which there are is looked up now and then: the keystore may hold those of a thousand seals."""

    def __init__(self, keystore: Keystore) -> None:
        self._keystore = keystore
        self._infos: tuple[KeyInfo, ...] = ()
        self._next = float("-inf")

    def _known(self) -> tuple[KeyInfo, ...]:
        if time.monotonic() >= self._next:
            found = (info for info in self._keystore.list() if info.key_id.startswith(KEY_PREFIX))
            self._infos = tuple(sorted(found, key=lambda info: (info.created_at, info.key_id)))
            self._next = time.monotonic() + KEYS_KEPT_SECONDS
        return self._infos

    def by_id(self) -> dict[str, VerificationKey]:
        """All of them, for verifiers."""
        return {info.key_id: verification_key(info.public_spki_der, info.key_id) for info in self._known()}

    def newest(self, lane: Lane) -> str:
        """The id of the key a lane signs with now: the one made last."""
        return [info.key_id for info in self._known() if info.algorithm is lane.signature][-1]

    def signer(self, key_id: str) -> TokenSigner:
        """Signs credentials with a key."""
        return TokenSigner(self._keystore.signer(key_id), key_id=key_id, token_type=TOKEN_TYPE)


@dataclass(frozen=True, slots=True)
class CredentialDesk:
    """What the jobs on credentials share. ``nonce_key``: 32 bytes."""

    database: Database
    audit: Audit
    clock: Clock
    keys: CredentialKeys
    source: LicenceSource
    base_url: str
    nonce_key: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "CredentialDesk()"

    @property
    def issuer(self) -> str:
        """The Credential Issuer Identifier."""
        return issuer_of(self.base_url)

    @property
    def mac_key(self) -> bytes:
        """For rows that give rights, 32 bytes."""
        return hmac_sm3(self.nonce_key, b"yinxin credential offers v1")

    def types(self) -> Sequence[OfferedType]:
        """The types of which there are credentials now."""
        with self.database.read() as connection:
            return self.source.types(connection)


def ensure_credential_keys(keystore: Keystore, database: Database) -> None:
    """A key for each lane, made where there is none; once per deployment, before the worker processes start, and before the tables are migrated as well.

    KEY_UNKNOWN names the key of a lane that credentials were made with and that is lost with every other of it.
    """
    present = [info.key_id for info in keystore.list()]
    for name in LaneName:
        prefix = f"{KEY_PREFIX}{name}-"
        if not any(key_id.startswith(prefix) for key_id in present):
            made_with = select(credentials.c.key_id).where(credentials.c.key_id.startswith(prefix, autoescape=True))
            with database.read() as connection:
                lost = connection.execute(made_with.limit(1)).scalar() if are_there(connection, made_with) else None
            if lost is not None:
                raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=lost)
            keystore.create(prefix + secrets.token_hex(4), LANES[name].signature)


def new_id(prefix: str) -> str:
    """``prefix`` and 96 random bits."""
    return f"{prefix}_{secrets.token_hex(DIGITS_OF_ID // 2)}"


def expiry_of(data: LicenceData, at: datetime) -> datetime:
    """Until when a credential made at ``at`` counts: to the end of the licence's last day in China, at most CREDENTIAL_DAYS. Aware UTC."""
    latest = at + timedelta(days=CREDENTIAL_DAYS)
    if data.valid_to is None or data.valid_to > latest.date():  # asked first: the calendar's last day has no day after it
        return latest
    return min(latest, _midnight(data.valid_to + timedelta(days=1)))


def demand_in_force(licence: CurrentLicence | None, at: datetime) -> CurrentLicence:
    """A licence that credentials may be made of at ``at``: in force by its state and within its days in China. CREDENTIAL_DENIED."""
    if licence is None:
        raise credential_denied("ERASED")
    if not licence.is_in_force:
        raise credential_denied(licence.state)
    if check_days(licence.data.valid_from, None, at).outcome is Outcome.FAIL:
        raise credential_denied("NOT_YET")
    if expiry_of(licence.data, at) <= at:
        raise credential_denied("OVER")
    return licence


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHINA).astimezone(UTC)
