"""Issuing licences whole, verifying them offline, and what a batch of a hundred thousand rows takes of memory.

Everything an issuing does counts: number, data, both trees of the log, drawing, attaching, sealing, our own verifier, files and audit entries,
every commit synced to the disk. The vault runs in this process, so that its CPU time can be told from that of the seal service's HTTP layer,
which has its own figures.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.http_load import Deployment
from crypto.report import Verdict
from crypto.trust_list import read_trust_list
from licence_vault.actions.claim_batch import BatchFile
from licence_vault.actions.find_licences import LicenceWish, list_licences
from licence_vault.actions.issue_batch import cancel_batch, find_batch, open_batch, run_batches, start_batch
from licence_vault.actions.issue_licence import LicenceOrder, issue_licence
from licence_vault.batch import BatchState, RowState
from licence_vault.log.instance import open_licence_log
from licence_vault.model import Holder, LicenceState
from licence_vault.row_files import RowForm
from licence_vault.service import means_of
from service_kit.callers import Caller
from standards.gbt7408_times import CHINA
from standards.gbt36902_catalogue import ValidityRange
from tests.costs import PeakMemory
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.file_verdicts import verify_any_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import LicenceRecord

CALLERS: Final = 16  # requests at a time: while one waits for the log's checkpoint, others draw and seal
_WARM_UP: Final = 8
_VERIFICATIONS: Final = 60
_MEBIBYTE: Final = 1024 * 1024
_ROWS_TO_WARM: Final = 128
_ISSUED_OF: Final = 10  # of so many rows of a batch one is issued: all of them would take an hour
FIELDS: Final = {
    "KZ_place": "内蒙古自治区呼伦贝尔市示例街1号（演示）",
    "KZ_format": "餐饮服务经营者",
    "KZ_items": "热食类食品制售",
    "KZ_person": "演示用户",
}


@dataclass(frozen=True)
class Vault:
    """A demonstration deployment's vault in this process, and the licence that it has in force."""

    means: IssuingMeans
    caller: Caller
    sample: LicenceRecord

    def order(self, forms: tuple[str, ...]) -> LicenceOrder:
        """A licence of the sample's type, valid for five years from today."""
        today = self.means.context.clock.now().astimezone(CHINA).date()
        holder = Holder("示例餐饮店（演示）", self.sample.issuer_code, "001")
        return LicenceOrder(
            type_code=self.sample.type_code,
            issuer_code=self.sample.issuer_code,
            holders=(holder,),
            fields=FIELDS,
            valid_from=today,
            valid_to=ValidityRange(5, "年").last_day(today),
            forms=forms,
        )


@contextmanager
def opened(deployment: Deployment) -> Iterator[Vault]:
    """The vault with its log running."""
    house = open_house(open_deployment(Path(deployment.folder)))
    log = open_licence_log(house.context)
    log.start()
    try:
        means = means_of(house.context, log)
        client = str(deployment.facts["client_id"])
        caller = Caller(client, client, frozenset())
        wish = LicenceWish(state=LicenceState.ISSUED)
        (sample,) = list_licences(house.context, means.contents, caller, wish, after="", limit=1)
        gc.collect()
        gc.freeze()  # as a serving process does at its start
        yield Vault(means, caller, sample)
    finally:
        log.stop()
        house.close()


