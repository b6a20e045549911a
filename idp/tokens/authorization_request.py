"""Reading a request to the authorization endpoint (RFC 6749 4.1.1, OIDC Core 3.1.2.1). Pure: parameters in, a request or a refusal out.

The order matters: until client and redirect address are known to belong together nothing may be sent to that address (RFC 9700 4.11),
so what is wrong before that point is told to the person on a page, and everything after it to the client.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from crypto.jose import write_base64url
from crypto.sm3 import sm3
from idp.model.clients import is_resource
from idp.model.openings import IMPLICIT_TYPES, RESPONSE_TYPES, response_type_of
from idp.model.redirects import is_among
from idp.model.registrations import OFFLINE
from idp.model.requests import AuthorizationRequest
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idp.model.redirects import SignInRegistration

Mode = Literal["query", "form_post", "fragment"]
PARAMETERS_MAX: Final = 64
VALUE_CHARACTERS_MAX: Final = 4096  # a claims parameter that names every attribute takes under 2 KiB
WORDS_MAX: Final = 64
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
_SHA256_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 4.1
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class RefusedAuthorization:
    """Why a request cannot go on. ``error``: a word of RFC 6749 4.1.2.1, OIDC Core 3.1.2.6 or RFC 8707 2.

    ``redirect_uri`` None: nothing may be sent to the address the request names; the person is told on a page.
    """

    error: str
    description: str
    redirect_uri: str | None = None
    response_mode: Mode = "query"
    state: str | None = None


def proves_challenge(challenge: str, verifier: str) -> bool:
    """Whether a code verifier is the one behind an S256 challenge (RFC 7636 4.6), in constant time. Malformed verifiers prove nothing."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = write_base64url(hashlib.sha256(verifier.encode()).digest()).encode("ascii")
    return hmac.compare_digest(made, challenge.encode("ascii", "replace"))


