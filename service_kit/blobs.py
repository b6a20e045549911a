"""Content-addressed files: named by their SM3 digest, written once, whole and synced, checked at every reading."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from crypto.durable_files import give_to_owner, make_folder, sync_folder
from crypto.sm3 import Sm3
from service_kit.durable_files import PRIVATE_MODE
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

BLOB_BYTES: Final = 1024 * 1024 * 1024  # no document of ours comes near; keeps one writer from filling the disk
CHUNK_BYTES: Final = 1024 * 1024
INCOMING_KEPT_SECONDS: Final = 3600.0  # without a byte: a request ends after a minute
PREFIX_CHARACTERS: Final = 2  # of a digest: the name of its folder
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The blobs below one folder: ``ab/abcdef....`` by the digest in hexadecimal."""

    def __init__(self, folder: Path, *, limit_bytes: int = BLOB_BYTES) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._limit_bytes = limit_bytes

    def put(self, data: bytes | memoryview) -> str:
        """Store and return the digest (SM3, hexadecimal). Durable on return; storing the same content again costs no more writing, unless what is there is
        damaged: then this takes its place.
        """
        return self.put_stream((data,))

    def put_stream(self, chunks: Iterable[bytes | memoryview]) -> str:
        """As ``put``, chunk by chunk, in constant memory. TrustError BLOB_TOO_LARGE, BLOB_STORE_UNAVAILABLE; nothing is left then."""
        path = self._incoming / secrets.token_hex(12)
        try:
            try:
                digest = self._receive(path, chunks)
                target = self._path(digest)
                if target.exists() and self._is_whole(digest):
                    path.unlink()
                else:
                    make_folder(target.parent)
                    path.replace(target)
                    sync_folder(target.parent)
            except BaseException:  # edge: tidied up and passed on
                with suppress(FileNotFoundError):
                    path.unlink()
                raise
        except OSError as error:
            raise _unavailable(error) from error
        return digest

    def _is_whole(self, digest: str) -> bool:
        try:
            with self.open(digest) as chunks:
                for _ in chunks:
                    pass
        except (TrustError, OSError):  # other content, or a disk that fails in the midst of reading
            return False
        return True

    def _receive(self, path: Path, chunks: Iterable[bytes | memoryview]) -> str:
        state, size = Sm3(), 0
        try:
            descriptor = os.open(path, _NEW_FILE, PRIVATE_MODE)
        except FileNotFoundError:  # the first of all
            make_folder(self._incoming)
            descriptor = os.open(path, _NEW_FILE, PRIVATE_MODE)
        try:
            give_to_owner(descriptor, path)
            for chunk in chunks:
                size += len(chunk)
                if size > self._limit_bytes:
                    raise TrustError(Kind.TOO_LARGE, "BLOB_TOO_LARGE", limit=self._limit_bytes)
                state.update(chunk)
                rest = memoryview(chunk)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return state.digest().hex()

    def has(self, digest: str) -> bool:
        """True where a blob of this digest is stored (not whether it is undamaged); what is no digest names none."""
        return _DIGEST.fullmatch(digest) is not None and self._path(digest).is_file()

    def listed(self) -> Callable[[str], bool]:
        """``has``, for very many digests: from the names in the folders, about 100 bytes of memory for each. What has come since is found as well.

        TrustError BLOB_STORE_UNAVAILABLE where a folder cannot be listed: what cannot be seen is not missing.
        """
        stored: set[bytes] = set()
        try:
            for parent in os.scandir(self._folder):
                if len(parent.name) == PREFIX_CHARACTERS and parent.is_dir():
                    names = (each.name for each in os.scandir(parent))
                    stored.update(bytes.fromhex(name) for name in names if _DIGEST.fullmatch(name) and name.startswith(parent.name))
        except FileNotFoundError:  # before the first of all, and after a restore of none
            stored.clear()
        except OSError as error:
            raise _unavailable(error) from error
        return lambda digest: (_DIGEST.fullmatch(digest) is not None and bytes.fromhex(digest) in stored) or self.has(digest)

    def sweep_incoming(self) -> int:
        """Remove what whoever died while he received it has left of documents; how many files. Nothing that somebody still writes to is that old."""
        oldest, removed = time.time() - INCOMING_KEPT_SECONDS, 0
        try:
            for path in [*self._incoming.iterdir()] if self._incoming.is_dir() else ():
                with suppress(FileNotFoundError):  # it was received, or another process was quicker
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        removed += 1
        except OSError as error:
            raise _unavailable(error) from error
        return removed

    def get(self, digest: str) -> bytes:
        """The whole content, checked. TrustError BLOB_UNKNOWN, BLOB_DAMAGED."""
        with self.open(digest) as chunks:
            return b"".join(chunks)

    @contextmanager
    def open(self, digest: str) -> Iterator[Iterator[bytes]]:
        """The content in chunks. The digest is known only at the end: TrustError BLOB_DAMAGED comes with the last chunk withheld."""
        try:
            descriptor = os.open(self._path(digest), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            raise TrustError(Kind.NOT_FOUND, "BLOB_UNKNOWN") from None
        except OSError as error:
            raise _unavailable(error) from error
        try:
            yield _checked_chunks(descriptor, digest)
        finally:
            os.close(descriptor)

    def damaged(self) -> Iterator[str]:
        """Digests whose file does not have that content, or cannot be read; reads everything, for the operator's check."""
        for path in self._folder.glob("??/*"):
            if not _DIGEST.fullmatch(path.name) or path.parent.name != path.name[:2]:
                continue
            if not self._is_whole(path.name):
                yield path.name

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise TrustError(Kind.NOT_FOUND, "BLOB_UNKNOWN")
        return self._folder / digest[:PREFIX_CHARACTERS] / digest


def _unavailable(error: OSError) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "BLOB_STORE_UNAVAILABLE", reason=os.strerror(error.errno or 0))


def _checked_chunks(descriptor: int, digest: str) -> Iterator[bytes]:
    state = Sm3()
    held = b""
    while True:
        chunk = os.read(descriptor, CHUNK_BYTES)
        if not chunk:
            break
        if held:
            yield held
        state.update(chunk)
        held = chunk
    if not hmac.compare_digest(state.digest().hex(), digest):
        raise TrustError(Kind.UNAVAILABLE, "BLOB_DAMAGED", digest=digest)
    if held:
        yield held
