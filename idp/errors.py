"""What can go wrong here, and what RFC 6749 calls it.

Every refusal is a ``TrustError`` with a stable code. The token endpoint must answer in the form of RFC 6749 5.2, whose few words are
chosen here by code; everywhere else the house's problem document is used.
"""

from __future__ import annotations

import re
from typing import Any, Final

from service_kit import dpop_nonces
from service_kit.dpop import ALGORITHMS
from standards.errors import Kind, TrustError

OAUTH_ERRORS: Final = {
    "TOKEN_REQUEST_MALFORMED": ("invalid_request", "the request is not a well-formed form"),
    "TOKEN_REQUEST_TOO_LARGE": ("invalid_request", "the request is too large"),
    "TOKEN_PARAMETER_REPEATED": ("invalid_request", "a parameter is given more than once"),
    "TOKEN_PARAMETER_MISSING": ("invalid_request", "a parameter is missing"),
    "CLIENT_METHODS_BOTH": ("invalid_request", "the client authenticates in more than one way"),
    "CLIENT_AUTH_FAILED": ("invalid_client", "client authentication failed"),
    "GRANT_UNSUPPORTED": ("unsupported_grant_type", "the grant type is not supported"),
    "GRANT_NOT_ALLOWED": ("unauthorized_client", "the client is not registered for this grant type"),
    "SCOPE_NOT_GRANTED": ("invalid_scope", "a requested scope is unknown or not granted to this client"),
    "RESOURCE_NOT_GRANTED": ("invalid_target", "the requested resource is unknown or not granted to this client"),
    "CODE_INVALID": ("invalid_grant", "the code is not good for this client and request"),
    "CODE_REUSED": ("invalid_grant", "the code has been used before"),
    "REFRESH_INVALID": ("invalid_grant", "the refresh token is not good for this client"),
    "REFRESH_REUSED": ("invalid_grant", "the refresh token has been used before"),
    "REQUEST_OBJECT_INVALID": ("invalid_request_object", "the request object is not good for this client and provider"),
    "DEVICE_PENDING": ("authorization_pending", "nobody has signed in yet"),
    "DEVICE_TOO_SOON": ("slow_down", "ask less often"),
    "DEVICE_REFUSED": ("access_denied", "the person refused"),
    "DEVICE_EXPIRED": ("expired_token", "the device code has expired"),
    "DEVICE_CODE_INVALID": ("invalid_grant", "the device code is not good for this client"),
    "EXCHANGE_REFUSED": ("invalid_request", "the token is not one this client may exchange so"),
    "TICKET_INVALID": ("invalid_grant", "the trust ticket is not good for this client"),
    "TICKET_REUSED": ("invalid_grant", "the trust ticket has been used before"),
    "DPOP_PROOF_INVALID": ("invalid_dpop_proof", "the DPoP proof is missing or not good for this request"),
    "DPOP_PROOF_MISSING": ("invalid_request", "this client proves with DPoP that it holds the key of its tokens"),
    "DPOP_NONCE_NEEDED": ("use_dpop_nonce", "the DPoP proof must carry the nonce of the header DPoP-Nonce"),
    "GRANT_ENDED": ("invalid_grant", "what the person granted has ended"),
    "JWS_ALGORITHM_UNSUPPORTED": ("invalid_request", "the client registered a signature algorithm that is not available"),
    "CERTIFICATE_MISSING": ("invalid_request", "this client shows its certificate under TLS"),
    "TOKEN_OF_ANOTHER": ("unauthorized_client", "the token was issued to another client"),
    "RATE_EXCEEDED": ("temporarily_unavailable", "too many requests, try later"),
}
"""Code -> (error of RFC 6749 5.2 or RFC 8707 2, description in the characters RFC 6749 allows)."""

OAUTH_OTHER: Final = ("temporarily_unavailable", "the service cannot issue tokens now, try later")

