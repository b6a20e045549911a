"""Content-addressed files: whole or absent, checked at every reading."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from crypto.durable_files import make_folder
from crypto.sm3 import sm3
from service_kit import blobs as module
from service_kit.blobs import Blobs
from service_kit.durable_files import write_all_durably, write_durably
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs", limit_bytes=10_000)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_content_is_found_by_its_digest(blobs: Blobs, tmp_path: Path) -> None:
    digest = blobs.put(b"content")
    assert digest == sm3(b"content").hex()
    assert blobs.put_stream([b"con", memoryview(b"tent")]) == digest
    assert blobs.get(digest) == b"content"
    assert blobs.has(digest)
    assert files(tmp_path / "blobs") == [f"{digest[:2]}/{digest}"]
    assert (tmp_path / "blobs" / digest[:2] / digest).stat().st_mode & 0o777 == 0o600
    assert blobs.get(blobs.put(b"")) == b""


@pytest.mark.parametrize("damaged", [b"Content", b"cont", b""])
def test_a_document_that_is_stored_again_takes_the_place_of_a_damaged_one(blobs: Blobs, tmp_path: Path, damaged: bytes) -> None:
    """It was called stored, and whoever asked for it was refused for good."""
    digest = blobs.put(b"content")
    (tmp_path / "blobs" / digest[:2] / digest).write_bytes(damaged)
    assert blobs.put(b"content") == digest
    assert blobs.get(digest) == b"content"
    assert (list(blobs.damaged()), files(tmp_path / "blobs")) == ([], [f"{digest[:2]}/{digest}"])


def test_reading_is_in_chunks(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_BYTES", 7)
    digest = blobs.put(bytes(range(100)))
    with blobs.open(digest) as chunks:
        parts = list(chunks)
    assert (b"".join(parts), len(parts[0])) == (bytes(range(100)), 7)


def test_damage_is_noticed_and_named(blobs: Blobs, tmp_path: Path) -> None:
    digest, other = blobs.put(b"content"), blobs.put(b"other")
    path = tmp_path / "blobs" / digest[:2] / digest
    (tmp_path / "blobs" / "zz").mkdir()
    (tmp_path / "blobs" / "zz" / "not-ours").write_text("x")
    for damaged in (b"Content", b"content!", b""):
        path.write_bytes(damaged)
        with pytest.raises(TrustError) as refused:
            blobs.get(digest)
        assert (refused.value.code, refused.value.facts) == ("BLOB_DAMAGED", {"digest": digest})
        assert list(blobs.damaged()) == [digest]
    assert blobs.get(other) == b"other"


@pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_not_there(blobs: Blobs, digest: str) -> None:
    with pytest.raises(TrustError) as refused:
        blobs.get(digest)
    assert (refused.value.kind, refused.value.code) == (Kind.NOT_FOUND, "BLOB_UNKNOWN")


def test_too_much_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    with pytest.raises(TrustError, match="BLOB_TOO_LARGE"):
        blobs.put_stream(endless())
    assert files(tmp_path / "blobs") == []


def test_a_source_that_breaks_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"begin"
        raise LookupError

    with pytest.raises(LookupError):
        blobs.put_stream(broken())
    assert files(tmp_path / "blobs") == []


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file in the way")
    blobs = Blobs(tmp_path / "blobs")
    for attempt in (lambda: blobs.put(b"x"), lambda: blobs.get("0" * 64)):
        with pytest.raises(TrustError) as refused:
            attempt()
        assert (refused.value.kind, refused.value.code) == (Kind.UNAVAILABLE, "BLOB_STORE_UNAVAILABLE")


def test_everything_is_synced_before_it_is_named(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """File first, then the name in its folder: the other order could leave a name with no content."""
    order: list[str] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    blobs.put(b"content")
    assert order[order.index("file") :] == ["file", "folder", "folder"]  # the new folder's own name, then the blob's


def test_a_file_is_replaced_at_one_stroke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "b" / "file"
    make_folder(path.parent)
    make_folder(path.parent)
    write_durably(path, b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no space"):
            write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a/b/file"]
    write_durably(path, b"new", sync=False)
    assert path.read_bytes() == b"new"


def test_many_files_are_durable_together_and_fail_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    several = [(tmp_path / "one", b"1"), (tmp_path / "two", b"2"), (tmp_path / "other" / "three", b"3")]
    synced: list[int] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        real_fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        write_all_durably(several)
    assert len(synced) == 3 + 2  # every file, and each folder once
    assert [path.read_bytes() for path, _ in several] == [b"1", b"2", b"3"]
    write_all_durably([])
    write_all_durably([(tmp_path / "one", b"new")], mode=0o644)
    assert (tmp_path / "one").read_bytes() == b"new"

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            write_all_durably([(path, b"never") for path, _ in several])
    assert [path.read_bytes() for path, _ in several] == [b"new", b"2", b"3"]
    assert not [each for each in tmp_path.iterdir() if each.name.endswith(".tmp")]
