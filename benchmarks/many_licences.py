"""Many licences: what finding one, and a page of them, takes with ten thousand licences and with five million.

They are synthetic and written in bulk past the actions: most with random bytes of the size and distribution that sealed values and keyed
hashes have. Those that are opened are real ones under numbers, holders and keys of their own. Few and many are asked for in one process.
"""

from __future__ import annotations

import os
import random
import secrets
import statistics
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.bulk_rows import insert_in_bulk
from licence_vault import store
from licence_vault.actions.find_licences import LicenceWish, find_licence, list_licences
from licence_vault.model import LicenceState, read_salted_licence
from licence_vault.register import new_licence_id
from licence_vault.tables import holders, licence_keys, licences

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from benchmarks.issuing import Vault
    from licence_vault.register import LicenceRecord

SMALL: Final = 10_000
LARGE: Final = 5_000_000
OPENED: Final = 200
ROUNDS: Final = 200
MEDIANS: Final = 5
PAGE: Final = 50
_BATCH: Final = 500_000  # licences in one transaction
_CODE_TYPE: Final = "001"


def measure(vault: Vault, *, large: int = LARGE) -> dict[str, Any]:
    """Least medians in milliseconds with SMALL and with ``large`` licences, and how they compare."""
    results: dict[str, Any] = {}
    filled = 0
    for name, count in (("small", SMALL), ("large", large)):
        begin = time.perf_counter()
        known = fill(vault, filled, count)
        filled = count
        results[name] = {"licences": count, "fill_seconds": round(time.perf_counter() - begin, 1), **_queries(vault, known)}
        print(f"  licences, {name}: {results[name]}", flush=True)
    keys = [key for key in results["small"] if key.endswith("_ms")]
    results["growth"] = {key: round(results["large"][key] / results["small"][key], 2) for key in keys}
    return results


def fill(vault: Vault, first: int, last: int) -> list[LicenceRecord]:
    """Licences ``first`` to ``last`` - 1 beside what is there, and those of them that can be opened."""
    database = vault.means.context.database
    for begin in range(first, last - OPENED, _BATCH):
        database.write(partial(_fill_closed, sample=vault.sample, count=min(_BATCH, last - OPENED - begin)))
    known = [_open_record(vault) for _ in range(OPENED)]
    database.write(partial(_insert_open, vault=vault, records=known))
    return known


def _identifier(record: LicenceRecord) -> str:
    """Another one of the same length; its check character is not asked for by any query."""
    parts = record.identifier.split(".")
    parts[-3] = secrets.token_hex(10).upper()
    return ".".join(parts)


def _open_record(vault: Vault) -> LicenceRecord:
    at = vault.means.context.clock.now()
    return replace(
        vault.sample,
        id=(fresh := new_licence_id(at)),
        root_id=fresh,
        identifier=_identifier(vault.sample),
        number_digest=vault.means.contents.find_number(fresh),
    )


def _insert_open(connection: Connection, *, vault: Vault, records: list[LicenceRecord]) -> None:
    contents, sample = vault.means.contents, vault.sample
    kept = store.load_key(connection, sample.id) or b""
    salted = read_salted_licence(contents.open_key(sample.id, kept).open_data(sample.data_sealed or b""))
    for record in records:
        key, key_sealed = contents.new_key(record.id)
        whole = replace(record, data_sealed=key.seal_data(salted.canonical()))
        store.insert_licence(connection, whole, key_sealed=key_sealed, holder_digests=[contents.find_holder(_CODE_TYPE, record.id)])


def _fill_closed(connection: Connection, *, sample: LicenceRecord, count: int) -> None:
    row = dict(connection.execute(licences.select().where(licences.c.id == sample.id)).mappings().one())
    insert_in_bulk(connection, (licences, licence_keys, holders), count, partial(_closed_rows, row, sample))


def _closed_rows(row: dict[str, Any], sample: LicenceRecord) -> tuple[list[tuple[Any, ...]], ...]:
    """A licence, its key, its holder, in the order of the columns of their tables."""
    chance = os.urandom(160)
    fresh = f"lc_{chance[:6].hex()}{chance[6:12].hex()}"
    values = row | {
        "id": fresh,
        "root_id": fresh,
        "identifier": _identifier(sample),
        "number_digest": chance[12:44],
        "commitment": chance[44:76],
        "status_index": int.from_bytes(chance[76:79], "big") % 1_000_000,
    }
    return [tuple(values[column.name] for column in licences.columns)], [(fresh, chance[80:140])], [(fresh, 0, chance[128:160])]


def _queries(vault: Vault, known: list[LicenceRecord]) -> dict[str, float]:
    context, contents, caller = vault.means.context, vault.means.contents, vault.caller
    chance = random.Random(len(known))

    def find(wish: LicenceWish, expected: int, after: str = "") -> None:
        if len(list_licences(context, contents, caller, wish, after=after, limit=PAGE)) != expected:
            raise SystemExit(f"not what was looked for: {wish}")

    def open_one() -> None:
        if find_licence(context, contents, caller, chance.choice(known).id).data is None:
            raise SystemExit("a licence could not be opened")

    def by_identifier() -> None:
        wanted = chance.choice(known)
        with context.database.read() as connection:
            found = store.load_licence_of_identifier(connection, wanted.identifier)
        if found is None or found.id != wanted.id:
            raise SystemExit("a licence was not found by its number")

    def page() -> None:
        find(LicenceWish(vault.sample.issuer_code, vault.sample.type_code, LicenceState.ISSUED), PAGE, f"lc_{chance.randrange(200):02x}")

    return {
        "open_ms": _median(open_one),
        "by_identifier_ms": _median(by_identifier),
        "by_holder_ms": _median(lambda: find(LicenceWish(holder=(_CODE_TYPE, chance.choice(known).id)), 1)),
        "by_printed_number_ms": _median(lambda: find(LicenceWish(number=chance.choice(known).id), 1)),
        "page_ms": _median(page),
    }


def _median(work: Callable[[], None]) -> float:
    """The least of several medians: whoever else uses the machine meanwhile is not measured, and few and many are measured at different times."""
    return min(_one_median(work) for _ in range(MEDIANS))


def _one_median(work: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(times), 3)
