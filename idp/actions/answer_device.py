"""What a person does with the code of a device: find what it stands for, sign in for it, or refuse it (RFC 8628 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.actions.begin_device import user_code_hash
from idp.actions.count_attempts import enter_attempt, peer_key, take_back, thing_key
from idp.model.devices import DeviceRequest, DeviceState, read_user_code
from idp.model.requests import Authentication, AuthorizationRequest
from idp.store.devices import device_by_user_code, find_device, move_device
from service_kit.rates import one_address
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk

DONE_PATH: Final = "/device/done"
REFUSED_PATH: Final = "/device/refused"


def find_waiting_device(desk: PeopleDesk, typed: str, peer: str, mac_key: bytes) -> tuple[DeviceRequest, str]:
    """The request whose code was typed, and the code as it is stored.

    TrustError DEVICE_UNKNOWN, one and the same for a wrong, old or used code; after many of them from one address its codes count no
    more for a while: there are few enough codes that somebody might guess.
    """
    at, sent_from = desk.clock.now(), one_address(peer)
    code = read_user_code(typed)

    def store(connection: Connection) -> DeviceRequest | None:
        name, sender = thing_key(desk.vault, f"device code {sent_from} {code}"), peer_key(desk.vault, f"device {sent_from}")
        name_may, peer_may, _ = enter_attempt(connection, name, sender, at)
        found = device_by_user_code(connection, user_code_hash(desk.vault, code or ""), mac_key)
        if not (name_may and peer_may) or found is None or found.state is not DeviceState.WAITING or at >= found.expires_at:
            return None
        take_back(connection, name, sender, at)
        return found

    found = None if code is None else desk.database.write(store)
    if found is None or code is None:
        raise TrustError(Kind.NOT_FOUND, "DEVICE_UNKNOWN")
    return found, code


def device_sign_in(device: DeviceRequest, issuer: str) -> AuthorizationRequest:
    """The sign-in that answers a device: as if its client had sent the person here, but nothing goes back by the browser."""
    return AuthorizationRequest(
        client_id=device.client_id,
        redirect_uri=issuer + DONE_PATH,
        scopes=device.scopes,
        resource=device.resource,
        device_id=device.device_id,
    )


def approve_device(connection: Connection, device_id: str, who: Authentication, at: datetime, mac_key: bytes) -> None:
    """Within the write job that finishes the sign-in: let the device have its tokens. DEVICE_UNKNOWN where it waits no longer."""
    device = find_device(connection, device_id, mac_key)
    if device is None or device.state is not DeviceState.WAITING or at >= device.expires_at:
        raise TrustError(Kind.NOT_FOUND, "DEVICE_UNKNOWN")
    if not move_device(connection, device, DeviceState.APPROVED, mac_key, who=who):
        raise TrustError(Kind.NOT_FOUND, "DEVICE_UNKNOWN")


def refuse_device(desk: PeopleDesk, device_id: str, mac_key: bytes, *, account_id: str | None) -> bool:
    """The person at the page does not want it: the device hears so. False where it waited no longer.

    ``account_id``: who it is, for the record; None where he has not signed in.
    """
    at = desk.clock.now()

    def store(connection: Connection) -> bool:
        device = find_device(connection, device_id, mac_key)
        if device is None or device.state is not DeviceState.WAITING or not move_device(connection, device, DeviceState.REFUSED, mac_key):
            return False
        subject = f"client:{device.client_id}"
        facts: dict[str, str | int | bool | None] = {"device": device_id}
        actor = "person" if account_id is None else f"account:{account_id}"
        desk.audit.record(connection, at=at, actor=actor, action="device.refuse", subject=subject, outcome="done", facts=facts)
        return True

    return desk.database.write(store)
