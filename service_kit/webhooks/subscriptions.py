"""Registering endpoints and looking after them: every change is audited, and an owner sees only what is its own.

An owner is a client by itself. A person who comes by a client is not that client: he looks after the endpoints of clients where he may manage
clients, and otherwise after none.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from service_kit.webhooks import store
from service_kit.webhooks.deliveries import DELIVERY_TOPIC, secret_place
from service_kit.webhooks.model import (
    DESCRIPTION_CHARACTERS,
    ENDPOINTS_PER_OWNER,
    SECRET_OVERLAP_SECONDS,
    Attempt,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    check_types,
    new_secret,
)
from standards.errors import Kind, TrustError
from standards.uax9_plain_text import is_printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from crypto.sealed_values import ValueSealer
    from service_kit.audit import Audit
    from service_kit.callers import Caller
    from service_kit.clock import Clock
    from service_kit.database import Database
    from service_kit.idempotency import Idempotency, Once
    from service_kit.outbound import Outbound
    from service_kit.outbox import Outbox


def _nobody(_connection: Connection, _name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an owner may set. ``is_active`` False: nothing is sent until it is set again."""

    url: str
    types: tuple[str, ...]
    description: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class SubscriptionDesk:
    """What the administration of endpoints needs. ``event_types``: what exists, with a sentence each. ``scope_for_others``: the scope that lets a
    caller look after endpoints of other clients, empty: nobody may; ``is_owner``: whether there is a client of a name that counts.
    """

    database: Database
    audit: Audit
    clock: Clock
    outbox: Outbox
    outbound: Outbound
    sealer: ValueSealer
    event_types: Mapping[str, str]
    idempotency: Idempotency
    scope_for_others: str = ""
    is_owner: Callable[[Connection, str], bool] = _nobody

    def create(self, caller: Caller, wanted: Wanted, *, owner: str = "") -> tuple[Endpoint, str]:
        """A new endpoint and its secret, which is shown this once. ``OUTBOUND_REFUSED``, ``WEBHOOK_*``.

        ``owner``: the client that is to be told; empty: the caller itself. For another one, and for any where a person stands behind the call, the
        caller must be allowed to look after others': SCOPE_MISSING, WEBHOOK_OWNER_UNKNOWN.
        """
        endpoint, secret, sealed = self._new(caller, wanted, owner)
        self.database.write(lambda conn: self._add(conn, caller, endpoint, sealed))
        return endpoint, secret

    def create_once(self, caller: Caller, wanted: Wanted, once: Once, *, owner: str = "") -> tuple[Endpoint, str | None]:
        """As ``create``, however often the request comes: what it made before as that stands now, and None for the secret, which nobody is shown twice.

        Raises as ``create``, and IDEMPOTENCY_*, WEBHOOK_NOT_FOUND where it has been removed since.
        """
        endpoint, secret, sealed = self._new(caller, wanted, owner)

        def add(conn: Connection) -> tuple[Endpoint, str | None]:
            made = self.idempotency.once(conn, once, reference=endpoint.endpoint_id, at=endpoint.created_at)
            if made is not None:
                return self._own(conn, caller, made), None
            self._add(conn, caller, endpoint, sealed)
            return endpoint, secret

        return self.database.write(add)

    def _new(self, caller: Caller, wanted: Wanted, owner: str) -> tuple[Endpoint, str, bytes]:
        """An endpoint as it would be made, its secret, and that sealed."""
        owner = self._owner_named(caller, owner)
        self._check(wanted)
        at = self.clock.now()
        endpoint_id = f"wh_{secrets.token_hex(12)}"
        status = EndpointStatus.ACTIVE if wanted.is_active else EndpointStatus.DISABLED
        endpoint = Endpoint(endpoint_id, owner, wanted.url, wanted.types, wanted.description, status, None, at, at, 1)
        secret = new_secret()
        return endpoint, secret, self.sealer.seal(secret.encode(), secret_place(endpoint_id))

    def _add(self, conn: Connection, caller: Caller, endpoint: Endpoint, sealed: bytes) -> None:
        owner = endpoint.owner
        if owner != caller.client_id and not self.is_owner(conn, owner):
            raise TrustError(Kind.UNACCEPTABLE, "WEBHOOK_OWNER_UNKNOWN", client=owner)
        if store.count_endpoints(conn, owner) >= ENDPOINTS_PER_OWNER:
            raise TrustError(Kind.CONFLICT, "WEBHOOK_TOO_MANY", most=ENDPOINTS_PER_OWNER)
        store.insert_endpoint(conn, endpoint, sealed)
        self._record(conn, caller, "webhook.create", endpoint)

    def change(self, caller: Caller, endpoint_id: str, wanted: Wanted, *, expected_version: int | None) -> Endpoint:
        """Replace what an owner may set. ``WEBHOOK_CHANGED`` where ``expected_version`` is not the present one."""
        self._check(wanted)

        def put(conn: Connection) -> Endpoint:
            found = self._own(conn, caller, endpoint_id, expected_version)
            changed = replace(
                found,
                url=wanted.url,
                types=wanted.types,
                description=wanted.description,
                status=EndpointStatus.ACTIVE if wanted.is_active else EndpointStatus.DISABLED,
                status_reason=None,
                changed_at=self.clock.now(),
                version=found.version + 1,
            )
            store.update_endpoint(conn, changed)
            self._record(conn, caller, "webhook.change", changed)
            return changed

        return self.database.write(put)

    def rotate_secret(self, caller: Caller, endpoint_id: str, *, expected_version: int | None = None) -> tuple[Endpoint, str]:
        """The endpoint and a new secret, shown this once; the old one goes on signing beside it for a day, so a receiver can change over."""
        secret = new_secret()
        sealed = self.sealer.seal(secret.encode(), secret_place(endpoint_id))

        def put(conn: Connection) -> Endpoint:
            found = self._own(conn, caller, endpoint_id, expected_version)
            at = self.clock.now()
            store.update_secret(conn, endpoint_id, sealed, at + timedelta(seconds=SECRET_OVERLAP_SECONDS))
            changed = replace(found, changed_at=at, version=found.version + 1)
            store.update_endpoint(conn, changed)
            self._record(conn, caller, "webhook.rotate-secret", changed)
            return changed

        return self.database.write(put), secret

    def remove(self, caller: Caller, endpoint_id: str, *, expected_version: int | None = None) -> None:
        """Delete an endpoint and its delivery log."""

        def take(conn: Connection) -> None:
            found = self._own(conn, caller, endpoint_id, expected_version)
            store.delete_endpoint(conn, endpoint_id)
            self._record(conn, caller, "webhook.remove", found)

        self.database.write(take)

    def find(self, caller: Caller, endpoint_id: str) -> Endpoint:
        """An endpoint that the caller looks after; ``WEBHOOK_NOT_FOUND`` for everything else."""
        with self.database.read() as conn:
            return self._own(conn, caller, endpoint_id)

    def list_endpoints(self, caller: Caller, *, owner: str = "") -> list[Endpoint]:
        """Endpoints of the caller itself, or of the client that is named. SCOPE_MISSING as for ``create``."""
        owner = self._owner_named(caller, owner)
        with self.database.read() as conn:
            return store.list_endpoints(conn, owner)

    def list_all(self, caller: Caller, *, after: tuple[str, str], limit: int) -> list[Endpoint]:
        """Endpoints of every client, in the order of clients and ids, behind ``after``. SCOPE_MISSING as for ``create``."""
        self._demand_others(caller)
        with self.database.read() as conn:
            return store.list_all_endpoints(conn, after=after, limit=limit)

    def deliveries(
        self, caller: Caller, endpoint_id: str, *, before: str | None, status: DeliveryStatus | None, limit: int
    ) -> list[Delivery]:
        """What was sent to an endpoint, the newest first."""
        with self.database.read() as conn:
            self._own(conn, caller, endpoint_id)
            return store.list_deliveries(conn, endpoint_id, before=before, status=status, limit=limit)

    def delivery(self, caller: Caller, delivery_id: str) -> tuple[Delivery, list[Attempt]]:
        """One delivery with every attempt. ``WEBHOOK_DELIVERY_NOT_FOUND``."""
        with self.database.read() as conn:
            found, _ = self._own_delivery(conn, caller, delivery_id)
            return found, store.list_attempts(conn, delivery_id)

    def resend(self, caller: Caller, delivery_id: str) -> None:
        """Send a message again, with the same id, so that a receiver can tell. ``WEBHOOK_PENDING`` where it is on its way already."""

        def again(conn: Connection) -> None:
            found, owner = self._own_delivery(conn, caller, delivery_id)
            if found.status is DeliveryStatus.PENDING:
                raise TrustError(Kind.CONFLICT, "WEBHOOK_PENDING", delivery=delivery_id)
            at = self.clock.now()
            store.reopen_delivery(conn, delivery_id, at)
            self.outbox.put(conn, topic=DELIVERY_TOPIC, payload={"delivery": delivery_id}, at=at)
            self.audit.record(
                conn,
                at=at,
                actor=caller.actor,
                action="webhook.resend",
                subject=f"webhook:{found.endpoint_id}",
                outcome="done",
                facts={"client": owner, "delivery": delivery_id, "event": found.event_id},
            )

        self.database.write(again)

    def _check(self, wanted: Wanted) -> None:
        self.outbound.check_url(wanted.url)
        check_types(wanted.types, self.event_types)
        if len(wanted.description) > DESCRIPTION_CHARACTERS or not is_printable(wanted.description):
            raise TrustError(Kind.UNACCEPTABLE, "FIELD_TOO_LONG", field="description", limit=DESCRIPTION_CHARACTERS)

    def _looks_after(self, caller: Caller, owner: str) -> bool:
        is_itself = caller.holder == caller.client_id == owner
        return is_itself or bool(self.scope_for_others and self.scope_for_others in caller.scopes)

    def _owner_named(self, caller: Caller, owner: str) -> str:
        """Whose endpoints are meant. Who comes by a client that others come by, too, names one: there is none of his own."""
        if owner in {"", caller.client_id} and caller.holder == caller.client_id:
            return caller.client_id
        self._demand_others(caller)
        if not owner:
            raise TrustError(Kind.UNACCEPTABLE, "WEBHOOK_OWNER_UNKNOWN", client="")
        return owner

    def _demand_others(self, caller: Caller) -> None:
        if not self.scope_for_others or self.scope_for_others not in caller.scopes:
            raise TrustError(Kind.FORBIDDEN, "SCOPE_MISSING", scope=self.scope_for_others or "none")

    def _own(self, conn: Connection, caller: Caller, endpoint_id: str, expected_version: int | None = None) -> Endpoint:
        found = store.load_endpoint(conn, endpoint_id)
        if found is None or not self._looks_after(caller, found.owner):
            raise TrustError(Kind.NOT_FOUND, "WEBHOOK_NOT_FOUND", endpoint=endpoint_id)
        if expected_version is not None and expected_version != found.version:
            raise TrustError(Kind.CHANGED, "WEBHOOK_CHANGED", expected=expected_version, found=found.version)
        return found

    def _own_delivery(self, conn: Connection, caller: Caller, delivery_id: str) -> tuple[Delivery, str]:
        found = store.load_delivery(conn, delivery_id)
        if found is not None:
            endpoint = store.load_endpoint(conn, found.endpoint_id)
            if endpoint is not None and self._looks_after(caller, endpoint.owner):
                return found, endpoint.owner
        raise TrustError(Kind.NOT_FOUND, "WEBHOOK_DELIVERY_NOT_FOUND", delivery=delivery_id)

    def _record(self, conn: Connection, caller: Caller, action: str, endpoint: Endpoint) -> None:
        self.audit.record(
            conn,
            at=endpoint.changed_at,
            actor=caller.actor,
            action=action,
            subject=f"webhook:{endpoint.endpoint_id}",
            outcome="done",
            facts={
                "client": endpoint.owner,
                "url": endpoint.url[:200],
                "types": " ".join(endpoint.types)[:500],
                "status": endpoint.status.value,
            },
        )
