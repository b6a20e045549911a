"""By which keys the monitor goes: all that it is given, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.checkpoints import CheckpointSigner, sign_checkpoint, verify_checkpoint
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from licence_vault.log.monitor import Observed
from service_kit.log_follower import follow
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.errors import TrustError
from tests.licence_vault.test_monitor import Shown, fresh, one_round
from tests.licence_vault.vault_here import ISSUER, leaf
from yinxin.commands import monitor_command

if TYPE_CHECKING:
    from tests.licence_vault.vault_here import VaultHere

__all__ = ["fresh"]  # a fixture


def test_no_key_of_a_tree_is_dropped_in_silence() -> None:
    """Two trees of one name, or two kinds of key for one tree: one would not be looked at. Keys of before stand beside those of now."""
    ed, ed_later, elsewhere = (
        CheckpointSigner(f"{place}/sha256", software_signer(Ed25519PrivateKey.generate(), "k")).key.to_text()
        for place in ("log.example/licences", "log.example/licences", "other.example/licences")
    )
    gm = CheckpointSigner("log.example/licences/sha256", software_signer(SM2PrivateKey.generate(), "k")).key.to_text()
    for other in (elsewhere, gm):
        with pytest.raises(TrustError, match="MONITOR_KEYS_DIFFER"):
            monitor_command._trees([ed, other])
    [(name, tree)] = monitor_command._trees([ed, ed_later, ed]).items()
    assert (name, tree.origin, [key.to_text() for key in tree.keys]) == ("sha256", "log.example/licences/sha256", [ed, ed_later])


def test_attack_a_tree_that_is_given_no_key_is_not_passed_over_in_silence(fresh: VaultHere) -> None:
    """A licence whose proof is in that tree alone is valid for whoever trusts it, and the department would hear that nothing differs."""
    shown, observed = Shown(fresh), Observed(ISSUER)
    one = {"sha256": fresh.log.tree_named("sha256").identity}
    found = follow(shown, one, {}, observed.take)
    assert [(each.code, each.facts) for each in found.noticed] == [("FOLLOWED_TREE_LEFT_OUT", {"tree": fresh.log.tree_named("sm3").origin})]
    assert (found.seen, observed.events) == ({}, {})
    # the same where the other had not come as far, and its key is left away: what lies in between would be handed on in no round
    shown.changed = {"sm3/checkpoint": shown("sm3/checkpoint")}
    fresh.append(leaf(4))
    before = one_round(fresh, shown)[0].seen
    tree = fresh.log.tree_named("sha256")
    head = verify_checkpoint(fresh.log.head().checkpoints["sha256"], tree.identity).checkpoint
    assert head is not None
    silent = {"sha256/checkpoint": sign_checkpoint(Checkpoint(tree.origin, head.size, head.root), tree.signers)}
    for changed, named in ((None, fresh.log.tree_named("sm3").origin), (silent, "sm3")):
        shown.changed = {} if changed is None else {**changed}
        found = follow(shown, one, before, observed.take)
        assert [(each.code, each.facts) for each in found.noticed] == [("FOLLOWED_TREE_LEFT_OUT", {"tree": named})]
