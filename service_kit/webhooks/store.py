"""Rows of endpoints, deliveries and attempts, read and written inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time
from service_kit.tables import webhook_attempts, webhook_deliveries, webhook_endpoints
from service_kit.webhooks.model import ANY, Attempt, Delivery, DeliveryStatus, Endpoint, EndpointStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


_ACTIVE: Final = Prepared(
    select(webhook_endpoints).where(
        webhook_endpoints.c.owner == bindparam("owner"), webhook_endpoints.c.status == EndpointStatus.ACTIVE.value
    )
)


def _endpoint(row: Mapping[Any, Any]) -> Endpoint:
    return Endpoint(
        row["endpoint_id"],
        row["owner"],
        row["url"],
        tuple(row["types"].split(" ")),
        row["description"],
        EndpointStatus(row["status"]),
        row["status_reason"],
        read_time(row["created_at"]),
        read_time(row["changed_at"]),
        row["version"],
    )


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        row["delivery_id"],
        row["endpoint_id"],
        row["event_id"],
        row["event_type"],
        row["body"],
        DeliveryStatus(row["status"]),
        row["attempts"],
        row["last_status"],
        row["last_error"],
        read_time(row["created_at"]),
        None if row["finished_at"] is None else read_time(row["finished_at"]),
    )


def insert_endpoint(conn: Connection, endpoint: Endpoint, secret_sealed: bytes) -> None:
    """A new endpoint with its sealed secret."""
    values = {
        "endpoint_id": endpoint.endpoint_id,
        "owner": endpoint.owner,
        "url": endpoint.url,
        "types": " ".join(endpoint.types),
        "description": endpoint.description,
        "status": endpoint.status.value,
        "status_reason": endpoint.status_reason,
        "secret_sealed": secret_sealed,
        "created_at": write_time(endpoint.created_at),
        "changed_at": write_time(endpoint.changed_at),
        "version": endpoint.version,
    }
    conn.execute(insert(webhook_endpoints), values)


def update_endpoint(conn: Connection, endpoint: Endpoint) -> None:
    """Everything of an endpoint that can change, but its secret."""
    conn.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.endpoint_id == endpoint.endpoint_id)
        .values(
            url=endpoint.url,
            types=" ".join(endpoint.types),
            description=endpoint.description,
            status=endpoint.status.value,
            status_reason=endpoint.status_reason,
            changed_at=write_time(endpoint.changed_at),
            version=endpoint.version,
        )
    )


def update_secret(conn: Connection, endpoint_id: str, secret_sealed: bytes, previous_until_at: datetime) -> None:
    """A new secret; the present one goes on signing beside it until ``previous_until_at``."""
    conn.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.endpoint_id == endpoint_id)
        .values(
            previous_sealed=webhook_endpoints.c.secret_sealed, previous_until_at=write_time(previous_until_at), secret_sealed=secret_sealed
        )
    )


def delete_endpoint(conn: Connection, endpoint_id: str) -> None:
    """An endpoint and everything that was sent to it."""
    conn.execute(delete(webhook_endpoints).where(webhook_endpoints.c.endpoint_id == endpoint_id))


def load_endpoint(conn: Connection, endpoint_id: str) -> Endpoint | None:
    """One endpoint."""
    row = conn.execute(select(webhook_endpoints).where(webhook_endpoints.c.endpoint_id == endpoint_id)).mappings().one_or_none()
    return None if row is None else _endpoint(row)


def has_listener(conn: Connection, event_type: str) -> bool:
    """Whether any active endpoint listens to a type of events."""
    statement = select(webhook_endpoints.c.types).where(webhook_endpoints.c.status == EndpointStatus.ACTIVE.value).distinct()
    return any({ANY, event_type} & set(types.split(" ")) for types in conn.execute(statement).scalars())


def load_sealed_secrets(conn: Connection, endpoint_id: str, at: datetime) -> list[bytes]:
    """The sealed secrets that sign now, the present one first."""
    columns = (webhook_endpoints.c.secret_sealed, webhook_endpoints.c.previous_sealed, webhook_endpoints.c.previous_until_at)
    row = conn.execute(select(*columns).where(webhook_endpoints.c.endpoint_id == endpoint_id)).one()
    is_previous_alive = row[1] is not None and row[2] > write_time(at)
    return [row[0], row[1]] if is_previous_alive else [row[0]]


def list_endpoints(conn: Connection, owner: str) -> list[Endpoint]:
    """One owner's endpoints, in the order of their ids."""
    statement = select(webhook_endpoints).where(webhook_endpoints.c.owner == owner).order_by(webhook_endpoints.c.endpoint_id)
    return [_endpoint(row) for row in conn.execute(statement).mappings()]


