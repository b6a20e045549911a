"""The monitor of a department: entries that are not its own, missing ones, rollback, fork, and two faces shown to two clients."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from crypto.checkpoints import sign_checkpoint, verify_checkpoint
from licence_vault.actions.count_log import count_log, find_counts
from licence_vault.log.entries import append_leaf
from licence_vault.log.instance import open_licence_log
from licence_vault.log.monitor import Observed, read_books
from service_kit import bounded_calls
from service_kit.log_follower import Followed, SeenTree, compare_with_witness, follow
from service_kit.name_lookups import AT_ONCE_OF_HOST
from standards.c2sp_tlog_checkpoint import Checkpoint
from standards.errors import Kind, MalformedError, TrustError
from tests.deployments import yinxin
from tests.licence_vault.vault_here import ISSUER, OTHER_ISSUER, VaultHere, leaf
from tests.optional import PROJECT
from tests.service_kit.receivers import receiver
from yinxin.commands import monitor_command
from yinxin.commands.monitor_meanings import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[VaultHere]:
    with VaultHere.made(tmp_path / "d") as made:
        made.append(leaf(1), leaf(2), leaf(3, issuer_code=OTHER_ISSUER))
        yield made


class Shown:
    """What the log shows to one client: its files, the proofs and the counts, without HTTP."""

    def __init__(self, vault: VaultHere) -> None:
        self.vault = vault
        self.changed: dict[str, bytes | None] = {}

    def __call__(self, path: str) -> bytes | None:
        if path in self.changed:
            return self.changed[path]
        if path.startswith("log/counts"):
            count_log(self.vault.context, self.vault.log)
            size, counts = find_counts(self.vault.context, ISSUER)
            listed = [{"type": each.type_code, "event": each.event, "entries": each.entries} for each in counts]
            return json.dumps({"size": size, "counts": listed}).encode()
        if path.startswith("log/consistency"):
            asked = dict(part.split("=") for part in path.partition("?")[2].split("&"))
            try:
                proof = self.vault.log.consistency_proof(int(asked["older"]), int(asked["newer"]), asked["tree"])
            except TrustError:
                return None
            return json.dumps({"proof": [each.hex() for each in proof]}).encode()
        found = self.vault.log.files.public_file(path)
        return None if found is None else found.read_bytes()


def identities(vault: VaultHere) -> dict[str, Any]:
    return {tree.name: tree.identity for tree in vault.log.trees}


def one_round(
    vault: VaultHere, shown: Callable[[str], bytes | None], before: dict[str, SeenTree] | None = None
) -> tuple[Followed, Observed]:
    observed = Observed(ISSUER)
    return follow(shown, identities(vault), before or {}, observed.take), observed


def codes(followed: Followed) -> set[str]:
    return {each.code for each in followed.noticed}


def test_every_round_continues_where_the_last_ended(fresh: VaultHere) -> None:
    shown = Shown(fresh)
    first, observed = one_round(fresh, shown)
    assert (first.noticed, first.size, sum(observed.events.values())) == ([], 3, 2)
    kept = {name: SeenTree.from_json(json.loads(json.dumps(seen.to_json()))) for name, seen in first.seen.items()}
    assert kept == first.seen
    fresh.append(*(leaf(number) for number in range(10, 310)))
    second, observed = one_round(fresh, shown, kept)
    assert (second.noticed, second.size, sum(observed.events.values())) == ([], 303, 300)
    third, observed = one_round(fresh, shown, second.seen)
    assert (third.noticed, third.size, sum(observed.events.values())) == ([], 303, 0)


def test_a_log_without_entries_has_no_checkpoint_and_may_not_lose_one(fresh: VaultHere) -> None:
    shown = Shown(fresh)
    seen = one_round(fresh, shown)[0].seen
    shown.changed = {f"{name}/checkpoint": None for name in identities(fresh)}
    nothing, _ = one_round(fresh, shown)
    assert (nothing.noticed, nothing.size, nothing.seen) == ([], 0, {})
    assert codes(one_round(fresh, shown, seen)[0]) == {"FOLLOWED_CHECKPOINT_BAD"}


def test_nothing_is_passed_over_where_one_tree_is_behind_the_other(fresh: VaultHere) -> None:
    """The checkpoints of the two trees are replaced one after the other: a reader may come in between."""
    shown = Shown(fresh)
    behind = shown("sm3/checkpoint")
    fresh.append(leaf(4), leaf(5))
    shown.changed = {"sm3/checkpoint": behind, "sm3/tile/entries/000.p/3": None}
    first, observed = one_round(fresh, shown)
    assert (first.noticed, first.size, sum(observed.events.values())) == ([], 3, 2)
    shown.changed = {}
    second, observed = one_round(fresh, shown, first.seen)
    assert (second.noticed, second.size, sum(observed.events.values())) == ([], 5, 2)


@pytest.mark.parametrize("name", ["sm3", "sha256"])
def test_attack_entries_that_only_one_tree_has_are_noticed(fresh: VaultHere, name: str) -> None:
    """A proof from one tree is enough for a licence, and what not all trees have is not read: a tree may not be held back while another grows."""
    shown = Shown(fresh)
    held_back = {f"{name}/checkpoint": shown(f"{name}/checkpoint")}
    fresh.append(leaf(4))
    shown.changed = held_back
    first, _ = one_round(fresh, shown)
    assert (first.noticed, first.size) == ([], 3), "it may be on its way"
    second, _ = one_round(fresh, shown, first.seen)
    assert [(each.code, each.facts) for each in second.noticed] == [("FOLLOWED_TREE_BEHIND", {"tree": name, "seen": 4, "shown": 3})]
    assert not second.seen
    shown.changed = {}
    assert one_round(fresh, shown, first.seen)[0].noticed == []


def test_a_log_that_shrinks_or_changes_is_noticed(fresh: VaultHere, tmp_path: Path) -> None:
    shown = Shown(fresh)
    old = {name: shown(f"{name}/checkpoint") for name in identities(fresh)}
    fresh.append(leaf(4))
    seen = one_round(fresh, shown)[0].seen
    # rolled back: the older checkpoints again, rightly signed
    shown.changed = {f"{name}/checkpoint": note for name, note in old.items()}
    assert codes(one_round(fresh, shown, seen)[0]) == {"FOLLOWED_ROLLED_BACK"}
    # another root for the same size
    tree = fresh.log.tree_named("sha256")
    shown.changed = {"sha256/checkpoint": sign_checkpoint(Checkpoint(tree.origin, 4, bytes(32)), tree.signers)}
    assert codes(one_round(fresh, shown, seen)[0]) == {"FOLLOWED_FORKED"}
    # shown to a newcomer: the entries do not give it, and the trees do not name each other
    assert codes(one_round(fresh, shown)[0]) == {"FOLLOWED_FORKED", "FOLLOWED_TREES_DIFFER"}
    # a larger tree over another history
    with VaultHere.made(tmp_path / "other") as other:
        shutil.copytree(fresh.context.settings.dir / "keys", tmp_path / "other" / "keys", dirs_exist_ok=True)
        other.append(*(leaf(number) for number in range(50, 60)))
        shown_other = Shown(other)
        assert codes(follow(shown_other, identities(other), seen, lambda *_: None)) == {"FOLLOWED_FORKED"}
    # nothing, or what somebody else signed
    for note in (None, b"no note", old["sm3"]):
        shown.changed = {"sha256/checkpoint": note}
        assert codes(one_round(fresh, shown, seen)[0]) == {"FOLLOWED_CHECKPOINT_BAD"}


def test_entries_that_are_withheld_are_noticed(fresh: VaultHere) -> None:
    shown = Shown(fresh)
    for bundle in (None, b"", b"\x00\x05ab"):
        shown.changed = {"sm3/tile/entries/000.p/3": bundle, "sm3/tile/entries/000": bundle}
        assert codes(one_round(fresh, shown)[0]) == {"FOLLOWED_ENTRIES_MISSING"}


def test_two_faces_shown_to_witness_and_client_are_noticed(fresh: VaultHere) -> None:
    """Equivocation: the witness cosigned one history, the client is shown another; one consistency proof tells."""
    tree = fresh.log.tree_named("sha256")
    shown = Shown(fresh)
    earlier = shown("sha256/checkpoint") or b""
    fresh.append(leaf(4), leaf(5))
    seen = one_round(fresh, shown)[0].seen["sha256"]

    def prove(older: int, newer: int) -> tuple[bytes, ...]:
        return fresh.log.consistency_proof(older, newer, "sha256")

    newest = shown("sha256/checkpoint") or b""
    for note in (earlier, newest):
        assert compare_with_witness(note, "sha256", tree.identity, seen, prove) is None
    for size in (3, 5, 9):  # smaller than, as large as, and larger than what the client has seen
        other = sign_checkpoint(Checkpoint(tree.origin, size, bytes(32)), tree.signers)
        found = compare_with_witness(other, "sha256", tree.identity, seen, prove)
        assert found is not None
        assert found.code == "FOLLOWED_SPLIT_VIEW"
    hidden = compare_with_witness(newest, "sha256", tree.identity, None, prove)  # here no entry is shown at all
    assert hidden is not None
    assert hidden.code == "FOLLOWED_SPLIT_VIEW"
    found = compare_with_witness(b"no note", "sha256", tree.identity, seen, prove)
    assert found is not None
    assert found.code == "MONITOR_WITNESS_BAD"


def test_books_are_read_strictly() -> None:
    line = f"made {'ab' * 32}"
    assert read_books(["# our own", "", line, line + "  # twice"])[line] == 2
    for wrong in ("made", f"unheard_of {'ab' * 32}", f"made {'AB' * 32}"):
        with pytest.raises(MalformedError, match="MONITOR_BOOKS_FORM"):
            read_books([wrong])


@pytest.fixture
def run(fresh: VaultHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """The command, over what the log shows; a witness is one more log that shows checkpoints."""
    shown = Shown(fresh)
    views: dict[str, Any] = {"https://log.example/licences": shown}
    monkeypatch.setattr(monitor_command, "_fetcher", lambda base: views[base])

    def command(*further: str, changed: dict[str, bytes | None] | None = None, witness: Any = None) -> tuple[int, Any]:
        shown.changed = changed or {}
        views["https://witness.example"] = witness
        keys = [part for tree in fresh.log.trees for part in ("--key", tree.identity.keys[0].to_text())]
        done = yinxin(
            *("monitor", "https://log.example/licences", *keys, "--issuer", ISSUER, "--state", str(tmp_path / "state"), "--json", *further),
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    return command


def commitments(vault: VaultHere, *numbers: int) -> str:
    return "".join(f"made {leaf(number).commitment.hex()}\n" for number in numbers)


class Silent:
    """A witness, or a log, that answers nothing of use."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer

    def __call__(self, path: str) -> bytes | None:
        if self.answer is None:
            raise TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE", reason="ConnectError")
        return self.answer


