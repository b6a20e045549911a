"""The trust bundles of a deployment, with whatever its services publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import licence_vault.service
import seal_service.service
from seal_service.actions.publish_status import StatusPublisher
from yinxin import links
from yinxin.offline_verifier.trust_bundle import TrustBundles

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext


def open_bundles(context: ServiceContext) -> TrustBundles:
    """For a process that runs the services that the settings name."""
    services = links.services_of(context.settings)
    publisher = StatusPublisher(context) if seal_service.service.NAME in services else None
    return TrustBundles(context, publisher, licence_vault.service.NAME in services)
