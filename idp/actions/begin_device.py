"""Give a device the codes by which somebody can sign in for it elsewhere (RFC 8628 3.1, 3.2)."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.sm3 import sm3
from idp.actions.issue_token import take_turn
from idp.actions.prove_client import prove_client
from idp.model.clients import is_resource
from idp.model.devices import (
    DEVICE_CODE_BYTES,
    DEVICE_SECONDS,
    INTERVAL_SECONDS,
    DeviceRequest,
    DeviceState,
    new_user_code,
    show_user_code,
)
from idp.model.people import new_id
from idp.model.registrations import DEVICE, sign_in_of
from idp.store.devices import insert_device
from idp.tokens.authorization_request import WORDS_MAX
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.store.accounts import Vault
    from idp.tokens.request import TokenRequest

DEVICE_PATH: Final = "/oauth2/device_authorization"
VERIFICATION_PATH: Final = "/device"


def user_code_hash(vault: Vault, code: str) -> bytes:
    """By what a code that people type is found: keyed, because there are few enough of them to try all."""
    return vault.sealer.find(code.encode(), "idp.device.user-code")


async def begin_device(desk: PersonDesk, request: TokenRequest, peer: str) -> bytes:
    """The body of the answer (RFC 8628 3.2). TrustError of ``prove_client``, GRANT_NOT_ALLOWED, SCOPE_NOT_GRANTED, RESOURCE_NOT_GRANTED."""
    people = desk.people
    at = people.clock.now()
    # 1. Who asks for whom, and may it
    known = await prove_client(desk.tokens.door, request, peer)
    registration, client = known.registration, known.client
    if registration is None or DEVICE not in registration.grant_types:
        raise TrustError(Kind.UNACCEPTABLE, "GRANT_NOT_ALLOWED")
    take_turn(desk.tokens, client)
    may = sign_in_of(client, registration)
    scopes = tuple(dict.fromkeys((request.scope or "openid").split(" ")))
    if not set(scopes) <= set(may.scopes) or len(scopes) > WORDS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SCOPE_NOT_GRANTED")
    resource = request.resource
    if resource is not None and (not is_resource(resource) or resource not in may.audiences):
        raise TrustError(Kind.UNACCEPTABLE, "RESOURCE_NOT_GRANTED")
    # 2. Its codes, of which only digests are kept
    code, user_code = secrets.token_urlsafe(DEVICE_CODE_BYTES), new_user_code()
    device = DeviceRequest(
        device_id=new_id("dv_"),
        client_id=client.client_id,
        scopes=scopes,
        resource=resource,
        state=DeviceState.WAITING,
        expires_at=at + timedelta(seconds=DEVICE_SECONDS),
    )

    def store(connection: Connection) -> None:
        insert_device(connection, device, sm3(code.encode()), user_code_hash(people.vault, user_code), desk.mac_key)
        subject = f"client:{client.client_id}"
        facts: dict[str, str | int | bool | None] = {"device": device.device_id, "scope": " ".join(scopes)}
        people.audit.record(connection, at=at, actor=subject, action="device.begin", subject=subject, outcome="done", facts=facts)

    await people.database.awrite(store)
    shown, address = show_user_code(user_code), desk.tokens.issuer + VERIFICATION_PATH
    answer = {
        "device_code": code,
        "user_code": shown,
        "verification_uri": address,
        "verification_uri_complete": f"{address}?user_code={shown}",
        "expires_in": DEVICE_SECONDS,
        "interval": INTERVAL_SECONDS,
    }
    return json.dumps(answer, separators=(",", ":")).encode()
