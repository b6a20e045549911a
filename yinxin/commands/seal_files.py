"""Sealing many files through the action of the service: two at a time, each bad one said and passed over, a report of all."""

from __future__ import annotations

import json
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from service_kit.csv_tables import MARK, write_rows
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from seal_service.actions.record_use import User
    from seal_service.actions.seal_order import SealOrder
    from yinxin.assembly import House

THREADS: Final = 2  # as many as the service uses: the database groups their commits, more fight for the interpreter
WAITING: Final = 4  # documents held in memory ahead of the threads


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. ``code`` and ``facts`` where it was not sealed, or (then with ``seal_use``) sealed and not written; ``verdict`` is
    that of our own check of the result.

    ``awaits``: what the owner's device has to sign before it goes on (``seal_remotely``).
    """

    file: str
    sealed: str | None = None
    verdict: str | None = None
    seal_use: str | None = None
    audit_entry: str | None = None
    is_repeated: bool = False
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    code: str | None = None
    facts: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    error: TrustError | OSError | None = None
    awaits: dict[str, Any] | None = None


def open_house_of(folder: Path) -> House:
    """The deployment in a folder, with its services."""
    from yinxin.assembly import open_house
    from yinxin.deployment import open_deployment

    return open_house(open_deployment(folder))


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """A file's bytes. Raises TrustError FILE_TOO_LARGE, OSError."""
    with path.open("rb") as source:
        content = source.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise TrustError(Kind.TOO_LARGE, "FILE_TOO_LARGE", limit_bytes=most_bytes)
    return content


def seal_files(
    house: House, user: User, seal_id: str, order: SealOrder, plan: Sequence[tuple[Path, Path]], *, batch: str | None = None
) -> Iterator[Outcome]:
    """Seal every (document, target) of ``plan``; the outcomes in the order in which they end.

    ``batch``: the same name again gives the results that were there already, without a further use of the seal.
    """
    waiting = iter(plan)
    running: set[Future[Outcome]] = set()
    with ThreadPoolExecutor(THREADS, "seal-files") as pool:
        for file, target in waiting:
            running.add(pool.submit(_seal_one, house, user, seal_id, order, file, target, batch))
            if len(running) >= WAITING:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)


def _seal_one(house: House, user: User, seal_id: str, order: SealOrder, file: Path, target: Path, batch: str | None) -> Outcome:
    from crypto.sm3 import sm3
    from seal_service.actions.seal_document import seal_document
    from seal_service.limits import DOCUMENT_BYTES
    from service_kit.durable_files import write_durably

    started = time.monotonic()
    try:
        document = read_bounded(file, DOCUMENT_BYTES)
        if not target.parent.is_dir():  # asked before the seal is used: its result must have somewhere to go
            raise FileNotFoundError(2, "No such folder", str(target.parent))
        key = None if batch is None else f"batch-{sm3(batch.encode() + b'/' + file.name.encode() + b'/' + sm3(document)).hex()}"
        sealed = seal_document(house.context, user, seal_id, replace(order, document=document, idempotency_key=key))
    except TrustError as error:
        return Outcome(str(file), code=error.code, facts=error.facts, error=error, seconds=_since(started))
    except OSError as error:
        return Outcome(str(file), code="PATH_UNUSABLE", facts={"reason": error.strerror}, error=error, seconds=_since(started))
    try:
        write_durably(target, sealed.content, mode=0o644)
    except OSError as error:  # the seal has been used: the use is named all the same
        facts: dict[str, str | int | float | bool | None] = {"reason": error.strerror, "seal_use": sealed.use_id}
        return Outcome(
            str(file),
            code="PATH_UNUSABLE",
            facts=facts,
            error=error,
            seal_use=sealed.use_id,
            audit_entry=sealed.audit_id,
            is_repeated=sealed.is_repeated,
            warnings=sealed.warnings,
            seconds=_since(started),
        )
    return Outcome(
        str(file),
        str(target),
        "valid",  # nothing else is released
        sealed.use_id,
        sealed.audit_id,
        sealed.is_repeated,
        sealed.warnings,
        _since(started),
    )


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def write_report(outcomes: Sequence[Outcome], ending: str) -> bytes:
    """The report as JSON or, for the ending ``.csv``, as a table with a mark that spreadsheets know it by."""
    rows = [_row(each) for each in outcomes]
    if ending.lower() != ".csv":
        return json.dumps({"files": rows}, ensure_ascii=False, indent=2).encode() + b"\n"
    names = ("file", "sealed", "verdict", "code", "seal_use", "audit_entry", "is_repeated", "warnings", "seconds")
    return MARK + write_rows([names, *([_cell(row[name]) for name in names] for row in rows)])


def _row(outcome: Outcome) -> dict[str, Any]:
    return {key: value for key, value in asdict(replace(outcome, error=None)).items() if key != "error"}


def _cell(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
