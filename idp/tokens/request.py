"""Reading a token request: the form, and the ways in which a client shows who it is (RFC 6749 2.3.1, 3.2, 4.4.2, RFC 7523 2.2).

Read by hand and not by a framework: this is the hottest route of the house, and the rules here are stricter than a general form
reader's (every repetition is refused, limits are small, nothing is guessed).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from idp.errors import client_auth_failed, request_malformed
from idp.tokens.client_assertion import ASSERTION_TYPE, claimed_client
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.tokens.client_certificate import ShownCertificate

FORM_BYTES_MAX: Final = 8 * 1024  # a request with 64 scopes and a resource stays below 4 KiB
FORM_PARAMETERS_MAX: Final = 32
AUTHORIZATION_BYTES_MAX: Final = 1024
_WITHOUT_LINE_ENDS: Final = {ord("\r"): None, ord("\n"): None}
FORM_TYPE: Final = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request as it was read. ``by_header``: the client used the Authorization header (RFC 6749 5.2 answers differently).

    ``client_secret`` is empty where none was sent. ``form``: every parameter, for the grants that have more. ``grant_type`` is empty at
    endpoints that have none. ``certificate``: what the client showed under TLS. ``taken``: ids of assertions that this very request has
    used up, so that deciding it again does not take its own assertion for a repeated one.
    ``proof``: the only ``DPoP`` header, None where there is none.
    """

    grant_type: str
    client_id: str
    client_secret: str
    scope: str | None
    resource: str | None
    by_header: bool
    form: Mapping[str, str] = field(default_factory=dict)
    proof: str | None = None
    certificate: ShownCertificate | None = None
    taken: set[str] = field(default_factory=set, compare=False)

    @property
    def assertion(self) -> str:
        """The JWT by which the client proves itself (RFC 7523 2.2); empty where it sent none."""
        return self.form.get("client_assertion", "")

    def __repr__(self) -> str:
        """Without the secret and the form, which may hold others."""
        return f"TokenRequest({self.grant_type!r}, client_id={self.client_id!r}, scope={self.scope!r})"


def read_form(body: bytes, limit: int = FORM_BYTES_MAX, *, lines: frozenset[str] = frozenset()) -> dict[str, str]:
    """Read an x-www-form-urlencoded body. Empty values count as absent (RFC 6749 3.2); a repeated name is refused.

    ``lines``: the names whose values may have several lines; control characters are refused everywhere else. Raises TrustError TOKEN_REQUEST_TOO_LARGE, TOKEN_REQUEST_MALFORMED or TOKEN_PARAMETER_REPEATED.
    """
    if len(body) > limit:
        raise TrustError(Kind.TOO_LARGE, "TOKEN_REQUEST_TOO_LARGE", limit_bytes=limit)
    form: dict[str, str] = {}
    if not body:
        return form
    pairs = body.split(b"&")
    if len(pairs) > FORM_PARAMETERS_MAX:
        raise request_malformed(limit_parameters=FORM_PARAMETERS_MAX)
    for pair in pairs:
        name_bytes, equals, value_bytes = pair.partition(b"=")
        name = _read_text(name_bytes)
        value = _read_text(value_bytes, of_lines=name in lines)
        if not equals or not name:
            raise request_malformed(found="a part that is not name=value")
        if name in form:
            raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_REPEATED", parameter=name[:32])
        form[name] = value
    return form


def _read_text(part: bytes, *, of_lines: bool = False) -> str:
    if b"+" in part:
        part = part.replace(b"+", b" ")
    if b"%" in part:
        part = unquote_to_bytes(part)
    try:
        text = part.decode()
    except UnicodeDecodeError:
        raise request_malformed(found="text that is not UTF-8") from None
    if not (text.translate(_WITHOUT_LINE_ENDS) if of_lines else text).isprintable():
        raise request_malformed(found="a control character")
    return text


def read_basic(header: bytes) -> tuple[str, str]:
    """Read an Authorization header of the Basic scheme into client id and secret, each form-decoded (RFC 6749 2.3.1).

    A header that cannot be read is failed authentication, not a malformed request: the answer is then the same for all.
    """
    scheme, _, credentials = header.partition(b" ")
    if scheme.lower() != b"basic" or len(header) > AUTHORIZATION_BYTES_MAX:
        raise client_auth_failed()
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise client_auth_failed() from None
    client_id, colon, secret = decoded.partition(b":")
    if not colon:
        raise client_auth_failed()
    try:
        return _read_text(client_id), _read_text(secret)
    except TrustError:
        raise client_auth_failed() from None


def read_token_request(
    content_type: bytes,
    authorization: bytes | None,
    body: bytes,
    proof: bytes | None = None,
    *,
    has_grant: bool = True,
    limit: int = FORM_BYTES_MAX,
) -> TokenRequest:
    """Read a whole token request. ``authorization``: the value of the only Authorization header, None where there is none.

    ``has_grant`` False: at another endpoint where clients prove themselves (introspection, revocation, pushed requests).
    Raises TrustError with a code of ``idp.errors.OAUTH_ERRORS``. Which client it is has not been proven yet.
    """
    media_type, _, parameters = content_type.partition(b";")
    if media_type.strip().lower() != FORM_TYPE or parameters.strip().lower() not in {b"", b"charset=utf-8"}:
        raise request_malformed(expected=FORM_TYPE.decode())
    form = read_form(body, limit)
    # 1. One way to authenticate, never two (RFC 6749 2.3)
    posted_id, posted_secret = form.get("client_id") or None, form.get("client_secret") or None
    if "client_assertion" in form or "client_assertion_type" in form:
        if authorization is not None or posted_secret is not None:
            raise TrustError(Kind.MALFORMED, "CLIENT_METHODS_BOTH")
        client_id, secret = claimed_client(form.get("client_assertion", "")), ""
        if form.get("client_assertion_type") != ASSERTION_TYPE or not client_id or posted_id not in {None, client_id}:
            raise client_auth_failed()
    elif authorization is not None:
        if posted_secret is not None:
            raise TrustError(Kind.MALFORMED, "CLIENT_METHODS_BOTH")
        client_id, secret = read_basic(authorization)
        if posted_id is not None and posted_id != client_id:
            raise TrustError(Kind.MALFORMED, "CLIENT_METHODS_BOTH")
    elif posted_id is None:
        raise client_auth_failed()
    else:
        client_id, secret = posted_id, posted_secret or ""
    # 2. The rest of the form; parameters nobody knows are ignored (RFC 6749 3.2)
    if has_grant and not form.get("grant_type"):
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="grant_type")
    return TokenRequest(
        grant_type=form.get("grant_type", ""),
        client_id=client_id,
        client_secret=secret,
        scope=form.get("scope") or None,
        resource=form.get("resource") or None,
        by_header=authorization is not None,
        form=form,
        proof=None if proof is None else proof.decode("latin-1"),
    )
