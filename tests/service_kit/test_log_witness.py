"""Witnesses: what they cosign, what they refuse, what they remember, and how a log asks them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.checkpoints import sign_checkpoint, verify_receipt
from crypto.cosignatures import Cosigner, verify_cosignatures
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from service_kit.bounded_calls import Answer
from service_kit.log_witness import EVIDENCE, Witness
from service_kit.log_witnessing import ConfiguredWitness, WitnessDesk, read_witnesses
from service_kit.migrations import migrate_kit
from standards.c2sp_signed_note import Note, read_note, write_note
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.c2sp_tlog_witness import AddCheckpoint, write_add_checkpoint, write_signature_lines, write_size
from standards.errors import Kind, TrustError
from tests.clocks import FixedClock
from tests.prepared_tables import prepare_tables
from tests.service_kit.log_setting import AT, add, codes, trees

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service_kit.audit import Audit
    from service_kit.database import Database
    from service_kit.transparency_log import TransparencyLog

ED = Cosigner("witness.example/ed", software_signer(Ed25519PrivateKey.generate(), "e"))
SM2 = Cosigner("witness.example/sm2", software_signer(SM2PrivateKey.generate(), "s"))
CLOCK = FixedClock(AT)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database is enough: a witness has none, and the log's own tests run on both."""
    return prepare_tables(tmp_path / "test.sqlite3", migrate_kit)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", [tree.identity for tree in trees()], [ED, SM2], CLOCK)


@pytest.fixture
def log(database: Database, audit: Audit, make_log: Callable[..., TransparencyLog]) -> TransparencyLog:
    made = make_log()
    add(database, audit, 3)
    made.run_once()
    return made


def request(log: TransparencyLog, old: int, tree: str = "sha256", *, note: bytes | None = None, size: int | None = None) -> bytes:
    head = log.head()
    proof = log.consistency_proof(old, head.size if size is None else size, tree) if old else ()
    return write_add_checkpoint(AddCheckpoint(old, proof, note or head.checkpoints[tree]))


def refusal(witness: Witness, body: bytes) -> tuple[str, Kind]:
    with pytest.raises(TrustError) as caught:
        witness.add_checkpoint(body)
    return caught.value.code, caught.value.kind


@pytest.mark.clause("C2SP tlog-witness add-checkpoint")
@pytest.mark.parametrize("tree", ["sm3", "sha256"])
def test_what_extends_the_known_is_cosigned_and_remembered(
    log: TransparencyLog, witness: Witness, database: Database, audit: Audit, tmp_path: Path, tree: str
) -> None:
    first = log.head()
    lines = witness.add_checkpoint(request(log, 0, tree))
    note = read_note(first.checkpoints[tree])
    cosigned = write_note(Note(note.text, (*note.signatures, *lines)))
    assert verify_cosignatures(cosigned, [ED.key, SM2.key], AT, quorum=2).witnessed is True
    add(database, audit, 300)
    log.run_once()
    assert refusal(witness, request(log, 0, tree)) == ("WITNESS_SIZE_OTHER", Kind.CONFLICT)
    again = Witness(tmp_path / "witness", [each.identity for each in trees()], [ED], CLOCK)  # killed and started again
    origin = log.tree_named(tree).origin
    assert again.latest(origin) == first.checkpoints[tree]
    assert len(again.add_checkpoint(request(log, first.size, tree))) == 1
    assert len(again.add_checkpoint(request(log, log.head().size, tree))) == 1  # the same once more: another cosignature, nothing else
    assert again.latest(origin) == log.head().checkpoints[tree]


