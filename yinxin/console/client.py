"""The console as a client of the identity provider: registered at the first sign-in, its secret derived from the deployment's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import idp.service
from crypto.jose import write_base64url
from crypto.sm3 import hmac_sm3
from idp.actions.find_clients import find_client
from idp.actions.register_client import NewClient, register_client
from idp.actions.rotate_secret import ensure_secret
from idp.actions.set_registration import set_registration
from idp.model.clients import SECRET_PREFIX
from idp.model.registrations import CODE, REFRESH, Registration
from standards.errors import TrustError
from yinxin.deployment import WEBHOOK_SECRETS_KEY
from yinxin.duties import CONSOLE_CLIENT, PAGE_SCOPES

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext

NAME: Final = "Yinxin 印信"  # people read it where they sign in, also on the way to their own licences
ACTOR: Final = "service:console"
SIGNED_IN: Final = "/console/signed-in"
SIGNED_OUT: Final = "/console/signed-out"
TOKENS_PER_MINUTE: Final = 6000  # one client for everybody who works here


def console_secret(context: ServiceContext) -> bytes:
    """The console's own secret; derived, so that a deployment from before there was a console needs no new one."""
    return hmac_sm3(context.keystore.open_secret(WEBHOOK_SECRETS_KEY), b"yinxin console v1")


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
    found = find_client(desk, CONSOLE_CLIENT)
    if found is None:
        try:
            new = NewClient(NAME, (), client_id=CONSOLE_CLIENT, tokens_per_minute=TOKENS_PER_MINUTE)
            register_client(desk, new, actor=ACTOR, secret=given)
        except TrustError as error:
            if error.code != "CLIENT_EXISTS":  # another process was quicker
                raise
    else:  # with a secret that somebody replaced the pages could sign nobody in
        ensure_secret(desk, CONSOLE_CLIENT, given, actor=ACTOR, why="it was not the one that the pages have")
    if found is None or found[1] != wanted:
        set_registration(desk, wanted, actor=ACTOR)
