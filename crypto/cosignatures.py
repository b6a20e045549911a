"""Cosignatures of witnesses: made by them, verified by everyone who wants to know that he is shown the log that others are shown.

Keys are Ed25519 (C2SP tlog-cosignature, type 0x04) or SM2 (our identifier); both sign the same message, which holds the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import ED25519_KEY_BYTES, POINT_BYTES, LogVerifierKey, NoteKey, public_key_of, signature_value
from crypto.report import Step, failed, not_checked, passed
from crypto.signatures import SignatureAlgorithm
from standards.c2sp_signed_note import (
    TYPE_ED25519,
    TYPE_SM2,
    NoteSignature,
    check_key_name,
    read_note,
)
from standards.c2sp_tlog_cosignature import (
    TYPE_COSIGNATURE,
    TYPE_SM2_COSIGNATURE,
    cosigned_message,
    read_cosignature,
    write_cosignature,
)
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.signer import Signer

COSIGNATURE_CLAUSE: Final = "C2SP tlog-cosignature"
FUTURE_SECONDS: Final = 300  # how far the clock of a witness may be ahead of ours
_TYPES: Final = {SignatureAlgorithm.ED25519: TYPE_COSIGNATURE, SignatureAlgorithm.SM2_SM3: TYPE_SM2_COSIGNATURE}
_PLAIN: Final = {TYPE_COSIGNATURE: TYPE_ED25519, TYPE_SM2_COSIGNATURE: TYPE_SM2}


class WitnessKey(NoteKey):
    """A key under which a witness cosigns; never taken for a log's."""

    __slots__ = ()
    KINDS = ((TYPE_COSIGNATURE, ED25519_KEY_BYTES), (TYPE_SM2_COSIGNATURE, POINT_BYTES))

    def cosigned_at(self, value: bytes, text: str) -> int | None:
        """When this witness cosigned the checkpoint ``text`` (seconds since 1970 UTC); None where the signature is not right."""
        try:
            at_seconds, signature = read_cosignature(value)
        except MalformedError:
            return None
        plain = LogVerifierKey(self.name, _PLAIN[self.signature_type], self.public_key)
        return at_seconds if plain.verifies(signature, cosigned_message(text, at_seconds)) else None


class Cosigner:
    """A witness's key. ``name``: the key name, a URL without scheme that names the witness."""

    def __init__(self, name: str, signer: Signer) -> None:
        check_key_name(name)
        kind = _TYPES.get(signer.algorithm)
        if kind is None:
            raise TrustError(Kind.UNACCEPTABLE, "LOG_KEY_UNSUPPORTED", algorithm=str(signer.algorithm))
        self.key = WitnessKey(name, kind, public_key_of(signer))
        self._signer = signer

    def cosign(self, text: str, at: datetime) -> NoteSignature:
        """Cosign a checkpoint's text. The caller has made sure that it extends all he has cosigned of this log."""
        at_seconds = int(at.timestamp())
        signature = signature_value(self._signer, cosigned_message(text, at_seconds))
        return NoteSignature(self.key.name, self.key.key_id, write_cosignature(at_seconds, signature))


@dataclass(frozen=True, slots=True)
class CosignatureResult:
    """``witnessed``: True where as many witnesses as were asked for have cosigned, False where a known one's signature is wrong, None
    where there are too few. ``cosigned_at``: when each did, by key name, in seconds since 1970 UTC.
    """

    witnessed: bool | None
    cosigned_at: dict[str, int]
    steps: tuple[Step, ...]


def _count_witnesses(good: set[tuple[str, bytes]]) -> int:
    """How many witnesses these are, each under a name and a key: those that share either are one."""
    witnesses: list[set[str | bytes]] = []
    for pair in good:
        joined: set[str | bytes] = set(pair)
        shared = [each for each in witnesses if each & joined]
        witnesses = [each for each in witnesses if each not in shared]
        witnesses.append(joined.union(*shared))
    return len(witnesses)


def verify_cosignatures(note: bytes, witnesses: Sequence[WitnessKey], at: datetime, *, quorum: int = 1) -> CosignatureResult:
    """Which of the known witnesses have cosigned a checkpoint. Never raises; signatures of unknown keys are passed over.

    ``quorum``: how many it takes, each counted once however many keys it has, and one key once however many names it has. A time in the future
    counts as wrong.
    """
    try:
        read = read_note(note)
    except MalformedError as error:
        step = failed("LOG_CHECKPOINT_MALFORMED", COSIGNATURE_CLAUSE, rule=error.code)
        return CosignatureResult(False, {}, (step,))
    steps: list[Step] = []
    found: dict[str, int] = {}
    good: set[tuple[str, bytes]] = set()
    wrong = False
    latest = at.timestamp() + FUTURE_SECONDS
    for each in read.signatures:
        for key in witnesses:
            if each.key_name == key.name and each.key_id == key.key_id:
                when = key.cosigned_at(each.signature, read.text)
                if when is None or when > latest:
                    wrong = True
                    steps.append(failed("LOG_COSIGNATURE_BAD", COSIGNATURE_CLAUSE, key=key.name))
                else:
                    found[key.name] = max(when, found.get(key.name, 0))
                    good.add((key.name, key.public_key))
                    steps.append(passed("LOG_COSIGNED", COSIGNATURE_CLAUSE, key=key.name))
    count = _count_witnesses(good)
    enough = count >= max(1, quorum)
    if not enough and not wrong:
        steps.append(not_checked("LOG_WITNESSES_TOO_FEW", COSIGNATURE_CLAUSE, found=count, expected=max(1, quorum)))
    return CosignatureResult(False if wrong else True if enough else None, found, tuple(steps))
