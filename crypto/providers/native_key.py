"""A key in the memory of a native library, with the operations on it that are ready for use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class NativeKey:
    """``pointer``: the library's own key, freed with this. ``signing``, ``verifying``: operations nobody is at.

    Each call into a library gives the interpreter lock away, and whoever has many threads waits for it afterwards. To make an operation, begin
    it and free it takes three such calls around the one that counts; so an operation is kept for whoever signs or verifies with this key next.
    There are as many as threads were at it at the same time.
    """

    __slots__ = ("pointer", "signing", "verifying")

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self.signing: list[Any] = []
        self.verifying: list[Any] = []

    def __del__(self) -> None:
        """What works on the key is freed before it."""
        self.signing.clear()
        self.verifying.clear()


def take(ready: list[Any], make: Callable[[], Any]) -> Any:
    """One of the operations that are ready, now the caller's alone, or a new one. He puts it back if it did not fail."""
    try:
        return ready.pop()  # one step of the interpreter's own, so threads may share the list
    except IndexError:
        return make()
