"""The log of this deployment: one stream of leaves under two trees, SM3 with SM2 and SHA-256 with Ed25519."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import CheckpointSigner
from crypto.signatures import SignatureAlgorithm
from crypto.trusted_logs import KeyPeriod, TrustedLog
from licence_vault.key_rings import read_ring
from licence_vault.log_tables import log as table
from service_kit.log_tree import LogTree
from service_kit.transparency_log import TransparencyLog
from standards import gbt33560_oids as oids
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from licence_vault.key_rings import RingKey
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
_TREES: Final = {SM3_KEY: (SM3_TREE, oids.SM3), SHA256_KEY: (SHA256_TREE, oids.SHA256)}
OVERLAP_SECONDS: Final = 30 * 24 * 3600  # how long a key goes on signing beside its successor


def origin_of(settings: Settings, tree: str) -> str:
    """The name of a tree to the world, ``<logs.origin>/licences/<tree>``. It is signed and must never change."""
    return f"{settings.logs.origin}/{LOG_NAME}/{tree}"


def log_trees(context: ServiceContext) -> tuple[LogTree, ...]:
    """Both trees with their keys. For some time behind a change of key both sign, so that whoever does not know the new one yet can go on."""
    at = context.clock.now()
    return tuple(_tree(context, name, key_ring(context, name, at), at) for name in _TREES)


def trusted_logs(context: ServiceContext) -> tuple[TrustedLog, ...]:
    """Both trees as trust lists have them; with the periods of their keys where there has been more than one."""
    at, overlap, logs = context.clock.now(), timedelta(seconds=OVERLAP_SECONDS), []
    for name in _TREES:
        ring = key_ring(context, name, at)
        periods = tuple(
            KeyPeriod(each.from_at, None if each.next_at is None else each.next_at + overlap, each.withdrawn_at) for each in ring
        )
        logs.append(TrustedLog(_tree(context, name, ring, at).identity, periods=periods if len(ring) > 1 else ()))
    return tuple(logs)


def key_ring(context: ServiceContext, name: str, at: datetime) -> tuple[RingKey, ...]:
    """The keys of a tree in the order of its identity: those that sign at that time, newest first, then former ones, then withdrawn ones."""
    with context.database.read() as conn:
        ring = read_ring(conn, name)
    return tuple(sorted(ring, key=lambda each: (not _signs(each, at), each.withdrawn_at is not None, -each.generation)))


def _tree(context: ServiceContext, name: str, ring: tuple[RingKey, ...], at: datetime) -> LogTree:
    tree, digest_oid = _TREES[name]
    origin = origin_of(context.settings, tree)
    made = [(each, CheckpointSigner(origin, context.keystore.signer(each.key_id))) for each in ring]
    present = frozenset(each.key_id for each in ring if _signs(each, at))
    return LogTree(
        tree,
        origin,
        digest_oid,
        signers=tuple(signer for each, signer in made if _signs(each, at)),
        former_keys=tuple(signer.key for each, signer in made if each.withdrawn_at is None and not _signs(each, at)),
        withdrawn_keys=tuple(signer.key for each, signer in made if each.withdrawn_at is not None),
        demand_keys=partial(_demand_keys, context, name, present),
    )


def _demand_keys(context: ServiceContext, name: str, present: frozenset[str]) -> None:
    """Raise LOG_KEYS_CHANGED where a process that has been running since before a change of keys would sign with one that was withdrawn, or with none of
    those whose time it is: whoever has the trust list of today would believe nothing of it.
    """
    at = context.clock.now()
    with context.database.read() as conn:
        ring = read_ring(conn, name)
    is_withdrawn = any(each.withdrawn_at is not None and each.key_id in present for each in ring)
    if is_withdrawn or not any(_signs(each, at) and each.key_id in present for each in ring):
        raise TrustError(Kind.UNAVAILABLE, "LOG_KEYS_CHANGED", key=name)


def _signs(key: RingKey, at: datetime) -> bool:
    has_begun = key.withdrawn_at is None and (key.from_at is None or key.from_at <= at)
    return has_begun and (key.next_at is None or at < key.next_at + timedelta(seconds=OVERLAP_SECONDS))


def open_licence_log(context: ServiceContext) -> TransparencyLog:
    """The log; nothing of it is running yet. Every call makes a sequencer of its own: one for each process."""
    settings = context.settings
    return TransparencyLog(
        context.database,
        LOG_NAME,
        table,
        settings.dir / FOLDER,
        log_trees(context),
        context.clock,
        anchor_folders=tuple(settings.dir / Path(path) for path in settings.logs.anchor_paths),
        interval_seconds=settings.logs.interval_seconds,
    )
