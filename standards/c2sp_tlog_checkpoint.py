"""Checkpoints (C2SP tlog-checkpoint 1.0): the text of a signed note that states a log's size and root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from standards.c2sp_signed_note import read_base64, write_base64
from standards.errors import MalformedError

ORIGIN_CHARACTERS: Final = 255
ROOT_BYTES: Final = 32
EXTENSIONS: Final = 16
SIZE_LIMIT: Final = 2**63 - 1  # what readers in other languages hold, and what proofs reach
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINE: Final = re.compile(r"[^\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's head. ``root``: 32 bytes, SHA-256 or SM3 as the log is known to use. ``extensions``: further lines, none empty."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def write_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text."""
    lines = (checkpoint.origin, str(checkpoint.size), write_base64(checkpoint.root), *checkpoint.extensions)
    text = "".join(line + "\n" for line in lines)
    if read_checkpoint(text) != checkpoint:
        raise MalformedError("CHECKPOINT_FORM")
    return text


def read_checkpoint(text: str) -> Checkpoint:
    """Read a note text as a checkpoint. MalformedError CHECKPOINT_FORM."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or len(lines) > 3 + EXTENSIONS:
        raise MalformedError("CHECKPOINT_FORM")
    if not all(_LINE.fullmatch(line) for line in lines) or len(lines[0]) > ORIGIN_CHARACTERS or not _SIZE.fullmatch(lines[1]):
        raise MalformedError("CHECKPOINT_FORM")
    root = read_base64(lines[2], "CHECKPOINT_FORM")
    if len(root) != ROOT_BYTES or int(lines[1]) > SIZE_LIMIT:
        raise MalformedError("CHECKPOINT_FORM")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))
