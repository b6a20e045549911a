"""Verify a licence file: number, content, seal, log, status, holder, each a question of its own, none of them valid while unknown.

Pure, as every verifier of the house: bytes, trust list and time in, report out; it runs every step and raises nothing on hostile input.
What is asked goes by the files attached inside the sealed revision alone, which the judge of sealed documents hands over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import Receipt
from crypto.cosignatures import verify_cosignatures
from crypto.report import Outcome, Question, Report, Said, Step, Verdict, failed, not_checked, passed, verdict_of, warned, worst
from crypto.trusted_logs import check_receipt
from licence_vault.copies import read_salted_copy
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.model import SaltedLicence, read_salted_licence
from licence_vault.status.at_hand import ask_lists_at_hand
from licence_vault.validity import DATA_CLAUSE, check_days, check_issue_date
from standards.c2sp_signed_note import read_note
from standards.c2sp_tlog_checkpoint import read_checkpoint
from standards.errors import MalformedError, TrustError
from standards.gbt7408_times import CHINA
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crypto.trust_list import TrustList
    from crypto.trusted_logs import TrustedLog
    from licence_vault.copies import CopyStatement
    from licence_vault.model import AskedHolder, LicenceData
    from licence_vault.ports import DocumentJudge, JudgedDocument

DATA_NAME: Final = "licence.json"
LEAF_NAME: Final = "licence.leaf"
PROOF_NAMES: Final = ("licence.sm3.tlog-proof", "licence.sha256.tlog-proof")
"""Names of the files that travel inside a licence file."""
COPY_NAME: Final = "licence-copy.json"
ORIGINAL_NAME: Final = "original-licence.json"
"""Inside an annotated copy: what it says of itself, and what the licence says. A verifier that knows nothing of copies finds no licence there."""

NUMBER_CLAUSE: Final = "GB/T 36904-2018"
SEAL_CLAUSE: Final = "GB/T 36901-2018"
LOG_CLAUSE: Final = "C2SP tlog-proof"
COPY_CLAUSE: Final = "GB/T 36903-2018"
STATUS_CLAUSE: Final = "IETF status-list-21 8.3"
_SHOW_WHO_SAYS_SO: Final = {"content", "number", "seal", "log"}


@dataclass(frozen=True, slots=True)
class FileNames:
    """Under which names data, entry of the log and its proofs stand in a file."""

    data: str
    leaf: str
    proofs: tuple[str, ...]


LICENCE_FILES: Final = FileNames(DATA_NAME, LEAF_NAME, PROOF_NAMES)
ORIGINAL_FILES: Final = FileNames(
    ORIGINAL_NAME, "original-licence.leaf", ("original-licence.sm3.tlog-proof", "original-licence.sha256.tlog-proof")
)
COPY_FILES: Final = FileNames(COPY_NAME, "licence-copy.leaf", ("licence-copy.sm3.tlog-proof", "licence-copy.sha256.tlog-proof"))


@dataclass(frozen=True, slots=True)
class VerifiedLicence:
    """The report, and what the licence says; ``licence`` is None where the file holds no licence data that can be read.

    What it says is to be believed only as far as the report goes, whose ``says`` has what may be told. ``log_index``: of its entry in the log, None where none is shown.
    ``is_copy``: the file is an annotated copy and no original; ``copy``: for whom, why, until when, None where that cannot be read.
    ``commitment``: to what it says, with its salt, 32 bytes; None with ``licence``.
    """

    report: Report
    licence: LicenceData | None
    log_index: int | None
    is_copy: bool = False
    copy: CopyStatement | None = None
    commitment: bytes | None = None


def verify_licence(
    document: bytes,
    trust: TrustList,
    at: datetime,
    *,
    judge: DocumentJudge,
    holder: AskedHolder | None = None,
    is_original_asked: bool = False,
) -> VerifiedLicence:
    """The verdict on a licence file (PDF or OFD) as of ``at`` (aware UTC).

    ``trust`` names besides the anchors of seals the logs, the signers of status lists, and carries the lists that are at hand.
    ``holder``: asked only where given; without it nobody's right to the licence is said. An annotated copy has a question of its own,
    ``copy``; where ``is_original_asked``, no copy will do.
    """
    judged = judge.judge(document, trust, at)
    return verify_judged(judged, trust, at, holder=holder, is_original_asked=is_original_asked)


def is_licence(judged: JudgedDocument) -> bool:
    """Whether a sealed file says of itself that it is a licence, or an annotated copy of one."""
    return judged.sealed_files is not None and not {DATA_NAME, COPY_NAME, ORIGINAL_NAME}.isdisjoint(judged.sealed_files)


def verify_judged(
    judged: JudgedDocument, trust: TrustList, at: datetime, *, holder: AskedHolder | None = None, is_original_asked: bool = False
) -> VerifiedLicence:
    """As :func:`verify_licence`, for a document whose seals have been judged already, under the same trust list and time."""
    files = judged.sealed_files or {}
    shown_at = _shown_at(judged.report)
    # 1. What the sealed file says: an original, or a copy of one
    is_copy = not {COPY_NAME, ORIGINAL_NAME}.isdisjoint(files)
    names = ORIGINAL_FILES if is_copy else LICENCE_FILES
    salted, content = _read_content(files, names, at)
    copy, copies = _ask_copy(files, salted, trust, at, shown_at, is_original_asked=is_original_asked) if is_copy else (None, ())
    if salted is None:
        return VerifiedLicence(_report(judged, [content, *copies]), None, None, is_copy, copy)
    licence = salted.data
    # 2. Every question, whatever the answers before
    log_index, log = _ask_log(files, names, _read_leaf(files, names, salted), trust, at, shown_at)
    questions = [
        _ask_number(licence),
        content,
        _ask_seal(judged, licence),
        log,
        _ask_status(licence, trust, at, is_logged=log.verdict is Verdict.VALID),
        *copies,
    ]
    if holder is not None:
        questions.append(_ask_holder(licence, holder))
    # 3. Which licence it is, where it is shown that its issuer says so
    says = _said(judged, licence, questions, is_holder_asked=holder is not None)
    return VerifiedLicence(replace(_report(judged, questions), says=says), licence, log_index, is_copy, copy, salted.commitment())


def _shown_at(report: Report) -> datetime | None:
    """By when what the file holds is shown to have been in it: the last of the time-stamps of seals that are all good and all have one; None else.

    A seal carries the time-stamp of its own making too, which is older and shows nothing of the file: that of the signature is the later one, and
    where there is none a step says so.
    """
    stamps: list[datetime] = []
    for signature in report.signatures:
        stated = [str(step.facts["gen_at"]) for step in signature.steps if step.code == "TS_OK"]
        is_unproven = any(step.code == "SIG_TIME_UNPROVEN" for step in signature.steps)
        if signature.verdict is not Verdict.VALID or is_unproven or not stated:
            return None
        stamps += map(datetime.fromisoformat, stated)
    return max(stamps, default=None)


def _report(judged: JudgedDocument, questions: Sequence[Question]) -> Report:
    verdict = worst((judged.report.verdict, *(each.verdict for each in questions)))
    return replace(judged.report, verdict=verdict, questions=tuple(questions))


def _said(judged: JudgedDocument, licence: LicenceData, questions: Sequence[Question], *, is_holder_asked: bool) -> Said | None:
    """None where the content, its number, the issuer's seal on it or its entry in the log is in doubt: then it is what a file claims, whoever made it."""
    if any(each.verdict is not Verdict.VALID for each in questions if each.name in _SHOW_WHO_SAYS_SO):
        return None
    return Said(
        identifier=licence.identifier,
        name=licence.name,
        number=licence.number,
        holders=None if is_holder_asked else tuple(each.name for each in licence.holders),
        issuer=judged.sealer_name or licence.issuer.name,  # as the certificate has it: see LICENCE_ISSUER_NAME_OTHER
        issued_on=licence.issued_on,
        valid_from=licence.valid_from,
        valid_to=licence.valid_to,
    )


