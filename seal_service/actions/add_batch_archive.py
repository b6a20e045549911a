"""Documents for a batch, many at once in a ZIP archive: all of them are added or none, and nothing of the archive is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.actions.seal_batch import Named, add_named, check_document, check_open
from seal_service.errors import batch_archive_unacceptable, batch_full
from seal_service.limits import BATCH_DOCUMENTS_MAX, DOCUMENT_BYTES
from service_kit.idempotency import digest_of_request
from standards.errors import MalformedError, TrustError
from standards.gbt33190_ofd.container import Container

if TYPE_CHECKING:
    from seal_service.actions.record_use import User
    from seal_service.batch import BatchItem
    from service_kit.composition import ServiceContext


def add_archive(
    context: ServiceContext, user: User, seal_id: str, batch_id: str, archive: bytes, *, idempotency_key: str | None = None
) -> list[BatchItem]:
    """Every file of the archive, in its order; the names in it are those of the report.

    Raises TrustError BATCH_NOT_FOUND, BATCH_STATE_CONFLICT, BATCH_FULL, BATCH_TOO_LARGE, BATCH_ARCHIVE_UNACCEPTABLE, BATCH_DOCUMENT_UNACCEPTABLE, IDEMPOTENCY_*.
    """
    # 1. Whose batch is it? Asked first, so that nobody else's archive is even opened.
    check_open(context, user, seal_id, batch_id, idempotency_key)

    # 2. An archive in which every reader of the world finds the same files, no more of them than a batch may have.
    container = _opened(archive)
    if len(container.members) > BATCH_DOCUMENTS_MAX:
        raise batch_full(BATCH_DOCUMENTS_MAX)

    # 3. The documents, one after the other: their content is durable before any of them is on record.
    named = []
    for name in container.members:
        document = _unpacked(container, name)
        check_document(name, document)
        named.append(Named(name, context.blobs.put(document), len(document)))

    # 4. All of them, or none.
    return add_named(context, user, seal_id, batch_id, named, request_digest=digest_of_request(archive), idempotency_key=idempotency_key)


def _opened(archive: bytes) -> Container:
    try:
        container = Container(archive)
    except MalformedError as error:
        raise batch_archive_unacceptable(str(error.facts.get("reason", error.code))) from None
    if container.irregularities:
        first = container.irregularities[0]
        raise batch_archive_unacceptable(first.reason, first.path)
    if not container.members:
        raise batch_archive_unacceptable("empty")
    return container


def _unpacked(container: Container, name: str) -> bytes:
    try:
        return container.read(name, DOCUMENT_BYTES)
    except TrustError as error:
        raise batch_archive_unacceptable(str(error.facts.get("reason", error.code)), name) from None
