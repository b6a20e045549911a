"""Published status: signed, fresh, with history; what is unknown is never good."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service.seal_data import status_list
from seal_service.seal_data.seal_file import verify_esl, verify_ses_value
from seal_service.seal_data.status_list import (
    OpenedStatusList,
    SealHistory,
    SealStatus,
    SealStatusList,
    StatusRecord,
    open_status_list,
    open_status_lists,
    read_status_list,
    seal_digest,
    write_status_list,
)
from standards.errors import MalformedError, TrustError
from standards.gbt38540_seal.read import read_seal
from tests.pki import DemoPki
from tests.seal_service.seal_data.actors import (
    DAY,
    DESCRIPTION,
    ENDS,
    MADE,
    NOW,
    SIGNED,
    bad,
    cached_seal,
    cached_signature,
    cached_trust,
    codes,
    warnings,
    world,
)

VALID, EXPIRED, FROZEN, CANCELLED = SealStatus


def history(*records: tuple[SealStatus, datetime], seal_id: str = DESCRIPTION.es_id, digest: bytes | None = None) -> SealHistory:
    return SealHistory(seal_id, tuple(StatusRecord(status, since, f"because of {status.name}") for status, since in records), digest)


def listing(*seals: SealHistory, issued_at: datetime = NOW - timedelta(hours=1)) -> SealStatusList:
    return SealStatusList(7, issued_at, issued_at + DAY, seals)


def published(content: SealStatusList, pki: DemoPki | None = None) -> bytes:
    publisher = pki or world().pki
    return write_status_list(content, publisher.maker_signer, publisher.maker, publisher.chain)


def opened(*seals: SealHistory, **options: Any) -> OpenedStatusList:
    return open_status_list(published(listing(*seals, **options)), cached_trust(), NOW)


ACTIVE = history((VALID, MADE))


@pytest.mark.clause("GB/T 35275-2017 8")
def test_write_open_and_look_up() -> None:
    content = listing(ACTIVE, history((VALID, MADE), (FROZEN, SIGNED), seal_id="15070000000002"))
    found = open_status_list(published(content), cached_trust(), NOW)
    assert (found.verdict, found.content, "maker" in str(found.publisher)) == (Verdict.VALID, content, True)
    assert codes(found.steps, "pass") >= {"SEAL_STATUS_LIST_OK", "SIG_VALUE_OK"}
    seal = read_seal(cached_seal(4))
    assert content.history_of(seal) == ACTIVE
    assert content.history_of(replace(seal, es_id="other")) is None


def test_valid_status() -> None:
    found = world().verify(cached_signature(4), status=[opened(ACTIVE)])
    assert (found.verdict, codes(found.status_steps, "pass"), warnings(found)) == (Verdict.VALID, {"SEAL_STATUS_OK"}, set())
    assert world().verify(cached_signature(4), status=[opened(ACTIVE)], strict=True).verdict is Verdict.VALID


@pytest.mark.parametrize("status", [FROZEN, CANCELLED])
def test_status_frozen_or_cancelled_when_signed(status: SealStatus) -> None:
    lists = [opened(history((VALID, MADE), (status, SIGNED - DAY)))]
    found = world().verify(cached_signature(4), status=lists)
    assert (found.verdict, codes(found.status_steps, "fail")) == (Verdict.INVALID, {"SEAL_REVOKED"})
    step = found.status_steps[0]
    assert (step.facts["status"], step.facts["cause"]) == (status.name.lower(), f"because of {status.name}")
    assert (SIGNED - DAY).isoformat() == step.facts["since"]
    assert verify_esl(cached_seal(4), cached_trust(), NOW, status=lists).verdict is Verdict.INVALID
    assert verify_ses_value(cached_signature(4), cached_trust(), NOW, status=lists).verdict is Verdict.INVALID


@pytest.mark.parametrize("status", [FROZEN, CANCELLED])
def test_status_frozen_or_cancelled_after_signing(status: SealStatus) -> None:
    """A time-stamp carries a document past it; a claimed time does not, and the letter knows only the present status."""
    lists = [opened(history((VALID, MADE), (status, SIGNED + DAY)))]
    proven = world().verify(cached_signature(4), status=lists)
    assert (proven.verdict, codes(proven.status_steps, "warn")) == (Verdict.VALID, {"SEAL_REVOKED_AFTER"})
    claimed = world().verify(world().sign(stamped=False), status=lists)
    assert (claimed.verdict, bad(claimed)) == (Verdict.INDETERMINATE, {"SEAL_REVOKED_AFTER"})
    strict = world().verify(cached_signature(4), status=lists, strict=True)
    assert (strict.verdict, bad(strict)) == (Verdict.INVALID, {"SEAL_REVOKED"})


def test_unfrozen_before_signing() -> None:
    thawed = history((VALID, MADE), (FROZEN, MADE + DAY), (VALID, MADE + 2 * DAY))
    assert world().verify(cached_signature(4), status=[opened(thawed)]).verdict is Verdict.VALID
    while_frozen = world().verify(world().forge(at=MADE + DAY + timedelta(hours=1)), status=[opened(thawed)])
    assert (while_frozen.verdict, bad(while_frozen)) == (Verdict.INVALID, {"SEAL_REVOKED"})


def test_status_expired() -> None:
    after = world().verify(cached_signature(4), status=[opened(history((VALID, MADE), (EXPIRED, SIGNED + DAY)))])
    assert (after.verdict, "SEAL_EXPIRED_NOW" in warnings(after)) == (Verdict.VALID, True)
    before_list = [opened(history((VALID, MADE), (EXPIRED, SIGNED - DAY)))]
    before = world().verify(cached_signature(4), status=before_list)
    assert (before.verdict, bad(before)) == (Verdict.INVALID, {"SEAL_EXPIRED_AT_SIGNING"})
    alone = world().verify_seal(cached_seal(4), status=before_list)
    assert (alone.verdict, "SEAL_EXPIRED_NOW" in warnings(alone)) == (Verdict.VALID, True)
    strict = world().verify_seal(cached_seal(4), status=before_list, strict=True)
    assert (strict.verdict, bad(strict)) == (Verdict.INVALID, {"SEAL_EXPIRED_NOW"})


def test_attack_an_older_list_does_not_speak_for_a_newer_one_that_has_ended() -> None:
    """The newer one says that the seal is cancelled, and counted for a shorter time: what its publisher says now is not in the older."""
    cancelled = history((VALID, MADE), (CANCELLED, SIGNED - DAY))

    def listed(seal: SealHistory, issued_at: datetime, days: int) -> OpenedStatusList:
        return open_status_list(published(SealStatusList(7, issued_at, issued_at + days * DAY, (seal,))), cached_trust(), NOW)

    older, ended = listed(ACTIVE, NOW - 4 * DAY, 7), listed(cancelled, NOW - 3 * DAY, 1)
    assert (older.ended, ended.content) == (None, None)
    assert world().verify(cached_signature(4), status=[older]).verdict is Verdict.VALID
    for lists in ([older, ended], [ended, older]):
        found = world().verify(cached_signature(4), status=lists)
        assert (found.verdict, bad(found)) == (Verdict.INDETERMINATE, {"SEAL_STATUS_UNKNOWN"})
    # one that was followed by a newer list is over for good, and one of other seals says nothing of this
    assert world().verify(cached_signature(4), status=[opened(ACTIVE), ended]).verdict is Verdict.VALID
    other = listed(history((VALID, MADE), seal_id="another"), NOW - 3 * DAY, 1)
    assert world().verify(cached_signature(4), status=[older, other]).verdict is Verdict.VALID


def test_unknown_is_never_valid() -> None:
    not_listed = world().verify(cached_signature(4), status=[opened(history((VALID, MADE), seal_id="another"))])
    assert (not_listed.verdict, bad(not_listed)) == (Verdict.INDETERMINATE, {"SEAL_STATUS_UNKNOWN"})
    later = world().verify(cached_signature(4), status=[opened(history((VALID, SIGNED + DAY)))])
    assert (later.verdict, bad(later)) == (Verdict.INDETERMINATE, {"SEAL_STATUS_UNKNOWN"})
    strict = world().verify(cached_signature(4), strict=True)
    assert (strict.verdict, bad(strict)) == (Verdict.INDETERMINATE, {"SEAL_STATUS_UNKNOWN"})


def test_a_list_that_is_not_fresh_or_not_trusted_counts_for_nothing() -> None:
    stale = opened(ACTIVE, issued_at=NOW - 2 * DAY)
    future = opened(ACTIVE, issued_at=NOW + DAY)
    stranger = open_status_list(published(listing(ACTIVE), DemoPki.create(MADE, label="ses-other")), cached_trust(), NOW)
    nobody = open_status_list(published(listing(ACTIVE)), TrustList.empty(), NOW)
    for unusable in (stale, future, stranger, nobody):
        assert (unusable.content, unusable.verdict is Verdict.VALID) == (None, False)
        found = world().verify(cached_signature(4), status=[unusable])
        assert (found.verdict, bad(found)) == (Verdict.INDETERMINATE, {"SEAL_STATUS_UNKNOWN"})
        assert str(found.status_steps[0].facts["reason"]).startswith("status-list: ")
    assert codes(stale.steps, "not-checked") == {"SEAL_STATUS_LIST_BAD"}


def test_a_publisher_whose_certificate_was_revoked() -> None:
    here = world()
    trust = here.trust((here.pki.maker, NOW - timedelta(minutes=30), "keyCompromise"), issued=NOW)
    found = open_status_list(published(listing(ACTIVE)), trust, NOW)
    assert found.content is None


def test_the_worst_of_several_lists_decides() -> None:
    unusable = opened(ACTIVE, issued_at=NOW - 2 * DAY)
    frozen = opened(history((VALID, MADE), (FROZEN, SIGNED - DAY)))
    assert world().verify(cached_signature(4), status=[unusable, opened(ACTIVE)]).verdict is Verdict.VALID
    assert world().verify(cached_signature(4), status=[opened(ACTIVE), frozen]).verdict is Verdict.INVALID


def test_a_seal_made_again_keeps_its_identifier() -> None:
    """The old seal is cancelled, the new one valid: the digest tells them apart."""
    here = world()
    renewed = here.seal(created_at=MADE + DAY, valid_from=MADE)
    old, new = read_seal(cached_seal(4)), read_seal(renewed)
    lists = [
        opened(
            history((VALID, MADE), (CANCELLED, MADE + DAY), digest=seal_digest(old)),
            history((VALID, MADE + DAY), digest=seal_digest(new)),
        )
    ]
    assert here.verify(cached_signature(4), status=lists).verdict is Verdict.INVALID
    assert here.verify(here.sign(renewed), status=lists).verdict is Verdict.VALID
    only_other = [opened(history((VALID, MADE), digest=seal_digest(new)))]
    assert bad(here.verify(cached_signature(4), status=only_other)) == {"SEAL_STATUS_UNKNOWN"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(1, 255))
def test_flip_any_byte_of_a_list(place: int, octet: int) -> None:
    spoilt = bytearray(published(listing(ACTIVE)))
    spoilt[place % len(spoilt)] ^= octet
    lean = replace(cached_trust(), intermediates=())  # the issuer's certificate in the list counts
    assert open_status_list(bytes(spoilt), lean, NOW).content is None


@given(st.binary(max_size=200))
def test_noise_is_no_list(noise: bytes) -> None:
    assert open_status_list(noise, cached_trust(), NOW).content is None


def document(**changes: Any) -> bytes:
    seal = {"seal_id": "1", "records": [{"status": 0, "since": "2026-06-01T00:00:00Z"}]}
    whole = {
        "format": "yinxin-seal-status-list",
        "version": 1,
        "number": 1,
        "issued_at": "2026-06-02T00:00:00Z",
        "next_update": "2026-06-03T00:00:00Z",
        "seals": [seal],
    }
    return json.dumps(whole | changes).encode()


def records(*items: Any) -> dict[str, Any]:
    return {"seals": [{"seal_id": "1", "records": list(items)}]}


RECORD = {"status": 0, "since": "2026-06-01T00:00:00Z"}
MALFORMED = {
    "not JSON": b"{",
    "not UTF-8": b"\xff",
    "not an object": b"[]",
    "deep": b"[" * 100_000,
    "a constant": b'{"format": NaN}',
    "a key twice": document().replace(b'"number": 1,', b'"number": 1, "number": 1,'),
    "a key twice inside": document().replace(b'"status": 0,', b'"status": 0, "status": 0,'),
    "another format": document(format="other"),
    "another version": document(version=2),
    "version true": document(version=True),
    "a key more": document(more=1),
    "a number below zero": document(number=-1),
    "a number too large": document(number=1 << 63),
    "no time": document(issued_at="yesterday"),
    "time is a number": document(issued_at=1),
    "next before issue": document(next_update="2026-06-01T00:00:00Z"),
    "seals no array": document(seals={}),
    "seal without identifier": document(seals=[{"seal_id": "", "records": [RECORD]}]),
    "seal twice": document(seals=[{"seal_id": "1", "records": [RECORD]}] * 2),
    "digest no text": document(seals=[{"seal_id": "1", "seal_digest": 1, "records": [RECORD]}]),
    "digest no hex": document(seals=[{"seal_id": "1", "seal_digest": "xx", "records": [RECORD]}]),
    "digest short": document(seals=[{"seal_id": "1", "seal_digest": "00", "records": [RECORD]}]),
    "no records": document(**records()),
    "records out of order": document(**records(RECORD, RECORD)),
    "record after the issue": document(**records({"status": 0, "since": "2026-06-02T00:00:01Z"})),
    "status unknown": document(**records({"status": 4, "since": "2026-06-01T00:00:00Z"})),
    "status is text": document(**records({"status": "0", "since": "2026-06-01T00:00:00Z"})),
    "reason is a number": document(**records(RECORD | {"reason": 1})),
    "reason too long": document(**records(RECORD | {"reason": "x" * 501})),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_lists(name: str) -> None:
    with pytest.raises(MalformedError) as refused:
        read_status_list(MALFORMED[name])
    assert refused.value.code == "SEAL_STATUS_LIST_MALFORMED"


def test_a_well_formed_list_of_others() -> None:
    content = read_status_list(document())
    assert content.seals[0].at(datetime.fromisoformat("2026-05-31T00:00:00+00:00")) is None
    assert content.seals[0].at(content.issued_at) == content.seals[0].records[0]


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_list, "MAX_LIST_BYTES", 10)
    with pytest.raises(MalformedError):
        read_status_list(document())
    assert open_status_list(bytes(11), cached_trust(), NOW).content is None
    monkeypatch.setattr(status_list, "MAX_LISTS", 2)
    assert len(open_status_lists([b""] * 5, cached_trust(), NOW)) == 2


def test_what_cannot_be_read_back_is_not_written() -> None:
    for unwritable in (
        listing(replace(ACTIVE, records=(StatusRecord(VALID, MADE + timedelta(microseconds=1)),))),
        listing(history((VALID, ENDS))),
    ):
        with pytest.raises(TrustError):
            published(unwritable)
