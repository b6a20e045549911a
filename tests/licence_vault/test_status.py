"""Status lists: places, editions, what a verifier makes of them, and what others make of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from crypto.cose import sign_cose
from crypto.jose import TokenSigner, write_base64url, write_jwk
from crypto.report import Outcome, Verdict
from crypto.trust_list import TrustList
from crypto.trusted_logs import KeyPeriod, StatusIssuer
from licence_vault.actions import publish_status_lists as publishing
from licence_vault.actions.find_status_lists import find_edition
from licence_vault.actions.publish_status_lists import TTL_SECONDS, VALIDITY_SECONDS, list_uri, publish_status_lists
from licence_vault.jobs import readiness_of
from licence_vault.log.instance import SHA256_TREE, SM3_KEY, SM3_TREE
from licence_vault.log.leaf import StatusListLeaf, read_leaf
from licence_vault.status.at_hand import ask_lists_at_hand
from licence_vault.status.editions import newest_number
from licence_vault.status.frames import cwt_of_frame, frame_of_cwt, frame_of_jwt, jwt_of_frame
from licence_vault.status.order import ENTRIES, place_of
from licence_vault.status.register import BITS, ORDER_KEY, StatusPlace, allot_place, set_status, status_of
from licence_vault.status.tokens import ES256_KEY, SM2_KEY, public_key, sign_tokens
from licence_vault.status.verify import verify_status
from standards import ietf_status_list as lists
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.licence_vault.vault_here import AT, VaultHere, leaf
from tests.optional import need

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crypto.jose import VerificationKey
    from licence_vault.status.editions import Edition
    from licence_vault.status.verify import StatusResult


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[VaultHere]:
    with VaultHere.made(tmp_path / "d") as made:
        yield made


def keys(vault: VaultHere) -> dict[str, VerificationKey]:
    return {key.key_id: key for key in (public_key(vault.context.keystore, name) for name in (ES256_KEY, SM2_KEY))}


def allot(vault: VaultHere, count: int = 1) -> list[StatusPlace]:
    secret = vault.context.keystore.open_secret(ORDER_KEY)
    return vault.context.database.write(lambda connection: [allot_place(connection, secret, vault.clock.at) for _ in range(count)])


def change(vault: VaultHere, place: StatusPlace, status: int) -> None:
    vault.context.database.write(lambda connection: set_status(connection, place, status, vault.clock.at))


def published(vault: VaultHere) -> Edition:
    assert publish_status_lists(vault.context) == 1
    return find_edition(vault.context, 1, None)[0]


def tokens_of(edition: Edition) -> list[bytes]:
    assert edition.tokens is not None
    return [edition.tokens.jwt_es256.encode(), edition.tokens.jwt_sm2.encode(), edition.tokens.cwt_es256, edition.tokens.cwt_sm2]


def judged(vault: VaultHere, token: bytes, index: int, **options: Any) -> StatusResult:
    options.setdefault("at", vault.clock.at)
    options.setdefault("keys", keys(vault))
    options.setdefault("list_uri", list_uri(vault.context, 1))
    return verify_status(token, index=index, **options)


def codes(result: StatusResult) -> list[str]:
    return [step.code for step in result.steps]


def test_the_order_is_a_permutation_that_only_its_key_tells() -> None:
    places = {place_of(position, b"k" * 32) for position in range(1, 3001)}
    assert len(places) == 3000
    assert all(number == 1 and 0 <= index < ENTRIES for number, index in places)
    assert place_of(ENTRIES, b"k" * 32)[0] == 1
    assert place_of(ENTRIES + 1, b"k" * 32)[0] == 2
    assert place_of(1, b"k" * 32) != place_of(1, b"j" * 32)
    first = sorted(place_of(position, b"k" * 32)[1] for position in range(1, 401))
    assert all(first[at * 100] < (at + 2) * ENTRIES / 4 for at in range(4))  # spread over the whole list, not at its beginning
    with pytest.raises(ValueError, match="0"):
        place_of(0, b"k" * 32)


def test_sixteen_racers_get_sixteen_places(fresh: VaultHere) -> None:
    found: list[StatusPlace] = []
    racers = [threading.Thread(target=lambda: found.extend(allot(fresh, 25))) for _ in range(16)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(set(found)) == len(found) == 400


def test_no_place_is_given_out_by_another_key(fresh: VaultHere) -> None:
    """A key folder that was lost and made anew would give places out twice: nothing is given out then."""
    place = allot(fresh)[0]
    with pytest.raises(TrustError, match="STATUS_ORDER_CHANGED"):
        fresh.context.database.write(lambda connection: allot_place(connection, b"another key of thirty-two bytes!", fresh.clock.at))
    assert allot(fresh)[0] != place


def test_a_place_outside_or_a_status_unknown_is_refused(vault: VaultHere) -> None:
    for place, status in ((StatusPlace(0, 1), 1), (StatusPlace(1, ENTRIES), 1), (StatusPlace(1, 1), 4)):
        with pytest.raises(ValueError, match="StatusPlace"):
            change(vault, place, status)


def test_every_edition_says_what_was_set(fresh: VaultHere) -> None:
    """Four tokens, one content; suspended and valid again, revoked; each published edition is in the log."""
    valid, suspended, revoked, overdue = allot(fresh, 4)
    change(fresh, suspended, lists.SUSPENDED)
    change(fresh, revoked, lists.INVALID)
    change(fresh, overdue, lists.APPLICATION_SPECIFIC)
    first = published(fresh)
    fresh.append(leaf(1))
    for token in tokens_of(first):
        for tree_name in (SM3_TREE, SHA256_TREE):
            proof = {"receipt": fresh.log.receipt(first.entry_id, tree_name), "log": fresh.log.tree_named(tree_name).identity}
            assert judged(fresh, token, valid.index, **proof).logged is True
        answers = [judged(fresh, token, place.index) for place in (valid, suspended, revoked, overdue)]
        assert [answer.status for answer in answers] == [0, 2, 1, 3]
        assert [answer.verdict for answer in answers] == [Verdict.VALID, Verdict.INVALID, Verdict.INVALID, Verdict.INVALID]
        assert answers[0].logged is None
    assert publish_status_lists(fresh.context) == 0  # nothing has changed
    fresh.clock.advance(90)
    change(fresh, suspended, lists.VALID)
    second = published(fresh)
    assert judged(fresh, tokens_of(second)[0], suspended.index).verdict is Verdict.VALID
    with fresh.context.database.read() as connection:
        assert status_of(connection, suspended) == 0
        assert status_of(connection, revoked) == 1
        recorded = find_entries(connection, subject="status-list:1", limit=10)
    assert [entry.outcome for entry in reversed(recorded)] == ["intended", "done"] * 2
    # "valid at time T": the edition of that time is still handed out, and still in the log
    then, is_past = find_edition(fresh.context, 1, int(AT.timestamp()) + 30)
    assert (then.number, is_past) == (1, True)
    assert judged(fresh, tokens_of(then)[1], suspended.index, at=AT + timedelta(seconds=30)).status == 2
    with pytest.raises(TrustError, match="STATUS_LIST_NOT_FOUND"):
        find_edition(fresh.context, 1, int(AT.timestamp()) - 1)
    with pytest.raises(TrustError, match="STATUS_LIST_NOT_FOUND"):
        find_edition(fresh.context, 1, int(fresh.clock.at.timestamp()) + VALIDITY_SECONDS)  # not yet said


def test_an_edition_is_renewed_before_it_expires(fresh: VaultHere) -> None:
    allot(fresh)
    published(fresh)
    fresh.clock.advance(publishing.RENEWED_AFTER_SECONDS)
    assert published(fresh).number == 2
    # a change that is taken back before the next edition makes none
    place = allot(fresh)[0]
    fresh.clock.advance(1)
    change(fresh, place, lists.INVALID)
    change(fresh, place, lists.VALID)
    assert publish_status_lists(fresh.context) == 0


def test_what_was_changed_before_an_edition_but_committed_after_it_comes_with_the_next(fresh: VaultHere) -> None:
    """A revocation that waited for its turn while a list was published: it must not wait for half a day."""
    place = allot(fresh)[0]
    fresh.clock.advance(60)
    published(fresh)
    fresh.context.database.write(lambda connection: set_status(connection, place, lists.INVALID, AT + timedelta(seconds=59)))
    fresh.clock.advance(30)
    assert judged(fresh, tokens_of(published(fresh))[0], place.index).status == lists.INVALID
    assert publish_status_lists(fresh.context) == 0


def test_of_two_processes_one_publishes(fresh: VaultHere, monkeypatch: pytest.MonkeyPatch) -> None:
    allot(fresh)
    fresh.clock.advance(1)
    assert publish_status_lists(fresh.context) == 1
    with monkeypatch.context() as patched:
        before = [0]  # as it was read a moment before the other one wrote
        patched.setattr(publishing, "newest_edition", lambda *_: None)
        patched.setattr(publishing, "newest_number", lambda *read: before.pop() if before else newest_number(*read))
        assert publish_status_lists(fresh.context) == 0
    assert find_edition(fresh.context, 1, None)[0].number == 1


def test_a_clock_that_was_ahead_for_a_moment_holds_up_no_revocation(fresh: VaultHere) -> None:
    place = allot(fresh)[0]
    good = published(fresh)
    fresh.clock.at = AT + timedelta(days=30)
    published(fresh)
    fresh.clock.at = AT + timedelta(minutes=10)
    change(fresh, place, lists.INVALID)
    revoked = published(fresh)
    assert (good.number, revoked.number) == (1, 3)
    assert judged(fresh, tokens_of(revoked)[0], place.index).status == lists.INVALID
    assert {check.name: check.run() for check in readiness_of(fresh.context, fresh.log)}["licence_status_lists"] == {
        "lists": 1,
        "expired_lists": 0,
        "editions_of_a_later_time": 1,
    }
    fresh.clock.at = AT + timedelta(days=30, seconds=5)  # the time of the wrong one has come: a later number is in force
    published(fresh)
    fresh.clock.advance(1)
    assert judged(fresh, tokens_of(find_edition(fresh.context, 1, None)[0])[0], place.index).status == lists.INVALID


def test_lists_that_have_expired_are_counted(fresh: VaultHere) -> None:
    def expired() -> object:
        return {check.name: check.run() for check in readiness_of(fresh.context, fresh.log)}["licence_status_lists"]["expired_lists"]

    allot(fresh)
    assert expired() == 0, "none is published yet"
    published(fresh)
    fresh.clock.advance(24 * 3600 - 1)
    assert expired() == 0
    fresh.clock.advance(1)
    assert expired() == 1
    published(fresh)
    assert expired() == 0


def test_an_interrupted_edition_is_signed_by_whoever_comes_next(fresh: VaultHere, monkeypatch: pytest.MonkeyPatch) -> None:
    allot(fresh)
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "sign_tokens", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish_status_lists(fresh.context)
    with pytest.raises(TrustError, match="STATUS_LIST_NOT_FOUND"):
        find_edition(fresh.context, 1, None)
    fresh.clock.advance(60)
    edition = published(fresh)
    assert (edition.number, edition.published_seconds) == (1, int(AT.timestamp()))


def test_tokens_are_kept_without_their_list_and_come_back_as_they_were(fresh: VaultHere) -> None:
    allot(fresh)
    signed = sign_tokens(
        fresh.context.keystore, lists.StatusListClaims("x", 1, 2, 3, BITS, lists.deflate(bytes(ENTRIES // 4))), ES256_KEY, SM2_KEY
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publishing, "sign_tokens", lambda *_: signed)
        patched.setattr(publishing, "_check", lambda *_: None)
        assert published(fresh).tokens == signed
    compressed = b"\x00" * 20_000
    jwt = TokenSigner(fresh.context.keystore.signer(ES256_KEY), key_id="k", token_type=lists.JWT_TYPE).sign(
        {"lst": write_base64url(compressed)}
    )
    assert len(frame_of_jwt(jwt, compressed)) < 300
    assert jwt_of_frame(frame_of_jwt(jwt, compressed), compressed) == jwt
    assert cwt_of_frame(frame_of_cwt(b"head" + compressed + b"tail", compressed), compressed) == b"head" + compressed + b"tail"
    for elsewhere in (b"other", compressed[:1]):
        with pytest.raises(ValueError, match=r"\d"):
            frame_of_cwt(b"head" + compressed + b"tail", elsewhere)


def test_what_our_own_verifier_refuses_is_not_given_out(fresh: VaultHere, monkeypatch: pytest.MonkeyPatch) -> None:
    allot(fresh)
    good = sign_tokens
    monkeypatch.setattr(publishing, "sign_tokens", lambda *given: replace(good(*given), cwt_sm2=b"\xd2"))
    with pytest.raises(TrustError, match="STATUS_LIST_REFUSED"):
        publish_status_lists(fresh.context)


@pytest.fixture(scope="module")
def edition(vault: VaultHere) -> Edition:
    place = StatusPlace(1, 5)
    allot(vault)
    change(vault, place, lists.INVALID)
    publish_status_lists(vault.context)
    return find_edition(vault.context, 1, None)[0]


@pytest.mark.clause("IETF status-list-21 8.3")
def test_what_is_not_known_is_never_valid(vault: VaultHere, edition: Edition) -> None:
    for token in tokens_of(edition):
        late = AT + timedelta(seconds=VALIDITY_SECONDS)
        cases: list[tuple[dict[str, Any], str]] = [
            ({"at": late}, "STATUS_LIST_EXPIRED"),
            ({"at": AT - timedelta(seconds=61)}, "STATUS_LIST_NOT_YET"),
            ({"at": AT + timedelta(seconds=TTL_SECONDS + 1), "max_age_seconds": TTL_SECONDS}, "STATUS_LIST_OLD"),
            ({"list_uri": list_uri(vault.context, 2)}, "STATUS_LIST_OTHER"),
            ({"keys": {}}, "STATUS_TOKEN_KEY_UNKNOWN"),
        ]
        for options, code in cases:
            result = judged(vault, token, 7, **options)
            assert (result.verdict, result.status) == (Verdict.INDETERMINATE, None), code
            assert code in codes(result)
        for outside in (-1, ENTRIES):
            assert judged(vault, token, outside).verdict is Verdict.INDETERMINATE
        changed = bytearray(token)
        changed[len(token) // 2] ^= 1
        assert judged(vault, bytes(changed), 7).verdict is Verdict.INDETERMINATE
    for nothing in (b"", b"e", b"\xd2\x84", b"eyJ", b"\xff" * 40):
        assert judged(vault, nothing, 7).verdict is Verdict.INDETERMINATE


def test_a_list_at_hand_is_opened_once_and_asked_anew_each_time(vault: VaultHere, edition: Edition) -> None:
    signed_by = tuple(vault.context.keystore.signer(name).public_spki_der for name in (ES256_KEY, SM2_KEY))
    over = StatusIssuer(list_uri(vault.context, 1), signed_by, tuple(KeyPeriod(None, AT) for _ in signed_by))
    others = replace(over, keys=(vault.context.keystore.signer(SM3_KEY).public_spki_der,), periods=())
    for token in tokens_of(edition):
        trust = TrustList(anchors=(), status_issuers=(over,), status_tokens=(token,))
        ask = partial(ask_lists_at_hand, list_uri(vault.context, 1), 7)
        for _ in range(2):
            assert {step.code for step in ask(trust, AT)} == {"STATUS_TOKEN_SIGNED", "STATUS_LIST_FRESH", "STATUS_VALID"}
            assert [step.code for step in ask(trust, AT + timedelta(seconds=1))] == ["LICENCE_STATUS_SIGNER_UNKNOWN"]
            assert [step.code for step in ask(replace(trust, status_issuers=(others,)), AT)] == ["LICENCE_STATUS_NOT_AT_HAND"]
            late = ask(replace(trust, status_issuers=(replace(over, periods=()),)), AT + timedelta(seconds=VALIDITY_SECONDS))
            assert [step.code for step in late] == ["STATUS_TOKEN_SIGNED", "STATUS_LIST_EXPIRED"]


def test_a_list_that_the_log_does_not_have_is_not_believed(vault: VaultHere, edition: Edition) -> None:
    """The operator's own key signs another list than the one he published: equivocation shows."""
    entry = vault.append(leaf(77))[0]
    receipt = vault.log.receipt(edition.entry_id, SM3_TREE)
    log = vault.log.tree_named(SM3_TREE).identity
    signer = TokenSigner(
        vault.context.keystore.signer(ES256_KEY), key_id=public_key(vault.context.keystore, ES256_KEY).key_id, token_type=lists.JWT_TYPE
    )
    at = int(AT.timestamp())
    forged = lists.StatusListClaims(list_uri(vault.context, 1), at, at + 60, None, BITS, lists.deflate(bytes(ENTRIES // 4)))
    token = signer.sign(lists.write_jwt_claims(forged)).encode()
    assert judged(vault, token, 5).verdict is Verdict.VALID  # alone it looks right: the signature is
    for wrong in (receipt, vault.log.receipt(entry, SM3_TREE), replace(receipt, entry=b"no leaf")):
        result = judged(vault, token, 5, receipt=wrong, log=log)
        assert (result.verdict, result.logged) == (Verdict.INDETERMINATE, False)
    other_tree = vault.log.tree_named(SHA256_TREE).identity
    assert judged(vault, tokens_of(edition)[0], 5, receipt=receipt, log=other_tree).logged is not True


def test_a_receipt_is_for_this_very_list(vault: VaultHere, edition: Edition) -> None:
    """Another width, time or number of a list with the same bytes is another list."""
    log = vault.log.tree_named(SM3_TREE).identity
    vault.append(leaf(78))  # until the list is under a checkpoint too, whichever test comes first
    shown = vault.log.receipt(edition.entry_id, SM3_TREE)
    real = read_leaf(shown.entry)
    assert isinstance(real, StatusListLeaf)
    others = [
        replace(real, **change) for change in ({"bits": 1}, {"at": AT + timedelta(seconds=1)}, {"list_number": 2}, {"digest": bytes(32)})
    ]
    wrong = [vault.log.receipt(entry, SM3_TREE) for entry in vault.append(*others)]
    for token in tokens_of(edition):
        result = judged(vault, token, 7, receipt=shown, log=log)
        assert (result.verdict, result.logged) == (Verdict.VALID, True)
        assert "STATUS_LIST_LOGGED" in codes(result)
        for receipt in wrong:
            result = judged(vault, token, 7, receipt=receipt, log=log)
            assert (result.verdict, result.status, result.logged) == (Verdict.INDETERMINATE, None, False)
            assert [step.code for step in result.steps if step.outcome is Outcome.FAIL] == ["STATUS_LIST_NOT_LOGGED"]


def test_tokens_signed_well_that_say_nonsense_are_refused(vault: VaultHere) -> None:
    key_id = public_key(vault.context.keystore, ES256_KEY).key_id
    signer = vault.context.keystore.signer(ES256_KEY)
    at = int(AT.timestamp())
    good = lists.StatusListClaims(list_uri(vault.context, 1), at, at + 60, None, BITS, b"not compressed")
    jwt = TokenSigner(signer, key_id=key_id, token_type=lists.JWT_TYPE)
    eternal = lists.write_jwt_claims(replace(good, compressed=lists.deflate(bytes(9)), expires_at=None))

    def cwt(claims: object) -> bytes:
        return sign_cose(cbor2.dumps(claims), signer, key_id=key_id.encode(), protected={16: lists.CWT_TYPE})

    for token in (
        jwt.sign(lists.write_jwt_claims(good)).encode(),
        jwt.sign({"sub": "x"}).encode(),
        jwt.sign(eternal).encode(),
        cwt([1]),
        cwt({}),
        TokenSigner(signer, key_id=key_id, token_type="JWT").sign(lists.write_jwt_claims(good)).encode(),
    ):
        assert judged(vault, token, 1).verdict is Verdict.INDETERMINATE


@pytest.mark.clause("IETF status-list-21 5.1")
def test_openvc_accepts_our_list(vault: VaultHere, edition: Edition) -> None:
    try:
        from openvc.status.issue import verify_status_list_token
        from openvc.status.token_status_list import decode_status_list, get_status
    except ImportError:
        need("openvc-core", present=False, reason="pip install openvc-core")
    assert edition.tokens is not None
    jwk = write_jwk(public_key(vault.context.keystore, ES256_KEY))
    claims = verify_status_list_token(edition.tokens.jwt_es256, public_key_jwk=jwk, expected_uri=list_uri(vault.context, 1), now=AT)
    packed = decode_status_list(claims["status_list"]["lst"])
    assert [get_status(packed, index, bits=claims["status_list"]["bits"]) for index in (4, 5, 6)] == [0, 1, 0]
