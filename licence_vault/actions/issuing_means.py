"""What licences are issued with: the log, the sealer, the judge, and the keys of what is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from licence_vault.errors import sealer_missing
from licence_vault.limits import LOG_POLL_SECONDS, LOG_POLL_SECONDS_MAX, LOG_WAIT_SECONDS
from licence_vault.log.instance import TREES
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crypto.trusted_logs import TrustedLog
    from licence_vault.content_vault import ContentVault
    from licence_vault.ports import DocumentJudge, PagePictures, Sealer
    from service_kit.cohorts import Cohorts
    from service_kit.composition import ServiceContext
    from service_kit.transparency_log import TransparencyLog

_PENDING = "LOG_ENTRY_PENDING"


@dataclass(frozen=True, slots=True)
class LogProof:
    """An entry with its index and its proof (C2SP tlog-proof) in each tree, by the tree's name."""

    index: int
    leaf: bytes
    proofs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Seals:
    """Who seals, and who says what a sealed file is worth."""

    sealer: Sealer
    judge: DocumentJudge


@dataclass(frozen=True, slots=True)
class IssuingMeans:
    """All of it. ``order_key``: of the places in status lists; ``seals``: None where nothing that seals is connected. ``await_proof``: the entry's id in, its proof out, in under a second.
    ``logs``: this deployment's own, under which what is issued must hold. ``pictures``: who draws pages, None where nobody does.
    """

    context: ServiceContext
    contents: ContentVault
    order_key: bytes
    seals: Seals | None
    await_proof: Callable[[str], LogProof]
    logs: tuple[TrustedLog, ...] = ()
    pictures: PagePictures | None = None

    def need_seals(self) -> Seals:
        """The sealer and the judge. TrustError LICENCE_SEALER_MISSING."""
        if self.seals is None:
            raise sealer_missing()
        return self.seals


def wait_for_proof(log: TransparencyLog, cohorts: Cohorts, entry_id: str) -> LogProof:
    """Wait until an entry is under a checkpoint of both trees. TrustError LOG_ENTRY_PENDING after ``LOG_WAIT_SECONDS``."""
    until, pause = time.monotonic() + LOG_WAIT_SECONDS, LOG_POLL_SECONDS
    while True:
        turns = log.turns
        try:
            with cohorts.step("licence.prove", reads=True):
                receipts = log.receipts(entry_id)
        except TrustError as error:
            if error.code != _PENDING or time.monotonic() > until:
                raise
            log.wait_beyond(turns, pause)
            pause = min(1.5 * pause, LOG_POLL_SECONDS_MAX)
            continue
        first = receipts[TREES[0]]
        return LogProof(first.index, first.entry, {tree: receipt.to_text() for tree, receipt in receipts.items()})