def list_all_endpoints(conn: Connection, *, after: tuple[str, str], limit: int) -> list[Endpoint]:
    """Endpoints of all owners, in the order of owners and ids, behind ``after``."""
    owner, endpoint_id = webhook_endpoints.c.owner, webhook_endpoints.c.endpoint_id
    behind = (owner > after[0]) | and_(owner == after[0], endpoint_id > after[1])
    statement = select(webhook_endpoints).where(behind).order_by(owner, endpoint_id).limit(limit)
    return [_endpoint(row) for row in conn.execute(statement).mappings()]


def count_endpoints(conn: Connection, owner: str) -> int:
    """How many endpoints an owner has."""
    return int(conn.execute(select(func.count()).where(webhook_endpoints.c.owner == owner)).scalar_one())


def list_listening(conn: Connection, owners: tuple[str, ...]) -> list[Endpoint]:
    """The active endpoints of these owners."""
    return [_endpoint(row) for owner in dict.fromkeys(owners) for row in _ACTIVE.all(conn, {"owner": owner})]


def has_delivery(conn: Connection, endpoint_id: str, event_id: str) -> bool:
    """Whether this event is already on its way to this endpoint."""
    statement = select(webhook_deliveries.c.delivery_id).where(
        and_(webhook_deliveries.c.endpoint_id == endpoint_id, webhook_deliveries.c.event_id == event_id)
    )
    return conn.execute(statement).first() is not None


def insert_delivery(
    conn: Connection, delivery_id: str, endpoint_id: str, *, event_id: str, event_type: str, body: bytes, at: datetime
) -> None:
    """A message that is to be delivered."""
    values = {
        "delivery_id": delivery_id,
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "event_type": event_type,
        "body": body,
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "created_at": write_time(at),
        "sent_from_at": write_time(at),
    }
    conn.execute(insert(webhook_deliveries), values)


def load_delivery(conn: Connection, delivery_id: str) -> Delivery | None:
    """One delivery."""
    row = conn.execute(select(webhook_deliveries).where(webhook_deliveries.c.delivery_id == delivery_id)).mappings().one_or_none()
    return None if row is None else _delivery(row)


def load_round_began_at(conn: Connection, delivery_id: str) -> datetime:
    """When the present round of attempts began."""
    statement = select(webhook_deliveries.c.sent_from_at).where(webhook_deliveries.c.delivery_id == delivery_id)
    return read_time(conn.execute(statement).scalar_one())


def list_deliveries(conn: Connection, endpoint_id: str, *, before: str | None, status: DeliveryStatus | None, limit: int) -> list[Delivery]:
    """Deliveries to an endpoint, the newest first."""
    conditions = [webhook_deliveries.c.endpoint_id == endpoint_id]
    if before is not None:
        conditions.append(webhook_deliveries.c.delivery_id < before)
    if status is not None:
        conditions.append(webhook_deliveries.c.status == status.value)
    statement = select(webhook_deliveries).where(and_(*conditions)).order_by(webhook_deliveries.c.delivery_id.desc()).limit(limit)
    return [_delivery(row) for row in conn.execute(statement).mappings()]


def list_attempts(conn: Connection, delivery_id: str) -> list[Attempt]:
    """Every try of a delivery, the first one first."""
    table = webhook_attempts
    rows = conn.execute(select(table).where(table.c.delivery_id == delivery_id).order_by(table.c.number)).mappings()
    return [Attempt(row["number"], read_time(row["at"]), row["status"], row["error"], row["milliseconds"]) for row in rows]


def insert_attempt(conn: Connection, delivery_id: str, attempt: Attempt, outcome: DeliveryStatus) -> None:
    """One try and what the delivery is after it."""
    values: dict[str, Any] = {
        "delivery_id": delivery_id,
        "number": attempt.number,
        "at": write_time(attempt.at),
        "status": attempt.status,
        "error": attempt.error,
        "milliseconds": attempt.milliseconds,
    }
    conn.execute(insert(webhook_attempts), values)
    conn.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.delivery_id == delivery_id)
        .values(
            attempts=attempt.number,
            last_status=attempt.status,
            last_error=attempt.error,
            status=outcome.value,
            finished_at=None if outcome is DeliveryStatus.PENDING else write_time(attempt.at),
        )
    )


def reopen_delivery(conn: Connection, delivery_id: str, at: datetime) -> None:
    """Begin another round of attempts."""
    conn.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.delivery_id == delivery_id)
        .values(status=DeliveryStatus.PENDING.value, sent_from_at=write_time(at), finished_at=None)
    )


def delete_finished(conn: Connection, before: datetime, *, limit: int) -> int:
    """Forget what came to an end long ago."""
    old = select(webhook_deliveries.c.delivery_id).where(webhook_deliveries.c.finished_at < write_time(before)).limit(limit)
    return conn.execute(delete(webhook_deliveries).where(webhook_deliveries.c.delivery_id.in_(old))).rowcount
