"""The second half of making an annotated copy: proof from the public log, drawing, sealing, checking, giving out (transaction 2).

Every step can be taken again from what transaction 1 left: the request does it, or the sweeper after a crash. A copy of a licence that is not in
force any more, or was erased meanwhile, is abandoned.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.report import Outcome, Verdict
from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.finish_issue import MEDIA_TYPES, definition_of_version, template_of_version
from licence_vault.actions.record_use import record_use
from licence_vault.copies import CopyState, SaltedCopy, read_salted_copy
from licence_vault.copy_errors import copy_abandoned, copy_not_found, copy_over
from licence_vault.errors import is_passing, is_self_check, issuing_refused, licence_erased, licence_not_found, licence_state_conflict
from licence_vault.faces import marks
from licence_vault.faces.draw import draw_ofd, draw_pdf
from licence_vault.limits import COPY_RETRY_SECONDS, COPY_SELF_CHECK_SECONDS
from licence_vault.log.instance import TREES
from licence_vault.model import LicenceState, read_salted_licence
from licence_vault.ports import SealPlace
from licence_vault.uses import DONE, UseAction, UseMode, read_officer
from licence_vault.validity import check_days
from licence_vault.verify import COPY_FILES, ORIGINAL_FILES, verify_judged
from service_kit import fail_points
from service_kit.idempotency import Claim, ClaimState
from standards.errors import MalformedError, TrustError
from standards.gbt7408_times import CHINA

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.issuing_means import IssuingMeans, LogProof
    from licence_vault.content_vault import ContentKey
    from licence_vault.copies import CopyRecord
    from licence_vault.model import SaltedLicence
    from licence_vault.ports import SealedFile
    from licence_vault.register import IssuingAuthority, LicenceRecord, TypeVersion
    from licence_vault.uses import Officer
    from licence_vault.verify import FileNames

_DRAW: Final = {"pdf": draw_pdf, "ofd": draw_ofd}


@dataclass(frozen=True, slots=True)
class CopyUse:
    """Who comes to have the copy, and by what right; ``mode`` None: the issuing authority itself. ``client``, ``actor``: as of a ``Caller``.

    ``entrustment_id``, ``power_client``, ``power_grant``: what a use code by which it was given hangs on, as ``UseCode`` has them.
    """

    client: str
    actor: str
    mode: UseMode | None = None
    officer: Officer | None = None
    entrustment_id: str | None = None
    power_client: str = ""
    power_grant: str = ""

    @property
    def is_by_power(self) -> bool:
        """Whether it hangs on a power over an organisation's licences."""
        return self.mode is UseMode.ENTRUSTED and self.entrustment_id is None


@dataclass(frozen=True, slots=True)
class CopyNote:
    """What is sealed of a copy while it is made and kept: what it says, and for which use it is."""

    salted: SaltedCopy
    use: CopyUse

    def write(self) -> bytes:
        """As it is sealed: JSON."""
        use = self.use
        officer = None if use.officer is None else use.officer.write().decode()
        mode, hangs_on = None if use.mode is None else use.mode.value, (use.entrustment_id, use.power_client, use.power_grant)
        whole = [self.salted.canonical().decode(), use.client, use.actor, mode, officer, *hangs_on]
        return json.dumps(whole, ensure_ascii=False).encode()


def read_note(written: bytes) -> CopyNote:
    """What ``CopyNote.write`` wrote, also before it told what a use hangs on."""
    salted, client, actor, mode, officer, *hangs_on = json.loads(written)
    use = CopyUse(
        client, actor, None if mode is None else UseMode(mode), None if officer is None else read_officer(officer.encode()), *hangs_on
    )
    return CopyNote(read_salted_copy(salted.encode()), use)


@dataclass(frozen=True, slots=True)
class MadeCopy:
    """A copy with its file."""

    record: CopyRecord
    content: bytes


