"""Take an authorization request from an authenticated client ahead of the browser (PAR, RFC 9126)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from crypto.sm3 import sm3
from idp.actions.issue_token import take_turn
from idp.actions.prove_client import prove_client
from idp.actions.prove_key import prove_key, take_proof
from idp.model.pushed import PUSHED_SECONDS, new_request_uri
from idp.model.registrations import CODE, IMPLICIT
from idp.store.pushed import insert_pushed
from idp.tokens.authorization_request import RefusedAuthorization
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.client_protocol import ClientProtocol
    from idp.actions.person_desk import PersonDesk
    from idp.tokens.request import TokenRequest

PUSH_PATH: Final = "/oauth2/par"
_OF_THE_CLIENT: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True, slots=True)
class PushDesk:
    """What pushing needs."""

    persons: PersonDesk
    protocol: ClientProtocol


async def push_request(desk: PushDesk, request: TokenRequest, peer: str) -> bytes:
    """The body of the answer: the name under which the browser brings the request along, and for how many seconds.

    TrustError of ``prove_client``; GRANT_NOT_ALLOWED; REQUEST_OBJECT_INVALID; DPOP_PROOF_INVALID; AUTHORIZATION_REFUSED with the word of
    RFC 6749 4.1.2.1 for a request that could not go on.
    """
    people, tokens = desk.persons.people, desk.persons.tokens
    at = people.clock.now()
    # 1. Who pushes, and may it send people here at all
    known = await prove_client(tokens.door, request, peer, tokens.nonces)
    if known.registration is None or not {CODE, IMPLICIT} & set(known.registration.grant_types):
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_NOT_ALLOWED")
    take_turn(tokens, known.client)
    # 2. The request as it will count; what is wrong with it is told now and here (RFC 9126 2.3)
    if "request_uri" in request.form:
        raise _refused("invalid_request", "request_uri cannot be pushed")
    pairs = tuple((name, value) for name, value in request.form.items() if name not in _OF_THE_CLIENT and name != "client_id")
    pairs = (("client_id", known.client.client_id), *pairs)
    opened = await anyio.to_thread.run_sync(partial(desk.protocol.open_object, known, pairs, at))
    if isinstance(opened, RefusedAuthorization):
        raise _refused(opened.error, opened.description)
    # 3. A proof beside it binds the code to the key (RFC 9449 10.1)
    binding = prove_key(request.proof, known.registration, url=tokens.issuer + PUSH_PATH, at=at, nonces=tokens.nonces, is_demanded=False)
    if binding.dpop_jkt is not None:
        stated = [value for name, value in opened if name == "dpop_jkt"]
        if stated not in ([], [binding.dpop_jkt]):
            raise TrustError(Kind.UNACCEPTABLE, "DPOP_PROOF_INVALID", reason="dpop_jkt")
        opened = (*(pair for pair in opened if pair[0] != "dpop_jkt"), ("dpop_jkt", binding.dpop_jkt))
    read = await anyio.to_thread.run_sync(partial(desk.protocol.read_opened, known, opened, is_pushed=True))
    if isinstance(read, RefusedAuthorization):
        raise _refused(read.error, read.description)
    uri = new_request_uri()

    # 4. Stored and on record before its name leaves
    def store(connection: Connection) -> None:
        take_proof(connection, binding)
        insert_pushed(connection, people.vault, sm3(uri.encode()), known.client.client_id, opened, at + timedelta(seconds=PUSHED_SECONDS))
        subject = f"client:{known.client.client_id}"
        facts: dict[str, str | int | bool | None] = {
            "request": read.raw_digest.hex(),
            "scope": " ".join(read.scopes),
            "bound": binding.dpop_jkt is not None,
        }
        people.audit.record(connection, at=at, actor=subject, action="request.push", subject=subject, outcome="done", facts=facts)

    await people.database.awrite(store)
    return json.dumps({"request_uri": uri, "expires_in": PUSHED_SECONDS}, separators=(",", ":")).encode()


def _refused(error: str, description: str) -> TrustError:
    return TrustError(Kind.UNACCEPTABLE, "AUTHORIZATION_REFUSED", error=error, description=description)
