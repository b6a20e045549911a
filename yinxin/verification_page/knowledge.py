"""What the verifier in a browser must know: whom to trust, and the present revocations and statuses, as a trust list file of this moment.

It comes from the place the page comes from, so it needs no signature of its own; what is carried to a machine without a network is the signed
trust bundle. The file is made once for each version of what is published (``published_status``) and handed to everyone alike.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto.trust_list import write_trust_list
from licence_vault.actions.own_trust import own_trust

if TYPE_CHECKING:
    from seal_service.actions.publish_status import StatusPublisher
    from service_kit.composition import ServiceContext
    from yinxin.verification_page.published_status import PublishedStatus

PATH: Final = "/v/knowledge"
NAME: Final = "Yinxin verification page"
KEPT_SECONDS: Final = 300.0  # revocation lists are renewed by the clock too, without anything having changed


@dataclass(slots=True)
class Knowledge:
    """The file of one process. ``publisher``: of the seals made here, None where they are made elsewhere."""

    context: ServiceContext
    publisher: StatusPublisher | None
    published: PublishedStatus
    has_licences: bool
    _version: str = ""
    _made_at: float = 0.0
    _content: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> tuple[str, bytes]:
        """Tag and content of the file; never older than what the version tells that it asks for first."""
        version = self.published.read()
        with self._lock:
            if version != self._version or not self._content or time.monotonic() - self._made_at >= KEPT_SECONDS:
                self._content = self._make()
                self._version, self._made_at = version, time.monotonic()
            return f'"{self._version}-{int(self._made_at)}"', self._content

    def _make(self) -> bytes:
        trust = self.context.trust() if self.publisher is None else self.publisher.trust()
        if self.has_licences:
            trust = trust.joined_with(own_trust(self.context))
        return write_trust_list(trust, name=NAME, issued_at=self.context.clock.now())
