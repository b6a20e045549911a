"""Libraries by their names: the newest there is, and no compiler or linker asked as long as the loader knows one."""

from __future__ import annotations

import ctypes.util

import pytest
from cffi import FFI

from crypto.providers import botan, libcrypto
from crypto.providers.native_library import find_library, open_library
from standards.errors import TrustError

ABSENT = "libyinxin-absent.so.1"
PRESENT = libcrypto.library_names()[0]


@pytest.fixture
def ffi() -> FFI:
    made = FFI()
    made.cdef("unsigned long OpenSSL_version_num(void);")
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the linker was asked for; it knows nothing but ``crypto``."""
    names: list[str] = []

    def answer(name: str) -> str | None:
        names.append(name)
        return PRESENT if name == "crypto" else None

    monkeypatch.setattr(ctypes.util, "find_library", answer)
    return names


def test_a_name_that_the_loader_knows_asks_nobody_else(ffi: FFI, asked: list[str]) -> None:
    found = find_library(ffi, (ABSENT, PRESENT), ("never",))
    assert found is not None
    assert found[1] == PRESENT
    assert found[0].OpenSSL_version_num() >= 0x30000000
    assert asked == []


def test_the_linker_is_asked_once_for_each_of_its_names_where_the_loader_knows_none(ffi: FFI, asked: list[str]) -> None:
    found = find_library(ffi, (ABSENT,), ("other", "crypto"))
    assert found is not None
    assert found[1] == PRESENT
    assert asked == ["other", "crypto"]
    assert find_library(ffi, (ABSENT,), ("other",)) is None


def test_a_file_that_is_none_is_told_by_the_loader(ffi: FFI, asked: list[str]) -> None:
    with pytest.raises(OSError, match=ABSENT):
        open_library(ffi, ABSENT)
    assert asked == []


def test_no_path_of_a_provider_that_is_missing_asks_the_linker(asked: list[str]) -> None:
    for load in (botan.Botan, libcrypto.Libcrypto):
        with pytest.raises(TrustError) as caught:
            load(ABSENT)
        assert caught.value.code == "CRYPTO_PROVIDER_MISSING"
        assert ABSENT in str(caught.value.facts["reason"])
    assert asked == []
