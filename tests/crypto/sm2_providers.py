"""Every provider of SM2 as the tests see it, loaded and self-tested once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from crypto.providers import load_provider
from standards.errors import TrustError
from tests.optional import need

if TYPE_CHECKING:
    from crypto.providers.protocol import SM2Provider

NATIVE = ("libcrypto", "botan")  # sign, decrypt and make keys
ALL = (*NATIVE, "gmssl")  # verify


@cache
def _load(name: str) -> SM2Provider | str:
    try:
        return load_provider(name)
    except TrustError as error:
        if error.code != "CRYPTO_PROVIDER_MISSING":
            raise
        return str(error.facts["reason"])


def provider(name: str) -> SM2Provider:
    found = _load(name)
    need(name, not isinstance(found, str), str(found))
    assert not isinstance(found, str)
    return found
