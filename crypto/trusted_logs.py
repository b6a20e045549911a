"""Which public logs a verifier believes, under which witnesses, and whose status lists: parts of the trust list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from crypto.checkpoints import NOTE_CLAUSE, LogIdentity, LogVerifierKey, verify_receipt
from crypto.cosignatures import WitnessKey
from crypto.jose import VerificationKey, verification_key
from crypto.report import not_checked, warned
from crypto.trust_list_values import base64_text, malformed, read_array, read_base64, read_object, read_text, read_time, time_text
from standards import gbt33560_oids as oids
from standards.c2sp_signed_note import read_note
from standards.errors import MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from crypto.checkpoints import Receipt
    from crypto.report import Step

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
    """Since when and until when a key signs, aware UTC, whole seconds; None: always so far, or without an end.

    ``withdrawn_at``: since when it may be in the wrong hands. What it signed counts only where something else shows it to be older; a time that
    stands under its own signature shows nothing, for a thief writes what he likes.
    """

    from_at: datetime | None = None
    until_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log whose checkpoints count where at least ``quorum`` of ``witnesses`` have cosigned them.

    ``periods``: one for each of the identity's keys, or none at all. They tell a reader which key is whose successor; a checkpoint says no time
    that could be held against them, and receipts of years ago must hold. Under a key that was withdrawn they hold as :func:`check_receipt` says.
    """

    identity: LogIdentity
    witnesses: tuple[WitnessKey, ...] = ()
    quorum: int = 0
    periods: tuple[KeyPeriod, ...] = ()

    def withdrawn(self) -> dict[LogVerifierKey, datetime]:
        """The keys that were withdrawn, and since when."""
        found = zip(self.identity.keys, self.periods or (KeyPeriod(),) * len(self.identity.keys), strict=True)
        return {key: period.withdrawn_at for key, period in found if period.withdrawn_at is not None}

    def believed(self) -> LogIdentity:
        """The log as its other keys make it known."""
        withdrawn = self.withdrawn()
        return replace(self.identity, keys=tuple(key for key in self.identity.keys if key not in withdrawn))


@dataclass(frozen=True, slots=True)
class StatusIssuer:
    """Who signs status lists: ``keys`` count for lists whose address begins with ``prefix``, and for no others.

    ``periods``: one for each key, or none at all; a list is not believed under a key that is past its period, and nothing at all under one that was
    withdrawn.
    """

    prefix: str
    keys: tuple[bytes, ...]
    """SubjectPublicKeyInfo, DER."""
    periods: tuple[KeyPeriod, ...] = ()

    def verification_keys(self) -> Mapping[str, VerificationKey]:
        """Those that count by their thumbprint, which is the ``kid`` that tokens name."""
        return _by_thumbprint(key for key, period in self._with_periods() if period.withdrawn_at is None)

    def believed_at(self, at: datetime) -> tuple[bytes, ...]:
        """The keys under which a list is believed at ``at`` (aware UTC), as they stand in ``keys``."""
        return tuple(
            key
            for key, period in self._with_periods()
            if period.withdrawn_at is None and (period.until_at is None or period.until_at >= at)
        )

    def withdrawn(self) -> StatusIssuer:
        """The issuer with nothing but its withdrawn keys, as if they counted: to say of what they signed that they were withdrawn."""
        return StatusIssuer(self.prefix, tuple(key for key, period in self._with_periods() if period.withdrawn_at is not None))

    def _with_periods(self) -> Iterable[tuple[bytes, KeyPeriod]]:
        return zip(self.keys, self.periods or (KeyPeriod(),) * len(self.keys), strict=True)


def _by_thumbprint(keys: Iterable[bytes]) -> dict[str, VerificationKey]:
    return {key.key_id: key for key in map(verification_key, keys)}


