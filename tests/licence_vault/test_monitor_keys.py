"""By which keys the monitor goes: all that it is given, or none."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.checkpoints import CheckpointSigner
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from standards.errors import TrustError
from yinxin.commands import monitor_command


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