@dataclass(frozen=True, slots=True)
class _Source:
    """What a copy is made from."""

    licence: LicenceRecord
    version: TypeVersion
    issuer: IssuingAuthority
    key: ContentKey
    note: CopyNote
    made_entry: str  # of the leaf that the licence itself made


def check_copyable(licence: LicenceRecord, at: datetime) -> TrustError | None:
    """Why no copy of it is made now, None where one is: it must be in force, by its state and by its days, and not erased."""
    if licence.data_sealed is None:
        return licence_erased(licence.id)
    if licence.state is not LicenceState.ISSUED:
        return licence_state_conflict(licence.id, "copy", licence.state)
    days = check_days(licence.valid_from, licence.valid_to, at)
    return None if days.outcome is Outcome.PASS else licence_state_conflict(licence.id, "copy", days.code)


def record_copy_use(
    means: IssuingMeans, conn: Connection, licence: LicenceRecord, use: CopyUse, action: UseAction, reason: str, outcome: str, at: datetime
) -> None:
    """The line of the access log."""
    record_use(
        means.context,
        means.contents,
        conn,
        licence=licence,
        action=action,
        mode=use.mode,
        client=use.client,
        actor=use.actor,
        officer=use.officer,
        reason=reason,
        outcome=outcome,
        at=at,
    )


def finish_copy(means: IssuingMeans, record: CopyRecord) -> MadeCopy:
    """Make what was intended, and return it with its file; one that is made already is returned as it is.

    Where something needed is not there now, or somebody else is at it, it stays and the sweeper goes on; what is refused for good is abandoned, and
    so is what an own verifier has refused for ``COPY_SELF_CHECK_SECONDS``. Raises what stood in the way; LICENCE_COPY_ABANDONED for one that was given up before.
    """
    if record.state is CopyState.MAKING:
        try:
            record = _make(means, record)
        except TrustError as error:
            is_refused = is_self_check(error)
            is_last = is_refused and means.context.clock.now() >= record.made_at + timedelta(seconds=COPY_SELF_CHECK_SECONDS)
            if is_passing(error) and not is_last:
                _put_back(means, record)
                raise
            with suppress(TrustError):  # where even that cannot be written, the sweeper does it
                abandon_copy(means, record, error.code)
            if is_refused:  # so far the answer was "later"; now nothing comes later
                raise copy_abandoned(record.id, error.code) from error
            raise
    if record.state is CopyState.ABANDONED:
        raise copy_abandoned(record.id, record.refusal)
    return MadeCopy(record, read_copy(means, record))


def read_copy(means: IssuingMeans, record: CopyRecord) -> bytes:
    """The file of a copy; that it is given out must be on record already. LICENCE_COPY_NOT_FOUND, LICENCE_ERASED, SEALED_VALUE_DAMAGED."""
    with means.context.database.read() as conn:
        key_sealed = store.load_key(conn, record.licence_id)
    if record.blob is None:
        raise copy_not_found(record.id)
    if key_sealed is None:
        raise licence_erased(record.licence_id)
    key = means.contents.open_key(record.licence_id, key_sealed)
    return key.open_copy(record.id, means.context.blobs.get(record.blob))


