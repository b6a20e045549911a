"""Read seals, their powers, grants, uses and history: what the caller may know of; everything else is not found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from seal_service import store
from seal_service.actions.check_power import may_see, may_see_all
from seal_service.errors import grant_not_found, picture_not_here, seal_not_found, seal_use_not_found, use_has_no_result
from seal_service.limits import PAGE_SIZE_MAX
from seal_service.model import SCOPE_MAKE, Power, Seal, SealState, SealUse, UseState
from seal_service.pictures.design import default_design, read_design
from seal_service.pictures.draw_seal import draw_seal
from seal_service.pictures.own_picture import NO_PICTURE, draw_own_picture, is_own_picture
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seal_service.model import Act, Edition, Grant, PowerHolder
    from seal_service.pictures.outline import SealPicture
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def list_seals(
    context: ServiceContext,
    caller: Caller,
    *,
    after: str,
    limit: int,
    state: SealState | None = None,
    search: str = "",
    is_all: bool = False,
) -> list[Seal]:
    """At most ``limit`` seals over which the caller holds a power, behind the id ``after``, in the order of their ids.

    ``is_all``: every seal, for makers, reviewers and security administrators; SCOPE_MISSING for others.
    """
    with context.database.read() as conn:
        if is_all and not may_see_all(conn, caller):
            raise TrustError(Kind.FORBIDDEN, "SCOPE_MISSING", scope=SCOPE_MAKE)
        holder = None if is_all else caller.holder
        most = max(1, min(limit, PAGE_SIZE_MAX + 1))
        return store.list_seals_of_holder(conn, holder, after=after, limit=most, state=state, search=search)


def find_seal(context: ServiceContext, caller: Caller, seal_id: str) -> tuple[Seal, list[str]]:
    """A seal the caller may know of; who may use it is shown to who manages or audits it, to others only that they may themselves."""
    with context.database.read() as conn:
        seal = _known_seal(conn, caller, seal_id)
        granted = store.list_grants(conn, seal_id)
        sees_all = bool(store.powers_of(conn, seal_id, caller.holder) & {Power.MANAGE, Power.AUDIT}) or may_see_all(conn, caller)
    return seal, [holder for holder in granted if sees_all or holder == caller.holder]


def find_powers(context: ServiceContext, caller: Caller, seal_id: str) -> tuple[Seal, list[PowerHolder]]:
    """Who holds which power over a seal; to who only uses it his own line."""
    with context.database.read() as conn:
        seal = _known_seal(conn, caller, seal_id)
        held = store.powers_of(conn, seal_id, caller.holder)
        sees_all = bool(held & {Power.MANAGE, Power.AUDIT}) or may_see_all(conn, caller)
        return seal, [each for each in store.list_powers(conn, seal_id) if sees_all or each.holder == caller.holder]


def list_grants(context: ServiceContext, caller: Caller, seal_id: str, *, after: str, limit: int) -> list[Grant]:
    """Grants of a seal behind the id ``after``, those taken back too: all to who manages or audits it, to others their own."""
    with context.database.read() as conn:
        _known_seal(conn, caller, seal_id)
        sees_all = bool(store.powers_of(conn, seal_id, caller.holder) & {Power.MANAGE, Power.AUDIT}) or may_see_all(conn, caller)
        holder = None if sees_all else caller.holder
        return store.list_grants_of_seal(conn, seal_id, after=after, limit=limit, holder=holder)


def find_grant(context: ServiceContext, caller: Caller, grant_id: str) -> Grant:
    """One grant: shown to whom it is given and to who manages or audits the seal. Raises SEAL_GRANT_NOT_FOUND."""
    with context.database.read() as conn:
        grant = store.load_grant(conn, grant_id)
        if grant is None:
            raise grant_not_found(grant_id)
        held = store.powers_of(conn, grant.seal_id, caller.holder)
        if grant.holder != caller.holder and not held & {Power.MANAGE, Power.AUDIT}:
            raise grant_not_found(grant_id)
        return grant


def list_timeline(context: ServiceContext, caller: Caller, seal_id: str, *, after: int, limit: int) -> list[Act]:
    """What happened to a seal and to the applications about it, the oldest first, for everybody who may know of it but its mere users."""
    with context.database.read() as conn:
        _known_seal(conn, caller, seal_id)
        if not (store.powers_of(conn, seal_id, caller.holder) & {Power.MANAGE, Power.AUDIT} or may_see_all(conn, caller)):
            raise seal_not_found(seal_id)
        return store.list_acts_of_seal(conn, seal_id, after=after, limit=limit)


def list_editions(context: ServiceContext, caller: Caller, seal_id: str) -> list[Edition]:
    """Every making of a seal the caller may know of."""
    with context.database.read() as conn:
        _known_seal(conn, caller, seal_id)
        return store.list_editions(conn, seal_id)


def list_uses(context: ServiceContext, caller: Caller, seal_id: str, *, after: str, limit: int) -> list[SealUse]:
    """The uses of a seal behind the id ``after``: all to who manages or audits it, to others their own."""
    with context.database.read() as conn:
        _known_seal(conn, caller, seal_id)
        sees_all = bool(store.powers_of(conn, seal_id, caller.holder) & {Power.MANAGE, Power.AUDIT})
        return store.list_uses_of_seal(conn, seal_id, after=after, limit=limit, holder=None if sees_all else caller.holder)


def find_seal_data(context: ServiceContext, caller: Caller, seal_id: str) -> tuple[Seal, bytes]:
    """A seal the caller may know of, and its SESeal (DER). SEAL_WITHOUT_SEAL_DATA for one that is not made yet, or was before these were."""
    with context.database.read() as conn:
        seal = _known_seal(conn, caller, seal_id)
    if seal.seal_data_der is None:
        raise TrustError(Kind.CONFLICT, "SEAL_WITHOUT_SEAL_DATA", seal_id=seal_id)
    return seal, seal.seal_data_der


def find_picture(context: ServiceContext, caller: Caller, seal_id: str) -> SealPicture:
    """The picture of a seal the caller manages or may use."""
    with context.database.read() as conn:
        seal = _known_seal(conn, caller, seal_id)
    return draw_picture(seal)


def draw_picture(seal: Seal) -> SealPicture:
    """A seal's picture from what is recorded of it. The same seal is drawn once per process.

    A design that was applied for says how; what stands in the ring is the registered name, and the code is the seal's own.
    SEAL_PICTURE_NOT_HERE for a seal from elsewhere that cannot be drawn.
    """
    if seal.design_json == NO_PICTURE:
        raise picture_not_here(seal.id)
    if is_own_picture(seal.design_json):
        return draw_own_picture(seal.design_json, f"{seal.organisation} {seal.purpose}".strip())
    if seal.design_json:
        design = read_design(json.loads(seal.design_json))
        return draw_seal(replace(design, name=seal.organisation, code=seal.code if design.code else ""))
    return draw_seal(default_design(seal.organisation, seal.purpose, seal.code, seal.type_code, seal.picture_width_mm))


def find_use(context: ServiceContext, caller: Caller, use_id: str) -> SealUse:
    """A use of a seal: shown to who used it and to who manages or audits the seal."""
    with context.database.read() as conn:
        use = store.load_use(conn, use_id)
        if use is None:
            raise seal_use_not_found(use_id)
        if use.holder != caller.holder and not store.powers_of(conn, use.seal_id, caller.holder) & {Power.MANAGE, Power.AUDIT}:
            raise seal_use_not_found(use_id)
    return use


def load_result(context: ServiceContext, caller: Caller, use_id: str) -> tuple[SealUse, bytes]:
    """The sealed document (or the CMS) of a finished use, again, for who used the seal. Raises SEAL_USE_WITHOUT_RESULT otherwise."""
    use = find_use(context, caller, use_id)
    if use.holder != caller.holder:
        raise seal_use_not_found(use_id)
    if use.state is not UseState.DONE or use.result_digest is None:
        raise use_has_no_result(use_id, use.state)
    return use, context.blobs.get(use.result_digest) if use.result_inline is None else use.result_inline


def _known_seal(conn: Connection, caller: Caller, seal_id: str) -> Seal:
    seal = store.load_seal(conn, seal_id)
    if seal is None or not may_see(conn, caller, seal):
        raise seal_not_found(seal_id)
    return seal
