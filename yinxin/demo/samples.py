"""Further files to try the verification page with: the code on the licence in force, and a document whose seal was frozen afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import Receipt
from licence_vault.actions.finish_issue import VERIFY_PATH
from licence_vault.actions.own_trust import own_trust
from licence_vault.faces.qr import claims_of, write_qr
from licence_vault.key_rings import signing_key_id
from licence_vault.model import read_salted_licence
from licence_vault.status.tokens import SM2_KEY
from licence_vault.verify import DATA_NAME, LEAF_NAME
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.find_seals import list_seals
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.life import transition_named
from seal_service.limits import PAGE_SIZE_MAX
from seal_service.model import USABLE
from service_kit.durable_files import PUBLIC_MODE, write_durably
from yinxin.demo.document import SEAL_KEYWORD
from yinxin.file_verdicts import HouseJudge
from yinxin.verification_page.samples import CODE_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from seal_service.model import Seal
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

FROZEN_FILE: Final = "frozen.pdf"
FROZEN_PURPOSE: Final = "演示停用章"
FROZEN_REASON: Final = "演示冻结 Demonstration of a freeze"
PROOF_FILE: Final = "licence.sm3.tlog-proof"


def seal_to_freeze(context: ServiceContext, caller: Caller, folder: Path, *, organisation: str, credit_code: str) -> Seal | None:
    """Seal a document with a seal of its own; the seal, where it is still to be frozen. ``folder`` holds the original document."""
    seal = next((each for each in list_seals(context, caller, after="", limit=PAGE_SIZE_MAX) if each.purpose == FROZEN_PURPOSE), None)
    if seal is None:
        wanted = SealRequest(organisation=organisation, credit_code=credit_code, purpose=FROZEN_PURPOSE, type_code="99")
        seal = make_seal(context, caller, wanted)
    if seal.state is not USABLE:
        return None
    if not (folder / FROZEN_FILE).exists():
        order = SealOrder((folder / "original.pdf").read_bytes(), keyword=SEAL_KEYWORD)
        sealed = seal_document(context, User(caller.client_id, caller.actor), seal.id, order).content
        write_durably(folder / FROZEN_FILE, sealed, mode=PUBLIC_MODE)
    return seal


def freeze(context: ServiceContext, caller: Caller, seal: Seal, folder: Path) -> None:
    """Freeze it, in a later second than that of the sealing: what was sealed within the second of a freeze counts as sealed after it."""
    time.sleep(max(0.0, int((folder / FROZEN_FILE).stat().st_mtime) + 1 - context.clock.now().timestamp()))
    change_seal_state(context, caller, seal.id, transition_named("freeze"), reason=FROZEN_REASON)


def write_code(context: ServiceContext, folder: Path) -> None:
    """Write down what the code on the licence in ``folder`` says: the address that a phone opens."""
    if not (folder / CODE_FILE).exists():
        write_durably(folder / CODE_FILE, _code_on(context, (folder / "licence.pdf").read_bytes()).encode("ascii"), mode=PUBLIC_MODE)


def _code_on(context: ServiceContext, licence: bytes) -> str:
    """The text of the code that is printed on a licence file, made again from what the file carries."""
    now = context.clock.now()
    files = HouseJudge().judge(licence, context.trust().joined_with(own_trust(context)), now).sealed_files or {}
    salted = read_salted_licence(files[DATA_NAME])
    proof = Receipt.from_text(files[LEAF_NAME], files[PROOF_FILE])
    claims = claims_of(salted.data, log_index=proof.index, commitment=salted.commitment())
    signer = context.keystore.signer(signing_key_id(context.database, SM2_KEY, now))
    return write_qr(claims, page=context.settings.base_url + VERIFY_PATH, signer=signer)
