"""A licence that is issued in place of one that was transferred out (转入): of another authority here, or from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.errors import transfer_unfit
from licence_vault.model import LicenceState
from standards.gbt36904_licence_number import read_licence_number

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.actions.issue_licence import LicenceOrder
    from licence_vault.content_vault import ContentVault
    from licence_vault.register import LicenceRecord

ROUTE: Final = "POST /v1/licences/transferred-in"


@dataclass(frozen=True, slots=True)
class Arrival:
    """``identifier``: of the licence that was transferred out (GB/T 36904 with the root)."""

    identifier: str
    reason: str = ""


def find_departed(conn: Connection, contents: ContentVault, order: LicenceOrder, arrival: Arrival) -> LicenceRecord | None:
    """The licence that was transferred out, locked; None where it is of an authority elsewhere, whose word is not at hand.

    LICENCE_TRANSFER_UNFIT where a licence was issued for it before; where its authority is entered here and it was not transferred out, is of
    another type or of other holders, or is the receiving authority's own. The answer is the same for all of them: whoever asks is not of that
    authority.
    """
    unfit = transfer_unfit(arrival.identifier)
    if store.is_received(conn, arrival.identifier):
        raise unfit
    found = store.load_licence_of_identifier(conn, arrival.identifier)
    departed = None if found is None else store.load_licence(conn, found.id, is_locked=True)
    if departed is None:
        if store.load_issuer(conn, read_licence_number(arrival.identifier).issuer) is not None:
            raise unfit
        return None
    holders = {contents.find_holder(each.code_type, each.code) for each in order.holders}
    is_fit = (
        departed.state is LicenceState.TRANSFERRED
        and departed.successor_id is None
        and departed.type_code == order.type_code
        and departed.issuer_code != order.issuer_code
        and set(store.list_holder_digests(conn, departed.id)) == holders
    )
    if not is_fit:
        raise unfit
    return departed
