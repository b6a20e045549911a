"""Choosing a provider: by call, by environment, by what is there; and refusing one that gives wrong answers."""

from __future__ import annotations

import ctypes.util
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from crypto import providers
from crypto.providers import botan as botan_module
from crypto.providers import gmssl_verify, libcrypto
from crypto.providers import pyca as pyca_module
from crypto.providers.protocol import Capability, decrypt_failed, provider_missing
from crypto.providers.pyca import Pyca
from crypto.providers.self_test import check_sm2_provider, check_symmetric_provider
from crypto.sm2 import SM2PrivateKey, SM2PublicKey, describe_providers
from standards.errors import Kind, TrustError
from tests.crypto import published_vectors as v
from tests.crypto.sm2_providers import ALL, provider
from tests.optional import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.providers.protocol import SM2Provider


@pytest.fixture(autouse=True)
def _choice_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_current", None)
    monkeypatch.setattr(providers, "_private", None)
    monkeypatch.setattr(providers, "_symmetric", None)
    monkeypatch.delenv(providers.PROVIDER_VARIABLE, raising=False)
    monkeypatch.delenv(providers.PATH_VARIABLE, raising=False)


class Broken:
    """A provider that lies in one place."""

    def __init__(self, inner: Any, method: str, lie: Callable[..., Any]) -> None:
        self._inner, self._method, self._lie = inner, method, lie

    def __getattr__(self, name: str) -> Any:
        return self._lie if name == self._method else getattr(self._inner, name)


def _never_fails(*_: object) -> bytes:
    return v.SM2_PLAINTEXT


def _wrong_error(*_: object) -> bytes:
    raise TrustError(Kind.UNAVAILABLE, "CRYPTO_PROVIDER_FAILED")


LIES: dict[str, tuple[str, Callable[..., Any]]] = {
    "verify-sample": ("verify", lambda *_: False),
    "refuse-other-digest": ("verify", lambda *_: True),
    "refuse-other-signature": ("verify", lambda _public, _signature, e: e == v.SM2_E),
    "public-point": ("point_of", lambda _: v.SM2_POINT[:-1] + b"\x00"),
    "private-number": ("scalar_of", lambda _: bytes(32)),
    "sign": ("sign", lambda *_: v.SM2_SIGNATURE[:-1] + b"\x00"),
    "fresh-nonce": ("sign", lambda *_: v.SM2_SIGNATURE),
    "decrypt-sample": ("decrypt", lambda *_: b"something else"),
    "refuse-other-c3": ("decrypt", _never_fails),
    "encrypt": ("encrypt", lambda *_: b"\x30\x00"),
}


@pytest.mark.parametrize("check", LIES)
def test_a_lying_provider_is_refused(check: str) -> None:
    inner = provider("libcrypto")
    check_sm2_provider(inner)
    with pytest.raises(TrustError) as caught:
        check_sm2_provider(Broken(inner, *LIES[check]))
    if check == "encrypt":
        assert caught.value.code == "SM2_DECRYPT_FAILED"
    else:
        assert (caught.value.code, caught.value.facts["check"]) == ("CRYPTO_SELF_TEST_FAILED", check)


def test_a_provider_that_ignores_c2_or_fails_otherwise_is_refused() -> None:
    inner = provider("libcrypto")

    def ignores_c2(private: object, ciphertext: bytes) -> bytes:
        if ciphertext[:-1] == v.SM2_CIPHERTEXT[:-1]:
            return v.SM2_PLAINTEXT
        return inner.decrypt(private, ciphertext)

    def other_error(_private: object, ciphertext: bytes) -> bytes:
        if ciphertext == v.SM2_CIPHERTEXT:
            return v.SM2_PLAINTEXT
        raise TrustError(Kind.UNAVAILABLE, "CRYPTO_PROVIDER_FAILED")

    for lie, check in ((ignores_c2, "refuse-other-c2"), (other_error, "refuse-other-c3")):
        with pytest.raises(TrustError) as caught:
            check_sm2_provider(Broken(inner, "decrypt", lie))
        assert caught.value.facts["check"] == check


