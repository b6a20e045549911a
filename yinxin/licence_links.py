"""What the licence vault needs of the seal service, filled in the same process: sealing licence files, and judging sealed documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder

if TYPE_CHECKING:
    from licence_vault.ports import SealPlace
    from service_kit.composition import ServiceContext

VAULT: Final = "~licence-vault"
"""Under this name powers and grants over seals are given to the vault. No client can be registered under it: theirs begin with a letter."""
DOCUMENT_TYPE: Final = "licence"  # so that a grant can be limited to licences


class HouseSealer:
    """Seals licence files by the very action that serves ``POST /v1/seals/{id}/signatures``: grants, limits, audit and checks hold alike."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def seal(self, document: bytes, *, media_type: str, seal_id: str, order: SealPlace, idempotency_key: str, actor: str) -> bytes:
        """See ``licence_vault.ports.Sealer``. The content says what kind of file it is; ``media_type`` is for sealers elsewhere."""
        del media_type
        wanted = SealOrder(
            document,
            page=order.page,
            x_mm=order.x_mm,
            y_mm=order.page_height_mm - order.y_mm,
            idempotency_key=idempotency_key,
            document_type=DOCUMENT_TYPE,
        )
        return seal_document(self._context, User(VAULT, actor, holder=VAULT), seal_id, wanted).content
