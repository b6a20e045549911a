"""Reading the JWT by which a client proves who it is (RFC 7523 3, OIDC Core 9, FAPI 2.0 5.3.3). Pure: that it comes once only is for the
caller to see to, because it needs the database.

Nothing of the token chooses how it is checked: the client's registration says by which keys or by its secret, and a key carries its
algorithm. The header may name a key, never bring one or point to one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import HEADER_MEMBERS, NUMERIC_DATE_LIMIT, SAME_ALGORITHM, invalid, read_signed
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from crypto.jose import VerificationKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_CHARACTERS_MAX: Final = 4096
ASSERTION_SECONDS_MAX: Final = 900  # how far its end may lie ahead; its id must be remembered until then
AHEAD_SECONDS: Final = 30  # by how much a client's clock may be ahead (FAPI 2.0 5.3.2.1: ten seconds at least, sixty at most)
BEHIND_SECONDS: Final = 10
ID_CHARACTERS_MAX: Final = 256
AUDIENCES_MAX: Final = 8
SECRET_ALGORITHM: Final = "HS256"  # noqa: S105 - the name of an algorithm
_TYPES: Final = frozenset({None, "", "jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class ReadAssertion:
    """An assertion as it came, nothing of it checked. ``signed``: the bytes under the signature."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    def __repr__(self) -> str:
        """Without its content."""
        return "ReadAssertion()"

    @property
    def client_id(self) -> str:
        """Whom it says it is of; empty where it says nothing readable. A claim, to look up the keys by, and no more."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) else ""


@dataclass(frozen=True, slots=True)
class AssertionUse:
    """What must come once only: the id, until the assertion expires (aware UTC)."""

    assertion_id: str
    until_at: datetime


def read_assertion(assertion: str) -> ReadAssertion:
    """Read form and header. JWS_INVALID, naming the rule that is broken."""
    signed = read_signed(assertion, ASSERTION_CHARACTERS_MAX)
    header, claims = signed.header, signed.claims()
    if not set(header) <= HEADER_MEMBERS or not all(isinstance(value, str) for value in header.values()):
        raise invalid("header member")
    if signed.kind() not in _TYPES:
        raise invalid("typ")
    return ReadAssertion(header, claims, signed.message(), signed.signature())


def check_by_keys(assertion: ReadAssertion, keys: Mapping[str, VerificationKey], *, algorithms: Collection[str]) -> None:
    """Whether one of the client's keys made it (``private_key_jwt``). ``keys``: of this client. JWS_INVALID.

    Without a ``kid`` in the header the one key that fits the algorithm is meant; of several, none.
    """
    named = assertion.header.get("alg", "")
    algorithm = SAME_ALGORITHM.get(named, named)
    if algorithm not in algorithms:
        raise invalid("alg")
    named_keys = [each for each in keys.values() if each.key_id == assertion.header.get("kid", each.key_id)]
    fitting = [each for each in named_keys if each.algorithm == algorithm]
    if "kid" in assertion.header and named_keys and not fitting:
        raise invalid("alg")
    if len(fitting) != 1:
        raise invalid("key")
    if not fitting[0].verifies(assertion.signature, assertion.signed):
        raise invalid("signature")


def check_by_secret(assertion: ReadAssertion, secrets: Collection[str]) -> None:
    """Whether one of the client's secrets made it (``client_secret_jwt``, HMAC with SHA-256), in constant time. JWS_INVALID."""
    if assertion.header.get("alg") != SECRET_ALGORITHM:
        raise invalid("alg")
    found = [hmac.compare_digest(hmac.digest(secret.encode(), assertion.signed, hashlib.sha256), assertion.signature) for secret in secrets]
    if not any(found):
        raise invalid("signature")


def check_assertion_claims(assertion: ReadAssertion, client_id: str, audiences: Collection[str], at: datetime) -> AssertionUse:
    """Whether it was made by this client, for us, for now. ``audiences``: by what names it may call us. JWS_INVALID.

    Where only one name is allowed (FAPI 2.0 5.3.2.1) it must stand alone, not in a list, so that nobody else can be meant too.
    """
    claims, now = assertion.claims, at.timestamp()
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise invalid("iss")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not 0 < len(named) <= AUDIENCES_MAX or not any(isinstance(each, str) and each in audiences for each in named):
        raise invalid("aud")
    if len(audiences) == 1 and not isinstance(audience, str):
        raise invalid("aud")
    times = {name: claims.get(name) for name in ("exp", "nbf", "iat") if name in claims or name == "exp"}
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= NUMERIC_DATE_LIMIT:
            raise invalid(name)
        if name != "exp" and value > now + AHEAD_SECONDS:
            raise invalid(name)
    ends = float(claims["exp"])
    if ends + BEHIND_SECONDS <= now or ends > now + ASSERTION_SECONDS_MAX:
        raise invalid("exp")
    assertion_id = claims.get("jti")
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= ID_CHARACTERS_MAX:
        raise invalid("jti")
    return AssertionUse(assertion_id, datetime.fromtimestamp(ends, UTC) + timedelta(seconds=BEHIND_SECONDS))


def claimed_client(assertion: str) -> str:
    """Whom an assertion says it is of, for looking up his keys; empty for one that cannot be read."""
    try:
        return read_assertion(assertion).client_id
    except TrustError:
        return ""
