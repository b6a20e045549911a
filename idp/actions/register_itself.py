"""A system registers itself as a client (RFC 7591) and manages what it registered (RFC 7592).

By an initial token that an administrator issued: it says what such clients may have, and whether an administrator must let them in first.
Afterwards by a token of its own, which is good for this one client and for nothing else.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from crypto.sm3 import sm3
from idp.actions.authenticate_client import secret_digest
from idp.actions.check_sector import check_sector
from idp.actions.register_client import new_secret
from idp.model.clients import TOKENS_PER_MINUTE_DEFAULT, Client, ClientStatus, with_secret, with_status
from idp.model.initial_tokens import INITIAL_PREFIX, MANAGEMENT_PREFIX, InitialToken, check_initial_token, new_token
from idp.model.registrations import BY_HMAC, CREDENTIALS, SIGN_IN_SCOPES, Registration, check_registration, demand_opened
from idp.store.client_secrets import forget_secrets, keep_secret
from idp.store.clients import find_client, insert_client, update_client
from idp.store.initial_tokens import end_initial_token, find_initial_token, insert_initial_token, use_initial_token
from idp.store.registrations import find_registration, put_registration
from idp.tokens.client_metadata import allowed_scopes, read_metadata, refused, write_metadata
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk
    from idp.tokens.client_metadata import StatedClient
    from service_kit.outbound import Outbound

REGISTER_PATH: Final = "/oauth2/register"
_BY_SECRET: Final = frozenset({"client_secret_basic", "client_secret_post", BY_HMAC})
MADE_BY: Final = "initial-token:"  # of who made a client, where it registered itself
CHANGE_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class SelfRegistration:
    """What registering needs. ``outbound``: where addresses that clients name are looked at. ``issuer``: the deployment's base URL."""

    clients: ClientDesk
    outbound: Outbound
    issuer: str


def issue_initial_token(
    desk: ClientDesk, *, note: str, scopes: tuple[str, ...], needs_approval: bool, is_pkce_required: bool, uses: int, days: int, actor: str
) -> tuple[InitialToken, str]:
    """A new initial token and its text, shown once. CLIENT_FIELD_INVALID, SCOPE_UNKNOWN."""
    at = desk.clock.now()
    token = InitialToken(
        token_id="it_" + secrets.token_hex(8),
        note=note,
        scopes=scopes,
        needs_approval=needs_approval,
        is_pkce_required=is_pkce_required,
        uses_max=uses,
        created_at=at,
        created_by=actor,
        expires_at=at + timedelta(days=days),
    )
    check_initial_token(token)
    for scope in scopes:
        if scope not in desk.known_scopes:
            raise TrustError(Kind.UNACCEPTABLE, "SCOPE_UNKNOWN", scope=scope)
    text = new_token(INITIAL_PREFIX)

    def store(connection: Connection) -> None:
        insert_initial_token(connection, token, sm3(text.encode()), desk.mac_key)
        desk.audit.record(
            connection,
            at=at,
            actor=actor,
            action="initial-token.issue",
            subject=MADE_BY + token.token_id,
            outcome="done",
            facts={"scopes": " ".join(scopes), "uses": uses, "days": days, "needs_approval": needs_approval},
        )

    desk.database.write(store)
    return token, text


def withdraw_initial_token(desk: ClientDesk, token_id: str, *, actor: str) -> None:
    """Let an initial token count no more; what was registered by it stays. INITIAL_TOKEN_UNKNOWN, also for one withdrawn before."""
    at = desk.clock.now()

    def store(connection: Connection) -> None:
        if not end_initial_token(connection, token_id, at):
            raise TrustError(Kind.NOT_FOUND, "INITIAL_TOKEN_UNKNOWN", token_id=token_id)
        subject = MADE_BY + token_id
        desk.audit.record(connection, at=at, actor=actor, action="initial-token.withdraw", subject=subject, outcome="done", facts={})

    desk.database.write(store)


