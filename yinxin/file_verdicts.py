"""Verdicts on files of every kind, licences included: bytes, trust list and time in, report out. No server, no database, no network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.known_until import while_known
from crypto.report import Question, Verdict, not_checked, worst
from licence_vault.ports import JudgedDocument
from licence_vault.validity import DATA_CLAUSE
from licence_vault.verify import COPY_NAME, DATA_NAME, ORIGINAL_NAME, is_licence, verify_judged
from licence_vault.verify_credential import is_credential, verify_credential_file
from seal_service.verify import judge_file
from standards.errors import TrustError
from standards.gbt33190_ofd.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.report import Report
    from crypto.trust_list import TrustList
    from licence_vault.model import AskedHolder
    from licence_vault.verify_credential import Issuers
    from seal_service.verify import JudgedFile

LISTING_BYTES: Final = 1024 * 1024  # own limit on a list of attachments, far above those of licences


class HouseJudge:
    """The verifier of sealed documents, in this process. Pure: every call stands for itself."""

    def judge(self, document: bytes, trust_list: TrustList, at: datetime) -> JudgedDocument:
        """See ``licence_vault.ports.DocumentJudge``."""
        return judged_document(judge_file(document, trust_list, at))


def judged_document(found: JudgedFile) -> JudgedDocument:
    """The seal service's verdict as the licence vault takes it."""
    return JudgedDocument(found.report, found.sealed_files, found.sealer_name, found.sealer_code, found.shown_beside)


def verify_any_file(
    document: bytes,
    trust: TrustList,
    at: datetime,
    *,
    knowledge: Callable[[], TrustList] | None = None,
    issuers: Issuers | None = None,
    is_original_asked: bool = False,
    holder: AskedHolder | None = None,
    is_by_clock: bool = False,
) -> Report:
    """The verdict on any sealed file, or on a credential as text; of a licence the questions that are asked of licences too. Pure, never raises.

    ``knowledge``: what is known of licences besides ``trust``, asked for only where the file is one. ``issuers``: whose credentials count, and
    their keys; without them no credential is valid. ``is_original_asked``: of licences no annotated copy will do. ``holder``: who has the file in his hand,
    with what says so; a file that does not say who holds it is not valid then. By a list that has ended at ``at`` nothing is valid; ``is_by_clock`` as in ``while_known``.
    """
    report = _verify(document, trust, at, knowledge, issuers, is_original_asked=is_original_asked, holder=holder)
    if holder is not None and all(each.name != "holder" for each in report.questions):
        unsaid = Question("holder", Verdict.INDETERMINATE, (not_checked("LICENCE_HOLDER_NOT_SAID", DATA_CLAUSE),))
        report = replace(report, verdict=worst((report.verdict, unsaid.verdict)), questions=(*report.questions, unsaid))
    return while_known(report, trust, at, is_by_clock=is_by_clock)


def _verify(
    document: bytes,
    trust: TrustList,
    at: datetime,
    knowledge: Callable[[], TrustList] | None,
    issuers: Issuers | None,
    *,
    is_original_asked: bool,
    holder: AskedHolder | None,
) -> Report:
    if is_credential(document):
        known = trust if knowledge is None else trust.joined_with(knowledge())
        return verify_credential_file(document, known, issuers or {}, at, holder=holder)
    found = judge_file(document, trust, at)
    judged = judged_document(found)
    if is_licence(judged):
        known = trust if knowledge is None else trust.joined_with(knowledge())
        return verify_judged(judged, known, at, holder=holder, is_original_asked=is_original_asked).report
    # Files inside that are refused spoil a licence only, whose questions could not be asked: of any other document the seals decide
    return found.report if found.sealed_files is None and names_licence_data(document) else found.seals


def names_licence_data(document: bytes) -> bool:
    """Whether a file says anywhere that it carries licence data: what was sealed can be added to, but not be taken away."""
    if _is_named_in(document):
        return True
    try:
        container = Container(document)
    except TrustError:
        return False
    return any(_lists_licence_data(container, path) for path in container.members if path.lower().endswith("attachments.xml"))


def _lists_licence_data(container: Container, path: str) -> bool:
    """One listing that cannot be read may name them, and must not keep the others from being read."""
    try:
        return _is_named_in(container.read(path, LISTING_BYTES))
    except TrustError:
        return True


def _is_named_in(data: bytes) -> bool:
    return any(name.encode() in data for name in (DATA_NAME, COPY_NAME, ORIGINAL_NAME))
