"""Give and take the three powers over a seal: the security administrator's work. Grants detail the power to use and are the manager's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import store
from seal_service.actions.check_power import check_security_administrator
from seal_service.actions.check_power import give_power as give
from seal_service.actions.grant_seal import check_client_id
from seal_service.actions.keep_powers_apart import may_act
from seal_service.actions.record_act import check_reason, record_act
from seal_service.errors import last_manager, seal_not_found, second_person_needed
from seal_service.model import Power
from service_kit.callers import may_be_one, person_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def give_power(context: ServiceContext, caller: Caller, seal_id: str, holder: str, power: Power, *, reason: str) -> None:
    """Give ``holder`` a power; giving it twice is no error. Nobody gives one to himself, or to an organisation that he may act for.

    Raises ROLE_MISSING, SEAL_NOT_FOUND, SECOND_PERSON_NEEDED, SEAL_POWER_HELD, ROLE_HOLDER_UNKNOWN, ROLE_FORBIDS, FIELD_UNACCEPTABLE.
    """
    check_client_id(holder)
    reason = check_reason(reason, is_required=True)

    def record(conn: Connection) -> None:
        check_security_administrator(conn, caller)
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None:
            raise seal_not_found(seal_id)
        at = context.clock.now()
        if may_be_one(caller, holder) or may_act(context, conn, caller.human, holder, at):
            raise second_person_needed("give-power")
        if give(context, conn, seal, holder, power, given_by=caller.holder, at=at):
            _record(context, conn, caller, seal_id, seal.state.value, "give-power", holder, power, reason)

    context.database.write(record)


def take_power(context: ServiceContext, caller: Caller, seal_id: str, holder: str, power: Power, *, reason: str) -> None:
    """Take a power back, from the very next request on; none there is no error. With the power to use go the grants.

    Raises ROLE_MISSING, SEAL_NOT_FOUND, SEAL_LAST_MANAGER, FIELD_UNACCEPTABLE.
    """
    reason = check_reason(reason, is_required=True)

    def record(conn: Connection) -> None:
        check_security_administrator(conn, caller)
        seal = store.load_seal(conn, seal_id, is_locked=True)
        if seal is None:
            raise seal_not_found(seal_id)
        managers = [each.holder for each in store.list_powers(conn, seal_id) if each.power is Power.MANAGE]
        if power is Power.MANAGE and managers == [holder]:
            raise last_manager(seal_id)
        if power is Power.USE:
            for grant in store.list_standing_grants(conn, seal_id, holder):
                store.revoke_grant(conn, grant.id, by=caller.holder, at=context.clock.now(), reason=reason)
        if store.delete_power(conn, seal_id, holder, power):
            _record(context, conn, caller, seal_id, seal.state.value, "take-power", holder, power, reason)

    context.database.write(record)


def _record(
    context: ServiceContext, conn: Connection, caller: Caller, seal_id: str, state: str, act: str, holder: str, power: Power, reason: str
) -> None:
    record_act(
        context,
        conn,
        person_of(caller),
        act=act,
        from_state=state,
        to_state=state,
        at=context.clock.now(),
        seal_id=seal_id,
        reason=reason,
        facts={"holder": holder, "power": power.value},
    )
