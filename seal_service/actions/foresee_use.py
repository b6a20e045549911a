"""Would a use of this seal be refused now? By the rules that sealing itself goes by, without using anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service import store
from seal_service.actions.choose_grant import Wish, refusal_of
from seal_service.actions.keep_powers_apart import check_use
from seal_service.errors import grant_refuses, key_elsewhere, seal_not_found, seal_not_usable
from seal_service.life import USABLE
from seal_service.model import Power, SealState
from seal_service.verify import sealer_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from seal_service.model import DocumentForm, Grant
    from service_kit.composition import ServiceContext
    from standards.errors import TrustError


def foresee_use(
    context: ServiceContext, conn: Connection, seal_id: str, holder: str, forms: Iterable[DocumentForm], document_type: str, at: datetime
) -> None:
    """Raise as sealing would where ``holder``, through the client of the same name, may seal a document in none of ``forms``.

    ``at``: aware UTC. What depends on the document itself is found at sealing alone. Raises SEAL_NOT_FOUND (also for a seal that is not
    granted), SEAL_NOT_ACTIVE, SEAL_KEY_ELSEWHERE, SEAL_POWER_HELD, ROLE_FORBIDS, GRANT_*.
    """
    seal, grants = store.load_seal(conn, seal_id), store.list_standing_grants(conn, seal_id, holder)
    if seal is None or not grants:
        raise seal_not_found(seal_id)
    if seal.certificate_der is None or seal.state is not USABLE:
        raise seal_not_usable(seal_id, seal.state)
    if seal.valid_until is not None and at > seal.valid_until:
        raise seal_not_usable(seal_id, SealState.EXPIRED)
    if not seal.is_key_here:
        raise key_elsewhere(seal_id)
    check_use(context, conn, seal, holder, holder, Power.USE, at)
    wishes = [Wish(seal_id, holder, form, document_type, at) for form in forms]
    refusals = [_refusal(grant, wish) for grant in grants for wish in wishes]
    if None not in refusals:  # told is the refusal by the grant that is asked first, with the first of the forms
        raise next(each for each in refusals if each is not None)


def _refusal(grant: Grant, wish: Wish) -> TrustError | None:
    found = refusal_of(grant, wish)
    if found is not None:
        return found[1]
    if grant.uses_max is not None and grant.used >= grant.uses_max:
        return grant_refuses("GRANT_USED_UP", wish.seal_id, grant=grant.id, uses_max=grant.uses_max)
    return None


def owner_of(conn: Connection, seal_id: str) -> str | None:
    """The credit code in the certificate of a seal; None where there is no such seal, or none in its certificate."""
    seal = store.load_seal(conn, seal_id)
    return None if seal is None else sealer_of(seal.certificate_der)[1]
