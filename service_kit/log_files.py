"""A transparency log's files: C2SP tiles and entry bundles, written once and never changed, and the newest checkpoint.

    <folder>/tile/entries/<N>           entries, the same for every tree
    <folder>/<tree>/tile/<L>/<N>        hashes
    <folder>/<tree>/checkpoint          the newest signed checkpoint
    <folder>/<tree>/checkpoint.cosigned the newest that witnesses have cosigned, where there are any

Tiles depend on nothing but the entries and their order, so whoever writes them writes the same bytes.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Final

from crypto.durable_files import make_folder
from service_kit.durable_files import PUBLIC_MODE, write_all_durably, write_durably
from standards.c2sp_tlog_tiles import CHECKPOINT_PATH, HASH_BYTES, TILE_WIDTH, bundle_path, tile_path
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

COSIGNED_PATH: Final = "checkpoint.cosigned"
_WIDTH: Final = re.compile(r"[1-9][0-9]{0,2}")


def files_unavailable(error: Exception) -> TrustError:
    """What is said where the system does not let a log have its files: which, and why."""
    facts = {}
    if isinstance(error, OSError) and error.strerror:
        facts = {**({"file": str(error.filename)} if error.filename else {}), "reason": error.strerror}
    return TrustError(Kind.UNAVAILABLE, "LOG_FILES_UNAVAILABLE", **facts)


class LogFiles:
    """The files of one log. ``anchor_folders``: further places that keep each tree's newest checkpoint.

    Anyone may read them; those of a log that is not public are closed by the folder they stand in.
    """

    def __init__(self, folder: Path, anchor_folders: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._anchors = tuple(anchor_folders)

    def write_tiles(self, tiles: Iterable[tuple[str, int, int, bytes]]) -> None:
        """Write tiles (tree, level, index, hashes), full or partial by their length. TrustError LOG_TILE_CONFLICT where one is there otherwise."""
        self._write_once(
            (self.folder / tree / tile_path(level, index, len(hashes) // HASH_BYTES), hashes) for tree, level, index, hashes in tiles
        )

    def write_bundles(self, bundles: Iterable[tuple[int, int, bytes]]) -> None:
        """Write entry bundles (index, width, content)."""
        self._write_once((self.folder / bundle_path(index, width), data) for index, width, data in bundles)

    def rewrite_tiles(self, tiles: Iterable[tuple[str, int, int, bytes]]) -> list[str]:
        """As ``write_tiles``, over what has another content; returns the names of what was written, below the folder."""
        return self._rewrite(
            (self.folder / tree / tile_path(level, index, len(hashes) // HASH_BYTES), hashes) for tree, level, index, hashes in tiles
        )

    def rewrite_bundles(self, bundles: Iterable[tuple[int, int, bytes]]) -> list[str]:
        """The same of entry bundles."""
        return self._rewrite((self.folder / bundle_path(index, width), data) for index, width, data in bundles)

    def _rewrite(self, files: Iterable[tuple[Path, bytes]]) -> list[str]:
        wrong = [(path, data) for path, data in files if self._read(path) != data]
        for path, _ in wrong:
            make_folder(path.parent)
        write_all_durably(wrong, mode=PUBLIC_MODE)
        return [path.relative_to(self.folder).as_posix() for path, _ in wrong]

    def _write_once(self, files: Iterable[tuple[Path, bytes]]) -> None:
        new = []
        for path, data in files:
            try:
                if path.read_bytes() != data:
                    raise TrustError(Kind.CONFLICT, "LOG_TILE_CONFLICT", file=str(path.relative_to(self.folder)))
            except FileNotFoundError:  # otherwise a sequencer that died after this step has written it
                if not path.parent.is_dir():
                    make_folder(path.parent)
                new.append((path, data))
        write_all_durably(new, mode=PUBLIC_MODE)

    def read_tile(self, tree: str, level: int, index: int, width: int) -> bytes:
        """``width`` hashes of a tile: from the partial file of that width, or from the beginning of the full one."""
        data = self._read(self.folder / tree / tile_path(level, index, width))
        if data is None and width < TILE_WIDTH:
            data = self._read(self.folder / tree / tile_path(level, index))
        if data is None:
            raise TrustError(Kind.UNAVAILABLE, "LOG_TILE_MISSING", file=f"{tree}/{tile_path(level, index, width)}")
        return data[: width * HASH_BYTES]

    def read_bundle(self, index: int, width: int) -> bytes | None:
        """An entry bundle of that width, or the full one; None where neither is there."""
        data = self._read(self.folder / bundle_path(index, width))
        return data if data is not None or width == TILE_WIDTH else self._read(self.folder / bundle_path(index))

    def width_kept(self, index: int) -> int:
        """How many entries the widest bundle of this index has, by the names of the files; 0 where there is none."""
        full = self.folder / bundle_path(index)
        if full.is_file():
            return TILE_WIDTH
        try:
            names = [each.name for each in full.with_name(f"{full.name}.p").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except OSError as error:
            raise files_unavailable(error) from error
        return max((int(name) for name in names if _WIDTH.fullmatch(name)), default=0)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:  # no permission, a disk that is failing
            raise files_unavailable(error) from error

    def check_anchors(self) -> None:
        """TrustError LOG_FILES_UNAVAILABLE where an anchor could not be written now."""
        for anchor in self._anchors:
            nearest = next(each for each in (anchor, *anchor.absolute().parents) if each.exists())
            if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
                raise TrustError(Kind.UNAVAILABLE, "LOG_FILES_UNAVAILABLE", file=str(anchor), reason=os.strerror(errno.EACCES))

    def publish(self, tree: str, note: bytes) -> None:
        """Replace the tree's checkpoint, here and at every anchor."""
        for path in self._checkpoint_paths(tree):
            make_folder(path.parent)
            write_durably(path, note, mode=PUBLIC_MODE)

    def published(self, tree: str) -> list[bytes]:
        """Every checkpoint kept for a tree, here and at the anchors."""
        return [note for path in self._checkpoint_paths(tree) if (note := self._read(path)) is not None]

    def unpublished(self, tree: str) -> list[str]:
        """The checkpoints of a tree that are gone from where they are kept, here and at the anchors; a folder that this machine has not, as where a
        backup is tried out, is passed over.
        """
        return [str(path) for path in self._checkpoint_paths(tree) if path.parent.is_dir() and self._read(path) is None]

    def publish_cosigned(self, tree: str, note: bytes) -> None:
        """Replace the newest checkpoint of a tree that witnesses have cosigned."""
        path = self.folder / tree / COSIGNED_PATH
        make_folder(path.parent)
        write_durably(path, note, mode=PUBLIC_MODE)

    def cosigned(self, tree: str) -> bytes | None:
        """The newest checkpoint of a tree with cosignatures; None where there is none."""
        return self._read(self.folder / tree / COSIGNED_PATH)

    def _checkpoint_paths(self, tree: str) -> list[Path]:
        return [self.folder / tree / CHECKPOINT_PATH, *(anchor / f"{self.folder.name}.{tree}.checkpoint" for anchor in self._anchors)]

    def public_file(self, path: str) -> Path | None:
        """The file for a request path below the log's prefix (``<tree>/tile/...``, ``tile/entries/...``), or None.

        Entries are found below every tree's prefix too, as C2SP has it.
        """
        parts = path.split("/")
        if any(not part or part.startswith(".") or not part.isascii() for part in parts):
            return None
        if parts[1:3] == ["tile", "entries"]:
            parts = parts[1:]
        wanted = self.folder.joinpath(*parts)
        return wanted if wanted.is_file() and wanted.resolve().is_relative_to(self.folder.resolve()) else None
