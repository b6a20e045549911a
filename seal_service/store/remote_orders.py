"""Documents that wait for their owner's signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, select, update

from seal_service.model import UseState
from seal_service.tables import remote_orders, uses
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class RemoteOrder:
    """What was ordered, so that the very same draft can be made again. ``order_json``: the order without the document, which is a blob."""

    use_id: str
    seal_id: str
    certificate_digest: str
    holder: str
    document_digest: str
    order_json: str
    at: datetime
    expires_at: datetime
    first_signature: bytes | None = None


def insert_remote_order(conn: Connection, order: RemoteOrder) -> None:
    """A new order; its use is recorded in the same transaction."""
    conn.execute(
        insert(remote_orders),
        {
            "use_id": order.use_id,
            "seal_id": order.seal_id,
            "certificate_digest": order.certificate_digest,
            "holder": order.holder,
            "document_digest": order.document_digest,
            "order_json": order.order_json,
            "at": write_time(order.at),
            "expires_at": write_time(order.expires_at),
            "first_signature": order.first_signature,
        },
    )


def load_remote_order(conn: Connection, use_id: str) -> RemoteOrder | None:
    """One order."""
    row = conn.execute(select(remote_orders).where(remote_orders.c.use_id == use_id)).mappings().one_or_none()
    if row is None:
        return None
    return RemoteOrder(
        use_id=row["use_id"],
        seal_id=row["seal_id"],
        certificate_digest=row["certificate_digest"],
        holder=row["holder"],
        document_digest=row["document_digest"],
        order_json=row["order_json"],
        at=read_time(row["at"]),
        expires_at=read_time(row["expires_at"]),
        first_signature=row["first_signature"],
    )


def put_first_signature(conn: Connection, use_id: str, signature: bytes) -> bool:
    """Keep the signature of the first round; False where there is one."""
    empty = and_(remote_orders.c.use_id == use_id, remote_orders.c.first_signature.is_(None))
    return conn.execute(update(remote_orders).where(empty).values(first_signature=signature)).rowcount == 1


def list_remote_orders_over(conn: Connection, at: datetime, *, limit: int) -> list[tuple[str, str]]:
    """(use, seal) of orders whose time is over and whose use has not ended."""
    statement = (
        select(remote_orders.c.use_id, remote_orders.c.seal_id)
        .join(uses, uses.c.id == remote_orders.c.use_id)
        .where(and_(remote_orders.c.expires_at < write_time(at), uses.c.state == UseState.INTENT.value))
        .order_by(remote_orders.c.expires_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in conn.execute(statement)]