def test_a_dead_witness_is_told_apart_from_the_log(tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    status, told = run("--witness", "https://witness.example", witness=Silent(None))
    assert (status, {each["code"] for each in told["findings"]}) == (1, {"MONITOR_WITNESS_SILENT"})
    assert (tmp_path / "state").exists()  # what the log showed holds


def test_what_a_witness_shows_that_the_log_did_not_sign_is_not_laid_at_its_door(
    tmp_path: Path, run: Callable[..., tuple[int, Any]]
) -> None:
    status, told = run("--witness", "https://witness.example", witness=Silent(b"nonsense"))
    assert (status, {each["code"] for each in told["findings"]}) == (1, {"MONITOR_WITNESS_BAD"})
    assert (tmp_path / "state").exists()  # what the log showed holds


@pytest.mark.parametrize(
    "answer",
    [b"[]", b"1", b"{", b'{"size": 3, "counts": [1]}', b'{"size": 3, "counts": {"a": 1}}', b'{"size": 3, "size": 3, "counts": {}}'],
)
def test_answers_of_another_shape_are_no_answers(answer: bytes, run: Callable[..., tuple[int, Any]]) -> None:
    status, told = run(changed={f"log/counts?issuer={ISSUER}": answer})
    assert (status, told["error"]["code"]) == (69, "MONITOR_UNREACHABLE")


def test_books_that_cannot_be_read_are_not_the_logs_fault(tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    (tmp_path / "books").write_bytes(b"\xff")
    for books in ("books", "none"):
        status, told = run("--books", str(tmp_path / books))
        assert (status, told["error"]["code"]) == (64, "FILE_UNREADABLE")


def test_a_log_that_is_away_is_accused_of_nothing(fresh: VaultHere) -> None:
    tree = fresh.log.tree_named("sha256")
    note = fresh.log.head().checkpoints["sha256"]
    fresh.append(leaf(9))
    head = verify_checkpoint(fresh.log.head().checkpoints["sha256"], tree.identity).checkpoint
    assert head is not None

    def away(_older: int, _newer: int) -> tuple[bytes, ...]:
        raise TrustError(Kind.UNAVAILABLE, "MONITOR_UNREACHABLE")

    with pytest.raises(TrustError, match="MONITOR_UNREACHABLE"):
        compare_with_witness(note, "sha256", tree.identity, SeenTree(head.size, head.root, {}), away)


def test_the_command_says_what_the_books_and_the_log_have_not_in_common(
    fresh: VaultHere, tmp_path: Path, run: Callable[..., tuple[int, Any]]
) -> None:
    books = tmp_path / "books"
    books.write_text(commitments(fresh, 1, 2))
    assert run("--books", str(books)) == (0, {"ok": True, "first": True, "size": 3, "own_events": 2, "findings": []})
    assert run("--books", str(books)) == (0, {"ok": True, "first": False, "size": 3, "own_events": 2, "findings": []})
    fresh.append(leaf(66))  # somebody issues in the department's name
    status, told = run("--books", str(books))
    assert (status, [each["code"] for each in told["findings"]]) == (1, ["MONITOR_ENTRY_NOT_OURS"])
    assert told["findings"][0]["facts"]["commitment"] == leaf(66).commitment.hex()
    books.write_text(commitments(fresh, 1, 2, 66, 67))  # ordered, but never logged
    assert [each["code"] for each in run("--books", str(books))[1]["findings"]] == ["MONITOR_ENTRY_MISSING"]
    # counts that do not fit the entries; a witness that was shown another history, and one that was shown the same
    counts = json.dumps({"size": 4, "counts": [{"type": "x", "event": "made", "entries": 3}]}).encode()
    status, told = run(changed={f"log/counts?issuer={ISSUER}": counts})
    assert {each["code"] for each in told["findings"]} == {"MONITOR_COUNTS_DIFFER"}
    tree = fresh.log.tree_named("sha256")
    lie = sign_checkpoint(Checkpoint(tree.origin, 2, bytes(32)), tree.signers)
    truth = fresh.log.head().checkpoints["sha256"]
    for note, expected in ((lie, ["FOLLOWED_SPLIT_VIEW"]), (truth, []), (None, ["MONITOR_WITNESS_SILENT"])):
        found = run("--witness", "https://witness.example", witness=lambda path, note=note: note if "sha256" in path else None)
        assert [each["code"] for each in found[1]["findings"]] == expected
    ahead = sign_checkpoint(Checkpoint(tree.origin, 40, bytes(32)), tree.signers)
    found = run("--witness", "https://witness.example", witness=lambda path: ahead if "sha256" in path else None)
    assert [each["code"] for each in found[1]["findings"]] == ["FOLLOWED_SPLIT_VIEW"]


def test_the_command_does_not_build_upon_what_is_wrong(fresh: VaultHere, tmp_path: Path, run: Callable[..., tuple[int, Any]]) -> None:
    assert run()[0] == 0
    state = (tmp_path / "state").read_bytes()
    assert [each["code"] for each in run(changed={"sm3/checkpoint": None})[1]["findings"]] == ["FOLLOWED_CHECKPOINT_BAD"]
    assert (tmp_path / "state").read_bytes() == state
    assert run(changed={f"log/counts?issuer={ISSUER}": b"<html>"})[1]["error"]["code"] == "MONITOR_UNREACHABLE"
    for wrong in (b"{", b"[]", b'{"v":1}', state.replace(ISSUER.encode(), OTHER_ISSUER.encode())):
        (tmp_path / "state").write_bytes(wrong)
        status, told = run()
        assert (status, told["error"]["code"]) == (64, "MONITOR_STATE_BAD")


def test_every_finding_has_its_meaning() -> None:
    told = {
        found
        for source in ("service_kit/log_follower.py", "licence_vault/log/monitor.py", "yinxin/commands/monitor_command.py")
        for found in re.findall(r"\"((?:FOLLOWED|MONITOR)_[A-Z_]+)\"", (PROJECT / source).read_text(encoding="utf-8"))
    }
    # Of the command itself; the last is what all begin with
    refusals = {"MONITOR_BOOKS_FORM", "MONITOR_KEYS_DIFFER", "MONITOR_RUNNING", "MONITOR_STATE_BAD", "MONITOR_UNREACHABLE", "FOLLOWED_"}
    assert told - refusals == set(MEANINGS)


def test_a_leaf_that_is_none_is_counted(fresh: VaultHere) -> None:
    observed = Observed(ISSUER)
    observed.take(0, b"no leaf")
    assert Observed.from_json(observed.to_json()).unreadable == 1
    assert [each.code for each in monitor_findings(observed)] == ["MONITOR_LEAF_UNREADABLE"]


def monitor_findings(observed: Observed) -> list[Any]:
    from licence_vault.log.monitor import compare_books

    return compare_books(observed, read_books([]))


def test_fetching_is_bounded_and_says_when_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_command, "ANSWER_BYTES", 8)
    with receiver() as listening:
        fetch = monitor_command._fetcher(listening.url + "/")
        listening.status, listening.body = 200, b"x"
        assert fetch("a") == b"x"
        assert listening.received[0].path == "/hook/a"
        listening.status = 404
        assert fetch("b") is None
        for status, body, drip_seconds, seconds, facts in (
            (302, b"", 0.0, 60.0, {"status": 302}),
            (200, b"y" * 9, 0.0, 60.0, {"reason": "answer-too-large"}),
            (200, b"y" * 8, 0.2, 0.5, {"reason": "too-slow"}),  # a byte now and then is no answer
        ):
            listening.status, listening.body, listening.drip_seconds = status, body, drip_seconds
            monkeypatch.setattr(monitor_command, "TIMEOUT_SECONDS", seconds)
            with pytest.raises(TrustError, match="MONITOR_UNREACHABLE") as caught:
                fetch("c")
            assert (caught.value.kind, caught.value.facts) == (Kind.UNAVAILABLE, facts)
    for gone, reason in ((listening.url, "ConnectError"), ("ftp://log.example", "not-a-url"), ("log.example", "not-a-url")):
        with pytest.raises(TrustError, match="MONITOR_UNREACHABLE") as caught:
            monitor_command._fetcher(gone)("e")
        assert caught.value.facts == {"reason": reason}


def test_a_log_whose_name_is_not_answered_for_is_waited_for_no_longer_than_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        assert ended.wait(60)
        return []

    monkeypatch.setattr(monitor_command, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(bounded_calls, "ask_system", hang)
    try:
        found, began = [], time.monotonic()
        for _ in range(AT_ONCE_OF_HOST + 1):
            with pytest.raises(TrustError, match="MONITOR_UNREACHABLE") as caught:
                monitor_command._fetcher("https://log.example")("log")
            found.append(caught.value.facts["reason"])
        assert found == ["too-slow"] * AT_ONCE_OF_HOST + ["too-many-look-ups"]
        assert time.monotonic() - began < 10
    finally:
        ended.set()


def test_entries_of_the_log_are_what_was_appended(fresh: VaultHere) -> None:
    fresh.context.database.write(lambda connection: append_leaf(connection, leaf(9)))
    assert open_licence_log(fresh.context).head().size == 3
