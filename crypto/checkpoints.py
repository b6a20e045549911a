"""Signing and verifying a log's checkpoints, and receipts: the proof that an entry is in a log, checked without the log.

Keys sign as C2SP signed notes say: Ed25519 (type 0x01), understood everywhere, and SM2 (type 0xff, our identifier).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from crypto.merkle import TreeHash, is_included
from crypto.report import Outcome, Step, failed, not_checked, passed
from crypto.signatures import SignatureAlgorithm
from crypto.sm2 import SM2PublicKey
from standards.c2sp_signed_note import (
    KEY_ID_BYTES,
    TYPE_ED25519,
    TYPE_SM2,
    Note,
    NoteSignature,
    check_key_name,
    key_id_input,
    read_note,
    read_verifier_key,
    write_note,
    write_verifier_key,
)
from standards.c2sp_tlog_checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from standards.c2sp_tlog_proof import LogProof, read_proof, write_proof
from standards.errors import Kind, MalformedError, TrustError
from standards.gbt32918_sm2 import read_signature, write_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.signer import Signer

NOTE_CLAUSE: Final = "C2SP signed-note"
CHECKPOINT_CLAUSE: Final = "C2SP tlog-checkpoint"
TREE_CLAUSE: Final = "RFC 9162 2.1.3.2"
_SCALAR: Final = 32
POINT_BYTES: Final = 65
ED25519_KEY_BYTES: Final = 32
REMEMBERED_SIGNATURES: Final = 256  # that were right: entries come in numbers under one checkpoint
_REMEMBERED_TEXT_BYTES: Final = 4096  # a checkpoint has a few hundred
_TYPES: Final = {SignatureAlgorithm.ED25519: TYPE_ED25519, SignatureAlgorithm.SM2_SM3: TYPE_SM2}


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under which somebody signs notes. ``public_key``: 32 bytes Ed25519, or the 65-byte SM2 point."""

    KINDS: ClassVar[tuple[tuple[bytes, int], ...]] = ()
    """The signature types of such keys, each with the size of its public key in bytes."""

    name: str
    signature_type: bytes
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart; those of other types too, because the type is part of what is hashed."""
        return hashlib.sha256(key_id_input(self.name, self.signature_type, self.public_key)).digest()[:KEY_ID_BYTES]

    def to_text(self) -> str:
        """As it is handed out: ``name+id+base64``."""
        return write_verifier_key(self.name, self.key_id, self.signature_type, self.public_key)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read it. MalformedError NOTE_VERIFIER_KEY, also where the id does not belong to the key or the key is of another kind."""
        name, key_id, data = read_verifier_key(text)
        for kind, size in cls.KINDS:
            if data.startswith(kind) and len(data) == len(kind) + size:
                key = cls(name, kind, data[len(kind) :])
                if hmac.compare_digest(key.key_id, key_id):
                    return key
        raise MalformedError("NOTE_VERIFIER_KEY")


class LogVerifierKey(NoteKey):
    """A key under which a log signs its checkpoints."""

    __slots__ = ()
    KINDS = ((TYPE_ED25519, ED25519_KEY_BYTES), (TYPE_SM2, POINT_BYTES))

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """True where the signature, in the note's form, is right. Never raises.

        That one was right is remembered by key, signature and text, which decide it for ever; whether the key counts is asked elsewhere, each time.
        """
        check = _check_signature if len(text) <= _REMEMBERED_TEXT_BYTES else _check_signature.__wrapped__
        try:
            check(self.signature_type, self.public_key, signature, text)
        except (InvalidSignature, ValueError, TrustError):
            return False
        return True


@lru_cache(maxsize=REMEMBERED_SIGNATURES)
def _check_signature(signature_type: bytes, public_key: bytes, signature: bytes, text: bytes) -> None:
    """Returns where it is right. What is raised instead is not remembered: it may be a library that failed this once."""
    if signature_type == TYPE_ED25519:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
        return
    if len(signature) != 2 * _SCALAR:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:_SCALAR], "big"), int.from_bytes(signature[_SCALAR:], "big")
    if not SM2PublicKey.from_point(public_key).verify(write_signature(r, s), text):
        raise InvalidSignature


def public_key_of(signer: Signer) -> bytes:
    """The public key as notes carry it: 32 bytes Ed25519, or the 65-byte SM2 point."""
    if signer.algorithm is SignatureAlgorithm.SM2_SM3:
        return SM2PublicKey.from_spki(signer.public_spki_der).point
    return load_der_public_key(signer.public_spki_der).public_bytes(Encoding.Raw, PublicFormat.Raw)


def signature_value(signer: Signer, message: bytes) -> bytes:
    """The 64 bytes of a signature as notes carry it: Ed25519's own, or SM2's r || s."""
    value = signer.sign(message)
    if signer.algorithm is SignatureAlgorithm.SM2_SM3:
        r, s = read_signature(value)
        return r.to_bytes(_SCALAR, "big") + s.to_bytes(_SCALAR, "big")
    return value


