"""Of several status lists which one speaks: the newest of then, and of two of one second the one that is worse for the licence."""

from __future__ import annotations

import pytest

from crypto.report import Verdict, not_checked
from licence_vault.status import at_hand
from licence_vault.status.verify import CLAUSE, StatusResult


def result(status: int | None, issued: int | None = 100, *codes: str) -> StatusResult:
    return StatusResult(Verdict.INDETERMINATE, status, issued, None, None, tuple(not_checked(code, CLAUSE) for code in codes))


VALID, REVOKED, UNREADABLE = result(0), result(1), result(None)


@pytest.mark.parametrize(
    ("results", "wanted"),
    [
        ((VALID, REVOKED), REVOKED),
        ((UNREADABLE, VALID), VALID),
        ((UNREADABLE, result(None, 99)), UNREADABLE),
        ((REVOKED, later := result(None, 101, "STATUS_LIST_EXPIRED")), later),
        ((VALID, result(1, 101, "STATUS_LIST_NOT_YET")), VALID),
        ((result(None, None), older := result(0, 1)), older),
    ],
)
def test_which_list_speaks(results: tuple[StatusResult, ...], wanted: StatusResult) -> None:
    for order in (results, results[::-1]):
        assert max(order, key=at_hand._rank) is wanted
