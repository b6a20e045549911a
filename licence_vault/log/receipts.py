"""Receipts of the SHA-256 tree in the form that tools for COSE understand (RFC 9942), beside the C2SP proofs that every receipt is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.checkpoints import verify_checkpoint
from crypto.cose import write_cose_receipt
from licence_vault.log.instance import SHA256_KEY, SHA256_TREE
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from crypto.keystore import Keystore
    from service_kit.transparency_log import TransparencyLog


def cose_receipt(log: TransparencyLog, keystore: Keystore, index: int) -> bytes:
    """A COSE receipt for an entry. The key signs no root that it has not signed in a checkpoint before.

    TrustError LOG_INDEX_UNKNOWN, LOG_CHECKPOINT_NOT_OURS.
    """
    tree = log.tree_named(SHA256_TREE)
    receipt = log.receipt_at(index, SHA256_TREE)
    result = verify_checkpoint(receipt.checkpoint, tree.identity)
    if result.verified is not True or result.checkpoint is None:
        raise TrustError(Kind.UNAVAILABLE, "LOG_CHECKPOINT_NOT_OURS", tree=SHA256_TREE)
    head = result.checkpoint
    key_id = tree.identity.keys[0].key_id
    signer = keystore.signer(SHA256_KEY)
    return write_cose_receipt(
        receipt, size=head.size, root=head.root, signer=signer, key_id=key_id, log=tree.origin, subject="licence event"
    )
