"""A holder lets somebody else grant use codes for his licences of one type, until a day, and ends it when he likes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.decide_use import check_purpose
from licence_vault.actions.use_desk import who_is_behind
from licence_vault.errors import (
    entrustment_not_found,
    entrustment_stands,
    entrustments_too_many,
    field_unacceptable,
    holder_unknown,
    type_not_published,
)
from licence_vault.limits import ENTRUSTMENT_DAYS, ENTRUSTMENTS, HOLDER_LEVEL_LEAST
from licence_vault.type_rules.content_checks import broken_code_rule
from licence_vault.uses import Entrustment, new_entrustment_id

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from service_kit.callers import Caller


AGENT_CODE_TYPES: Final = frozenset({"111", "414", "511", "516"})
"""What people prove who sign in (GB/T 36903 Annex A): with another code as his own nobody ever comes, and no organisation comes as itself."""
_AGENT_RULE: Final = "a person by 111, 414, 511 or 516: nobody signs in by another code type"


@dataclass(frozen=True, slots=True)
class EntrustmentOrder:
    """``agent``: code type and code of whom is entrusted. ``holder``: of whose licences, None where the person has one code of his own."""

    agent: tuple[str, str]
    type_code: str
    until: datetime
    reason: str
    holder: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class GivenEntrustments:
    """``standing``: all of them, newest first; empty behind the first page. ``past``: of those that were ended or are over the newest."""

    standing: list[Entrustment]
    past: list[Entrustment]


def entrust_use(desk: UseDesk, caller: Caller, order: EntrustmentOrder) -> Entrustment:
    """Record it. Only who holds the licences himself, or may everything for the organisation that does, can entrust: nobody entrusts on.

    There is one of a holder for an agent and a type at a time: one that ends later lengthens the one that stands, and is its reason from then on.

    Raises TrustError FIELD_UNACCEPTABLE, LICENCE_HOLDER_UNKNOWN, LICENCE_TYPE_NOT_PUBLISHED, LICENCE_ENTRUSTMENT_STANDS, LICENCE_ENTRUSTMENTS_TOO_MANY.
    """
    # 1. Who entrusts whom, with whose licences.
    reason = check_purpose(order.reason)
    at = desk.context.clock.now()
    if not at < order.until <= at + timedelta(days=ENTRUSTMENT_DAYS):
        raise field_unacceptable("until", f"a time to come, within {ENTRUSTMENT_DAYS} days")
    standing = who_is_behind(desk, caller, at)
    if order.holder is not None:
        holder = desk.contents.find_holder(*order.holder)
    elif len(standing.own) == 1:
        (holder,) = standing.own
    else:
        raise field_unacceptable("holder", "one of the holders the caller is")
    if holder not in standing.own | standing.headed:
        raise holder_unknown(HOLDER_LEVEL_LEAST)
    code_type, code = order.agent
    rule = broken_code_rule(code_type, code) if code_type in AGENT_CODE_TYPES else _AGENT_RULE
    if rule is not None:  # nobody could ever use it, and the holder would wait for whom he meant
        raise field_unacceptable("agent", rule)
    agent = desk.contents.find_holder(*order.agent)
    if agent in standing.own:
        raise field_unacceptable("agent", "somebody else")

    # 2. The row and the audit entry stand together.
    def entrust(conn: Connection) -> Entrustment:
        if store.load_published_type(conn, order.type_code) is None:
            raise type_not_published(order.type_code)
        standing_before = _standing_between(conn, holder, agent, order.type_code, at)
        if standing_before is not None:
            if order.until <= standing_before.until:
                raise entrustment_stands(standing_before.id, standing_before.until)
            lengthened = replace(standing_before, until=order.until.astimezone(UTC), reason=reason, given_by=caller.holder)
            store.lengthen_entrustment(conn, lengthened)
            _record(desk, conn, caller, lengthened, at, "lengthen")
            return lengthened
        if store.count_standing_entrustments(conn, holder, at) >= ENTRUSTMENTS:
            raise entrustments_too_many(ENTRUSTMENTS)
        made = Entrustment(new_entrustment_id(), holder, agent, order.type_code, reason, caller.holder, at, order.until.astimezone(UTC))
        store.insert_entrustment(conn, made)
        _record(desk, conn, caller, made, at, "give")
        return made

    return desk.context.database.write(entrust)


def end_entrustment(desk: UseDesk, caller: Caller, entrustment_id: str) -> None:
    """End it, from the very next use on; ended already, it stays so. LICENCE_HOLDER_UNKNOWN, LICENCE_ENTRUSTMENT_NOT_FOUND."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def end(conn: Connection) -> None:
        found = store.load_entrustment(conn, entrustment_id)
        if found is None or found.holder_digest not in standing.own | standing.headed:
            raise entrustment_not_found(entrustment_id)
        if store.end_entrustment(conn, entrustment_id, at):
            _record(desk, conn, caller, found, at, "end")

    desk.context.database.write(end)


def list_entrustments(desk: UseDesk, caller: Caller, *, before: str | None, limit: int) -> GivenEntrustments:
    """Those of the holders the caller is; from behind the ended one ``before``. LICENCE_HOLDER_UNKNOWN, LICENCE_ENTRUSTMENT_NOT_FOUND."""
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)
    holders = standing.own | standing.headed
    with desk.context.database.read() as conn:
        behind = None if before is None else store.load_entrustment(conn, before)
        if before is not None and (behind is None or behind.holder_digest not in holders):
            raise entrustment_not_found(before)
        first = store.list_standing_entrustments(conn, holders, at) if before is None else []
        return GivenEntrustments(first, store.list_past_entrustments(conn, holders, at, behind=behind, limit=limit))


def _standing_between(conn: Connection, holder: bytes, agent: bytes, type_code: str, at: datetime) -> Entrustment | None:
    """The one that stands longest: there were several of a kind once."""
    found = [each for each in store.list_entrustments_between(conn, {agent}, {holder}, type_code) if each.is_valid_at(at)]
    return max(found, key=lambda each: each.until, default=None)


def _record(desk: UseDesk, conn: Connection, caller: Caller, entrustment: Entrustment, at: datetime, what: str) -> None:
    desk.context.audit.record(
        conn,
        at=at,
        actor=caller.actor,
        action=f"licence-entrustment.{what}",
        subject=f"licence-entrustment:{entrustment.id}",
        outcome="done",
        facts={"type": entrustment.type_code, "until": entrustment.until.isoformat(), "reason": entrustment.reason},
    )