def spread_withdrawals(
    logs: tuple[TrustedLog, ...], issuers: tuple[StatusIssuer, ...]
) -> tuple[tuple[TrustedLog, ...], tuple[StatusIssuer, ...]]:
    """The same, but a key that one of them says is withdrawn is so in all that name it: an older list beside a newer one brings none back."""
    gone: dict[object, datetime] = {}
    for keys, periods in [(log.identity.keys, log.periods) for log in logs] + [(issuer.keys, issuer.periods) for issuer in issuers]:
        for key, period in zip(keys, periods or (KeyPeriod(),) * len(keys), strict=True):
            if period.withdrawn_at is not None:
                gone[key] = min(period.withdrawn_at, gone.get(key, period.withdrawn_at))
    if not gone:
        return logs, issuers

    def spread(keys: Sequence[object], periods: Sequence[KeyPeriod]) -> tuple[KeyPeriod, ...]:
        if not gone.keys() & set(keys):
            return tuple(periods)
        stated = periods or (KeyPeriod(),) * len(keys)
        return tuple(replace(period, withdrawn_at=gone.get(key)) for key, period in zip(keys, stated, strict=True))

    return (
        tuple(replace(log, periods=spread(log.identity.keys, log.periods)) for log in logs),
        tuple(replace(issuer, periods=spread(issuer.keys, issuer.periods)) for issuer in issuers),
    )


def check_receipt(receipt: Receipt, log: TrustedLog, shown_at: datetime | None) -> tuple[Step, ...]:
    """The steps of verifying that an entry is in a log. Never raises.

    ``shown_at``: by when the receipt is shown to have existed, by others than the log (aware UTC), None where that is not shown. Under none but
    withdrawn keys a receipt counts, with a warning, if it is shown to be older than the withdrawal; else nothing is known by it.
    """
    withdrawn, believed = log.withdrawn(), log.believed()
    if not withdrawn or _is_signed_by(receipt, believed.keys):
        return verify_receipt(receipt, believed).steps
    steps = verify_receipt(receipt, log.identity).steps
    since = min((at for key, at in withdrawn.items() if _is_signed_by(receipt, (key,))), default=None)
    if since is None:  # signed by nobody who is known
        return steps
    is_older = shown_at is not None and shown_at < since
    step = warned if is_older else not_checked
    return (*steps, step("LOG_KEY_WITHDRAWN_LATER" if is_older else "LOG_KEY_WITHDRAWN", NOTE_CLAUSE, withdrawn_at=since.isoformat()))


def _is_signed_by(receipt: Receipt, keys: Iterable[LogVerifierKey]) -> bool:
    """Whether one of these keys is named under the checkpoint; whether it signed it is found out elsewhere."""
    try:
        named = {(each.key_name, each.key_id) for each in read_note(receipt.checkpoint).signatures}
    except MalformedError:
        return False
    return any((key.name, key.key_id) in named for key in keys)


def read_log(item: object, where: str) -> TrustedLog:
    """A log of the trust list. TRUST_LIST_MALFORMED."""
    fields = read_object(item, where, {"origin", "digest", "keys"}, {"witnesses", "quorum", "periods"})
    digest = _DIGESTS.get(read_text(fields["digest"], f"{where}.digest"))
    if digest is None:
        raise malformed(f"{where}.digest", "expected one of " + ", ".join(_DIGESTS))
    keys = _read_keys(LogVerifierKey.from_text, fields["keys"], f"{where}.keys", MAX_LOG_KEYS)
    witnesses = _read_keys(WitnessKey.from_text, fields.get("witnesses", []), f"{where}.witnesses", MAX_WITNESSES)
    own = {key.public_key for key in keys}
    for i, witness in enumerate(witnesses):
        if witness.public_key in own:
            raise malformed(f"{where}.witnesses[{i}]", "a log is no witness of itself")
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
        one = read_object(item, f"{where}.periods[{i}]", set(), {"from", "until", "withdrawn"})
        times = {name: read_time(value, f"{where}.periods[{i}].{name}") for name, value in one.items()}
        periods.append(KeyPeriod(times.get("from"), times.get("until"), times.get("withdrawn")))
    return tuple(periods)


def _period_objects(periods: tuple[KeyPeriod, ...]) -> dict[str, Any]:
    if not periods:
        return {}
    return {"periods": [_period_object(each) for each in periods]}


def _period_object(period: KeyPeriod) -> dict[str, str]:
    named = {"from": period.from_at, "until": period.until_at, "withdrawn": period.withdrawn_at}
    return {name: time_text(at) for name, at in named.items() if at is not None}


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
        _by_thumbprint(keys)
    except TrustError as error:
        raise malformed(f"{where}.keys", error.code) from None
    return issuer


def status_issuer_object(issuer: StatusIssuer) -> dict[str, Any]:
    """As :func:`read_status_issuer` reads it."""
    return {"prefix": issuer.prefix, "keys": [base64_text(key) for key in issuer.keys], **_period_objects(issuer.periods)}
