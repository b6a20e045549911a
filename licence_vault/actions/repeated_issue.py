"""The same request to issue twice: who repeats it gets the first answer, whatever has become of type, seal or licence since."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Final

from licence_vault import store
from licence_vault.actions.arrival import ROUTE as ARRIVAL_ROUTE
from licence_vault.errors import issuer_not_found
from licence_vault.model import LicenceState
from service_kit.idempotency import ClaimState, digest_of_request

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from licence_vault.actions.arrival import Arrival
    from licence_vault.actions.issue_licence import LicenceOrder, Succession
    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.register import IssuingAuthority, LicenceRecord
    from service_kit.callers import Caller
    from service_kit.idempotency import Claim

ROUTE: Final = "POST /v1/licences"


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """What makes a request what it is: its key, its route, and a digest of all that it asks for."""

    key: str
    route: str
    digest: bytes


def request_of(order: LicenceOrder, succession: Succession | None, arrival: Arrival | None, key: str | None) -> IssueRequest | None:
    """The request of a key; None without one. Of a succession its own wishes count, not the order that was made of the licence before it."""
    if key is None:
        return None
    if succession is not None:
        return request_of_succession(succession, key)
    if arrival is not None:
        return IssueRequest(key, ARRIVAL_ROUTE, _digest({"order": _wishes_of(order), "arrival": asdict(arrival)}))
    return IssueRequest(key, ROUTE, _digest(_wishes_of(order)))


def _wishes_of(order: LicenceOrder) -> dict[str, object]:
    """Every member of an order, for its digest; nothing is copied, as ``asdict`` would."""
    return {each.name: getattr(order, each.name) for each in fields(order)} | {"holders": [asdict(holder) for holder in order.holders]}


def request_of_succession(succession: Succession, key: str) -> IssueRequest:
    """The request of a key to issue in another licence's place."""
    return IssueRequest(key, succession.route, _digest({**succession.wishes, "reason": succession.reason}))


def answer_again(means: IssuingMeans, caller: Caller, issuer_code: str, request: IssueRequest | None) -> LicenceRecord | None:
    """The licence of the first such request, released or still a draft to be finished; None where there is none to be given again.

    Raises LICENCE_ISSUER_NOT_FOUND, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_FLIGHT.
    """
    if request is None:
        return None
    at = means.context.clock.now()

    # 1. A look that changes nothing: nearly every request is the first.
    with means.context.database.read() as conn:
        load_issuer_of(conn, caller, issuer_code)
        found = means.context.idempotency.find(
            conn, caller=caller.holder, route=request.route, key=request.key, request_digest=request.digest, at=at
        )
        if found is None or licence_of_claim(conn, found) is None:
            return None

    # 2. Somebody repeats it: a draft is this request's work from now on.
    def take_up(conn: Connection) -> LicenceRecord | None:
        load_issuer_of(conn, caller, issuer_code)
        return licence_of_claim(conn, claim_request(means, conn, caller, request, str(found.reference), at))

    return means.context.database.write(take_up)


def claim_request(means: IssuingMeans, conn: Connection, caller: Caller, request: IssueRequest, licence_id: str, at: datetime) -> Claim:
    """Claim the request's key in the transaction that stores the intent. IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_FLIGHT."""
    return means.context.idempotency.claim(
        conn, caller=caller.holder, route=request.route, key=request.key, request_digest=request.digest, reference=licence_id, at=at
    )


def load_issuer_of(conn: Connection, caller: Caller, issuer_code: str, *, is_locked: bool = False) -> IssuingAuthority:
    """An authority the caller acts for. LICENCE_ISSUER_NOT_FOUND."""
    issuer = store.load_issuer(conn, issuer_code, is_locked=is_locked)
    if issuer is None or not store.is_member(conn, issuer_code, caller.holder):
        raise issuer_not_found(issuer_code)
    return issuer


def licence_of_claim(conn: Connection, found: Claim) -> LicenceRecord | None:
    """What the key was claimed for: released, or a draft that can be. One that was given up is no answer."""
    earlier = store.load_licence(conn, str(found.reference))
    return earlier if earlier is not None and (found.state is ClaimState.DONE or earlier.state is LicenceState.DRAFT) else None


def _digest(wishes: dict[str, object]) -> bytes:
    return digest_of_request(json.dumps(wishes, sort_keys=True, default=str).encode())
