"""Whose work a batch is: one process's at a time, for as long as that goes on and says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from licence_vault import limits, store

if TYPE_CHECKING:
    from licence_vault.batch import LicenceBatch
    from service_kit.composition import ServiceContext


class BatchLease:
    """A batch in one process's hands.

    The lease is short, so that a batch whose process was killed goes on soon, and is renewed between rows. A process that was held up for longer finds
    at its next row that the batch is another's, and stops; what it had begun is kept apart by the leases of the drafts.
    """

    def __init__(self, context: ServiceContext, batch: LicenceBatch) -> None:
        self._context = context
        self.batch = batch

    def take(self) -> bool:
        """Take the batch over, or renew that; False where somebody else has it, or its state is another."""
        until = self._context.clock.now() + timedelta(seconds=limits.BATCH_LEASE_SECONDS)
        is_taken = self._context.database.write(lambda conn: store.lease_batch(conn, self.batch, until))
        if is_taken:
            self.batch = replace(self.batch, lease_until=until)
        return is_taken

    def holds(self) -> bool:
        """Whether it is still this process's work; renewed where enough of its time is over."""
        until = self.batch.lease_until
        left = timedelta(seconds=limits.BATCH_LEASE_SECONDS - limits.BATCH_RENEWAL_SECONDS)
        return (until is not None and until - self._context.clock.now() > left) or self.take()

    def give_back(self) -> None:
        """Let it go, where it is still held."""
        self._context.database.write(lambda conn: store.lease_batch(conn, self.batch, None))
