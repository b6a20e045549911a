"""The second factor by one-time code. A step's code counts once, also where two requests show it in the same moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from idp.actions.count_attempts import enter_attempt, peer_key, take_back, thing_key
from idp.actions.sign_in_row import put_back, take_up_at
from idp.credentials.one_time_codes import step_of
from idp.errors import sign_in_failed
from idp.model.people import AccountStatus, CredentialKind
from idp.model.sign_in import Step, with_method
from idp.store.accounts import find_account
from idp.store.credentials import list_credentials, update_credential

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.requests import ClientProfile

_SECOND: Final = frozenset({Step.SECOND_FACTOR})


def show_code(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, code: str, peer: str) -> None:
    """Show a code. SIGN_IN_FAILED for a wrong, used or late one and after too many; SIGN_IN_UNKNOWN."""
    at = desk.clock.now()

    def record(connection: Connection) -> bool:
        row = take_up_at(connection, desk, sign_in_id, browser_hash, at, _SECOND)
        if row is None or row.account_id is None:
            return True  # not what the sign-in waits for: the dispatcher shows what it does
        # 1. The attempt counts first; what follows is one transaction, so that of two requests one sees the other's
        name, address = thing_key(desk.vault, f"second factor of {row.account_id}"), peer_key(desk.vault, peer)
        may_name, may_peer, locks = enter_attempt(connection, name, address, at)
        account = find_account(connection, desk.vault, row.account_id)
        found = [each for each in list_credentials(connection, desk.vault, row.account_id) if each.kind is CredentialKind.TOTP]
        step = step_of(found[0].value, code, int(at.timestamp()), found[0].counter) if found else None
        is_active = account is not None and account.status is AccountStatus.ACTIVE
        is_good = may_name and may_peer and step is not None and is_active
        # 2. The step is used up
        if is_good and step is not None:
            is_good = update_credential(
                connection, desk.vault, replace(found[0], counter=step, last_used_at=at, version=found[0].version + 1)
            )
        if is_good:
            take_back(connection, name, address, at)
            put_back(connection, desk, with_method(row, "totp", at), profile)
        elif locks:
            desk.tell(connection, "account.sign-in-alert", {"account_id": row.account_id, "what": "second factor locked"}, at)
        subject = f"account:{row.account_id}"
        facts: dict[str, str | int | bool | None] = {"method": "totp", "sign_in": sign_in_id, "locks": bool(locks and not is_good)}
        outcome = "done" if is_good else "refused"
        desk.audit.record(connection, at=at, actor=subject, action="sign-in.show", subject=subject, outcome=outcome, facts=facts)
        return is_good

    if not desk.database.write(record):
        raise sign_in_failed()
