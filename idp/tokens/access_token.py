"""Writing an access token: RFC 9068 (``at+jwt``), signed with ES256 (RFC 7518 3.4).

The text around the few members that change is prepared once per client, audience and scope, so that a token costs one signature and
little else.
"""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from idp.model.clients import TOKEN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_URLS: Final = bytes.maketrans(b"+/", b"-_")
_COORDINATE_BYTES: Final = 32  # P-256


def base64url(data: bytes) -> bytes:
    """Base64url without padding (RFC 7515 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_OF_URLS).rstrip(b"=")


@dataclass(frozen=True, slots=True)
class Grant:
    """What is put into a token. ``issued_at_seconds``: seconds since 1970 UTC (NumericDate); ``scope``: separated by single spaces.

    ``dpop_jkt``: the thumbprint of the key it is bound to (base64url, checked by who read it), ``certificate_digest``: SHA-256 of the TLS
    certificate it is bound to (base64url). None: anyone who has it may send it.
    """

    issuer: str
    client_id: str
    audience: str
    scope: str
    issued_at_seconds: int
    token_id: str
    dpop_jkt: str | None = None
    certificate_digest: str | None = None


@lru_cache(maxsize=64)
def _header(key_id: str) -> bytes:
    return base64url(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": key_id}, separators=(",", ":")).encode())


@lru_cache(maxsize=4096)
def _lasting_claims(issuer: str, client_id: str, audience: str, scope: str) -> str:
    # RFC 9068 2.2: sub is the client itself where no resource owner is involved
    claims = {"iss": issuer, "sub": client_id, "client_id": client_id, "aud": audience, "scope": scope}
    return json.dumps(claims, separators=(",", ":"))[:-1]


def signing_input(grant: Grant, key_id: str) -> bytes:
    """The bytes that are signed: header and claims, each in base64url, with a dot between (RFC 7515 5.1)."""
    lasting = _lasting_claims(grant.issuer, grant.client_id, grant.audience, grant.scope)
    issued = grant.issued_at_seconds
    members = (("jkt", grant.dpop_jkt), ("x5t#S256", grant.certificate_digest))  # RFC 9449 6.1, RFC 8705 3.1
    inner = ",".join(f'"{name}":"{value}"' for name, value in members if value is not None)
    bound = f',"cnf":{{{inner}}}' if inner else ""
    claims = f'{lasting},"iat":{issued},"exp":{issued + TOKEN_SECONDS},"jti":"{grant.token_id}"{bound}}}'
    return _header(key_id) + b"." + base64url(claims.encode())


def sign_access_token(grant: Grant, key_id: str, sign: Callable[[bytes], bytes]) -> bytes:
    """The token, compact. ``sign``: message -> DER ECDSA-Sig-Value on P-256 with SHA-256."""
    to_be_signed = signing_input(grant, key_id)
    r, s = decode_dss_signature(sign(to_be_signed))
    raw = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")  # RFC 7518 3.4: fixed width, not DER
    return to_be_signed + b"." + base64url(raw)


def token_answer(token: bytes, scope: str, *, is_bound: bool = False) -> bytes:
    """The body of a successful answer (RFC 6749 5.1). ``scope`` needs no escaping: its characters are checked at registration."""
    kind = b"DPoP" if is_bound else b"Bearer"
    return b'{"access_token":"%b","token_type":"%b","expires_in":%d,"scope":"%b"}' % (token, kind, TOKEN_SECONDS, scope.encode())
