"""Keys of the log and of the status lists that follow each other: what was signed stays verifiable, and nobody has to know a new key at once."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crypto.checkpoints import verify_receipt
from crypto.jose import TokenSigner, write_base64url
from crypto.report import Outcome, Verdict, verdict_of
from crypto.sm3 import sm3
from crypto.trust_list import read_trust_list, write_trust_list
from crypto.trusted_logs import KeyPeriod, check_receipt
from licence_vault.actions.own_trust import own_trust
from licence_vault.actions.publish_status_lists import VALIDITY_SECONDS, list_uri, publish_status_lists
from licence_vault.actions.rotate_key import KEYS, rotate_key
from licence_vault.actions.withdraw_key import WithdrawnKey, withdraw_key
from licence_vault.key_rings import GENERATIONS, read_ring
from licence_vault.log.entries import append_leaf
from licence_vault.log.instance import OVERLAP_SECONDS, SHA256_KEY, SHA256_TREE, SM3_KEY, TREES, key_ring, open_licence_log
from licence_vault.log.receipts import cose_receipt
from licence_vault.service import means_of
from licence_vault.status.at_hand import ask_lists_at_hand, status_at_hand
from licence_vault.status.register import ORDER_KEY, allot_place
from licence_vault.status.tokens import ES256_KEY, SM2_KEY, public_key
from service_kit.log_check import check_log
from service_kit.transparency_log import LEASE_SECONDS
from standards.c2sp_signed_note import read_note
from standards.errors import TrustError
from standards.ietf_status_list import JWT_TYPE, deflate, pack
from tests.audit_trail import find_entries
from tests.deployments import make_deployment
from tests.licence_vault.vault_here import AT, VaultHere, leaf
from yinxin.command_line import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crypto.checkpoints import Receipt
    from crypto.trust_list import TrustList

DAYS = 10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rotation") / "made"
    make_deployment(folder)
    return folder


@pytest.fixture
def vault(made: Path, tmp_path: Path) -> Iterator[VaultHere]:
    """A copy for each test: keys that follow each other do not go back."""
    shutil.copytree(made, tmp_path / "d")
    with VaultHere.reopened(tmp_path / "d") as opened:
        yield opened


def restarted(vault: VaultHere) -> VaultHere:
    vault.clock.at += timedelta(seconds=LEASE_SECONDS + 1)  # what led before leads no more
    return replace(vault, log=open_licence_log(vault.context))


def receipts_of(vault: VaultHere, number: int) -> dict[str, Receipt]:
    [entry_id] = vault.append(leaf(number))
    return {tree: vault.log.receipt(entry_id, tree) for tree in TREES}


def with_a_list(vault: VaultHere) -> tuple[str, dict[str, Receipt]]:
    """The address of a published status list with one place, and the receipts of an entry."""
    secret = vault.context.keystore.open_secret(ORDER_KEY)
    place = vault.context.database.write(lambda conn: allot_place(conn, secret, vault.clock.at))
    before = receipts_of(vault, 1)
    assert publish_status_lists(vault.context) == 1
    return list_uri(vault.context, place.list_number), before


def holds(receipts: dict[str, Receipt], trust: TrustList) -> set[bool | None]:
    return {verify_receipt(receipt, log.identity).verified for receipt, log in zip(receipts.values(), trust.logs, strict=True)}


def signers_of(receipt: Receipt) -> int:
    return len(read_note(receipt.checkpoint).signatures)


def test_what_former_keys_signed_holds_and_new_keys_are_known_before_they_sign(vault: VaultHere) -> None:
    context, clock = vault.context, vault.clock
    address, before = with_a_list(vault)
    first = own_trust(context)
    assert status_at_hand(address, 0, first, clock.at)[0] == 0
    assert status_at_hand(address, 1 << 40, first, clock.at) == (None, ()), "of a place that it has not, a fresh list says nothing"
    assert {log.periods for log in first.logs} == {issuer.periods for issuer in first.status_issuers} == {()}, "one key has none to tell"

    # 1. Announced: known to whoever takes the trust list, and nothing is signed with it yet.
    for name in KEYS:
        made = rotate_key(context, name, actor="operator:test", in_days=DAYS)
        assert (made.generation, made.from_at) == (2, AT + timedelta(days=DAYS))
    vault = restarted(vault)
    announced = own_trust(context)
    assert [len(each.identity.keys) for each in announced.logs] == [2, 2]
    [issuer] = announced.status_issuers
    begin = AT + timedelta(days=DAYS)
    assert issuer.periods == (KeyPeriod(begin), KeyPeriod(None, begin + timedelta(seconds=VALIDITY_SECONDS))) * 2
    overlap = timedelta(seconds=OVERLAP_SECONDS)
    assert [each.periods for each in announced.logs] == [(KeyPeriod(None, begin + overlap), KeyPeriod(begin))] * 2
    assert read_trust_list(write_trust_list(announced)) == announced
    between = receipts_of(vault, 2)
    assert holds(between, first) == {True}

    # 2. They sign: the log with both for a while, so that those who know only the former key go on; lists at once.
    clock.at += timedelta(days=DAYS)
    vault = restarted(vault)
    behind = receipts_of(vault, 3)
    assert {signers_of(each) for each in behind.values()} == {2}
    assert publish_status_lists(context) == 1
    now = own_trust(context)
    assert holds(before, now) == holds(between, now) == holds(behind, now) == holds(behind, first) == {True}
    assert (
        status_at_hand(address, 0, now, clock.at)[0]
        == status_at_hand(address, 0, replace(now, status_issuers=announced.status_issuers), clock.at)[0]
        == 0
    )
    assert [each.code for each in ask_lists_at_hand(address, 0, replace(now, status_issuers=first.status_issuers), clock.at)] == [
        "LICENCE_STATUS_NOT_AT_HAND"
    ]
    written = cose_receipt(
        vault.log, context.keystore, behind[SHA256_TREE].index, [each.key_id for each in key_ring(context, SHA256_KEY, clock.at)]
    )
    assert written

    # 3. The new ones alone. Receipts of years ago hold; a list of then holds for then, and for no other time.
    clock.at += overlap
    vault = restarted(vault)
    late = receipts_of(vault, 4)
    assert {signers_of(each) for each in late.values()} == {1}
    last = own_trust(context)
    assert holds(before, last) == holds(behind, last) == holds(late, last) == {True}
    assert holds(late, first) == {None}
    then = replace(own_trust(context, AT + timedelta(seconds=1)), status_issuers=last.status_issuers)
    assert status_at_hand(address, 0, then, AT + timedelta(seconds=1))[0] == 0
    for name in (ES256_KEY, SM2_KEY):
        assert status_at_hand(address, 0, replace(last, status_tokens=(forged(vault, name, address),)), clock.at)[0] is None
        assert status_at_hand(address, 0, replace(last, status_tokens=(forged(vault, f"{name}-2", address),)), clock.at)[0] == 0
    assert check_log(vault.log).findings == []
    with context.database.read() as conn:
        trail = [(each.action, each.outcome) for each in find_entries(conn, subject=f"licence-key:{SM2_KEY}", limit=9)]
    assert trail == [("licence-key.rotate", "done"), ("licence-key.rotate", "intended")]


def forged(vault: VaultHere, key_id: str, address: str) -> bytes:
    """A list that was signed with a key that somebody has kept, of a day when it still was in force, to hold for ever."""
    key = public_key(vault.context.keystore, key_id)
    issued = int(AT.timestamp())
    lst = write_base64url(deflate(pack(8, 2, [])))
    claims = {"sub": address, "iat": issued, "exp": issued + 10**9, "ttl": 600, "status_list": {"bits": 2, "lst": lst}}
    return TokenSigner(vault.context.keystore.signer(key_id), key_id=key.key_id, token_type=JWT_TYPE).sign(claims).encode()


def test_a_key_that_was_made_and_never_counted_is_taken_by_the_next_attempt(vault: VaultHere, monkeypatch: pytest.MonkeyPatch) -> None:
    class Death(BaseException):
        pass

    def die(*_: object) -> None:
        raise Death

    with monkeypatch.context() as dying:
        dying.setattr("licence_vault.actions.rotate_key.insert_ring_key", die)
        with pytest.raises(Death):
            rotate_key(vault.context, SM2_KEY, actor="operator:test")
    left = vault.context.keystore.signer(f"{SM2_KEY}-2").public_spki_der
    assert left not in own_trust(vault.context).status_issuers[0].keys
    assert rotate_key(vault.context, SM2_KEY, actor="operator:test").key_id == f"{SM2_KEY}-2"
    assert left in own_trust(vault.context).status_issuers[0].keys


def test_what_is_not_rotated(vault: VaultHere) -> None:
    context = vault.context

    def refused(name: str, **wishes: int) -> str:
        with pytest.raises(TrustError) as raised:
            rotate_key(context, name, actor="operator:test", **wishes)
        return raised.value.code

    assert refused("audit-log") == "LICENCE_KEY_NOT_ROTATED_HERE"
    rotate_key(context, ES256_KEY, actor="operator:test", in_days=2)
    assert refused(ES256_KEY, in_days=1) == "FIELD_UNACCEPTABLE", "no key begins before the one that it follows"
    for days in range(3, GENERATIONS + 1):
        rotate_key(context, ES256_KEY, actor="operator:test", in_days=days)
    assert refused(ES256_KEY, in_days=99) == "LICENCE_KEYS_TOO_MANY"


def test_the_command(vault: VaultHere) -> None:
    folder = str(vault.context.settings.dir)

    def told(*arguments: str, language: str = "C") -> tuple[int, str]:
        done = CliRunner().invoke(app, ["keys", "rotate", *arguments, "--dir", folder], env={"LC_ALL": language})
        return done.exit_code, done.stdout

    status, said = told(SHA256_KEY, "--json")
    assert (status, json.loads(said)["key_id"], json.loads(said)["name"]) == (0, f"{SHA256_KEY}-2", SHA256_KEY)
    status, said = told(SM2_KEY, "--in-days", "7", language="zh_CN.UTF-8")
    assert (status, "请重启服务" in said) == (0, True)
    assert told("audit-log")[0] == 64
    out = vault.context.settings.dir / "trust.json"
    assert CliRunner().invoke(app, ["trust-list", "--dir", folder, "--out", str(out)]).exit_code == 0
    listed = read_trust_list(out.read_bytes())
    assert [len(log.periods) for log in listed.logs] == [0, 2]
    assert [len(issuer.keys) for issuer in listed.status_issuers] == [3]


SINCE = AT + timedelta(days=1)


def withdraw(vault: VaultHere, key_id: str, **changes: Any) -> WithdrawnKey:
    wish: dict[str, Any] = {"since_at": SINCE, "reason": "密钥泄露（样例）", "actor": "operator:test"}
    return withdraw_key(vault.context, key_id, **wish | changes)


def test_what_a_withdrawn_key_has_signed_counts_only_where_something_else_shows_it_to_be_older(vault: VaultHere) -> None:
    context, clock = vault.context, vault.clock
    address, before = with_a_list(vault)
    first = own_trust(context)
    old_list = first.status_tokens
    for log, tree in zip(first.logs, TREES, strict=True):  # that these signatures were right is remembered; that their keys counted is not
        assert verdict_of(check_receipt(before[tree], log, None)) is Verdict.VALID
    clock.at = SINCE + timedelta(hours=1)

    # 1. Withdrawn: others sign at once, lists anew, and what is served as keys is theirs.
    for name in (SM3_KEY, SHA256_KEY):
        assert withdraw(vault, name).signing_key_id == f"{name}-2"
    assert [withdraw(vault, name).editions for name in (SM2_KEY, ES256_KEY)] == [1, 0], "one edition a second"
    clock.at += timedelta(seconds=1)
    assert publish_status_lists(context) == 1
    assert publish_status_lists(context) == 0
    vault = restarted(vault)
    behind = receipts_of(vault, 2)
    assert {signers_of(each) for each in behind.values()} == {1}, "a key that was withdrawn signs beside no other"
    with context.database.read() as conn:
        trail = [(each.action, each.outcome) for each in find_entries(conn, subject=f"licence-key:{SM2_KEY}", limit=9)]
    assert trail == [("licence-key.withdraw", "done"), ("licence-key.withdraw", "intended")]

    # 2. Whoever has the trust list knows.
    trust = own_trust(context)
    assert read_trust_list(write_trust_list(trust)) == trust
    assert [each.withdrawn_at for each in trust.logs[0].periods] == [None, SINCE]
    assert [each.withdrawn_at for each in trust.status_issuers[0].periods] == [None, SINCE, None, SINCE]
    for each, former in zip(trust.logs, first.logs, strict=True):
        assert set(each.believed().keys) == set(each.identity.keys) - set(former.identity.keys)
    assert status_at_hand(address, 0, trust, clock.at)[0] == 0
    stale = replace(trust, status_tokens=old_list)
    for at in (clock.at, AT):  # nor for a time before: it is the thief who says when he signed
        assert status_at_hand(address, 0, stale, at)[0] is None
        assert [each.code for each in ask_lists_at_hand(address, 0, stale, at)] == ["LICENCE_STATUS_KEY_WITHDRAWN"]
    for log, tree in zip(trust.logs, TREES, strict=True):
        assert verdict_of(check_receipt(behind[tree], log, None)) is Verdict.VALID
        for shown_at, outcome, code in (
            (SINCE - timedelta(seconds=1), Outcome.WARN, "LOG_KEY_WITHDRAWN_LATER"),
            (SINCE, Outcome.NOT_CHECKED, "LOG_KEY_WITHDRAWN"),
            (None, Outcome.NOT_CHECKED, "LOG_KEY_WITHDRAWN"),
        ):
            last = check_receipt(before[tree], log, shown_at)[-1]
            assert (last.outcome, last.code) == (outcome, code)
        forged_note = replace(before[tree], checkpoint=before[tree].checkpoint[:-20] + b"AAAAAAAAAAAAAAAAAA=\n")
        assert verdict_of(check_receipt(forged_note, log, AT)) is not Verdict.VALID
        unread = replace(before[tree], checkpoint=b"no note")
        assert verdict_of(check_receipt(unread, log, AT)) is Verdict.INVALID
        strange = replace(log, identity=replace(log.identity, keys=trust.logs[TREES.index(tree) - 1].identity.keys))
        assert verdict_of(check_receipt(before[tree], strange, AT)) is Verdict.INDETERMINATE


def test_attack_no_proof_is_given_under_a_withdrawn_key_though_no_entry_comes_behind(vault: VaultHere) -> None:
    context, clock = vault.context, vault.clock
    before = receipts_of(vault, 1)
    clock.at = SINCE + timedelta(hours=1)
    for name in (SM3_KEY, SHA256_KEY):
        withdraw(vault, name)
    vault = restarted(vault)
    key_ids = [each.key_id for each in key_ring(context, SHA256_KEY, clock.at)]

    # 1. Until the newest checkpoint is signed by others, there is no receipt for COSE, which would have to be signed now.
    with pytest.raises(TrustError, match="LOG_ENTRY_PENDING"):
        cose_receipt(vault.log, context.keystore, 0, key_ids)

    # 2. The next turn signs it anew, the same tree, once. What witnesses cosigned under the former keys is not handed out any more.
    assert vault.log.run_once() == 0
    signed = vault.log.head().checkpoints
    assert vault.log.run_once() == 0
    assert vault.log.head().checkpoints == signed
    for tree in TREES:
        vault.log.files.publish_cosigned(tree, before[tree].checkpoint)
    trust = own_trust(context)
    after = {tree: vault.log.receipt_at(0, tree) for tree in TREES}
    for log, tree in zip(trust.logs, TREES, strict=True):
        assert verdict_of(check_receipt(before[tree], log, None)) is Verdict.INDETERMINATE
        assert verdict_of(check_receipt(after[tree], log, None)) is Verdict.VALID
        assert vault.log.files.published(tree) == [signed[tree]] * len(vault.log.files.published(tree))
    assert cose_receipt(vault.log, context.keystore, 0, key_ids)
    assert check_log(vault.log).findings == []

    # 3. Issuing holds its own proofs against the same list.
    assert means_of(context, vault.log).logs == trust.logs


def test_a_key_that_was_announced_takes_over_at_once_and_one_that_leaked_before_its_time_follows_nobody(vault: VaultHere) -> None:
    for days in (5, 50):
        rotate_key(vault.context, SHA256_KEY, actor="operator:test", in_days=days)
    vault.clock.at = SINCE
    assert withdraw(vault, f"{SHA256_KEY}-2").signing_key_id == SHA256_KEY
    with vault.context.database.read() as conn:
        assert read_ring(conn, SHA256_KEY)[0].next_at == AT + timedelta(days=50)
    assert withdraw(vault, SHA256_KEY).signing_key_id == f"{SHA256_KEY}-3"
    assert {each.key_id for each in key_ring(vault.context, SHA256_KEY, SINCE)} == {SHA256_KEY, f"{SHA256_KEY}-2", f"{SHA256_KEY}-3"}
    assert len(open_licence_log(vault.context).trees[1].signers) == 1


@pytest.mark.parametrize("change", ["rotated", "withdrawn"])
def test_a_process_of_before_a_change_of_keys_signs_nothing_that_nobody_would_believe(vault: VaultHere, change: str) -> None:
    """It was not restarted: with a withdrawn key it signs no more at once, with one that has been followed until nobody takes it any more."""
    context, clock, log = vault.context, vault.clock, vault.log
    receipts_of(vault, 1)
    if change == "rotated":
        rotate_key(context, SM3_KEY, actor="operator:test")
        clock.at += timedelta(seconds=OVERLAP_SECONDS - 60)
        assert holds(receipts_of(vault, 2), own_trust(context)) == {True}, "beside its successor it is believed"
        clock.at += timedelta(seconds=61)
    else:
        withdraw_key(context, SM3_KEY, since_at=clock.at, reason="stolen", actor="operator:test")
    size = log.head().size
    context.database.write(lambda conn: append_leaf(conn, leaf(3)))
    with pytest.raises(TrustError, match="LOG_KEYS_CHANGED"):
        log.run_once()
    assert log.head().size == size
    vault = restarted(vault)
    assert vault.log.run_once() == 1, "what waited goes on"
    assert holds(receipts_of(vault, 4), own_trust(context)) == {True}


def test_what_is_not_withdrawn(vault: VaultHere) -> None:
    def refused(key_id: str, **changes: Any) -> str:
        with pytest.raises(TrustError) as raised:
            withdraw(vault, key_id, **{"since_at": AT} | changes)
        return raised.value.code

    assert refused("audit-log") == "LICENCE_KEY_NOT_ROTATED_HERE"
    assert refused(SM3_KEY, reason=" ") == "FIELD_UNACCEPTABLE"
    assert refused(SM3_KEY, since_at=SINCE) == "FIELD_UNACCEPTABLE", "nobody knows what comes"
    for generation in range(1, GENERATIONS):
        withdraw(vault, SM3_KEY if generation == 1 else f"{SM3_KEY}-{generation}", since_at=AT)
        vault.clock.at += timedelta(seconds=1)
    assert refused(SM3_KEY) == "FIELD_UNACCEPTABLE", "it is withdrawn already"
    assert refused(f"{SM3_KEY}-{GENERATIONS}") == "LICENCE_KEYS_TOO_MANY"


def test_the_command_asks_for_the_key_by_its_digest(vault: VaultHere) -> None:
    folder = str(vault.context.settings.dir)
    shown = sm3(vault.context.keystore.signer(SM2_KEY).public_spki_der).hex()[:16]

    def told(*arguments: str, language: str = "C") -> tuple[int, str]:
        wish = ["keys", "withdraw", SM2_KEY, "--dir", folder, "--reason", "样例", *arguments]
        done = CliRunner().invoke(app, wish, env={"LC_ALL": language})
        return done.exit_code, done.output

    assert told("--confirm", "0" * 16)[0] == 64
    status, said = told("--confirm", shown, "--since", "2026-01-31T00:00:00+08:00", "--json")
    assert (status, json.loads(said)["withdrawn_at"]) == (0, "2026-01-30T16:00:00+00:00")
    following = sm3(vault.context.keystore.signer(f"{SM2_KEY}-2").public_spki_der).hex()[:16]
    done = CliRunner().invoke(
        app,
        ["keys", "withdraw", f"{SM2_KEY}-2", "--dir", folder, "--reason", "样例", "--confirm", following],
        env={"LC_ALL": "zh_CN.UTF-8"},
    )
    assert (done.exit_code, f"{SM2_KEY}-3" in done.stdout, "分发" in done.stdout) == (0, True, True)
