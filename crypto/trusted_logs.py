"""Which public logs a verifier believes, under which witnesses, and whose status lists: parts of the trust list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crypto.checkpoints import LogIdentity, LogVerifierKey
from crypto.cosignatures import WitnessKey
from crypto.jose import VerificationKey, verification_key
from crypto.trust_list_values import base64_text, malformed, read_array, read_base64, read_object, read_text, read_time, time_text
from standards import gbt33560_oids as oids
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

MAX_LOGS: Final = 256  # two trees for each of a hundred regions
MAX_LOG_KEYS: Final = 16  # of one log, those it had before included
MAX_WITNESSES: Final = 64
MAX_STATUS_ISSUERS: Final = 256
MAX_STATUS_KEYS: Final = 16
MAX_STATUS_TOKENS: Final = 256
_Key = TypeVar("_Key")
_DIGESTS: Final = {"sm3": oids.SM3, "sha-256": oids.SHA256}
_DIGEST_NAMES: Final = {oid: name for name, oid in _DIGESTS.items()}


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """Since when and until when a key signs, aware UTC, whole seconds; None: always so far, or without an end."""

    from_at: datetime | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log whose checkpoints count where at least ``quorum`` of ``witnesses`` have cosigned them.

    ``periods``: one for each of the identity's keys, or none at all. They tell a reader which key is whose successor; a checkpoint says no time
    that could be held against them, and receipts of years ago must hold.
    """

    identity: LogIdentity
    witnesses: tuple[WitnessKey, ...] = ()
    quorum: int = 0
    periods: tuple[KeyPeriod, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusIssuer:
    """Who signs status lists: ``keys`` count for lists whose address begins with ``prefix``, and for no others.

    ``periods``: one for each key, or none at all; a list is not believed under a key that is past its period.
    """

    prefix: str
    keys: tuple[bytes, ...]
    """SubjectPublicKeyInfo, DER."""
    periods: tuple[KeyPeriod, ...] = ()

    def verification_keys(self) -> Mapping[str, VerificationKey]:
        """The keys by their thumbprint, which is the ``kid`` that tokens name."""
        return {key.key_id: key for key in map(verification_key, self.keys)}

    def keys_at(self, at: datetime) -> Mapping[str, VerificationKey]:
        """Those under which a list is believed at ``at`` (aware UTC)."""
        over = {key for key, period in zip(self.keys, self.periods, strict=False) if period.until_at is not None and period.until_at < at}
        return {key.key_id: key for key in map(verification_key, (each for each in self.keys if each not in over))}


def read_log(item: object, where: str) -> TrustedLog:
    """A log of the trust list. TRUST_LIST_MALFORMED."""
    fields = read_object(item, where, {"origin", "digest", "keys"}, {"witnesses", "quorum", "periods"})
    digest = _DIGESTS.get(read_text(fields["digest"], f"{where}.digest"))
    if digest is None:
        raise malformed(f"{where}.digest", "expected one of " + ", ".join(_DIGESTS))
    keys = _read_keys(LogVerifierKey.from_text, fields["keys"], f"{where}.keys", MAX_LOG_KEYS)
    witnesses = _read_keys(WitnessKey.from_text, fields.get("witnesses", []), f"{where}.witnesses", MAX_WITNESSES)
    quorum = fields.get("quorum", 0)
    if type(quorum) is not int or not 0 <= quorum <= len(witnesses):
        raise malformed(f"{where}.quorum", "expected a number up to that of the witnesses")
    if not keys:
        raise malformed(f"{where}.keys", "expected one or more")
    periods = _read_periods(fields, where, len(keys))
    return TrustedLog(LogIdentity(read_text(fields["origin"], f"{where}.origin"), digest, keys), witnesses, quorum, periods)


def _read_periods(fields: Mapping[str, Any], where: str, keys: int) -> tuple[KeyPeriod, ...]:
    if "periods" not in fields:
        return ()
    items = read_array(fields["periods"], f"{where}.periods", keys)
    if len(items) != keys:
        raise malformed(f"{where}.periods", "expected one for each key")
    periods = []
    for i, item in enumerate(items):
        one = read_object(item, f"{where}.periods[{i}]", set(), {"from", "until"})
        times = {name: read_time(value, f"{where}.periods[{i}].{name}") for name, value in one.items()}
        periods.append(KeyPeriod(times.get("from"), times.get("until")))
    return tuple(periods)


def _period_objects(periods: tuple[KeyPeriod, ...]) -> dict[str, Any]:
    if not periods:
        return {}
    written = [
        {name: time_text(at) for name, at in (("from", each.from_at), ("until", each.until_at)) if at is not None} for each in periods
    ]
    return {"periods": written}


def _read_keys(read: Callable[[str], _Key], item: object, where: str, most: int) -> tuple[_Key, ...]:
    found = []
    for i, each in enumerate(read_array(item, where, most)):
        try:
            found.append(read(read_text(each, f"{where}[{i}]")))
        except MalformedError as error:
            raise malformed(f"{where}[{i}]", error.code) from None
    return tuple(found)


def log_object(log: TrustedLog) -> dict[str, Any]:
    """As :func:`read_log` reads it."""
    written: dict[str, Any] = {
        "origin": log.identity.origin,
        "digest": _DIGEST_NAMES[log.identity.digest_oid],
        "keys": [key.to_text() for key in log.identity.keys],
    }
    if log.witnesses:
        written |= {"witnesses": [key.to_text() for key in log.witnesses], "quorum": log.quorum}
    return written | _period_objects(log.periods)


def read_status_issuer(item: object, where: str) -> StatusIssuer:
    """A signer of status lists. TRUST_LIST_MALFORMED."""
    fields = read_object(item, where, {"prefix", "keys"}, {"periods"})
    prefix = read_text(fields["prefix"], f"{where}.prefix")
    if not prefix.startswith(("https://", "http://")) or not prefix.endswith("/"):  # so that it cannot end within a host name
        raise malformed(f"{where}.prefix", "expected an address that ends in /")
    keys = tuple(
        read_base64(each, f"{where}.keys[{i}]") for i, each in enumerate(read_array(fields["keys"], f"{where}.keys", MAX_STATUS_KEYS))
    )
    issuer = StatusIssuer(prefix, keys, _read_periods(fields, where, len(keys)))
    try:
        issuer.verification_keys()
    except TrustError as error:
        raise malformed(f"{where}.keys", error.code) from None
    return issuer


def status_issuer_object(issuer: StatusIssuer) -> dict[str, Any]:
    """As :func:`read_status_issuer` reads it."""
    return {"prefix": issuer.prefix, "keys": [base64_text(key) for key in issuer.keys], **_period_objects(issuer.periods)}