def test_a_generator_whose_keys_do_not_sign_is_refused() -> None:
    inner = provider("libcrypto")
    points = iter([v.SM2_POINT, inner.point_of(inner.generate())])
    with pytest.raises(TrustError) as caught:
        check_sm2_provider(Broken(inner, "point_of", lambda _: next(points)))
    assert caught.value.facts["check"] == "generate"


class Restricted(Broken):
    """A provider with fewer capabilities."""

    def __init__(self, inner: Any, *capabilities: Capability) -> None:
        super().__init__(inner, "", lambda: None)
        self.capabilities = frozenset(capabilities)


def test_only_what_a_provider_can_do_is_asked_of_it() -> None:
    inner = provider("libcrypto")
    for capabilities in (
        (Capability.VERIFY, Capability.SIGN),
        (Capability.VERIFY, Capability.DECRYPT),
        (Capability.VERIFY, Capability.DECRYPT, Capability.ENCRYPT),
        (Capability.VERIFY,),
    ):
        restricted = Restricted(inner, *capabilities)
        check_sm2_provider(cast("SM2Provider", restricted))
        if Capability.SIGN in capabilities:
            with pytest.raises(TrustError, match="CRYPTO_CAPABILITY_MISSING"):
                SM2PublicKey(v.SM2_POINT, inner.load_public(v.SM2_POINT), cast("SM2Provider", restricted)).encrypt(b"x")
            with pytest.raises(TrustError, match="CRYPTO_CAPABILITY_MISSING"):
                SM2PrivateKey.generate(cast("SM2Provider", restricted))


SYMMETRIC_LIES: dict[str, tuple[str, Callable[..., Any]]] = {
    "hmac-sm3": ("hmac_sm3", lambda *_: bytes(32)),
    "sm4-encrypt": ("sm4_cbc", lambda *_args, **_kw: bytes(16)),
    "sm4-decrypt": ("sm4_cbc", lambda *_args, **_kw: v.SM4_BLOCK),
    "sm4-gcm-seal": ("sm4_gcm_seal", lambda *_: bytes(80)),
    "sm4-gcm-open": ("sm4_gcm_open", lambda *_: None),
    "sm4-gcm-refuse": ("sm4_gcm_open", lambda *_: bytes.fromhex(v.SM4_GCM_VECTORS[0].plaintext)),
}


@pytest.mark.parametrize("check", SYMMETRIC_LIES)
def test_lying_sm3_and_sm4_are_refused(check: str) -> None:
    with pytest.raises(TrustError) as caught:
        check_symmetric_provider(cast("Pyca", Broken(Pyca(), *SYMMETRIC_LIES[check])))
    assert (caught.value.code, caught.value.facts["check"]) == ("CRYPTO_SELF_TEST_FAILED", check)


def test_a_lying_sm3_stops_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lie:
        def update(self, data: bytes) -> None: ...

        def finalize(self) -> bytes:
            return bytes(32)

    monkeypatch.setattr(Pyca, "new_sm3", staticmethod(Lie))
    with pytest.raises(TrustError, match="CRYPTO_SELF_TEST_FAILED"):
        providers.symmetric()
    with pytest.raises(TrustError, match="CRYPTO_SELF_TEST_FAILED"):
        providers.configure()
    assert providers._current is None