@pytest.mark.clause("C2SP tlog-witness add-checkpoint")
def test_rollback_fork_and_strangers_are_refused(
    log: TransparencyLog, witness: Witness, database: Database, audit: Audit, tmp_path: Path
) -> None:
    tree = log.tree_named("sha256")
    older = log.head()
    add(database, audit, 2)
    log.run_once()
    assert witness.latest(tree.origin) is None
    witness.add_checkpoint(request(log, 0))
    newest = log.head()
    # an older checkpoint, rightly signed: rolled back
    assert refusal(witness, write_add_checkpoint(AddCheckpoint(older.size, (), older.checkpoints["sha256"])))[0] == "WITNESS_SIZE_OTHER"
    assert refusal(witness, write_add_checkpoint(AddCheckpoint(newest.size, (), older.checkpoints["sha256"])))[0] == "WITNESS_SIZE_BEHIND"
    # another root for the same size, rightly signed: both are kept
    fork = sign_checkpoint(Checkpoint(tree.origin, newest.size, bytes(32)), tree.signers)
    assert refusal(witness, write_add_checkpoint(AddCheckpoint(newest.size, (), fork))) == ("WITNESS_FORK", Kind.CONFLICT)
    assert refusal(witness, write_add_checkpoint(AddCheckpoint(0, (), fork)))[0] == "WITNESS_SIZE_OTHER"  # as the protocol has it
    evidence = list((tmp_path / "witness" / EVIDENCE).iterdir())
    assert len(evidence) == 1
    assert fork in evidence[0].read_bytes()
    # a larger tree that does not extend the known one
    longer = sign_checkpoint(Checkpoint(tree.origin, newest.size + 1, bytes(32)), tree.signers)
    for proof in ((), (bytes(32),)):
        body = write_add_checkpoint(AddCheckpoint(newest.size, proof, longer))
        assert refusal(witness, body) == ("WITNESS_PROOF_BAD", Kind.UNACCEPTABLE)
    # somebody else's signature, somebody else's log, no checkpoint at all
    stranger = sign_checkpoint(Checkpoint(tree.origin, newest.size, bytes(32)), trees()[0].signers)
    assert refusal(witness, write_add_checkpoint(AddCheckpoint(newest.size, (), stranger))) == ("WITNESS_SIGNATURE_BAD", Kind.FORBIDDEN)
    elsewhere = sign_checkpoint(Checkpoint("other.example", 1, bytes(32)), tree.signers)
    assert refusal(witness, write_add_checkpoint(AddCheckpoint(0, (), elsewhere))) == ("WITNESS_LOG_UNKNOWN", Kind.NOT_FOUND)
    assert refusal(witness, b"old 0\n\nno note") == ("WITNESS_REQUEST_FORM", Kind.MALFORMED)
    with pytest.raises(TrustError, match="WITNESS_LOG_UNKNOWN"):
        witness.latest("other.example")
    assert witness.latest(tree.origin) == newest.checkpoints["sha256"]  # nothing of all this has moved it


