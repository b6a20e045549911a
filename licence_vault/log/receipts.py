"""Receipts of the SHA-256 tree in the form that tools for COSE understand (RFC 9942), beside the C2SP proofs that every receipt is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.checkpoints import public_key_of, verify_checkpoint
from crypto.cose import write_cose_receipt
from licence_vault.log.instance import SHA256_KEY, SHA256_TREE
from standards.c2sp_signed_note import read_note
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.keystore import Keystore
    from service_kit.transparency_log import TransparencyLog


def cose_receipt(log: TransparencyLog, keystore: Keystore, index: int, key_ids: Sequence[str] = (SHA256_KEY,)) -> bytes:
    """A COSE receipt for an entry. The key signs no root that it has not signed in a checkpoint before. ``key_ids``: all keys of the tree, as the
    keystore names them.

    TrustError LOG_INDEX_UNKNOWN, LOG_CHECKPOINT_NOT_OURS; LOG_ENTRY_PENDING where no checkpoint under a key that is not withdrawn covers it yet.
    """
    tree = log.tree_named(SHA256_TREE)
    receipt = log.receipt_at(index, SHA256_TREE)
    result = verify_checkpoint(receipt.checkpoint, tree.identity)
    if result.verified is not True or result.checkpoint is None:
        raise TrustError(Kind.UNAVAILABLE, "LOG_CHECKPOINT_NOT_OURS", tree=SHA256_TREE)
    head = result.checkpoint
    signed_by = {(each.key_name, each.key_id) for each in read_note(receipt.checkpoint).signatures}
    key = next((each for each in tree.believed.keys if (each.name, each.key_id) in signed_by), None)
    if key is None:
        raise TrustError(Kind.CONFLICT, "LOG_ENTRY_PENDING", retry_after_seconds=1)
    signer = next(found for name in key_ids if public_key_of(found := keystore.signer(name)) == key.public_key)
    return write_cose_receipt(
        receipt, size=head.size, root=head.root, signer=signer, key_id=key.key_id, log=tree.origin, subject="licence event"
    )
