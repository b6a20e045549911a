"""What a form of ours brought: fields, lists and files, each within its limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from service_kit.multipart import FilePart, Form, read_form
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from starlette.requests import Request

    from service_kit.admission import Held

FORM_TYPE: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 400
PARTS_MAX: Final = 2 * FIELDS_MAX  # fields and files of a form with files together
PLAIN_BYTES_MAX: Final = 1024 * 1024  # a design of a seal with its texts, or the ticks of a long list
FIELD_BYTES_MAX: Final = 256 * 1024
FILE_BYTES_MAX: Final = 50 * 1024 * 1024
UPLOADS_AT_ONCE: Final = 64  # forms with files that are worked on in one process; further ones are told to come back
UPLOAD_BYTES: Final = (
    256 * 1024 * 1024
)  # of their files together, arriving ones included: as much again is with the API, which counts for itself
RETRY_AFTER_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class ConsoleForm:
    """By name: every value of a field, every file that was chosen."""

    values: dict[str, list[str]] = field(default_factory=dict)
    chosen: dict[str, list[FilePart]] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field, without blanks around it."""
        found = self.values.get(name)
        return found[0].strip() if found else default

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that is not empty."""
        return tuple(each.strip() for each in self.values.get(name, ()) if each.strip())

    def lines(self, name: str) -> tuple[str, ...]:
        """A field's lines that are not empty, none twice."""
        return tuple(dict.fromkeys(each.strip() for each in self.get(name).splitlines() if each.strip()))

    def is_set(self, name: str) -> bool:
        """Whether a box is ticked or a button pressed."""
        return name in self.values

    def file(self, name: str) -> FilePart | None:
        """The first file that was chosen for a field; None where none was."""
        found = self.chosen.get(name)
        return found[0] if found else None

    def files(self, name: str) -> tuple[FilePart, ...]:
        """Every file that was chosen for a field."""
        return tuple(self.chosen.get(name, ()))

    @property
    def once(self) -> str:
        """The form's own number: the same form sent twice is one request."""
        return self.get("once")


class _Anything(frozenset[str]):
    """Every name: a form of ours is known by its token, and what a page does not ask for it does not look at."""

    def __contains__(self, _name: object) -> bool:
        return True


def brings_files(request: Request) -> bool:
    """Whether it is a form of the kind that may bring files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


async def read_console_form(
    request: Request, *, held: Held | None = None, file_bytes_max: int = FILE_BYTES_MAX, into: Form | None = None
) -> ConsoleForm:
    """A form as browsers send it, of either kind. ``held``: what the files of one are counted by while they arrive; ``into``: where what arrives of one
    with files is seen also when it is refused. FORM_UNREADABLE, FILE_TOO_LARGE, FIELD_TOO_LONG, TOO_BUSY and what else multipart raises.
    """
    if brings_files(request):
        return await _read_parts(request, file_bytes_max, held, into)
    return await read_plain_form(request)


async def read_plain_form(request: Request) -> ConsoleForm:
    """A form without files, as browsers send it; what anybody may send is read by this alone. FORM_UNREADABLE."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise TrustError(Kind.MALFORMED, "FORM_UNREADABLE")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > PLAIN_BYTES_MAX:
            raise TrustError(Kind.TOO_LARGE, "FORM_UNREADABLE", limit_bytes=PLAIN_BYTES_MAX)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:  # also what is no UTF-8
        raise TrustError(Kind.MALFORMED, "FORM_UNREADABLE") from None
    form = ConsoleForm()
    for name, value in pairs:
        form.values.setdefault(name, []).append(value)
    return form


async def _read_parts(request: Request, file_bytes_max: int, held: Held | None, into: Form | None) -> ConsoleForm:
    anything = _Anything()
    read = await read_form(
        request,
        files=anything,
        fields=anything,
        file_bytes_max=file_bytes_max,
        field_bytes_max=FIELD_BYTES_MAX,
        held=held,
        repeated_max=FIELDS_MAX,
        parts_max=PARTS_MAX,
        into=into,
    )
    values = {name: [value, *read.further_fields.get(name, ())] for name, value in read.fields.items()}
    parts = {name: [part, *read.further_files.get(name, ())] for name, part in read.files.items()}
    # A field of a form for which nothing was chosen comes as a file without name and content
    return ConsoleForm(
        values, {name: kept for name, all_of in parts.items() if (kept := [each for each in all_of if each.file_name or each.content])}
    )