def test_cryptography_without_sm4(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise UnsupportedAlgorithm("no SM4")

    monkeypatch.setattr(pyca_module, "Cipher", missing)
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        Pyca()


@pytest.mark.parametrize("name", ALL)
def test_configured_by_call_and_by_environment(name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    provider(name)
    with caplog.at_level(logging.INFO):
        providers.configure(name)
    assert providers.current().sm2.name == name
    assert providers.current().sm2.version in caplog.text
    monkeypatch.setattr(providers, "_current", None)
    monkeypatch.setenv(providers.PROVIDER_VARIABLE, name)
    monkeypatch.setenv(providers.PATH_VARIABLE, libcrypto.library_names()[0])  # for libcrypto alone
    assert providers.current().sm2.name == name
    described = describe_providers()
    assert described["sm2"] == f"{name}: {providers.current().sm2.version}"
    assert ("sign" in described["sm2_capabilities"]) == (name != "gmssl")
    assert described["sm2_private_keys"] == described["sm2"]
    assert "OpenSSL" in described["sm3_sm4"]


def test_the_default_is_libcrypto_and_stays() -> None:
    first = providers.current()
    assert first.sm2.name == "libcrypto"
    assert providers.current() is first


def test_a_path_in_the_environment_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(providers.PATH_VARIABLE, "/nonexistent/libcrypto.so")
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        providers.current()
    monkeypatch.setenv(providers.PATH_VARIABLE, libcrypto.library_names()[0])
    assert libcrypto.library_names()[0] in providers.current().sm2.version


def test_unknown_names() -> None:
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_UNKNOWN"):
        providers.configure("openssl1")


def _missing(*_: object) -> None:
    raise provider_missing("x", "planted")


def test_the_next_provider_when_one_is_missing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    provider("botan")
    monkeypatch.setattr(libcrypto, "Libcrypto", _missing)
    assert providers.current().sm2.name == "botan"
    assert "falls back to botan" in caplog.text
    monkeypatch.setattr(providers, "_current", None)
    monkeypatch.setattr(botan_module, "Botan", _missing)
    assert providers.current().sm2.name == "gmssl"
    monkeypatch.setattr(providers, "_current", None)
    monkeypatch.setattr(gmssl_verify, "GmsslVerify", _missing)
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING") as caught:
        providers.current()
    assert caught.value.facts["reason"] == "libcrypto: planted; botan: planted; gmssl: planted"


def test_a_provider_that_is_there_but_wrong_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = provider("libcrypto")
    monkeypatch.setattr(libcrypto, "Libcrypto", lambda _path: Broken(inner, "verify", lambda *_: True))
    with pytest.raises(TrustError, match="CRYPTO_SELF_TEST_FAILED"):
        providers.current()
    assert providers._current is None


@pytest.mark.parametrize("kind", ["libcrypto", "botan"])
def test_files_that_are_not_the_library(kind: str) -> None:
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        providers.load_provider(kind, "/nonexistent/library.so")
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        providers.load_provider(kind, "libc.so.6")


class FakeLibrary:
    """A libcrypto that is too old, or was built without SM2."""

    def __init__(self, number: int, inner: Any) -> None:
        self._number, self._inner = number, inner

    def OpenSSL_version_num(self) -> int:
        return self._number

    def EVP_PKEY_CTX_new_from_name(self, *_: object) -> object:
        return libcrypto._ffi.NULL

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize(("number", "reason"), [(0x1010117F, "older than"), (0x30000000, "without SM2")])
def test_libraries_that_will_not_do(monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    inner, where = libcrypto._open(None)
    monkeypatch.setattr(libcrypto, "_open", lambda _path: (FakeLibrary(number, inner), where))
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING") as caught:
        libcrypto.Libcrypto()
    assert reason in str(caught.value.facts["reason"])


def test_names_of_the_library_by_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert libcrypto.library_names() == ("libcrypto.3.dylib",)
    assert botan_module.library_names()[0] == "libbotan-3.dylib"
    monkeypatch.setattr(sys, "platform", "win32")
    assert libcrypto.library_names()[0] == "libcrypto-3-x64.dll"
    assert botan_module.library_names()[0] == "botan-3.dll"


def test_the_linkers_cache_is_asked_last(monkeypatch: pytest.MonkeyPatch) -> None:
    real = libcrypto.library_names()[0]
    monkeypatch.setattr(libcrypto, "library_names", lambda: ("libnothing-of-the-kind.so",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: real if name == "crypto" else None)
    assert libcrypto._open(None)[1] == real
    for answer in (None, "/nonexistent.so"):
        monkeypatch.setattr(ctypes.util, "find_library", lambda name, found=answer: found if name == "crypto" else None)
        with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
            libcrypto._open(None)


def test_without_gmssl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gmssl.sm2", None)
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_MISSING"):
        gmssl_verify.GmsslVerify()


def test_botan_fields_longer_than_the_curve_are_refused() -> None:
    chosen: Any = provider("botan")

    def getter(number: Any, _key: object, _name: bytes) -> int:
        return int(chosen._lib.botan_mp_from_bin(number, b"\x01" * 33, 33))

    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_FAILED"):
        chosen._field(getter, None, b"x")


FAILING: dict[str, tuple[str, Callable[[Any], object]]] = {
    "generate": ("EVP_PKEY_keygen_init", lambda p: p.generate()),
    "point_of": ("EVP_PKEY_get_octet_string_param", lambda p: p.point_of(p.load_private(v.SM2_SCALAR))),
    "scalar_of": ("EVP_PKEY_get_bn_param", lambda p: p.scalar_of(p.load_private(v.SM2_SCALAR))),
    "scalar_of ": ("BN_bn2binpad", lambda p: p.scalar_of(p.load_private(v.SM2_SCALAR))),
    "sign": ("EVP_PKEY_sign", lambda p: p.sign(p.load_private(v.SM2_SCALAR), v.SM2_E)),
    "verify": ("EVP_PKEY_verify_init", lambda p: p.verify(p.load_public(v.SM2_POINT), v.SM2_SIGNATURE, v.SM2_E)),
    "encrypt": ("EVP_PKEY_encrypt_init", lambda p: p.encrypt(p.load_public(v.SM2_POINT), b"x")),
    "decrypt": ("EVP_PKEY_decrypt_init", lambda p: p.decrypt(p.load_private(v.SM2_SCALAR), v.SM2_CIPHERTEXT)),
}


class OneCallFails:
    """The real library, but one function answers 0."""

    def __init__(self, inner: Any, name: str, after: int = 0) -> None:
        self._inner, self._name, self._left = inner, name, after

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            if self._left == 0:
                return lambda *_: 0
            self._left -= 1
        return getattr(self._inner, name)


@pytest.mark.parametrize("operation", FAILING)
def test_a_failing_call_is_one_error_and_leaves_nothing_behind(operation: str) -> None:
    chosen: Any = libcrypto.Libcrypto()
    function, run = FAILING[operation]
    chosen._lib = OneCallFails(chosen._lib, function)
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_FAILED") as caught:
        run(chosen)
    assert caught.value.facts["operation"] == operation.strip()


def test_encryption_that_fails_after_its_size_was_asked() -> None:
    chosen: Any = libcrypto.Libcrypto()
    chosen._lib = OneCallFails(chosen._lib, "EVP_PKEY_encrypt", after=1)
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_FAILED"):
        chosen.encrypt(chosen.load_public(v.SM2_POINT), b"x")


def test_an_endless_error_queue_does_not_hang() -> None:
    chosen: Any = libcrypto.Libcrypto()

    class Endless:
        def __getattr__(self, name: str) -> Any:
            return {"ERR_get_error": lambda: 1, "ERR_error_string_n": lambda *_: None}[name]

    chosen._lib = Endless()
    assert len(chosen._errors().split("; ")) == libcrypto._MAX_QUEUED_ERRORS


def test_one_error_for_every_ciphertext_that_does_not_open() -> None:
    assert decrypt_failed().facts == {}


def test_a_fresh_process_with_a_broken_provider_does_not_sign() -> None:
    """End to end: the library answers, but wrongly; the process ends with the refusal and without a signature."""
    program = (
        "from crypto.providers import libcrypto\n"
        "libcrypto.Libcrypto.verify = lambda *a: True\n"
        "from crypto.sm2 import SM2PrivateKey\n"
        "print('signed', SM2PrivateKey.generate().sign(b'm'))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINXIN_")}
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "CRYPTO_SELF_TEST_FAILED" in done.stderr
    assert "signed" not in done.stdout
