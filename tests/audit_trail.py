"""The audit trail as tests look at it, and as they break it."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from sqlalchemy import select

from service_kit.audit import AuditEntry, read_entry
from service_kit.tables import audit as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def find_entries(connection: Connection, *, subject: str | None = None, limit: int = 100) -> tuple[AuditEntry, ...]:
    """The newest entries first, of one subject or of all."""
    wanted = select(table.c.entry, table.c.log_index).order_by(table.c.position.desc()).limit(limit)
    if subject is not None:
        wanted = wanted.where(table.c.subject == subject)
    return tuple(read_entry(row.entry, row.log_index) for row in connection.execute(wanted))


@contextmanager
def blocked() -> Iterator[None]:
    """Nothing can be recorded in this process meanwhile: the disk has no room for the rows of the trail, and has room for everything else."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch("service_kit.audit.execute_text", side_effect=full):
        yield
