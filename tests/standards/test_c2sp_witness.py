"""Cosignatures and the witness protocol of C2SP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standards.c2sp_signed_note import NoteSignature, write_base64
from standards.c2sp_tlog_cosignature import cosigned_message, read_cosignature, write_cosignature
from standards.c2sp_tlog_witness import (
    ANSWER_BYTES,
    REQUEST_BYTES,
    AddCheckpoint,
    read_add_checkpoint,
    read_signature_lines,
    read_size,
    write_add_checkpoint,
    write_signature_lines,
    write_size,
)
from standards.errors import MalformedError

BODY = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
HASH = write_base64(b"\x01" * 32)


@pytest.mark.clause("C2SP tlog-cosignature Ed25519 signed message")
def test_the_message_is_that_of_the_specification() -> None:
    assert cosigned_message(BODY, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + BODY.encode()
    for wrong in (-1, 2**63):
        with pytest.raises(ValueError, match=str(wrong)):
            cosigned_message(BODY, wrong)


@pytest.mark.clause("C2SP tlog-cosignature Format")
def test_a_cosignature_carries_its_time() -> None:
    signature = bytes(range(64))
    assert read_cosignature(write_cosignature(1679315147, signature)) == (1679315147, signature)
    for wrong in (b"", signature, b"\xff" * 72, bytes(73)):
        with pytest.raises(MalformedError, match="COSIGNATURE_FORM"):
            read_cosignature(wrong)


@pytest.mark.clause("C2SP tlog-witness add-checkpoint")
@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=300))
def test_a_request_is_read_as_written(old: int, proof: list[bytes], checkpoint: bytes) -> None:
    request = AddCheckpoint(old, tuple(proof), checkpoint)
    assert read_add_checkpoint(write_add_checkpoint(request)) == request


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 1\n",
        b"old 01\n\nx",
        b"old -1\n\nx",
        b"size 1\n\nx",
        "old 1\u00e9\n\nx".encode(),
        b"old 1\n" + b"AAAA\n" + b"\nx",
        b"old 1\nnot base64\n\nx",
        b"old 1\n" + (HASH.encode() + b"\n") * 64 + b"\nx",
        b"old 1\n\n" + bytes(REQUEST_BYTES),
    ],
)
def test_a_request_of_another_form_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match="WITNESS_REQUEST_FORM"):
        read_add_checkpoint(body)


@pytest.mark.clause("C2SP tlog-witness add-checkpoint")
def test_the_size_of_a_conflict_is_read_as_written() -> None:
    assert read_size(write_size(20852014)) == 20852014
    for wrong in (b"", b"1", b"01\n", b"x\n", b"1\n\n"):
        with pytest.raises(MalformedError, match="WITNESS_ANSWER_FORM"):
            read_size(wrong)


@pytest.mark.clause("C2SP tlog-witness add-checkpoint")
def test_signature_lines_are_read_as_written() -> None:
    signatures = (NoteSignature("witness.example/w1", b"abcd", bytes(72)), NoteSignature("印.example", b"efgh", bytes(72)))
    assert read_signature_lines(write_signature_lines(signatures)) == signatures


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"\xff\n",
        b"w AAAA\n",
        "— w QUJDREU=".encode(),
        "— w QUJDRA==\n".encode(),
        "— w !!\n".encode(),
        "— w QUJDREU=\n".encode() * 17,
        "— w ".encode() + b"A" * ANSWER_BYTES + b"\n",
    ],
)
def test_answers_of_another_form_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedError, match="WITNESS_ANSWER_FORM"):
        read_signature_lines(body)
