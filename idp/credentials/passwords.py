"""Passwords: Argon2id, in a pool of two threads with a short queue and memory of their own; hashes of other systems are read, and replaced at the next use.

Parameters: 19 MiB, two passes, one lane (OWASP Password Storage), about 27 ms. Forms that are read: ``$argon2id$...``,
``$pbkdf2-sha256$<iterations>$<salt>$<hash>`` and ``$pbkdf2-sm3$...`` (base64 of passlib: no padding, ``.`` for ``+``), ``$sm3$<salt>$<hex>``
(SM3 of salt and password, one pass, as older national systems keep it), and bcrypt as Spring Security and PHP keep it: ``$2a$``, ``$2b$`` or ``$2y$``, with
``{bcrypt}`` before it or not. ``$2x$`` marks hashes of a program with a fault, and is not read.

bcrypt sees 72 bytes of a password, and programs that make it cut off the rest. So does this: who had a longer one signs in with it, or with another
end of it, as where the hash was made. Such a password keeps its hash until it is changed. Programs differ in what they make of a NUL byte (to C it
is the end): a password with one is never right.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar

import bcrypt
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from crypto.sm3 import pbkdf2_hmac_sm3, sm3
from idp.credentials.argon2_rooms import Room
from idp.model.hash_costs import BCRYPT, OURS_SECONDS, PBKDF2
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

Value = TypeVar("Value")

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
POOL_THREADS: Final = 2
QUEUE_MAX: Final = 32  # at 27 ms and two threads under half a second of waiting; whoever comes then hears 503 at once
NICENESS: Final = 5  # a third of the share of a thread of the usual priority where both want the core, all of it where nobody else does
CHARACTERS_MIN: Final = 10
CHARACTERS_MAX: Final = 128
LEGACY_ITERATIONS_MAX: Final = 2_000_000  # a hash brought in must not stop the pool
LEGACY_KIB_MAX: Final = 256 * 1024  # of an Argon2id hash, likewise: what two threads may need together fits a small machine
LEGACY_PASSES_MAX: Final = 16
LEGACY_LANES_MAX: Final = 16
BCRYPT_COST_MAX: Final = 14  # 2^14 rounds: about a second, as PBKDF2 of 2,000,000 iterations
BCRYPT_CHEAP_COST: Final = 8  # up to this it takes less time than a hash of ours
BCRYPT_PASSWORD_BYTES: Final = 72
CHEAP_ITERATIONS: Final = 50_000  # fewer take less time than a hash of ours
HASH_CHARACTERS_MAX: Final = 512
_SM3: Final = re.compile(r"\$sm3\$([A-Za-z0-9./]{1,128})\$([0-9a-f]{64})")
_HASHER: Final = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_DUMMY: Final = _HASHER.hash("nobody has this password")
"""What is compared where there is no password to compare with: it takes the same time."""
_OURS: Final = re.compile(rf"\$argon2id\$v=19\$m={MEMORY_KIB},t={PASSES},p={LANES}\$([A-Za-z0-9+/]{{22}})\$([A-Za-z0-9+/]{{43}})")
_THREAD: Final = threading.local()


def hash_password(password: str) -> bytes:
    """A new hash, PHC text."""
    return _HASHER.hash(password).encode()


def _is_right_argon2(text: str, password: str) -> bool:
    room: Room | None = getattr(_THREAD, "room", None)
    match = _OURS.fullmatch(text)
    if room is None or match is None:
        return _HASHER.verify(text, password)
    salt, expected = (base64.b64decode(each + "=" * (-len(each) % 4)) for each in match.groups())
    made = room.tag(password.encode(), salt, len(expected), passes=PASSES, memory_kib=MEMORY_KIB, lanes=LANES)
    return hmac.compare_digest(made, expected)


def check_password_rules(password: str, login: str = "") -> None:
    """Raise PASSWORD_UNACCEPTABLE unless long enough, of more than one kind of character, and without the login name (GB/T 22239 8.1.4.1)."""
    kinds = sum(
        any(test(each) for each in password)
        for test in (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum(), lambda each: not each.isascii())
    )
    if (
        not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX
        or kinds < 2
        or len(set(password)) < 5
        or (login and login in password.lower())
    ):
        raise TrustError(Kind.UNACCEPTABLE, "PASSWORD_UNACCEPTABLE", characters_min=CHARACTERS_MIN, characters_max=CHARACTERS_MAX)


def check_kept_hash(text: str) -> None:
    """Raise CREDENTIAL_UNUSABLE, which names the field, unless a hash brought from another system is of a form that is read, and costs no more than
    the limits here say.
    """
    match, blowfish = PBKDF2.fullmatch(text), BCRYPT.fullmatch(text)
    known = bool(match or blowfish or _SM3.fullmatch(text)) or text.startswith("$argon2id$")
    is_dear = (match is not None and int(match[2]) > LEGACY_ITERATIONS_MAX) or (blowfish is not None and int(blowfish[2]) > BCRYPT_COST_MAX)
    if text.startswith("$argon2id$"):
        try:
            asked = extract_parameters(text)
        except InvalidHashError:
            known = False
        else:
            is_dear = asked.memory_cost > LEGACY_KIB_MAX or asked.time_cost > LEGACY_PASSES_MAX or asked.parallelism > LEGACY_LANES_MAX
    if not known or len(text) > HASH_CHARACTERS_MAX or is_dear:
        reason = "hash that costs too much" if known and is_dear else "hash of an unknown form"
        raise TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_UNUSABLE", field="password_hash", reason=reason)


def _decode(text: str) -> bytes:
    padded = text.replace(".", "+") + "=" * (-len(text) % 4)
    return base64.b64decode(padded)


def _is_right_bcrypt(text: str, password: str) -> bool:
    given = password.encode()
    return bcrypt.checkpw(given[:BCRYPT_PASSWORD_BYTES], text.encode()) and b"\0" not in given


def is_right(kept: bytes | None, password: str) -> bool:
    """Whether the password belongs to the hash. Without a hash, and with a damaged one, it takes as long and is False."""
    text = (kept or b"").decode("utf-8", "replace")
    try:
        if match := PBKDF2.fullmatch(text):
            function, iterations, salt, expected = match[1], int(match[2]), _decode(match[3]), _decode(match[4])
            if function == "sm3":
                made = pbkdf2_hmac_sm3(password.encode(), salt, iterations, len(expected))
            else:
                made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations, len(expected))
            if hmac.compare_digest(made, expected) or iterations >= CHEAP_ITERATIONS:
                return hmac.compare_digest(made, expected)
            text = ""  # who is refused at once would have learned that there is such an account
        elif match := _SM3.fullmatch(text):
            if hmac.compare_digest(sm3(_decode(match[1]) + password.encode()), bytes.fromhex(match[2])):
                return True
            text = ""  # likewise
        elif match := BCRYPT.fullmatch(text):
            right = _is_right_bcrypt(match[1], password)
            if right or int(match[2]) > BCRYPT_CHEAP_COST:
                return right
            text = ""  # likewise
    except binascii.Error:
        text = ""
    try:
        right = _is_right_argon2(text or _DUMMY, password)
    except (VerificationError, InvalidHashError):
        return False
    return right and bool(text)


def is_outdated(kept: bytes, password: str) -> bool:
    """Whether a hash is to be replaced, now that the password is at hand. One of which only the beginning was compared is not: a slip of the hand
    behind it would become the password.
    """
    text = kept.decode("utf-8", "replace")
    if BCRYPT.fullmatch(text) and len(password.encode()) > BCRYPT_PASSWORD_BYTES:
        return False
    return not text.startswith("$argon2id$") or _HASHER.check_needs_rehash(text)


class Place:
    """A place of a pool, for one piece of work: free again when that is done, or with the end of the block where there was none."""

    def __init__(self, executor: ThreadPoolExecutor, let_go: Callable[[], None]) -> None:
        self._executor = executor
        self._let_go = let_go
        self._is_used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_used:
            self._let_go()

    def submit(self, work: Callable[[], Value]) -> Future[Value]:
        """Hand over the work, once."""
        future = self._executor.submit(work)
        self._is_used = True
        future.add_done_callback(lambda _: self._let_go())  # also where it was taken back before a thread had it
        return future

    async def run(self, work: Callable[[], Value]) -> Value:
        """Hand over the work, once, and wait for what comes of it in an event loop, which is woken a single time."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(_settle, over)

        future = self.submit(work)
        future.add_done_callback(tell)
        try:
            await over
        finally:
            future.cancel()  # nobody waits for it any more, and no thread need begin it
        return future.result()


