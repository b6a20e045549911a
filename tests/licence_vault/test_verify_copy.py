"""Annotated copies before the verifier: never the original, never longer than they say, never of another licence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.report import Verdict
from crypto.report_text import sentence
from licence_vault.copies import CopyStatement, SaltedCopy, read_salted_copy
from licence_vault.limits import COPY_DAYS_MAX, COPY_JSON_BYTES, COPY_MAKER_CHARACTERS, COPY_REASON_CHARACTERS
from licence_vault.model import AskedHolder, SaltedLicence, write_canonical
from licence_vault.verify import COPY_FILES, COPY_NAME, DATA_NAME, LICENCE_FILES, ORIGINAL_FILES, ORIGINAL_NAME, is_licence
from standards import ietf_status_list as lists
from standards.errors import TrustError
from tests.licence_vault.samples import sample_licence
from tests.licence_vault.test_verify import (
    AT,
    LICENCE,
    LOGS,
    SALT,
    TRUST,
    Judge,
    leaf_of,
    outcome,
    proof_of,
    question,
    status_token,
    verify,
)

ORIGINAL = SaltedLicence(LICENCE, SALT)
OTHER = SaltedLicence(sample_licence(number="示例字〔2026〕第0002号"), bytes(range(1, 33)))
COPY = CopyStatement(
    form="pdf",
    licence=ORIGINAL.commitment(),
    made_by="示例区不动产登记窗口",
    reason="办理转移登记（样例）",
    made_at=AT - timedelta(hours=1),
    until=AT + timedelta(days=30),
)


def copy_files(copy: CopyStatement = COPY, original: SaltedLicence = ORIGINAL, **leaf_changes: Any) -> dict[str, bytes]:
    """What travels in a copy, rightly logged."""
    salted = SaltedCopy(copy, SALT[::-1])
    made = leaf_of(original)
    annotated = leaf_of(original, **({"event": "annotated", "previous": 0, "commitment": salted.commitment()} | leaf_changes))
    found = {ORIGINAL_FILES.data: original.canonical(), COPY_FILES.data: salted.canonical()}
    for names, entry in ((ORIGINAL_FILES, made), (COPY_FILES, annotated)):
        found |= {names.leaf: entry} | {name: proof_of(entry, which) for which, name in enumerate(names.proofs)}
    return found


@cache
def good() -> dict[str, bytes]:
    return copy_files()


def with_files(changes: dict[str, bytes | None]) -> Judge:
    return Judge({name: data for name, data in (good() | changes).items() if data is not None})


def test_a_good_copy_is_valid_and_says_that_it_is_one() -> None:
    judge = Judge(good())
    assert is_licence(judge.judge(b"document", TRUST, AT))
    found = verify(judge, holder=AskedHolder(LICENCE.holders[0].name, LICENCE.holders[0].code))
    assert found.report.verdict is Verdict.VALID
    assert [each.name for each in found.report.questions] == ["number", "content", "seal", "log", "status", "copy", "holder"]
    assert (found.licence, found.is_copy, found.copy) == (LICENCE, True, COPY)
    assert outcome(found, "copy") == (Verdict.VALID, ["LICENCE_COPY_FOR"]), "even a good one is not to be taken for the original"
    step = question(found, "copy").steps[0]
    assert step.facts == {
        "made_by": COPY.made_by,
        "reason": COPY.reason,
        "made_at": "2026-11-28 19:00+08:00",
        "until": "2026-12-28 20:00+08:00",
    }
    assert "不是原件" in sentence(step, "zh")
    assert "no original" in sentence(step, "en")


def test_an_original_is_not_asked_whether_it_is_a_copy() -> None:
    found = verify(is_original_asked=True)
    assert (found.report.verdict, found.is_copy, found.copy) == (Verdict.VALID, False, None)
    assert all(each.name != "copy" for each in found.report.questions)


def test_where_the_original_is_asked_for_no_copy_will_do() -> None:
    found = verify(Judge(good()), is_original_asked=True)
    assert found.report.verdict is Verdict.INVALID
    assert "LICENCE_COPY_NO_ORIGINAL" in outcome(found, "copy")[1]


def test_whoever_knows_nothing_of_copies_finds_no_licence() -> None:
    """The files of a copy have other names than those of a licence, so that no older reader takes one for the original."""
    assert not set(good()) & {LICENCE_FILES.data, LICENCE_FILES.leaf, *LICENCE_FILES.proofs}


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-1, "LICENCE_COPY_NOT_YET"), (0, None), (31 * 86400 - 3600 * 23, None), (31 * 86400 - 3600 * 23 + 1, "LICENCE_COPY_EXPIRED")],
)
def test_a_copy_is_good_for_its_time_and_no_longer(seconds: int, code: str | None) -> None:
    at = COPY.made_at + timedelta(seconds=seconds)
    found = verify(Judge(good()), replace(TRUST, status_tokens=(status_token(at=at),)), at=at)
    assert found.report.verdict is (Verdict.VALID if code is None else Verdict.INVALID)
    assert outcome(found, "copy")[1] == ["LICENCE_COPY_FOR", *([] if code is None else [code])]


@pytest.mark.parametrize(("hour", "is_read"), [(15, True), (16, False), (23, False)])
def test_attack_a_time_that_cannot_be_told_in_china_raises_nothing(hour: int, is_read: bool) -> None:
    end = datetime(9999, 12, 31, hour, 59, 59, tzinfo=UTC)
    found = verify(Judge(copy_files(replace(COPY, made_at=end - timedelta(days=1), until=end))))
    assert found.report.verdict is Verdict.INVALID
    assert outcome(found, "copy")[1] == (["LICENCE_COPY_FOR", "LICENCE_COPY_NOT_YET"] if is_read else ["LICENCE_COPY_UNREADABLE"])


@pytest.mark.parametrize("status", [lists.INVALID, lists.SUSPENDED])
def test_a_copy_of_a_revoked_or_suspended_licence_is_not_valid(status: int) -> None:
    found = verify(Judge(good()), replace(TRUST, status_tokens=(status_token(status),)))
    assert (found.report.verdict, outcome(found, "status")[0], outcome(found, "copy")[0]) == (
        Verdict.INVALID,
        Verdict.INVALID,
        Verdict.VALID,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"made_by": "别的窗口"},
        {"reason": "办理别的事项"},
        {"until": COPY.until + timedelta(days=1)},
        {"made_at": COPY.made_at - timedelta(days=1)},
        {"form": "ofd"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_annotation_does_not_fit_its_entry_in_the_log(change: dict[str, Any]) -> None:
    """Whoever could even seal anew in the issuer's name has not what the log has."""
    altered = SaltedCopy(replace(COPY, **change), SALT[::-1]).canonical()
    found = verify(with_files({COPY_NAME: altered}))
    assert found.report.verdict is Verdict.INVALID
    assert "LICENCE_LEAF_OTHER" in outcome(found, "copy")[1]


