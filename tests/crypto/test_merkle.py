"""Merkle trees against a plain recursive reading of RFC 6962, against known roots, and against forged proofs."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.merkle import GrowingTree, TiledTree, TreeHash, is_consistent, is_included
from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards.errors import TrustError

SHA = TreeHash(oids.SHA256)
SM3 = TreeHash(oids.SM3)
COUNT = 600


def naive_root(h: object, entries: list[bytes]) -> bytes:
    """RFC 6962 2.1, word for word. ``h`` is a plain hash function."""
    assert callable(h)
    if not entries:
        return h(b"")  # type: ignore[no-any-return]
    if len(entries) == 1:
        return h(b"\x00" + entries[0])  # type: ignore[no-any-return]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return h(b"\x01" + naive_root(h, entries[:k]) + naive_root(h, entries[k:]))  # type: ignore[no-any-return]


def naive_path(h: object, m: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962 2.1.1."""
    if len(entries) == 1:
        return []
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m < k:
        return [*naive_path(h, m, entries[:k]), naive_root(h, entries[k:])]
    return [*naive_path(h, m - k, entries[k:]), naive_root(h, entries[:k])]


def naive_proof(h: object, m: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    """RFC 6962 2.1.2."""
    if m == len(entries):
        return [] if whole else [naive_root(h, entries)]
    k = 1
    while k * 2 < len(entries):
        k *= 2
    if m <= k:
        return [*naive_proof(h, m, entries[:k], whole), naive_root(h, entries[k:])]
    return [*naive_proof(h, m - k, entries[k:], False), naive_root(h, entries[:k])]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@cache
def grown(tree_hash: TreeHash) -> tuple[dict[tuple[int, int, int], bytes], list[bytes]]:
    """All tiles and roots of a tree that grew one by one."""
    tiles: dict[tuple[int, int, int], bytes] = {}
    tree = GrowingTree(tree_hash)
    roots = [tree.root()]
    for entry in entries():
        for level, index, tile in tree.append([tree_hash.leaf(entry)]):
            tiles[level, index, 256] = tile
        for level, index, tile in tree.partial_tiles():
            tiles[level, index, len(tile) // 32] = tile
        roots.append(tree.root())
    return tiles, roots


@cache
def _entries() -> tuple[bytes, ...]:
    return tuple(str(i).encode() for i in range(COUNT))


def entries() -> list[bytes]:
    return list(_entries())


def tiled(tree_hash: TreeHash, size: int) -> TiledTree:
    tiles, _ = grown(tree_hash)
    return TiledTree(tree_hash, size, lambda level, index, width: tiles[level, index, width])


# The reference tree of the Certificate Transparency project (merkletree test data): eight leaves and their roots, SHA-256
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.clause("RFC 6962 2.1.3", "RFC 9162 2.1.1")
def test_the_roots_of_the_reference_tree() -> None:
    tree = GrowingTree(SHA)
    for leaf, root in zip(CT_LEAVES, CT_ROOTS, strict=True):
        assert list(tree.append([SHA.leaf(bytes.fromhex(leaf))])) == []
        assert tree.root().hex() == root
    assert SHA.empty().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.clause("RFC 9162 2.1.1")
def test_a_tree_of_three_over_sm3_by_hand() -> None:
    """Written out as hashes of hashes, with the algorithm's own function."""
    a, b, c = (sm3(b"\x00" + entry) for entry in (b"abc", b"", b"x"))
    by_hand = sm3(b"\x01" + sm3(b"\x01" + a + b) + c)
    assert SM3.root([SM3.leaf(b"abc"), SM3.leaf(b""), SM3.leaf(b"x")]) == by_hand
    assert SM3.empty().hex() == "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"  # SM3 of nothing
    assert a.hex() == SM3.leaf(b"abc").hex()


@pytest.mark.parametrize(("tree_hash", "plain"), [(SHA, sha256), (SM3, sm3)], ids=["sha256", "sm3"])
@pytest.mark.clause("RFC 9162 2.1.1", "C2SP tlog-tiles Merkle Tree")
def test_roots_agree_with_the_plain_reading(tree_hash: TreeHash, plain: object) -> None:
    tiles, roots = grown(tree_hash)
    for size in [*range(70), 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, COUNT]:
        expected = naive_root(plain, entries()[:size])
        assert roots[size] == expected
        assert tiled(tree_hash, size).root() == expected
        assert tree_hash.root([tree_hash.leaf(entry) for entry in entries()[:size]]) == expected
        continued = GrowingTree.from_tiles(tree_hash, size, lambda level, index, width: tiles[level, index, width])
        assert continued.root() == expected
        if size < COUNT:
            list(continued.append([tree_hash.leaf(entries()[size])]))
            assert continued.root() == roots[size + 1]


@pytest.mark.parametrize(("tree_hash", "plain"), [(SHA, sha256), (SM3, sm3)], ids=["sha256", "sm3"])
@pytest.mark.clause("RFC 9162 2.1.3.1", "RFC 9162 2.1.3.2")
def test_inclusion_proofs_agree_and_verify(tree_hash: TreeHash, plain: object) -> None:
    _, roots = grown(tree_hash)
    for size in (1, 2, 3, 5, 7, 8, 9, 31, 33, 257, 515):
        for index in range(0, size, max(1, size // 9)):
            proof = tiled(tree_hash, size).inclusion_proof(index)
            assert list(proof) == naive_path(plain, index, entries()[:size])
            leaf = tree_hash.leaf(entries()[index])
            assert leaf == tiled(tree_hash, size).leaf(index)
            assert is_included(tree_hash, leaf=leaf, index=index, size=size, proof=proof, root=roots[size])


@pytest.mark.parametrize(("tree_hash", "plain"), [(SHA, sha256), (SM3, sm3)], ids=["sha256", "sm3"])
@pytest.mark.clause("RFC 9162 2.1.4.1", "RFC 9162 2.1.4.2")
def test_consistency_proofs_agree_and_verify(tree_hash: TreeHash, plain: object) -> None:
    _, roots = grown(tree_hash)
    for size in (1, 2, 3, 4, 6, 7, 8, 9, 64, 65, 257, 515):
        for older in range(0, size + 1, max(1, size // 9)):
            proof = tiled(tree_hash, size).consistency_proof(older)
            assert list(proof) == (naive_proof(plain, older, entries()[:size]) if older else [])
            assert is_consistent(tree_hash, older_size=older, older_root=roots[older], newer_size=size, newer_root=roots[size], proof=proof)


@settings(max_examples=200)
@given(st.data())
@pytest.mark.clause("RFC 9162 2.1.3.2")
def test_forged_inclusion_is_refused(data: st.DataObject) -> None:
    _, roots = grown(SHA)
    size = data.draw(st.integers(1, COUNT))
    index = data.draw(st.integers(0, size - 1))
    proof = list(tiled(SHA, size).inclusion_proof(index))
    leaf = SHA.leaf(entries()[index])

    def holds(**changed: object) -> bool:
        arguments: dict[str, object] = {"leaf": leaf, "index": index, "size": size, "proof": proof, "root": roots[size], **changed}
        return is_included(SHA, **arguments)  # type: ignore[arg-type]

    assert holds()
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index)) if size > 1 else size
    assert not holds(index=other)
    assert not holds(index=-1)
    assert not holds(size=index)
    assert not holds(leaf=SHA.leaf(b"forged"))
    assert not holds(root=roots[size - 1])
    assert not holds(proof=[*proof, b"\x00" * 32])
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not holds(proof=proof[:at] + proof[at + 1 :])
        assert not holds(proof=[*proof[:at], b"\x00" * 32, *proof[at + 1 :]])
        assert not holds(proof=[*proof[:at], proof[at][:31], *proof[at + 1 :]])


@settings(max_examples=200)
@given(st.data())
@pytest.mark.clause("RFC 9162 2.1.4.2")
def test_forged_consistency_is_refused(data: st.DataObject) -> None:
    _, roots = grown(SHA)
    size = data.draw(st.integers(2, COUNT))
    older = data.draw(st.integers(1, size - 1))
    proof = list(tiled(SHA, size).consistency_proof(older))

    def holds(**changed: object) -> bool:
        arguments: dict[str, object] = {
            "older_size": older, "older_root": roots[older], "newer_size": size, "newer_root": roots[size], "proof": proof, **changed,
        }  # fmt: skip
        return is_consistent(SHA, **arguments)  # type: ignore[arg-type]

    assert holds()
    assert not holds(older_root=roots[older - 1])
    assert not holds(newer_root=roots[size - 1])
    assert not holds(older_size=-1)
    assert not holds(older_size=size + 1)
    assert not holds(proof=[])
    assert not holds(proof=[*proof, b"\x00" * 32])
    at = data.draw(st.integers(0, len(proof) - 1))
    assert not holds(proof=[*proof[:at], b"\x00" * 32, *proof[at + 1 :]])
    assert not holds(proof=[*proof[:at], b"", *proof[at + 1 :]])


@pytest.mark.clause("RFC 9162 2.1.4.2")
def test_consistency_at_the_edges() -> None:
    _, roots = grown(SHA)

    def holds(older: int, older_root: bytes, newer: int, newer_root: bytes, proof: list[bytes]) -> bool:
        return is_consistent(SHA, older_size=older, older_root=older_root, newer_size=newer, newer_root=newer_root, proof=proof)

    assert holds(5, roots[5], 5, roots[5], [])
    assert not holds(5, roots[5], 5, roots[6], [])
    assert not holds(5, roots[5], 5, roots[5], [b"x" * 32])
    assert holds(0, roots[0], 5, roots[5], [])
    assert not holds(0, roots[1], 5, roots[5], [])
    assert not holds(0, roots[0], 5, roots[5], [b"x" * 32])
    assert not holds(3, roots[3], 5, roots[5], [])
    assert not holds(4, roots[4], 2**64, roots[5], [b"x" * 32])
    assert not holds(4, roots[4], 3, roots[4], [])  # a root does not stand for fewer leaves than it was made of


@pytest.mark.clause("RFC 6962 2.1")
def test_a_node_is_no_leaf() -> None:
    """Without the prefixes, the two hashes under the root would pass for an entry."""
    left, right = SHA.leaf(b"a"), SHA.leaf(b"b")
    root = SHA.node(left, right)
    assert not is_included(SHA, leaf=SHA.leaf(left + right), index=0, size=1, proof=[], root=root)


def test_a_large_tree_has_tiles_at_three_levels() -> None:
    tree = GrowingTree(SHA)
    tiles = {(level, index): tile for level, index, tile in tree.append(SHA.leaf(b"%d" % i) for i in range(70_000))}
    partial = {(level, index): len(tile) // 32 for level, index, tile in tree.partial_tiles()}
    assert len(tiles) == 274  # 273 full ones of level 0, one of level 1
    assert partial == {(0, 273): 112, (1, 1): 17, (2, 0): 1}
    assert tiles[1, 0][:32] == SHA.root([tiles[0, 0][i : i + 32] for i in range(0, 8192, 32)])


def test_what_is_asked_outside_the_tree() -> None:
    tree = tiled(SHA, 5)
    for index in (-1, 5):
        with pytest.raises(TrustError, match="LOG_INDEX_UNKNOWN"):
            tree.inclusion_proof(index)
    for size in (-1, 6):
        with pytest.raises(TrustError, match="LOG_SIZE_UNKNOWN"):
            tree.consistency_proof(size)


def test_a_tile_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(TrustError, match="LOG_TILE_DAMAGED"):
        TiledTree(SHA, 3, lambda *_: b"x" * 95).root()


def test_other_digests_are_refused() -> None:
    with pytest.raises(TrustError, match="LOG_DIGEST_UNSUPPORTED"):
        TreeHash(oids.SHA1)


def test_a_tree_that_is_kept_gives_the_same_proofs_whatever_it_has_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crypto.merkle.TILES_KEPT", 2)
    kept = tiled(SHA, COUNT)
    for index in [*range(0, COUNT, 61), *range(COUNT - 1, 0, -67)]:
        assert kept.inclusion_proof(index) == tiled(SHA, COUNT).inclusion_proof(index)
    assert kept.root() == grown(SHA)[1][-1]


@pytest.mark.parametrize("tree_hash", [SHA, SM3], ids=["sha256", "sm3"])
def test_a_tree_goes_on_from_an_older_one_as_far_as_they_agree(tree_hash: TreeHash) -> None:
    older = tiled(tree_hash, 1)
    for size in (2, 3, 100, 101, 255, 256, 300, 513, COUNT):
        tiles, roots = grown(tree_hash)
        tree = TiledTree(tree_hash, size, lambda level, index, width: tiles[level, index, width], older=older)  # noqa: B023 - read at once
        for index in {0, size // 2, size - 1}:
            assert tree.inclusion_proof(index) == tiled(tree_hash, size).inclusion_proof(index)
        assert tree.root() == roots[size]
        older = tree
    other = TiledTree(tree_hash, 100, lambda _level, _index, width: bytes(32 * width))
    other.inclusion_proof(0)
    assert TiledTree(tree_hash, 101, tiled(tree_hash, 101)._read_tile, older=other).inclusion_proof(3) == tiled(
        tree_hash, 101
    ).inclusion_proof(3)
