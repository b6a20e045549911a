"""What the identity provider knows: clients and signing keys, their states, and the rules over them. No input or output here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from idp.model.names import is_shown
from standards.errors import Kind, TrustError

TOKEN_SECONDS: Final = 600  # how long an access token lives; RFC 9700 4.13 asks for short lives instead of revocation lists
KEY_ANNOUNCE_SECONDS: Final = 900  # a new key is published this long before it signs: longer than any verifier caches the key set
KEY_SET_MAX_AGE_SECONDS: Final = 300  # what verifiers are told to cache the key set for
CLOCK_LEEWAY_SECONDS: Final = 60  # by how much a verifier's clock may differ from ours
SECRET_BYTES: Final = 32  # 256 random bits: guessing is out of the question, so no slow password hash is needed
SECRET_PREFIX: Final = "yxs_"  # noqa: S105 - lets scanners of source code find a secret committed by mistake
SECRET_DIGEST_BYTES: Final = 32
SECRETS_MAX: Final = 4  # that work at a time: a form that is sent twice ends none that is in use
SECRET_OVERLAP_SECONDS_MAX: Final = 7 * 86_400  # how long a replaced secret may go on working at most
SCOPES_PER_CLIENT_MAX: Final = 64
AUDIENCES_PER_CLIENT_MAX: Final = 16
NAME_CHARACTERS_MAX: Final = 200
URI_CHARACTERS_MAX: Final = 512
TOKENS_PER_MINUTE_DEFAULT: Final = 300_000  # what two cores can issue at most: the default stops nobody; set less for a client you fear
TOKENS_PER_MINUTE_MAX: Final = 10_000_000
PAGE_CLIENTS_MAX: Final = 200  # clients in one answer

ACCESS_TOKEN_ALGORITHM: Final = "ES256"  # noqa: S105 - the name of an algorithm
ORDINARY_ALGORITHMS: Final = ("ES256", "RS256", "EdDSA", "PS256")
GM_ALGORITHM: Final = "SGD_SM3_SM2"  # GM/T 0125.1; for clients that have registered it, its keys in a set of their own
SIGNING_ALGORITHMS: Final = (*ORDINARY_ALGORITHMS, GM_ALGORITHM)

CLIENT_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
SUBJECT_PREFIXES: Final = ("pe_", "or_", "pw_")  # accounts, and people as a sector sees them
SCOPE_PATTERN: Final = re.compile(r"[a-z][a-z0-9_]{0,31}(?:\.[a-z][a-z0-9_]{0,31}){0,3}")
URI_PATTERN: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-\[\]-~]+")  # absolute, visible ASCII without quote or backslash troubles


class ClientStatus(StrEnum):
    """Whether a client may obtain tokens."""

    ACTIVE = "active"
    DISABLED = "disabled"


CLIENT_TRANSITIONS: Final = {
    ClientStatus.ACTIVE: frozenset({ClientStatus.DISABLED}),
    ClientStatus.DISABLED: frozenset({ClientStatus.ACTIVE}),
}
"""From each state, the states that may follow."""


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client. ``scopes``: what it may do by itself; none where it only signs people in. ``secret_digest``: HMAC-SM3 of its secret under the deployment's pepper, 32 bytes.

    ``audiences``: resource servers it may ask tokens for; empty means this deployment alone. ``previous_digest``: of the secrets before it that go on
    working until ``previous_until_at``, one after another, the newest first. Times are aware UTC.
    """

    client_id: str
    name: str
    status: ClientStatus
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    tokens_per_minute: int
    secret_digest: bytes
    previous_digest: bytes | None
    previous_until_at: datetime | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    version: int

    @property
    def previous_digests(self) -> tuple[bytes, ...]:
        """The digests of the secrets before this one, each for itself; whether they still count is said by ``previous_until_at``."""
        digests = self.previous_digest or b""
        return tuple(digests[at : at + SECRET_DIGEST_BYTES] for at in range(0, len(digests), SECRET_DIGEST_BYTES))

    def __repr__(self) -> str:
        """Without the digests."""
        return f"Client({self.client_id!r}, {self.status.value}, version={self.version})"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key for tokens, of one of SIGNING_ALGORITHMS. ``public_der``: SubjectPublicKeyInfo. ``key_id`` is also its name in the keystore.

    It is published from its creation on, signs from ``signs_from_at`` until a later key of its algorithm does, and stays published until
    the last token it signed has expired. A withdrawn key is gone at once, tokens signed with it with it.
    """

    key_id: str
    algorithm: str
    public_der: bytes
    created_at: datetime
    signs_from_at: datetime
    withdrawn_at: datetime | None


def check_client_id(client_id: str) -> None:
    """Raise CLIENT_ID_INVALID unless the text can be a client id: 3 to 64 letters, digits, dots, underscores, hyphens.

    Nor may it look like the subject of a person or an organisation: in a client's own tokens its id is ``sub`` (RFC 9700 4.15).
    """
    if not CLIENT_ID_PATTERN.fullmatch(client_id) or client_id.lower().startswith(SUBJECT_PREFIXES):
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_ID_INVALID", expected="3 to 64 letters, digits, . _ -, not as subjects begin")


def check_client_fields(name: str, scopes: tuple[str, ...], audiences: tuple[str, ...], tokens_per_minute: int) -> None:
    """Raise CLIENT_FIELD_INVALID naming the field that breaks its rule."""
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or not is_shown(name) or name != name.strip():
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="name", expected=f"1 to {NAME_CHARACTERS_MAX} visible characters")
    if len(scopes) > SCOPES_PER_CLIENT_MAX or len(set(scopes)) != len(scopes):
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="scopes", expected=f"at most {SCOPES_PER_CLIENT_MAX}, none twice")
    if not all(SCOPE_PATTERN.fullmatch(scope) for scope in scopes):
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="scopes", expected="names such as seal.use")
    if len(audiences) > AUDIENCES_PER_CLIENT_MAX or len(set(audiences)) != len(audiences):
        raise TrustError(
            Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="audiences", expected=f"at most {AUDIENCES_PER_CLIENT_MAX}, none twice"
        )
    if not all(is_resource(audience) for audience in audiences):
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="audiences", expected="absolute URIs without fragment")
    if not 1 <= tokens_per_minute <= TOKENS_PER_MINUTE_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="tokens_per_minute", expected=f"1 to {TOKENS_PER_MINUTE_MAX}")


def is_resource(text: str) -> bool:
    """Whether the text can name a resource server: an absolute URI without fragment (RFC 8707 2)."""
    return len(text) <= URI_CHARACTERS_MAX and "#" not in text and '"' not in text and URI_PATTERN.fullmatch(text) is not None


def with_status(client: Client, status: ClientStatus, at: datetime) -> Client:
    """The client in another state; CLIENT_STATUS_CONFLICT where the table of transitions does not allow it."""
    if status not in CLIENT_TRANSITIONS[client.status]:
        raise TrustError(
            Kind.CONFLICT, "CLIENT_STATUS_CONFLICT", client_id=client.client_id, status=client.status.value, wanted=status.value
        )
    return replace(client, status=status, changed_at=at, version=client.version + 1)


def with_secret(client: Client, secret_digest: bytes, at: datetime, overlap_seconds: int) -> Client:
    """The client with a new secret; those that work now go on working for ``overlap_seconds`` (0: not at all).

    CLIENT_FIELD_INVALID; CLIENT_SECRETS_MANY where more than ``SECRETS_MAX`` would work at a time: none that may be in use ends unasked.
    """
    if not 0 <= overlap_seconds <= SECRET_OVERLAP_SECONDS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "CLIENT_FIELD_INVALID", field="overlap_seconds", expected=f"0 to {SECRET_OVERLAP_SECONDS_MAX}")
    until_at = client.previous_until_at
    working = (client.secret_digest, *(client.previous_digests if until_at is not None and at < until_at else ()))
    if overlap_seconds and len(working) >= SECRETS_MAX:
        raise TrustError(Kind.CONFLICT, "CLIENT_SECRETS_MANY", client_id=client.client_id, limit=SECRETS_MAX)
    return replace(
        client,
        secret_digest=secret_digest,
        previous_digest=b"".join(working) if overlap_seconds else None,
        previous_until_at=at + timedelta(seconds=overlap_seconds) if overlap_seconds else None,
        changed_at=at,
        version=client.version + 1,
    )


def granted_scopes(client: Client, requested: str | None) -> tuple[str, ...] | None:
    """The scopes a token gets, in the client's order: what was asked for, everything where nothing was; None if not all are allowed,
    or the client has none.

    RFC 6749 3.3. Asking for more than is allowed is refused, not narrowed: a caller that gets less than it asked for would find out
    later and elsewhere.
    """
    if not client.scopes:
        return None
    if requested is None:
        return client.scopes
    wanted = requested.split(" ")
    if len(wanted) > SCOPES_PER_CLIENT_MAX or not set(wanted) <= set(client.scopes):
        return None
    return tuple(scope for scope in client.scopes if scope in wanted)


def signing_key_at(keys: tuple[SigningKey, ...], at: datetime, algorithm: str = ACCESS_TOKEN_ALGORITHM) -> SigningKey | None:
    """The key that signs with an algorithm at a time: of those not withdrawn whose turn has come, the one whose turn came last."""
    ready = [key for key in keys if key.algorithm == algorithm and key.withdrawn_at is None and key.signs_from_at <= at]
    return max(ready, key=lambda key: (key.signs_from_at, key.key_id), default=None)


def published_keys_at(
    keys: tuple[SigningKey, ...], at: datetime, algorithms: tuple[str, ...] = ORDINARY_ALGORITHMS
) -> tuple[SigningKey, ...]:
    """The keys that verifiers need at a time: future ones, the signing one, and those whose last token may still live."""
    tail = timedelta(seconds=TOKEN_SECONDS + CLOCK_LEEWAY_SECONDS)
    found: list[SigningKey] = []
    for algorithm in algorithms:
        alive = sorted(
            (key for key in keys if key.algorithm == algorithm and key.withdrawn_at is None),
            key=lambda key: (key.signs_from_at, key.key_id),
        )
        found += (key for i, key in enumerate(alive) if i + 1 == len(alive) or at < alive[i + 1].signs_from_at + tail)
    return tuple(found)