OAUTH_TELLING: Final = frozenset(
    {
        "TOKEN_REQUEST_MALFORMED",
        "TOKEN_REQUEST_TOO_LARGE",
        "TOKEN_PARAMETER_REPEATED",
        "TOKEN_PARAMETER_MISSING",
        "REQUEST_OBJECT_INVALID",
        "EXCHANGE_REFUSED",
        "DPOP_PROOF_INVALID",
        "JWS_ALGORITHM_UNSUPPORTED",
    }
)
"""Of which the developer is told the rule that was broken. Of the others nobody is told more than that: which of several it was might help to guess."""
_DESCRIPTION: Final = re.compile(r"[^ !#-\[\]-~]")  # what may not stand in error_description (RFC 6749 5.2)


def oauth_members(error: TrustError) -> dict[str, Any]:
    """The members of a refusal in the form of RFC 6749 5.2, with our code and, of ``OAUTH_TELLING``, the facts beside it."""
    name, description = OAUTH_ERRORS.get(error.code, OAUTH_OTHER)
    if error.code == "AUTHORIZATION_REFUSED":  # of a pushed request: the word the browser would have brought
        name, description = str(error.facts["error"]), str(error.facts["description"])
    told = facts_told(error)
    if told:
        description += " (" + ", ".join(f"{fact}: {value}" for fact, value in error.facts.items()) + ")"
    return {"error": name, "error_description": _DESCRIPTION.sub("?", description), "code": error.code, **told}


def facts_told(error: TrustError) -> dict[str, Any]:
    """The member ``facts`` of a refusal: which rule was broken, where one may know; nothing of all others."""
    return {"facts": dict(error.facts)} if error.facts and error.code in OAUTH_TELLING else {}


def client_auth_failed() -> TrustError:
    """One answer for every way in which authentication can fail: nobody learns which clients exist or are disabled."""
    return TrustError(Kind.UNAUTHENTICATED, "CLIENT_AUTH_FAILED")


def request_malformed(**facts: str | int) -> TrustError:
    """The body or header of a token request cannot be read."""
    return TrustError(Kind.MALFORMED, "TOKEN_REQUEST_MALFORMED", **facts)


def rate_exceeded(retry_after_seconds: int) -> TrustError:
    """Too many requests or too many wrong secrets; the edge makes ``retry_after_seconds`` the Retry-After header."""
    return TrustError(Kind.TOO_MANY, "RATE_EXCEEDED", retry_after_seconds=retry_after_seconds)


def attempts_exceeded(retry_after_seconds: int) -> TrustError:
    """Too many attempts to sign in failed from an address."""
    return TrustError(Kind.TOO_MANY, "ATTEMPTS_TOO_MANY", retry_after_seconds=retry_after_seconds)


def client_not_found(client_id: str) -> TrustError:
    """No client of that id is registered."""
    return TrustError(Kind.NOT_FOUND, "CLIENT_NOT_FOUND", client_id=client_id)


def account_not_found() -> TrustError:
    """No such account, or none of the kind asked for."""
    return TrustError(Kind.NOT_FOUND, "ACCOUNT_NOT_FOUND")


def sign_in_failed() -> TrustError:
    """One answer for an unknown name, a wrong password, a locked and a disabled account: nobody learns which accounts exist."""
    return TrustError(Kind.UNAUTHENTICATED, "SIGN_IN_FAILED")


def credential_unusable(reason: str) -> TrustError:
    """What was sent cannot be accepted as a credential. ``reason`` names the rule, never what was sent."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_UNUSABLE", reason=reason)


def bearer_challenge(error: TrustError) -> tuple[str, str]:
    """The word of RFC 6750 3.1 for a refused token, and the WWW-Authenticate header that says it. A missing token gets no error word."""
    words = {Kind.FORBIDDEN: "insufficient_scope", Kind.MALFORMED: "invalid_request", Kind.TOO_LARGE: "invalid_request"}
    word = words.get(error.kind, "invalid_token")
    if error.code == dpop_nonces.CODE:
        return "use_dpop_nonce", f'DPoP error="use_dpop_nonce", algs="{" ".join(ALGORITHMS)}"'  # RFC 9449 9
    if error.code == "DPOP_PROOF_INVALID":
        return "invalid_dpop_proof", f'DPoP error="invalid_dpop_proof", algs="{" ".join(ALGORITHMS)}"'  # RFC 9449 7.1
    realm = 'Bearer realm="yinxin"'
    return word, realm if error.code == "TOKEN_MISSING" else f'{realm}, error="{word}"'
