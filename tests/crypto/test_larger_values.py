"""SM4-GCM of larger values: libgcrypt against cryptography, and what is done where it is missing, refuses or lies."""

from __future__ import annotations

import ctypes.util
import logging
import random
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto import providers
from crypto.providers import libgcrypt as module
from crypto.providers.libgcrypt import Libgcrypt
from crypto.providers.protocol import provider_missing
from crypto.providers.pyca import Pyca
from crypto.providers.self_test import check_bulk_provider
from crypto.sm2 import describe_providers
from crypto.sm4 import BULK_BYTES, sm4_gcm_open, sm4_gcm_seal
from standards.errors import TrustError
from tests.crypto import published_vectors as v
from tests.optional import need

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, NONCE, AAD = bytes(range(16)), bytes(range(12)), b"a place"
EDGES = (0, 1, 15, 16, 17, 255, 256, 257, 511, 4095, 4096, 4097, 65535, 65536, 65537, 300_001)


def libgcrypt() -> Libgcrypt:
    try:
        return Libgcrypt()
    except TrustError as error:
        need("libgcrypt", False, str(error.facts["reason"]))
        raise


@pytest.fixture(autouse=True)
def _choice_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_current", None)
    monkeypatch.setattr(providers, "_bulk", None)
    monkeypatch.delenv(providers.PROVIDER_VARIABLE, raising=False)
    monkeypatch.delenv(providers.PATH_VARIABLE, raising=False)


@pytest.mark.clause("RFC 8998 A.1", "GB/T 36624-2018 C.5")
@pytest.mark.parametrize("vector", v.SM4_GCM_VECTORS)
def test_published_gcm(vector: v.Gcm) -> None:
    key, nonce, aad, plaintext = (bytes.fromhex(part) for part in (vector.key, vector.nonce, vector.aad, vector.plaintext))
    sealed = bytes.fromhex(vector.ciphertext + vector.tag)
    assert libgcrypt().sm4_gcm_seal(key, nonce, plaintext, aad) == sealed
    assert libgcrypt().sm4_gcm_open(key, nonce, sealed, aad) == plaintext


@pytest.mark.parametrize("size", EDGES)
def test_two_libraries_give_the_same_and_open_each_other_s(size: int) -> None:
    one, other = libgcrypt(), Pyca()
    plaintext = random.Random(size).randbytes(size)
    sealed = one.sm4_gcm_seal(KEY, NONCE, plaintext, AAD)
    assert sealed == other.sm4_gcm_seal(KEY, NONCE, plaintext, AAD)
    assert one.sm4_gcm_open(KEY, NONCE, sealed, AAD) == other.sm4_gcm_open(KEY, NONCE, sealed, AAD) == plaintext
    assert one.sm4_gcm_open(KEY, NONCE, sealed, b"") is None


@given(st.integers(0, 20_000), st.binary(max_size=40), st.integers(0, 2**64))
def test_any_size_and_any_flipped_bit(size: int, aad: bytes, seed: int) -> None:
    one, chance = libgcrypt(), random.Random(seed)
    key, nonce, plaintext = chance.randbytes(16), chance.randbytes(12), chance.randbytes(size)
    sealed = one.sm4_gcm_seal(key, nonce, plaintext, aad)
    assert sealed == Pyca().sm4_gcm_seal(key, nonce, plaintext, aad)
    assert one.sm4_gcm_open(key, nonce, sealed, aad) == plaintext
    changed = bytearray(sealed)
    bit = chance.randrange(8 * len(sealed))
    changed[bit // 8] ^= 1 << bit % 8
    for arguments in (
        (key, nonce, bytes(changed), aad),
        (key, nonce, sealed, aad + b"x"),
        (key, chance.randbytes(12), sealed, aad),
        (chance.randbytes(16), nonce, sealed, aad),
    ):
        assert one.sm4_gcm_open(*arguments) is None


@pytest.mark.parametrize("size", [BULK_BYTES - 17, BULK_BYTES - 1, BULK_BYTES, 100_000])
def test_at_the_doorway_a_changed_value_is_refused_whoever_opens_it(size: int) -> None:
    plaintext = secrets.token_bytes(size)
    sealed = sm4_gcm_seal(KEY, NONCE, plaintext, AAD)
    assert sm4_gcm_open(KEY, NONCE, sealed, AAD) == plaintext
    for at in (0, size // 2, size, size + 15):
        changed = sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]
        with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
            sm4_gcm_open(KEY, NONCE, changed, AAD)
    with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
        sm4_gcm_open(KEY, NONCE, sealed[:-1], AAD)


def test_many_threads_at_once() -> None:
    one, other = libgcrypt(), Pyca()

    def work(seed: int) -> bool:
        chance = random.Random(seed)
        for _ in range(40):
            key, nonce, plaintext = chance.randbytes(16), chance.randbytes(12), chance.randbytes(chance.randrange(30_000))
            sealed = one.sm4_gcm_seal(key, nonce, plaintext, AAD)
            if other.sm4_gcm_open(key, nonce, sealed, AAD) != plaintext or one.sm4_gcm_open(key, nonce, sealed, AAD) != plaintext:
                return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))


def test_where_nobody_chose_larger_values_are_libgcrypt_s(caplog: pytest.LogCaptureFixture) -> None:
    version = libgcrypt().version
    with caplog.at_level(logging.INFO):
        assert providers.for_larger_values().name == "libgcrypt"
    assert version in caplog.text
    assert providers.for_larger_values() is providers.for_larger_values()
    assert describe_providers()["sm4_larger_values"] == f"libgcrypt: {version}"


