"""Whose a file is that is written at one stroke."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import Mock

from crypto.durable_files import give_to_owner
from service_kit.durable_files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_file_that_root_replaces_stays_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the floor of the clock, which `yinxin doctor` run as root took away from the server: that did not start any more."""
    path = tmp_path / "clock-floor"
    asked: list[Path] = []
    monkeypatch.setattr("service_kit.durable_files.give_to_owner", lambda _, like: asked.append(like))
    write_durably(path, b"first")
    write_durably(path, b"second")
    assert asked == [tmp_path, path], "its folder's where it is new, then its own"


def test_what_root_makes_is_given_away_and_only_by_root(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Mock(side_effect=OSError)  # the root of a container may not: the file is written all the same
    monkeypatch.setattr("os.fchown", given)

    def owned(user: int, group: int) -> Path:
        like: Path = Mock(stat=lambda: SimpleNamespace(st_uid=user, st_gid=group))
        return like

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    give_to_owner(7, owned(4711, 4712))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    give_to_owner(7, owned(0, 0))
    given.assert_not_called()
    give_to_owner(7, owned(4711, 4712))
    assert [call.args for call in given.call_args_list] == [(7, 4711, 4712)]
