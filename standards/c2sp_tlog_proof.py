"""Offline proofs (C2SP tlog-proof): an entry's index, its inclusion proof and the checkpoint it leads to, as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from standards.c2sp_signed_note import NOTE_BYTES, read_base64, write_base64
from standards.c2sp_tlog_tiles import HASH_BYTES
from standards.errors import MalformedError

HEADER: Final = "c2sp.org/tlog-proof@v1"
HASHES: Final = 63  # the height of the largest tree
EXTRA_BYTES: Final = 64 * 1024
PROOF_BYTES: Final = NOTE_BYTES + 2 * EXTRA_BYTES
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class LogProof:
    """``hashes``: from the leaf's sibling up to the root's child. ``checkpoint``: the signed note, verbatim. ``extra``: not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def write_proof(proof: LogProof) -> bytes:
    """The proof as text in UTF-8."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append("extra " + write_base64(proof.extra))
    lines += (f"index {proof.index}", *map(write_base64, proof.hashes), "", "")
    return "\n".join(lines).encode("ascii") + proof.checkpoint


def read_proof(data: bytes) -> LogProof:
    """Read a proof. MalformedError LOG_PROOF_FORM; nothing in it is verified yet."""
    if len(data) > PROOF_BYTES:
        raise MalformedError("LOG_PROOF_FORM")
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not head.isascii():
        raise MalformedError("LOG_PROOF_FORM")
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != HEADER or not lines:
        raise MalformedError("LOG_PROOF_FORM")
    extra = None
    if lines[0].startswith("extra "):
        extra = read_base64(lines.pop(0)[6:], "LOG_PROOF_FORM")
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if index is None or len(lines) > 1 + HASHES:
        raise MalformedError("LOG_PROOF_FORM")
    hashes = tuple(read_base64(line, "LOG_PROOF_FORM") for line in lines[1:])
    if any(len(each) != HASH_BYTES for each in hashes):
        raise MalformedError("LOG_PROOF_FORM")
    return LogProof(int(index[1]), hashes, checkpoint, extra)