def test_a_setting_takes_one_library_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(providers.PROVIDER_VARIABLE, "libcrypto")
    assert providers.for_larger_values().name == "cryptography"
    providers.configure("libcrypto")
    assert providers.for_larger_values().name == "cryptography"


def test_without_the_library_cryptography_does_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: "libno-such-thing.so")
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        Libgcrypt()
    assert providers.for_larger_values().name == "cryptography"
    plaintext = bytes(100_000)
    assert sm4_gcm_open(KEY, NONCE, sm4_gcm_seal(KEY, NONCE, plaintext)) == plaintext


class Changed:
    """The library, one function of which answers otherwise."""

    def __init__(self, inner: Any, function: str, answer: Any) -> None:
        self._inner, self._function, self._answer = inner, function, answer

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: self._answer) if name == self._function else getattr(self._inner, name)


@pytest.mark.parametrize(("function", "answer"), [("gcry_check_version", module._ffi.NULL), ("gcry_cipher_open", 12)])
def test_a_library_that_does_not_start_or_has_no_sm4_is_a_missing_one(function: str, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, where = libgcrypt()._lib, "planted"
    monkeypatch.setattr(module, "_open_library", lambda: (Changed(found, function, answer), where))
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        Libgcrypt()
    assert providers.for_larger_values().name == "cryptography"


def test_it_is_made_ready_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    found = libgcrypt()._lib
    assert found.gcry_control(module._IS_INITIALIZED) != 0

    def control(command: int, *_: object) -> int:
        asked.append(command)
        return 0

    class Fresh(Changed):
        def __getattr__(self, name: str) -> Any:
            return control if name == "gcry_control" else getattr(found, name)

    monkeypatch.setattr(module, "_open_library", lambda: (Fresh(found, "", None), "planted"))
    Libgcrypt()
    assert asked == [module._IS_INITIALIZED, module._DISABLE_SECMEM, module._INITIALIZATION_FINISHED]


@pytest.mark.parametrize(
    "function", ["gcry_cipher_setkey", "gcry_cipher_encrypt", "gcry_cipher_gettag", "gcry_cipher_decrypt", "gcry_cipher_checktag"]
)
def test_a_failure_of_the_library_is_told_and_opens_nothing(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = libgcrypt()
    sealed = one.sm4_gcm_seal(KEY, NONCE, bytes(5000), AAD)
    monkeypatch.setattr(one, "_lib", Changed(one._lib, function, 55))
    calls: list[Callable[[], object]] = [
        lambda: one.sm4_gcm_seal(KEY, NONCE, bytes(5000), AAD),
        lambda: one.sm4_gcm_open(KEY, NONCE, sealed, AAD),
    ]
    failed = 0
    for call in calls:
        try:
            call()
        except TrustError as error:
            assert (error.code, error.facts["operation"]) == ("CRYPTO_PROVIDER_FAILED", function.rpartition("_")[2])
            failed += 1
    assert failed == (2 if function == "gcry_cipher_setkey" else 1)


LIES: dict[str, tuple[str, Callable[[Any, tuple[Any, ...]], Any]]] = {
    "sm4-gcm-seal": ("sm4_gcm_seal", lambda _right, _given: bytes(80)),
    "sm4-gcm-open": ("sm4_gcm_open", lambda _right, _given: None),
    "sm4-gcm-refuse": ("sm4_gcm_open", lambda right, given: right or bytes(len(given[2]) - 16)),
    "sm4-gcm-seal-long": ("sm4_gcm_seal", lambda right, given: right if len(given[2]) < 1000 else right[:-1] + b"\0"),
    "sm4-gcm-open-long": ("sm4_gcm_open", lambda right, given: right if len(given[2]) < 1000 else None),
    "sm4-gcm-refuse-long": ("sm4_gcm_open", lambda right, given: right or (None if len(given[2]) < 1000 else bytes(4104))),
}


@pytest.mark.parametrize("check", LIES)
def test_a_library_that_gives_wrong_answers_is_not_passed_over(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, lie = LIES[check]

    class Liar(Libgcrypt):
        def sm4_gcm_seal(self, *given: Any) -> bytes:
            right = super().sm4_gcm_seal(*given)
            return bytes(lie(right, given)) if method == "sm4_gcm_seal" else right

        def sm4_gcm_open(self, *given: Any) -> bytes | None:
            right = super().sm4_gcm_open(*given)
            return lie(right, given) if method == "sm4_gcm_open" else right

    libgcrypt()
    with pytest.raises(TrustError, match="CRYPTO_SELF_TEST_FAILED") as refused:
        check_bulk_provider(Liar(), Pyca())
    assert refused.value.facts["check"] == check
    monkeypatch.setattr(module, "Libgcrypt", Liar)
    with pytest.raises(TrustError, match="CRYPTO_SELF_TEST_FAILED"):
        sm4_gcm_seal(KEY, NONCE, bytes(BULK_BYTES))


def test_another_trouble_than_missing_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise TrustError(provider_missing("x", "y").kind, "CRYPTO_PROVIDER_FAILED")

    monkeypatch.setattr(module, "Libgcrypt", broken)
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_FAILED"):
        providers.for_larger_values()