def read_authorization_request(
    client: SignInRegistration | None,
    pairs: Sequence[tuple[str, str]],
    *,
    is_pushed: bool = False,
    read_hint: Callable[[str], str | None],
) -> AuthorizationRequest | RefusedAuthorization:
    """Read a request of a client that was looked up by the request's ``client_id``; None: there is none, or it is disabled.

    ``pairs``: the parameters in their order, repetitions included. ``is_pushed``: they came by the pushed way from the authenticated client.
    ``read_hint``: an id_token_hint -> the account of a token that this provider signed, None for any other.
    """
    # 1. Client and address, or nobody may be answered but the person
    if len(pairs) > PARAMETERS_MAX or any(len(value) > VALUE_CHARACTERS_MAX for _, value in pairs):
        return RefusedAuthorization("invalid_request", "the request is too large")
    names = [name for name, _ in pairs]
    given = {name: value for name, value in pairs if value}  # RFC 6749 3.1: without a value is as if left out
    if client is None or given.get("client_id") != client.client_id or names.count("client_id") != 1:
        return RefusedAuthorization("invalid_request", "the client is unknown")
    redirect_uri = given.get("redirect_uri")
    is_known = redirect_uri is not None and is_among(redirect_uri, client.redirect_uris, is_public=client.is_public)
    if redirect_uri is None or not is_known or names.count("redirect_uri") != 1:
        return RefusedAuthorization("invalid_request", "the redirect address is not registered for this client")
    # 2. How to answer; what is doubtful about that is answered in the plainest way
    state = given.get("state") if names.count("state") == 1 else None
    response_type = response_type_of(given.get("response_type", "")) if names.count("response_type") == 1 else ""
    is_implicit = client.is_implicit_open and response_type in IMPLICIT_TYPES
    plain: Mode = "fragment" if is_implicit else "query"  # tokens never stand in a query (OAuth 2.0 Multiple Response Types 5)
    wanted_mode = given.get("response_mode", plain) if names.count("response_mode") <= 1 else ""
    mode: Mode = "form_post" if wanted_mode == "form_post" else plain

    def refused(error: str, description: str) -> RefusedAuthorization:
        return RefusedAuthorization(error, description, redirect_uri, mode, state)

    if len(set(names)) != len(names):
        return refused("invalid_request", "a parameter is given more than once")
    if wanted_mode not in {plain, "form_post"}:
        return refused("invalid_request", "response_mode is not supported")
    if client.is_par_required and not is_pushed:
        return refused("invalid_request", "this client pushes its requests")
    if "request" in given:
        return refused("request_not_supported", "request objects are not supported")
    if "request_uri" in given:
        return refused("request_uri_not_supported", "request_uri is not supported")
    if "response_type" not in given:
        return refused("invalid_request", "response_type is missing")
    if response_type not in client.response_types:
        if client.is_implicit_open and response_type in RESPONSE_TYPES:
            return refused("unauthorized_client", "this client has not registered this response_type")
        return refused("unsupported_response_type", "only code is supported")
    # 3. PKCE: S256 or, where the client may, nothing; a method without a challenge, or plain, is an attempt to weaken it. It is about codes
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if is_implicit:
        challenge = method = None
    elif challenge is None and (client.is_pkce_required or method is not None):
        return refused("invalid_request", "code_challenge is missing")
    if challenge is not None and (method != "S256" or not _SHA256_TEXT.fullmatch(challenge)):
        return refused("invalid_request", "code_challenge must be of the method S256")
    # 4. What for
    scopes = tuple(dict.fromkeys(given.get("scope", "").split(" ")))
    if not set(scopes) <= set(client.scopes) or len(scopes) > WORDS_MAX:
        return refused("invalid_scope", "a requested scope is unknown or not granted to this client")
    if is_implicit:  # what is sent by way of the browser is bound to this request and to who asked by its nonce (OIDC Core 3.2.2.1)
        if "openid" not in scopes:
            return refused("invalid_scope", "an ID token takes the scope openid")
        if "nonce" not in given:
            return refused("invalid_request", "nonce is missing")
        if "dpop_jkt" in given:
            return refused("invalid_request", "dpop_jkt binds codes alone")
        scopes = tuple(each for each in scopes if each != OFFLINE)  # OIDC Core 11: only a code leads to a refresh token
    resource = given.get("resource")
    if resource is not None and (not is_resource(resource) or resource not in client.audiences):
        return refused("invalid_target", "the requested resource is unknown or not granted to this client")
    # 5. How the person is to be asked
    prompt = tuple(given.get("prompt", "").split())
    if not set(prompt) <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        return refused("invalid_request", "prompt is not readable")
    max_age = given.get("max_age")
    if max_age is not None and not _SECONDS.fullmatch(max_age):
        return refused("invalid_request", "max_age is not a number of seconds")
    dpop_jkt = given.get("dpop_jkt")
    if dpop_jkt is not None and not _SHA256_TEXT.fullmatch(dpop_jkt):
        return refused("invalid_request", "dpop_jkt is not a thumbprint")
    claims: dict[str, Any] = {}
    if "claims" in given:
        try:
            claims = read_strict_object(given["claims"].encode("utf-8", "replace"))
        except StrictJsonError:
            return refused("invalid_request", "claims is not a JSON object")
    hint = given.get("id_token_hint")
    subject = None if hint is None else read_hint(hint)
    if hint is not None and subject is None:
        return refused("invalid_request", "id_token_hint is not a token of this provider")
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        response_mode=mode,
        state=state,
        nonce=given.get("nonce"),
        scopes=scopes,
        resource=resource,
        code_challenge=challenge,
        prompt=prompt,
        max_age_seconds=None if max_age is None else int(max_age),
        login_hint=given.get("login_hint"),
        ui_locales=tuple(given.get("ui_locales", "").split()[:WORDS_MAX]),
        acr_values=tuple(given.get("acr_values", "").split()[:WORDS_MAX]),
        claims=claims,
        dpop_jkt=dpop_jkt,
        id_token_hint_sub=subject,
        response_type=response_type,
        raw_digest=sm3(repr(tuple(pairs)).encode("utf-8", "backslashreplace")),
    )
