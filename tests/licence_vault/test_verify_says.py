"""Which licence a file is: told where its issuer is shown to say so, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.known_until import while_known
from crypto.report import Said, Verdict
from licence_vault.model import AskedHolder
from standards import ietf_status_list as lists
from tests.licence_vault.test_verify import AT, LICENCE, TRUST, Judge, changed, status_token, verify, with_files

if TYPE_CHECKING:
    from crypto.trust_list import TrustList

SAID = Said(
    LICENCE.identifier,
    LICENCE.name,
    LICENCE.number,
    tuple(each.name for each in LICENCE.holders),
    LICENCE.issuer.name,
    LICENCE.issued_on,
    LICENCE.valid_from,
    LICENCE.valid_to,
)


@pytest.mark.parametrize(
    ("judge", "trust", "verdict", "is_told"),
    [
        (Judge(), TRUST, Verdict.VALID, True),
        (Judge(), replace(TRUST, status_tokens=(status_token(lists.INVALID),)), Verdict.INVALID, True),
        (Judge(), replace(TRUST, status_tokens=()), Verdict.INDETERMINATE, True),
        (Judge(verdict=Verdict.INVALID, tampered=True), TRUST, Verdict.INVALID, False),
        (Judge(verdict=Verdict.INDETERMINATE), TRUST, Verdict.INDETERMINATE, False),
        (Judge(code="11430000006122240X"), TRUST, Verdict.INVALID, False),
        (Judge(code=None, name=None), TRUST, Verdict.INDETERMINATE, False),
        (Judge(), replace(TRUST, logs=()), Verdict.INDETERMINATE, False),
        (changed(version="002"), TRUST, Verdict.INVALID, False),
        (changed(replace(LICENCE, version="002")), TRUST, Verdict.INVALID, False),
        (changed(replace(LICENCE, identifier=LICENCE.identifier[:-1] + "?")), TRUST, Verdict.INVALID, False),
        (with_files(licence__json=b"{}"), TRUST, Verdict.INVALID, False),
    ],
    ids=[
        "good",
        "revoked",
        "no-list",
        "changed",
        "unknown-seal",
        "other",
        "nobody",
        "no-log",
        "other-entry",
        "other-number",
        "early",
        "unreadable",
    ],
)
def test_which_licence_it_is_is_told_where_its_issuer_is_shown_to_say_so(
    judge: Judge, trust: TrustList, verdict: Verdict, is_told: bool
) -> None:
    report = verify(judge, trust).report
    assert (report.verdict, report.says) == (verdict, SAID if is_told else None)


def test_who_is_asked_about_is_not_told() -> None:
    for asked in (AskedHolder(LICENCE.holders[0].name, LICENCE.holders[0].code), AskedHolder("somebody", "else")):
        assert verify(holder=asked).report.says == replace(SAID, holders=None)


def test_an_issuer_is_called_as_his_certificate_calls_him() -> None:
    report = verify(Judge(name="示例省林业局")).report
    assert report.says == replace(SAID, issuer="示例省林业局")


def test_by_knowledge_that_has_ended_nothing_is_told() -> None:
    ended = replace(TRUST, ends_at=AT - timedelta(seconds=1))
    report = while_known(verify(trust=ended).report, ended, AT)
    assert (report.verdict, report.says) == (Verdict.INDETERMINATE, None)
