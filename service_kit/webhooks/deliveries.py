"""From an event to the attempts to deliver it. Nothing here holds a transaction while it calls out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from service_kit.bounded_calls import FAILED
from service_kit.entry_ids import new_entry_id
from service_kit.sweeping import SWEEP_ROWS, sweep_all
from service_kit.webhooks import store
from service_kit.webhooks.model import (
    ANY,
    AUDIENCE_MAX,
    GIVE_UP_SECONDS,
    Attempt,
    DeliveryStatus,
    EndpointStatus,
    write_event,
)
from service_kit.webhooks.signing import sign_message
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from crypto.sealed_values import ValueSealer
    from service_kit.audit import Audit
    from service_kit.clock import Clock
    from service_kit.database import Database
    from service_kit.outbound import Outbound
    from service_kit.outbox import Message, Outbox
    from service_kit.webhooks.model import Endpoint

EVENT_TOPIC: Final = "webhook-event"
DELIVERY_TOPIC: Final = "webhook-delivery"
USER_AGENT: Final = "Yinxin-Webhooks/1"
ACTOR: Final = "service:webhooks"
GONE_REASON: Final = "answered 410 Gone"
KEEP_FINISHED: Final = timedelta(days=30)
LISTENING_SECONDS: Final = 5.0
REST: Final = timedelta(seconds=60)  # of an address that does not answer: each call to it holds up the worker for all of its time
_GONE: Final = 410
_listening: Final[WeakKeyDictionary[Database, dict[str, tuple[bool, float]]]] = WeakKeyDictionary()


def publish(
    outbox: Outbox, connection: Connection, *, event_type: str, data: Mapping[str, Any], audience: Sequence[str], at: datetime
) -> str:
    """Store an event within the transaction of the change; returns its id.

    ``audience``: the clients that may know of it; only their endpoints hear. ``data``: identifiers and states, never personal data
    or documents.
    """
    event_id = new_entry_id(at)
    body = write_event(event_id, event_type, at, data)
    owners = sorted(set(audience))[:AUDIENCE_MAX]
    outbox.put(
        connection, topic=EVENT_TOPIC, payload={"id": event_id, "type": event_type, "body": body.decode(), "audience": owners}, at=at
    )
    return event_id


def is_anyone_listening(database: Database, event_type: str) -> bool:
    """Whether an endpoint listens to a type, as of LISTENING_SECONDS ago at most: for events so frequent that storing each would cost."""
    known = _listening.setdefault(database, {}).get(event_type)
    if known is None or time.monotonic() - known[1] > LISTENING_SECONDS:
        with database.read() as connection:
            known = (store.has_listener(connection, event_type), time.monotonic())
        _listening[database][event_type] = known
    return known[0]


@dataclass(frozen=True, slots=True)
class _Rest:
    """An address that has not answered. ``delivery_id``: which message goes on trying meanwhile."""

    url: str
    until: datetime
    delivery_id: str


def _everybody(_connection: Connection, _name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class DeliveryDesk:
    """What fanning out and delivering need. ``sign_sm2`` None: no SM2 header. ``is_told``: whether a client of a name may still be told anything; of one
    that may not, every endpoint is as if it were switched off.
    """

    database: Database
    audit: Audit
    clock: Clock
    outbox: Outbox
    outbound: Outbound
    sealer: ValueSealer
    sign_sm2: Callable[[bytes], bytes] | None = None
    is_told: Callable[[Connection, str], bool] = _everybody
    _resting: dict[str, _Rest] = field(default_factory=dict, repr=False)

    def fan_out(self, message: Message) -> None:
        """One event becomes one delivery for each endpoint that listens. Repeated, it adds nothing."""
        payload = message.payload

        def spread(conn: Connection) -> int:
            at = self.clock.now()
            listening = [
                each
                for each in store.list_listening(conn, tuple(payload["audience"]))
                if (each.types == (ANY,) or payload["type"] in each.types) and self.is_told(conn, each.owner)
            ]
            for endpoint in listening:
                if store.has_delivery(conn, endpoint.endpoint_id, payload["id"]):
                    continue
                delivery_id = new_entry_id(at)
                body = payload["body"].encode()
                store.insert_delivery(
                    conn, delivery_id, endpoint.endpoint_id, event_id=payload["id"], event_type=payload["type"], body=body, at=at
                )
                self.outbox.put(conn, topic=DELIVERY_TOPIC, payload={"delivery": delivery_id}, at=at)
            return len(listening)

        self.database.write(spread)

    def deliver(self, message: Message) -> None:
        """One attempt. Raises what went wrong, so that the outbox comes again later; ends quietly where there is nothing more to try. Without an attempt
        where the address did not answer a moment ago: one message tries for all of those to it, and the others hold up nobody else's.
        """
        # 1. What is to be sent, and where; a deleted endpoint took its deliveries with it
        delivery_id = str(message.payload["delivery"])
        with self.database.read() as conn:
            delivery = store.load_delivery(conn, delivery_id)
            if delivery is None or delivery.status is not DeliveryStatus.PENDING:
                return
            endpoint = store.load_endpoint(conn, delivery.endpoint_id)
            at = self.clock.now()
            sealed = store.load_sealed_secrets(conn, delivery.endpoint_id, at)
            began_at = store.load_round_began_at(conn, delivery_id)
            if endpoint is None:
                return
            is_off = endpoint.status is EndpointStatus.DISABLED or not self.is_told(conn, endpoint.owner)
            is_late = (at - began_at).total_seconds() >= GIVE_UP_SECONDS
        if not is_off and not is_late and self._rests(endpoint, delivery_id, at):
            raise TrustError(Kind.UNAVAILABLE, FAILED, reason="resting")
        secrets = [self.sealer.open(each, secret_place(endpoint.endpoint_id)).decode() for each in sealed]

        # 2. The attempt, with no transaction open
        began = time.monotonic()
        failure: TrustError | None = None
        status: int | None = None
        if is_off:
            failure = TrustError(Kind.CONFLICT, "WEBHOOK_DISABLED")
        else:
            headers = sign_message(delivery.event_id, at, delivery.body, secrets, sign_sm2=self.sign_sm2)
            headers |= {"content-type": "application/json", "user-agent": USER_AGENT}
            try:
                status = self.outbound.call("POST", endpoint.url, headers=headers, content=delivery.body).status
            except TrustError as error:
                failure = error
            self._resting.pop(endpoint.endpoint_id, None)
            if failure is not None and failure.code == FAILED:
                self._resting[endpoint.endpoint_id] = _Rest(endpoint.url, at + REST, delivery_id)
        milliseconds = round((time.monotonic() - began) * 1000)
        if failure is None and status is not None and not 200 <= status < 300:
            failure = TrustError(Kind.UNAVAILABLE, "WEBHOOK_NOT_ACCEPTED", status=status)

        # 3. What came of it
        is_over = failure is not None and (status == _GONE or is_off or is_late)
        outcome = DeliveryStatus.DELIVERED if failure is None else DeliveryStatus.GIVEN_UP if is_over else DeliveryStatus.PENDING

        def note(conn: Connection) -> bool:
            found = store.load_delivery(conn, delivery_id)
            if found is None or found.status is not DeliveryStatus.PENDING:
                return False
            attempt = Attempt(found.attempts + 1, at, status, None if failure is None else failure.code, milliseconds)
            store.insert_attempt(conn, delivery_id, attempt, outcome)
            if status == _GONE:
                self._end(conn, endpoint, at)
            return True

        self.database.write(note)
        if failure is not None and outcome is DeliveryStatus.PENDING:
            raise failure

    def _rests(self, endpoint: Endpoint, delivery_id: str, at: datetime) -> bool:
        rest = self._resting.get(endpoint.endpoint_id)
        return rest is not None and rest.url == endpoint.url and at < rest.until and delivery_id != rest.delivery_id

    def _end(self, conn: Connection, called: Endpoint, at: datetime) -> None:
        """Switch an endpoint off whose address answered that it is gone. Not where its owner has named another address, or switched it off, while it was
        being called: what he has changed since stands.
        """
        found = store.load_endpoint(conn, called.endpoint_id)
        if found is None or found.url != called.url or found.status is EndpointStatus.DISABLED:
            return
        gone = replace(found, status=EndpointStatus.DISABLED, status_reason=GONE_REASON, changed_at=at, version=found.version + 1)
        store.update_endpoint(conn, gone)
        self.audit.record(
            conn,
            at=at,
            actor=ACTOR,
            action="webhook.change",
            subject=f"webhook:{gone.endpoint_id}",
            outcome="done",
            facts={"client": gone.owner, "url": gone.url[:200], "status": gone.status.value, "reason": GONE_REASON},
        )

    def sweep(self) -> int:
        """Forget what came to an end long ago."""
        before = self.clock.now() - KEEP_FINISHED
        return sweep_all(self.database, lambda conn: store.delete_finished(conn, before, limit=SWEEP_ROWS))


def secret_place(endpoint_id: str) -> str:
    """Where a secret is sealed for."""
    return f"kit_webhook_endpoints.secret:{endpoint_id}"
