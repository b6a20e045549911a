"""What sign-in at other providers needs: which there are, the way to them, and how many may be asked at once."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from idp.connectors.kinds import open_connector
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from idp.actions.people_desk import PeopleDesk
    from idp.connectors.protocol import Connector
    from idp.connectors.settings import ConnectorSettings
    from service_kit.outbound import Outbound

HEARING_MAX: Final = 2
ASKING_MAX: Final = 6  # threads of a process that may wait for upstreams; a slow one must not hold up everything else


@dataclass(frozen=True, slots=True)
class FederationDesk:
    """``upstreams``: by name, in the order of their buttons."""

    people: PeopleDesk
    upstreams: Mapping[str, ConnectorSettings]
    outbound: Outbound
    _hearing: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(HEARING_MAX))
    _asking: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(ASKING_MAX))

    def settings(self, name: str) -> ConnectorSettings:
        """An upstream's settings; UPSTREAM_UNKNOWN."""
        found = self.upstreams.get(name)
        if found is None:
            raise TrustError(Kind.NOT_FOUND, "UPSTREAM_UNKNOWN")
        return found

    def connector(self, name: str) -> Connector:
        """Who speaks to an upstream; UPSTREAM_UNKNOWN."""
        return open_connector(self.settings(name))

    def asking(self) -> AbstractContextManager[None]:
        """A place among those who wait for an upstream; SIGN_IN_BUSY at once where all are taken."""
        return _place(self._asking)

    def hearing(self) -> AbstractContextManager[None]:
        """A place among the notices of upstreams that are looked into; apart, so that a flood of false ones holds up no sign-in. SIGN_IN_BUSY."""
        return _place(self._hearing)


@contextmanager
def _place(places: threading.BoundedSemaphore) -> Iterator[None]:
    if not places.acquire(blocking=False):
        raise TrustError(Kind.UNAVAILABLE, "SIGN_IN_BUSY", retry_after_seconds=2)
    try:
        yield
    finally:
        places.release()
