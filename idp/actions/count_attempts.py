"""Count attempts before they are made, so that of many at once no more get through than the rule allows.

An attempt is entered as a failure and taken back by success. What is counted is the name as it was typed, whether it exists or not, so
that being locked tells nothing. Runs within the caller's write job.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from idp.limits import FAILURE_WINDOW_SECONDS, FAILURES_PER_NAME, FAILURES_PER_PEER, LOCK_SECONDS
from idp.store.credentials import attempts_of_two, count_one_less, forget_attempts, write_attempts
from service_kit.rates import one_address
from service_kit.row_values import write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.store.accounts import Vault

_MICROSECONDS: Final = 1_000_000


def name_key(vault: Vault, name: str) -> bytes:
    """What attempts under a name as somebody typed it are counted by."""
    return vault.sealer.find(name.strip().lower().encode(), "idp.attempt.name")


def thing_key(vault: Vault, what: str) -> bytes:
    """What attempts on something of ours are counted by, such as an account's second factor: apart from all that can be typed as a name."""
    return vault.sealer.find(what.encode(), "idp.attempt.thing")


def peer_key(vault: Vault, peer: str) -> bytes:
    """What attempts from an address are counted by: of IPv6 from a network, or whoever has one would have no limit."""
    return vault.sealer.find(one_address(peer).encode(), "idp.attempt.peer")


def enter_attempt(connection: Connection, name: bytes, peer: bytes, at: datetime) -> tuple[bool, bool, bool]:
    """Enter an attempt: may the name try, may the address try, and is the name locked by just this attempt."""
    noted = attempts_of_two(connection, name, peer)
    peer_may, _ = _enter(connection, peer, noted.get(peer), FAILURES_PER_PEER, at)
    if not peer_may:
        return False, False, False
    name_may, locks = _enter(connection, name, noted.get(name), FAILURES_PER_NAME, at)
    return name_may, True, locks


def take_back(connection: Connection, name: bytes, peer: bytes, at: datetime) -> None:
    """It was a success: the name begins anew, the address has one failure less."""
    forget_attempts(connection, name)
    count_one_less(connection, peer, at)


def _enter(connection: Connection, key: bytes, noted: tuple[int, int, int] | None, most: int, at: datetime) -> tuple[bool, bool]:
    now = write_time(at)
    failures, first_at, locked_until = noted or (0, 0, 0)
    if now < locked_until:
        return False, False
    if locked_until or now - first_at > FAILURE_WINDOW_SECONDS * _MICROSECONDS:
        failures, first_at = 0, now
    failures += 1
    locks = failures >= most
    until = write_time(at + timedelta(seconds=LOCK_SECONDS)) if locks else 0
    write_attempts(connection, key, failures, first_at, until, at, is_new=noted is None)
    return True, locks
