"""Many who ask for a client's row at once share readings of it, and nobody is answered with a row from before he asked."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, cast

import pytest

from idp.actions.recall_client import ClientMemory, KnownClient

if TYPE_CHECKING:
    from service_kit.database import Database


def known(number: int) -> KnownClient:
    """A number in the place of a row."""
    return cast("KnownClient", number)


class Slow(ClientMemory):
    """Reads nothing: what a reading gives is the number under ``now`` when it began, and it ends when ``gate`` opens."""

    def __init__(self) -> None:
        super().__init__(cast("Database", None), b"")
        self.now = 0
        self.begun: list[str] = []
        self.has_begun = threading.Semaphore(0)
        self.gate = threading.Event()

    def renewed(self, client_id: str) -> KnownClient | None:
        found = self.now
        self.begun.append(client_id)
        self.has_begun.release()
        if not self.gate.wait(20):
            raise TimeoutError
        if client_id == "broken":
            raise ValueError(found)
        return known(found)


def test_a_thousand_who_come_at_once_need_one_reading() -> None:
    async def ask() -> None:
        memory = Slow()
        memory.gate.set()
        found = await asyncio.gather(*(memory.read_for_all(f"c{number % 2}") for number in range(1000)))
        assert set(found) == {known(0)}
        assert sorted(memory.begun) == ["c0", "c1"]
        memory.now = 7
        assert await memory.read_for_all("c0") == known(7)  # nothing is kept for later
        assert memory._begun == memory._due == {}

    asyncio.run(ask())


def test_attack_a_row_from_before_somebody_asked_answers_nobody() -> None:
    """A secret that was withdrawn while the row was being read must not let in who asks after that."""

    async def ask() -> None:
        memory = Slow()
        first = asyncio.create_task(memory.read_for_all("c"))
        await asyncio.to_thread(memory.has_begun.acquire)
        memory.now = 1
        later = [asyncio.create_task(memory.read_for_all("c")) for _ in range(50)]
        await asyncio.sleep(0.01)
        assert memory.begun == ["c"]
        memory.gate.set()
        assert await first == known(0)
        assert set(await asyncio.gather(*later)) == {known(1)}
        assert memory.begun == ["c", "c"]
        assert memory._begun == memory._due == {}

    asyncio.run(ask())


def test_who_goes_away_takes_nobodys_reading_along_and_a_failure_is_everybodys() -> None:
    async def ask() -> None:
        memory = Slow()
        gone = asyncio.create_task(memory.read_for_all("c"))
        stays = asyncio.create_task(memory.read_for_all("c"))
        broken = [asyncio.create_task(memory.read_for_all("broken")) for _ in range(2)]
        for _ in range(2):
            await asyncio.to_thread(memory.has_begun.acquire)
        gone.cancel()
        memory.gate.set()
        assert await stays == known(0)
        with pytest.raises(asyncio.CancelledError):
            await gone
        for each in broken:
            with pytest.raises(ValueError, match="0"):
                await each
        with pytest.raises(ValueError, match="0"):
            await memory.read_for_all("broken")
        assert memory._begun == memory._due == {}

    asyncio.run(ask())
