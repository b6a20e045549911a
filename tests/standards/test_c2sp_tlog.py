"""Checkpoints, tiles, bundles and offline proofs of C2SP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.c2sp_tlog_checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from standards.c2sp_tlog_proof import LogProof, read_proof, write_proof
from standards.c2sp_tlog_tiles import bundle_path, leaves_wanted, read_bundle, tile_path, tile_widths, write_bundle
from standards.errors import MalformedError

EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
texts = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=60)


@pytest.mark.clause("C2SP tlog-checkpoint Note text")
def test_the_example_of_the_specification_is_read() -> None:
    read = read_checkpoint(EXAMPLE)
    assert read == Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)
    assert write_checkpoint(read) == EXAMPLE


@pytest.mark.clause("C2SP tlog-checkpoint Note text")
@given(texts, st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.lists(texts, max_size=4))
def test_what_is_written_is_read_again(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert read_checkpoint(write_checkpoint(checkpoint)) == checkpoint


@pytest.mark.clause("C2SP tlog-checkpoint Note text")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        EXAMPLE[:-1],
        EXAMPLE + "\n",
        EXAMPLE + "x\n\ny\n",
        EXAMPLE.replace("example.com/behind-the-sofa", ""),
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("20852163", "+1"),
        EXAMPLE.replace("20852163", "２"),
        EXAMPLE.replace("20852163", "1" * 20),
        EXAMPLE.replace("20852163", str(2**63)),
        EXAMPLE.replace("CsUY", "CsU"),
        EXAMPLE.replace("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", "AAAA"),
        EXAMPLE + "line\n" * 17,
        "x" * 256 + EXAMPLE[27:],
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match="CHECKPOINT_FORM"):
        read_checkpoint(text)


def test_the_largest_size_is_that_of_proofs() -> None:
    assert read_checkpoint(EXAMPLE.replace("20852163", str(2**63 - 1))).size == 2**63 - 1


@pytest.mark.parametrize(
    "checkpoint",
    [Checkpoint("a\nb", 1, ROOT), Checkpoint("a", -1, ROOT), Checkpoint("a", 1, ROOT, ("",)), Checkpoint("a", 1, ROOT, ("b\nc",))],
)
def test_what_is_no_checkpoint_is_not_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(MalformedError, match="CHECKPOINT_FORM"):
        write_checkpoint(checkpoint)


@pytest.mark.clause("C2SP tlog-tiles Merkle Tree")
def test_paths_are_the_specification_s() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0, 17) == "tile/1/000.p/17"
    assert tile_path(63, 999) == "tile/63/999"
    assert bundle_path(1000) == "tile/entries/x001/000"
    assert bundle_path(273, 112) == "tile/entries/273.p/112"


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_paths_that_are_none(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError, match=r"^-?[0-9]+$"):
        tile_path(level, index, width)


@pytest.mark.clause("C2SP tlog-tiles Partial Tiles")
def test_the_widths_of_the_specification_s_examples() -> None:
    assert tile_widths(70_000) == [(273, 112), (1, 17), (0, 1)]
    assert tile_widths(256) == [(1, 0), (0, 1)]
    assert tile_widths(0) == []


@pytest.mark.clause("C2SP tlog-tiles Log entries")
@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles_are_read_as_written(entries: list[bytes]) -> None:
    assert read_bundle(write_bundle(entries)) == entries


@pytest.mark.clause("C2SP tlog-tiles Log entries")
def test_the_form_of_a_bundle() -> None:
    assert write_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert read_bundle(write_bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(MalformedError, match="LOG_ENTRY_TOO_LARGE"):
        write_bundle([b"x" * 65_536])
    for bad in (b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x00" * 257):
        with pytest.raises(MalformedError, match="LOG_BUNDLE_FORM"):
            read_bundle(bad)


@pytest.mark.clause("C2SP tlog-proof Format")
@given(
    st.integers(0, 10**18),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(max_size=90),
    st.binary(max_size=200),
)
def test_proofs_are_read_as_written(index: int, hashes: list[bytes], extra: bytes | None, checkpoint: bytes) -> None:
    proof = LogProof(index, tuple(hashes), checkpoint, extra)
    assert read_proof(write_proof(proof)) == proof


@pytest.mark.clause("C2SP tlog-proof Format")
def test_the_form_of_a_proof() -> None:
    written = write_proof(LogProof(73894, (ROOT,), b"checkpoint", b"\x01"))
    assert written == b"c2sp.org/tlog-proof@v1\nextra AQ==\nindex 73894\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\ncheckpoint"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 500_000,
        b"c2sp.org/tlog-proof@v1\nindex 1",
        b"c2sp.org/tlog-proof@v1\n\nx",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\nx",
        b"c2sp.org/tlog-proof@v1\nextra AQ==\n\nx",
        b"c2sp.org/tlog-proof@v1\nextra AQ=\nindex 1\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\nAQ==\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n*\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex \xc3\xa9\n\nx",
        b"c2sp.org/tlog-proof@v1\nindex 1\n" + b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n" * 64 + b"\nx",
    ],
)
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="LOG_PROOF_FORM"):
        read_proof(data)


@pytest.mark.clause("C2SP tlog-tiles Merkle Tree")
@given(st.integers(0, 3), st.integers(0, 10**7), st.integers(1, 256))
def test_a_path_says_how_large_its_tree_is_at_least(level: int, index: int, width: int) -> None:
    assert leaves_wanted(tile_path(level, index, width)) == (index * 256 + width) * 256**level
    assert leaves_wanted(bundle_path(index, width)) == index * 256 + width
    assert leaves_wanted(f"sm3/{tile_path(level, index, width)}") is None
