"""Where answers to sign-in may go, and what a client that signs people in has registered for it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from idp.model.openings import CODE_TYPE

REDIRECT_CHARACTERS_MAX: Final = 512
_VISIBLE: Final = re.compile(r"[!-~]+")
_DOTS: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SignInRegistration:
    """What a client may ask the authorization endpoint for.

    ``redirect_uris``: compared character by character, never by pattern (RFC 9700 2.1). ``scopes``: all it may ask people for.
    ``is_pkce_required`` False only for a confidential client that cannot send a challenge; ``is_par_required``: its requests come by the
    pushed way alone (RFC 9126), as the FAPI 2.0 profile wants. ``response_types``: what it may be answered with; ``is_implicit_open``: the operator
    has opened more than codes, so that what is wrong with a request for more is told in the way of its answer.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    audiences: tuple[str, ...] = ()
    is_pkce_required: bool = True
    is_par_required: bool = False
    response_types: tuple[str, ...] = (CODE_TYPE,)
    is_implicit_open: bool = False


def is_redirect_uri(text: str) -> bool:
    """Whether an address may be registered: https anywhere, http on a loopback address alone (RFC 8252 7.3), and one spelling only.

    Refused: fragments, user names, backslashes, dot segments in any spelling, controls, letters beyond ASCII, upper-case hosts.
    """
    if len(text) > REDIRECT_CHARACTERS_MAX or not _VISIBLE.fullmatch(text) or "\\" in text or "#" in text or '"' in text:
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.netloc != parts.netloc.lower() or parts.netloc.endswith(":") or _DOTS.search(parts.path):
        return False
    if host.endswith(".") or "%" in parts.netloc or port == 0:
        return False
    return text.startswith("https://") or (text.startswith("http://") and _is_loopback(host))


def is_on_device(address: str) -> bool:
    """Whether an address, of a form that may be registered, is on the person's own device (RFC 8252 7.3): its host says nothing of whose the program is."""
    host = urlsplit(address).hostname or ""
    return _is_loopback(host) or host == "localhost" or host.endswith(".localhost")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
