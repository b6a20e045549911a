"""``yinxin seal --remote FOLDER``: what the owner's device has to sign is laid out in a folder, and its signatures are taken from there.

Each run takes every file as far as it can; what is under way stands in the folder, so a run may end, or die, anywhere between.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from seal_service.actions.prepare_remote_signature import Awaited
    from seal_service.actions.record_use import User
    from seal_service.actions.seal_document import SealedDocument
    from seal_service.actions.seal_order import SealOrder
    from yinxin.assembly import House
    from yinxin.commands.seal_files import Outcome

SIGNATURE_BYTES: Final = 256  # r and s take 64, their DER at most 72
_NOTE_BYTES: Final = 64 * 1024
_OVER: Final = frozenset({"REMOTE_ORDER_OVER", "SEAL_USE_NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the orders of one file lie: the note of the order, what is to be signed, and the signature, by round."""

    folder: Path
    name: str

    @property
    def note(self) -> Path:
        """What is known of the order."""
        return self.folder / f"{self.name}.order.json"

    def to_be_signed(self, number: int) -> Path:
        """What the device signs in this round."""
        return self.folder / f"{self.name}.{number}.tbs"

    def signature(self, number: int) -> Path:
        """Where its signature is looked for."""
        return self.folder / f"{self.name}.{number}.sig"

    def lay_out(self, awaited: Awaited, wishes: str) -> dict[str, Any]:
        """Write down what is awaited, durably and the note last; what of it people are told."""
        from service_kit.durable_files import write_durably

        told = {
            "id": awaited.use_id,
            "round": awaited.round,
            "to_be_signed": str(self.to_be_signed(awaited.round)),
            "digest": awaited.digest.hex(),
            "signature": str(self.signature(awaited.round)),
            "expires_at": awaited.expires_at.isoformat(),
        }
        write_durably(self.to_be_signed(awaited.round), awaited.to_be_signed, mode=0o644)
        write_durably(self.note, json.dumps(told | {"wishes": wishes}, indent=2).encode() + b"\n", mode=0o644)
        return told

    def read_note(self, wishes: str) -> dict[str, Any] | None:
        """The order that is under way for the same document and wishes; of another nothing is taken up."""
        from yinxin.commands.seal_files import read_bounded

        try:
            found = json.loads(read_bounded(self.note, _NOTE_BYTES))
        except (FileNotFoundError, ValueError):
            return None
        is_ours = isinstance(found, dict) and found.get("wishes") == wishes and found.get("round") in {1, 2}
        return found if is_ours and isinstance(found.get("id"), str) else None

    def clear(self) -> None:
        """Away with what has ended."""
        for number in (1, 2):
            self.to_be_signed(number).unlink(missing_ok=True)
            self.signature(number).unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def seal_remotely(
    house: House, user: User, seal_id: str, order: SealOrder, plan: Sequence[tuple[Path, Path]], folder: Path
) -> Iterator[Outcome]:
    """Take every (document, target) of ``plan`` a step on. An outcome with ``awaits`` is one that waits for a signature."""
    from yinxin.commands.seal_files import Outcome

    for file, target in plan:
        started, desk = time.monotonic(), Desk(folder, file.name)
        try:
            found = _step(house, user, seal_id, order, file, target, desk)
        except TrustError as error:
            if error.code in _OVER:  # the next run begins anew
                desk.clear()
            yield Outcome(str(file), code=error.code, facts=error.facts, error=error)
        except OSError as error:
            yield Outcome(str(file), code="PATH_UNUSABLE", facts={"reason": error.strerror}, error=error)
        else:
            yield replace(found, seconds=round(time.monotonic() - started, 3))


def _step(house: House, user: User, seal_id: str, order: SealOrder, file: Path, target: Path, desk: Desk) -> Outcome:
    from crypto.sm3 import sm3
    from seal_service.actions.finish_remote_signature import finish_remote_signature
    from seal_service.actions.prepare_remote_signature import Awaited, find_awaited, prepare_remote_signature
    from seal_service.actions.seal_document import digest_of_order
    from seal_service.limits import DOCUMENT_BYTES
    from service_kit.durable_files import write_durably
    from yinxin.commands.seal_files import Outcome, read_bounded

    # 1. The document, and the order that is under way for it, or a new one.
    document = read_bounded(file, DOCUMENT_BYTES)
    if not target.parent.is_dir():  # asked before the seal is used: its result must have somewhere to go
        raise FileNotFoundError(2, "No such folder", str(target.parent))
    order = replace(order, document=document)
    wishes = f"{seal_id} {digest_of_order(order, sm3(document)).hex()}"
    note = desk.read_note(wishes)
    if note is None:
        desk.clear()
        awaited = prepare_remote_signature(house.context, user, seal_id, order)
        return Outcome(str(file), awaits=desk.lay_out(awaited, wishes), warnings=awaited.warnings)

    # 2. The signatures that have come, one round after the other.
    use_id, number = note["id"], int(note["round"])
    found: Awaited | SealedDocument | None = None
    while desk.signature(number).exists() and (found is None or isinstance(found, Awaited)):
        signature = read_bounded(desk.signature(number), SIGNATURE_BYTES)
        found = finish_remote_signature(house.context, user, seal_id, use_id, number=number, signature=signature)
        if isinstance(found, Awaited):
            number = found.round
    if found is None:
        found = find_awaited(house.context, user, seal_id, use_id)
    if isinstance(found, Awaited):
        return Outcome(str(file), awaits=desk.lay_out(found, wishes), warnings=found.warnings)

    # 3. The document is where it was wished before anything is cleared away.
    write_durably(target, found.content, mode=0o644)
    desk.clear()
    return Outcome(str(file), str(target), "valid", found.use_id, found.audit_id, found.is_repeated, found.warnings)
