"""Signed notes (C2SP signed-note 1.0): text under one or more signatures, and the text form of their verification keys.

A note is ``text``, an empty line, then one line ``— <key name> <base64(key id || signature)>`` for each signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from standards.errors import MalformedError

NOTE_BYTES: Final = 256 * 1024  # 48 post-quantum signatures of 5 kB; the specification demands room for 16
SIGNATURES: Final = 48
KEY_NAME_CHARACTERS: Final = 255
KEY_ID_BYTES: Final = 4
TYPE_ED25519: Final = b"\x01"
TYPE_SM2: Final = b"\xff" + b"yinxin/sm2-sm3/v1\n"
"""C2SP reserves 0xff, followed by a longer identifier, for types it has not assigned. Ours: SM2 with SM3 (GB/T 32918.2) under the default
user id over the note's text, the signature as r || s (32 bytes each), the public key as the 65-byte uncompressed point."""

_SEPARATOR: Final = "\n\n"
_SIGNATURE_LINE: Final = re.compile(r"— (\S+) (\S+)")
_NO_KEY_NAME: Final = re.compile(r"[+\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls and halves of characters: Cc, Cs
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line. ``key_id``: 4 bytes."""

    key_name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read. ``text`` ends with a newline; it means nothing before a signature of a known key has been verified."""

    text: str
    signatures: tuple[NoteSignature, ...]


def check_key_name(name: str) -> None:
    """Names are not empty and hold no space of any kind, no plus and no control character. MalformedError NOTE_KEY_NAME."""
    if not 0 < len(name) <= KEY_NAME_CHARACTERS or _NO_KEY_NAME.search(name):
        raise MalformedError("NOTE_KEY_NAME")


def key_id_input(key_name: str, signature_type: bytes, public_key: bytes) -> bytes:
    """What is hashed with SHA-256 for the key id, whose first four bytes it is."""
    return key_name.encode() + b"\n" + signature_type + public_key


def read_base64(text: str, code: str) -> bytes:
    """Standard base64 with padding in its one canonical spelling (RFC 4648 4)."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError(code) from None
    if base64.b64encode(data).decode("ascii") != text:
        raise MalformedError(code)
    return data


def write_base64(data: bytes) -> str:
    """The reverse."""
    return base64.b64encode(data).decode("ascii")


def write_note(note: Note) -> bytes:
    """The note in UTF-8."""
    _check_text(note.text)
    lines = []
    for each in note.signatures:
        check_key_name(each.key_name)
        if len(each.key_id) != KEY_ID_BYTES:
            raise MalformedError("NOTE_KEY_ID")
        lines.append(f"— {each.key_name} {write_base64(each.key_id + each.signature)}\n")
    return (note.text + "\n" + "".join(lines)).encode()


def read_note(data: bytes) -> Note:
    """Read a note. MalformedError NOTE_TOO_LARGE, NOTE_NOT_TEXT, NOTE_FORM, NOTE_KEY_NAME, NOTE_SIGNATURE, NOTE_SIGNATURE_COUNT."""
    if len(data) > NOTE_BYTES:
        raise MalformedError("NOTE_TOO_LARGE", limit=NOTE_BYTES)
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("NOTE_NOT_TEXT") from None
    text, separator, lines = whole.rpartition(_SEPARATOR)
    if not separator or not lines.endswith("\n"):
        raise MalformedError("NOTE_FORM")
    text += "\n"
    _check_text(text)
    listed = lines[:-1].split("\n")
    if len(listed) > SIGNATURES:
        raise MalformedError("NOTE_SIGNATURE_COUNT", limit=SIGNATURES)
    return Note(text, tuple(_read_signature(line) for line in listed))


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise MalformedError("NOTE_FORM")


def _read_signature(line: str) -> NoteSignature:
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise MalformedError("NOTE_FORM")
    check_key_name(match[1])
    data = read_base64(match[2], "NOTE_SIGNATURE")
    if len(data) <= KEY_ID_BYTES:
        raise MalformedError("NOTE_SIGNATURE")
    return NoteSignature(match[1], data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def write_verifier_key(key_name: str, key_id: bytes, signature_type: bytes, public_key: bytes) -> str:
    """``name+hex(key id)+base64(type || key)``, the form in which keys of notes are handed out."""
    check_key_name(key_name)
    return f"{key_name}+{key_id.hex()}+{write_base64(signature_type + public_key)}"


def read_verifier_key(text: str) -> tuple[str, bytes, bytes]:
    """(key name, key id, type and public key). MalformedError NOTE_VERIFIER_KEY; whether the id is right the caller finds out."""
    parts = text.split("+", 2)  # base64 may hold a plus, the name and the id cannot
    if len(parts) != 3 or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):
        raise MalformedError("NOTE_VERIFIER_KEY")
    check_key_name(parts[0])
    return parts[0], bytes.fromhex(parts[1]), read_base64(parts[2], "NOTE_VERIFIER_KEY")
