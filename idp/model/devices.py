"""Devices that cannot show a sign-in page (RFC 8628): their codes, their states and how often they may ask. No input or output here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from idp.model.requests import Authentication

DEVICE_SECONDS: Final = 600  # time to walk to a telephone, read a code and sign in
INTERVAL_SECONDS: Final = 5  # RFC 8628 3.2
SLOW_DOWN_SECONDS: Final = 5  # RFC 8628 3.5: added each time a device asks too soon
INTERVAL_SECONDS_MAX: Final = 60
DEVICE_CODE_BYTES: Final = 32
USER_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 6.1: no vowels, so no words, and nothing that is read two ways
USER_CODE_LENGTH: Final = 8  # 34.6 bits, of which one address may try FAILURES_PER_PEER
USER_CODE_CHARACTERS_MAX: Final = 32  # as somebody may type it


class DeviceState(StrEnum):
    """How far a device's request is."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    SPENT = "spent"


DEVICE_TRANSITIONS: Final = {
    DeviceState.WAITING: frozenset({DeviceState.APPROVED, DeviceState.REFUSED}),
    DeviceState.APPROVED: frozenset({DeviceState.SPENT}),
    DeviceState.REFUSED: frozenset[DeviceState](),
    DeviceState.SPENT: frozenset[DeviceState](),
}
"""From each state, the states that may follow."""


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a device asked for and how far that is. ``who``: who signed in for it, once somebody has. Times are aware UTC."""

    device_id: str
    client_id: str
    scopes: tuple[str, ...]
    resource: str | None
    state: DeviceState
    expires_at: datetime
    who: Authentication | None = None
    interval_seconds: int = INTERVAL_SECONDS
    polled_at: datetime | None = None

    def asks_too_soon(self, at: datetime) -> bool:
        """Whether the device has not waited as long as it was told."""
        return self.polled_at is not None and at < self.polled_at + timedelta(seconds=self.interval_seconds)


def new_user_code() -> str:
    """Eight letters, as they are stored; people see a hyphen in the middle."""
    return "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(USER_CODE_LENGTH))


def show_user_code(code: str) -> str:
    """As people see it: ``WDJB-MJHT``."""
    return f"{code[: USER_CODE_LENGTH // 2]}-{code[USER_CODE_LENGTH // 2 :]}"


def read_user_code(text: str) -> str | None:
    """What somebody typed, in whatever case and with whatever hyphens; None where it can be no code."""
    if len(text) > USER_CODE_CHARACTERS_MAX:
        return None
    code = "".join(text.split()).replace("-", "").upper()
    return code if len(code) == USER_CODE_LENGTH and set(code) <= set(USER_CODE_LETTERS) else None
