"""Use a code: what the licence says, once, for the client it was given for, for the purpose it was given for, while everything it hangs on stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.sm3 import sm3
from licence_vault import store
from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.decide_use import Attempt, check_purpose, decide_use
from licence_vault.actions.use_desk import demand_in_force, demand_system, is_still_empowered, is_still_entrusted, open_data, who_came
from licence_vault.errors import (
    sharing_denied,
    use_code_expired,
    use_code_purpose_differs,
    use_code_unknown,
    use_code_used,
    use_code_withdrawn,
)
from licence_vault.uses import ShareRight, UseAction, read_officer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.use_desk import Standing, UseDesk
    from licence_vault.model import LicenceData
    from licence_vault.register import LicenceRecord
    from licence_vault.uses import UseCode
    from service_kit.callers import Caller

STOLEN = "USE_CODE_STOLEN"  # in the log: another client tried; that client is told what everybody is told of a code that does not exist


@dataclass(frozen=True, slots=True)
class UsedLicence:
    """What a code was good for."""

    record: LicenceRecord
    data: LicenceData
    code: UseCode


def redeem_use_code(desk: UseDesk, caller: Caller, code: str, *, purpose: str) -> UsedLicence:
    """What the licence says; the code is used up with it.

    Raises TrustError FIELD_UNACCEPTABLE, USE_CODE_UNKNOWN, USE_CODE_USED, USE_CODE_EXPIRED, USE_CODE_PURPOSE_DIFFERS, USE_CODE_WITHDRAWN,
    LICENCE_SHARING_DENIED, LICENCE_NOT_IN_FORCE, LICENCE_ERASED.
    """
    purpose = check_purpose(purpose)
    at = desk.context.clock.now()
    standing = who_granted(desk, caller, code, at)

    def begin() -> Attempt:
        return Attempt(UseAction.QUERIED, caller, caller.client_id, purpose, at)

    def decide(conn: Connection, attempt: Attempt) -> UsedLicence:
        record, found = check_use_code(desk, conn, attempt, code, standing, right=ShareRight.QUERY)
        data = open_data(desk.contents, conn, record)
        use_up(conn, found, at)
        return UsedLicence(record, data, found)

    return decide_use(desk, begin, decide)


def find_use_code(conn: Connection, code: str) -> UseCode | None:
    """A code as recorded, used ones and those of other systems too; None where there is no such code."""
    return store.load_use_code(conn, digest_of_code(code))


def digest_of_code(code: str) -> bytes:
    """Under which a code is kept: SM3, 32 bytes."""
    return sm3(code.encode("utf-8", "replace"))


def who_granted(desk: UseDesk, caller: Caller, code: str, at: datetime, *, is_used_too: bool = False) -> Standing | None:
    """Who granted a code of this caller by a power, as he is now; None of any other code, of one that was used unless ``is_used_too``, and where
    nothing is proven any more. Never within a transaction.
    """
    with desk.context.database.read() as conn:
        found = find_use_code(conn, code)
    if found is None or not found.is_by_power or found.client_id != caller.client_id:
        return None
    is_spent = found.used_at is not None and not is_used_too
    return None if is_spent or at >= found.expires_at else who_came(desk, found.power_client, found.power_grant, at)


def check_use_code(
    desk: UseDesk, conn: Connection, attempt: Attempt, code: str, standing: Standing | None, *, right: ShareRight, is_again: bool = False
) -> tuple[LicenceRecord, UseCode]:
    """The licence of a code that counts now for the caller of ``attempt``, and its record for ``use_up``. Raises as ``redeem_use_code``.

    Fills in the attempt: licence, mode, officer. ``standing``: what ``who_granted`` says of the code. ``is_again``: it was used by this very call before,
    which counts while the code's time lasts.
    """
    # 1. The code, of this very client. Whose licence it was tried on is seen by its holders.
    found = find_use_code(conn, code)
    record = None if found is None else store.load_licence(conn, found.licence_id)
    if found is None or record is None:
        raise use_code_unknown()
    attempt.licences = [record]
    attempt.mode = found.mode
    if found.client_id != attempt.caller.client_id:
        attempt.outcome = STOLEN
        raise use_code_unknown()
    attempt.officer = None if found.officer_sealed is None else read_officer(desk.contents.open_officer(found.officer_sealed))
    demand_system(attempt.caller, record.type_code)

    # 2. Not used, not too old, for this purpose.
    if found.used_at is not None and (not is_again or attempt.at >= found.expires_at):
        raise use_code_used()
    if attempt.at >= found.expires_at:
        raise use_code_expired()
    if found.purpose != attempt.reason:
        raise use_code_purpose_differs()

    # 3. What it hangs on stands: permission, type, entrustment or power, the licence itself.
    modes, definition = modes_permitted(conn, attempt.caller.client_id, record.type_code, frozenset({right}))
    if found.mode not in modes:
        raise sharing_denied(record.type_code)
    is_empowered = not found.is_by_power or is_still_empowered(conn, standing, record, attempt.at)
    if not is_empowered or not is_still_entrusted(conn, found.entrustment_id, attempt.at):
        raise use_code_withdrawn()
    demand_in_force(record, definition, attempt.at)
    return record, found


def use_up(conn: Connection, code: UseCode, at: datetime) -> None:
    """Use the code up, as the last step before the answer: of all who try exactly one comes past. USE_CODE_USED."""
    if not store.spend_use_code(conn, code.id, at):
        raise use_code_used()
