"""Where answers to sign-in may go, and what a client that signs people in has registered for it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from idp.model.openings import CODE_TYPE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

REDIRECT_CHARACTERS_MAX: Final = 512
_VISIBLE: Final = re.compile(r"[!-~]+")
_ON_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{0,4})?((?:[/?].*)?)")
_DOTS: Final = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SignInRegistration:
    """What a client may ask the authorization endpoint for.

    ``redirect_uris``: compared by ``is_among``. ``is_public``: it cannot keep a secret, and may be a program on the person's own device.
    ``scopes``: all it may ask people for.
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
    is_public: bool = False


def is_among(address: str, registered: Collection[str], *, is_public: bool) -> bool:
    """Whether answers may go to an address: it is registered character by character, never by a pattern (RFC 9700 2.1).

    ``is_public``: of a client that cannot keep a secret, such as a program on the person's own device, which listens where a port is free: on 127.0.0.1
    and [::1] it may ask for any port (RFC 8252 7.3). What comes to another program there is worth nothing without the challenge's verifier (RFC 7636),
    which such clients must use.
    """
    if address in registered:
        return True
    wanted = _without_port(address) if is_public and is_redirect_uri(address) else None
    return wanted is not None and any(_without_port(each) == wanted for each in registered)


def _without_port(address: str) -> tuple[str, str] | None:
    found = _ON_LOOPBACK.fullmatch(address)
    return None if found is None else (found[1], found[2])


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


def with_query(address: str, parameters: Mapping[str, str]) -> str:
    """The address with these parameters behind those it has (RFC 6749 3.1.2). ``address``: without a fragment; it may end in a bare ``?``."""
    joint = "" if address.endswith("?") else "&" if "?" in address else "?"
    return address + joint + urlencode(parameters)


def is_on_device(address: str) -> bool:
    """Whether an address, of a form that may be registered, is on the person's own device (RFC 8252 7.3): its host says nothing of whose the program is."""
    host = urlsplit(address).hostname or ""
    return _is_loopback(host) or host == "localhost" or host.endswith(".localhost")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
