"""RFC 7468: PEM, the textual form of keys, certificates, requests and lists."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from standards.errors import MalformedError

MAX_PEM_BYTES: Final = 32 << 20  # a revocation list of a large authority, in text
MAX_BLOCKS: Final = 10_000  # the certificates of all authorities of the web are under 500

PRIVATE_KEY: Final = "PRIVATE KEY"
ENCRYPTED_PRIVATE_KEY: Final = "ENCRYPTED PRIVATE KEY"
EC_PRIVATE_KEY: Final = "EC PRIVATE KEY"
RSA_PRIVATE_KEY: Final = "RSA PRIVATE KEY"
PUBLIC_KEY: Final = "PUBLIC KEY"
CERTIFICATE: Final = "CERTIFICATE"
CERTIFICATE_REQUEST: Final = "CERTIFICATE REQUEST"
X509_CRL: Final = "X509 CRL"

_BOUNDARY: Final = re.compile(
    rb"(?:\A|(?<=[\r\n]))[ \t]*-----(BEGIN|END) ([\x21-\x2c\x2e-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x2c\x2e-\x7e])?)-----[ \t]*(?=[\r\n]|\Z)"
)
_LINE_CHARACTERS: Final = 64
_WHITESPACE: Final = b" \t\r\n\v\f"  # anywhere in the text (RFC 7468, 3, laxbase64text)


def is_pem(data: bytes) -> bool:
    """Whether some line begins a PEM block. What is DER begins with a byte that is no text and has no such line by accident."""
    return data.startswith(b"-----BEGIN ") or b"\n-----BEGIN " in data


def read_pem(data: bytes) -> list[tuple[str, bytes]]:
    """Every block of ``data`` as (label, DER), in order; text outside the blocks is explanation and is read over.

    Raises ``PEM_TOO_LARGE``, ``PEM_MALFORMED`` (labels that do not match, a block without end, bad Base64) and
    ``PEM_LEGACY_ENCRYPTION`` for the encryption headers of RFC 1421, whose key derivation is one round of MD5.
    """
    if len(data) > MAX_PEM_BYTES:
        raise MalformedError("PEM_TOO_LARGE", limit=MAX_PEM_BYTES, found=len(data))
    blocks: list[tuple[str, bytes]] = []
    label: bytes | None = None
    start = 0
    for boundary in _BOUNDARY.finditer(data):  # not line by line: a line is an object, and there can be 32 million of them
        begins = boundary[1] == b"BEGIN"
        if begins == (label is not None) or (not begins and boundary[2] != label):
            raise MalformedError("PEM_MALFORMED", line=_line(data, boundary.start()))
        if begins:
            label, start = boundary[2], boundary.end()
            continue
        if len(blocks) == MAX_BLOCKS:
            raise MalformedError("PEM_TOO_LARGE", limit=MAX_BLOCKS)
        blocks.append((boundary[2].decode(), _decode(data, start, boundary.start())))
        label = None
    if label is not None:
        raise MalformedError("PEM_MALFORMED", label=label.decode())
    return blocks


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _decode(data: bytes, start: int, end: int) -> bytes:
    text = data[start:end]
    if text.lstrip().startswith((b"Proc-Type:", b"DEK-Info:")):
        raise MalformedError("PEM_LEGACY_ENCRYPTION", line=_line(data, start))
    try:
        return base64.b64decode(text.translate(None, _WHITESPACE), validate=True)
    except binascii.Error:
        raise MalformedError("PEM_MALFORMED", line=_line(data, start)) from None


def write_pem(label: str, der: bytes) -> bytes:
    """One block with lines of 64 characters and a line feed after each."""
    text = base64.b64encode(der)
    lines = [text[start : start + _LINE_CHARACTERS] for start in range(0, len(text), _LINE_CHARACTERS)]
    return b"\n".join((b"-----BEGIN " + label.encode() + b"-----", *lines, b"-----END " + label.encode() + b"-----", b""))
