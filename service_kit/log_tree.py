"""One of the trees over a log's entries: its name to the world, and its keys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crypto.checkpoints import CheckpointSigner, LogIdentity, LogVerifierKey, sign_checkpoint, verify_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from standards.c2sp_tlog_checkpoint import Checkpoint


def _always() -> None:
    """Of keys that nobody changes."""


@dataclass(frozen=True, slots=True)
class LogTree:
    """One tree over the entries. ``name``: its folder; ``origin``: its name to the world; ``former_keys``: rotated out, still believed;
    ``withdrawn_keys``: known, and no proof is given under them any more. ``demand_keys``: raises TrustError where ``signers``, which are those of the start
    of this process, may not sign any more; asked before each checkpoint.
    """

    name: str
    origin: str
    digest_oid: str
    signers: tuple[CheckpointSigner, ...]
    former_keys: tuple[LogVerifierKey, ...] = ()
    withdrawn_keys: tuple[LogVerifierKey, ...] = ()
    demand_keys: Callable[[], None] = field(default=_always, compare=False, repr=False)

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """The signed note of a checkpoint. Raises as ``demand_keys``."""
        self.demand_keys()
        return sign_checkpoint(checkpoint, self.signers)

    @property
    def believed(self) -> LogIdentity:
        """Under which keys proofs are given."""
        return LogIdentity(self.origin, self.digest_oid, (*(signer.key for signer in self.signers), *self.former_keys))

    @property
    def identity(self) -> LogIdentity:
        """What verifiers are given."""
        return replace(self.believed, keys=(*self.believed.keys, *self.withdrawn_keys))

    def is_signed_by_all(self, checkpoint: bytes) -> bool:
        """Whether every key that signs now has signed a checkpoint: after a change of keys the newest is signed anew, though no entry comes."""
        present = (LogIdentity(self.origin, self.digest_oid, (signer.key,)) for signer in self.signers)
        return all(verify_checkpoint(checkpoint, each).verified is True for each in present)
