"""The public licence log: receipts in both trees, counts, and every way of cheating with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from crypto.checkpoints import verify_checkpoint, verify_receipt
from licence_vault.actions.check_leaves import check_leaves
from licence_vault.actions.count_log import count_log, find_counts
from licence_vault.log.instance import SHA256_KEY, SHA256_TREE, SM3_TREE, open_licence_log
from licence_vault.log.leaf import read_leaf
from licence_vault.log.receipts import cose_receipt
from licence_vault.log_tables import PREFIX, metadata
from service_kit.log_check import check_log
from service_kit.migrations import differences
from standards.errors import TrustError
from tests.deployments import yinxin
from tests.licence_vault.vault_here import ISSUER, OTHER_ISSUER, TYPE_CODE, VaultHere, leaf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[VaultHere]:
    with VaultHere.made(tmp_path / "d") as made:
        yield made


def codes(vault: VaultHere) -> set[str]:
    return {finding.code for finding in check_log(open_licence_log(vault.context)).findings}


def test_tables_are_as_declared(vault: VaultHere) -> None:
    assert differences(vault.context.database, PREFIX, metadata) == []


def test_every_leaf_has_a_receipt_in_both_trees_and_each_names_the_other(vault: VaultHere) -> None:
    first, second = vault.append(leaf(1), leaf(2, event="issued", previous=0, file_digest=b"f" * 32))
    roots = {}
    for tree in vault.log.trees:
        for entry_id in (first, second):
            receipt = vault.log.receipt(entry_id, tree.name)
            result = verify_receipt(receipt, tree.identity)
            assert result.verified is True
            assert vault.log.receipt_at(receipt.index, tree.name) == receipt
            assert result.checkpoint is not None
            roots[tree.name] = result.checkpoint
    assert read_leaf(vault.log.receipt(second).entry) == leaf(2, event="issued", previous=0, file_digest=b"f" * 32)
    for one, other in ((SM3_TREE, SHA256_TREE), (SHA256_TREE, SM3_TREE)):
        assert roots[one].extensions == (f"tree {roots[other].origin} {roots[other].root.hex()}",)
    with pytest.raises(TrustError, match="LOG_INDEX_UNKNOWN"):
        vault.log.receipt_at(10**6)
    assert codes(vault) == set()


def test_counts_are_those_of_the_leaves(fresh: VaultHere) -> None:
    fresh.append(leaf(1), leaf(2), leaf(3, issuer_code=OTHER_ISSUER), leaf(1, event="issued", previous=0))
    assert count_log(fresh.context, fresh.log) == 4
    fresh.append(leaf(4))
    assert count_log(fresh.context, fresh.log) == count_log(fresh.context, fresh.log) == 5
    size, counts = find_counts(fresh.context, ISSUER)
    assert size == 5
    assert [(each.type_code, each.event, each.entries) for each in counts] == [(TYPE_CODE, "issued", 1), (TYPE_CODE, "made", 3)]
    assert len(find_counts(fresh.context, None)[1]) == 3


def without_triggers(vault: VaultHere, *statements: str) -> None:
    drops = [f"DROP TRIGGER licence_log_{name}" for name in ("keep", "stay", "index_once")]
    vault.context.database.write(lambda connection: [connection.execute(text(each)).rowcount for each in (*drops, *statements)])


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM licence_log WHERE log_index = 1", "LOG_ENTRY_MISSING"),
        ("DELETE FROM licence_log WHERE log_index = 2", "LOG_END_MISSING"),
        ("UPDATE licence_log SET entry = (SELECT entry FROM licence_log WHERE log_index = 0) WHERE log_index = 1", "LOG_ENTRY_DIFFERS"),
    ],
)
def test_a_dropped_or_exchanged_entry_is_found(fresh: VaultHere, statement: str, found: str) -> None:
    fresh.append(leaf(1), leaf(2), leaf(3))
    without_triggers(fresh, statement)
    assert found in codes(fresh)


def test_entries_are_append_only(vault: VaultHere) -> None:
    vault.append(leaf(9))
    for statement in ("DELETE FROM licence_log", "UPDATE licence_log SET issuer_code = 'X'", "UPDATE licence_log SET log_index = 7"):
        with pytest.raises(Exception, match="append-only"):
            vault.context.database.write(lambda connection, statement=statement: connection.execute(text(statement)).rowcount)  # type: ignore[misc]


def test_a_database_from_an_old_backup_stops_the_log(tmp_path: Path) -> None:
    with VaultHere.made(tmp_path / "d") as vault:
        vault.append(leaf(1), leaf(2))
    shutil.copytree(tmp_path / "d", tmp_path / "backup")
    with VaultHere.reopened(tmp_path / "d") as vault:
        vault.clock.advance(60)  # the lease of the process before is over
        vault.append(leaf(3))
    for path in (tmp_path / "d").glob("yinxin.sqlite3*"):
        path.unlink()
    for path in (tmp_path / "backup").glob("yinxin.sqlite3*"):
        shutil.copy(path, tmp_path / "d" / path.name)
    with VaultHere.reopened(tmp_path / "d") as vault:
        with pytest.raises(TrustError, match="LOG_ROLLED_BACK"):
            vault.log.open()
        assert "LOG_ROLLED_BACK" in codes(vault)


def test_a_log_begun_anew_under_the_same_keys_is_a_fork(fresh: VaultHere, tmp_path: Path) -> None:
    fresh.append(leaf(1), leaf(2))
    published = {tree.name: fresh.log.files.published(tree.name)[0] for tree in fresh.log.trees}
    shutil.rmtree(fresh.context.settings.dir / "licences")
    without_triggers(
        fresh, "DELETE FROM licence_log", "DELETE FROM kit_log_head WHERE log = 'licences'"
    )  # and everything is made again, otherwise
    other = replace(fresh, log=open_licence_log(fresh.context))
    other.append(leaf(7), leaf(8))
    for name, note in published.items():  # the public copy comes back: an anchor, a mirror, a witness
        fresh.log.files.publish(name, note)
    with pytest.raises(TrustError, match="LOG_FORKED"):
        open_licence_log(fresh.context).open()
    assert "LOG_FORKED" in codes(fresh)
    for tree in fresh.log.trees:  # both are signed by the log itself: that is the proof against its operator
        assert verify_checkpoint(published[tree.name], tree.identity).verified is True


def test_scitt_takes_receipts_of_this_very_log(vault: VaultHere) -> None:
    """The inclusion proofs of the SHA-256 tree, as COSE receipts under the log's Ed25519 key, judged by another implementation."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    from tests.optional import need

    try:
        from scitt_cose import verify_receipt as judge
    except ImportError:
        need("scitt-cose", present=False, reason="pip install scitt-cose")
    entry_id = vault.append(leaf(21), leaf(22), leaf(23))[1]
    receipt = vault.log.receipt(entry_id, SHA256_TREE)
    tree = vault.log.tree_named(SHA256_TREE)
    signer = vault.context.keystore.signer(SHA256_KEY)
    written = cose_receipt(vault.log, vault.context.keystore, receipt.index)
    public_pem = load_der_public_key(signer.public_spki_der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    judged = judge(written, leaf_entry_hex=receipt.entry.hex(), log_public_key_pem=public_pem)
    assert (judged.ok, judged.leaf_index, judged.tree_size, judged.issuer) == (True, receipt.index, vault.log.head().size, tree.origin), (
        judged.errors
    )


def test_what_the_log_says_is_checked_row_by_row(fresh: VaultHere) -> None:
    fresh.append(leaf(1), leaf(2), leaf(3))
    count_log(fresh.context, fresh.log)
    assert check_leaves(fresh.context.database).findings == []
    without_triggers(
        fresh,
        "UPDATE licence_log SET entry = X'78' WHERE log_index = 0",
        f"UPDATE licence_log SET issuer_code = '{OTHER_ISSUER}' WHERE log_index = 1",
    )
    found = {finding.code for finding in check_leaves(fresh.context.database).findings}
    assert found == {"LICENCE_LEAF_UNREADABLE", "LICENCE_LEAF_COLUMNS_DIFFER", "LICENCE_COUNTS_DIFFER"}
    told = yinxin("audit", "check", "--dir", str(fresh.context.settings.dir), "--json", check=False)
    assert told.returncode == 1
    assert {each["where"] for each in json.loads(told.stdout)["findings"]} == {"licences", "leaves"}


def test_attack_a_leaf_below_all_others_is_looked_at(fresh: VaultHere) -> None:
    fresh.append(leaf(1))
    count_log(fresh.context, fresh.log)
    without_triggers(
        fresh,
        "INSERT INTO licence_log (position, entry_id, entry, event, type_code, issuer_code)"
        " SELECT -5, 'x', X'78', event, type_code, issuer_code FROM licence_log WHERE log_index = 0",
    )
    assert [each.code for each in check_leaves(fresh.context.database).findings] == ["LICENCE_LEAF_UNREADABLE"]
