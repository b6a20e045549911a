"""What a batch is opened with, and the key under which it is opened once, however often that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service_kit.idempotency import digest_of_request

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from licence_vault.row_files import RowForm
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext
    from service_kit.idempotency import Claim

ROUTE: Final = "POST /v1/licence-batches"


@dataclass(frozen=True, slots=True)
class BatchFile:
    """What is to be issued: a file of rows for one type and one authority."""

    type_code: str
    issuer_code: str
    forms: tuple[str, ...]
    form: RowForm
    content: bytes


def claim_batch(context: ServiceContext, conn: Connection, caller: Caller, file: BatchFile, key: str, batch_id: str) -> Claim:
    """Claim the request's key in the transaction that begins the batch. IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_FLIGHT."""
    wishes = (file.type_code, file.issuer_code, *file.forms, file.form.value)
    return context.idempotency.claim(
        conn,
        caller=caller.claimant,
        route=ROUTE,
        key=key,
        request_digest=digest_of_request(*(each.encode() for each in wishes), file.content),
        reference=batch_id,
        at=context.clock.now(),
    )
