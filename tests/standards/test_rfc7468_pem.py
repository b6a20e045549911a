"""PEM, with asn1crypto's reader and writer as the second opinion."""

from __future__ import annotations

import tracemalloc

import pytest
from asn1crypto import pem as oracle
from hypothesis import given
from hypothesis import strategies as st

from standards import rfc7468_pem as pem
from standards.errors import MalformedError

labels = st.sampled_from([pem.PRIVATE_KEY, pem.CERTIFICATE, pem.X509_CRL, pem.PUBLIC_KEY, "X"])


@pytest.mark.clause("RFC 7468 3")
@given(st.lists(st.tuples(labels, st.binary(min_size=1, max_size=300)), max_size=5), st.sampled_from([b"", b"subject=/CN=x\n", b"\r\n"]))
def test_round_trip_with_text_between(blocks: list[tuple[str, bytes]], text: bytes) -> None:
    data = text + text.join(pem.write_pem(label, content) for label, content in blocks) + text
    assert pem.read_pem(data) == blocks
    assert pem.read_pem(data.replace(b"\n", b"\r\n")) == blocks
    assert pem.is_pem(data) == bool(blocks)


@given(labels, st.binary(min_size=1, max_size=300))
def test_oracle(label: str, content: bytes) -> None:
    encoded = pem.write_pem(label, content)
    assert oracle.armor(label, content) == encoded
    assert oracle.unarmor(encoded) == (label, {}, content)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"-----BEGIN A-----\nAAAA\n", "PEM_MALFORMED"),
        (b"-----BEGIN A-----\nAAAA\n-----END B-----\n", "PEM_MALFORMED"),
        (b"-----END A-----\n", "PEM_MALFORMED"),
        (b"-----BEGIN A-----\n-----BEGIN A-----\nAAAA\n-----END A-----\n", "PEM_MALFORMED"),
        (b"-----BEGIN A-----\nAAA\n-----END A-----\n", "PEM_MALFORMED"),
        (b"-----BEGIN A-----\nAA*A\n-----END A-----\n", "PEM_MALFORMED"),
        (b"-----BEGIN A-----\nAAAA\n-----END A----- \t\nAAAA\n-----END A-----\n", "PEM_MALFORMED"),
        (
            b"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n",
            "PEM_LEGACY_ENCRYPTION",
        ),
        (b"-----BEGIN A-----\n-----END A-----\n" * (pem.MAX_BLOCKS + 1), "PEM_TOO_LARGE"),
        (bytes(pem.MAX_PEM_BYTES + 1), "PEM_TOO_LARGE"),
    ],
)
def test_malformed(data: bytes, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        pem.read_pem(data)
    assert caught.value.code == code


def test_text_without_blocks_has_none() -> None:
    assert pem.read_pem(b"nothing here\n----BEGIN A-----\n") == []


def test_boundaries_stand_on_lines_of_their_own() -> None:
    """A boundary inside a line is explanation; line ends of every kind and blanks around are read over."""
    assert pem.read_pem(b"see -----BEGIN A-----\n-----BEGIN A-----x\n -----END A----- x\n") == []
    for end in (b"\n", b"\r\n", b"\r"):
        assert pem.read_pem(end.join((b"text", b" -----BEGIN A-----\t", b" AAAA ", b"", b"AA==", b"-----END A-----"))) == [("A", bytes(4))]


def test_very_many_lines_cost_little_memory() -> None:
    """Kept as objects the lines would take twenty times their own size."""
    data = b"-----BEGIN A-----\n" + b"A\n" * (1 << 20) + b"-----END A-----\n"
    tracemalloc.start()
    try:
        [(_, content)] = pem.read_pem(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert content == bytes(3 << 18)
    assert peak < 4 * len(data)
