"""Whose a file is that is written at one stroke."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

from service_kit.durable_files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_file_that_root_replaces_stays_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the floor of the clock, which `yinxin doctor` run as root took away from the server: that did not start any more."""
    path = tmp_path / "clock-floor"
    given = Mock(side_effect=OSError)  # the root of a container may not: the file is written all the same
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("os.fchown", given)
    write_durably(path, b"first")
    given.assert_not_called()
    monkeypatch.setattr("service_kit.durable_files.owner_of", lambda _: (4711, 4712))
    write_durably(path, b"second")
    assert [call.args[1:] for call in given.call_args_list] == [(4711, 4712)]
    assert path.read_bytes() == b"second"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    write_durably(path, b"third")
    assert (given.call_count, path.read_bytes(), list(tmp_path.iterdir())) == (1, b"third", [path])
