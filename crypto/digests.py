"""Digests by object identifier: SM3 from our provider, the others from the interpreter's own library."""

from __future__ import annotations

import hashlib
from typing import Final, Protocol, Self

from crypto.sm3 import Sm3, sm3
from standards import gbt33560_oids as oids
from standards.errors import Kind, TrustError

_HASHLIB_NAMES: Final = {
    oids.MD5: "md5",
    oids.SHA1: "sha1",
    oids.SHA224: "sha224",
    oids.SHA256: "sha256",
    oids.SHA384: "sha384",
    oids.SHA512: "sha512",
    oids.SHA3_256: "sha3_256",
    oids.SHA3_384: "sha3_384",
    oids.SHA3_512: "sha3_512",
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
    return oid == oids.SM3 or oid in _HASHLIB_NAMES


def is_weak(oid: str) -> bool:
    """Whether collisions can be made: what was signed over such a digest proves nothing about its author's document."""
    return oid in WEAK_DIGESTS


def new_digest(oid: str) -> Digest:
    """A running digest; ``DIGEST_UNKNOWN`` when it is none of ours."""
    if oid == oids.SM3:
        return Sm3()
    return hashlib.new(_name(oid), usedforsecurity=False)


def digest(oid: str, data: bytes | bytearray | memoryview) -> bytes:
    """The digest of ``data``; ``DIGEST_UNKNOWN`` when it is none of ours."""
    if oid == oids.SM3:
        return sm3(data)
    return hashlib.new(_name(oid), data, usedforsecurity=False).digest()


def _name(oid: str) -> str:
    name = _HASHLIB_NAMES.get(oid)
    if name is None:
        raise TrustError(Kind.UNACCEPTABLE, "DIGEST_UNKNOWN", oid=oid)
    return name
