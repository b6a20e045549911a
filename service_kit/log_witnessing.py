"""Showing a log's checkpoints to its witnesses, and keeping the cosignatures that come back. Off unless witnesses are configured.

What is kept is one note for each tree: the newest checkpoint with the cosignatures on it. It stands beside the newest checkpoint, which
is usually a few seconds younger; a witness that does not answer holds up neither the log nor the other witnesses.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.cosignatures import FUTURE_SECONDS, WitnessKey
from standards.c2sp_signed_note import Note, read_note, write_note
from standards.c2sp_tlog_checkpoint import read_checkpoint
from standards.c2sp_tlog_witness import (
    ADD_CHECKPOINT,
    ANSWER_BYTES,
    AddCheckpoint,
    read_signature_lines,
    read_size,
    write_add_checkpoint,
)
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service_kit.bounded_calls import Answer
    from service_kit.clock import Clock
    from service_kit.transparency_log import TransparencyLog
    from standards.c2sp_signed_note import NoteSignature

EVERY_SECONDS: Final = 5.0
_REFUSALS: Final = frozenset({"WITNESS_AHEAD", "WITNESS_REFUSED", "WITNESS_ANSWER_FORM", "WITNESS_COSIGNATURE_BAD"})
_OK: Final = 200
_CONFLICT: Final = 409
_FAULT: Final = 500  # and above: of whatever stands before the witness, or of its disk
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConfiguredWitness:
    """Who is to cosign which tree of which log. ``url``: the submission prefix."""

    log: str
    tree: str
    url: str
    key: WitnessKey


def read_witnesses(entries: Sequence[str]) -> tuple[ConfiguredWitness, ...]:
    """Read the setting ``logs.witnesses``: ``<log>/<tree> <URL> <key>`` each. SETTING_INVALID."""
    read = []
    for entry in entries:
        parts = entry.split()
        log, slash, tree = parts[0].partition("/") if len(parts) == 3 else ("", "", "")
        try:
            if not slash or not log or not tree:
                raise MalformedError("NOTE_VERIFIER_KEY")
            read.append(ConfiguredWitness(log, tree, parts[1].rstrip("/"), WitnessKey.from_text(parts[2])))
        except MalformedError:
            raise TrustError(
                Kind.UNACCEPTABLE, "SETTING_INVALID", name="logs.witnesses", expected="<log>/<tree> <URL> <witness key>"
            ) from None
    return tuple(read)


def is_refusal(error: TrustError) -> bool:
    """Whether a witness that was reached answered so, in place of a cosignature; else it was not reached, or could not answer."""
    status = error.facts.get("status")
    return error.code in _REFUSALS and not (isinstance(status, int) and status >= _FAULT)


class WitnessDesk:
    """Asks the witnesses of one log. ``post``: (URL, body, limit of the answer in bytes) -> answer; TrustError where none comes."""

    def __init__(
        self, log: TransparencyLog, witnesses: Sequence[ConfiguredWitness], post: Callable[[str, bytes, int], Answer], clock: Clock
    ) -> None:
        self._log = log
        self._witnesses = tuple(each for each in witnesses if each.log == log.name)
        for each in self._witnesses:
            log.tree_named(each.tree)
        self._post = post
        self._clock = clock
        self._known: dict[ConfiguredWitness, int] = {}
        self._heard: set[ConfiguredWitness] = set()
        self.errors: dict[ConfiguredWitness, str] = {}
        """The newest failure of each, as a code. Whoever cosigns two trees under one name is two here."""

    def run(self) -> int:
        """Show the newest checkpoints; returns how many cosignatures came. A witness that fails is noted and asked again next time.

        Each is asked once also where the newest is cosigned already: after an old backup was put back, its witnesses alone know of a later one.
        """
        head = self._log.head()
        came = 0
        for each in self._witnesses:
            note = head.checkpoints.get(each.tree)
            if note is None or (self._is_cosigned(each, note) and each in self._heard):
                continue
            try:
                signature = self._ask(each, note, head.size)
                if signature is not None:
                    self._keep(each, note, signature)
            except TrustError as error:
                if self.errors.get(each) != error.code:
                    said = {"witness": each.key.name, "tree": each.tree, "error": error.code, **error.facts}
                    _logger.warning("witness failed", extra={"facts": said})
                self.errors[each] = error.code
            else:
                self._heard.add(each)
                self._known[each] = head.size
                self.errors.pop(each, None)
                came += signature is not None
        return came

    def look(self) -> tuple[tuple[ConfiguredWitness, TrustError | None], ...]:
        """Each witness with what it answers to the newest checkpoint that is not a cosignature, for whoever only wants to know; nothing is kept."""
        head = self._log.head()
        found: list[tuple[ConfiguredWitness, TrustError | None]] = []
        for each in self._witnesses:
            note = head.checkpoints.get(each.tree)
            try:
                if note is not None:
                    self._is_cosigned(each, note)  # which tells how far it is known to be
                    self._ask(each, note, head.size)
            except TrustError as error:
                found.append((each, error))
            else:
                found.append((each, None))
        return tuple(found)

    def _is_cosigned(self, witness: ConfiguredWitness, note: bytes) -> bool:
        read = self._kept(witness.tree)
        if read is None:
            return False
        has = any(each.key_name == witness.key.name and each.key_id == witness.key.key_id for each in read.signatures)
        if has and witness not in self._known:
            self._known[witness] = read_checkpoint(read.text).size
        return has and read.text == read_note(note).text

    def _kept(self, tree: str) -> Note | None:
        """The newest that was cosigned; None where there is none, or none that can be read: it is replaced, and the check of the log names it."""
        kept = self._log.files.cosigned(tree)
        try:
            read = None if kept is None else read_note(kept)
            if read is not None:
                read_checkpoint(read.text)
        except MalformedError:
            return None
        return read

    def _ask(self, witness: ConfiguredWitness, note: bytes, size: int) -> NoteSignature | None:
        """Its cosignature; None where another process has shown it a later checkpoint of this log meanwhile."""
        old = min(self._known.get(witness, 0), size)
        for _ in range(2):  # the second time with the size the witness told
            proof = self._log.consistency_proof(old, size, witness.tree)
            answer = self._post(witness.url + ADD_CHECKPOINT, write_add_checkpoint(AddCheckpoint(old, proof, note)), ANSWER_BYTES)
            if answer.status == _OK:
                return self._checked(witness, note, answer.body)
            if answer.status != _CONFLICT:
                raise TrustError(Kind.UNAVAILABLE, "WITNESS_REFUSED", status=answer.status)
            told = read_size(answer.body)
            if told > size:
                now = self._log.head().size
                if told > now:
                    raise TrustError(Kind.UNAVAILABLE, "WITNESS_AHEAD", size=now, told=told)
                return None
            if told == old:
                raise TrustError(Kind.UNAVAILABLE, "WITNESS_REFUSED", status=answer.status)
            old = told
        # No conflict over what is in it: another process was quicker, twice
        raise TrustError(Kind.UNAVAILABLE, "WITNESS_REFUSED", told=old)

    def _checked(self, witness: ConfiguredWitness, note: bytes, body: bytes) -> NoteSignature:
        text = read_note(note).text
        # Whoever verifies calls a later one wrong, and with it the whole checkpoint
        latest = self._clock.now().timestamp() + FUTURE_SECONDS
        for each in read_signature_lines(body):
            if each.key_name == witness.key.name and each.key_id == witness.key.key_id:
                at_seconds = witness.key.cosigned_at(each.signature, text)
                if at_seconds is not None and at_seconds > latest:
                    ahead = int(at_seconds - self._clock.now().timestamp())
                    raise TrustError(Kind.UNAVAILABLE, "WITNESS_COSIGNATURE_BAD", ahead_seconds=ahead)
                if at_seconds is not None:
                    return each
                break
        raise TrustError(Kind.UNAVAILABLE, "WITNESS_COSIGNATURE_BAD")

    def _keep(self, witness: ConfiguredWitness, note: bytes, signature: NoteSignature) -> None:
        read = read_note(note)
        former = self._kept(witness.tree)
        others: tuple[NoteSignature, ...] = ()
        if former is not None:
            if read_checkpoint(former.text).size > read_checkpoint(read.text).size:
                return  # another process is further
            own = {(each.key_name, each.key_id) for each in read.signatures} | {(signature.key_name, signature.key_id)}
            if former.text == read.text:
                others = tuple(each for each in former.signatures if (each.key_name, each.key_id) not in own)
        self._log.files.publish_cosigned(witness.tree, write_note(Note(read.text, (*read.signatures, *others, signature))))
