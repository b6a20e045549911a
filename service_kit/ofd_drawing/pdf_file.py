"""A PDF file of what is drawn (ISO 32000-1): objects with numbers, streams packed, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import zlib
from functools import lru_cache
from typing import Final

NUMBERS_KEPT: Final = 32_768  # places repeat from document to document, and writing a number takes longer than finding it


@lru_cache(maxsize=NUMBERS_KEPT)
def real(value: float) -> str:
    """A number in a content stream: no exponent, four decimals."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def reals(*values: float) -> str:
    """Numbers with spaces between."""
    return " ".join(map(real, values))


class PdfFile:
    """Objects as they are added; each gets its number at once, so that others can refer to it."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []

    def reserve(self) -> int:
        """A number for an object that is set later."""
        self._bodies.append(b"null")
        return len(self._bodies)

    def set(self, number: int, body: str) -> None:
        """The content of a reserved object."""
        self._bodies[number - 1] = body.encode("latin-1")

    def add(self, body: str) -> int:
        """A new object."""
        number = self.reserve()
        self.set(number, body)
        return number

    def add_stream(self, data: bytes, entries: str = "", *, is_packed: bool = False) -> int:
        """A stream; packed here unless it is already in the form its ``entries`` say."""
        number = self.reserve()
        self.set_stream(number, data, entries, is_packed=is_packed)
        return number

    def set_stream(self, number: int, data: bytes, entries: str = "", *, is_packed: bool = False) -> None:
        """The content of a reserved object that is a stream."""
        if not is_packed:
            data, entries = zlib.compress(data, 6), entries + "/Filter/FlateDecode"
        self._bodies[number - 1] = f"<<{entries}/Length {len(data)}>>stream\n".encode("latin-1") + data + b"\nendstream"

    def write(self, catalog: int, *, information: int | None = None, version: str = "1.5") -> bytes:
        """The file. With ``information`` (14.3.3) it gets an identifier too, made from its content (14.4)."""
        out = bytearray(f"%PDF-{version}\n%".encode("ascii") + b"\xe2\xe3\xcf\xd3\n")
        offsets = []
        for number, body in enumerate(self._bodies, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
        out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        more = b""
        if information is not None:
            mark = hashlib.sha256(out).hexdigest()[:32].upper().encode("ascii")  # tells files apart; nothing is protected by it
            more = b"/Info %d 0 R/ID[<%s><%s>]" % (information, mark, mark)
        out += b"trailer\n<</Size %d/Root %d 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, catalog, more, start)
        return bytes(out)
