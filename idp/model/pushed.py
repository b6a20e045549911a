"""Pushed authorization requests (PAR, RFC 9126): how they are named and how long they wait. No input or output here."""

from __future__ import annotations

import secrets
from typing import Final

PUSHED_SECONDS: Final = 90  # from the push to the browser's arrival; FAPI 2.0 5.3.2.2 allows less than ten minutes
REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 2.2
_REFERENCE_BYTES: Final = 32


def new_request_uri() -> str:
    """A name nobody can guess; only its digest is stored."""
    return REQUEST_URI_PREFIX + secrets.token_urlsafe(_REFERENCE_BYTES)
