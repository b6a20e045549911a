"""What the vault does with wallets, put together: credentials issued to them, and licences shown by them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from crypto.sealed_values import ValueSealer
from licence_vault.actions import credential_source
from licence_vault.actions.ask_presentation import sweep_presentations
from licence_vault.actions.credential_desk import CredentialDesk, CredentialKeys
from licence_vault.actions.credential_source import VaultSource
from licence_vault.actions.issue_credential import sweep_credential_offers, void_stale_credentials
from licence_vault.actions.presentation_desk import PresentationDesk, status_here
from licence_vault.api import credential_routes, presentation_routes
from licence_vault.api.credential_routes import add_credential_routes
from licence_vault.api.presentation_routes import add_presentation_routes
from service_kit.composition import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from licence_vault.content_vault import ContentVault
    from service_kit.composition import ServiceContext

NONCES: Final = "licence-wallet-nonces"  # names of secrets in the keystore
PRESENTATIONS: Final = "licence-presentations"
SECRETS: Final = (NONCES, PRESENTATIONS)
SCOPES: Final = {**credential_routes.SCOPES, **presentation_routes.SCOPES}
EVENT_TYPES: Final = credential_source.EVENT_TYPES
TAGS: Final = (
    {"name": "credentials", "description": "Licences for wallets: offers, and the issuer that wallets talk to (OpenID4VCI)."},
    {"name": "presentations", "description": "Asking wallets for licences (OpenID4VP)."},
)
VOID_EVERY_SECONDS: Final = 30.0
SWEEP_EVERY_SECONDS: Final = 600.0


def desks_of(context: ServiceContext, contents: ContentVault) -> tuple[CredentialDesk, PresentationDesk]:
    """What issuing to wallets needs, and what asking them does. Only credentials of this vault count."""
    base_url, keys = context.settings.base_url, CredentialKeys(context.keystore)
    desk = CredentialDesk(
        database=context.database,
        audit=context.audit,
        clock=context.clock,
        keys=keys,
        source=VaultSource(context, contents),
        base_url=base_url,
        nonce_key=context.keystore.open_secret(NONCES),
    )
    asking = PresentationDesk(
        database=context.database,
        audit=context.audit,
        clock=context.clock,
        base_url=base_url,
        sealer=ValueSealer(context.keystore.open_secret(PRESENTATIONS)),
        issuers=lambda: {desk.issuer: keys.by_id()},
        status_of=status_here(context.database, base_url),
    )
    return desk, asking


def add_wallet_routes(router: APIRouter, context: ServiceContext, contents: ContentVault) -> Sequence[Job]:
    """Add what wallets and those who ask them call; what is to be done without being asked comes back."""
    desk, asking = desks_of(context, contents)
    add_credential_routes(router, desk)
    add_presentation_routes(router, asking)
    return (
        Job("licence-credentials-void", VOID_EVERY_SECONDS, partial(void_stale_credentials, desk)),
        Job("licence-credential-offers-sweep", SWEEP_EVERY_SECONDS, partial(sweep_credential_offers, desk)),
        Job("licence-presentations-sweep", SWEEP_EVERY_SECONDS, partial(sweep_presentations, asking)),
    )
