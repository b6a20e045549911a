"""SM3 (GB/T 32905-2016), HMAC-SM3 (GB/T 15852.2) and PBKDF2 with HMAC-SM3 (RFC 8018). The doorway to the provider of SM3."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from crypto import providers
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.hashes import Hash

MAX_PBKDF2_ITERATIONS: Final = 10_000_000  # about four seconds of one core; today's advice is 600,000 (OWASP, PBKDF2-HMAC-SHA256)


class Sm3:
    """A running SM3. ``digest()`` may be asked for at any time and does not end it."""

    __slots__ = ("_state",)

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        self._state: Hash = providers.symmetric().new_sm3()
        if data:
            self._state.update(data)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in more bytes; a memoryview is read where it lies, without a copy, and the interpreter lock is free meanwhile."""
        self._state.update(data)

    def digest(self) -> bytes:
        """The 32 bytes over all that was taken in so far."""
        return self._state.copy().finalize()

    def copy(self) -> Sm3:
        """An independent continuation from here."""
        twin = Sm3.__new__(Sm3)
        twin._state = self._state.copy()  # noqa: SLF001 - the same class
        return twin


def sm3(data: bytes | bytearray | memoryview) -> bytes:
    """The 32 bytes SM3(data)."""
    state = providers.symmetric().new_sm3()
    state.update(data)
    return state.finalize()


def sm3_of_joined(first: bytes, second: bytes | bytearray | memoryview) -> bytes:
    """The 32 bytes SM3(first ‖ second), neither of them copied."""
    state = providers.symmetric().new_sm3()
    state.update(first)
    state.update(second)
    return state.finalize()


def sm3_behind(prefix: bytes) -> Callable[[bytes], bytes]:
    """SM3(prefix ‖ data) of data, for many of them: the prefix is taken in once."""
    begun = providers.symmetric().new_sm3()
    begun.update(prefix)

    def digest(data: bytes) -> bytes:
        state = begun.copy()
        state.update(data)
        return state.finalize()

    return digest


def hmac_sm3(key: bytes, data: bytes | bytearray | memoryview) -> bytes:
    """The 32 bytes HMAC-SM3(key, data). To check one use :func:`verify_hmac_sm3`, never ``==``."""
    return providers.symmetric().hmac_sm3(key, data)


def verify_hmac_sm3(key: bytes, data: bytes | bytearray | memoryview, mac: bytes) -> bool:
    """Whether ``mac`` is HMAC-SM3(key, data), compared in constant time."""
    return hmac.compare_digest(hmac_sm3(key, data), mac)


def pbkdf2_hmac_sm3(password: bytes, salt: bytes, iterations: int, length: int) -> bytes:
    """``length`` bytes derived from a password (RFC 8018, 5.2). ``PBKDF2_ITERATIONS`` outside 1..:data:`MAX_PBKDF2_ITERATIONS`."""
    if not 1 <= iterations <= MAX_PBKDF2_ITERATIONS:
        raise TrustError(Kind.UNACCEPTABLE, "PBKDF2_ITERATIONS", limit=MAX_PBKDF2_ITERATIONS, found=iterations)
    return providers.symmetric().pbkdf2_hmac_sm3(password, salt, iterations, length)
