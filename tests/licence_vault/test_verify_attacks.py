"""Attacks on the verdict on licences by what their issuers and their times say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crypto.report import Verdict
from licence_vault.log.leaf import StatusListLeaf, write_leaf
from licence_vault.model import Issuer
from licence_vault.verify import LEAF_NAME, PROOF_NAMES
from tests.licence_vault.samples import sample_licence
from tests.licence_vault.test_verify import AT, LICENCE, changed, outcome, proof_of, question, verify, with_files


@pytest.mark.parametrize("name", ["公安部", LICENCE.issuer.name + "\u200b"])
def test_attack_an_office_that_calls_itself_another_is_told_by_its_certificate(name: str) -> None:
    """Its own seal and credit code, and a name that is another's: who sealed is said by the certificate, never by the licence."""
    judge = changed(sample_licence(issuer=Issuer(name, LICENCE.issuer.code)))
    found = verify(replace(judge, name=LICENCE.issuer.name))
    assert outcome(found, "seal") == (Verdict.VALID, ["LICENCE_ISSUER_NAME_OTHER"])
    sealed_by, named = question(found, "seal").steps[1:]
    assert sealed_by.facts["expected"] == LICENCE.issuer.name
    assert named.facts == {"expected": LICENCE.issuer.name, "found": name}
    assert outcome(verify(replace(judge, name=None)), "seal") == (Verdict.VALID, []), "the certificate says nothing but the code"


@pytest.mark.parametrize("hour", [15, 16, 23])
def test_attack_the_last_hours_there_are_raise_nothing(hour: int) -> None:
    """In China it is the year 10000 then, which has no day."""
    end = datetime(9999, 12, 31, hour, 59, 59, tzinfo=UTC)
    judge = changed(sample_licence(valid_to=None))
    assert outcome(verify(judge, at=end), "status") == (Verdict.INDETERMINATE, ["STATUS_LIST_EXPIRED"])
    assert outcome(verify(at=end), "status")[1][0] == "LICENCE_EXPIRED"


def test_attack_a_published_status_list_is_no_entry_of_a_licence() -> None:
    """It is in the log as well, rightly proven, and says nothing of this licence."""
    entry = write_leaf(StatusListLeaf(1, AT, 2000, 2, bytes(32)))
    found = verify(with_files(**dict(zip((LEAF_NAME, *PROOF_NAMES), (entry, proof_of(entry, 0), proof_of(entry, 1)), strict=True))))
    verdict, codes = outcome(found, "log")
    assert (verdict, "LICENCE_LEAF_OTHER" in codes) == (Verdict.INVALID, True)
    assert found.report.verdict is Verdict.INVALID
