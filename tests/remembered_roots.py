"""The certificates that HTTP clients trust by default are read once in processes of tests: it takes 0.03 s of the processor, and a test that waits
for a server makes a client for each time it asks.

Clients that are given what they trust are not touched by this.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import httpx._transports.default as transports

if TYPE_CHECKING:
    from ssl import SSLContext

_make = httpx.create_ssl_context


@cache
def _default(_file: str | None, _folder: str | None) -> SSLContext:
    return _make()


def _context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> SSLContext:  # as httpx calls it
    if verify is True and cert is None and trust_env:
        return _default(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return _make(verify=verify, cert=cert, trust_env=trust_env)


def remember_roots() -> None:
    """From now on, in this process."""
    patch.object(transports, "create_ssl_context", _context).start()
