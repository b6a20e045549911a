"""Who holds which power over a seal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, delete, insert, select

from seal_service.model import ENDED, Power, PowerHolder, Seal, SealState
from seal_service.tables import grants, powers, seals
from service_kit.prepared import Prepared
from service_kit.row_values import read_time, write_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_OF_HOLDER: Final = select(powers.c.power).where(
    and_(powers.c.seal_id == bindparam("seal_id"), powers.c.holder == bindparam("holder_name"))
)

_OTHERS: Final = Prepared(select(powers).where(and_(powers.c.seal_id == bindparam("wanted"), powers.c.power != bindparam("but"))))


def insert_power(conn: Connection, seal: Seal, holder: str, power: Power, *, given_by: str, at: datetime) -> None:
    """Give a power. Where the powers over the seal are separated the table itself refuses a second one for the same holder."""
    conn.execute(
        insert(powers),
        {
            "seal_id": seal.id,
            "holder": holder,
            "power": power.value,
            "is_separated": seal.are_powers_separated,
            "given_by": given_by,
            "given_at": write_time(at),
        },
    )


def delete_power(conn: Connection, seal_id: str, holder: str, power: Power) -> bool:
    """Take a power back; False where there was none."""
    condition = and_(powers.c.seal_id == seal_id, powers.c.holder == holder, powers.c.power == power.value)
    return conn.execute(delete(powers).where(condition)).rowcount > 0


def powers_of(conn: Connection, seal_id: str, holder: str) -> frozenset[Power]:
    """The powers somebody holds over a seal."""
    return frozenset(Power(power) for power in conn.execute(_OF_HOLDER, {"seal_id": seal_id, "holder_name": holder}).scalars())


def holds_any_power(conn: Connection, holder: str) -> bool:
    """Whether somebody holds a power over a seal that has not ended."""
    ended = [state.value for state in (*ENDED, SealState.ABANDONED)]
    living = select(seals.c.id).where(and_(seals.c.id == powers.c.seal_id, seals.c.state.not_in(ended))).exists()
    return conn.execute(select(powers.c.seal_id).where(and_(powers.c.holder == holder, living)).limit(1)).first() is not None


def held_powers(conn: Connection, holder: str) -> frozenset[Power]:
    """Which powers somebody holds over any seal at all; a standing grant of use counts as ``use``."""
    found = {Power(power) for power in conn.execute(select(powers.c.power).where(powers.c.holder == holder).distinct()).scalars()}
    standing = select(grants.c.id).where(and_(grants.c.holder == holder, grants.c.revoked_at.is_(None))).limit(1)
    return frozenset(found | ({Power.USE} if conn.execute(standing).first() is not None else set()))


def list_other_powers(conn: Connection, seal_id: str, power: Power) -> list[PowerHolder]:
    """Everybody with another power over a seal than this one."""
    rows = _OTHERS.all(conn, {"wanted": seal_id, "but": power.value})
    return [PowerHolder(row["seal_id"], row["holder"], Power(row["power"]), row["given_by"], read_time(row["given_at"])) for row in rows]


def list_powers(conn: Connection, seal_id: str) -> list[PowerHolder]:
    """Everybody with a power over a seal, by power and holder."""
    statement = select(powers).where(powers.c.seal_id == seal_id).order_by(powers.c.power, powers.c.holder)
    return [
        PowerHolder(row["seal_id"], row["holder"], Power(row["power"]), row["given_by"], read_time(row["given_at"]))
        for row in conn.execute(statement).mappings()
    ]
