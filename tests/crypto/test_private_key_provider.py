"""What private SM2 keys are used with where nobody has chosen a provider, and where Botan is looked for."""

from __future__ import annotations

import ctypes.util
import logging
from typing import TYPE_CHECKING

import pytest

from crypto import providers
from crypto.providers import botan as botan_module
from crypto.providers.protocol import provider_missing
from crypto.sm2 import SM2PrivateKey, SM2PublicKey, describe_providers
from standards.errors import TrustError
from tests.crypto import published_vectors as v
from tests.crypto.sm2_providers import provider

if TYPE_CHECKING:
    from crypto.providers.protocol import SM2Provider


@pytest.fixture(autouse=True)
def _choice_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_current", None)
    monkeypatch.setattr(providers, "_private", None)
    monkeypatch.delenv(providers.PROVIDER_VARIABLE, raising=False)
    monkeypatch.delenv(providers.PATH_VARIABLE, raising=False)


class LyingSigner:
    """A provider whose signatures are always the same one."""

    def __init__(self, inner: SM2Provider) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def sign(self, *_: object) -> bytes:
        return v.SM2_SIGNATURE


def _missing(*_: object) -> None:
    raise provider_missing("x", "planted")


def test_where_nobody_chose_botan_has_the_private_keys_and_another_verifies(caplog: pytest.LogCaptureFixture) -> None:
    provider("botan")
    with caplog.at_level(logging.INFO):
        keys = [SM2PrivateKey.generate(), SM2PrivateKey.from_scalar(v.SM2_SCALAR, v.SM2_POINT)]
    assert providers.for_private_keys().name == "botan"
    assert providers.for_private_keys().version in caplog.text
    assert describe_providers()["sm2_private_keys"].startswith("botan: ")
    for key in keys:
        assert key._provider.name == "botan"
        assert key.public_key._provider.name == "libcrypto"
        assert key.public_key.verify(key.sign(b"m"), b"m")
        assert key.decrypt(key.public_key.encrypt(b"m")) == b"m"
        again = SM2PrivateKey.from_pkcs8(key.to_pkcs8())
        assert again.public_key == key.public_key


def test_without_botan_one_library_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botan_module, "Botan", _missing)
    assert providers.for_private_keys() is providers.current().sm2
    key = SM2PrivateKey.generate()
    assert key._provider is key.public_key._provider


@pytest.mark.parametrize("name", ["libcrypto", "botan"])
def test_what_was_chosen_has_the_private_keys_too(name: str) -> None:
    provider(name)
    providers.for_private_keys()
    providers.configure(name)
    key = SM2PrivateKey.generate()
    assert (key._provider.name, key.public_key._provider.name) == (name, name)


def test_attack_who_looks_for_botan_while_another_chooses_overrules_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    provider("botan")
    look = providers._botan_here

    def slow() -> SM2Provider | None:
        found = look()
        providers.configure("libcrypto")
        return found

    monkeypatch.setattr(providers, "_botan_here", slow)
    assert providers.for_private_keys().name == "botan"  # loaded before the choice, as keys are
    assert providers.for_private_keys().name == "libcrypto"


def test_a_botan_that_is_there_but_wrong_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = provider("botan")
    monkeypatch.setattr(botan_module, "Botan", lambda _path: LyingSigner(inner))
    with pytest.raises(TrustError, match="CRYPTO_SELF_TEST_FAILED"):
        SM2PrivateKey.generate()
    assert SM2PublicKey.from_point(v.SM2_POINT).verify(v.SM2_SIGNATURE, v.SM2_MESSAGE)


def test_the_linkers_cache_is_asked_last_for_botan_too(monkeypatch: pytest.MonkeyPatch) -> None:
    provider("botan")
    real = botan_module._open(None)[1]
    monkeypatch.setattr(botan_module, "library_names", lambda: ("libnothing-of-the-kind.so",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: real if name == "botan-2" else None)
    assert botan_module._open(None)[1] == real
    for answer in (None, "/nonexistent.so"):
        monkeypatch.setattr(ctypes.util, "find_library", lambda _name, found=answer: found)
        with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
            botan_module._open(None)