def measure_issuing(vault: Vault, form: str, count: int) -> dict[str, float]:
    """CPU milliseconds of a licence issued in one form, and licences per second, with ``CALLERS`` at a time."""

    def issue(number: int) -> None:
        issue_licence(vault.means, vault.caller, vault.order((form,)), idempotency_key=f"benchmark-{form}-{number}")

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(issue, range(-_WARM_UP, 0)))
        began, cpu_began = time.perf_counter(), time.process_time()
        list(callers.map(issue, range(count)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    return {"licences": count, "cpu_ms": round(1000 * cpu / count, 2), "per_second": round(count / seconds, 1)}


def measure_verifying(deployment: Deployment) -> dict[str, float]:
    """CPU milliseconds of all questions on a licence file (median), with what the demonstration's trust list knows; each must be valid."""
    trust = read_trust_list(Path(deployment.facts["trust"]).read_bytes())
    found = {}
    for form in ("pdf", "ofd"):
        document = Path(deployment.facts[f"licence_{form}"]).read_bytes()
        times = []
        for _ in range(_VERIFICATIONS):
            began = time.process_time()
            report = verify_any_file(document, trust, datetime.now(UTC))
            times.append(time.process_time() - began)
            if report.verdict is not Verdict.VALID:
                raise SystemExit(f"the demonstration's licence as {form} is {report.verdict}")
        found[f"{form}_ms"] = round(1000 * statistics.median(times), 2)
    return found


def measure_batch(deployment: Deployment, count: int) -> dict[str, float]:
    """Take in a batch of ``count`` rows and issue a tenth of it: seconds, size of the file, and the most memory that each took beside it, in MB.

    In a process of its own, with the caches of nobody else.
    """
    command = [sys.executable, "-m", "benchmarks.issuing", json.dumps(deployment.facts), str(count)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return dict(json.loads(printed.splitlines()[-1]))


def take_in_batch(vault: Vault, count: int) -> dict[str, float]:
    """What ``measure_batch`` measures, in this process."""
    # 1. What issuing takes anyway (faces, fonts, caches) is there before the file is.
    _issue(vault, _open(vault, write_rows(vault, _ROWS_TO_WARM)), _ROWS_TO_WARM)
    content = write_rows(vault, count)

    # 2. The batch.
    taking_in, began = PeakMemory(), time.perf_counter()
    batch = _open(vault, content)
    seconds, taken_in = time.perf_counter() - began, taking_in.mebibytes()
    issuing, began = PeakMemory(), time.perf_counter()
    issued = _issue(vault, batch, count // _ISSUED_OF)
    return {
        "rows": count,
        "file_mb": round(len(content) / _MEBIBYTE, 1),
        "take_in_seconds": round(seconds, 1),
        "take_in_memory_mb": round(taken_in, 1),
        "issued": issued,
        "issue_seconds": round(time.perf_counter() - began, 1),
        "issue_memory_mb": round(issuing.mebibytes(), 1),
    }


def _issue(vault: Vault, batch_id: str, at_least: int) -> int:
    """Issue so many rows of a batch, to the end of the worker's turn, and cancel the rest of it."""
    start_batch(vault.means, vault.caller, batch_id)
    issued = 0
    while issued < at_least:
        run_batches(vault.means)
        batch, counts = find_batch(vault.means, vault.caller, batch_id)
        if counts[RowState.ISSUED] == issued or counts[RowState.FAILED]:
            raise SystemExit(f"rows were not issued: {counts}")
        issued = counts[RowState.ISSUED]
    if batch.state is BatchState.RUNNING:
        cancel_batch(vault.means, vault.caller, batch_id)
    return issued


def _open(vault: Vault, content: bytes) -> str:
    file = BatchFile(vault.sample.type_code, vault.sample.issuer_code, ("pdf",), RowForm.CSV, content)
    return open_batch(vault.means, vault.caller, file).id


def write_rows(vault: Vault, count: int) -> bytes:
    """A file of ``count`` rows, CSV in UTF-8."""
    order = vault.order(("pdf",))
    holder = order.holders[0]
    cells = {
        "holder_name": holder.name,
        "holder_code": holder.code,
        "holder_code_type": holder.code_type,
        "valid_from": order.valid_from.isoformat(),
        "valid_to": "长期" if order.valid_to is None else order.valid_to.isoformat(),
        **order.fields,
    }
    head, line = (f"{','.join(each)}\n".encode() for each in (cells, cells.values()))
    return b"".join(chain([head], repeat(line, count)))


def measure(deployment: Deployment, *, quick: bool) -> dict[str, Any]:
    """Issuing, one form after the other, and verifying, on a demonstration deployment that nobody serves meanwhile."""
    count = 40 if quick else 300
    with opened(deployment) as vault:
        found: dict[str, Any] = {f"issue_{form}": measure_issuing(vault, form, count) for form in ("pdf", "ofd")}
    return found | {"verify": measure_verifying(deployment)}


def measure_batches(deployment: Deployment, *, quick: bool) -> list[dict[str, float]]:
    """A batch, and one of ten times as many rows, on such a deployment."""
    rows = 10_000 if quick else 100_000
    return [measure_batch(deployment, each) for each in (rows // 10, rows)]


if __name__ == "__main__":
    with opened(Deployment(json.loads(sys.argv[1]))) as started:
        print(json.dumps(take_in_batch(started, int(sys.argv[2]))))
