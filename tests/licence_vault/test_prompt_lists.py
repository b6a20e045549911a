"""Status lists are published at once when a licence changes: word of it comes with the commit, never before, and editions stay bounded."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.status import prompt_lists
from licence_vault.status.news import StatusNews
from licence_vault.status.prompt_lists import PromptPublisher
from standards.errors import Kind, TrustError
from tests.licence_vault.vault_here import VaultHere

if TYPE_CHECKING:
    from pathlib import Path


def test_word_comes_when_the_change_is_durable_and_not_when_it_was_undone(tmp_path: Path) -> None:
    news = StatusNews()
    with VaultHere.made(tmp_path / "vault") as vault:
        database = vault.context.database

        def change(connection: Any) -> None:
            database.defer(connection, news, "lc_1")

        def fail(connection: Any) -> None:
            database.defer(connection, news, "lc_1")
            raise TrustError(Kind.CONFLICT, "LICENCE_CHANGED")

        database.write(change)
        assert news.wait(0, 0.0) == news.count == 1
        with pytest.raises(TrustError, match="LICENCE_CHANGED"):
            database.write(fail)
        assert news.count == 1


def test_who_waits_publishes_at_once_and_ends_when_told() -> None:
    news, published = StatusNews(), threading.Event()
    publisher = PromptPublisher(published.set, news, pause=lambda _: False)
    publisher.start()
    news.rows_committed()
    assert published.wait(30)
    publisher.stop()
    published.clear()
    news.rows_committed()
    assert not published.is_set()


def test_once_more_in_the_next_second_and_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []

    def pause(_: threading.Event) -> bool:
        turns.append("paused")
        return False

    publisher = PromptPublisher(lambda: turns.append("published"), StatusNews(), pause=pause)
    publisher.publish_now()
    assert turns == ["published", "paused", "published"]
    monkeypatch.setattr(prompt_lists, "time", SimpleNamespace(monotonic=lambda: 0.0))
    fresh = PromptPublisher(lambda: turns.append("published"), StatusNews(), pause=lambda _: False)
    turns.clear()
    for _ in range(prompt_lists.EDITIONS_AT_ONCE):
        fresh.publish_now()
    assert turns.count("published") == prompt_lists.EDITIONS_AT_ONCE


def test_an_end_while_pausing_and_a_failure_are_no_trouble() -> None:
    turns: list[str] = []

    def fail() -> None:
        turns.append("tried")
        raise TrustError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE")

    PromptPublisher(fail, StatusNews(), pause=lambda _: True).publish_now()
    assert turns == ["tried"]


def test_a_fault_does_not_end_the_thread() -> None:
    news, tried = StatusNews(), threading.Semaphore(0)

    def fail() -> None:
        tried.release()
        raise RuntimeError

    publisher = PromptPublisher(fail, news, pause=lambda _: True)
    publisher.start()
    for _ in range(2):
        news.rows_committed()
        assert tried.acquire(timeout=30)
    publisher.stop()