def register_itself(desk: SelfRegistration, token: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """What was registered, with the secret and the token that manages it (RFC 7591 3.2.1). INITIAL_TOKEN_INVALID, CLIENT_FIELD_INVALID."""
    clients, at = desk.clients, desk.clients.clock.now()
    # 1. What it says of itself, by every rule that needs no token; nothing outside is called for a token that cannot be one
    digest = sm3(token.encode("utf-8", "replace"))
    stated = read_metadata(members, clients.opened)
    client_id = "c-" + secrets.token_hex(8)
    wanted = replace(stated.registration, client_id=client_id)
    check_registration(wanted)
    demand_opened(wanted, clients.opened)
    secret, management = new_secret(), new_token(MANAGEMENT_PREFIX)

    # 2. Used once more, before any address is called
    def use(connection: Connection) -> InitialToken | None:
        used = use_initial_token(connection, digest, at, clients.mac_key)
        if used is not None:
            subject = MADE_BY + used.token_id
            facts = {"client": client_id}
            clients.audit.record(connection, at=at, actor=subject, action="initial-token.use", subject=subject, outcome="done", facts=facts)
        return used

    initial = clients.database.write(use)
    if initial is None:
        raise TrustError(Kind.UNAUTHENTICATED, "INITIAL_TOKEN_INVALID")
    registration, scopes = _within(stated, initial.scopes, wanted, is_pkce_required=initial.is_pkce_required)
    registration = replace(registration, registration_token_digest=sm3(management.encode()).hex())
    check_registration(registration)
    check_addresses(desk.outbound, registration)

    # 3. Client, registration and record together
    client = Client(
        client_id=client_id,
        name=stated.name or client_id,
        status=ClientStatus.DISABLED if initial.needs_approval else ClientStatus.ACTIVE,
        scopes=scopes,
        audiences=(),
        tokens_per_minute=TOKENS_PER_MINUTE_DEFAULT,
        secret_digest=secret_digest(clients.pepper, secret),
        previous_digest=None,
        previous_until_at=None,
        created_at=at,
        created_by=MADE_BY + initial.token_id,
        changed_at=at,
        version=1,
    )

    def store(connection: Connection) -> None:
        insert_client(connection, client, clients.mac_key)
        put_registration(connection, registration, at, clients.mac_key)
        if registration.token_endpoint_auth_method == BY_HMAC:
            keep_secret(connection, clients.sealer, client_id, secret, client.secret_digest, (client.secret_digest,), at)
        _record(connection, clients, client, registration, "client.register-itself", client.created_by, at)

    clients.database.write(store)
    return _said(desk, client, registration, secret=secret, management=management)


def read_itself(desk: SelfRegistration, client_id: str, token: str) -> dict[str, Any]:
    """What the client registered (RFC 7592 2.1), without any secret. REGISTRATION_TOKEN_INVALID."""
    with desk.clients.database.read() as connection:
        client, registration = _managed(connection, desk.clients, client_id, token)
    return _said(desk, client, registration, management=token)


def change_itself(desk: SelfRegistration, client_id: str, token: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """What is registered now, in place of all before (RFC 7592 2.2). REGISTRATION_TOKEN_INVALID, CLIENT_FIELD_INVALID, CLIENT_STATUS_CONFLICT.

    A client that goes over to a method with a secret gets a new one. One that had to be approved waits for that again where people would see another
    name, or could be sent to another address, than those that were approved. The scopes of its own never grow, and what an administrator set stays: also
    what he sets in this moment, for then it begins anew on that.
    """
    for _ in range(CHANGE_ATTEMPTS - 1):
        try:
            return _change_once(desk, client_id, token, members)
        except TrustError as error:
            if error.code != "CLIENT_STATUS_CONFLICT":
                raise
    return _change_once(desk, client_id, token, members)


def _change_once(desk: SelfRegistration, client_id: str, token: str, members: Mapping[str, Any]) -> dict[str, Any]:
    clients, at = desk.clients, desk.clients.clock.now()
    with clients.database.read() as connection:
        client, before = _managed(connection, clients, client_id, token)
    # 1. The client it says it is, and nothing it cannot decide
    if members.get("client_id") != client_id:
        raise refused("client_id", "the client's own id")
    for name in ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"):
        if name in members:
            raise refused(name, "nothing: it is not the client's to set")
    shown = members.get("client_secret")
    if shown is not None and not (
        isinstance(shown, str) and hmac.compare_digest(secret_digest(clients.pepper, shown), client.secret_digest)
    ):
        raise refused("client_secret", "the present secret, or nothing")
    stated = read_metadata(members, clients.opened)
    wanted = replace(stated.registration, client_id=client_id)
    demand_opened(wanted, clients.opened)
    registration, scopes = _within(stated, client.scopes, wanted, before.scopes_most, is_pkce_required=before.is_pkce_required)
    # 2. What an administrator has set stays
    registration = replace(
        registration,
        registration_token_digest=before.registration_token_digest,
        allowed_claims=before.allowed_claims,
        purpose=before.purpose,
        is_own=before.is_own,
        acting=before.acting,
        profile=before.profile,
        serves=before.serves,
        person_scopes=before.person_scopes,
        scopes_most=before.scopes_most,
    )
    check_registration(registration)
    if registration.is_public and not before.is_public and (registration.person_scopes or registration.is_own):
        raise refused(
            "token_endpoint_auth_method", "one with credentials: what the client may ask people for was given to one that has them"
        )
    check_addresses(desk.outbound, registration)
    method, old = registration.token_endpoint_auth_method, before.token_endpoint_auth_method
    secret = new_secret() if method in _BY_SECRET and (old not in _BY_SECRET or (method == BY_HMAC) != (old == BY_HMAC)) else None

    # 3. Over what was there, if it is still that
    def store(connection: Connection) -> Client:
        present, _ = _managed(connection, clients, client_id, token)
        if present.version != client.version:
            raise TrustError(Kind.CONFLICT, "CLIENT_STATUS_CONFLICT", client_id=client_id)
        changed = replace(present, name=stated.name or client_id, scopes=scopes, changed_at=at, version=present.version + 1)
        if secret is not None:
            changed = replace(with_secret(present, secret_digest(clients.pepper, secret), at, 0), name=changed.name, scopes=scopes)
        if _waits_anew(connection, clients, present, changed, before, registration):
            changed = replace(changed, status=ClientStatus.DISABLED)
        update_client(connection, changed, clients.mac_key)
        put_registration(connection, registration, at, clients.mac_key)
        if method != BY_HMAC:
            forget_secrets(connection, client_id)
        elif secret is not None:
            keep_secret(connection, clients.sealer, client_id, secret, changed.secret_digest, (changed.secret_digest,), at)
        _record(connection, clients, changed, registration, "client.change-itself", f"client:{client_id}", at)
        return changed

    return _said(desk, clients.database.write(store), registration, secret=secret, management=token)


def _waits_anew(
    connection: Connection, clients: ClientDesk, client: Client, changed: Client, before: Registration, registration: Registration
) -> bool:
    """Whether a client whose kind waits for approval becomes another than the one that was approved: as people see it, or by where they are sent."""
    if client.status is not ClientStatus.ACTIVE:
        return False
    if changed.name == client.name and _leads(registration) <= _leads(before):
        return False
    token_id = client.created_by.removeprefix(MADE_BY)
    initial = find_initial_token(connection, token_id, clients.mac_key)
    return initial is not None and initial.needs_approval


def _leads(registration: Registration) -> frozenset[str]:
    """Every address that people are sent to, or are shown."""
    single = (registration.initiate_login_uri, registration.policy_uri, registration.tos_uri)
    return frozenset((*registration.redirect_uris, *registration.post_logout_redirect_uris, *single)) - {""}


def withdraw_itself(desk: SelfRegistration, client_id: str, token: str) -> None:
    """The client is disabled for good and its token counts no more (RFC 7592 2.3); the id never changes hands. REGISTRATION_TOKEN_INVALID."""
    clients, at = desk.clients, desk.clients.clock.now()

    def store(connection: Connection) -> None:
        client, registration = _managed(connection, clients, client_id, token)
        gone = client if client.status is ClientStatus.DISABLED else with_status(client, ClientStatus.DISABLED, at)
        gone = replace(gone, changed_at=at, version=client.version + 1)
        update_client(connection, gone, clients.mac_key)
        put_registration(connection, replace(registration, registration_token_digest=""), at, clients.mac_key)
        forget_secrets(connection, client_id)
        _record(connection, clients, gone, registration, "client.withdraw-itself", f"client:{client_id}", at)

    clients.database.write(store)


def check_addresses(outbound: Outbound, registration: Registration) -> None:
    """What the addresses must be good for. CLIENT_FIELD_INVALID.

    Those that we shall call must be allowed as far as that is known now; of a sector (OpenID Connect Registration 5) the list is fetched,
    and every redirect address must stand in it.
    """
    called = [(name, getattr(registration, name)) for name in ("jwks_uri", "backchannel_logout_uri", "sector_identifier_uri")]
    called += [("request_uris", each.partition("#")[0]) for each in registration.request_uris]
    for name, address in called:
        try:
            if address:
                outbound.check_url(address)
        except TrustError:
            raise refused(name, "an address that may be called") from None
    check_sector(outbound, registration)


def _within(
    stated: StatedClient,
    api_scopes: tuple[str, ...],
    wanted: Registration,
    sign_in_scopes: tuple[str, ...] = SIGN_IN_SCOPES,
    *,
    is_pkce_required: bool,
) -> tuple[Registration, tuple[str, ...]]:
    """The registration within what was allowed, and the scopes of the client's own."""
    sign_in, own = allowed_scopes(stated, api_scopes, sign_in_scopes)
    if CREDENTIALS in wanted.grant_types and not own:
        raise refused("grant_types", "client_credentials only with scopes of the client's own")
    return replace(wanted, scopes=sign_in, is_pkce_required=is_pkce_required or wanted.is_public), own


def _managed(connection: Connection, clients: ClientDesk, client_id: str, token: str) -> tuple[Client, Registration]:
    """The client that a registration token manages; which of id and token is wrong is not told (RFC 7592 2)."""
    found = find_client(connection, client_id, clients.mac_key)
    registration = None if found is None else find_registration(connection, client_id, clients.mac_key)
    kept = "" if registration is None else registration.registration_token_digest
    is_it = hmac.compare_digest(sm3(token.encode("utf-8", "replace")).hex(), kept)
    if found is None or registration is None or not kept or not is_it:
        raise TrustError(Kind.UNAUTHENTICATED, "REGISTRATION_TOKEN_INVALID")
    return found[0], registration


def _said(
    desk: SelfRegistration, client: Client, registration: Registration, *, management: str, secret: str | None = None
) -> dict[str, Any]:
    said = write_metadata(registration, client.name, client.scopes)
    if secret is not None and registration.token_endpoint_auth_method in _BY_SECRET:
        said |= {"client_secret": secret, "client_secret_expires_at": 0}
    return {
        **said,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "registration_access_token": management,
        "registration_client_uri": f"{desk.issuer}{REGISTER_PATH}/{client.client_id}",
    }


def _record(
    connection: Connection, clients: ClientDesk, client: Client, registration: Registration, action: str, actor: str, at: datetime
) -> None:
    clients.audit.record(
        connection,
        at=at,
        actor=actor,
        action=action,
        subject=f"client:{client.client_id}",
        outcome="done",
        facts={
            "status": client.status.value,
            "scopes": " ".join(client.scopes),
            "grant_types": " ".join(registration.grant_types)[:200],
            "method": registration.token_endpoint_auth_method,
            "redirect_uris": len(registration.redirect_uris),
            "request_uris": len(registration.request_uris),
        },
    )
