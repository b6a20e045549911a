"""RSA keys of deployments are drawn from a few in processes of tests: to find the primes of one takes the processor a third of a second, and
every deployment that is made has a key of its own.

Those of one deployment differ, as do those of any that are made one after the other.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import TYPE_CHECKING
from unittest.mock import patch

from crypto import keystore
from crypto.signatures import SignatureAlgorithm

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

FEW = 12
_FIND = keystore._GENERATORS[SignatureAlgorithm.RSA_SHA256]
_turns = count()


@cache
def _key(_number: int) -> RSAPrivateKey:
    return _FIND()  # type: ignore[return-value]


def _next() -> RSAPrivateKey:
    return _key(next(_turns) % FEW)


def draw_from_few() -> None:
    """From now on, in this process."""
    patch.dict(keystore._GENERATORS, dict.fromkeys((SignatureAlgorithm.RSA_SHA256, SignatureAlgorithm.RSA_PSS_SHA256), _next)).start()
