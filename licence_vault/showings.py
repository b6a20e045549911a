"""Showing a licence (亮证): the nouns, and the code on the screen, which changes every minute.

A code names its showing and proves the minute: whoever photographs it has it for two minutes at most, and nobody makes one without the vault's
secret.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from licence_vault.limits import SCREEN_CODE_BYTES, SCREEN_CODE_CHARACTERS, SCREEN_CODE_SECONDS
from licence_vault.uses import UseMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

CODE_PREFIX: Final = "yxs_"
_CODE: Final = re.compile(rf"yxs_([0-9a-f]{{24}})([0-9a-f]{{{2 * SCREEN_CODE_BYTES}}})")


class ShowingState(StrEnum):
    """Where a showing is. What is past ``ends_at`` is over, whatever its state."""

    OPEN = "open"
    SCANNED = "scanned"
    AGREED = "agreed"
    SEEN = "seen"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Showing:
    """A showing as recorded. ``account``: of whoever shows; ``mode``: by what right; ``client``, ``reason``, ``officer_sealed``: who scanned it,
    what for and for whom, None before. ``entrustment_id``: by which it was begun, None where by none. ``power_client``, ``power_grant``: where it is shown by
    the power over an organisation's licences, by which client and on what grant whoever began it, or agreed, came; empty else. ``revision``: its ETag.
    Times are aware UTC.
    """

    id: str
    licence_id: str
    account: str
    mode: UseMode
    state: ShowingState
    revision: int
    tries_left: int
    opened_at: datetime
    ends_at: datetime
    client: str | None = None
    reason: str | None = None
    officer_sealed: bytes | None = None
    entrustment_id: str | None = None
    power_client: str = ""
    power_grant: str = ""

    @property
    def is_by_power(self) -> bool:
        """Whether it hangs on a power over an organisation's licences."""
        return self.mode is UseMode.ENTRUSTED and self.entrustment_id is None

    def is_over_at(self, at: datetime) -> bool:
        """Whether nothing can be done with it any more."""
        return at >= self.ends_at or self.state in {ShowingState.SEEN, ShowingState.ENDED}


def new_showing_id() -> str:
    """``sh_`` and 24 hexadecimal digits."""
    return "sh_" + secrets.token_hex(12)


def stretch_of(at: datetime) -> int:
    """The number of the stretch of time that ``at`` is in."""
    return int(at.timestamp()) // SCREEN_CODE_SECONDS


def seconds_left(at: datetime) -> int:
    """Until the code on the screen changes."""
    return SCREEN_CODE_SECONDS - int(at.timestamp()) % SCREEN_CODE_SECONDS


def write_screen_code(showing_id: str, at: datetime, code_of: Callable[[str, int], bytes]) -> str:
    """What is on the screen at a moment. ``code_of``: ``ContentVault.screen_code``."""
    return CODE_PREFIX + showing_id.removeprefix("sh_") + code_of(showing_id, stretch_of(at)).hex()


def read_screen_code(text: str) -> tuple[str, bytes] | None:
    """Which showing a code names, and its proof; None for what is no code."""
    match = _CODE.fullmatch(text) if len(text) <= SCREEN_CODE_CHARACTERS else None
    return None if match is None else ("sh_" + match[1], bytes.fromhex(match[2]))


def is_on_screen(showing_id: str, proof: bytes, at: datetime, code_of: Callable[[str, int], bytes]) -> bool:
    """Whether a proof is that of the present stretch, or of the one before."""
    now = stretch_of(at)
    fresh = [hmac.compare_digest(proof, code_of(showing_id, stretch)) for stretch in (now, now - 1)]
    return any(fresh)
