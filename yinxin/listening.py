"""Whether an address can be listened on, asked before anything is made or opened."""

from __future__ import annotations

import socket

from standards.errors import Kind, TrustError


def check_port(host: str, port: int) -> None:
    """Raise TrustError PORT_BUSY where this address cannot be listened on: taken, not of this machine, or no name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise TrustError(Kind.UNAVAILABLE, "PORT_BUSY", host=host, port=port, reason=error.strerror) from None
