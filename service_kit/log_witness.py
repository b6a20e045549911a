"""A witness of transparency logs (C2SP tlog-witness): remembers the newest checkpoint of each log it knows, and cosigns what extends it.

It keeps nothing but that, in one small file for each log. The file is durable before a cosignature leaves, so that a witness which was
killed knows afterwards what it had promised. It never cosigns two states of a log that contradict each other; where a log shows it such
a state under its own signature, both are kept as evidence.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import verify_checkpoint
from crypto.durable_files import make_folder, open_or_make
from crypto.merkle import TreeHash, is_consistent
from service_kit.durable_files import write_durably
from standards.c2sp_signed_note import read_note
from standards.c2sp_tlog_checkpoint import read_checkpoint
from standards.c2sp_tlog_witness import read_add_checkpoint
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from crypto.checkpoints import LogIdentity
    from crypto.cosignatures import Cosigner
    from service_kit.clock import Clock
    from standards.c2sp_signed_note import NoteSignature
    from standards.c2sp_tlog_checkpoint import Checkpoint

EVIDENCE_FILES: Final = 100  # of each log: one that forks again and again fills no disk, and takes no other's room
LOCK_FILE: Final = ".lock"
EVIDENCE: Final = "evidence"
_ORIGIN_DIGITS: Final = 16  # of the SHA-256 of a log's origin, at the beginning of the name of what is kept of it
_logger = logging.getLogger(__name__)


class Witness:
    """``folder``: its state, of its own. ``logs``: whom it watches. ``cosigners``: its keys, all of which sign."""

    def __init__(self, folder: Path, logs: Sequence[LogIdentity], cosigners: Sequence[Cosigner], clock: Clock) -> None:
        self._folder = folder
        self._logs = {log.origin: log for log in logs}
        self._cosigners = tuple(cosigners)
        self._clock = clock
        self._turn = threading.Lock()
        self._told_unkept: deque[str] = deque(maxlen=EVIDENCE_FILES)

    def latest(self, origin: str) -> bytes | None:
        """The newest checkpoint it has cosigned of a log, as the log signed it; None where there is none. WITNESS_LOG_UNKNOWN, WITNESS_STATE_BAD."""
        return self._known(origin)[0]

    def _known(self, origin: str) -> tuple[bytes, Checkpoint] | tuple[None, None]:
        """The same, and read. Whether the log signed it was asked before it was kept, and its keys may be others by now."""
        if origin not in self._logs:
            raise TrustError(Kind.NOT_FOUND, "WITNESS_LOG_UNKNOWN")
        path = self._path(origin)
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None, None
        try:
            known = read_checkpoint(read_note(note).text)
        except MalformedError:
            known = None
        if known is None or known.origin != origin:  # what was promised is not known, so nothing more is
            raise TrustError(Kind.UNAVAILABLE, "WITNESS_STATE_BAD", origin=origin, path=str(path))
        return note, known

    def evidence_of(self, origin: str) -> list[str]:
        """The names of the files that show two histories of a log, in ``evidence`` below its folder; at most ``EVIDENCE_FILES``."""
        return sorted(each.name for each in (self._folder / EVIDENCE).glob(f"{_digest(origin.encode())[:_ORIGIN_DIGITS]}-*.txt"))

    def add_checkpoint(self, body: bytes) -> tuple[NoteSignature, ...]:
        """Cosign a checkpoint that extends what is known.

        TrustError WITNESS_REQUEST_FORM, WITNESS_LOG_UNKNOWN (not found), WITNESS_SIGNATURE_BAD (forbidden), WITNESS_SIZE_BEHIND (malformed),
        WITNESS_SIZE_OTHER (conflict; ``size`` is what is known), WITNESS_FORK (conflict), WITNESS_PROOF_BAD (unacceptable),
        WITNESS_STATE_BAD (unavailable).
        """
        # 1. Form; whose it is; by whom it is signed
        request = read_add_checkpoint(body)
        try:
            origin = read_checkpoint(read_note(request.checkpoint).text).origin
        except MalformedError:
            raise MalformedError("WITNESS_REQUEST_FORM") from None
        log = self._logs.get(origin)
        if log is None:
            raise TrustError(Kind.NOT_FOUND, "WITNESS_LOG_UNKNOWN")
        result = verify_checkpoint(request.checkpoint, log)
        if result.verified is not True or result.checkpoint is None:
            raise TrustError(Kind.FORBIDDEN, "WITNESS_SIGNATURE_BAD")
        new = result.checkpoint
        if request.old_size > new.size:
            raise MalformedError("WITNESS_SIZE_BEHIND", old=request.old_size, size=new.size)
        # 2. Against what is known: one request at a time, in this process and in any other
        with self._alone():
            note, known = self._known(origin)
            size = 0 if known is None else known.size
            is_fork = known is not None and new.size == known.size and new.root != known.root
            if is_fork and note is not None:
                self._keep_evidence(origin, size, note, request.checkpoint)
            if request.old_size != size:
                raise TrustError(Kind.CONFLICT, "WITNESS_SIZE_OTHER", size=size)
            if is_fork:
                raise TrustError(Kind.CONFLICT, "WITNESS_FORK", size=size)
            if not self._extends(log, known, new, request.proof):
                raise TrustError(Kind.UNACCEPTABLE, "WITNESS_PROOF_BAD", size=size)
            # 3. Durable first, then the cosignatures
            if known is None or new.size > known.size:
                make_folder(self._folder)
                write_durably(self._path(origin), request.checkpoint)
            text = read_note(request.checkpoint).text
            at = self._clock.now()
            return tuple(cosigner.cosign(text, at) for cosigner in self._cosigners)

    @staticmethod
    def _extends(log: LogIdentity, known: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes]) -> bool:
        if known is None:
            return not proof  # nothing is known yet, so nothing can be contradicted
        tree = TreeHash(log.digest_oid)
        return is_consistent(tree, older_size=known.size, older_root=known.root, newer_size=new.size, newer_root=new.root, proof=proof)

    def _path(self, origin: str) -> Path:
        return self._folder / f"{_digest(origin.encode())}.checkpoint"

    def _keep_evidence(self, origin: str, size: int, known: bytes, other: bytes) -> None:
        folder = self._folder / EVIDENCE
        path = folder / f"{_digest(origin.encode())[:_ORIGIN_DIGITS]}-{_digest(known + other)}.txt"
        if path.exists() or path.name in self._told_unkept:
            return
        kept = len(self.evidence_of(origin))
        if kept >= EVIDENCE_FILES:  # each of those shows it to anybody; of more it is said that they came, and what they claim
            claimed = read_checkpoint(read_note(other).text).root.hex()
            facts = {"origin": origin, "kept": kept, "folder": str(folder), "size": size, "root": claimed}
            _logger.error("a log shows two histories, and no further evidence of it is kept", extra={"facts": facts})
            self._told_unkept.append(path.name)
            return
        # Said first: there may be no room to keep it
        _logger.error("a log shows two histories", extra={"facts": {"origin": origin, "evidence": path.name}})
        make_folder(folder)
        write_durably(path, known + b"\n" + other)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn:
            make_folder(self._folder)
            descriptor = open_or_make(self._folder / LOCK_FILE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
