"""What the outbox does for seals: put a made one on file with the region, and tell who listens that a seal changed its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.actions.change_seal_state import record_step
from seal_service.actions.record_act import BY_ITSELF
from seal_service.errors import receipt_unusable
from seal_service.model import transition_named
from seal_service.ports import REGIONAL_PLATFORM, STATE_LISTENERS, StateChange
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext
    from service_kit.outbox import Message

FILE: Final = transition_named("file")
NOT_CONFIGURED: Final = "not-configured"
RECEIPT_CHARACTERS: Final = 64


def file_seal(context: ServiceContext, message: Message) -> None:
    """Put the seal of a message on file. Comes again until it succeeds; a seal that has gone on meanwhile is left alone.

    Raises SEAL_RECEIPT_UNUSABLE for a receipt that is empty, too long to be kept whole, no plain line, or the receipt of another seal.
    """
    seal_id, version = str(message.payload["seal_id"]), int(message.payload["version"])
    with context.database.read() as conn:
        seal = store.load_seal(conn, seal_id)
    if seal is None or seal.version != version or seal.state not in FILE.sources:
        return
    platform = REGIONAL_PLATFORM.of(context)
    receipt = NOT_CONFIGURED if platform is None else platform.file_seal(seal)
    if not 1 <= len(receipt) <= RECEIPT_CHARACTERS or not is_plain_text(receipt):  # a shortened receipt is a wrong one
        raise receipt_unusable(seal_id, RECEIPT_CHARACTERS)

    def record(conn: Connection) -> None:
        found = store.load_seal(conn, seal_id, is_locked=True)
        if found is None or found.version != version or found.state not in FILE.sources:
            return
        if receipt != NOT_CONFIGURED and store.is_filing_of_another(conn, seal_id, receipt):  # of an answer about another seal
            raise receipt_unusable(seal_id, RECEIPT_CHARACTERS)
        store.update_filing(conn, seal_id, receipt)
        record_step(context, conn, BY_ITSELF, found, FILE, reason="", at=context.clock.now(), facts={"filing": receipt})

    context.database.write(record)


def tell_state(context: ServiceContext, message: Message) -> None:
    """Tell every listener what changed, as it was recorded with the change; without one there is nothing to do."""
    listeners = STATE_LISTENERS.of(context)
    if not listeners:
        return
    told = message.payload
    at = store.read_time(int(told["at"]))
    change = StateChange(str(told["seal_id"]), str(told["code"]), str(told["state"]), int(told["version"]), at)
    for listener in listeners:
        listener(change)
