"""Which rows of the seal service name blobs."""

from __future__ import annotations

from typing import Final

from seal_service.model import UseState
from seal_service.tables import batch_items, papers, remote_orders, uses
from service_kit.named_blobs import BlobPlace

BLOB_PLACES: Final = (
    BlobPlace(papers.c.digest, (papers.c.id,)),
    BlobPlace(remote_orders.c.document_digest, (remote_orders.c.use_id,)),
    BlobPlace(batch_items.c.document_digest, (batch_items.c.batch_id, batch_items.c.number)),
    BlobPlace(
        uses.c.result_digest,
        (uses.c.id,),
        (uses.c.state == UseState.DONE.value) & uses.c.result_inline.is_(None) & uses.c.is_result_kept.is_(True),
    ),
)
