"""One opened OFD file as the checks share it: the package, its graph, and digests that are computed once for all signatures."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.digests import digest, new_digest
from standards.errors import MalformedError
from standards.gbt33190_ofd.container import REMEMBERED_BYTES, WORTH_BYTES

if TYPE_CHECKING:
    from standards.gbt33190_ofd.container import Container
    from standards.gbt33190_ofd.graph import Graph

REMEMBERED_DIGESTS: Final = 64  # of members: what we have just packed and sealed, and what documents of one kind share


@dataclass(slots=True)
class OfdPackage:
    """The file under verification."""

    container: Container
    graph: Graph
    _digests: dict[tuple[str, str], bytes | MalformedError] = field(default_factory=dict)

    def digest(self, path: str, oid: str) -> bytes:
        """The digest of a member. Raises ``OFD_ENTRY_UNREADABLE`` each time where it cannot be unpacked."""
        key = (path, oid)
        if key not in self._digests:
            self._digests[key] = self._compute(path, oid)
        found = self._digests[key]
        if isinstance(found, MalformedError):
            raise found
        return found

    def _compute(self, path: str, oid: str) -> bytes | MalformedError:
        if WORTH_BYTES <= self.container.members[path].size <= REMEMBERED_BYTES:
            try:
                whole = self.container.read(path, REMEMBERED_BYTES)
            except MalformedError as error:
                return error
            return _digest_of(oid, whole)
        running = new_digest(oid)
        try:
            for piece in self.container.chunks(path):
                running.update(piece)
        except MalformedError as error:
            return error
        return running.digest()


@lru_cache(maxsize=REMEMBERED_DIGESTS)
def _digest_of(oid: str, data: bytes) -> bytes:
    """The digest of these very bytes, remembered by all of them."""
    return digest(oid, data)