def _question(name: str, steps: Sequence[Step]) -> Question:
    return Question(name, verdict_of(steps), tuple(steps))


def _read_content(files: Mapping[str, bytes], names: FileNames, at: datetime) -> tuple[SaltedLicence | None, Question]:
    data = files.get(names.data)
    if data is None:
        return None, _question("content", [not_checked("LICENCE_DATA_MISSING", DATA_CLAUSE)])
    try:
        salted = read_salted_licence(data)
    except TrustError as error:
        rule, place = error.facts.get("rule", error.code), error.facts.get("place", "")
        return None, _question("content", [failed("LICENCE_DATA_UNREADABLE", DATA_CLAUSE, rule=str(rule), place=str(place))])
    return salted, _question("content", [passed("LICENCE_DATA_READ", DATA_CLAUSE), *check_issue_date(salted.data.issued_on, at)])


def _ask_number(licence: LicenceData) -> Question:
    """The identifier: its form and check character, and that it is of this type, issuer and version."""
    found = examine_licence_number(licence.identifier)
    if found.number is None:
        return _question("number", [failed("LICENCE_NUMBER_INVALID", NUMBER_CLAUSE, rule=found.malformed)])
    number = found.number
    steps = []
    if found.verdict is NumberVerdict.VALID:
        steps.append(passed("LICENCE_NUMBER_VALID", NUMBER_CLAUSE))
    elif found.verdict is NumberVerdict.LEGACY_VARIANT:
        steps.append(warned("LICENCE_NUMBER_LEGACY", NUMBER_CLAUSE))
    else:
        steps.append(failed("LICENCE_NUMBER_INVALID", NUMBER_CLAUSE, rule="check character"))
    for part, stated, numbered in (
        ("type", licence.type.code, number.type_code),
        ("issuer", licence.issuer.code, number.issuer),
        ("version", licence.version, number.version),
    ):
        if stated != numbered:
            steps.append(failed("LICENCE_NUMBER_OTHER", NUMBER_CLAUSE, part=part))
    if not number.is_type_authority_sound or number.is_issuer_sound is False:
        steps.append(warned("LICENCE_NUMBER_CREDIT_CODE", NUMBER_CLAUSE))
    return _question("number", steps)


