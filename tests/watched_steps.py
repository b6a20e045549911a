"""What is done within a step of ``service_kit.cohorts``: nothing there may write, open a device's key or, where a step does not say so, read."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crypto.keystore import Keystore
from service_kit.cohorts import Cohorts
from service_kit.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest


def watch_steps(monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], list[str]]:
    """The names of the steps that are taken from now on, and what was done in them that must not be: ``step: what``."""
    taken: set[str] = set()
    found: list[str] = []
    here = threading.local()
    step = Cohorts.step

    @contextmanager
    def watched(self: Cohorts, name: str, *, reads: bool = False) -> Iterator[None]:
        outer = getattr(here, "step", None)
        with step(self, name, reads=reads):
            taken.add(name)
            here.step = outer or (name, reads)
            try:
                yield
            finally:
                here.step = outer

    def told(what: str, original: Callable[..., Any], *, is_reading: bool = False) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            name, reads = getattr(here, "step", None) or ("", True)
            if name and not (reads and is_reading):
                found.append(f"{name}: {what}")
            return original(*args, **named)

        return call

    monkeypatch.setattr(Cohorts, "step", watched)
    monkeypatch.setattr(Database, "write", told("write", Database.write))
    monkeypatch.setattr(Keystore, "signer", told("signer", Keystore.signer))
    for name in ("look", "read"):
        monkeypatch.setattr(Database, name, told(name, getattr(Database, name), is_reading=True))
    return taken, found
