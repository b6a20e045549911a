"""Cosignatures: who has seen a checkpoint, and what must not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.checkpoints import CheckpointSigner, LogIdentity, sign_checkpoint, verify_checkpoint
from crypto.cosignatures import Cosigner, WitnessKey, verify_cosignatures
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from standards import gbt33560_oids as oids
from standards.c2sp_signed_note import Note, NoteSignature, read_note, write_note
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.c2sp_tlog_cosignature import read_cosignature
from standards.errors import MalformedError, TrustError

AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
LOG = CheckpointSigner("log.example/x", software_signer(Ed25519PrivateKey.generate(), "e"))
IDENTITY = LogIdentity("log.example/x", oids.SHA256, (LOG.key,))
NOTE = sign_checkpoint(Checkpoint("log.example/x", 2, bytes(32), ("tree other 00",)), [LOG])
FIRST = Cosigner("witness.example/audit-office", software_signer(Ed25519PrivateKey.generate(), "a"))
SECOND = Cosigner("witness.example/archive", software_signer(SM2PrivateKey.generate(), "b"))


def with_lines(*signatures: NoteSignature) -> bytes:
    read = read_note(NOTE)
    return write_note(Note(read.text, (*read.signatures, *signatures)))


TEXT = read_note(NOTE).text


def test_each_witness_counts_once_with_its_time() -> None:
    note = with_lines(FIRST.cosign(TEXT, AT), FIRST.cosign(TEXT, AT - timedelta(hours=1)), SECOND.cosign(TEXT, AT))
    result = verify_cosignatures(note, [FIRST.key, SECOND.key], AT, quorum=2)
    assert result.witnessed is True
    assert result.cosigned_at == {FIRST.key.name: int(AT.timestamp()), SECOND.key.name: int(AT.timestamp())}
    assert verify_cosignatures(note, [FIRST.key], AT, quorum=2).witnessed is None  # the other is unknown and passed over
    assert verify_checkpoint(note, IDENTITY).verified is True  # and the log's own signature is as before


@pytest.mark.clause("C2SP tlog-cosignature Ed25519 signed message")
def test_an_ed25519_cosignature_is_one_for_everybody_else_too() -> None:
    at_seconds, signature = read_cosignature(FIRST.cosign(TEXT, AT).signature)
    message = f"cosignature/v1\ntime {at_seconds}\n{TEXT}".encode()
    Ed25519PublicKey.from_public_bytes(FIRST.key.public_key).verify(signature, message)


def test_attack_a_line_under_another_name_is_none_of_the_witness() -> None:
    """An id is four bytes, which somebody else can hit; the name says whose the line is, and to him it is left."""
    good = FIRST.cosign(TEXT, AT)
    for line in (replace(good, key_name="witness.example/other"), replace(good, key_id=bytes(4))):
        assert verify_cosignatures(with_lines(line), [FIRST.key], AT).witnessed is None


def test_what_is_missing_is_not_checked_and_what_is_wrong_is_false() -> None:
    good = FIRST.cosign(TEXT, AT)
    assert verify_cosignatures(NOTE, [FIRST.key], AT).witnessed is None
    for value in (bytes(72), good.signature[:-1], (1).to_bytes(8, "big") + good.signature[8:]):  # nothing, too short, another time
        assert verify_cosignatures(with_lines(replace(good, signature=value)), [FIRST.key], AT).witnessed is False
    assert verify_cosignatures(with_lines(good), [FIRST.key], AT - timedelta(hours=1)).witnessed is False  # of the future
    other = FIRST.cosign(TEXT.replace("2", "3", 1), AT)
    assert verify_cosignatures(with_lines(other), [FIRST.key], AT).witnessed is False
    assert verify_cosignatures(b"no note", [FIRST.key], AT).witnessed is False


@pytest.mark.clause("C2SP tlog-cosignature Format")
@pytest.mark.parametrize("cosigner", [FIRST, SECOND])
def test_a_witness_key_is_read_as_handed_out(cosigner: Cosigner) -> None:
    assert WitnessKey.from_text(cosigner.key.to_text()) == cosigner.key
    renamed = cosigner.key.to_text().replace("witness.example", "witness.elsewhere")
    for wrong in (renamed, LOG.key.to_text()):  # an id of another name; a log's key
        with pytest.raises(MalformedError, match="NOTE_VERIFIER_KEY"):
            WitnessKey.from_text(wrong)


def test_a_log_key_is_no_witness_key() -> None:
    """The same key pair in both roles: neither signature passes for the other."""
    key = Ed25519PrivateKey.generate()
    log, witness = CheckpointSigner("same.example", software_signer(key, "k")), Cosigner("same.example", software_signer(key, "k"))
    assert log.key.key_id != witness.key.key_id
    as_witness = replace(log.sign(TEXT), key_id=witness.key.key_id)
    assert verify_cosignatures(with_lines(as_witness), [witness.key], AT).witnessed is False


def test_a_key_of_another_kind_cannot_cosign() -> None:
    with pytest.raises(TrustError, match="LOG_KEY_UNSUPPORTED"):
        Cosigner("witness.example", software_signer(ec.generate_private_key(ec.SECP256R1()), "p"))


def test_attack_one_key_under_two_names_is_one_witness() -> None:
    twin = Cosigner("witness.example/somebody-else", FIRST._signer)
    note = with_lines(FIRST.cosign(TEXT, AT), twin.cosign(TEXT, AT))
    assert verify_cosignatures(note, [FIRST.key, twin.key], AT, quorum=2).witnessed is None
    (step,) = (each for each in verify_cosignatures(note, [FIRST.key, twin.key], AT, quorum=2).steps if each.outcome.value != "pass")
    assert (step.code, step.facts) == ("LOG_WITNESSES_TOO_FEW", {"found": 1, "expected": 2})
    more = with_lines(FIRST.cosign(TEXT, AT), twin.cosign(TEXT, AT), SECOND.cosign(TEXT, AT))
    assert verify_cosignatures(more, [FIRST.key, twin.key, SECOND.key], AT, quorum=2).witnessed is True


def test_attack_names_and_keys_that_hang_together_are_one_witness() -> None:
    """Three names and three keys, but whoever has the first key is behind all of them."""
    names = ("witness.example", "witness.example/b", "witness.example/c")
    others = [software_signer(Ed25519PrivateKey.generate(), f"k{number}") for number in range(2)]
    shared = [Cosigner(name, FIRST._signer) for name in names]
    own = [Cosigner(names[0], signer) for signer in others]
    keys = [each.key for each in (*shared, *own)]
    note = with_lines(*(each.cosign(TEXT, AT) for each in (*shared, *own)))
    assert verify_cosignatures(note, keys, AT, quorum=1).witnessed is True
    assert verify_cosignatures(note, keys, AT, quorum=2).witnessed is None