@pytest.mark.parametrize(
    ("changes", "verdict", "code"),
    [
        ({COPY_NAME: None}, Verdict.INDETERMINATE, "LICENCE_COPY_MISSING"),
        ({COPY_NAME: b"{}"}, Verdict.INVALID, "LICENCE_COPY_UNREADABLE"),
        ({COPY_FILES.leaf: None}, Verdict.INDETERMINATE, "LICENCE_LEAF_MISSING"),
        ({COPY_FILES.leaf: b"{}"}, Verdict.INVALID, "LICENCE_LEAF_UNREADABLE"),
        (dict.fromkeys(COPY_FILES.proofs), Verdict.INDETERMINATE, "LICENCE_NOT_SHOWN_LOGGED"),
        ({COPY_FILES.proofs[0]: b"noise"}, Verdict.INVALID, "LICENCE_PROOF_UNREADABLE"),
        ({ORIGINAL_NAME: None}, Verdict.INDETERMINATE, "LICENCE_COPY_OF_NOTHING"),
        ({DATA_NAME: ORIGINAL.canonical()}, Verdict.INVALID, "LICENCE_COPY_MIXED"),
    ],
    ids=["no-statement", "no-form", "no-leaf", "leaf-form", "no-proof", "proof-form", "no-data", "both"],
)
def test_a_copy_lacks_nothing(changes: dict[str, bytes | None], verdict: Verdict, code: str) -> None:
    found = verify(with_files(changes))
    assert outcome(found, "copy")[0] is verdict
    assert code in outcome(found, "copy")[1]
    assert found.report.verdict is verdict
    assert found.is_copy


def test_what_belongs_to_another_licence_does_not_fit() -> None:
    theirs = copy_files(replace(COPY, licence=OTHER.commitment()), OTHER)
    for taken in (
        [ORIGINAL_NAME],
        [ORIGINAL_NAME, ORIGINAL_FILES.leaf, *ORIGINAL_FILES.proofs],  # the whole of another licence under our annotation
        [COPY_NAME],
        [COPY_NAME, COPY_FILES.leaf, *COPY_FILES.proofs],  # the whole annotation of another licence's copy under our licence
        [COPY_FILES.leaf, *COPY_FILES.proofs],
        [ORIGINAL_FILES.leaf, *ORIGINAL_FILES.proofs],
    ):
        found = verify(with_files({name: theirs[name] for name in taken}))
        assert found.report.verdict is Verdict.INVALID, taken
    mixed = verify(with_files({name: theirs[name] for name in [COPY_NAME, COPY_FILES.leaf, *COPY_FILES.proofs]}))
    assert "LICENCE_COPY_OF_OTHER" in outcome(mixed, "copy")[1]


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"event": "made"}, "event"),
        ({"event": "printed"}, "event"),
        ({"version": "002"}, "version"),
        ({"status_index": 1}, "status_index"),
        ({"commitment": ORIGINAL.commitment()}, "commitment"),
    ],
)
def test_no_other_entry_of_the_log_stands_for_the_annotation(changes: dict[str, Any], member: str) -> None:
    found = verify(Judge(copy_files(**changes)))
    (step,) = (each for each in question(found, "copy").steps if each.code == "LICENCE_LEAF_OTHER")
    assert step.facts["member"] == member
    assert found.report.verdict is Verdict.INVALID


