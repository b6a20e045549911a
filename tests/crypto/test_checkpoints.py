"""Signed checkpoints and receipts: what verifies, what must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto import checkpoints as checkpoints_module
from crypto.checkpoints import CheckpointSigner, LogIdentity, LogVerifierKey, Receipt, sign_checkpoint, verify_checkpoint, verify_receipt
from crypto.merkle import TreeHash
from crypto.report import Verdict, verdict_of
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey, SM2PublicKey
from crypto.trusted_logs import KeyPeriod, TrustedLog, check_receipt
from standards import gbt33560_oids as oids
from standards.c2sp_signed_note import TYPE_ED25519, TYPE_SM2, Note, NoteSignature, read_note, write_note, write_verifier_key
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.errors import MalformedError, TrustError
from standards.gbt32918_sm2 import write_signature

ORIGIN = "log.example/x"
ED = Ed25519PrivateKey.generate()
SM2 = SM2PrivateKey.generate()
SIGNERS = {"ed25519": CheckpointSigner(ORIGIN, software_signer(ED, "e")), "sm2": CheckpointSigner(ORIGIN, software_signer(SM2, "s"))}
TREE = TreeHash(oids.SM3)
LEAVES = [TREE.leaf(b"a"), TREE.leaf(b"b")]
CHECKPOINT = Checkpoint(ORIGIN, 2, TREE.root(LEAVES), ("tree other 00",))


def identity(*names: str) -> LogIdentity:
    return LogIdentity(ORIGIN, oids.SM3, tuple(SIGNERS[name].key for name in names))


def codes(result: object) -> list[tuple[str, str]]:
    return [(step.code, str(step.outcome)) for step in result.steps]  # type: ignore[attr-defined]


@pytest.mark.parametrize("names", [("ed25519",), ("sm2",), ("sm2", "ed25519")])
def test_what_is_signed_verifies(names: tuple[str, ...]) -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNERS[name] for name in names])
    result = verify_checkpoint(note, identity(*names))
    assert (result.verified, result.checkpoint) == (True, CHECKPOINT)
    assert codes(result) == [("LOG_CHECKPOINT_SIGNED", "pass")] * len(names)
    one = verify_checkpoint(note, identity(names[0]))  # signatures of keys one does not know are passed over
    assert one.verified is True


@pytest.mark.clause("C2SP signed-note Ed25519 signatures")
def test_an_ed25519_signature_is_one_for_everybody_else_too() -> None:
    note = read_note(sign_checkpoint(CHECKPOINT, [SIGNERS["ed25519"]]))
    Ed25519PublicKey.from_public_bytes(SIGNERS["ed25519"].key.public_key).verify(note.signatures[0].signature, note.text.encode())


def test_an_sm2_signature_is_r_and_s_over_the_text() -> None:
    note = read_note(sign_checkpoint(CHECKPOINT, [SIGNERS["sm2"]]))
    value = note.signatures[0].signature
    assert len(value) == 64
    der = write_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
    assert SM2PublicKey.from_point(SM2.public_key.point).verify(der, note.text.encode())


@pytest.mark.parametrize("name", ["ed25519", "sm2"])
@pytest.mark.clause("C2SP signed-note Signatures")
def test_every_change_is_noticed(name: str) -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNERS[name]])
    read = read_note(note)
    for text in (read.text.replace("\n2\n", "\n3\n"), read.text.replace("tree other", "tree third"), read.text + "more\n"):
        result = verify_checkpoint(write_note(replace(read, text=text)), identity(name))
        assert result.verified is False
        assert ("LOG_CHECKPOINT_SIGNATURE_BAD", "fail") in codes(result)
    signature = read.signatures[0]
    for value in (b"", signature.signature[:-1], signature.signature + b"\0", bytes(64), b"\xff" * 64, b"x"):
        if value:
            broken = write_note(replace(read, signatures=(replace(signature, signature=value),)))
            assert verify_checkpoint(broken, identity(name)).verified is False


@pytest.mark.clause("C2SP signed-note Signatures")
def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    read = read_note(sign_checkpoint(CHECKPOINT, list(SIGNERS.values())))
    first, second = read.signatures
    note = write_note(replace(read, signatures=(replace(first, signature=bytes(64)), second)))
    assert verify_checkpoint(note, identity("ed25519", "sm2")).verified is False


@pytest.mark.clause("C2SP signed-note Signatures")
def test_a_note_of_unknown_keys_is_not_known_rather_than_good() -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNERS["ed25519"]])
    result = verify_checkpoint(note, identity("sm2"))
    assert result.verified is None
    assert codes(result) == [("LOG_CHECKPOINT_KEY_UNKNOWN", "not-checked")]
    stranger = CheckpointSigner("stranger", software_signer(ED, "e"))  # the same key under another name
    assert verify_checkpoint(sign_checkpoint(CHECKPOINT, [stranger]), identity("ed25519")).verified is None


def test_a_forged_key_id_helps_nobody() -> None:
    text = read_note(sign_checkpoint(CHECKPOINT, [SIGNERS["ed25519"]])).text
    attacker = Ed25519PrivateKey.generate()
    forged = NoteSignature(ORIGIN, SIGNERS["ed25519"].key.key_id, attacker.sign(text.encode()))
    assert verify_checkpoint(write_note(Note(text, (forged,))), identity("ed25519")).verified is False


def test_the_checkpoint_of_another_log_is_refused() -> None:
    signer = SIGNERS["ed25519"]
    note = sign_checkpoint(replace(CHECKPOINT, origin="log.example/y"), [signer])
    result = verify_checkpoint(note, identity("ed25519"))
    assert result.verified is False
    assert ("LOG_ORIGIN_OTHER", "fail") in codes(result)


@pytest.mark.parametrize("note", [b"", b"x", b"\xff", b"x\n\n\xe2\x80\x94 a AAAAAAE=\n"])
def test_what_is_no_checkpoint_never_raises(note: bytes) -> None:
    result = verify_checkpoint(note, identity("sm2"))
    assert (result.verified, result.checkpoint) == (False, None)
    assert verify_receipt(Receipt(b"a", 0, (), note), identity("sm2")).verified is False


def test_verifier_keys_are_handed_out_as_text() -> None:
    for signer in SIGNERS.values():
        assert LogVerifierKey.from_text(signer.key.to_text()) == signer.key
    go = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert LogVerifierKey.from_text(go).signature_type == TYPE_ED25519


@pytest.mark.parametrize(
    "text",
    [
        "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",  # the id is another's
        write_verifier_key("a", b"1234", b"\x02", b"x" * 32),
        LogVerifierKey("a", b"\x02", b"x" * 32).to_text(),
        LogVerifierKey("a", TYPE_SM2, b"x" * 64).to_text(),
        LogVerifierKey("a", TYPE_ED25519, b"x" * 33).to_text(),
    ],
)
def test_verifier_keys_that_do_not_hold_together(text: str) -> None:
    with pytest.raises(MalformedError, match="NOTE_VERIFIER_KEY"):
        LogVerifierKey.from_text(text)


def test_a_key_off_the_curve_verifies_nothing() -> None:
    assert LogVerifierKey("a", TYPE_SM2, b"\x04" + b"x" * 64).verifies(b"1" * 64, b"text") is False
    assert LogVerifierKey("a", TYPE_ED25519, b"x" * 31).verifies(b"1" * 64, b"text") is False


def test_other_keys_sign_no_checkpoint() -> None:
    with pytest.raises(TrustError, match="LOG_KEY_UNSUPPORTED"):
        CheckpointSigner("a", software_signer(ec.generate_private_key(ec.SECP256R1()), "p256"))
    with pytest.raises(MalformedError, match="NOTE_KEY_NAME"):
        CheckpointSigner("a b", software_signer(ED, "e"))


def test_a_receipt_stands_on_its_own() -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNERS["sm2"]])
    receipt = Receipt(b"a", 0, (LEAVES[1],), note)
    assert verify_receipt(receipt, identity("sm2")).verified is True
    assert Receipt.from_text(b"a", receipt.to_text()) == receipt
    for forged in (
        replace(receipt, entry=b"c"),
        replace(receipt, index=1),
        replace(receipt, index=2),
        replace(receipt, proof=()),
        replace(receipt, proof=(LEAVES[0],)),
        replace(receipt, checkpoint=sign_checkpoint(replace(CHECKPOINT, root=b"x" * 32), [SIGNERS["sm2"]])),
    ):
        result = verify_receipt(forged, identity("sm2"))
        assert result.verified is False
        assert ("LOG_ENTRY_NOT_INCLUDED", "fail") in codes(result)
    unknown = verify_receipt(receipt, identity("ed25519"))
    assert unknown.verified is None
    assert ("LOG_ENTRY_INCLUDED", "pass") in codes(unknown)


def test_a_receipt_under_a_withdrawn_key_counts_only_where_others_show_it_to_be_older() -> None:
    since = datetime(2026, 11, 1, tzinfo=UTC)
    log = TrustedLog(identity("sm2", "ed25519"), periods=(KeyPeriod(withdrawn_at=since), KeyPeriod()))
    stranger = CheckpointSigner(ORIGIN, software_signer(Ed25519PrivateKey.generate(), "o"))

    def check(signers: list[CheckpointSigner], shown_at: datetime | None) -> tuple[Verdict, str]:
        steps = check_receipt(Receipt(b"a", 0, (LEAVES[1],), sign_checkpoint(CHECKPOINT, signers)), log, shown_at)
        return verdict_of(steps), steps[-1].code

    before = since - timedelta(seconds=1)
    for shown_at, expected in (
        (before, (Verdict.VALID, "LOG_KEY_WITHDRAWN_LATER")),
        (since, (Verdict.INDETERMINATE, "LOG_KEY_WITHDRAWN")),
        (since + timedelta(seconds=1), (Verdict.INDETERMINATE, "LOG_KEY_WITHDRAWN")),
        (None, (Verdict.INDETERMINATE, "LOG_KEY_WITHDRAWN")),
    ):
        assert check([SIGNERS["sm2"]], shown_at) == expected
        assert check([SIGNERS["sm2"], SIGNERS["ed25519"]], shown_at)[0] is Verdict.VALID
        assert check([stranger], shown_at)[0] is Verdict.INDETERMINATE


@pytest.mark.parametrize("name", ["ed25519", "sm2"])
def test_what_was_right_once_says_nothing_of_another_text_signature_or_key(name: str) -> None:
    note = sign_checkpoint(CHECKPOINT, [SIGNERS[name]])
    read = read_note(note)
    key, value, text = SIGNERS[name].key, read.signatures[0].signature, read.text.encode()
    other = CheckpointSigner(
        ORIGIN, software_signer(Ed25519PrivateKey.generate() if name == "ed25519" else SM2PrivateKey.generate(), "o")
    ).key
    for _ in range(2):
        assert key.verifies(value, text)
        assert not key.verifies(value, text + b"more\n")
        assert not key.verifies(value[:-1] + bytes((value[-1] ^ 1,)), text)
        assert not key.verifies(value + b"\0", text)
        assert not other.verifies(value, text)
        assert verify_checkpoint(note, LogIdentity(ORIGIN, oids.SM3, (other,))).verified is None  # a key that is not named any more


def test_a_library_that_failed_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_note(sign_checkpoint(replace(CHECKPOINT, extensions=("tree failing 00",)), [SIGNERS["sm2"]]))
    key, value, text = SIGNERS["sm2"].key, read.signatures[0].signature, read.text.encode()
    with monkeypatch.context() as failing:
        failing.setattr(SM2PublicKey, "verify", lambda *_: False)
        assert not key.verifies(value, text)
    assert key.verifies(value, text)


def test_long_texts_are_not_remembered() -> None:
    signer = SIGNERS["sm2"]
    text = "x" * 10_000 + "\n"
    before = checkpoints_module._check_signature.cache_info().currsize
    assert signer.key.verifies(signer.sign(text).signature, text.encode())
    assert checkpoints_module._check_signature.cache_info().currsize == before