def _make(means: IssuingMeans, record: CopyRecord) -> CopyRecord:
    # 1. Still in its time; what it is made from; and the licence still says what was logged.
    if means.context.clock.now() > record.until:
        raise copy_over(record.id)
    source = _load(means, record)
    original = read_salted_licence(source.key.open_data(source.licence.data_sealed or b""))
    salted = source.note.salted
    if original.commitment() != salted.statement.licence:
        raise issuing_refused(record.licence_id, "the data are not those that were logged")

    # 2. The proofs that both stand in the public log: the licence as it was made, and this copy.
    proofs = ((ORIGINAL_FILES, original, means.await_proof(source.made_entry)), (COPY_FILES, salted, means.await_proof(record.entry_id)))
    fail_points.reach("make-copy.logged")

    # 3. Drawn with its marks, sealed with no transaction open, held against our own verifier, kept under the licence's key.
    attachments = {name: content for names, said, proof in proofs for name, content in _files(names, said, proof).items()}
    sealed = _seal(means, record, source, original, attachments)
    fail_points.reach("make-copy.sealed")
    _check(means, record, sealed, attachments)
    content = sealed.content
    blob = means.context.blobs.put(source.key.seal_copy(record.id, content))
    fail_points.reach("make-copy.stored")

    # 4. tx 2: the copy, the line of the access log, the audit entry, the idempotency answer.
    made = means.context.database.write(lambda conn: _record_made(means, conn, record, source.note, content, blob))
    fail_points.reach("make-copy.recorded")
    return made


def _load(means: IssuingMeans, record: CopyRecord) -> _Source:
    with means.context.database.read() as conn:
        licence = store.load_licence(conn, record.licence_id)
        key_sealed = store.load_key(conn, record.licence_id)
        events = store.list_events(conn, record.licence_id)
        if licence is None or not events:
            raise licence_not_found(record.licence_id)
        version = store.recall_type(conn, licence.type_code, licence.type_version)
        issuer = store.load_issuer(conn, licence.issuer_code)
    if key_sealed is None or record.note_sealed is None:
        raise licence_erased(licence.id)
    if version is None or issuer is None:
        raise licence_not_found(licence.id)
    key = means.contents.open_key(licence.id, key_sealed)
    return _Source(licence, version, issuer, key, read_note(key.open_note(record.id, record.note_sealed)), events[0].entry_id)


def _files(names: FileNames, said: SaltedLicence | SaltedCopy, proof: LogProof) -> dict[str, bytes]:
    """What is said, the leaf that commits to it, and its proof in each tree, in the order of the trees."""
    proofs = (proof.proofs[tree] for tree in TREES)
    return {names.data: said.canonical(), names.leaf: proof.leaf, **dict(zip(names.proofs, proofs, strict=True))}


def _seal(
    means: IssuingMeans, record: CopyRecord, source: _Source, original: SaltedLicence, attachments: Mapping[str, bytes]
) -> SealedFile:
    """The face with who, why and until when over it. It bears no printed code: scanned, that would answer for the original."""
    definition, template = definition_of_version(source.version), template_of_version(source.version)
    said = source.note.salted.statement
    note = marks.CopyNote(said.made_by, said.reason, said.made_at.astimezone(CHINA), said.until.astimezone(CHINA))
    drawn = _DRAW[record.form](
        original.data,
        template,
        attachments,
        qr_text=None,
        marks=marks.Marks(copy_note=note, watermark=f"加注件 仅供{said.made_by}使用"),
    )
    return means.need_seals().sealer.seal(
        drawn,
        media_type=MEDIA_TYPES[record.form],
        seal_id=source.issuer.seal_id,
        order=SealPlace(definition.sealing.page, definition.sealing.x_mm, definition.sealing.y_mm, template.height_mm),
        idempotency_key=f"{record.id}-{sm3(drawn).hex()[:32]}",
        actor=record.actor,
    )


def _check(means: IssuingMeans, record: CopyRecord, sealed: SealedFile, attachments: Mapping[str, bytes]) -> None:
    """Our own verifier calls it a valid copy, and under the seal stands exactly what was put there. LICENCE_SELF_CHECK_FAILED.

    Only the status is not asked: that the licence is in force is decided in the transaction that gives the copy out.
    """
    trust, at = replace(means.context.trust(), logs=means.logs), means.context.clock.now()
    judged = sealed.judged or means.need_seals().judge.judge(sealed.content, trust, at)
    if judged.report.verdict is not Verdict.VALID:
        raise issuing_refused(record.licence_id, f"verdict {judged.report.verdict}")
    if judged.sealed_files is None or dict(judged.sealed_files) != dict(attachments):
        raise issuing_refused(record.licence_id, "what is attached under the seal")
    found = verify_judged(judged, trust, at)
    if not found.is_copy:
        raise issuing_refused(record.licence_id, "no copy")
    for question in found.report.questions:
        if question.verdict is not Verdict.VALID and question.name != "status":
            raise issuing_refused(record.licence_id, f"{question.name} {question.verdict}")


