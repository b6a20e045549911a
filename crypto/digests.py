"""Digests by object identifier: SM3 from our provider, the others from the interpreter's own library."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol, Self

from crypto.sm3 import Sm3, sm3
from standards import gbt33560_oids as oids
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_HASHLIB: Final = {
    oids.MD5: hashlib.md5,
    oids.SHA1: hashlib.sha1,
    oids.SHA224: hashlib.sha224,
    oids.SHA256: hashlib.sha256,
    oids.SHA384: hashlib.sha384,
    oids.SHA512: hashlib.sha512,
    oids.SHA3_256: hashlib.sha3_256,
    oids.SHA3_384: hashlib.sha3_384,
    oids.SHA3_512: hashlib.sha3_512,
}
WEAK_DIGESTS: Final = frozenset({oids.MD5, oids.SHA1})  # collisions are published; both are high-risk findings under GB/T 39786


class Digest(Protocol):
    """A running digest."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in more bytes, from a memoryview without a copy."""
        ...

    def digest(self) -> bytes:
        """The digest so far; it may go on."""
        ...

    def copy(self) -> Self:
        """An independent continuation from here."""
        ...


def is_known(oid: str) -> bool:
    """Whether :func:`digest` can compute it."""
    return oid == oids.SM3 or oid in _OF_HASHLIB


def is_weak(oid: str) -> bool:
    """Whether collisions can be made: what was signed over such a digest proves nothing about its author's document."""
    return oid in WEAK_DIGESTS


def new_digest(oid: str) -> Digest:
    """A running digest; ``DIGEST_UNKNOWN`` when it is none of ours."""
    if oid == oids.SM3:
        return Sm3()
    return _of_hashlib(oid)(usedforsecurity=False)


def digest(oid: str, data: bytes | bytearray | memoryview) -> bytes:
    """The digest of ``data``; ``DIGEST_UNKNOWN`` when it is none of ours."""
    if oid == oids.SM3:
        return sm3(data)
    return _of_hashlib(oid)(data, usedforsecurity=False).digest()


def _of_hashlib(oid: str) -> Callable[..., hashlib._Hash]:
    begin = _OF_HASHLIB.get(oid)
    if begin is None:
        raise TrustError(Kind.UNACCEPTABLE, "DIGEST_UNKNOWN", oid=oid)
    return begin
