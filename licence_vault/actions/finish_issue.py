"""The second half of issuing: proof from the public log, drawing, sealing, checking, releasing (transaction 2).

Every step can be taken again from what transaction 1 left: the request does it, or the sweeper after a crash. What can never be released is
abandoned, with an event of its own.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.report import Verdict
from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.record_event import record_step
from licence_vault.errors import (
    is_passing,
    is_self_check,
    issuing_abandoned,
    issuing_refused,
    licence_not_found,
    licence_state_conflict,
)
from licence_vault.faces.draw import draw_ofd, draw_pdf
from licence_vault.faces.qr import claims_of, write_qr
from licence_vault.faces.read_design import face_of
from licence_vault.key_rings import read_ring, signing_at
from licence_vault.limits import DEFINITIONS_KEPT, ISSUING_RETRY_SECONDS, SELF_CHECKS
from licence_vault.model import LicenceState, read_salted_licence, step_named
from licence_vault.ports import OFD, PDF, SealPlace
from licence_vault.register import LicenceFile
from licence_vault.status.tokens import SM2_KEY
from licence_vault.type_rules.read_definition import read_definition
from licence_vault.verify import verify_judged
from service_kit import fail_points
from service_kit.callers import Person
from service_kit.idempotency import Claim, ClaimState
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from crypto.trust_list import TrustList
    from licence_vault.actions.issuing_means import IssuingMeans, LogProof
    from licence_vault.content_vault import ContentKey
    from licence_vault.faces.design import FaceTemplate
    from licence_vault.model import LicenceData
    from licence_vault.ports import SealedFile
    from licence_vault.register import IssuingAuthority, LicenceRecord, TypeVersion
    from licence_vault.type_rules.definition import TypeDefinition

MEDIA_TYPES: Final = {"pdf": PDF, "ofd": OFD}
VERIFY_PATH: Final = "/v"  # the page that reads printed codes
_DRAW: Final = {"pdf": draw_pdf, "ofd": draw_ofd}


@dataclass(frozen=True, slots=True)
class IssuePlan:
    """How an issuing is to be finished. ``predecessor_step``: what is then done with the licence it takes the place of."""

    forms: tuple[str, ...]
    step: str
    predecessor_step: str | None = None
    reason: str = ""

    def to_json(self) -> str:
        """For the tables."""
        whole = {"forms": self.forms, "step": self.step, "predecessor_step": self.predecessor_step, "reason": self.reason}
        return json.dumps(whole, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> IssuePlan:
        """From the tables."""
        whole = json.loads(text)
        return IssuePlan(tuple(whole["forms"]), whole["step"], whole["predecessor_step"], whole["reason"])


@dataclass(frozen=True, slots=True)
class _Released:
    form: str
    digest: bytes
    size_bytes: int
    blob: str


def definition_of_version(version: TypeVersion) -> TypeDefinition:
    """What a version of a type says, read once per process."""
    return _read(version.file)


def template_of_version(version: TypeVersion) -> FaceTemplate:
    """The face of a version of a type, read once per process."""
    return _read_face(version.file)


@lru_cache(maxsize=DEFINITIONS_KEPT)
def _read(file: bytes) -> TypeDefinition:
    return read_definition(file)


@lru_cache(maxsize=DEFINITIONS_KEPT)
def _read_face(file: bytes) -> FaceTemplate:
    return face_of(_read(file).face)


def finish_issue(means: IssuingMeans, record: LicenceRecord) -> LicenceRecord:
    """Release a draft, and return the licence as it is then; one that is released already is returned as it is.

    Where something needed is not there now, or somebody else is at it, the draft stays and the sweeper goes on; what is refused for good is
    abandoned, and so is what our own verifier has refused ``SELF_CHECKS`` times. Raises what stood in the way; LICENCE_ISSUING_ABANDONED for
    a draft that was given up before, or is now after its last try.
    """
    if record.state is not LicenceState.DRAFT:
        return _ended(record)
    try:
        return _release(means, record)
    except TrustError as error:
        is_refused = is_self_check(error)
        if is_passing(error) and not (is_refused and record.refusals + 1 >= SELF_CHECKS):
            put_back(means, record, is_refused=is_refused)
            raise
        if _give_up(means, record, error.code) and is_refused:  # so far the answer was "later"; now nothing comes later
            raise issuing_abandoned(record.id, error.code) from error
        raise


def _release(means: IssuingMeans, record: LicenceRecord) -> LicenceRecord:
    # 1. The proof that the data are in the public log, under a signed checkpoint of both trees.
    proof = means.await_proof(record.last_entry_id)
    fail_points.reach("issue-licence.logged")

    # 2. What it says, from where it is kept, and what goes into the file with it.
    step = means.context.cohorts.step
    with step("licence.load", reads=True):
        version, issuer, key, code_key_id = _load(means, record)
        definition, template = definition_of_version(version), template_of_version(version)
        content = key.open_data(record.data_sealed or b"")
        salted = read_salted_licence(content)
    if salted.commitment() != record.commitment:
        raise issuing_refused(record.id, "the data are not those that were logged")
    attachments = attachments_of(content, proof)
    plan = IssuePlan.from_json(record.order_json)

    # 3. Each form: drawn, sealed with no transaction open, held against our own verifier, kept under the licence's key.
    seals, released = means.need_seals(), []
    qr_text = _qr_text(means, salted.data, record.commitment, proof, code_key_id)
    # A code is signed anew each time, so what is drawn with it is another file: sealed anew, released once
    attempt = sm3(qr_text.encode()).hex()[:32]
    for form in plan.forms:
        with step("licence.draw"):
            drawn = _DRAW[form](salted.data, template, attachments, qr_text=qr_text)
        sealed = seals.sealer.seal(
            drawn,
            media_type=MEDIA_TYPES[form],
            seal_id=issuer.seal_id,
            order=SealPlace(definition.sealing.page, definition.sealing.x_mm, definition.sealing.y_mm, template.height_mm),
            idempotency_key=f"{record.id}-{form}-{attempt}",
            actor=record.actor,
        )
        fail_points.reach("issue-licence.sealed")
        trust = replace(means.context.trust(), logs=means.logs)  # in no step: it may ask the database
        with step("licence.verify"):
            _check(means, record, sealed, attachments, trust)
            content = sealed.content
            digest, kept = sealed.digest or sm3(content), key.seal_file(form, content)
        released.append(_Released(form, digest, len(content), means.context.blobs.put(kept)))
    fail_points.reach("issue-licence.stored")

    # 4. tx 2: event, files, state, audit entry, idempotency answer, and what becomes of the licence before it.
    issued = means.context.database.write(lambda conn: _record_release(means, conn, record, plan, released))
    fail_points.reach("issue-licence.recorded")
    return issued


def attachments_of(content: bytes, proof: LogProof) -> dict[str, bytes]:
    """What travels inside the file: the data with its salt (``content``, canonical), the leaf that commits to them, its proof in each tree."""
    proofs = {f"licence.{tree}.tlog-proof": text for tree, text in proof.proofs.items()}
    return {"licence.json": content, "licence.leaf": proof.leaf, **proofs}


def _qr_text(means: IssuingMeans, data: LicenceData, commitment: bytes, proof: LogProof, key_id: str) -> str:
    """The printed code: signed claims in the fragment of an address, which never reaches a server."""
    context = means.context
    claims = claims_of(data, log_index=proof.index, commitment=commitment)
    return write_qr(claims, page=context.settings.base_url + VERIFY_PATH, signer=context.keystore.signer(key_id))


def _load(means: IssuingMeans, record: LicenceRecord) -> tuple[TypeVersion, IssuingAuthority, ContentKey, str]:
    """What was recorded, and by its name the key that signs the printed code now."""
    with means.context.database.read() as conn:
        version = store.recall_type(conn, record.type_code, record.type_version)
        code_key = signing_at(read_ring(conn, SM2_KEY), means.context.clock.now())
        issuer = store.load_issuer(conn, record.issuer_code)
        key_sealed = store.load_key(conn, record.id)
    if version is None or issuer is None or key_sealed is None:
        raise licence_not_found(record.id)
    return version, issuer, means.contents.open_key(record.id, key_sealed), code_key.key_id


def _check(means: IssuingMeans, record: LicenceRecord, sealed: SealedFile, attachments: Mapping[str, bytes], trust: TrustList) -> None:
    """Our own verifier calls it valid, and under the seal stands exactly what was put there. LICENCE_SELF_CHECK_FAILED.

    Only its status is not asked: no list can name a licence that is not released, and it may be in force from a later day.
    """
    at = means.context.clock.now()
    judged = sealed.judged or means.need_seals().judge.judge(sealed.content, trust, at)
    if judged.report.verdict is not Verdict.VALID:
        raise issuing_refused(record.id, f"verdict {judged.report.verdict}")
    if judged.sealed_files is None or dict(judged.sealed_files) != dict(attachments):
        raise issuing_refused(record.id, "what is attached under the seal")
    for question in verify_judged(judged, trust, at).report.questions:
        if question.verdict is not Verdict.VALID and question.name != "status":
            raise issuing_refused(record.id, f"{question.name} {question.verdict}")


def _record_release(
    means: IssuingMeans, conn: Connection, record: LicenceRecord, plan: IssuePlan, released: list[_Released]
) -> LicenceRecord:
    # 1. Somebody else may have been faster: a draft is released once.
    context, at = means.context, means.context.clock.now()
    found = store.load_licence(conn, record.id, is_locked=True)
    if found is None or found.state is not LicenceState.DRAFT:
        return _ended(found or record)
    person = Person(record.made_by, record.actor)

    # 2. The event, with the digest of the first form in the log; every file under its own digest in the tables.
    issued = record_step(context, conn, found, step_named(plan.step), person, at=at, reason=plan.reason, file_digest=released[0].digest)
    for each in released:
        store.insert_file(conn, LicenceFile(record.id, each.form, each.digest, each.size_bytes, each.blob))

    # 3. The licence it takes the place of.
    if plan.predecessor_step is not None and record.predecessor_id is not None:
        step = step_named(plan.predecessor_step)
        before = store.load_licence(conn, record.predecessor_id, is_locked=True)
        if before is None or before.state not in step.sources:  # revoked or suspended meanwhile: nothing takes its place
            raise licence_state_conflict(record.predecessor_id, step.name, "" if before is None else before.state)
        record_step(context, conn, before, step, person, at=at, reason=plan.reason, successor_id=record.id)

    # 4. The answer to the request. Claims are forgotten after a day, and a server may be away for longer.
    if record.claim_digest is not None:
        with suppress(TrustError):
            claim = Claim(record.claim_digest, ClaimState.NEW, record.id)
            context.idempotency.finish(conn, claim, status=201)
    return issued


def abandon_issue(means: IssuingMeans, record: LicenceRecord, code: str) -> None:
    """Give a draft up: it is never released, its number is not used again, and the public log says so."""

    def abandon(conn: Connection) -> None:
        found = store.load_licence(conn, record.id, is_locked=True)
        if found is None or found.state is not LicenceState.DRAFT:
            return
        person = Person(record.made_by, record.actor)
        record_step(means.context, conn, found, step_named("abandon"), person, at=means.context.clock.now(), reason=code)
        if record.predecessor_id is not None:
            store.set_successor(conn, record.predecessor_id, None)
        store.free_numbers(conn, record.id)
        if record.claim_digest is not None:
            means.context.idempotency.release(conn, Claim(record.claim_digest, ClaimState.RESUMED, None))

    means.context.database.write(abandon)


def _give_up(means: IssuingMeans, record: LicenceRecord, code: str) -> bool:
    """Abandon a draft; False where even that cannot be written now: the sweeper does it."""
    try:
        abandon_issue(means, record, code)
    except TrustError:
        return False
    return True


def put_back(means: IssuingMeans, record: LicenceRecord, *, is_refused: bool = False) -> None:
    """Let the sweeper go on in a while; after every refusal by our own verifier in twice the time."""
    wait = ISSUING_RETRY_SECONDS * (2**record.refusals if is_refused else 1)
    until = means.context.clock.now() + timedelta(seconds=wait)

    def let_go(conn: Connection) -> None:
        if store.take_lease(conn, record, until) and is_refused:
            store.note_refusal(conn, record)

    with suppress(TrustError):
        means.context.database.write(let_go)


def _ended(record: LicenceRecord) -> LicenceRecord:
    """A licence that is no draft any more, where it was released. LICENCE_ISSUING_ABANDONED where it never was."""
    if record.is_abandoned:
        raise issuing_abandoned(record.id, record.state_reason)
    return record
