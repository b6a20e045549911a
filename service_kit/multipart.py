"""Read ``multipart/form-data`` (RFC 7578) into memory, with every size and count limited, and only the parts that were asked for.

The parts are counted while they arrive, so what is over a limit is refused before it is held. Nothing is written to a temporary file:
documents of others do not lie about on disks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

    from service_kit.admission import Held

HEADER_BYTES: Final = 4096  # own limit on the headers of one part; a file name of 255 characters takes at most 3 KiB
BOUNDARY_CHARACTERS: Final = 70  # RFC 2046 5.1.1


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part with a file name. ``file_name`` is what the sender says: for display only, never for a path."""

    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What was sent, by part name. ``further_files``, ``further_fields``: the second and later parts of names that may repeat."""

    files: dict[str, FilePart] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    further_files: dict[str, list[FilePart]] = field(default_factory=dict)
    further_fields: dict[str, list[str]] = field(default_factory=dict)


async def read_form(
    request: Request,
    *,
    files: Collection[str],
    fields: Collection[str],
    file_bytes_max: int,
    field_bytes_max: int,
    held: Held | None = None,
    repeated_max: int = 0,
    parts_max: int | None = None,
    into: Form | None = None,
) -> Form:
    """Read the request's body. ``files``, ``fields``: the names that may occur, each at most once. ``held``: what it is counted by while it arrives.
    ``repeated_max``: how many parts may repeat the name of an earlier one. ``parts_max``: how many there may be where the names do not say it.
    ``into``: the form that is filled, for who wants to know what had arrived before a refusal; it is checked no further than that.

    Raises TrustError MULTIPART_EXPECTED, MULTIPART_MALFORMED, FIELD_UNKNOWN, FIELD_REPEATED, FIELD_TOO_LONG, FILE_TOO_LARGE,
    TEXT_NOT_UNICODE, TOO_BUSY.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise TrustError(Kind.UNACCEPTABLE, "MULTIPART_EXPECTED", expected="multipart/form-data")
    if len(boundary) > BOUNDARY_CHARACTERS:
        raise MalformedError("MULTIPART_MALFORMED", reason="boundary too long")
    reader = _Reader(files, fields, file_bytes_max, field_bytes_max, repeated_max, parts_max)
    if into is not None:
        reader.form = into
    parser = MultipartParser(boundary, reader.callbacks())
    try:
        async for chunk in request.stream():
            if chunk:
                if held is not None:
                    held.arrived(len(chunk))
                parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise MalformedError("MULTIPART_MALFORMED", reason="framing") from None
    if not reader.is_ended:
        raise MalformedError("MULTIPART_MALFORMED", reason="ends early")
    if held is not None:
        held.whole()
    return reader.form


class _Reader:
    """Collects the parts as the parser finds them."""

    def __init__(
        self,
        files: Collection[str],
        fields: Collection[str],
        file_bytes_max: int,
        field_bytes_max: int,
        repeated_max: int,
        parts_max: int | None,
    ) -> None:
        self.form = Form()
        self._repeated_left = repeated_max
        self._parts_left = parts_max
        self.is_ended = False
        self._files = files
        self._fields = fields
        self._file_bytes_max = file_bytes_max
        self._field_bytes_max = field_bytes_max
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._header_bytes = 0
        self._disposition = b""
        self._name = ""
        self._file_name: str | None = None
        self._body = bytearray()
        self._limit = 0

    def callbacks(self) -> Any:
        """For the parser."""
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value_arrives,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_ends,
            "on_end": self._end,
        }

    def _part_begins(self) -> None:
        if self._parts_left is not None:
            if not self._parts_left:
                raise MalformedError("MULTIPART_MALFORMED", reason="too many parts")
            self._parts_left -= 1
        self._disposition = b""
        self._header_bytes = 0
        self._body = bytearray()

    def _count_header(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > HEADER_BYTES:
            raise MalformedError("MULTIPART_MALFORMED", reason="headers too long", limit_bytes=HEADER_BYTES)

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_name += data[start:end]

    def _header_value_arrives(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_value += data[start:end]

    def _header_ends(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise MalformedError("MULTIPART_MALFORMED", reason="part without a name")
        self._name = _text(options[b"name"])
        file_name = options.get(b"filename")
        self._file_name = None if file_name is None else _text(file_name)
        is_file = self._file_name is not None
        if self._name not in (self._files if is_file else self._fields):
            raise TrustError(
                Kind.UNACCEPTABLE, "FIELD_UNKNOWN", field=self._name[:64], expected="file" if self._name in self._files else ""
            )
        if self._name in self.form.files or self._name in self.form.fields:
            if not self._repeated_left:
                raise TrustError(Kind.UNACCEPTABLE, "FIELD_REPEATED", field=self._name[:64])
            self._repeated_left -= 1
        self._limit = self._file_bytes_max if is_file else self._field_bytes_max

    def _data(self, data: bytes, start: int, end: int) -> None:
        if len(self._body) + end - start > self._limit:
            if self._file_name is not None:
                raise TrustError(Kind.TOO_LARGE, "FILE_TOO_LARGE", field=self._name, limit_bytes=self._limit)
            raise TrustError(Kind.TOO_LARGE, "FIELD_TOO_LONG", field=self._name, limit_bytes=self._limit)
        self._body += memoryview(data)[start:end]

    def _part_ends(self) -> None:
        name = self._name
        if self._file_name is not None:
            part = FilePart(self._file_name, bytes(self._body))
            if self.form.files.setdefault(name, part) is not part:
                self.form.further_files.setdefault(name, []).append(part)
        elif name in self.form.fields:
            self.form.further_fields.setdefault(name, []).append(_text(bytes(self._body)))
        else:
            self.form.fields[name] = _text(bytes(self._body))
        self._body = bytearray()

    def _end(self) -> None:
        self.is_ended = True


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("TEXT_NOT_UNICODE") from None
