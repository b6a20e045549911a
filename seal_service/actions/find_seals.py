"""Read seals and their uses: what the caller manages or may use; everything else is not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import store
from seal_service.errors import seal_not_found, seal_use_not_found, use_has_no_result
from seal_service.limits import PAGE_SIZE_MAX
from seal_service.model import Seal, SealUse, UseState
from seal_service.pictures.design import default_design
from seal_service.pictures.draw_seal import draw_seal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seal_service.pictures.outline import SealPicture
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def list_seals(context: ServiceContext, caller: Caller, *, after: str, limit: int) -> list[Seal]:
    """At most ``limit`` seals known to the caller behind the id ``after``, in the order of their ids."""
    with context.database.read() as conn:
        return store.list_seals_known_to(conn, caller.client_id, after=after, limit=max(1, min(limit, PAGE_SIZE_MAX)))


def find_seal(context: ServiceContext, caller: Caller, seal_id: str) -> tuple[Seal, list[str]]:
    """A seal the caller manages or may use; the grants are shown to who manages it, to others only their own."""
    with context.database.read() as conn:
        seal = _known_seal(conn, caller, seal_id)
        granted = store.list_grants(conn, seal_id)
    return seal, [client_id for client_id in granted if caller.client_id in {seal.managed_by, client_id}]


def find_picture(context: ServiceContext, caller: Caller, seal_id: str) -> SealPicture:
    """The picture of a seal the caller manages or may use."""
    with context.database.read() as conn:
        seal = _known_seal(conn, caller, seal_id)
    return draw_picture(seal)


def draw_picture(seal: Seal) -> SealPicture:
    """A seal's picture from what is recorded of it. The same seal is drawn once per process."""
    return draw_seal(default_design(seal.organisation, seal.purpose, seal.code, seal.type_code, seal.picture_width_mm))


def find_use(context: ServiceContext, caller: Caller, use_id: str) -> SealUse:
    """A use of a seal: shown to who used it and to who manages the seal."""
    with context.database.read() as conn:
        use = store.load_use(conn, use_id)
        if use is None:
            raise seal_use_not_found(use_id)
        if use.client_id != caller.client_id:
            seal = store.load_seal(conn, use.seal_id)
            if seal is None or seal.managed_by != caller.client_id:
                raise seal_use_not_found(use_id)
    return use


def load_result(context: ServiceContext, caller: Caller, use_id: str) -> tuple[SealUse, bytes]:
    """The sealed document (or the CMS) of a finished use, again, for who used the seal. Raises SEAL_USE_WITHOUT_RESULT otherwise."""
    use = find_use(context, caller, use_id)
    if use.client_id != caller.client_id:
        raise seal_use_not_found(use_id)
    if use.state is not UseState.DONE or use.result_digest is None:
        raise use_has_no_result(use_id, use.state)
    return use, context.blobs.get(use.result_digest) if use.result_inline is None else use.result_inline


def _known_seal(conn: Connection, caller: Caller, seal_id: str) -> Seal:
    seal = store.load_seal(conn, seal_id)
    if seal is None or (seal.managed_by != caller.client_id and not store.is_granted(conn, seal_id, caller.client_id)):
        raise seal_not_found(seal_id)
    return seal
