"""A signed-in person grants a use code: for a licence he holds (consented), or one in his power or entrusted to him (entrusted)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.use_desk import demand_in_force, right_to, who_is_behind
from licence_vault.errors import licence_not_found, sharing_denied
from licence_vault.limits import USE_CODE_SECONDS
from licence_vault.uses import UseAction, UseCode, UseMode, new_code_id, new_use_code

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class Consent:
    """What is consented to: ``client_id`` may use the licence once for ``purpose``. ``service_item``: the matter, empty where none is named."""

    licence_id: str
    client_id: str
    purpose: str
    service_item: str = ""


@dataclass(frozen=True, slots=True)
class GrantedCode:
    """A use code as its grantor is given it, once: ``code`` is kept nowhere."""

    code: str
    record: UseCode

    def __repr__(self) -> str:
        """Without the code."""
        return f"GrantedCode({self.record.id!r})"


def consent_to_use(desk: UseDesk, caller: Caller, consent: Consent) -> GrantedCode:
    """The use code, for ten minutes.

    Raises TrustError FIELD_UNACCEPTABLE, LICENCE_HOLDER_UNKNOWN, LICENCE_NOT_FOUND (also for one that is not his to use),
    LICENCE_SHARING_DENIED (the client may not use it in this mode), LICENCE_NOT_IN_FORCE.
    """
    # 1. Who consents, and to what.
    purpose = check_purpose(consent.purpose)
    at = desk.context.clock.now()
    standing = who_is_behind(desk, caller, at)

    def begin() -> Attempt:
        return Attempt(UseAction.CODE_GRANTED, caller, consent.client_id, purpose, at)

    def decide(conn: Connection, attempt: Attempt) -> GrantedCode:
        # 2. Whether the licence is his to let others use. That a stranger tried is seen by its holders.
        record = store.load_licence(conn, consent.licence_id)
        if record is None:
            raise licence_not_found(consent.licence_id)
        attempt.licences.append(record)
        right = right_to(conn, standing, record, at)
        if right is None:
            raise licence_not_found(consent.licence_id)
        attempt.mode = UseMode.CONSENTED if right[0] is UseMode.OWN else UseMode.ENTRUSTED

        # 3. Whether the client may use it so, and the licence counts now.
        modes, definition = modes_permitted(conn, consent.client_id, record.type_code, frozenset())
        if attempt.mode not in modes:
            raise sharing_denied(record.type_code)
        demand_in_force(record, definition, at)

        # 4. The code: one licence, one client, one purpose. One by a power remembers how its grantor came, to be asked for when it is used.
        code = new_use_code()
        granted = UseCode(
            id=new_code_id(),
            code_digest=sm3(code.encode()),
            licence_id=record.id,
            mode=attempt.mode,
            client_id=consent.client_id,
            purpose=purpose,
            service_item=consent.service_item,
            granted_by=caller.holder,
            officer_sealed=None,
            entrustment_id=None if right[1] is None else right[1].id,
            granted_at=at,
            expires_at=at + timedelta(seconds=USE_CODE_SECONDS),
        )
        if granted.is_by_power:
            granted = replace(granted, power_client=caller.client_id, power_grant=caller.grant_id)
        store.insert_use_code(conn, granted)
        return GrantedCode(code, granted)

    return decide_use(desk, begin, decide)
