"""Challenges for keys: made without writing anything, and each counts once.

A challenge is time and chance under a key, bound to what it is for (a sign-in, a session). It is used up by the first answer to it, right
or wrong: its hash is entered under a unique key. So one page may be looked at by anybody any number of times, and no answer comes twice.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from idp.store.credentials import note_spent
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.store.accounts import Vault

CHALLENGE_SECONDS: Final = 600
Purpose = Literal["passkey", "new-passkey", "certificate", "new-certificate"]
_HEAD_BYTES: Final = 24  # microseconds, and 128 random bits
_CHALLENGE_BYTES: Final = 56


def new_challenge(vault: Vault, purpose: Purpose, subject: str, at: datetime) -> bytes:
    """A challenge for ``subject``, the id of a sign-in or session."""
    head = write_time(at).to_bytes(8, "big") + secrets.token_bytes(_HEAD_BYTES - 8)
    return head + _mac(vault, purpose, subject, head)


def spend_challenge(connection: Connection, vault: Vault, purpose: Purpose, subject: str, challenge: bytes, at: datetime) -> bool:
    """Whether the challenge that an answer is to was made here for this and is neither old nor used; it is used now.

    Runs within the caller's write job, which must commit whatever the answer is worth.
    """
    head = challenge[:_HEAD_BYTES]
    if len(challenge) != _CHALLENGE_BYTES or not hmac.compare_digest(challenge[_HEAD_BYTES:], _mac(vault, purpose, subject, head)):
        return False
    made_at = read_time(int.from_bytes(head[:8], "big"))
    until = made_at + timedelta(seconds=CHALLENGE_SECONDS)
    if at >= until:
        return False
    return note_spent(connection, vault.sealer.find(challenge, "idp.spent-challenge"), until)


def _mac(vault: Vault, purpose: Purpose, subject: str, head: bytes) -> bytes:
    return vault.sealer.find(b"|".join((purpose.encode(), subject.encode(), head)), "idp.challenge")
