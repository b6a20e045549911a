"""Files of batches for tests, and what is asked of batches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from licence_vault import limits
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.issue_batch import (
    cancel_batch,
    find_batch,
    list_batch_rows,
    list_batches,
    run_batches,
)
from licence_vault.actions.sweep_issues import sweep_issues
from licence_vault.batch import BatchState
from licence_vault.row_files import RowForm
from tests.licence_vault.issuing_here import ISSUER, IssuingHere
from tests.licence_vault.type_files import TYPE

if TYPE_CHECKING:
    from licence_vault.batch import BatchRow, LicenceBatch


HEAD = "holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address"
GOOD = "张三（示例）,11010519491231002X,111,2026-11-28,2031-11-27,示例路{}号"
BAD = "李四（示例）,110105194912310021,111,2026-11-28,2031-11-27,示例路"


def file_of(*lines: str, **changes: Any) -> BatchFile:
    content = "\n".join((HEAD, *(line.format(number) for number, line in enumerate(lines)))).encode()
    return BatchFile(**({"type_code": TYPE, "issuer_code": ISSUER, "forms": ("ofd",), "form": RowForm.CSV, "content": content} | changes))


def run_to_its_end(here: IssuingHere, batch: LicenceBatch) -> None:
    while find_batch(here.means, here.clerk, batch.id)[0].ended_at is None:
        run_batches(here.means)
        here.vault.clock.at += timedelta(seconds=limits.ISSUING_RETRY_SECONDS)


def rows_of(here: IssuingHere, batch: LicenceBatch) -> list[BatchRow]:
    return list_batch_rows(here.means, here.clerk, batch.id, state=None, after=0, limit=1000)


def rest(here: IssuingHere) -> None:
    """After a test that shares the vault: the sealer well again, and every batch at its end."""
    here.sealer.fail_with, here.sealer.spoil = None, lambda sealed: sealed
    here.vault.clock.at += timedelta(seconds=limits.BATCH_LEASE_SECONDS + 1)
    sweep_issues(here.means)
    while run_batches(here.means):
        continue
    for batch, _ in list_batches(here.means, here.clerk, before=None, limit=1000):
        if batch.state is BatchState.READY:  # else the turn that ends what nobody started has those of the tests before to end first
            cancel_batch(here.means, here.clerk, batch.id)
    run_batches(here.means)
