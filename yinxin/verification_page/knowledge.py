"""What the verifier in a browser must know: the trust bundle as of this moment, never older than the version that sent the browser for it.

``/trust-bundle`` is for those who carry it away and may be a quarter of a second old. A page that was just told of a change
(``published_status``) must not get what there was before it, or it would never ask again: so it is looked for anew with each new version.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from yinxin.offline_verifier.trust_bundle import TrustBundles
    from yinxin.verification_page.published_status import PublishedStatus

PATH: Final = "/v/knowledge"


@dataclass(slots=True)
class Knowledge:
    """The bundle of one process by the version of what is published."""

    bundles: TrustBundles
    published: PublishedStatus
    _version: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> bytes:
        """The bundle, made after the version was read that counts now."""
        version = self.published.read()
        with self._lock:
            bundle = self.bundles.current(must_look=version != self._version)
            self._version = version
            return bundle
