"""Which grant covers this use, now? The rules are pure; the count is taken in the transaction that records the intent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from seal_service import store
from seal_service.errors import grant_refuses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import DocumentForm, Grant
    from standards.errors import TrustError

MINUTES_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """A use that is asked for: through which system, of what, when (aware UTC)."""

    seal_id: str
    client_id: str
    form: DocumentForm
    document_type: str
    at: datetime


def choose_grant(conn: Connection, grants: Sequence[Grant], wish: Wish) -> Grant:
    """The first grant that covers the use; one with a limit on their number is counted, by the database and for good.

    Raises TrustError GRANT_*: of several grants the refusal that came closest, which is the one furthest down in ``refusal_of``.
    """
    refusals: list[tuple[int, TrustError]] = []
    for grant in grants:
        refusal = refusal_of(grant, wish)
        if refusal is not None:
            refusals.append(refusal)
        elif grant.uses_max is None or store.take_one_use(conn, grant.id):
            return grant
        else:
            refusals.append((len(_ORDER), grant_refuses("GRANT_USED_UP", wish.seal_id, grant=grant.id, uses_max=grant.uses_max)))
    raise max(refusals, key=lambda each: each[0])[1]


_ORDER: Final = (
    "GRANT_SYSTEM_NOT_COVERED",
    "GRANT_FORM_NOT_COVERED",
    "GRANT_TYPE_NOT_COVERED",
    "GRANT_NOT_YET_VALID",
    "GRANT_OVER",
    "GRANT_OUTSIDE_HOURS",
)


def refusal_of(grant: Grant, wish: Wish) -> tuple[int, TrustError] | None:
    """Why a grant does not cover a use, with how far it got; None where it does, the number of uses aside."""

    def refused(code: str, **facts: str | int) -> tuple[int, TrustError]:
        return _ORDER.index(code), grant_refuses(code, wish.seal_id, grant=grant.id, **facts)

    if grant.via_client and grant.via_client != wish.client_id:
        return refused("GRANT_SYSTEM_NOT_COVERED", via_client=grant.via_client)
    if grant.forms and wish.form.value not in grant.forms:
        return refused("GRANT_FORM_NOT_COVERED", form=wish.form.value, forms=" ".join(sorted(grant.forms)))
    if grant.document_types and wish.document_type not in grant.document_types:
        return refused("GRANT_TYPE_NOT_COVERED", document_types=", ".join(sorted(grant.document_types)))
    if grant.valid_from is not None and wish.at < grant.valid_from:
        return refused("GRANT_NOT_YET_VALID", valid_from=grant.valid_from.isoformat())
    if grant.valid_until is not None and wish.at >= grant.valid_until:
        return refused("GRANT_OVER", valid_until=grant.valid_until.isoformat())
    if not is_within_hours(grant, wish.at):
        return refused("GRANT_OUTSIDE_HOURS", hours=write_hours(grant), offset_minutes=grant.offset_minutes)
    return None


def is_within_hours(grant: Grant, at: datetime) -> bool:
    """Whether the time of day at ``at``, by the grant's own offset from UTC, is one of the grant's hours."""
    if grant.from_minute is None or grant.until_minute is None:
        return True
    local = at + timedelta(minutes=grant.offset_minutes)
    minute = local.hour * MINUTES_PER_HOUR + local.minute
    if grant.from_minute <= grant.until_minute:
        return grant.from_minute <= minute < grant.until_minute
    return minute >= grant.from_minute or minute < grant.until_minute


def write_hours(grant: Grant) -> str:
    """Such as 08:00-18:00; empty where every hour is one."""
    if grant.from_minute is None or grant.until_minute is None:
        return ""
    return "-".join(
        f"{minute // MINUTES_PER_HOUR:02d}:{minute % MINUTES_PER_HOUR:02d}" for minute in (grant.from_minute, grant.until_minute)
    )
