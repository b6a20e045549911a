"""Of several status lists which one speaks: the newest of then, and of two of one second the one that is worse for the licence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crypto.jose import VerificationKey
from crypto.providers.protocol import provider_failed
from crypto.report import Verdict, not_checked
from licence_vault.status import at_hand
from licence_vault.status.verify import CLAUSE, StatusResult
from tests.licence_vault.test_verify import AT, LICENCE, TRUST, status_token


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


def test_attack_a_library_that_fails_once_does_not_let_an_older_list_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest says revoked. Where it cannot be checked nobody knows, and once it can be, what was not known before is not remembered."""
    older, newest = status_token(at=AT - timedelta(hours=3)), status_token(1, at=AT - timedelta(hours=2))
    trust = replace(TRUST, status_tokens=(older, newest))
    verifies = VerificationKey.verifies

    def failing(key: VerificationKey, signature: bytes, message: bytes) -> bool:
        if message == newest.rpartition(b".")[0]:
            raise provider_failed("libcrypto", "verify")
        return verifies(key, signature, message)

    def ask() -> list[str]:
        return [step.code for step in at_hand.ask_lists_at_hand(LICENCE.status.list, LICENCE.status.index, trust, AT)]

    with monkeypatch.context() as patched:
        patched.setattr(VerificationKey, "verifies", failing)
        assert ask() == ["STATUS_TOKEN_REFUSED"]
        assert at_hand.status_at_hand(LICENCE.status.list, LICENCE.status.index, trust, AT) == (None, ())
    assert ask() == ["STATUS_TOKEN_SIGNED", "STATUS_LIST_FRESH", "STATUS_INVALID"]
