"""The log of this deployment: one stream of leaves under two trees, SM3 with SM2 and SHA-256 with Ed25519."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import CheckpointSigner
from crypto.signatures import SignatureAlgorithm
from licence_vault.log_tables import log as table
from service_kit.transparency_log import LogTree, TransparencyLog
from standards import gbt33560_oids as oids

if TYPE_CHECKING:
    from crypto.keystore import Keystore
    from service_kit.composition import ServiceContext
    from service_kit.settings import Settings

LOG_NAME: Final = "licences"
FOLDER: Final = "licences"
SM3_TREE: Final = "sm3"
SHA256_TREE: Final = "sha256"
TREES: Final = (SM3_TREE, SHA256_TREE)
SM3_KEY: Final = "licence-log-sm3"
SHA256_KEY: Final = "licence-log-sha256"
KEYS: Final = {SM3_KEY: SignatureAlgorithm.SM2_SM3, SHA256_KEY: SignatureAlgorithm.ED25519}
"""Keys in the keystore that sign checkpoints."""


def origin_of(settings: Settings, tree: str) -> str:
    """The name of a tree to the world, ``<logs.origin>/licences/<tree>``. It is signed and must never change."""
    return f"{settings.logs.origin}/{LOG_NAME}/{tree}"


def log_trees(settings: Settings, keystore: Keystore) -> tuple[LogTree, ...]:
    """Both trees with their keys."""
    return tuple(
        LogTree(tree, origin, digest_oid, (CheckpointSigner(origin, keystore.signer(key_id)),))
        for tree, origin, digest_oid, key_id in (
            (SM3_TREE, origin_of(settings, SM3_TREE), oids.SM3, SM3_KEY),
            (SHA256_TREE, origin_of(settings, SHA256_TREE), oids.SHA256, SHA256_KEY),
        )
    )


def open_licence_log(context: ServiceContext) -> TransparencyLog:
    """The log; nothing of it is running yet. Every call makes a sequencer of its own: one for each process."""
    settings = context.settings
    return TransparencyLog(
        context.database,
        LOG_NAME,
        table,
        settings.dir / FOLDER,
        log_trees(settings, context.keystore),
        context.clock,
        anchor_folders=tuple(settings.dir / Path(path) for path in settings.logs.anchor_paths),
        interval_seconds=settings.logs.interval_seconds,
    )
