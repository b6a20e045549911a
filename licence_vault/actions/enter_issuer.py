"""Issuing authorities: which there are, with which seal, and who acts for them. Nobody sees or changes licences of an authority otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from licence_vault import limits, store
from licence_vault.actions.check_receiver import check_receiver
from licence_vault.errors import field_unacceptable, issuer_changed, issuer_not_found, issuer_without_seal, members_too_many
from licence_vault.ports import CLIENTS, SEAL_OWNERS, SEAL_READINESS
from licence_vault.register import IssuingAuthority
from service_kit.callers import PERSON_PREFIX
from standards.gb32100_credit_code import read_credit_code
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class IssuerOrder:
    """What is to be known of an authority. ``seal_id``: in the seal service, empty while it has none."""

    code: str
    name: str
    area_code: str
    seal_id: str = ""


def enter_issuer(context: ServiceContext, caller: Caller, order: IssuerOrder, *, if_revision: int | None) -> IssuingAuthority:
    """Enter an authority, or change what is known of one (``if_revision``: the revision that is changed, None for any).

    Raises CREDIT_CODE_*, FIELD_UNACCEPTABLE, LICENCE_ISSUER_CHANGED.
    """
    # 1. What can be checked without anything else.
    read_credit_code(order.code)
    if not order.name.strip() or order.name.strip() != order.name or not is_plain_text(order.name):
        raise field_unacceptable("name", "one line, without blanks around it, control and direction characters")
    if not is_plain_text(order.seal_id):
        raise field_unacceptable("seal_id", "the identifier of a seal")

    owner_of = SEAL_OWNERS.of(context)

    # 2. The row and the audit entry stand together. A seal of somebody else is refused now, where that can be told: its first licence would be no licence.
    def enter(conn: Connection) -> IssuingAuthority:
        at = context.clock.now()
        found = store.load_issuer(conn, order.code, is_locked=True)
        if order.seal_id and owner_of is not None and owner_of(conn, order.seal_id) not in {None, order.code}:
            raise field_unacceptable("seal_id", "a seal of this authority")
        if found is None:
            entered = IssuingAuthority(order.code, order.name, order.area_code, order.seal_id, 1, caller.holder, at)
            store.insert_issuer(conn, entered)
        else:
            if if_revision is not None and found.revision != if_revision:
                raise issuer_changed(order.code, if_revision, found.revision)
            entered = replace(
                found, name=order.name, area_code=order.area_code, seal_id=order.seal_id, revision=found.revision + 1, changed_at=at
            )
            store.update_issuer(conn, entered)
        context.audit.record(
            conn,
            at=at,
            actor=caller.actor,
            action="licence-issuer.enter" if found is None else "licence-issuer.change",
            subject=f"licence-issuer:{order.code}",
            outcome="done",
            facts={"name": order.name, "area_code": order.area_code, "seal": order.seal_id},
        )
        return entered

    return context.database.write(enter)


def give_membership(context: ServiceContext, caller: Caller, issuer_code: str, holder: str) -> None:
    """Let a client or person act for an authority; once is enough. Nobody lets himself: LICENCE_RIGHT_OF_ONE_SELF.

    Raises also LICENCE_ISSUER_NOT_FOUND, FIELD_UNACCEPTABLE (also for a system that is not registered, where that is known here), LICENCE_MEMBERS_TOO_MANY.
    """
    if not is_plain_text(holder) or not holder.removeprefix(PERSON_PREFIX).strip():
        raise field_unacceptable("holder", "a client id, or person: and a subject")
    is_registered = CLIENTS.of(context)

    def give(conn: Connection) -> None:
        at = context.clock.now()
        if store.load_issuer(conn, issuer_code, is_locked=True) is None:
            raise issuer_not_found(issuer_code)
        check_receiver(context, conn, caller, holder)
        if store.is_member(conn, issuer_code, holder):
            return
        is_person = holder.startswith(PERSON_PREFIX)
        if not is_person and is_registered is not None and not is_registered(conn, holder):  # else who registers under it later would issue
            raise field_unacceptable("holder", "a system that is registered")
        if store.count_members(conn, issuer_code) >= limits.MEMBERS:
            raise members_too_many(issuer_code, limits.MEMBERS)
        store.insert_member(conn, issuer_code, holder, given_by=caller.holder, at=at)
        _record_membership(context, conn, caller, issuer_code, holder, "give")

    context.database.write(give)


def take_membership(context: ServiceContext, caller: Caller, issuer_code: str, holder: str) -> None:
    """Let a client or person act for an authority no more, from the very next request on. LICENCE_ISSUER_NOT_FOUND."""

    def take(conn: Connection) -> None:
        if store.load_issuer(conn, issuer_code, is_locked=True) is None:
            raise issuer_not_found(issuer_code)
        if store.delete_member(conn, issuer_code, holder):
            _record_membership(context, conn, caller, issuer_code, holder, "take")

    context.database.write(take)


def find_issuer(context: ServiceContext, issuer_code: str) -> tuple[IssuingAuthority, list[str]]:
    """An authority and who acts for it. LICENCE_ISSUER_NOT_FOUND."""
    with context.database.read() as conn:
        found = store.load_issuer(conn, issuer_code)
        if found is None:
            raise issuer_not_found(issuer_code)
        return found, store.list_members(conn, issuer_code)


def find_obstacle(context: ServiceContext, issuer: IssuingAuthority) -> str | None:
    """The code with which issuing for an authority would be refused now because of its seal: empty where nothing stands against it, None where that
    is not known here (seals that are kept elsewhere). The seal may be granted later: nobody is kept from entering it.
    """
    if not issuer.seal_id:
        return issuer_without_seal(issuer.code).code
    readiness = SEAL_READINESS.of(context)
    if readiness is None:
        return None
    with context.database.read() as conn:
        return readiness(conn, issuer.seal_id, context.clock.now()) or ""


def list_own_issuers(context: ServiceContext, caller: Caller, *, after: str, limit: int) -> list[IssuingAuthority]:
    """The authorities the caller acts for, by code."""
    with context.database.read() as conn:
        return store.list_issuers(conn, holder=caller.holder, after=after, limit=limit)


def own_issuer_codes(conn: Connection, caller: Caller, issuer_code: str | None) -> list[str]:
    """Whose licences the caller is shown: of the authority that is named, else of all that the caller acts for. Never of some of them only.

    LICENCE_ISSUER_NOT_FOUND; FIELD_UNACCEPTABLE where none is named and there are more than are looked through at once.
    """
    if issuer_code is not None:
        if not store.is_member(conn, issuer_code, caller.holder):
            raise issuer_not_found(issuer_code)
        return [issuer_code]
    own = store.list_issuer_codes(conn, caller.holder, limit=limits.AUTHORITIES_ASKED + 1)
    if len(own) > limits.AUTHORITIES_ASKED:
        raise field_unacceptable("issuer", f"to be named by whoever acts for more than {limits.AUTHORITIES_ASKED} authorities")
    return own


def list_issuers(context: ServiceContext, *, after: str, limit: int) -> list[IssuingAuthority]:
    """All authorities, by code."""
    with context.database.read() as conn:
        return store.list_issuers(conn, holder=None, after=after, limit=limit)


def _record_membership(context: ServiceContext, conn: Connection, caller: Caller, issuer_code: str, holder: str, what: str) -> None:
    context.audit.record(
        conn,
        at=context.clock.now(),
        actor=caller.actor,
        action=f"licence-issuer.{what}-membership",
        subject=f"licence-issuer:{issuer_code}",
        outcome="done",
        facts={"holder": holder},
    )
