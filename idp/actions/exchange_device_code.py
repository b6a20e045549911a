"""Answer a device that asks whether somebody has signed in for it (RFC 8628 3.4, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from idp.actions.person_desk import choose_signings, demand_resource, write_answer
from idp.actions.prove_key import take_proof
from idp.actions.store_grant import Stored, store_grant
from idp.model.devices import INTERVAL_SECONDS_MAX, SLOW_DOWN_SECONDS, DeviceRequest, DeviceState
from idp.model.grants import PersonGrant, new_grant_id, new_refresh_token
from idp.model.registrations import REFRESH
from idp.store.devices import device_by_code, move_device, note_poll
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.person_desk import PersonDesk
    from idp.actions.recall_client import KnownClient
    from idp.model.grants import Binding
    from idp.model.registrations import Registration
    from idp.model.requests import Authentication
    from idp.tokens.request import TokenRequest


async def exchange_device_code(
    desk: PersonDesk, request: TokenRequest, known: KnownClient, registration: Registration, binding: Binding
) -> bytes:
    """The body of the answer.

    TrustError DEVICE_PENDING, DEVICE_TOO_SOON, DEVICE_REFUSED, DEVICE_EXPIRED, DEVICE_CODE_INVALID, GRANT_ENDED, RESOURCE_NOT_GRANTED, TOKEN_PARAMETER_MISSING,
    and those of issuing.
    """
    code = request.form.get("device_code")
    if not code:
        raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter="device_code")
    digest, at = sm3(code.encode("utf-8", "replace")), desk.people.clock.now()
    signings = await choose_signings(desk, registration, at)
    refresh_token = new_refresh_token() if REFRESH in registration.grant_types else None

    def store(connection: Connection) -> Stored | str:
        take_proof(connection, binding)
        # 1. Whose it is, and how far
        device = device_by_code(connection, digest, desk.mac_key)
        if device is None or device.client_id != known.client.client_id or device.state is DeviceState.SPENT:
            raise TrustError(Kind.UNACCEPTABLE, "DEVICE_CODE_INVALID")
        if at >= device.expires_at:
            raise TrustError(Kind.UNACCEPTABLE, "DEVICE_EXPIRED")
        if device.state is DeviceState.REFUSED:
            raise TrustError(Kind.UNACCEPTABLE, "DEVICE_REFUSED")
        if device.state is DeviceState.WAITING or device.who is None:
            return _wait(connection, device, at)
        demand_resource(request, device.resource or desk.tokens.issuer)
        # 2. Spent by exactly one; the grant stands and is on record
        if not move_device(connection, device, DeviceState.SPENT, desk.mac_key):
            raise TrustError(Kind.UNACCEPTABLE, "DEVICE_CODE_INVALID")
        grant = _grant(desk, device, device.who, binding, at)
        return store_grant(
            connection,
            desk,
            known,
            registration,
            signings,
            grant,
            by="device_code",
            refresh_token=refresh_token,
            at=at,
            device=device.device_id,
        )

    stored = await desk.people.database.awrite(store)
    if isinstance(stored, str):
        raise TrustError(Kind.UNACCEPTABLE, stored)
    # 3. Sign and hand out
    return write_answer(
        desk, registration, stored.grant, signings, token_id=stored.token_id, at=at, wanted=stored.wanted, refresh_token=refresh_token
    )


def _wait(connection: Connection, device: DeviceRequest, at: datetime) -> str:
    too_soon = device.asks_too_soon(at)
    interval = min(device.interval_seconds + SLOW_DOWN_SECONDS, INTERVAL_SECONDS_MAX) if too_soon else device.interval_seconds
    note_poll(connection, device, at, interval)
    return "DEVICE_TOO_SOON" if too_soon else "DEVICE_PENDING"


def _grant(desk: PersonDesk, device: DeviceRequest, who: Authentication, binding: Binding, at: datetime) -> PersonGrant:
    return PersonGrant(
        grant_id=new_grant_id(),
        client_id=device.client_id,
        account_id=who.account_id,
        acting_for=who.acting_for,
        session_id=who.session_id,
        scopes=device.scopes,
        audience=device.resource or desk.tokens.issuer,
        acr=who.acr,
        amr=who.amr,
        auth_at=who.auth_time,
        nonce=None,
        created_at=at,
        is_offline="offline_access" in device.scopes,
        dpop_jkt=binding.dpop_jkt,
        certificate_digest=binding.certificate_digest,
    )
