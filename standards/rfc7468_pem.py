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

_LABEL: Final = re.compile(rb"-----(BEGIN|END) ([\x21-\x2c\x2e-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x2c\x2e-\x7e])?)-----")
_LINE_CHARACTERS: Final = 64


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
    lines: list[bytes] = []
    for number, raw_line in enumerate(data.splitlines(), 1):
        line = raw_line.strip()
        match = _LABEL.fullmatch(line)
        if match is None:
            if label is not None:
                lines.append(line)
            continue
        if match[1] == b"BEGIN":
            if label is not None:
                raise MalformedError("PEM_MALFORMED", line=number)
            label, lines = match[2], []
            continue
        if label is None or match[2] != label:
            raise MalformedError("PEM_MALFORMED", line=number)
        if len(blocks) == MAX_BLOCKS:
            raise MalformedError("PEM_TOO_LARGE", limit=MAX_BLOCKS)
        blocks.append((label.decode(), _decode(lines, number)))
        label = None
    if label is not None:
        raise MalformedError("PEM_MALFORMED", label=label.decode())
    return blocks


def _decode(lines: list[bytes], number: int) -> bytes:
    if any(line.startswith((b"Proc-Type:", b"DEK-Info:")) for line in lines[:2]):
        raise MalformedError("PEM_LEGACY_ENCRYPTION", line=number)
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        raise MalformedError("PEM_MALFORMED", line=number) from None


def write_pem(label: str, der: bytes) -> bytes:
    """One block with lines of 64 characters and a line feed after each."""
    text = base64.b64encode(der)
    lines = [text[start : start + _LINE_CHARACTERS] for start in range(0, len(text), _LINE_CHARACTERS)]
    return b"\n".join((b"-----BEGIN " + label.encode() + b"-----", *lines, b"-----END " + label.encode() + b"-----", b""))
