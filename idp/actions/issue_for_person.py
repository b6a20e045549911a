"""The token endpoint's grants that are about people: prove the client, see whether it may, and decide again where it changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.actions.choose_signing_key import SigningKeyChangedError
from idp.actions.exchange_code import exchange_code
from idp.actions.exchange_device_code import exchange_device_code
from idp.actions.exchange_token import exchange_token
from idp.actions.issue_token import DECISIONS_MAX, take_turn
from idp.actions.prove_client import prove_client
from idp.actions.prove_key import prove_key
from idp.actions.recall_client import ClientChangedError
from idp.actions.refresh_token import refresh_token
from idp.model.registrations import CODE, DEVICE, EXCHANGE, REFRESH
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import Binding
    from idp.model.registrations import Registration
    from idp.tokens.request import TokenRequest

    Answer = Callable[[PersonDesk, TokenRequest, KnownClient, Registration, Binding], Awaitable[bytes]]

GRANTS: Final[dict[str, Answer]] = {CODE: exchange_code, REFRESH: refresh_token, DEVICE: exchange_device_code, EXCHANGE: exchange_token}


async def issue_for_person(desk: PersonDesk, request: TokenRequest, peer: str) -> bytes:
    """The body of the answer. TrustError with a code of ``idp.errors.OAUTH_ERRORS``, or of kind unavailable."""
    door = desk.tokens.door
    for _ in range(DECISIONS_MAX):
        remembered = door.memory.recall(request.client_id)
        try:
            known = await prove_client(door, request, peer, desk.tokens.nonces, is_recorded=True)
            registration = known.registration
            if registration is None or request.grant_type not in registration.grant_types:
                raise TrustError(Kind.UNACCEPTABLE, "GRANT_NOT_ALLOWED")
            take_turn(desk.tokens, known.client)
            tokens, at = desk.tokens, door.clock.now()
            binding = prove_key(request.proof, registration, url=tokens.token_url, at=at, nonces=tokens.nonces, shown=request.certificate)
            return await GRANTS[request.grant_type](desk, request, known, registration, binding)
        except ClientChangedError:
            door.memory.forget(request.client_id)
        except SigningKeyChangedError:
            desk.tokens.ring.forget()
        except TrustError as error:
            if not door.memory.is_overtaken(remembered, error):
                raise
    raise TrustError(Kind.UNAVAILABLE, "TOKEN_DECISION_OVERTAKEN", attempts=DECISIONS_MAX)
