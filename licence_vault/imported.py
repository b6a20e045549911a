"""Licences of older repositories: what is kept of one, and the marks that say what could be verified. No input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Mark(StrEnum):
    """What was found of one question. Nothing that was not verified is ever called valid."""

    VALID = "valid"
    LEGACY_VARIANT = "legacy-variant"  # of numbers
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"
    ABSENT = "absent"  # there is nothing to verify


@dataclass(frozen=True, slots=True)
class Marks:
    """``number``: the identifier, with its type, issuer and codes; ``content``: held against the type, with the rule that is broken first;
    ``seal``: of the file, by its authority. None of them is in our log.
    """

    number: Mark
    content: Mark
    content_place: str
    content_rule: str
    seal: Mark


@dataclass(frozen=True, slots=True)
class ImportedLicence:
    """A licence of an older repository as recorded. ``data_sealed``: its cells as they came. ``further_holders``: what those behind the first are found
    by, of one that is being taken over.
    """

    id: str
    issuer_code: str
    type_code: str
    identifier: str | None
    number_digest: bytes
    holder_digest: bytes
    data_sealed: bytes
    key_sealed: bytes
    marks: Marks
    file_form: str | None
    file_digest: bytes | None
    file_blob: str | None
    imported_by: str
    imported_at: datetime
    further_holders: frozenset[bytes] = frozenset()


def new_import_id() -> str:
    """A fresh identifier: ``li_`` and 24 hexadecimal digits."""
    return "li_" + secrets.token_hex(12)
