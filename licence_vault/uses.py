"""The nouns of using licences: in which mode, what was done, for which officer, and the line that is kept of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


class UseMode(StrEnum):
    """By what right somebody comes to use a licence."""

    CONSENTED = "consented"  # the holder agreed, to this client and for this purpose
    BY_DUTY = "duty"  # an officer's duty, without the holder; fully attributed
    ENTRUSTED = "entrusted"  # somebody whom the holder entrusted, or who acts for the organisation that holds it
    OWN = "own"  # the holder himself


class ShareRight(StrEnum):
    """What a client may do with licences of a type that are not its own authority's."""

    VERIFY = "verify"  # ask whether what it was told is right
    QUERY = "query"  # be told what a licence says
    DOWNLOAD = "download"  # be given annotated copies


class UseAction(StrEnum):
    """What was done with a licence, or asked of it."""

    QUERIED = "queried"
    VERIFIED = "verified"
    DOWNLOADED = "downloaded"
    COPIED = "copied"
    SHOWN = "shown"
    CODE_GRANTED = "code_granted"
    REFUSED = "refused"  # nothing was given; the outcome says why


DONE: Final = "done"  # the outcome of what was given

SCOPE_USE: Final = "licence.use"
SCOPE_OWN: Final = "licence.own"
SCOPE_EXPORT: Final = "licence.export"
SCOPES: Final = {
    SCOPE_USE: "Use licences of other authorities, as far as that was permitted for the type.",
    SCOPE_OWN: "For signed-in persons: see one's own licences and every use of them, and consent to uses.",
    SCOPE_EXPORT: "Export everything that is held on one person, with a reason.",
}


@dataclass(frozen=True, slots=True)
class Officer:
    """For whom a client acts by duty: personal data, sealed at rest."""

    name: str
    role: str
    division: str

    def __repr__(self) -> str:
        """Without the name."""
        return f"Officer({self.division!r})"

    def write(self) -> bytes:
        """As it is sealed: JSON."""
        return json.dumps([self.name, self.role, self.division], ensure_ascii=False, separators=(",", ":")).encode()


def read_officer(written: bytes) -> Officer:
    """What ``Officer.write`` wrote."""
    name, role, division = json.loads(written)
    return Officer(name, role, division)


@dataclass(frozen=True, slots=True)
class SharingPermission:
    """What one client may do with licences of one type, and in which modes. ``revision``: its ETag."""

    client_id: str
    type_code: str
    modes: frozenset[UseMode]
    rights: frozenset[ShareRight]
    reason: str
    revision: int
    given_by: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class UseRecord:
    """One line of the access log. ``licence_id`` None: no licence was found. ``client``: the system that asked; ``actor``: as the audit trail
    names who was behind it. ``officer_sealed``: see ``licence_vault.content_vault``. ``outcome``: ``DONE`` or a code. Nothing changes a line.
    """

    id: int
    at: datetime
    licence_id: str | None
    type_code: str | None
    client: str
    actor: str
    officer_sealed: bytes | None
    mode: UseMode | None
    action: UseAction
    reason: str
    outcome: str
    audit_id: str
