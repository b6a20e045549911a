"""Let somebody use a seal within limits, and take that back. Without a grant nobody uses a seal, not even who manages it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from seal_service import limits, store
from seal_service.actions.check_power import check_manages, check_there, give_power
from seal_service.actions.record_act import check_reason, record_act
from seal_service.errors import field_unacceptable, grant_changed, grant_not_found, grants_exhausted, seal_not_found, seal_version_conflict
from seal_service.limits import GRANTS_PER_SEAL
from seal_service.model import ENDED, DocumentForm, Grant, Power, Seal, new_grant_id
from service_kit.callers import person_of
from service_kit.idempotency import ClaimState, digest_of_request
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext

_HOLDER: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}|person:[!-~]{1,200}")  # what a holder may be called, wherever the name comes from
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
MINUTES_PER_DAY: Final = 24 * 60
OFFSET_MINUTES_MAX: Final = 14 * 60  # the farthest zone of the earth
ROUTE: Final = "POST /v1/seals/grants"


@dataclass(frozen=True, slots=True)
class GrantOrder:
    """Within which limits somebody is to use a seal; members as ``model.Grant`` has them."""

    holder: str
    via_client: str = ""
    forms: frozenset[str] = frozenset()
    document_types: frozenset[str] = frozenset()
    uses_max: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    from_minute: int | None = None
    until_minute: int | None = None
    offset_minutes: int = 480
    reason: str = ""


def check_client_id(client_id: str) -> None:
    """Raise FIELD_UNACCEPTABLE where ``client_id`` cannot be a holder. Whether it is registered is asked when it gets something (``check_there``)."""
    if _HOLDER.fullmatch(client_id) is None:
        raise field_unacceptable(
            "client_id", "1 to 128 letters, digits, dots, underscores, tildes or hyphens; or person: and a subject of visible ASCII"
        )


def check_order(order: GrantOrder) -> None:
    """Raise FIELD_UNACCEPTABLE naming the member of an order that breaks its rule."""
    check_client_id(order.holder)
    if order.via_client and _CLIENT_ID.fullmatch(order.via_client) is None:
        raise field_unacceptable("via_client", "a client id")
    if not order.forms <= {form.value for form in DocumentForm}:
        raise field_unacceptable("forms", ", ".join(DocumentForm))
    if len(order.document_types) > limits.DOCUMENT_TYPES_PER_GRANT:
        raise field_unacceptable("document_types", f"at most {limits.DOCUMENT_TYPES_PER_GRANT} types")
    for label in order.document_types:
        if not 1 <= len(label) <= limits.DOCUMENT_TYPE_CHARACTERS or not is_plain_text(label):
            raise field_unacceptable("document_types", f"lines of at most {limits.DOCUMENT_TYPE_CHARACTERS} characters")
    if order.uses_max is not None and not 1 <= order.uses_max <= limits.USES_MAX:
        raise field_unacceptable("uses_max", f"a whole number of 1 to {limits.USES_MAX}")
    if order.valid_from is not None and order.valid_until is not None and order.valid_from >= order.valid_until:
        raise field_unacceptable("valid_until", "after valid_from")
    if (order.from_minute is None) != (order.until_minute is None):
        raise field_unacceptable("hours", "both ends, or none")
    for minute in (order.from_minute, order.until_minute):
        if minute is not None and not 0 <= minute <= MINUTES_PER_DAY:
            raise field_unacceptable("hours", "00:00 to 24:00")
    if order.from_minute is not None and order.from_minute == order.until_minute:
        raise field_unacceptable("hours", "two different times")
    if abs(order.offset_minutes) > OFFSET_MINUTES_MAX:
        raise field_unacceptable("utc_offset", "-14:00 to +14:00")


def grant_seal(context: ServiceContext, caller: Caller, seal_id: str, client_id: str, *, if_version: int | None = None) -> Seal:
    """Let ``client_id`` use the seal without limits, and return the seal; granting twice is no error.

    Raises SEAL_NOT_FOUND, FIELD_UNACCEPTABLE, SEAL_GRANTS_EXHAUSTED, SEAL_POWER_HELD, ROLE_HOLDER_UNKNOWN, ROLE_FORBIDS,
    SEAL_CHANGED.
    """
    order = GrantOrder(client_id)
    check_order(order)

    def grant(conn: Connection) -> Seal:
        seal = _managed_seal(context, conn, caller, seal_id, if_version)
        if not any(_is_unlimited(each) for each in store.list_standing_grants(conn, seal_id, client_id)):
            record_grant(context, conn, caller, seal, order)
        return seal

    return context.database.write(grant)


def grant_seal_within(
    context: ServiceContext, caller: Caller, seal_id: str, order: GrantOrder, *, if_version: int | None, idempotency_key: str | None = None
) -> Grant:
    """A further grant, within limits. Raises as ``grant_seal``, and IDEMPOTENCY_*."""
    check_order(order)
    order = replace(order, reason=check_reason(order.reason, is_required=False))
    request_digest = _digest_of(seal_id, order)

    def grant(conn: Connection) -> Grant:
        seal = _managed_seal(context, conn, caller, seal_id, None)
        claim = None
        if idempotency_key is not None:
            claim = context.idempotency.claim(
                conn,
                caller=caller.claimant,
                route=ROUTE,
                key=idempotency_key,
                request_digest=request_digest,
                reference=None,
                at=context.clock.now(),
            )
            given = store.load_grant(conn, claim.reference) if claim.state is ClaimState.DONE and claim.reference is not None else None
            if given is not None:
                return given
        _check_version(seal, if_version)
        made = record_grant(context, conn, caller, seal, order)
        if claim is not None:
            context.idempotency.set_reference(conn, claim, made.id)
            context.idempotency.finish(conn, claim, status=201)
        return made

    return context.database.write(grant)


def record_grant(context: ServiceContext, conn: Connection, caller: Caller, seal: Seal, order: GrantOrder) -> Grant:
    """Give the power to use the seal, and the grant, within the caller's transaction. The seal is locked."""
    if seal.state in ENDED:
        raise seal_not_found(seal.id)
    if store.count_grants(conn, seal.id) >= GRANTS_PER_SEAL:
        raise grants_exhausted(seal.id, GRANTS_PER_SEAL)
    at = context.clock.now()
    give_power(context, conn, seal, order.holder, Power.USE, given_by=caller.holder, at=at)
    if order.via_client:
        check_there(context, conn, order.via_client)
    made = Grant(
        id=new_grant_id(),
        seal_id=seal.id,
        holder=order.holder,
        granted_by=caller.holder,
        granted_at=at,
        via_client=order.via_client,
        forms=order.forms,
        document_types=order.document_types,
        uses_max=order.uses_max,
        valid_from=order.valid_from,
        valid_until=order.valid_until,
        from_minute=order.from_minute,
        until_minute=order.until_minute,
        offset_minutes=order.offset_minutes,
    )
    store.insert_grant(conn, made)
    record_act(
        context,
        conn,
        person_of(caller),
        act="grant",
        from_state=seal.state.value,
        to_state=seal.state.value,
        at=at,
        seal_id=seal.id,
        reason=order.reason,
        facts={"client_id": order.holder, "grant": made.id, "uses_max": order.uses_max, "forms": " ".join(sorted(order.forms))},
    )
    return made


