"""Whether the result of a use is kept here, so that one which has gone is told from one that was never to stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "seal_0018"
down_revision = "seal_0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of finished uses it is known where the result stands in the row, where the use answers an idempotency key, and of batches and
    signatures made elsewhere: those were always kept.
    """
    op.add_column("seal_uses", sa.Column("is_result_kept", sa.Boolean(), nullable=True))
    uses = sa.table("seal_uses", *map(sa.column, ("id", "state", "result_inline", "claim_digest", "is_result_kept")))
    items, orders = (sa.table(name, sa.column("use_id")) for name in ("seal_batch_items", "seal_remote_orders"))
    known = (
        uses.c.result_inline.is_not(None)
        | uses.c.claim_digest.is_not(None)
        | uses.c.id.in_(sa.select(items.c.use_id).where(items.c.use_id.is_not(None)))
        | uses.c.id.in_(sa.select(orders.c.use_id))
    )
    op.execute(uses.update().where(uses.c.state == "done", known).values(is_result_kept=sa.true()))
