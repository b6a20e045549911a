from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from service_kit.composition import Access, access_of, caller_of, days_left, needs, public
from standards.errors import TrustError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


def test_a_declaration_is_found_on_the_endpoint() -> None:
    @needs("seal.use")
    def guarded() -> None: ...

    @public("for everyone")
    def open_to_all() -> None: ...

    assert access_of(guarded) == Access("seal.use")
    assert access_of(open_to_all) == Access(None, "for everyone")
    assert access_of(lambda: None) is None


def test_without_a_gate_there_is_no_caller() -> None:
    with pytest.raises(TrustError, match="TOKEN_MISSING"):
        caller_of(cast("HTTPConnection", SimpleNamespace(state=SimpleNamespace())))


def test_days_left() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert days_left(now + timedelta(hours=36), now) == 1.5
    assert days_left(now - timedelta(days=1), now) == -1
