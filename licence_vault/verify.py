"""Verify a licence file: number, content, seal, log, status, holder, each a question of its own, none of them valid while unknown.

Pure, as every verifier of the house: bytes, trust list and time in, report out; it runs every step and raises nothing on hostile input.
What is asked goes by the files attached inside the sealed revision alone, which the judge of sealed documents hands over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import Receipt, verify_receipt
from crypto.cosignatures import verify_cosignatures
from crypto.report import Outcome, Question, Report, Step, Verdict, failed, not_checked, passed, verdict_of, warned, worst
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.model import SaltedLicence, read_salted_licence
from licence_vault.status.at_hand import ask_lists_at_hand
from licence_vault.validity import DATA_CLAUSE, check_days
from standards.c2sp_signed_note import read_note
from standards.c2sp_tlog_checkpoint import read_checkpoint
from standards.errors import MalformedError, TrustError
from standards.gbt36904_licence_number import NumberVerdict, examine_licence_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from crypto.trust_list import TrustList
    from crypto.trusted_logs import TrustedLog
    from licence_vault.model import LicenceData
    from licence_vault.ports import DocumentJudge, JudgedDocument

DATA_NAME: Final = "licence.json"
LEAF_NAME: Final = "licence.leaf"
PROOF_NAMES: Final = ("licence.sm3.tlog-proof", "licence.sha256.tlog-proof")
"""Names of the files that travel inside a licence file."""

NUMBER_CLAUSE: Final = "GB/T 36904-2018"
SEAL_CLAUSE: Final = "GB/T 36901-2018"
LOG_CLAUSE: Final = "C2SP tlog-proof"
STATUS_CLAUSE: Final = "IETF status-list-21 8.3"


@dataclass(frozen=True, slots=True)
class AskedHolder:
    """Whom the asker has before him. ``code`` and ``name`` must both be those of one holder of the licence."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class VerifiedLicence:
    """The report, and what the licence says; ``licence`` is None where the file holds no licence data that can be read.

    What it says is to be believed only as far as the report goes. ``log_index``: of its entry in the log, None where none is shown.
    """

    report: Report
    licence: LicenceData | None
    log_index: int | None


def verify_licence(
    document: bytes, trust: TrustList, at: datetime, *, judge: DocumentJudge, holder: AskedHolder | None = None
) -> VerifiedLicence:
    """The verdict on a licence file (PDF or OFD) as of ``at`` (aware UTC).

    ``trust`` names besides the anchors of seals the logs, the signers of status lists, and carries the lists that are at hand.
    ``holder``: asked only where given; without it nobody's right to the licence is said.
    """
    judged = judge.judge(document, trust, at)
    return verify_judged(judged, trust, at, holder=holder)


def is_licence(judged: JudgedDocument) -> bool:
    """Whether a sealed file says of itself that it is a licence."""
    return judged.sealed_files is not None and DATA_NAME in judged.sealed_files


def verify_judged(judged: JudgedDocument, trust: TrustList, at: datetime, *, holder: AskedHolder | None = None) -> VerifiedLicence:
    """As :func:`verify_licence`, for a document whose seals have been judged already, under the same trust list and time."""
    files = judged.sealed_files or {}
    # 1. What the sealed file says
    salted, content = _read_content(files)
    if salted is None:
        return VerifiedLicence(_report(judged, [content]), None, None)
    licence = salted.data
    # 2. Every question, whatever the answers before
    leaf, leaf_steps = _read_leaf(files, salted)
    log_index, log = _ask_log(files, leaf_steps, trust, at)
    questions = [
        _ask_number(licence),
        content,
        _ask_seal(judged, licence),
        log,
        _ask_status(licence, trust, at, has_leaf=leaf is not None),
    ]
    if holder is not None:
        questions.append(_ask_holder(licence, holder))
    return VerifiedLicence(_report(judged, questions), licence, log_index)


def _report(judged: JudgedDocument, questions: Sequence[Question]) -> Report:
    verdict = worst((judged.report.verdict, *(each.verdict for each in questions)))
    return replace(judged.report, verdict=verdict, questions=tuple(questions))


def _question(name: str, steps: Sequence[Step]) -> Question:
    return Question(name, verdict_of(steps), tuple(steps))