def withdraw_grant(context: ServiceContext, caller: Caller, seal_id: str, client_id: str, *, if_version: int | None = None) -> Seal:
    """Take all grants of a holder back, and with them his power to use, from the very next request on, and return the seal; none there is no error.

    Who has that power without a grant keeps it: it is the security administrator's to take. Raises SEAL_NOT_FOUND, SEAL_CHANGED.
    """
    check_client_id(client_id)

    def withdraw(conn: Connection) -> Seal:
        seal = _managed_seal(context, conn, caller, seal_id, if_version)
        grants = store.list_standing_grants(conn, seal_id, client_id)
        for grant in grants:
            _take_back(context, conn, caller, seal, grant, "")
        if grants:
            store.delete_power(conn, seal_id, client_id, Power.USE)
        return seal

    return context.database.write(withdraw)


def revoke_grant(context: ServiceContext, caller: Caller, grant_id: str, *, reason: str, if_version: int | None = None) -> Grant:
    """Take one grant back, from the very next request on. Raises SEAL_GRANT_NOT_FOUND, SEAL_CHANGED, FIELD_UNACCEPTABLE."""
    reason = check_reason(reason, is_required=True)

    def revoke(conn: Connection) -> Grant:
        grant = store.load_grant(conn, grant_id)
        seal = None if grant is None else store.load_seal(conn, grant.seal_id, is_locked=True)
        if grant is None or seal is None or Power.MANAGE not in store.powers_of(conn, seal.id, caller.holder):
            raise grant_not_found(grant_id)
        check_manages(context, conn, caller, seal)
        if if_version is not None and grant.version != if_version:
            raise grant_changed(grant_id, if_version, grant.version)
        if grant.revoked_at is None:
            _take_back(context, conn, caller, seal, grant, reason)
            if not store.list_standing_grants(conn, seal.id, grant.holder):
                store.delete_power(conn, seal.id, grant.holder, Power.USE)
        return store.load_grant(conn, grant_id) or grant

    return context.database.write(revoke)


def _take_back(context: ServiceContext, conn: Connection, caller: Caller, seal: Seal, grant: Grant, reason: str) -> None:
    at = context.clock.now()
    store.revoke_grant(conn, grant.id, by=caller.holder, at=at, reason=reason)
    record_act(
        context,
        conn,
        person_of(caller),
        act="withdraw",
        from_state=seal.state.value,
        to_state=seal.state.value,
        at=at,
        seal_id=seal.id,
        reason=reason,
        facts={"client_id": grant.holder, "grant": grant.id},
    )


def _managed_seal(context: ServiceContext, conn: Connection, caller: Caller, seal_id: str, if_version: int | None) -> Seal:
    seal = store.load_seal(conn, seal_id, is_locked=True)
    if seal is None:
        raise seal_not_found(seal_id)
    check_manages(context, conn, caller, seal)
    _check_version(seal, if_version)
    return seal


def _check_version(seal: Seal, if_version: int | None) -> None:
    if if_version is not None and seal.version != if_version:
        raise seal_version_conflict(seal.id, str(if_version), seal.version)


def _is_unlimited(grant: Grant) -> bool:
    limited = (grant.via_client, grant.forms, grant.document_types, grant.uses_max, grant.valid_from, grant.valid_until, grant.from_minute)
    return not any(limited)


def _digest_of(seal_id: str, order: GrantOrder) -> bytes:
    """What makes an order the order it is; sets in a fixed order."""
    members = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(order).items()}
    return digest_of_request(seal_id.encode(), json.dumps(members, default=str, sort_keys=True).encode())
