"""The console as a client of the identity provider: registered at the first sign-in, its secret derived from the deployment's own."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import idp.service
from crypto.jose import write_base64url
from crypto.sm3 import hmac_sm3
from idp.actions.authenticate_client import secret_digest
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_registration import set_registration
from idp.model.clients import SECRET_PREFIX, with_secret
from idp.model.registrations import CODE, REFRESH, Registration
from idp.store.clients import find_client, update_client
from idp.store.registrations import find_registration
from standards.errors import TrustError
from yinxin.duties import CONSOLE_CLIENT, PAGE_SCOPES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.register_client import ClientDesk
    from idp.model.clients import Client
    from service_kit.composition import ServiceContext

NAME: Final = "Yinxin console 印信管理台"
ACTOR: Final = "service:console"
SIGNED_IN: Final = "/console/signed-in"
SIGNED_OUT: Final = "/console/signed-out"
TOKENS_PER_MINUTE: Final = 6000  # one client for everybody who works here


def client_secret(secret: bytes) -> str:
    """The console's client secret from the console's own secret."""
    return SECRET_PREFIX + write_base64url(hmac_sm3(secret, b"yinxin console client secret v1"))


def wanted_registration(base_url: str) -> Registration:
    """What the console registers: the code flow, first party, for everything that people may do at pages."""
    return Registration(
        CONSOLE_CLIENT,
        redirect_uris=(base_url + SIGNED_IN,),
        post_logout_redirect_uris=(base_url + SIGNED_OUT,),
        grant_types=(CODE, REFRESH),
        scopes=("openid", "profile"),
        person_scopes=PAGE_SCOPES,
        is_own=True,
    )


def ensure_client(context: ServiceContext, secret: bytes) -> None:
    """Register the console where it is not, and set right what differs. CLIENT_FIELD_INVALID where the deployment's address may not be one of a client."""
    desk = idp.service.client_desk(context)
    given, wanted = client_secret(secret), wanted_registration(context.settings.base_url)
    with context.database.read() as connection:
        found = find_client(connection, CONSOLE_CLIENT, desk.mac_key)
        present = find_registration(connection, CONSOLE_CLIENT, desk.mac_key)
    if found is None:
        try:
            new = NewClient(NAME, (), client_id=CONSOLE_CLIENT, tokens_per_minute=TOKENS_PER_MINUTE)
            register_client(desk, new, actor=ACTOR, secret=given)
        except TrustError as error:
            if error.code != "CLIENT_EXISTS":  # another process was quicker
                raise
    digest = secret_digest(desk.pepper, given)
    if found is not None and not hmac.compare_digest(
        found[0].secret_digest, digest
    ):  # somebody replaced it: the pages could sign nobody in
        _set_secret(context, desk, found[0], digest)
    if present != wanted:
        set_registration(desk, wanted, actor=ACTOR)


def _set_secret(context: ServiceContext, desk: ClientDesk, present: Client, digest: bytes) -> None:
    at = context.clock.now()
    renewed = with_secret(present, digest, at, 0)  # nor does the one before go on beside it, which somebody else may know

    def store(connection: Connection) -> None:
        update_client(connection, renewed, desk.mac_key)
        context.audit.record(
            connection,
            at=at,
            actor=ACTOR,
            action="client.rotate-secret",
            subject=f"client:{CONSOLE_CLIENT}",
            outcome="done",
            facts={"overlap_seconds": 0, "why": "it was not the one that the pages have"},
        )

    context.database.write(store)