def _read_content(files: Mapping[str, bytes]) -> tuple[SaltedLicence | None, Question]:
    data = files.get(DATA_NAME)
    if data is None:
        return None, _question("content", [not_checked("LICENCE_DATA_MISSING", DATA_CLAUSE)])
    try:
        salted = read_salted_licence(data)
    except TrustError as error:
        rule, place = error.facts.get("rule", error.code), error.facts.get("place", "")
        return None, _question("content", [failed("LICENCE_DATA_UNREADABLE", DATA_CLAUSE, rule=str(rule), place=str(place))])
    return salted, _question("content", [passed("LICENCE_DATA_READ", DATA_CLAUSE)])


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
    """The seals of the file hold, and they are those of the office that the licence names as issuer."""
    verdict = judged.report.verdict
    steps = [
        {Verdict.VALID: passed, Verdict.INVALID: failed, Verdict.INDETERMINATE: not_checked}[verdict](
            {Verdict.VALID: "LICENCE_SEALS_HOLD", Verdict.INVALID: "LICENCE_SEALS_FAIL", Verdict.INDETERMINATE: "LICENCE_SEALS_UNKNOWN"}[
                verdict
            ],
            SEAL_CLAUSE,
        )
    ]
    issuer = licence.issuer
    if judged.sealer_code is not None:
        same, found = judged.sealer_code == issuer.code, judged.sealer_code
    elif judged.sealer_name is not None:
        same, found = judged.sealer_name == issuer.name, judged.sealer_name
    else:
        return _question("seal", [*steps, not_checked("LICENCE_SEALER_UNKNOWN", SEAL_CLAUSE)])
    step = passed if same else failed
    steps.append(step("LICENCE_SEALED_BY_ISSUER" if same else "LICENCE_SEALED_BY_OTHER", SEAL_CLAUSE, expected=issuer.name, found=found))
    return _question("seal", steps)


def _read_leaf(files: Mapping[str, bytes], salted: SaltedLicence) -> tuple[LicenceLeaf | None, list[Step]]:
    """The entry of the log that travels along must be the one that this very licence made."""
    data = files.get(LEAF_NAME)
    if data is None:
        return None, [not_checked("LICENCE_LEAF_MISSING", LOG_CLAUSE)]
    try:
        leaf = read_leaf(data)
    except MalformedError as error:
        return None, [failed("LICENCE_LEAF_UNREADABLE", LOG_CLAUSE, rule=str(error.facts.get("member", "")))]
    licence = salted.data
    if not isinstance(leaf, LicenceLeaf):
        return None, [failed("LICENCE_LEAF_OTHER", LOG_CLAUSE, member="event")]
    for member, is_same in (
        ("event", leaf.event == "made"),
        ("type", leaf.type_code == licence.type.code),
        ("issuer", leaf.issuer_code == licence.issuer.code),
        ("version", leaf.version == licence.version),
        ("status_index", leaf.status_index == licence.status.index),
        ("commitment", leaf.commitment == salted.commitment()),
    ):
        if not is_same:
            return None, [failed("LICENCE_LEAF_OTHER", LOG_CLAUSE, member=member)]
    return leaf, [passed("LICENCE_COMMITTED", LOG_CLAUSE)]


def _ask_log(files: Mapping[str, bytes], leaf_steps: list[Step], trust: TrustList, at: datetime) -> tuple[int | None, Question]:
    """Each proof that travels along, under the log that it names. One log that is known and holds is enough; one that fails is too much."""
    entry = files.get(LEAF_NAME)
    steps, index = list(leaf_steps), None
    is_shown = False
    for name in PROOF_NAMES:
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
        found = _check_receipt(receipt, log, at)
        steps += found
        if verdict_of(found) is Verdict.VALID:
            is_shown = True
            index = receipt.index
    if not is_shown and not any(step.outcome is Outcome.FAIL for step in steps):
        steps.append(not_checked("LICENCE_NOT_SHOWN_LOGGED", LOG_CLAUSE))
    return index, _question("log", steps)


def _check_receipt(receipt: Receipt, log: TrustedLog, at: datetime) -> list[Step]:
    steps = list(verify_receipt(receipt, log.identity).steps)
    if log.quorum:
        steps += verify_cosignatures(receipt.checkpoint, log.witnesses, at, quorum=log.quorum).steps
    return steps


def _ask_status(licence: LicenceData, trust: TrustList, at: datetime, *, has_leaf: bool) -> Question:
    """In force by its days, and neither revoked nor suspended by the newest status list at hand."""
    steps = [check_days(licence.valid_from, licence.valid_to, at)]
    found = ask_lists_at_hand(licence.status.list, licence.status.index, trust, at)
    if not has_leaf and found[0].code != "LICENCE_STATUS_SIGNER_UNKNOWN":
        # the place in the list is what the log has on record for this licence; without that, the file alone says which place to look at
        steps.append(warned("LICENCE_STATUS_PLACE_UNPROVEN", STATUS_CLAUSE))
    return _question("status", [*steps, *found])


def _ask_holder(licence: LicenceData, asked: AskedHolder) -> Question:
    """Facts tell nothing of the holder: a wrong guess must not learn who it is."""
    is_one = any(each.name == asked.name and each.code == asked.code for each in licence.holders)
    step = passed("LICENCE_HOLDER_MATCHES", DATA_CLAUSE) if is_one else failed("LICENCE_HOLDER_OTHER", DATA_CLAUSE)
    return _question("holder", [step])