def test_of_two_first_histories_only_one_is_cosigned(log: TransparencyLog, witness: Witness) -> None:
    """Equivocation: sixteen requests at once with two first checkpoints; the witness stays with one of them."""
    tree = log.tree_named("sha256")
    other = sign_checkpoint(Checkpoint(tree.origin, log.head().size, bytes(32)), tree.signers)
    bodies = [request(log, 0), write_add_checkpoint(AddCheckpoint(0, (), other))]
    cosigned: list[int] = []

    def ask(which: int) -> None:
        try:
            witness.add_checkpoint(bodies[which])
            cosigned.append(which)
        except TrustError:
            pass

    racers = [threading.Thread(target=ask, args=(number % 2,)) for number in range(16)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(cosigned) == 1  # the next has another old size than 0 to name


def test_a_first_checkpoint_with_a_proof_is_refused(log: TransparencyLog, witness: Witness) -> None:
    body = write_add_checkpoint(AddCheckpoint(0, (bytes(32),), log.head().checkpoints["sha256"]))
    assert refusal(witness, body)[0] == "WITNESS_PROOF_BAD"


class Posted:
    """A witness behind HTTP, without the HTTP; ``spoil`` changes its answers."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.calls = 0
        self.spoil: Answer | None = None

    def __call__(self, url: str, body: bytes, _answer_bytes: int) -> Answer:
        assert url == "https://witness.example/add-checkpoint"
        self.calls += 1
        if self.spoil is not None:
            return self.spoil
        try:
            return Answer(200, {}, write_signature_lines(self.witness.add_checkpoint(body)))
        except TrustError as error:
            return Answer(409 if error.kind is Kind.CONFLICT else 422, {}, write_size(int(error.facts.get("size") or 0)))


def configured(tree: str, cosigner: Cosigner) -> ConfiguredWitness:
    return ConfiguredWitness("audit", tree, "https://witness.example", cosigner.key)


def test_the_log_shows_its_checkpoints_and_keeps_the_cosignatures(
    log: TransparencyLog, witness: Witness, database: Database, audit: Audit
) -> None:
    posted = Posted(witness)
    wanted = [configured("sha256", ED), configured("sha256", SM2), configured("sm3", SM2)]
    desk = WitnessDesk(log, wanted, posted, CLOCK)
    assert desk.run() == 3
    assert desk.run() == 0  # all is cosigned already
    add(database, audit, 5)
    log.run_once()
    calls = posted.calls
    assert WitnessDesk(log, wanted, posted, CLOCK).run() == 3  # another process, which finds out by itself how far each witness is
    assert posted.calls == calls + 4  # the second key of the same witness was a step behind what its file said
    for tree in log.trees:
        note = log.files.cosigned(tree.name)
        assert note is not None
        keys = [ED.key, SM2.key] if tree.name == "sha256" else [SM2.key]
        assert verify_cosignatures(note, keys, AT, quorum=len(keys)).witnessed is True
        assert read_note(note).text == read_note(log.head().checkpoints[tree.name]).text
    # receipts carry the cosigned checkpoint where it covers the entry, the newest otherwise
    ids = add(database, audit)
    log.run_once()
    with_witness, without = log.receipt_at(0, "sha256"), log.receipt(ids[0], "sha256")
    assert verify_receipt(with_witness, log.tree_named("sha256").identity).verified is True
    assert verify_cosignatures(with_witness.checkpoint, [ED.key], AT).witnessed is True
    assert verify_cosignatures(without.checkpoint, [ED.key], AT).witnessed is None


def test_a_witness_that_fails_is_noted_and_holds_nothing_up(log: TransparencyLog, witness: Witness) -> None:
    posted = Posted(witness)
    desk = WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK)
    text = read_note(log.head().checkpoints["sha256"]).text
    for answer, code in (
        (Answer(403, {}, b""), "WITNESS_REFUSED"),
        (Answer(409, {}, b"99\n"), "WITNESS_AHEAD"),
        (Answer(409, {}, b"0\n"), "WITNESS_REFUSED"),
        (Answer(409, {}, b"2\n"), "WITNESS_REFUSED"),
        (Answer(409, {}, b"nonsense"), "WITNESS_ANSWER_FORM"),
        (Answer(200, {}, b""), "WITNESS_ANSWER_FORM"),
        (Answer(200, {}, write_signature_lines([SM2.cosign("x\n", AT)])), "WITNESS_COSIGNATURE_BAD"),
        (Answer(200, {}, write_signature_lines([ED.cosign("x\n", AT)])), "WITNESS_COSIGNATURE_BAD"),
        (Answer(200, {}, write_signature_lines([ED.cosign(text, AT + timedelta(hours=1))])), "WITNESS_COSIGNATURE_BAD"),
    ):
        posted.spoil = answer
        assert (desk.run(), desk.run()) == (0, 0)
        assert desk.errors == {configured("sha256", ED): code}
        assert log.files.cosigned("sha256") is None
    posted.spoil = None
    assert desk.run() == 1
    assert desk.errors == {}


def test_a_refusal_says_whether_it_is_over_the_history(log: TransparencyLog) -> None:
    """By its status; a witness that others have shown more meanwhile, twice, has no quarrel with what is shown."""
    for bodies, facts in (((b"1\n", b"1\n"), {"status": 409}), ((b"1\n", b"2\n"), {"told": 2})):
        answers = iter(bodies)
        desk = WitnessDesk(log, [configured("sha256", ED)], lambda *_, answers=answers: Answer(409, {}, next(answers)), CLOCK)
        [(_, error)] = desk.look()
        assert error is not None
        assert (error.code, error.facts) == ("WITNESS_REFUSED", facts)


def test_of_two_trees_at_one_witness_the_one_that_fails_is_told_once(
    log: TransparencyLog, witness: Witness, database: Database, audit: Audit, caplog: pytest.LogCaptureFixture
) -> None:
    """Under one name, as witnesses have it: what came of one tree said that all was well again, and the other was told anew every five seconds."""
    failing, well = configured("sm3", ED), configured("sha256", ED)
    posted = Posted(witness)

    def post(url: str, body: bytes, limit: int) -> Answer:
        return Answer(403, {}, b"") if b"\nlog.example/audit/sm3\n" in body else posted(url, body, limit)

    desk = WitnessDesk(log, [failing, well], post, CLOCK)
    for came in (1, 1, 1):
        assert (desk.run(), desk.errors) == (came, {failing: "WITNESS_REFUSED"})
        add(database, audit, 1)
        log.run_once()
    assert [each.facts["tree"] for each in caplog.records if each.message == "witness failed"] == ["sm3"]  # type: ignore[attr-defined]


def test_a_process_asks_each_witness_once_though_all_is_cosigned(log: TransparencyLog, witness: Witness) -> None:
    """After an old backup was put back, its own files hold together: only the witness knows of a later checkpoint."""
    posted = Posted(witness)
    assert WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK).run() == 1
    desk = WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK)
    posted.spoil = Answer(409, {}, b"99\n")
    assert (desk.run(), desk.errors) == (0, {configured("sha256", ED): "WITNESS_AHEAD"})
    posted.spoil = None
    assert (desk.run(), desk.errors) == (1, {})
    calls = posted.calls
    assert (desk.run(), posted.calls) == (0, calls), "and not again"


def test_a_witness_that_another_process_has_shown_more_is_not_ahead(
    log: TransparencyLog, witness: Witness, database: Database, audit: Audit
) -> None:
    posted = Posted(witness)
    desk = WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK)
    before = log.head()
    add(database, audit, 5)
    log.run_once()
    assert WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK).run() == 1
    kept = log.files.cosigned("sha256")
    now = log.head()
    for run in (desk.run, desk.look):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log, "head", Mock(side_effect=[before, before, now]))
            found = run()
        assert found in (0, ((configured("sha256", ED), None),))
        assert (desk.errors, log.files.cosigned("sha256")) == ({}, kept)


def test_a_witness_whose_clock_is_ahead_is_not_looked_for_under_a_wrong_key(log: TransparencyLog, witness: Witness) -> None:
    text, posted = read_note(log.head().checkpoints["sha256"]).text, Posted(witness)
    desk = WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK)
    for signature, facts in (
        (ED.cosign(text, AT + timedelta(days=1)), {"ahead_seconds": 86_400}),
        (ED.cosign("x\n", AT), {}),
    ):
        posted.spoil = Answer(200, {}, write_signature_lines([signature]))
        [(_, error)] = desk.look()
        assert error is not None
        assert (error.code, error.facts) == ("WITNESS_COSIGNATURE_BAD", facts)


def test_a_witness_is_asked_also_where_what_was_kept_cannot_be_read(log: TransparencyLog, witness: Witness) -> None:
    posted = Posted(witness)
    other = write_note(Note("no checkpoint\n", read_note(log.head().checkpoints["sha256"]).signatures))
    for damaged in (b"damaged", other):
        log.files.publish_cosigned("sha256", damaged)
        assert WitnessDesk(log, [configured("sha256", ED), configured("sm3", ED)], posted, CLOCK).run() == 2
        note = log.files.cosigned("sha256")
        assert note is not None
        assert verify_cosignatures(note, [ED.key], AT).witnessed is True


def test_a_cosigned_checkpoint_of_another_history_is_found_and_never_handed_out(
    log: TransparencyLog, database: Database, audit: Audit
) -> None:
    tree = log.tree_named("sha256")
    size = log.head().size
    for note, code in (
        (b"damaged", "LOG_CHECKPOINT_NOT_OURS"),
        (sign_checkpoint(Checkpoint(tree.origin, size + 7, bytes(32)), tree.signers), "LOG_ROLLED_BACK"),
        (sign_checkpoint(Checkpoint(tree.origin, size - 1, bytes(32)), tree.signers), "LOG_FORKED"),
    ):
        log.files.publish_cosigned("sha256", note)
        assert codes(log) == {code}
    log.files.publish_cosigned("sha256", b"damaged")
    assert log.receipt_at(0, "sha256").checkpoint == log.head().checkpoints["sha256"]
    log.files.publish_cosigned("sha256", log.head().checkpoints["sha256"])
    add(database, audit, 300)
    log.run_once()
    assert codes(log) == set()
    for path in (log.files.folder / "sha256" / "tile" / "0").rglob("4"):
        path.unlink()
    (log.files.folder / "sha256" / "tile" / "0" / "000").write_bytes(b"short")
    assert "LOG_FORKED" in codes(log)


def test_a_slower_process_does_not_put_an_older_checkpoint_back(
    log: TransparencyLog, witness: Witness, database: Database, audit: Audit
) -> None:
    posted = Posted(witness)
    slow = WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK)
    old = log.head().checkpoints["sha256"]
    signature = witness.add_checkpoint(request(log, 0))[0]
    add(database, audit)
    log.run_once()
    assert WitnessDesk(log, [configured("sha256", ED)], posted, CLOCK).run() == 1
    kept = log.files.cosigned("sha256")
    slow._keep(configured("sha256", ED), old, signature)
    assert log.files.cosigned("sha256") == kept


def test_the_setting_names_log_tree_address_and_key() -> None:
    entry = f"licences/sha256 https://witness.example/ {ED.key.to_text()}"
    assert read_witnesses([entry]) == (ConfiguredWitness("licences", "sha256", "https://witness.example", ED.key),)
    wrong: list[Any] = [
        "",
        "licences https://w x",
        entry + " more",
        f"/sha256 https://w {ED.key.to_text()}",
        "licences/sha256 https://w a+b+c",
    ]
    for each in wrong:
        with pytest.raises(TrustError, match=r"SETTING_INVALID.*logs\.witnesses"):
            read_witnesses([each])
    assert read_witnesses([]) == ()
