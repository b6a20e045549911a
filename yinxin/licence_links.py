"""What the licence vault needs of the seal service, filled in the same process: sealing licence files, and verifying what is handed in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from licence_vault.actions.credential_desk import CredentialKeys
from licence_vault.actions.own_trust import own_trust
from licence_vault.credentials.issuance_messages import issuer_of
from licence_vault.model import AskedHolder
from licence_vault.ports import SealedFile
from licence_vault.verify import COPY_NAME, DATA_NAME, ORIGINAL_NAME
from licence_vault.verify_credential import is_credential
from seal_service import render
from seal_service.actions.foresee_use import foresee_use
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.model import DocumentForm
from seal_service.ports import ReservedFiles
from seal_service.verify import judge_examined
from standards.errors import TrustError
from yinxin.file_verdicts import judged_document, verify_any_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from licence_vault.ports import SealPlace
    from seal_service.ports import PresentPerson
    from service_kit.composition import ServiceContext

VAULT: Final = "~licence-vault"
"""Under this name powers and grants over seals are given to the vault. No client can be registered under it: theirs begin with a letter."""
DOCUMENT_TYPE: Final = "licence"  # so that a grant can be limited to licences
RESERVED_FILES: Final = ReservedFiles(frozenset({DATA_NAME, COPY_NAME, ORIGINAL_NAME}), VAULT, DOCUMENT_TYPE)
_FORMS: Final = (DocumentForm.PDF, DocumentForm.OFD)


class HouseSealer:
    """Seals licence files by the very action that serves ``POST /v1/seals/{id}/signatures``: grants, limits, audit and checks hold alike."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def seal(self, document: bytes, *, media_type: str, seal_id: str, order: SealPlace, idempotency_key: str, actor: str) -> SealedFile:
        """See ``licence_vault.ports.Sealer``. The content says what kind of file it is; ``media_type`` is for sealers elsewhere.

        The sealed file is not kept by the seal service: the vault keeps it, under a key of the licence's own.
        """
        del media_type, idempotency_key
        wanted = SealOrder(
            document,
            page=order.page,
            x_mm=order.x_mm,
            y_mm=order.page_height_mm - order.y_mm,
            is_result_kept=False,
            document_type=DOCUMENT_TYPE,
        )
        sealed = seal_document(self._context, User(VAULT, actor, holder=VAULT), seal_id, wanted)
        with self._context.cohorts.step("seal.judge"):
            judged = None if sealed.examined is None else judged_document(judge_examined(sealed.examined))
        return SealedFile(sealed.content, judged, sealed.digest)


class HouseReadiness:
    """By the rules that sealing itself goes by; what depends on the document to be sealed is found there alone."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def __call__(self, conn: Connection, seal_id: str, at: datetime) -> str | None:
        """See ``licence_vault.ports.SealReadiness``. A seal that is not granted to the vault is told as one that is not there, as at sealing."""
        try:
            foresee_use(self._context, conn, seal_id, VAULT, _FORMS, DOCUMENT_TYPE, at)
        except TrustError as refusal:
            return refusal.code
        return None


def may_hold_seals(knows: Callable[[Connection, str], bool], connection: Connection, holder: str) -> bool:
    """See ``seal_service.ports.HolderCheck``: whom the identity provider knows, and the vault, which is no client of it."""
    return holder == VAULT or knows(connection, holder)


def house_pictures(document: bytes, *, dpi: int) -> bytes:
    """See ``licence_vault.ports.PagePictures``."""
    return render.draw_page(document, dpi=dpi)


class HouseVerifier:
    """Verifies files that are handed in here, knowing besides the trust list what this deployment publishes of its licences."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._keys = CredentialKeys(context.keystore)

    def __call__(self, document: bytes, trust: TrustList, at: datetime, *, is_now: bool, holder: PresentPerson | None) -> Report:
        """See ``seal_service.ports.FileVerifier``. Of credentials only those of this deployment count."""
        knowledge = partial(own_trust, self._context, None if is_now else at)
        asked = None if holder is None else AskedHolder(holder.name, holder.code)
        issuers = {issuer_of(self._context.settings.base_url): self._keys.by_id()} if is_credential(document) else None
        return verify_any_file(document, trust, at, knowledge=knowledge, issuers=issuers, holder=asked)
