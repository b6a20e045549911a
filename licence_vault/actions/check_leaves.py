"""Looking for damage in what the licence log says: every row's leaf, its columns, and the counts. Reads everything, changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, true

from licence_vault.log.counts import read_counts
from licence_vault.log.leaf import LicenceLeaf, read_leaf
from licence_vault.log_tables import log
from service_kit.log_check import CheckReport
from standards.errors import MalformedError

if TYPE_CHECKING:
    from service_kit.database import Database

CHUNK: Final = 2048


def check_leaves(database: Database) -> CheckReport:
    """Every leaf readable, its columns as it says, the public counts those of the leaves."""
    report = CheckReport()
    counts: Counter[tuple[str, str, str]] = Counter()
    with database.read() as connection:
        size, published = read_counts(connection)
    further = true()
    while True:  # leaves are never changed: one short reading for each chunk finds what one long one would
        with database.read() as connection:
            rows = connection.execute(select(log).where(further).order_by(log.c.position).limit(CHUNK)).all()
        for row in rows:
            report.entries += 1
            try:
                leaf = read_leaf(row.entry)
            except MalformedError as error:
                report.add("LICENCE_LEAF_UNREADABLE", entry_id=row.entry_id, index=row.log_index, member=str(error.facts.get("member")))
                continue
            stated = (leaf.event, leaf.type_code, leaf.issuer_code) if isinstance(leaf, LicenceLeaf) else (row.event, "", "")
            if stated != (row.event, row.type_code, row.issuer_code):
                report.add("LICENCE_LEAF_COLUMNS_DIFFER", entry_id=row.entry_id, index=row.log_index)
            if isinstance(leaf, LicenceLeaf) and row.log_index is not None and row.log_index < size:
                counts[leaf.issuer_code, leaf.type_code, leaf.event] += 1
        if len(rows) < CHUNK:
            break
        further = log.c.position > rows[-1].position
    stated_counts = {(each.issuer_code, each.type_code, each.event): each.entries for each in published}
    for kind in sorted({*counts, *stated_counts}):
        if counts.get(kind, 0) != stated_counts.get(kind, 0):
            report.add("LICENCE_COUNTS_DIFFER", issuer=kind[0], type=kind[1], event=kind[2], found=counts.get(kind, 0))
    return report
