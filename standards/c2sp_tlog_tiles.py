"""Tiled logs (C2SP tlog-tiles): where tiles and entry bundles are, and how bundles are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
HASH_BYTES: Final = 32
ENTRY_BYTES: Final = 0xFFFF
LEVELS: Final = 64
CHECKPOINT_PATH: Final = "checkpoint"
_PATH: Final = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")


def _index_path(index: int) -> str:
    if index < 0:
        raise ValueError(index)
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def _suffix(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(width)
    return "" if width == TILE_WIDTH else f".p/{width}"


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Path of a tile below the log's prefix. ``width`` under 256: the partial tile of that width."""
    if not 0 <= level < LEVELS:
        raise ValueError(level)
    return f"tile/{level}/{_index_path(index)}{_suffix(width)}"


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """Path of an entry bundle."""
    return f"tile/entries/{_index_path(index)}{_suffix(width)}"


def leaves_wanted(path: str) -> int | None:
    """How many leaves a tree has at least where there is the tile or bundle at ``path`` (below the log's prefix); None for the path of neither."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level = 0 if match[1] == "entries" else int(match[1])
    index = int(match[2].replace("x", "").replace("/", ""))
    return (index * TILE_WIDTH + int(match[3] or TILE_WIDTH)) << TILE_HEIGHT * level


def tile_widths(size: int) -> list[tuple[int, int]]:
    """For a tree of ``size`` leaves: (full tiles, width of the partial one or 0) for each level that has any."""
    widths = []
    while size:
        widths.append(divmod(size, TILE_WIDTH))
        size //= TILE_WIDTH
    return widths


def write_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each after its length (uint16, big-endian). MalformedError LOG_ENTRY_TOO_LARGE."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES:
            raise MalformedError("LOG_ENTRY_TOO_LARGE", limit=ENTRY_BYTES)
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def read_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; MalformedError LOG_BUNDLE_FORM."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data) or len(entries) == TILE_WIDTH:
            raise MalformedError("LOG_BUNDLE_FORM")
        entries.append(data[at + 2 : end])
        at = end
    return entries
