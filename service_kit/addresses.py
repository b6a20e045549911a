"""Addresses of the web, compared and written in one form."""

from __future__ import annotations

from typing import Final

_DEFAULT_PORTS: Final = {"https": ":443", "http": ":80"}


def normalized_address(address: str) -> tuple[str, str, str]:
    """Scheme and host in lower case, the host with a port that is not the scheme's own; and the path with what follows, as it stands (RFC 3986 6.2.2.1,
    6.2.3). An origin is the first two of them (RFC 6454 6.2).
    """
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    scheme, host = scheme.lower(), authority.lower()
    return scheme, host.removesuffix(_DEFAULT_PORTS.get(scheme, "")), slash + path