def _ask_seal(judged: JudgedDocument, licence: LicenceData) -> Question:
    """The seals of the file hold, and they are those of the office that the licence names as issuer, which nobody else shows anything beside."""
    verdict = judged.report.verdict
    steps = [
        {Verdict.VALID: passed, Verdict.INVALID: failed, Verdict.INDETERMINATE: not_checked}[verdict](
            {Verdict.VALID: "LICENCE_SEALS_HOLD", Verdict.INVALID: "LICENCE_SEALS_FAIL", Verdict.INDETERMINATE: "LICENCE_SEALS_UNKNOWN"}[
                verdict
            ],
            SEAL_CLAUSE,
        )
    ]
    # A signature shows what its signer likes, another name over that of the holder too
    steps += [not_checked("LICENCE_SHOWN_BESIDE", SEAL_CLAUSE, found=each) for each in judged.shown_beside]
    issuer = licence.issuer
    if judged.sealer_code is not None:
        same, found = judged.sealer_code == issuer.code, judged.sealer_code
    elif judged.sealer_name is not None:
        same, found = judged.sealer_name == issuer.name, judged.sealer_name
    else:
        return _question("seal", [*steps, not_checked("LICENCE_SEALER_UNKNOWN", SEAL_CLAUSE)])
    if not same:
        return _question("seal", [*steps, failed("LICENCE_SEALED_BY_OTHER", SEAL_CLAUSE, expected=issuer.name, found=found)])
    # Of one code with another name nothing but the certificate says what the office is called: that name is told, and that the licence differs
    certified = judged.sealer_name or issuer.name
    steps.append(passed("LICENCE_SEALED_BY_ISSUER", SEAL_CLAUSE, expected=certified, found=found))
    if certified != issuer.name:
        steps.append(warned("LICENCE_ISSUER_NAME_OTHER", SEAL_CLAUSE, expected=certified, found=issuer.name))
    return _question("seal", steps)


