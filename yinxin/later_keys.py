"""Which keys of a deployment came with a later version, of the house itself and of every service; made when it is started (``service_kit.later_keys``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

import idp.service
import licence_vault.service
import seal_service.service
from crypto.signatures import SignatureAlgorithm
from service_kit.database import Database
from service_kit.later_keys import LaterKey, ensure_later_keys, record_later_keys
from service_kit.tables import audit, webhook_endpoints
from standards.errors import Kind, TrustError
from yinxin.console.tables import sessions
from yinxin.deployment import MAKER_KEY, WEBHOOK_KEY, WEBHOOK_SECRETS_KEY
from yinxin.pki.authorities import MAKER
from yinxin.pki.tables import certificates

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from yinxin.deployment import Deployment

ACTOR: Final = "service:start"
_WEBHOOKS: Final = (select(webhook_endpoints.c.endpoint_id), select(audit.c.position).where(audit.c.action.like("webhook.%")))
_TOLD_TO_THE_REGION: Final = (
    seal_service.service.TOLD_TO_THE_REGION,
    licence_vault.service.TOLD_TO_THE_REGION,
    select(audit.c.position).where(audit.c.action == "licence-foreign.query"),
)
LATER_KEYS: Final = (
    LaterKey(MAKER_KEY, SignatureAlgorithm.SM2_SM3, (select(certificates.c.serial).where(certificates.c.profile == MAKER),)),
    LaterKey(WEBHOOK_KEY, SignatureAlgorithm.SM2_SM3, (*_WEBHOOKS, *_TOLD_TO_THE_REGION)),
    LaterKey(WEBHOOK_SECRETS_KEY, None, (*_WEBHOOKS, select(sessions.c.cookie_hash))),
    *idp.service.LATER_KEYS,
    *licence_vault.service.LATER_KEYS,
)


def make_later_keys(deployment: Deployment) -> None:
    """Make what a finished deployment of an older version has never had; once, before worker processes start. KEY_UNKNOWN where one is lost."""
    if deployment.certificate_path(MAKER).exists() and not any(key.key_id == MAKER_KEY for key in deployment.keystore.list()):
        raise TrustError(Kind.NOT_FOUND, "KEY_UNKNOWN", key_id=MAKER_KEY)
    database = Database(deployment.settings.database_url, 1)
    try:
        ensure_later_keys(deployment.keystore, database, LATER_KEYS)
        licence_vault.service.ensure_credential_keys(deployment.keystore, database)
    finally:
        database.close()


def record_made(context: ServiceContext) -> None:
    """Put on record what this start made, or one before it that was cut off. After the tables are migrated."""
    context.database.write(lambda connection: record_later_keys(connection, context.audit, LATER_KEYS, at=context.clock.now(), actor=ACTOR))
