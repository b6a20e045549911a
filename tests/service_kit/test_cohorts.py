"""The turns at the processor: one at a time, the same step first, and nobody for ever."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from service_kit import cohorts as module
from service_kit.cohorts import Cohorts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

WAIT_SECONDS = 20.0


class Scene:
    """Threads that come to steps in a known order, and the order in which they were let in."""

    def __init__(self, cohorts: Cohorts) -> None:
        self.cohorts = cohorts
        self.entered: list[str] = []
        self._threads: list[threading.Thread] = []

    def comes(self, who: str, step: str) -> None:
        """Somebody comes and waits there."""
        self._comes(who, lambda: self.cohorts.step(step))

    def comes_soon(self, who: str, turns: int) -> None:
        """Somebody comes who lets so many others go first."""
        self._comes(who, lambda: self.cohorts.soon(turns))

    def _comes(self, who: str, turn: Callable[[], AbstractContextManager[None]]) -> None:
        def work() -> None:
            with turn():
                self.entered.append(who)

        before = self.cohorts.waiting
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()
        until = time.monotonic() + WAIT_SECONDS
        while self.cohorts.waiting == before:
            assert time.monotonic() < until, f"{who} does not wait"
            time.sleep(0.001)

    def ends(self) -> list[str]:
        """In which order they were let in."""
        for thread in self._threads:
            thread.join(WAIT_SECONDS)
            assert not thread.is_alive()
        return self.entered


@pytest.fixture
def scene() -> Scene:
    return Scene(Cohorts(patience_seconds=WAIT_SECONDS, in_a_row=3))


def test_who_is_at_the_same_step_comes_next(scene: Scene) -> None:
    with scene.cohorts.step("draw"):
        scene.comes("sealer", "seal")
        scene.comes("one", "draw")
        scene.comes("verifier", "verify")
        scene.comes("two", "draw")
    assert scene.ends() == ["one", "two", "sealer", "verifier"]


def test_after_so_many_in_a_row_another_step_has_its_turn(scene: Scene) -> None:
    with scene.cohorts.step("draw"):
        scene.comes("sealer", "seal")
        for name in ("one", "two", "three", "four"):
            scene.comes(name, "draw")
    assert scene.ends() == ["one", "two", "sealer", "three", "four"]


def test_a_step_that_alone_is_waited_for_goes_on_past_its_limit(scene: Scene) -> None:
    names = [f"number {each}" for each in range(7)]
    with scene.cohorts.step("draw"):
        for name in names:
            scene.comes(name, "draw")
    assert scene.ends() == names


def test_steps_come_round_in_the_order_in_which_they_were_first_seen(scene: Scene) -> None:
    for step in ("draw", "seal", "verify"):
        with scene.cohorts.step(step):
            pass
    with scene.cohorts.step("seal"):
        scene.comes("drawer", "draw")
        scene.comes("verifier", "verify")
    assert scene.ends() == ["verifier", "drawer"]


def test_the_turn_is_passed_on_by_who_fails(scene: Scene) -> None:
    with pytest.raises(ZeroDivisionError), scene.cohorts.step("draw"):
        scene.comes("one", "seal")
        raise ZeroDivisionError
    assert scene.ends() == ["one"]
    with scene.cohorts.step("draw"):  # nobody has it any more
        assert scene.cohorts.waiting == 0


def test_a_step_within_a_step_waits_for_nobody(scene: Scene) -> None:
    with scene.cohorts.step("draw"):
        scene.comes("one", "seal")
        with scene.cohorts.step("seal"):
            assert scene.entered == []
        assert scene.entered == [], "the turn was passed on in the middle of a step"
    assert scene.ends() == ["one"]


def test_what_reads_is_a_step_only_where_reading_asks_no_server() -> None:
    apart, here = Cohorts(are_reads_quick=False), Cohorts(patience_seconds=WAIT_SECONDS)

    def comes_through(cohorts: Cohorts, seconds: float) -> bool:
        through = threading.Event()

        def work() -> None:
            with cohorts.step("load", reads=True):
                through.set()

        with cohorts.step("draw"):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            came = through.wait(seconds)
        thread.join(WAIT_SECONDS)
        return came

    assert comes_through(apart, WAIT_SECONDS)
    assert not comes_through(here, 0.2)


def test_a_step_within_a_reading_one_counts_where_the_reading_one_does_not() -> None:
    scene = Scene(Cohorts(are_reads_quick=False, patience_seconds=WAIT_SECONDS))
    with scene.cohorts.step("begin", reads=True), scene.cohorts.step("check"):
        scene.comes("one", "draw")
        assert scene.entered == []
    assert scene.ends() == ["one"]


def test_who_is_stuck_keeps_nobody_back() -> None:
    cohorts = Cohorts(patience_seconds=0.05)
    scene = Scene(cohorts)
    is_stuck, may_go = threading.Event(), threading.Event()

    def hang() -> None:
        with cohorts.step("draw"):
            is_stuck.set()
            may_go.wait(WAIT_SECONDS)

    stuck = threading.Thread(target=hang, daemon=True)
    stuck.start()
    assert is_stuck.wait(WAIT_SECONDS)
    began = time.monotonic()
    scene.comes("one", "seal")
    assert scene.ends() == ["one"]
    assert time.monotonic() - began >= 0.05, "nobody waited for who has the turn"

    # When he ends at last, somebody else has the turn, and keeps it
    with cohorts.step("verify"):
        may_go.set()
        stuck.join(WAIT_SECONDS)
        late = Scene(cohorts)
        late.comes("two", "draw")
        assert late.entered == []
    assert late.ends() == ["two"]


def is_open(cohorts: Cohorts) -> bool:
    return cohorts.is_open


def idle(cohorts: Cohorts, turns: int) -> None:
    """Turns that last and compute next to nothing."""
    for _ in range(turns):
        with cohorts.step("draw"):
            time.sleep(0.002)


@contextmanager
def crowded() -> Iterator[None]:
    """Another thread of this process computes."""
    is_over = threading.Event()

    def compute() -> None:
        while not is_over.is_set():
            hashlib.sha256(bytes(100_000)).digest()

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(WAIT_SECONDS)


def test_where_others_compute_nobody_waits_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", WAIT_SECONDS)
    scene = Scene(Cohorts(patience_seconds=WAIT_SECONDS))
    with crowded():
        idle(scene.cohorts, module.MEASURED - 1)
        assert not is_open(scene.cohorts)
        with scene.cohorts.step("draw"):
            scene.comes("one", "draw")
            scene.comes("sealer", "seal")
            scene.comes_soon("writer", 20)
            time.sleep(0.002)
    assert sorted(scene.ends()) == ["one", "sealer", "writer"]
    assert is_open(scene.cohorts)

    # While it is so, two are at the same step, and the writer beside them
    with scene.cohorts.step("draw"), scene.cohorts.soon(20):
        other = threading.Thread(target=idle, args=(scene.cohorts, 1), daemon=True)
        other.start()
        other.join(WAIT_SECONDS)
        assert not other.is_alive()


def test_after_a_while_turns_are_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 1.0)
    scene = Scene(Cohorts(patience_seconds=WAIT_SECONDS))
    with crowded():
        idle(scene.cohorts, module.MEASURED)
        assert is_open(scene.cohorts)
    time.sleep(1.05)
    assert not is_open(scene.cohorts)
    with scene.cohorts.step("draw"):
        scene.comes("one", "seal")
        assert scene.entered == []
    assert scene.ends() == ["one"]


def test_turns_are_kept_where_they_last_long_for_what_is_outside_of_this_process() -> None:
    cohorts = Cohorts()
    idle(cohorts, 2 * module.MEASURED)
    assert not cohorts.is_open


def test_turns_are_kept_where_others_compute_beside_and_not_instead() -> None:
    cohorts = Cohorts(crowded=50.0)  # a machine on which much else runs must not fail this
    with crowded():
        for _ in range(2 * module.MEASURED):
            with cohorts.step("draw"):
                until = time.thread_time() + 0.001
                while time.thread_time() < until:
                    pass
    assert not cohorts.is_open


def test_the_writer_comes_after_so_many_turns(scene: Scene) -> None:
    with scene.cohorts.step("draw"):
        scene.comes_soon("writer", 2)
        for name in ("one", "two", "three"):
            scene.comes(name, "draw")
    assert scene.ends() == ["one", "two", "writer", "three"]


def test_the_writer_comes_at_once_where_nobody_else_waits(scene: Scene) -> None:
    with scene.cohorts.step("draw"):
        scene.comes_soon("writer", 20)
        scene.comes("one", "draw")
    assert scene.ends() == ["one", "writer"]
    with scene.cohorts.soon(20):
        scene.comes("two", "seal")
        assert scene.entered == ["one", "writer"], "the writer's turn is nobody else's"
    assert scene.ends() == ["one", "writer", "two"]


def test_writers_come_in_their_order(scene: Scene) -> None:
    with scene.cohorts.step("draw"):
        scene.comes_soon("first", 1)
        scene.comes_soon("second", 0)
        for name in ("one", "two"):
            scene.comes(name, "draw")
    assert scene.ends() == ["one", "first", "second", "two"]


def test_writing_to_a_server_takes_no_turn() -> None:
    scene = Scene(Cohorts(are_reads_quick=False, patience_seconds=WAIT_SECONDS))
    with scene.cohorts.step("draw"), scene.cohorts.soon(20):
        scene.comes("one", "draw")
    assert scene.ends() == ["one"]


@pytest.mark.parametrize("patience_seconds", [WAIT_SECONDS, 0.0005])
def test_many_threads_all_come_through(patience_seconds: float) -> None:
    cohorts = Cohorts(patience_seconds=patience_seconds, in_a_row=4, crowded=1e9)
    inside, most = 0, 0
    guard = threading.Lock()

    def work(seed: int) -> int:
        nonlocal inside, most
        chance, done = random.Random(seed), 0
        for _ in range(60):
            name = chance.choice(("draw", "seal", "verify", "commit"))
            with cohorts.soon(3) if name == "commit" else cohorts.step(name):
                with guard:
                    inside += 1
                    most = max(most, inside)
                time.sleep(chance.random() * 0.0002)
                with guard:
                    inside -= 1
            done += 1
        return done

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(work, range(16), timeout=120)) == [60] * 16
    if patience_seconds == WAIT_SECONDS:
        assert most == 1
    with cohorts.step("draw"):  # nobody has it, nobody waits
        assert cohorts.waiting == 0
