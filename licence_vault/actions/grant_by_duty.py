"""A client is given use codes by duty: no holder is present, so an officer is named, with his reason, and every holder sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.consent_to_use import GrantedCode
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.use_desk import demand_in_force, demand_system
from licence_vault.errors import field_unacceptable, no_licence_of_holder, sharing_denied
from licence_vault.limits import CODES_PER_GRANT, OFFICER_CHARACTERS, USE_CODE_SECONDS
from licence_vault.model import LicenceState
from licence_vault.uses import UseAction, UseCode, UseMode, new_code_id, new_use_code
from standards.errors import TrustError
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.register import LicenceRecord
    from licence_vault.type_rules.definition import TypeDefinition
    from licence_vault.uses import Officer
    from service_kit.callers import Caller


@dataclass(frozen=True, slots=True)
class DutyOrder:
    """Whose licences of which type, for what, and for which officer. ``holder``: code type and code."""

    type_code: str
    holder: tuple[str, str]
    purpose: str
    officer: Officer
    service_item: str = ""


@dataclass(frozen=True, slots=True)
class CodeOfLicence:
    """A use code and which licence it is for."""

    granted: GrantedCode
    licence: LicenceRecord


def grant_by_duty(desk: UseDesk, caller: Caller, order: DutyOrder) -> list[CodeOfLicence]:
    """A code for each licence of the holder that is in force, the newest CODES_PER_GRANT of them.

    Raises TrustError FIELD_UNACCEPTABLE, LICENCE_SHARING_DENIED, LICENCE_OF_HOLDER_NOT_FOUND.
    """
    # 1. Who asks, for whom, and why.
    purpose = check_purpose(order.purpose)
    officer = check_officer(order.officer)
    at = desk.context.clock.now()
    subject = desk.contents.find_holder(*order.holder)

    def begin() -> Attempt:
        return Attempt(UseAction.CODE_GRANTED, caller, caller.client_id, purpose, at, UseMode.BY_DUTY, officer, order.type_code, (subject,))

    def decide(conn: Connection, attempt: Attempt) -> list[CodeOfLicence]:
        # 2. Whether this system may, by duty.
        demand_system(caller, order.type_code)
        modes, definition = modes_permitted(conn, caller.client_id, order.type_code, frozenset())
        if UseMode.BY_DUTY not in modes:
            raise sharing_denied(order.type_code)

        # 3. Which licences.
        found = store.list_licences_of_holders(
            conn, (subject,), type_code=order.type_code, states=(LicenceState.ISSUED,), before=None, limit=CODES_PER_GRANT * 2
        )
        counting = [each for each in found if each.data_sealed is not None and is_in_force(each, definition, at)][:CODES_PER_GRANT]
        if not counting:
            raise no_licence_of_holder(order.type_code)
        attempt.licences = counting

        # 4. A code for each: one licence, one client, one purpose.
        sealed = desk.contents.seal_officer(officer.write())
        codes = [(new_use_code(), each) for each in counting]
        granted = [
            CodeOfLicence(GrantedCode(code, _code_of(caller, order, purpose, sealed, code, record, at)), record) for code, record in codes
        ]
        for each in granted:
            store.insert_use_code(conn, each.granted.record)
        return granted

    return decide_use(desk, begin, decide)


def check_officer(officer: Officer) -> Officer:
    """An officer who can be found again by what is said of him. FIELD_UNACCEPTABLE."""
    for name in ("name", "role", "division"):
        text = getattr(officer, name)
        if not text.strip() or len(text) > OFFICER_CHARACTERS or not is_plain_text(text):
            raise field_unacceptable(f"officer.{name}", f"1 to {OFFICER_CHARACTERS} characters on one line")
    return officer


def is_in_force(record: LicenceRecord, definition: TypeDefinition | None, at: datetime) -> bool:
    """Whether ``demand_in_force`` lets it pass."""
    try:
        demand_in_force(record, definition, at)
    except TrustError:
        return False
    return True


def _code_of(
    caller: Caller, order: DutyOrder, purpose: str, officer_sealed: bytes, code: str, record: LicenceRecord, at: datetime
) -> UseCode:
    return UseCode(
        id=new_code_id(),
        code_digest=sm3(code.encode()),
        licence_id=record.id,
        mode=UseMode.BY_DUTY,
        client_id=caller.client_id,
        purpose=purpose,
        service_item=order.service_item,
        granted_by=caller.holder,
        officer_sealed=officer_sealed,
        entrustment_id=None,
        granted_at=at,
        expires_at=at + timedelta(seconds=USE_CODE_SECONDS),
    )
