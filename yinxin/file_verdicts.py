"""Verdicts on files of every kind, licences included: bytes, trust list and time in, report out. No server, no database, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.ports import JudgedDocument
from licence_vault.verify import is_licence, verify_judged
from seal_service.verify import judge_file, verify_file

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.report import Report
    from crypto.trust_list import TrustList


class HouseJudge:
    """The verifier of sealed documents, in this process. Pure: every call stands for itself."""

    def judge(self, document: bytes, trust_list: TrustList, at: datetime) -> JudgedDocument:
        """See ``licence_vault.ports.DocumentJudge``."""
        found = judge_file(document, trust_list, at)
        return JudgedDocument(found.report, found.sealed_files, found.sealer_name, found.sealer_code)


def verify_any_file(document: bytes, trust: TrustList, at: datetime) -> Report:
    """The verdict on any sealed file; of a licence the questions that are asked of licences too. Pure, never raises."""
    judged = HouseJudge().judge(document, trust, at)
    if is_licence(judged):
        return verify_judged(judged, trust, at).report
    # Files inside that are refused spoil a licence only: of any other document the seals alone are asked
    return judged.report if judged.sealed_files is not None else verify_file(document, trust, at)
