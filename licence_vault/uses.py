"""The nouns of using licences: in which mode, what was done, for which officer, and the line that is kept of it."""

from __future__ import annotations

import json
import secrets
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
    SHOWING_OPENED = "showing_opened"  # the steps of showing one's licence before it is shown
    SHOWING_SCANNED = "showing_scanned"  # a masked view was given
    SHOWING_AGREED = "showing_agreed"
    SHOWING_ENDED = "showing_ended"
    CODE_GRANTED = "code_granted"
    ISSUER_READ = "issuer_read"  # who acts for its authority looked at it in the register
    WALLET_OFFERED = "wallet_offered"  # whoever shows the code of the offer has credentials made of it: all that it says
    WALLET_ISSUED = "wallet_issued"  # on such an offer, by whoever made that
    ASKED_ELSEWHERE = "asked_elsewhere"  # another region gave it, under the right that the asker claimed
    REFUSED = "refused"  # nothing was given; the outcome says why


DONE: Final = "done"  # the outcome of what was given
OWN_LOOK: Final = "own"  # the reason of a holder who looks at what is his, gets it, or has a copy of it
ISSUER_LOOK: Final = "issuer"  # that of whoever looks at it for the authority that issued it
FOR_WALLET: Final = "wallet"  # that of credentials for the holder's wallet
ENTRUSTED_LOOK: Final = "entrusted"  # that of whoever looks at what was entrusted to him
SHOWN_BY_HOLDER: Final = "亮证 showing"  # that of a holder who shows his licence without saying what for
REASONS_BY_ITSELF: Final = frozenset({OWN_LOOK, ISSUER_LOOK, FOR_WALLET, ENTRUSTED_LOOK, SHOWN_BY_HOLDER})
"""What stands as the reason where nobody gave one: no words for people."""
ANYBODY: Final = "~anybody"  # as client: who fetched a copy without saying who he is

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
    """What one client may do with licences of one type, and in which modes. ``revision``: its ETag. ``is_altered``: its row was written past the
    program, so that it permits nothing.
    """

    client_id: str
    type_code: str
    modes: frozenset[UseMode]
    rights: frozenset[ShareRight]
    reason: str
    revision: int
    given_by: str
    given_at: datetime
    is_altered: bool = False


@dataclass(frozen=True, slots=True)
class UseRecord:
    """One line of the access log. ``licence_id`` None: no licence of ours was found. ``client``: the system that asked; ``actor``: as the audit trail
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


CODE_PREFIX: Final = "yxu_"  # lets scanners find a code that was written down by mistake
CODE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class UseCode:
    """A use code (用证码) as recorded, without the code itself: one licence, one client, one purpose, once, until ``expires_at``.

    ``service_item``: empty where none was named. ``granted_by``: as rights are kept. ``entrustment_id``: by which somebody granted it who
    neither holds the licence nor acts for the organisation that does. ``power_client``, ``power_grant``: where it was granted by the power over an
    organisation's licences, by which client and on what grant whoever granted it came; empty else.
    """

    id: str
    code_digest: bytes
    licence_id: str
    mode: UseMode
    client_id: str
    purpose: str
    service_item: str
    granted_by: str
    officer_sealed: bytes | None
    entrustment_id: str | None
    granted_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    power_client: str = ""
    power_grant: str = ""

    @property
    def is_by_power(self) -> bool:
        """Whether it hangs on a power over an organisation's licences."""
        return self.mode is UseMode.ENTRUSTED and self.entrustment_id is None


@dataclass(frozen=True, slots=True)
class Entrustment:
    """A holder lets somebody grant use codes for his licences of one type, ``until`` a time. Both are found by keyed hashes, 32 bytes."""

    id: str
    holder_digest: bytes
    agent_digest: bytes
    type_code: str
    reason: str
    given_by: str
    given_at: datetime
    until: datetime
    ended_at: datetime | None = None

    def is_valid_at(self, at: datetime) -> bool:
        """Whether it counts at this moment (aware UTC)."""
        return self.ended_at is None and self.given_at <= at < self.until


def new_use_code() -> str:
    """256 random bits behind a prefix; only the digest is stored."""
    return CODE_PREFIX + secrets.token_urlsafe(CODE_BYTES)


def new_code_id() -> str:
    """Of a use code: ``uc_`` and 24 hexadecimal digits."""
    return "uc_" + secrets.token_hex(12)


def new_entrustment_id() -> str:
    """``en_`` and 24 hexadecimal digits."""
    return "en_" + secrets.token_hex(12)