def _read_leaf(files: Mapping[str, bytes], names: FileNames, salted: SaltedLicence) -> list[Step]:
    """The entry of the log that travels along must be the one that this very licence made."""
    return _leaf_of(files.get(names.leaf), salted.data, event="made", commitment=salted.commitment())


def _leaf_of(data: bytes | None, licence: LicenceData, *, event: str, commitment: bytes) -> list[Step]:
    if data is None:
        return [not_checked("LICENCE_LEAF_MISSING", LOG_CLAUSE)]
    try:
        leaf = read_leaf(data)
    except MalformedError as error:
        return [failed("LICENCE_LEAF_UNREADABLE", LOG_CLAUSE, rule=str(error.facts.get("member", "")))]
    if not isinstance(leaf, LicenceLeaf):
        return [failed("LICENCE_LEAF_OTHER", LOG_CLAUSE, member="event")]
    for member, is_same in (
        ("event", leaf.event == event),
        ("type", leaf.type_code == licence.type.code),
        ("issuer", leaf.issuer_code == licence.issuer.code),
        ("version", leaf.version == licence.version),
        ("status_index", leaf.status_index == licence.status.index),
        ("commitment", leaf.commitment == commitment),
    ):
        if not is_same:
            return [failed("LICENCE_LEAF_OTHER", LOG_CLAUSE, member=member)]
    return [passed("LICENCE_COMMITTED" if event == "made" else "LICENCE_COPY_COMMITTED", LOG_CLAUSE)]


def _ask_log(
    files: Mapping[str, bytes], names: FileNames, leaf_steps: list[Step], trust: TrustList, at: datetime, shown_at: datetime | None
) -> tuple[int | None, Question]:
    """Each proof that travels along, under the log that it names. One log that is known and holds is enough; one that fails is too much."""
    index, steps = _check_proofs(files, names, trust, at, shown_at)
    return index, _question("log", [*leaf_steps, *steps])


def _check_proofs(
    files: Mapping[str, bytes], names: FileNames, trust: TrustList, at: datetime, shown_at: datetime | None
) -> tuple[int | None, list[Step]]:
    entry = files.get(names.leaf)
    steps: list[Step] = []
    index, is_shown = None, False
    for name in names.proofs:
        text = files.get(name)
        if text is None or entry is None:
            steps.append(warned("LICENCE_PROOF_MISSING", LOG_CLAUSE, name=name))
            continue
        try:
            receipt = Receipt.from_text(entry, text)
            origin = read_checkpoint(read_note(receipt.checkpoint).text).origin
        except MalformedError as error:
            steps.append(failed("LICENCE_PROOF_UNREADABLE", LOG_CLAUSE, name=name, rule=error.code))
            continue
        log = next((each for each in trust.logs if each.identity.origin == origin), None)
        if log is None:
            steps.append(warned("LICENCE_LOG_UNKNOWN", LOG_CLAUSE, origin=origin))
            continue
        found = _check_receipt(receipt, log, at, shown_at)
        steps += found
        if verdict_of(found) is Verdict.VALID:
            is_shown = True
            index = receipt.index
    if is_shown:  # by another log: what is under a withdrawn key is not needed
        steps = [replace(step, outcome=Outcome.WARN) if step.code == "LOG_KEY_WITHDRAWN" else step for step in steps]
    elif not any(step.outcome is Outcome.FAIL for step in steps):
        steps.append(not_checked("LICENCE_NOT_SHOWN_LOGGED", LOG_CLAUSE))
    return index, steps


def _check_receipt(receipt: Receipt, log: TrustedLog, at: datetime, shown_at: datetime | None) -> list[Step]:
    steps = list(check_receipt(receipt, log, shown_at))
    if log.quorum:
        steps += verify_cosignatures(receipt.checkpoint, log.witnesses, at, quorum=log.quorum).steps
    return steps