class CheckpointSigner:
    """Signs notes with a key of the keystore: Ed25519 or SM2. ``name``: the key name, for a log its origin."""

    def __init__(self, name: str, signer: Signer) -> None:
        check_key_name(name)
        kind = _TYPES.get(signer.algorithm)
        if kind is None:
            raise TrustError(Kind.UNACCEPTABLE, "LOG_KEY_UNSUPPORTED", algorithm=str(signer.algorithm))
        self.key = LogVerifierKey(name, kind, public_key_of(signer))
        self._signer = signer

    def sign(self, text: str) -> NoteSignature:
        """Sign a note's text."""
        return NoteSignature(self.key.name, self.key.key_id, signature_value(self._signer, text.encode()))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[CheckpointSigner]) -> bytes:
    """The signed note of a checkpoint. The caller must never sign two that do not extend each other: see the transparency log."""
    text = write_checkpoint(checkpoint)
    return write_note(Note(text, tuple(signer.sign(text) for signer in signers)))


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What a verifier must know of a log beforehand: its origin, its digest (object identifier), the keys it may sign with."""

    origin: str
    digest_oid: str
    keys: tuple[LogVerifierKey, ...]


@dataclass(frozen=True, slots=True)
class CheckpointResult:
    """``verified``: True, False, or None where no known key has signed. ``checkpoint`` is to be believed only where True."""

    verified: bool | None
    checkpoint: Checkpoint | None
    steps: tuple[Step, ...]


def verify_checkpoint(note: bytes, log: LogIdentity) -> CheckpointResult:
    """Verify a signed checkpoint of ``log``. Never raises.

    At least one known key must have signed, and every signature of a known key must be right (C2SP signed-note); those of unknown keys
    are passed over.
    """
    try:
        read = read_note(note)
        checkpoint = read_checkpoint(read.text)
    except MalformedError as error:
        return CheckpointResult(False, None, (failed("LOG_CHECKPOINT_MALFORMED", CHECKPOINT_CLAUSE, rule=error.code),))
    steps: list[Step] = []
    if checkpoint.origin != log.origin:
        steps.append(failed("LOG_ORIGIN_OTHER", CHECKPOINT_CLAUSE, expected=log.origin, found=checkpoint.origin))
    text = read.text.encode()
    known = 0
    for each in read.signatures:
        for key in log.keys:
            if each.key_name == key.name and each.key_id == key.key_id:
                known += 1
                if key.verifies(each.signature, text):
                    steps.append(passed("LOG_CHECKPOINT_SIGNED", NOTE_CLAUSE, key=key.name))
                else:
                    steps.append(failed("LOG_CHECKPOINT_SIGNATURE_BAD", NOTE_CLAUSE, key=key.name))
    if not known:
        steps.append(not_checked("LOG_CHECKPOINT_KEY_UNKNOWN", NOTE_CLAUSE))
    return CheckpointResult(_verdict(steps), checkpoint, tuple(steps))


def _verdict(steps: Sequence[Step]) -> bool | None:
    outcomes = {step.outcome for step in steps}
    return False if Outcome.FAIL in outcomes else None if Outcome.NOT_CHECKED in outcomes else True


@dataclass(frozen=True, slots=True)
class Receipt:
    """That ``entry`` stands at ``index`` of the log whose signed ``checkpoint`` (note, bytes) is enclosed."""

    entry: bytes
    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def to_text(self) -> bytes:
        """As a C2SP tlog-proof (``.tlog-proof``); the entry itself is not part of it."""
        return write_proof(LogProof(self.index, self.proof, self.checkpoint))

    @classmethod
    def from_text(cls, entry: bytes, text: bytes) -> Receipt:
        """Put an entry and its tlog-proof together. MalformedError LOG_PROOF_FORM."""
        read = read_proof(text)
        return cls(entry, read.index, read.hashes, read.checkpoint)


def verify_receipt(receipt: Receipt, log: LogIdentity) -> CheckpointResult:
    """Verify that the entry is in the log, by nothing but the receipt and what is known of the log. Never raises."""
    result = verify_checkpoint(receipt.checkpoint, log)
    if result.checkpoint is None:
        return result
    tree = TreeHash(log.digest_oid)
    head = result.checkpoint
    included = is_included(tree, leaf=tree.leaf(receipt.entry), index=receipt.index, size=head.size, proof=receipt.proof, root=head.root)
    facts = {"index": receipt.index, "size": head.size}
    step = passed("LOG_ENTRY_INCLUDED", TREE_CLAUSE, **facts) if included else failed("LOG_ENTRY_NOT_INCLUDED", TREE_CLAUSE, **facts)
    steps = (*result.steps, step)
    return CheckpointResult(_verdict(steps), head, steps)