def _record_made(means: IssuingMeans, conn: Connection, record: CopyRecord, note: CopyNote, content: bytes, blob: str) -> CopyRecord:
    # 1. Somebody else may have been faster: a copy is made once.
    context, at = means.context, means.context.clock.now()
    licence = store.load_licence(conn, record.licence_id, is_locked=True)
    found = store.load_copy(conn, record.id, is_locked=True)
    if licence is None or found is None:
        raise copy_not_found(record.id)
    if found.state is not CopyState.MAKING:
        return found

    # 2. The licence may have been revoked or erased meanwhile: of such a one nothing is given out.
    refusal = check_copyable(licence, at)
    if refusal is not None:
        raise refusal

    # 3. The copy, the use, the audit entry.
    digest = sm3(content)
    store.end_copy(conn, record.id, CopyState.MADE, file_digest=digest, size_bytes=len(content), blob=blob)
    record_copy_use(means, conn, licence, note.use, UseAction.COPIED, note.salted.statement.reason, DONE, at)
    context.audit.record(
        conn,
        at=at,
        actor=record.actor,
        action="licence.copy",
        subject=f"licence:{licence.id}",
        outcome="done",
        facts={"copy": record.id, "form": record.form, "file": digest.hex()},
    )

    # 4. The answer to the request. Claims are forgotten after a day, and a server may be away for longer.
    if record.claim_digest is not None:
        with suppress(TrustError):
            context.idempotency.finish(conn, Claim(record.claim_digest, ClaimState.NEW, record.id), status=201)
    return replace(found, state=CopyState.MADE, file_digest=digest, size_bytes=len(content), blob=blob)


def abandon_copy(means: IssuingMeans, record: CopyRecord, code: str) -> None:
    """Give a copy up: nothing of it is ever given out, and its leaf in the log stands for nothing but that it was ordered."""

    def abandon(conn: Connection) -> None:
        context, at = means.context, means.context.clock.now()
        licence = store.load_licence(conn, record.licence_id, is_locked=True)
        found = store.load_copy(conn, record.id, is_locked=True)
        if licence is None or found is None or found.state is not CopyState.MAKING:
            return
        store.end_copy(conn, record.id, CopyState.ABANDONED, refusal=code)
        key_sealed = store.load_key(conn, licence.id)
        note = None
        if key_sealed is not None and found.note_sealed is not None:  # of an erased licence nobody's use can be told
            with suppress(MalformedError, TrustError):  # a note that cannot be read keeps nothing from ending
                note = read_note(means.contents.open_key(licence.id, key_sealed).open_note(record.id, found.note_sealed))
        if note is not None:
            record_copy_use(means, conn, licence, note.use, UseAction.REFUSED, note.salted.statement.reason, code, at)
        context.audit.record(
            conn,
            at=at,
            actor=record.actor,
            action="licence.copy",
            subject=f"licence:{licence.id}",
            outcome="refused",
            facts={"copy": record.id, "code": code},
        )
        if record.claim_digest is not None:
            context.idempotency.release(conn, Claim(record.claim_digest, ClaimState.RESUMED, None))

    means.context.database.write(abandon)


def _put_back(means: IssuingMeans, record: CopyRecord) -> None:
    """Let the sweeper go on in a while."""
    until = means.context.clock.now() + timedelta(seconds=COPY_RETRY_SECONDS)
    with suppress(TrustError):
        means.context.database.write(lambda conn: store.lease_copy(conn, record, until))