def test_a_copy_with_its_annotation_taken_out_is_no_original() -> None:
    """Even under a seal of the issuer: the data under the names of an original, with the entry of the copy, are none."""
    parts = good()
    renamed = {
        LICENCE_FILES.data: parts[ORIGINAL_NAME],
        LICENCE_FILES.leaf: parts[COPY_FILES.leaf],
        **{name: parts[COPY_FILES.proofs[which]] for which, name in enumerate(LICENCE_FILES.proofs)},
    }
    found = verify(Judge(renamed))
    assert (found.report.verdict, found.is_copy) == (Verdict.INVALID, False)
    assert outcome(verify(Judge({name: data for name, data in parts.items() if name != COPY_NAME})), "copy")[0] is Verdict.INDETERMINATE


def test_every_flipped_byte_of_the_attached_files_shows() -> None:
    for name, data in good().items():
        trust = replace(TRUST, logs=LOGS[1:] if "sha256" in name else LOGS[:1])
        for position in range(0, len(data), max(1, len(data) // 24)):
            flipped = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
            assert verify(Judge(good() | {name: flipped}), trust).report.verdict is not Verdict.VALID, (name, position)


@given(st.dictionaries(st.sampled_from(sorted(good())), st.binary(max_size=120)), st.sampled_from(list(Verdict)))
def test_noise_inside_never_raises_and_is_never_valid(noise: dict[str, bytes], verdict: Verdict) -> None:
    found = verify(Judge({**good(), **noise}, verdict))
    if any(good()[name] != data for name, data in noise.items()) or verdict is not Verdict.VALID:
        assert found.report.verdict is not Verdict.VALID


def altered(**members: Any) -> bytes:
    whole = json.loads(SaltedCopy(COPY, SALT).canonical())
    whole["copy"] |= members
    return write_canonical(whole)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "$"),
        (b"\xff", "$"),
        (b"[" * 4000, "$"),
        (b"[]", "$"),
        (b'{"copy":{},"salt":""}', "$.copy"),
        (SaltedCopy(COPY, SALT).canonical() + b" ", "$"),
        (altered(more=1), "$.copy"),
        (altered(v=2), "$.copy.v"),
        (altered(v=True), "$.copy.v"),
        (altered(form="doc"), "$.copy.form"),
        (altered(licence="00"), "$.copy.licence"),
        (altered(licence=1), "$.copy.licence"),
        (altered(made_by=""), "$.copy.made_by"),
        (altered(made_by="x" * 61), "$.copy.made_by"),
        (altered(reason="a\u202eb"), "$.copy.reason"),
        (altered(reason="a\nb"), "$.copy.reason"),
        (altered(reason="a\u2028b"), "$.copy.reason"),
        (altered(reason="a\u200bb"), "$.copy.reason"),
        (altered(made_by="a\u00a0b"), "$.copy.made_by"),
        (altered(reason=" a"), "$.copy.reason"),
        (altered(reason="由" * 201), "$.copy.reason"),
        (altered(reason=None), "$.copy.reason"),
        (altered(made_at="2026-11-28T08:00:00+00:00"), "$.copy.made_at"),
        (altered(made_at="2026-02-30T08:00:00Z"), "$.copy.made_at"),
        (altered(until=None), "$.copy.until"),
        (altered(until="2026-11-28T11:00:00Z"), "$.copy.until"),
        (altered(until=COPY.as_json()["made_at"]), "$.copy.until"),
    ],
)
def test_what_is_no_statement_of_a_copy(data: bytes, place: str) -> None:
    with pytest.raises(TrustError) as raised:
        read_salted_copy(data)
    assert (raised.value.code, raised.value.facts["place"]) == ("LICENCE_DATA_MALFORMED", place)


def test_statements_have_limits() -> None:
    assert read_salted_copy(SaltedCopy(COPY, SALT).canonical()) == SaltedCopy(COPY, SALT)
    for size, code in ((COPY_JSON_BYTES, "LICENCE_DATA_MALFORMED"), (COPY_JSON_BYTES + 1, "LICENCE_DATA_TOO_LARGE")):
        with pytest.raises(TrustError, match=code):
            read_salted_copy(b" " * size)
    longest = replace(COPY, made_by="示" * COPY_MAKER_CHARACTERS, reason="由" * COPY_REASON_CHARACTERS)
    assert read_salted_copy(SaltedCopy(longest, SALT).canonical()).statement == longest
    for days, is_good in ((COPY_DAYS_MAX, True), (COPY_DAYS_MAX + 1, False)):
        data = SaltedCopy(replace(COPY, until=COPY.made_at + timedelta(days=days)), SALT).canonical()
        if is_good:
            assert read_salted_copy(data).statement.until - COPY.made_at == timedelta(days=days)
        else:
            with pytest.raises(TrustError, match="LICENCE_DATA_MALFORMED"):
                read_salted_copy(data)
