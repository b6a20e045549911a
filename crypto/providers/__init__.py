"""SM2, SM3 and SM4 from native libraries. The only doorways are crypto/sm2.py, crypto/sm3.py and crypto/sm4.py.

Which library does SM2 is chosen once per process, by :func:`configure` or at the first use: OpenSSL's libcrypto (or Tongsuo's, by its
path), else Botan, else the verify-only provider of last resort. A provider is used only after its known answers were right.

Where nobody has chosen, private keys are used with Botan if it is on this machine: it signs in a third of the time of OpenSSL 3, and what
it signed is then verified by another code base than made it.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from typing import Final

from crypto.providers.protocol import SM4GCM, SM2Provider, provider_missing
from crypto.providers.pyca import Pyca
from crypto.providers.self_test import check_bulk_provider, check_sm2_provider, check_symmetric_provider
from standards.errors import Kind, TrustError

DEFAULT_ORDER: Final = ("libcrypto", "botan", "gmssl")
PROVIDER_VARIABLE: Final = "YINXIN_SM2_PROVIDER"
PATH_VARIABLE: Final = "YINXIN_LIBCRYPTO_PATH"

_log: Final = logging.getLogger(__name__)
_lock: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Providers:
    """What this process uses: ``sm2`` for the curve, ``symmetric`` for SM3 and SM4. ``is_chosen``: by a setting, for all there is to do."""

    sm2: SM2Provider
    symmetric: Pyca
    is_chosen: bool = True


_current: Providers | None = None
_private: SM2Provider | None = None
_symmetric: Pyca | None = None
_bulk: SM4GCM | None = None


def load_provider(name: str, path: str | None = None) -> SM2Provider:
    """A fresh, self-tested SM2 provider by its name in settings: ``libcrypto``, ``botan`` or ``gmssl``.

    ``path`` is the library's file where it is not to be searched for. Raises ``CRYPTO_PROVIDER_UNKNOWN``, ``CRYPTO_PROVIDER_MISSING``
    or ``CRYPTO_SELF_TEST_FAILED``.
    """
    provider: SM2Provider
    if name == "libcrypto":
        from crypto.providers.libcrypto import Libcrypto

        provider = Libcrypto(path)
    elif name == "botan":
        from crypto.providers.botan import Botan

        provider = Botan(path)
    elif name == "gmssl":
        from crypto.providers.gmssl_verify import GmsslVerify

        provider = GmsslVerify()
    else:
        raise TrustError(Kind.UNACCEPTABLE, "CRYPTO_PROVIDER_UNKNOWN", provider=name, known=", ".join(DEFAULT_ORDER))
    check_sm2_provider(provider)
    return provider


def symmetric() -> Pyca:
    """The provider of SM3 and SM4, self-tested at its first use."""
    global _symmetric  # noqa: PLW0603 - one per process, made once
    found = _symmetric
    if found is None:
        found = Pyca()
        check_symmetric_provider(found)
        _symmetric = found
    return found


def for_larger_values() -> SM4GCM:
    """The provider of SM4-GCM for larger values: libgcrypt if it is here and nobody has chosen otherwise, else :func:`symmetric`.

    As with keys, a library that gives wrong answers is not passed over: ``CRYPTO_SELF_TEST_FAILED``.
    """
    global _bulk  # noqa: PLW0603 - one per process, chosen once
    found = _bulk
    if found is None:
        using = current()
        found = using.symmetric if using.is_chosen else _libgcrypt_here() or using.symmetric
        if found is not using.symmetric:
            _log.info("SM4-GCM of larger values by %s, %s", found.name, found.version)
        with _lock:
            if _current is using:  # who chose meanwhile has the say of what comes after
                _bulk = found
    return found


def _libgcrypt_here() -> SM4GCM | None:
    from crypto.providers.libgcrypt import Libgcrypt

    try:
        found = Libgcrypt()
    except TrustError as error:
        if error.code != "CRYPTO_PROVIDER_MISSING":
            raise
        return None
    check_bulk_provider(found, symmetric())
    return found


def configure(name: str = "libcrypto", path: str | None = None, *, is_chosen: bool = True) -> Providers:
    """Choose the SM2 provider of this process, at its start. Keys loaded before keep the provider they were loaded with."""
    global _current, _private, _bulk  # one per process, chosen once
    chosen = Providers(load_provider(name, path), symmetric(), is_chosen)
    with _lock:
        _current, _private, _bulk = chosen, None, None
    _log.info("SM2 by %s, %s; SM3 and SM4 by %s, %s", name, chosen.sm2.version, chosen.symmetric.name, chosen.symmetric.version)
    return chosen


def current() -> Providers:
    """The providers of this process.

    Without :func:`configure` the environment decides (``YINXIN_SM2_PROVIDER``, ``YINXIN_LIBCRYPTO_PATH``); a provider named there is
    the only one tried. Without either the first of :data:`DEFAULT_ORDER` that is on this machine is taken. A provider that is there
    but gives wrong answers is never passed over in silence: ``CRYPTO_SELF_TEST_FAILED`` ends the search.
    """
    return _current or _choose()


def for_private_keys() -> SM2Provider:
    """The provider that private keys are loaded with: the one that was chosen; where none was, Botan if it is here, else :func:`current`.

    As there, a library that gives wrong answers is not passed over: ``CRYPTO_SELF_TEST_FAILED``.
    """
    global _private  # noqa: PLW0603 - one per process, chosen once
    found = _private
    if found is None:
        using = current()
        found = using.sm2 if using.is_chosen else _botan_here() or using.sm2
        if found is not using.sm2:
            _log.info("private SM2 keys by %s, %s", found.name, found.version)
        with _lock:
            if _current is using:  # who chose meanwhile has the say of what comes after
                _private = found
    return found


def _botan_here() -> SM2Provider | None:
    from crypto.providers.botan import library_names

    for path in library_names():
        try:
            return load_provider("botan", path)
        except TrustError as error:
            if error.code != "CRYPTO_PROVIDER_MISSING":
                raise
    return None


def _choose() -> Providers:
    name, path = os.environ.get(PROVIDER_VARIABLE), os.environ.get(PATH_VARIABLE) or None
    if name or path:
        chosen = name or "libcrypto"
        return configure(chosen, path if chosen == "libcrypto" else None)
    reasons: list[str] = []
    for candidate in DEFAULT_ORDER:
        try:
            found = configure(candidate, is_chosen=False)
        except TrustError as error:
            if error.code != "CRYPTO_PROVIDER_MISSING":
                raise
            reasons.append(f"{candidate}: {error.facts['reason']}")
        else:
            if reasons:
                _log.warning("SM2 falls back to %s; missing: %s", candidate, "; ".join(reasons))
            return found
    raise provider_missing("sm2", "; ".join(reasons))
