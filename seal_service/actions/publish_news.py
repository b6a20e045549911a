"""What other systems are told: events for webhooks, stored in the transaction of what they tell. Identifiers and states, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from seal_service import store
from seal_service.model import Power
from service_kit.callers import PERSON_PREFIX
from service_kit.webhooks.deliveries import is_anyone_listening, publish
from service_kit.webhooks.model import AUDIENCE_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.composition import ServiceContext

STATE_CHANGED: Final = "seal.state-changed"
GRANT_CHANGED: Final = "seal.grant-changed"
APPLICATION_CHANGED: Final = "seal.application-changed"
USED: Final = "seal.used"
EVENT_TYPES: Final = {
    STATE_CHANGED: "A step in the life of a seal: made, filed, issued, active, frozen, changed, cancelled, destroyed.",
    GRANT_CHANGED: "Somebody may use a seal, or may no longer; a power over a seal was given or taken back.",
    APPLICATION_CHANGED: "An application for a seal was handed in, approved, rejected, withdrawn or carried out.",
    USED: "A seal was used; the record says on what.",
}
_GRANTS: Final = frozenset({"grant", "withdraw", "give-power", "take-power"})


def tell_of_act(
    context: ServiceContext,
    conn: Connection,
    *,
    act: str,
    from_state: str,
    to_state: str,
    at: datetime,
    seal_id: str | None,
    application_id: str | None,
    audit_id: str,
    facts: Mapping[str, str | int | bool | None],
) -> None:
    """Publish an act that was done to those who hold a power over the seal, or applied for it."""
    data: dict[str, Any] = {"act": act, "from": from_state, "to": to_state, "audit_entry": audit_id}
    if seal_id is None:
        application = None if application_id is None else store.load_application(conn, application_id)
        if application is not None:
            told = {application.applied_by, *application.managers}
            _publish(context, conn, APPLICATION_CHANGED, data | {"application_id": application.id}, told, at)
        return
    holders = {each.holder for each in store.list_powers(conn, seal_id)}
    data["seal_id"] = seal_id
    if act in _GRANTS:
        holder = str(facts.get("client_id") or facts.get("holder") or "")  # told too, also where nothing is left to him
        told_of = {"grant_id": facts.get("grant"), "holder": holder} | ({"power": facts["power"]} if "power" in facts else {})
        _publish(context, conn, GRANT_CHANGED, data | told_of, {holder, *holders}, at)
        return
    if application_id is not None:
        data["application_id"] = application_id
    _publish(context, conn, STATE_CHANGED, data, holders, at)


def tell_of_use(context: ServiceContext, conn: Connection, *, seal_id: str, use_id: str, user: str, at: datetime, audit_id: str) -> None:
    """Publish a finished use to who used the seal and to who manages or audits it; where nobody listens, at no cost for the use."""
    if not is_anyone_listening(context.database, USED):
        return
    holders = {each.holder for each in store.list_powers(conn, seal_id) if each.power is not Power.USE}
    data = {"seal_id": seal_id, "seal_use": use_id, "audit_entry": audit_id}
    _publish(context, conn, USED, data, {user, *holders}, at)


def _publish(
    context: ServiceContext, conn: Connection, event_type: str, data: Mapping[str, Any], holders: Iterable[str], at: datetime
) -> None:
    audience = sorted(holder for holder in set(holders) if holder and not holder.startswith(PERSON_PREFIX))
    for first in range(0, len(audience), AUDIENCE_MAX):  # an event has a bounded audience; nobody is left out for that
        publish(context.outbox, conn, event_type=event_type, data=data, audience=audience[first : first + AUDIENCE_MAX], at=at)
