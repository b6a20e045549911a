"""RFC 5280, 4.1.1.2 and 4.1.2.7: AlgorithmIdentifier and SubjectPublicKeyInfo.

Both are read once and kept with the bytes they were read from, so that whatever was signed over is never encoded again. The same few
algorithms and keys come back thousands of times, hence the small caches: they hold immutable values that depend on the bytes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards import x690_der as der
from standards.errors import MalformedError

if TYPE_CHECKING:
    from standards.x690_der import Node

MAX_SPKI_BYTES: Final = 8192  # an RSA key of 16,384 bits takes 2,082 bytes; post-quantum keys of FIPS 204 under 2,700
MAX_CACHED_ALGORITHM_BYTES: Final = 256  # RSASSA-PSS with all parameters takes under 80 bytes


@dataclass(frozen=True, slots=True)
class AlgorithmIdentifier:
    """An algorithm: dotted ``oid``, the whole DER element of its parameters (``None`` when absent), and ``raw`` as received."""

    oid: str
    parameters_der: bytes | None
    raw: bytes

    @property
    def has_no_parameters(self) -> bool:
        """Whether the parameters are absent or NULL, which readers treat alike (RFC 5754, 2; SM3 by practice)."""
        return self.parameters_der is None or self.parameters_der == b"\x05\x00"


@dataclass(frozen=True, slots=True)
class SubjectPublicKeyInfo:
    """A public key with its algorithm. ``key_bits`` is the content of the BIT STRING, ``raw`` the whole element as received."""

    algorithm: AlgorithmIdentifier
    key_bits: bytes
    raw: bytes


def read_algorithm(node: Node) -> AlgorithmIdentifier:
    """SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }; anything more is malformed (``ALGORITHM_MALFORMED``)."""
    raw = node.expect(der.SEQUENCE).raw
    return _read_algorithm_cached(raw) if len(raw) <= MAX_CACHED_ALGORITHM_BYTES else _read_algorithm(raw)


def _read_algorithm(raw: bytes) -> AlgorithmIdentifier:
    parts = der.read_der(raw).children(der.SEQUENCE)
    if not 1 <= len(parts) <= 2:
        raise MalformedError("ALGORITHM_MALFORMED", elements=len(parts))
    return AlgorithmIdentifier(parts[0].oid(), parts[1].raw if len(parts) == 2 else None, raw)


_read_algorithm_cached = lru_cache(maxsize=512)(_read_algorithm)


def write_algorithm(oid: str, parameters_der: bytes | None = None) -> bytes:
    """AlgorithmIdentifier in DER. ``parameters_der`` is one encoded element, or ``None`` to leave the field out."""
    return der.sequence(der.oid(oid), parameters_der or b"")


def algorithm(oid: str, parameters_der: bytes | None = None) -> AlgorithmIdentifier:
    """An :class:`AlgorithmIdentifier` from its parts, as if read from what :func:`write_algorithm` gives."""
    return AlgorithmIdentifier(oid, parameters_der or None, write_algorithm(oid, parameters_der))


def read_spki(spki_der: bytes) -> SubjectPublicKeyInfo:
    """SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING } that fills ``spki_der``.

    Raises ``SPKI_TOO_LARGE`` over :data:`MAX_SPKI_BYTES` and ``SPKI_MALFORMED`` or a DER code when it is something else.
    """
    if len(spki_der) > MAX_SPKI_BYTES:
        raise MalformedError("SPKI_TOO_LARGE", limit=MAX_SPKI_BYTES, found=len(spki_der))
    return _read_spki(spki_der)


@lru_cache(maxsize=512)
def _read_spki(spki_der: bytes) -> SubjectPublicKeyInfo:
    parts = der.read_der(spki_der).children(der.SEQUENCE)
    if len(parts) != 2:
        raise MalformedError("SPKI_MALFORMED", elements=len(parts))
    return SubjectPublicKeyInfo(read_algorithm(parts[0]), parts[1].bits(), spki_der)


def write_spki(algorithm_der: bytes, key_bits: bytes) -> bytes:
    """SubjectPublicKeyInfo in DER from an encoded algorithm and the content of the key's BIT STRING."""
    return der.sequence(algorithm_der, der.bit_string(key_bits))
