"""All that can be checked of what a deployment has on record: for ``yinxin audit check``, and for whoever asks a deployment that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from licence_vault.actions.check_leaves import check_leaves
from licence_vault.log.instance import open_licence_log
from service_kit.log_check import check_audit, check_log
from service_kit.lost_blobs import end_losses
from service_kit.named_blobs import check_blobs
from yinxin import links

if TYPE_CHECKING:
    from service_kit.composition import ServiceContext
    from service_kit.log_check import CheckReport


def check_records(context: ServiceContext, mac_key: bytes, *, actor: str, are_documents_read: bool = False) -> dict[str, CheckReport]:
    """What was found of each: ``trail`` (rows), ``log`` (its tiles, checkpoints, anchors), ``licences`` (the same of the licence log), ``leaves`` (what
    that says), ``documents`` (is each there, and with ``are_documents_read`` also: is it as it was stored). ``mac_key``: of the trail.

    Reads everything and changes nothing, but that it records for ``actor`` which documents that were on record as lost are there again; others may
    write meanwhile. TrustError BLOB_STORE_UNAVAILABLE, DATABASE_UNAVAILABLE.
    """
    is_stored = context.blobs.listed()
    lost = end_losses(context.database, context.audit, is_stored, actor=actor, at=context.clock.now())
    return {
        "trail": check_audit(context.database, mac_key),
        "log": check_log(context.log),
        "licences": check_log(open_licence_log(context)),
        "leaves": check_leaves(context.database),
        "documents": check_blobs(context.database, context.blobs, links.blob_places(), is_stored, lost, are_read=are_documents_read),
    }
