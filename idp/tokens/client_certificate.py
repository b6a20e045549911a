"""The certificate of a client that came over mutual TLS (RFC 8705), as a proxy in front of us shows it. Pure.

TLS ends at the proxy, which passes the certificate on in a header. Anybody could send such a header, so it counts only where the operator
has named it and the addresses of his proxies, and only on connections from these. The proxy must drop the header from what it receives.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from crypto.certificates import Certificate
from crypto.jose import thumbprint, verification_key, write_base64url
from idp.errors import client_auth_failed
from standards.errors import Kind, TrustError
from standards.rfc7468_pem import read_pem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crypto.jose import VerificationKey

HEADER_BYTES_MAX: Final = 16 * 1024  # an RSA-8192 certificate with every byte escaped
VERIFIED_WORDS: Final = frozenset({b"SUCCESS", b"0"})  # $ssl_client_verify of nginx, ssl_c_verify of HAProxy
_Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class CertificateDoor:
    """How a proxy shows certificates. ``header``, ``verified_header``: names in lower case, empty: none. ``peers``: the proxies."""

    header: bytes = b""
    verified_header: bytes = b""
    peers: _Networks = ()


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """The certificate a client proved to hold the key of. ``is_verified``: the proxy found it to be of an authority that it trusts."""

    certificate: Certificate
    is_verified: bool

    @property
    def digest(self) -> str:
        """SHA-256 of the certificate's DER, base64url: ``x5t#S256`` (RFC 8705 3.1)."""
        return write_base64url(hashlib.sha256(self.certificate.der).digest())


def read_door(header: str, verified_header: str, peers: Iterable[str]) -> CertificateDoor:
    """From the settings; ``SETTING_INVALID`` for a peer that is no network, and for a header without peers."""
    try:
        networks = tuple(ipaddress.ip_network(each) for each in peers)
    except ValueError:
        raise TrustError(
            Kind.UNACCEPTABLE, "SETTING_INVALID", name="client_certificates.peers", expected="networks such as 10.0.0.7/32"
        ) from None
    if header and not networks:
        raise TrustError(Kind.UNACCEPTABLE, "SETTING_INVALID", name="client_certificates.peers", expected="the addresses of the proxies")
    return CertificateDoor(header.lower().encode(), verified_header.lower().encode(), networks)


def shown_certificate(door: CertificateDoor, headers: Iterable[tuple[bytes, bytes]], peer: str) -> ShownCertificate | None:
    """The certificate shown on this connection; None where none is, or nobody may show one. CLIENT_AUTH_FAILED where it cannot be read.

    ``headers``: names in lower case. ``peer``: the address at the other end of the connection, not one that a header tells.
    """
    if not door.header:
        return None
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return None
    if not any(address.version == network.version and address in network for network in door.peers):
        return None
    values, words = [], []
    for name, value in headers:
        if name == door.header:
            values.append(value)
        elif door.verified_header and name == door.verified_header:
            words.append(value.strip())
    if not values or not values[0].strip():
        return None
    if len(values) > 1 or len(values[0]) > HEADER_BYTES_MAX:
        raise client_auth_failed()
    return ShownCertificate(_read(values[0].strip()), len(words) == 1 and words[0] in VERIFIED_WORDS)


def _read(value: bytes) -> Certificate:
    """``:base64:`` of RFC 9440, an escaped PEM as nginx writes it, or bare base64 of the DER as HAProxy does."""
    try:
        if value.startswith((b"-----BEGIN", b"%2D")):
            blocks = read_pem(unquote_to_bytes(value) if b"%" in value else value)
            return Certificate.from_der(next(der for label, der in blocks if label == "CERTIFICATE"))
        inner = value[1:-1] if value.startswith(b":") and value.endswith(b":") else value
        return Certificate.from_der(base64.b64decode(inner, validate=True))
    except (TrustError, StopIteration, binascii.Error, ValueError):
        raise client_auth_failed() from None


def is_subject(shown: ShownCertificate, subject_dn: str) -> bool:
    """Whether a verified certificate is of the subject that a client registered (``tls_client_auth``): RFC 4514, letter for letter."""
    return shown.is_verified and hmac.compare_digest(shown.certificate.subject_text.encode(), subject_dn.encode())


def is_of_keys(shown: ShownCertificate, keys: Mapping[str, VerificationKey]) -> bool:
    """Whether the certificate's key is one that the client registered (``self_signed_tls_client_auth``), whoever issued it."""
    try:
        shown_key = thumbprint(verification_key(shown.certificate.spki_der, "-"))
    except TrustError:
        return False
    return any(thumbprint(key) == shown_key for key in keys.values())
