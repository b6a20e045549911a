"""The witness protocol (C2SP tlog-witness 1.0): the body of add-checkpoint, and its answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards.c2sp_signed_note import KEY_ID_BYTES, NOTE_BYTES, NoteSignature, check_key_name, read_base64, write_base64
from standards.c2sp_tlog_tiles import HASH_BYTES
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable

ADD_CHECKPOINT: Final = "/add-checkpoint"
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"
PROOF_LINES: Final = 63
REQUEST_BYTES: Final = NOTE_BYTES + 4096  # 63 lines of 45 bytes and the first
ANSWER_BYTES: Final = 64 * 1024
ANSWER_LINES: Final = 16
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_LINE: Final = re.compile(r"— (\S+) (\S+)")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request. ``old_size``: of the checkpoint the witness has; ``proof``: consistency from there (RFC 6962 2.1.2); ``checkpoint``: the note."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


def write_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The request's body."""
    lines = (f"old {request.old_size}", *map(write_base64, request.proof), "", "")
    return "\n".join(lines).encode("ascii") + request.checkpoint


def read_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read it. MalformedError WITNESS_REQUEST_FORM; the checkpoint inside is not looked at."""
    head, separator, checkpoint = body.partition(b"\n\n")
    if len(body) > REQUEST_BYTES or not separator or not head.isascii():
        raise MalformedError("WITNESS_REQUEST_FORM")
    first, *lines = head.decode("ascii").split("\n")
    old = _OLD.fullmatch(first)
    if old is None or len(lines) > PROOF_LINES:
        raise MalformedError("WITNESS_REQUEST_FORM")
    proof = tuple(read_base64(line, "WITNESS_REQUEST_FORM") for line in lines)
    if any(len(each) != HASH_BYTES for each in proof):
        raise MalformedError("WITNESS_REQUEST_FORM")
    return AddCheckpoint(int(old[1]), proof, checkpoint)


def write_size(size: int) -> bytes:
    """The body of a 409: how large the witness knows the log to be."""
    return b"%d\n" % size


def read_size(body: bytes) -> int:
    """Read it. MalformedError WITNESS_ANSWER_FORM."""
    match = _SIZE.fullmatch(body)
    if match is None:
        raise MalformedError("WITNESS_ANSWER_FORM")
    return int(match[1])


def write_signature_lines(signatures: Iterable[NoteSignature]) -> bytes:
    """The body of a 200: the cosignatures as lines of a note."""
    return "".join(f"— {each.key_name} {write_base64(each.key_id + each.signature)}\n" for each in signatures).encode()


def read_signature_lines(body: bytes) -> tuple[NoteSignature, ...]:
    """Read them. MalformedError WITNESS_ANSWER_FORM, NOTE_KEY_NAME; whose they are, the caller finds out."""
    try:
        text = body[: ANSWER_BYTES + 1].decode()
    except UnicodeDecodeError:
        raise MalformedError("WITNESS_ANSWER_FORM") from None
    lines = text.split("\n")
    if len(body) > ANSWER_BYTES or lines.pop() or not 0 < len(lines) <= ANSWER_LINES:
        raise MalformedError("WITNESS_ANSWER_FORM")
    read = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise MalformedError("WITNESS_ANSWER_FORM")
        check_key_name(match[1])
        data = read_base64(match[2], "WITNESS_ANSWER_FORM")
        if len(data) <= KEY_ID_BYTES:
            raise MalformedError("WITNESS_ANSWER_FORM")
        read.append(NoteSignature(match[1], data[:KEY_ID_BYTES], data[KEY_ID_BYTES:]))
    return tuple(read)
