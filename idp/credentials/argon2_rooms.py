"""Argon2id in memory that a thread keeps, on large pages.

A hash writes 19 MiB twice. In pages of 4 KiB that is some 5,000 entries of a table of which the processor holds 1,500, and whatever runs next
finds its own gone too; in pages of 2 MiB it is ten. The library's allocation asks for no large pages, so it is given ours through the
callbacks of ``argon2_context`` (argon2.h). It wipes the memory before it gives it back. The shape of that context may change with any version
of the library, hence the vector of RFC 9106 through each new room: where that does not come out, and where the system has no such pages or
forbids callbacks, there is no room, and the library's own way is taken.
"""

from __future__ import annotations

import hmac
import mmap
from typing import Any, Final, Self

from argon2.low_level import Type, core, ffi

_LARGE_PAGE: Final = 2 * 1024 * 1024
_NO_MEMORY: Final = -22  # ARGON2_MEMORY_ALLOCATION_ERROR
_VERSION: Final = 0x13
_TAG_OF_RFC_9106: Final = bytes.fromhex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")  # 5.3


class Room:
    """Memory for one hash at a time, of at most so many KiB, for one thread."""

    def __init__(self, memory_kib: int) -> None:
        most = memory_kib * 1024
        pages = mmap.mmap(-1, most + _LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages.madvise(mmap.MADV_HUGEPAGE)
        self._held: Final = ffi.from_buffer(pages)
        address = int(ffi.cast("uintptr_t", self._held))
        begin = ffi.cast("uint8_t *", -(-address // _LARGE_PAGE) * _LARGE_PAGE)

        def give(place: Any, wanted: int) -> int:
            if wanted > most:
                return _NO_MEMORY
            place[0] = begin
            return 0

        self._give: Final = ffi.callback("int(uint8_t **, size_t)", give, error=_NO_MEMORY)
        self._take: Final = ffi.callback("void(uint8_t *, size_t)", lambda _memory, _bytes: None)

    @classmethod
    def opened(cls, memory_kib: int) -> Self | None:
        """A room that answers rightly; None where there can be none."""
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            return None
        try:
            room = cls(memory_kib)
            tag = room.tag(b"\x01" * 32, b"\x02" * 16, 32, passes=3, memory_kib=32, lanes=4, secret=b"\x03" * 8, data=b"\x04" * 12)
        except (MemoryError, OSError, ValueError, TypeError, KeyError):
            # No large pages, no executable memory for callbacks, another context
            return None
        return room if hmac.compare_digest(tag, _TAG_OF_RFC_9106) else None

    def tag(
        self,
        password: bytes,
        salt: bytes,
        tag_bytes: int,
        *,
        passes: int,
        memory_kib: int,
        lanes: int,
        secret: bytes = b"",
        data: bytes = b"",
    ) -> bytes:
        """The tag of Argon2id (RFC 9106 3), version 0x13, by one thread. ValueError where the library refuses a value."""
        tag = ffi.new("uint8_t[]", tag_bytes)
        context = ffi.new(
            "argon2_context *",
            {
                "version": _VERSION,
                "out": tag,
                "outlen": tag_bytes,
                "pwd": ffi.from_buffer("uint8_t[]", password),
                "pwdlen": len(password),
                "salt": ffi.from_buffer("uint8_t[]", salt),
                "saltlen": len(salt),
                "secret": ffi.from_buffer("uint8_t[]", secret),
                "secretlen": len(secret),
                "ad": ffi.from_buffer("uint8_t[]", data),
                "adlen": len(data),
                "t_cost": passes,
                "m_cost": memory_kib,
                "lanes": lanes,
                "threads": 1,
                "allocate_cbk": self._give,
                "free_cbk": self._take,
                "flags": 0,
            },
        )
        refused = core(context, Type.ID.value)
        if refused:
            raise ValueError(f"Argon2 refused: {refused}")
        return bytes(ffi.buffer(tag))
