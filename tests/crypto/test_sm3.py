"""SM3, HMAC-SM3 and PBKDF2-HMAC-SM3."""

from __future__ import annotations

import hashlib
import hmac
import mmap
import threading

import pytest
from gmssl.sm3 import sm3_hash
from hypothesis import given
from hypothesis import strategies as st

from crypto.sm3 import MAX_PBKDF2_ITERATIONS, Sm3, hmac_sm3, pbkdf2_hmac_sm3, sm3, sm3_behind, verify_hmac_sm3
from standards.errors import TrustError
from tests.crypto import published_vectors as v
from tests.optional import need


@pytest.mark.clause("GB/T 32905-2016 A.1", "GB/T 32905-2016 A.2")
@pytest.mark.parametrize(("message", "digest"), v.SM3_VECTORS)
def test_published_digests(message: bytes, digest: str) -> None:
    assert sm3(message).hex() == digest
    assert Sm3(message).digest().hex() == digest


@given(st.lists(st.binary(max_size=200), max_size=6), st.integers(0, 6))
def test_running_digest_equals_one_shot_and_gmssl(parts: list[bytes], cut: int) -> None:
    running, twin = Sm3(), Sm3()
    for index, part in enumerate(parts):
        if index == cut:
            twin = running.copy()
            running.digest()
        running.update(memoryview(part))
    assert running.digest() == running.digest() == sm3(b"".join(parts))
    twin.update(b"".join(parts[cut:]) if cut < len(parts) else b"".join(parts))
    assert twin.digest() == running.digest()
    assert sm3_hash(list(b"".join(parts))) == running.digest().hex()


def test_behind_a_prefix_every_digest_stands_for_itself() -> None:
    behind = sm3_behind(b"\x01")
    assert [behind(data) for data in (b"", b"abc", b"")] == [sm3(b"\x01" + data) for data in (b"", b"abc", b"")]


def test_buffers_are_read_where_they_lie() -> None:
    content = b"abc" * 10_000
    with mmap.mmap(-1, len(content)) as memory:
        memory[:] = content
        view = memoryview(memory)
        assert sm3(view) == sm3(bytearray(content)) == sm3(content)
        assert sm3(view[3:]) == sm3(content[3:])
        view.release()


def test_the_interpreter_lock_is_free_on_large_inputs() -> None:
    data, stop, count = bytes(1 << 26), threading.Event(), 0

    def work() -> None:
        sm3(data)
        stop.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not stop.is_set():
        count += 1
    worker.join()
    assert count > 1000


def test_published_hmac() -> None:
    assert hmac_sm3(v.HMAC_SM3_KEY, b"").hex() == v.HMAC_SM3_EMPTY


@pytest.mark.clause("GB/T 15852.2-2012 6.3")
@given(st.binary(max_size=200), st.binary(max_size=300))
def test_hmac_by_its_definition(key: bytes, data: bytes) -> None:
    short = (sm3(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner = sm3(bytes(byte ^ 0x36 for byte in short) + data)
    mac = hmac_sm3(key, memoryview(data))
    assert verify_hmac_sm3(key, data, mac)
    assert not verify_hmac_sm3(key, data + b"x", mac)
    assert not verify_hmac_sm3(key, data, mac[:-1])
    assert mac == sm3(bytes(byte ^ 0x5C for byte in short) + inner)


@pytest.mark.clause("RFC 8018 5.2")
@given(st.binary(max_size=40), st.binary(min_size=1, max_size=40), st.integers(1, 20), st.integers(1, 70))
def test_pbkdf2_by_its_definition(password: bytes, salt: bytes, iterations: int, length: int) -> None:
    blocks = b""
    for index in range(1, 4):
        u = hmac_sm3(password, salt + index.to_bytes(4, "big"))
        total = int.from_bytes(u, "big")
        for _ in range(iterations - 1):
            u = hmac_sm3(password, u)
            total ^= int.from_bytes(u, "big")
        blocks += total.to_bytes(32, "big")
    assert pbkdf2_hmac_sm3(password, salt, iterations, length) == blocks[:length]


def test_against_the_interpreters_library_where_it_has_sm3() -> None:
    need("sm3 in hashlib", "sm3" in hashlib.algorithms_available, "this interpreter was built without")
    assert hashlib.new("sm3", b"x" * 1000).digest() == sm3(b"x" * 1000)
    assert hmac.digest(b"key", b"data", "sm3") == hmac_sm3(b"key", b"data")
    assert hashlib.pbkdf2_hmac("sm3", b"p", b"salt", 1000, 40) == pbkdf2_hmac_sm3(b"p", b"salt", 1000, 40)


@pytest.mark.parametrize("iterations", [0, -1, MAX_PBKDF2_ITERATIONS + 1])
def test_iterations_have_a_limit(iterations: int) -> None:
    with pytest.raises(TrustError, match="PBKDF2_ITERATIONS"):
        pbkdf2_hmac_sm3(b"p", b"s", iterations, 16)
