"""Verdicts on files of every kind, licences included: bytes, trust list and time in, report out. No server, no database, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.known_until import while_known
from licence_vault.ports import JudgedDocument
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
    return JudgedDocument(found.report, found.sealed_files, found.sealer_name, found.sealer_code)


def verify_any_file(
    document: bytes,
    trust: TrustList,
    at: datetime,
    *,
    knowledge: Callable[[], TrustList] | None = None,
    issuers: Issuers | None = None,
    is_original_asked: bool = False,
) -> Report:
    """The verdict on any sealed file, or on a credential as text; of a licence the questions that are asked of licences too. Pure, never raises.

    ``knowledge``: what is known of licences besides ``trust``, asked for only where the file is one. ``issuers``: whose credentials count, and
    their keys; without them no credential is valid. ``is_original_asked``: of licences no annotated copy will do. By a list that has ended at ``at``
    nothing is valid.
    """
    return while_known(_verify(document, trust, at, knowledge, issuers, is_original_asked=is_original_asked), trust, at)


def _verify(
    document: bytes,
    trust: TrustList,
    at: datetime,
    knowledge: Callable[[], TrustList] | None,
    issuers: Issuers | None,
    *,
    is_original_asked: bool,
) -> Report:
    if is_credential(document):
        return verify_credential_file(document, trust if knowledge is None else trust.joined_with(knowledge()), issuers or {}, at)
    found = judge_file(document, trust, at)
    judged = judged_document(found)
    if is_licence(judged):
        known = trust if knowledge is None else trust.joined_with(knowledge())
        return verify_judged(judged, known, at, is_original_asked=is_original_asked).report
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
