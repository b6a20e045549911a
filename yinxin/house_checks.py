"""What ``/readyz`` and ``yinxin doctor`` ask of the house itself: algorithms, audit trail, log, disk, clock."""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

import licence_vault.service
from crypto.sm2 import SM2PrivateKey
from licence_vault.log.instance import open_licence_log
from service_kit.clock import SystemClock
from service_kit.entry_ids import new_entry_id
from service_kit.health import database_check
from service_kit.log_waiting import log_state
from service_kit.log_witnessing import is_refusal
from service_kit.lost_blobs import end_losses
from service_kit.named_blobs import count_blobs
from service_kit.row_codes import AlteredRows
from service_kit.tables import audit, duties, role_holders
from standards.errors import Kind, TrustError
from yinxin import links

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from service_kit.composition import Facts, ServiceContext
    from service_kit.transparency_log import TransparencyLog

FREE_BYTES_MIN: Final = 256 * 1024 * 1024  # a day of sealing; below it the machine is no longer sound
_MESSAGE: Final = b"yinxin self-test"


class _UndoneError(Exception):
    """Raised to undo what a check wrote."""


def house_checks(context: ServiceContext) -> Sequence[tuple[str, Callable[[], Facts]]]:
    """Name and function of each; the function returns facts, TrustError means that this process cannot do its work."""
    probe_key = SM2PrivateKey.generate()
    altered = AlteredRows(context.database, (role_holders, duties))

    def check_algorithms() -> Facts:
        signature = probe_key.sign(_MESSAGE)
        if not probe_key.public_key.verify(signature, _MESSAGE) or probe_key.public_key.verify(signature, _MESSAGE + b"!"):
            raise TrustError(Kind.UNAVAILABLE, "SELF_TEST_FAILED")
        return {"algorithm": "SM2 with SM3"}

    def check_audit() -> Facts:
        # A row is really inserted, and undone with its job: nothing but that shows that the next one could be
        def insert_and_undo(connection: Connection) -> None:
            at = context.clock.now()
            row = {"entry_id": new_entry_id(at), "entry": b"{}", "writer_id": "readiness", "number": 0, "mac": b""}
            connection.execute(insert(audit), {**row, "actor": "readiness", "action": "readiness.check", "subject": "audit"})
            raise _UndoneError

        try:
            with suppress(_UndoneError):
                context.database.write(insert_and_undo)
        except (TrustError, SQLAlchemyError) as error:
            reason = error.facts.get("reason", error.code) if isinstance(error, TrustError) else type(error).__name__
            raise TrustError(Kind.UNAVAILABLE, "AUDIT_UNAVAILABLE", reason=reason) from error
        return {}

    def check_log() -> Facts:
        state = log_state(context.log, context.clock)
        return {"entries": state.size, "waiting": state.waiting, "waiting_seconds": state.waiting_seconds}

    def check_disk() -> Facts:
        free = shutil.disk_usage(context.settings.dir).free
        if free < FREE_BYTES_MIN:
            raise TrustError(Kind.UNAVAILABLE, "DISK_ALMOST_FULL", free_bytes=free, wanted_bytes=FREE_BYTES_MIN)
        return {"free_mib": free // (1024 * 1024)}

    def check_clock() -> Facts:
        now = context.clock.now()
        unsaved = context.clock.unsaved if isinstance(context.clock, SystemClock) else None
        if unsaved is not None:
            raise TrustError(Kind.UNAVAILABLE, "CLOCK_FLOOR_UNSAVED", reason=unsaved.strerror or type(unsaved).__name__)
        return {"now": now.isoformat(timespec="seconds")}

    def check_rights() -> Facts:
        # Told and not refused: the altered row itself gives nothing, and a server that stops for it is what its writer may want
        return {"altered_rows": altered.count()}

    return (
        ("database", database_check(context.database)),
        ("algorithms", check_algorithms),
        ("audit", check_audit),
        ("audit_log", check_log),
        ("disk", check_disk),
        ("clock", check_clock),
        ("rights", check_rights),
    )


def start_checks(context: ServiceContext) -> Sequence[tuple[str, Callable[[], Facts]]]:
    """What a start refuses over beside what cannot be opened: as ``house_checks``, and for whoever wants to know it before. They write nothing."""

    def check_trust() -> Facts:
        return {"anchors": len(context.trust().anchors)}

    return (*((f"{name}_files", partial(_look, log)) for name, log in _logs(context)), ("trust_list", check_trust))


def anchor_checks(context: ServiceContext) -> Sequence[tuple[str, Callable[[], Facts]]]:
    """Whether the further places of the logs' checkpoints can be written, where the settings name some: as ``house_checks``. No start refuses over one that
    is away, as no running process stops for it: ``/readyz`` says so once there is a checkpoint to be put there.
    """
    if not context.settings.logs.anchor_paths:
        return ()
    return tuple((f"{name}_anchors", partial(_look_at_anchors, log)) for name, log in _logs(context))


def witness_checks(context: ServiceContext) -> Sequence[tuple[str, Callable[[], Facts]]]:
    """Whether the witnesses of the licence log, where the settings name some, know of no more than its newest checkpoint: after an old backup was put back
    they may be the only ones who do. As ``house_checks``, for ``yinxin doctor``: they are called, and nothing is kept. One that does not answer is
    counted (``silent``) and no failure: it holds up nothing. No start refuses over them either, as anybody's witness could stop it by a word.
    """
    if licence_vault.service.NAME not in links.services_of(context.settings):
        return ()
    desk = licence_vault.service.witness_desk(context, open_licence_log(context))
    if desk is None:
        return ()

    def check_witnesses() -> Facts:
        looked, silent = desk.look(), dict[str, str]()
        for witness, error in looked:
            if error is not None and is_refusal(error):
                raise TrustError(error.kind, error.code, witness=witness.key.name, tree=witness.tree, **error.facts)
            if error is not None:
                silent[witness.key.name] = error.code
        return {"asked": len(looked), **({"silent": len(silent), "first": " ".join(next(iter(silent.items())))} if silent else {})}

    return (("licence_witnesses", check_witnesses),)


def document_checks(context: ServiceContext, actor: str) -> Sequence[tuple[str, Callable[[], Facts]]]:
    """Whether the documents are there that rows name, by their names alone: as ``house_checks``, for ``yinxin doctor``. Without one of them everything
    else works, so that no start refuses over it. ``actor``: for whom it is recorded that documents which were on record as lost are there again.
    """

    def check_documents() -> Facts:
        is_stored = context.blobs.listed()
        lost = end_losses(context.database, context.audit, is_stored, actor=actor, at=context.clock.now())
        with context.database.read() as connection:
            found = count_blobs(connection, links.blob_places(), is_stored, lost)
        on_record = {"lost_on_record": found.lost} if found.lost else {}
        if found.first is not None:
            where = {"table": found.first.table, "row": found.first.row, "blob": found.first.blob}
            raise TrustError(Kind.UNAVAILABLE, "BLOB_MISSING", missing=found.missing, named=found.named, **where, **on_record)
        return {"named": found.named, **on_record}

    return (("documents", check_documents),)


def _logs(context: ServiceContext) -> list[tuple[str, TransparencyLog]]:
    is_licensing = licence_vault.service.NAME in links.services_of(context.settings)
    return [("audit_log", context.log), *([("licence_log", open_licence_log(context))] if is_licensing else [])]


def _look(log: TransparencyLog) -> Facts:
    return {"entries": log.look().size}


def _look_at_anchors(log: TransparencyLog) -> Facts:
    log.files.check_anchors()
    return {}
