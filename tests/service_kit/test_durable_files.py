"""Whose a file is that is written at one stroke."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from crypto.durable_files import give_to_owner
from service_kit.durable_files import write_durably

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """To whom files are given, were this process root's; that of a container may not: the file is written all the same."""
    told = Mock(side_effect=OSError)
    monkeypatch.setattr("os.fchown", told)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return told


def owned(path: Path, user: int) -> tuple[int, int]:
    """User and group of ``path`` from now on: only root can choose them, for everybody else they are his own."""
    if os.getuid() == 0:
        os.chown(path, user, user)
    return path.stat().st_uid, path.stat().st_gid


def test_a_file_that_root_replaces_stays_with_its_owner(tmp_path: Path, given: Mock) -> None:
    """As the floor of the clock, which `yinxin doctor` run as root took away from the server: that did not start any more."""
    path = tmp_path / "clock-floor"
    of_folder = owned(tmp_path, 4711)
    write_durably(path, b"first")
    of_file = owned(path, 4712)
    write_durably(path, b"second")
    assert [call.args[1:] for call in given.call_args_list] == [of_folder, of_file], "its folder's where it is new, then its own"


def test_what_root_makes_is_given_away_and_only_by_root(given: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def like(user: int, group: int) -> Path:
        found: Path = Mock(stat=lambda: SimpleNamespace(st_uid=user, st_gid=group))
        return found

    give_to_owner(7, tmp_path, like=like(0, 0))
    given.assert_not_called()
    give_to_owner(7, tmp_path, like=like(4711, 4712))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    give_to_owner(7, tmp_path, like=like(4713, 4714))
    assert [call.args for call in given.call_args_list] == [(7, 4711, 4712)]
