"""A deployment with its licence log, in this process: turns are taken by hand, and time stands still."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from licence_vault.log.entries import append_leaf
from licence_vault.log.instance import open_licence_log
from licence_vault.log.leaf import LicenceLeaf, StatusListLeaf
from licence_vault.ports import CLIENTS, SEAL_OWNERS, STANDING
from licence_vault.service import migrate
from service_kit.migrations import migrate_kit
from tests.clocks import FixedClock
from tests.deployments import make_deployment
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from service_kit.composition import ServiceContext
    from service_kit.transparency_log import TransparencyLog

AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
TYPE_CODE = "11100000000013338W011"
ISSUER = "11430000006122244L"
OTHER_ISSUER = "11220000013544541J"


def leaf(number: int = 0, **changes: Any) -> LicenceLeaf:
    commitment = hashlib.sha256(b"%d" % number).digest()
    return replace(LicenceLeaf("made", TYPE_CODE, ISSUER, "001", AT, None, number, None, commitment), **changes)


@dataclass(frozen=True, slots=True)
class VaultHere:
    context: ServiceContext
    log: TransparencyLog
    clock: FixedClock

    @classmethod
    @contextmanager
    def made(cls, folder: Path, **settings: object) -> Iterator[VaultHere]:
        make_deployment(folder, **settings)
        with cls.reopened(folder) as here:
            yield here

    @classmethod
    @contextmanager
    def reopened(cls, folder: Path) -> Iterator[VaultHere]:
        house = open_house(open_deployment(folder))
        clock = FixedClock(AT)
        context = replace(
            house.context, clock=clock, links={**house.context.links, CLIENTS: None, SEAL_OWNERS: None, STANDING: None}
        )  # systems and seals are kept elsewhere
        migrate_kit(context.database)  # the template's own database has its tables; one on another server has none yet
        migrate(context.database)
        try:
            yield cls(context, open_licence_log(context), clock)
        finally:
            house.close()

    def append(self, *leaves: LicenceLeaf | StatusListLeaf) -> list[str]:
        """Append them and take turns until all are under a checkpoint."""
        ids = self.context.database.write(lambda connection: [append_leaf(connection, each) for each in leaves])
        while self.log.run_once():
            continue
        return ids
