"""Argon2id in memory of our own says what the library says, wipes what it wrote, and steps aside where it cannot be."""

from __future__ import annotations

import mmap
import os
import threading

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type, ffi, hash_secret_raw
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.credentials import argon2_rooms, passwords
from idp.credentials.argon2_rooms import Room
from idp.credentials.passwords import MEMORY_KIB, PasswordPool, hash_password, is_right

KIB = 512


@pytest.fixture(scope="module")
def room() -> Room:
    opened = Room.opened(KIB)
    if opened is None:
        pytest.skip("this system has no large pages to ask for, or forbids callbacks")
    return opened


@settings(max_examples=60, deadline=None)
@given(
    password=st.binary(max_size=300),
    salt=st.binary(min_size=8, max_size=64),
    length=st.integers(4, 64),
    passes=st.integers(1, 3),
    lanes=st.integers(1, 4),
    memory=st.integers(32, KIB),
)
def test_a_room_says_what_the_library_says(
    room: Room, password: bytes, salt: bytes, length: int, passes: int, lanes: int, memory: int
) -> None:
    made = room.tag(password, salt, length, passes=passes, memory_kib=memory, lanes=lanes)
    assert made == hash_secret_raw(password, salt, passes, memory, lanes, length, Type.ID)


def test_nothing_of_a_hash_is_left_in_the_room(room: Room) -> None:
    room.tag(b"synthetic", b"s" * 16, 32, passes=2, memory_kib=KIB, lanes=1)
    assert not any(bytes(ffi.buffer(room._held)))


@pytest.mark.parametrize(("salt", "memory"), [(b"", KIB), (b"s" * 16, KIB + 4), (b"s" * 16, 1 << 21)])
def test_what_does_not_fit_is_refused(room: Room, salt: bytes, memory: int) -> None:
    with pytest.raises(ValueError, match="Argon2 refused"):
        room.tag(b"synthetic", salt, 32, passes=1, memory_kib=memory, lanes=1)
    assert room.tag(b"p", b"s" * 16, 32, passes=1, memory_kib=KIB, lanes=1) == hash_secret_raw(b"p", b"s" * 16, 1, KIB, 1, 32, Type.ID)


def test_threads_of_the_pool_hash_in_rooms_and_answer_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    tag = Room.tag

    def noted(self: Room, *values: bytes, **others: int) -> bytes:
        asked.append(threading.get_native_id())
        return tag(self, *values, **others)  # type: ignore[arg-type]

    pool = PasswordPool(threads=1)
    kept = hash_password("correct synthetic 7")
    older = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("correct synthetic 7").encode()
    damaged = kept[:-4] + b"AAAA"
    monkeypatch.setattr(Room, "tag", noted)
    try:
        for hashed, right in (
            (kept, True),
            (older, True),
            (damaged, False),
            (kept[:-1], False),
            (b"$argon2id$v=19$m=19456,t=2,p=1$a$b", False),
            (None, False),
        ):
            assert pool.submit(lambda hashed=hashed: is_right(hashed, "correct synthetic 7")).result() is right  # type: ignore[misc]
            assert not pool.submit(lambda hashed=hashed: is_right(hashed, "correct synthetic 8")).result()  # type: ignore[misc]
    finally:
        pool.close()
    in_rooms = len(asked)
    assert is_right(kept, "correct synthetic 7"), "a thread outside the pool has no room, and needs none"
    assert len(asked) == in_rooms
    if Room.opened(MEMORY_KIB) is not None:
        assert len(set(asked[:in_rooms])) == 1


def _no_large_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)


def _no_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hardened:
        def __getattr__(self, name: str) -> object:
            return getattr(ffi, name)

        def callback(self, *_: object, **__: object) -> object:
            raise MemoryError("Cannot allocate write+execute memory for ffi.callback()")

    monkeypatch.setattr(argon2_rooms, "ffi", Hardened())


def _no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise OSError(12, os.strerror(12))

    monkeypatch.setattr(mmap, "mmap", refuse)


def _another_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2_rooms, "_VERSION", 0x10)  # as good as a context whose fields mean something else: the tag is another


@pytest.mark.parametrize("hinder", [_no_large_pages, _no_callbacks, _no_memory, _another_context])
def test_where_there_can_be_no_room_passwords_are_compared_by_the_library(hinder: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(hinder)
    hinder(monkeypatch)
    assert Room.opened(MEMORY_KIB) is None
    pool = PasswordPool(threads=1)
    try:
        kept = passwords._HASHER.hash("correct synthetic 7").encode()
        assert pool.submit(lambda: is_right(kept, "correct synthetic 7")).result()
        assert not pool.submit(lambda: is_right(kept, "correct synthetic 8")).result()
    finally:
        pool.close()
