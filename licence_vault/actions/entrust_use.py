"""A holder lets somebody else grant use codes for his licences of one type, until a day, and ends it when he likes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from licence_vault import store
from licence_vault.actions.decide_use import check_purpose
from licence_vault.actions.use_desk import who_is_behind
from licence_vault.errors import entrustment_not_found, entrustments_too_many, field_unacceptable, holder_unknown, type_not_published
from licence_vault.limits import ENTRUSTMENT_DAYS, ENTRUSTMENTS, HOLDER_LEVEL_LEAST
from licence_vault.type_rules.content_checks import broken_code_rule
from licence_vault.uses import Entrustment, new_entrustment_id
from standards.gbt36903_metadata import HOLDER_CODE_TYPES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class EntrustmentOrder:
    """``agent``: code type and code of whom is entrusted. ``holder``: of whose licences, None where the person has one code of his own."""

    agent: tuple[str, str]
    type_code: str
    until: datetime
    reason: str
    holder: tuple[str, str] | None = None


def entrust_use(desk: UseDesk, caller: Caller, order: EntrustmentOrder) -> Entrustment:
    """Record it. Only who holds the licences himself, or may everything for the organisation that does, can entrust: nobody entrusts on.

    Raises TrustError FIELD_UNACCEPTABLE, LICENCE_HOLDER_UNKNOWN, LICENCE_TYPE_NOT_PUBLISHED, LICENCE_ENTRUSTMENTS_TOO_MANY.
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
    rule = "a code type of GB/T 36903 Annex A" if code_type not in HOLDER_CODE_TYPES else broken_code_rule(code_type, code)
    if rule is not None:  # nobody could ever use it, and the holder would wait for whom he meant
        raise field_unacceptable("agent", rule)
    agent = desk.contents.find_holder(*order.agent)
    if agent in standing.own:
        raise field_unacceptable("agent", "somebody else")

    # 2. The row and the audit entry stand together.
    def entrust(conn: Connection) -> Entrustment:
        if store.load_published_type(conn, order.type_code) is None:
            raise type_not_published(order.type_code)
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


def list_entrustments(desk: UseDesk, caller: Caller) -> list[Entrustment]:
    """Those of the holders the caller is, newest first, ended ones too. LICENCE_HOLDER_UNKNOWN."""
    standing = who_is_behind(desk, caller, desk.context.clock.now())
    with desk.context.database.read() as conn:
        return store.list_entrustments_of_holders(conn, standing.own | standing.headed, limit=2 * ENTRUSTMENTS)


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