def _ask_status(licence: LicenceData, trust: TrustList, at: datetime, *, is_logged: bool) -> Question:
    """In force by its days, and neither revoked nor suspended by the newest status list at hand."""
    steps = [check_days(licence.valid_from, licence.valid_to, at)]
    found = ask_lists_at_hand(licence.status.list, licence.status.index, trust, at)
    if not is_logged and found[0].code != "LICENCE_STATUS_SIGNER_UNKNOWN":
        # the place in the list is what the log has on record for this licence; without that, the file alone says which place to look at
        steps.append(warned("LICENCE_STATUS_PLACE_UNPROVEN", STATUS_CLAUSE))
    return _question("status", [*steps, *found])


def _ask_holder(licence: LicenceData, asked: AskedHolder) -> Question:
    """Facts tell nothing of the holder: a wrong guess must not learn who it is."""
    is_one = asked.is_one_of((each.name, each.code) for each in licence.holders)
    step = passed("LICENCE_HOLDER_MATCHES", DATA_CLAUSE) if is_one else failed("LICENCE_HOLDER_OTHER", DATA_CLAUSE)
    return _question("holder", [step])


def _ask_copy(
    files: Mapping[str, bytes],
    salted: SaltedLicence | None,
    trust: TrustList,
    at: datetime,
    shown_at: datetime | None,
    *,
    is_original_asked: bool,
) -> tuple[CopyStatement | None, tuple[Question]]:
    """That it is a copy; of this very licence; for whom, why and until when; that the log has it so; and that its time is not over."""
    # 1. A file is one or the other, and a copy does not do where the original is asked for
    steps: list[Step] = [failed("LICENCE_COPY_NO_ORIGINAL", COPY_CLAUSE)] if is_original_asked else []
    if DATA_NAME in files:
        steps.append(failed("LICENCE_COPY_MIXED", COPY_CLAUSE))

    # 2. What it says of itself
    data = files.get(COPY_NAME)
    if data is None:
        return None, (_question("copy", [*steps, not_checked("LICENCE_COPY_MISSING", COPY_CLAUSE)]),)
    try:
        found = read_salted_copy(data)
    except TrustError as error:
        rule, place = error.facts.get("rule", error.code), error.facts.get("place", "")
        return None, (_question("copy", [*steps, failed("LICENCE_COPY_UNREADABLE", COPY_CLAUSE, rule=str(rule), place=str(place))]),)
    copy = found.statement
    made_at, until = (each.astimezone(CHINA).isoformat(sep=" ", timespec="minutes") for each in (copy.made_at, copy.until))
    steps.append(warned("LICENCE_COPY_FOR", COPY_CLAUSE, made_by=copy.made_by, reason=copy.reason, made_at=made_at, until=until))

    # 3. Its time
    if at < copy.made_at:
        steps.append(failed("LICENCE_COPY_NOT_YET", COPY_CLAUSE, made_at=made_at))
    elif at > copy.until:
        steps.append(failed("LICENCE_COPY_EXPIRED", COPY_CLAUSE, until=until))
    else:
        steps.append(passed("LICENCE_COPY_IN_TIME", COPY_CLAUSE, until=until))

    # 4. Of which licence, and as the log has it
    if salted is None:
        return copy, (_question("copy", [*steps, not_checked("LICENCE_COPY_OF_NOTHING", COPY_CLAUSE)]),)
    if copy.licence != salted.commitment():
        steps.append(failed("LICENCE_COPY_OF_OTHER", COPY_CLAUSE))
    leaf_steps = _leaf_of(files.get(COPY_FILES.leaf), salted.data, event="annotated", commitment=found.commitment())
    _, proof_steps = _check_proofs(files, COPY_FILES, trust, at, shown_at)
    return copy, (_question("copy", [*steps, *leaf_steps, *proof_steps]),)
