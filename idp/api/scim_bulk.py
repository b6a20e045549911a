"""Many SCIM operations in one message (RFC 7644 3.7): each is done for itself, as if it had come alone, and its outcome is told beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from idp.api.scim_shapes import BASE, COLLECTION
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc7644_scim import BULK_OPERATIONS_MAX, BULK_RESPONSE, read_bulk

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.model.people import AccountKind
    from standards.rfc7644_scim import BulkOperation

_KINDS: Final = {folder: kind for kind, folder in COLLECTION.items()}
_SUCCESS_BELOW: Final = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation. ``etag``, ``account_id``: of the resource, empty where there is none; ``error``: the message of a refusal."""

    status: int
    etag: str = ""
    account_id: str = ""
    error: dict[str, Any] | None = None


def run_bulk(
    body: Any,
    work: Callable[[AccountKind, str, BulkOperation], Outcome],
    told: Callable[[TrustError], Outcome],
    base_url: str,
) -> dict[str, Any]:
    """The BulkResponse. ``work``: does one operation on an account (its id, empty for POST) of a kind; ``told``: how a refusal is written.

    Operations are done in their order, but for those that refer to a bulkId: they wait for what that makes (3.7.1). What refers to an operation
    that failed, to nothing, or in a circle is refused (409). SCIM_SYNTAX_INVALID, SCIM_BULK_TOO_LARGE: nothing is done.
    """
    operations, stop = read_bulk(body)
    if len(operations) > BULK_OPERATIONS_MAX:
        raise TrustError(Kind.TOO_LARGE, "SCIM_BULK_TOO_LARGE", limit=BULK_OPERATIONS_MAX)
    needs = [operation.needs for operation in operations]  # looked for once: there may be as many rounds as operations
    ids: dict[str, str] = {}
    outcomes: dict[int, Outcome] = {}
    errors = 0

    def is_over() -> bool:
        return stop is not None and errors >= stop

    def note(number: int, outcome: Outcome) -> None:
        nonlocal errors
        outcomes[number] = outcome
        errors += outcome.status >= _SUCCESS_BELOW
        if operations[number].method == "POST" and outcome.account_id:
            ids[operations[number].bulk_id] = outcome.account_id

    # 1. Whatever refers to nothing that is still to be made, in rounds: each round makes what the next one refers to
    waiting, is_moving = list(range(len(operations))), True
    while waiting and is_moving and not is_over():
        is_moving, later = False, []
        for number in waiting:
            if is_over():
                break
            operation = operations[number]
            if not needs[number] <= ids.keys():
                later.append(number)
                continue
            is_moving = True
            try:
                resolved = operation.resolved(ids)
                note(number, work(*_target(resolved), resolved))
            except TrustError as error:
                note(number, told(error))
        waiting = later
    # 2. What refers to something that never was
    for number in waiting:
        if is_over():
            break
        note(number, told(TrustError(Kind.CONFLICT, "SCIM_BULK_REFERENCE", bulk_id=min(needs[number] - ids.keys()))))
    done = [_told(operations[number], outcomes[number], ids, base_url) for number in sorted(outcomes)]
    return {"schemas": [BULK_RESPONSE], "Operations": done}


def _target(operation: BulkOperation) -> tuple[AccountKind, str]:
    """Of what kind, and which. SCIM_PATH_INVALID; SCIM_SYNTAX_INVALID where the method does not fit the path."""
    parts = operation.path.split("/")
    if len(parts) not in {2, 3} or parts[0] or parts[1] not in _KINDS or (len(parts) == 3 and not parts[2]):
        raise MalformedError("SCIM_PATH_INVALID")
    account_id = parts[2] if len(parts) == 3 else ""
    if (operation.method == "POST") == bool(account_id):
        raise MalformedError("SCIM_SYNTAX_INVALID", expected="POST to a collection, others to a resource")
    return _KINDS[parts[1]], account_id


def _told(operation: BulkOperation, outcome: Outcome, ids: dict[str, str], base_url: str) -> dict[str, Any]:
    path = operation.resolved(ids).path
    place = path
    if operation.method == "POST":  # to a collection: the resource is the one that was made, if it was
        place = f"{path}/{outcome.account_id}" if outcome.account_id else ""
    return {
        "method": operation.method,
        **({"bulkId": operation.bulk_id} if operation.bulk_id else {}),
        **({"location": f"{base_url}{BASE}{place}"} if place else {}),
        **({"version": outcome.etag} if outcome.etag else {}),
        "status": str(outcome.status),
        **({"response": outcome.error} if outcome.error is not None else {}),
    }
