"""Who asks at the token endpoint, by the method it registered: a client that registered one is not let in by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio.to_thread

from idp.actions.authenticate_client import authenticate_client
from idp.errors import client_auth_failed

if TYPE_CHECKING:
    from idp.actions.authenticate_client import Doorkeeper
    from idp.actions.recall_client import KnownClient
    from idp.tokens.request import TokenRequest

BY_SECRET: Final = {"client_secret_basic": True, "client_secret_post": False}
"""Method -> whether the secret comes in the header."""


async def prove_client(door: Doorkeeper, request: TokenRequest, peer: str) -> KnownClient:
    """The client, proven. TrustError CLIENT_AUTH_FAILED, RATE_EXCEEDED."""
    # 1. A client without credentials names itself; whoever sends a secret is not one
    if not request.client_secret and not request.by_header:
        known = await anyio.to_thread.run_sync(door.memory.present, request.client_id)
        if known is not None and known.registration is not None and known.registration.is_public:
            return known
    # 2. By its secret, sent the way it registered; the same refusal for a wrong way as for a wrong secret
    known = await authenticate_client(door, request.client_id, request.client_secret, peer)
    if known.registration is not None and BY_SECRET.get(known.registration.token_endpoint_auth_method) is not request.by_header:
        raise client_auth_failed()
    return known
