"""Time does not run backwards in what is issued (I10)."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from service_kit import clock as module
from service_kit.clock import SystemClock, in_utc
from standards.errors import Kind, TrustError
from tests.clocks import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FixedClock:
    """The machine's own clock, set by the test."""
    fixed = FixedClock(AT)

    class Now(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            assert tz is UTC
            return fixed.at

    monkeypatch.setattr(module, "datetime", Now)
    return fixed


def test_time_goes_on(machine: FixedClock) -> None:
    clock = SystemClock()
    assert clock.now() == AT
    machine.advance(1)
    assert clock.now() == AT + timedelta(seconds=1)
    assert clock.held_back == 0


def test_set_back_a_little_it_stands_still(machine: FixedClock) -> None:
    clock = SystemClock()
    clock.now()
    machine.advance(-60)
    assert clock.now() == AT
    machine.advance(59)
    assert clock.now() == AT
    machine.advance(2)
    assert clock.now() == AT + timedelta(seconds=1)
    assert clock.held_back == 2


def test_another_thread_in_between_is_no_clock_that_went_back(machine: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = SystemClock(), []
    reading = "service_kit.clock.datetime.now"

    def read_slowly(_zone: object) -> datetime:
        mine = machine.at
        machine.advance(1)
        monkeypatch.setattr(reading, lambda _zone: machine.at)
        told.append(clock.now())  # by another thread, before this one looks at what it read
        return mine

    monkeypatch.setattr(reading, read_slowly)
    assert (clock.now(), told) == (AT, [AT + timedelta(seconds=1)])
    assert clock.held_back == 0
    machine.advance(-0.5)
    assert clock.now() == AT + timedelta(seconds=1), "the floor is the latest that was told"


def test_set_back_an_hour_it_refuses(machine: FixedClock) -> None:
    clock = SystemClock()
    clock.now()
    machine.advance(-3600)
    with pytest.raises(TrustError) as refused:
        clock.now()
    assert (refused.value.kind, refused.value.code, refused.value.facts) == (Kind.UNAVAILABLE, "CLOCK_BEHIND", {"behind_seconds": 3600})
    machine.advance(3600)
    assert clock.now() == AT


def test_the_floor_outlives_the_process(machine: FixedClock, tmp_path: Path) -> None:
    path = tmp_path / "floor"
    SystemClock(path).now()
    machine.advance(-30)
    assert SystemClock(path).now() == AT
    machine.advance(-3600)
    with pytest.raises(TrustError, match="CLOCK_BEHIND"):
        SystemClock(path).now()


def test_the_floor_is_written_now_and_then(machine: FixedClock, tmp_path: Path) -> None:
    path = tmp_path / "floor"
    clock = SystemClock(path)
    clock.now()
    written = path.read_text()
    machine.advance(4)
    clock.now()
    assert path.read_text() == written
    machine.advance(1)
    clock.now()
    assert path.read_text() != written
    machine.advance(1)
    clock.now()
    clock.save_floor()
    assert path.read_text() == (AT + timedelta(seconds=6)).isoformat()


def test_a_full_disk_does_not_stop_time_and_is_told(machine: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock(tmp_path / "run" / "floor")
    assert clock.now() == AT
    kept = [clock.unsaved]

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_durably", full)
        machine.advance(60)
        assert clock.now() == AT + timedelta(seconds=60)
        kept.append(clock.unsaved)
        clock.save_floor()  # the end of a process is not disturbed by it either
        machine.advance(-1)
        assert clock.now() == AT + timedelta(seconds=60), "the floor counts in memory"
    machine.advance(60)
    clock.now()
    kept.append(clock.unsaved)
    assert [each is None for each in kept] == [True, False, True]
    assert (tmp_path / "run" / "floor").exists()
    # Nor does a disk that gives back nothing any more
    (tmp_path / "run" / "floor").unlink()
    (tmp_path / "run" / "floor").mkdir()
    for _ in range(2):
        machine.advance(60)
        assert clock.now() == machine.at
        assert isinstance(clock.unsaved, IsADirectoryError)


def test_another_process_s_later_floor_stays(machine: FixedClock, tmp_path: Path) -> None:
    path = tmp_path / "floor"
    clock = SystemClock(path)
    clock.now()
    path.write_text((AT + timedelta(seconds=20)).isoformat())
    clock.save_floor()
    assert clock.now() == AT + timedelta(seconds=20)
    assert path.read_text() == (AT + timedelta(seconds=20)).isoformat()


@pytest.mark.parametrize("text", ["nonsense", "2026-11-23T08:00:00"])
def test_a_damaged_floor_is_not_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "floor").write_text(text)
    with pytest.raises(TrustError, match="CLOCK_FLOOR_UNREADABLE"):
        SystemClock(tmp_path / "floor")


def test_without_a_file_nothing_is_stored() -> None:
    SystemClock().save_floor()
    assert FixedClock(AT).now() == AT


def test_a_stated_time_is_read_in_utc_or_refused_by_its_rule() -> None:
    assert in_utc(datetime.fromisoformat("2026-01-01T08:00:00+08:00"), ValueError) == datetime(2026, 1, 1, tzinfo=UTC)
    assert in_utc(datetime.fromisoformat("2026-01-01T08:00:00+08:00"), ValueError).tzinfo is UTC
    for text, rule in (
        ("2026-01-01T08:00:00", "with its zone"),
        ("0001-01-01T00:00:00+14:00", "that UTC has"),
        ("9999-12-31T23:59:59-12:00", "that UTC has"),
    ):
        with pytest.raises(ValueError, match=rule):
            in_utc(datetime.fromisoformat(text), ValueError)
