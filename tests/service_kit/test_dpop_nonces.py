"""Nonces of proofs of possession: the same for all processes, for some minutes, and of those alone who must use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service_kit.dpop import Proof
from service_kit.dpop_nonces import ALWAYS, NEVER, STRICT, WINDOW_SECONDS, Nonces
from service_kit.problems import problem_of
from service_kit.settings import DpopSettings, Settings
from standards.errors import Kind, TrustError

AT = datetime(2026, 11, 28, 8, 3, tzinfo=UTC)
KEY = b"k" * 32
NONCES = Nonces(KEY, ALWAYS)


def proof(nonce: str | None) -> Proof:
    return Proof("jkt", "p1", AT, nonce)


def is_taken(nonces: Nonces, nonce: str | None, at: datetime = AT, *, is_strict: bool = False) -> bool:
    try:
        nonces.demand(proof(nonce), at, is_strict=is_strict)
    except TrustError as error:
        assert (error.kind, error.code, error.facts) == (Kind.UNAUTHENTICATED, "DPOP_NONCE_NEEDED", {"nonce": nonces.of(at)})
        return False
    return True


@pytest.mark.clause("RFC 9449 8", "RFC 9449 9")
def test_a_nonce_counts_in_its_minutes_and_the_next() -> None:
    nonce = NONCES.of(AT)
    assert (nonce, len(nonce)) == (Nonces(KEY).of(AT), 24)
    window = timedelta(seconds=WINDOW_SECONDS)
    assert [is_taken(NONCES, nonce, AT + number * window) for number in (-1, 0, 1, 2)] == [False, True, True, False]
    assert len({NONCES.of(AT + number * window) for number in range(4)}) == 4
    for other in (None, "", nonce[:-1], nonce + "=", nonce.swapcase(), "随机", Nonces(b"x" * 32).of(AT)):
        assert not is_taken(NONCES, other)


@pytest.mark.parametrize(("when", "taken"), [(NEVER, [True, True]), (STRICT, [True, False]), (ALWAYS, [False, False])])
def test_of_whom_they_are_demanded(when: str, taken: list[bool]) -> None:
    nonces = Nonces(KEY, when)
    assert [is_taken(nonces, None, is_strict=is_strict) for is_strict in (False, True)] == taken
    assert "k" * 8 not in repr(nonces)


def test_the_answer_brings_the_nonce() -> None:
    with pytest.raises(TrustError) as refused:
        NONCES.demand(proof(None), AT, is_strict=False)
    answer = problem_of(refused.value)
    headers = dict(answer.headers)
    assert (answer.status, headers["DPoP-Nonce"]) == (401, NONCES.of(AT))
    assert headers["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce", algs="ES256')


def test_the_setting_has_three_values() -> None:
    assert Settings(dir=Path()).dpop.nonces == STRICT
    with pytest.raises(TrustError, match="SETTING_INVALID"):
        Settings(dir=Path(), dpop=DpopSettings("sometimes"))