def _settle(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _prepare_thread() -> None:
    """Let this thread have what the others leave: hashing on every core must not keep the event loop from refusing at once, or answering.
    And its room.
    """
    _THREAD.room = Room.opened(MEMORY_KIB)
    if sys.platform == "linux":  # where a priority is a thread's own; elsewhere it would be the whole process's
        with suppress(OSError):  # a filter of system calls may forbid it (systemd's ~@resources): then they hash at the usual priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class PasswordPool:
    """Two threads that hash, and a bounded queue before them. Argon2 lets go of the interpreter while it works."""

    def __init__(self, threads: int = POOL_THREADS, queue_max: int = QUEUE_MAX) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="password", initializer=_prepare_thread)
        self._places = threads + queue_max
        self._lock = threading.Lock()
        self._shortest_seconds = 0.0

    def take_place(self) -> Place:
        """A place, before anything else is done for whoever will need one; TrustError SIGN_IN_BUSY (503) at once where all are taken."""
        with self._lock:
            if not self._places:
                raise TrustError(Kind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds=2)
            self._places -= 1
        return Place(self._executor, self._let_go)

    def _let_go(self) -> None:
        with self._lock:
            self._places += 1

    def demand_place(self) -> None:
        """Raise SIGN_IN_BUSY where all places are taken now."""
        with self.take_place():
            pass

    def submit(self, work: Callable[[], Value]) -> Future[Value]:
        """Hand over work; SIGN_IN_BUSY."""
        with self.take_place() as place:
            return place.submit(work)

    def note_ours(self, seconds: float) -> None:
        """How long a comparison with a hash of ours took just now."""
        with self._lock:
            self._shortest_seconds = min(self._shortest_seconds or seconds, seconds)

    @property
    def slowness(self) -> float:
        """How many times longer this machine takes than the one of ``hash_costs``, by the shortest it was seen to take: others at work beside it do
        not count. At least 1.
        """
        return max(1.0, self._shortest_seconds / OURS_SECONDS)

    def close(self) -> None:
        """End the threads."""
        self._executor.shutdown(wait=True)
