"""Changes by chance: any byte inside the signed range flipped is noticed, and no mutation raises or becomes valid."""

from __future__ import annotations

import contextlib
import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.report import Verdict
from crypto.trust_list import TrustList
from seal_service.pdf import verify as module
from seal_service.pdf.limits import DEFAULT
from seal_service.pdf.sealing_checks import Setting
from seal_service.pdf.sealing_value import Profile
from seal_service.pdf.verify import verify_pdf
from standards.errors import TrustError
from tests.optional import corpus
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import AT, pki, sealed
from tests.seal_service.pdf.seals_inside import sealed_with
from tests.seal_service.pdf.tampering import RIGHT, append, byte_range, failures, sealed_form, undecided, verify


@cache
def originals() -> tuple[bytes, ...]:
    two = sealed(sealed_form(), placement=(RIGHT.__class__)(1, 60, 140), field_name="Second")
    return (
        sealed_form(),
        two,
        append(sealed_form(), {}),
        sealed(build(page_objects(), kind="stream")),
        sealed(build(page_objects(), kind="hybrid")),
        sealed_with(Profile.PADES_SES, build(page_objects())),
        sealed_with(Profile.SES, build(page_objects())),
    )


def check(data: bytes) -> None:
    """Not valid, and nothing raised even below the edge that would catch it."""
    try:
        report = module._verify(data, Setting(pki().trust_list(), AT), DEFAULT).report
    except TrustError:
        report = verify_pdf(data, pki().trust_list(), AT)
    assert report.verdict is not Verdict.VALID
    for signature in report.signatures:
        assert signature.steps


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_flipped_byte_inside_the_signed_range_is_noticed(data: st.DataObject) -> None:
    original = sealed_form()
    _, first, second, rest = byte_range(original)
    at = data.draw(st.integers(0, first - 1) | st.integers(second, second + rest - 1))
    changed = bytearray(original)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    check(bytes(changed))
    report = verify(bytes(changed))
    if report.signatures and not undecided(report) & {"PDF_RECOVERED", "PDF_UNREADABLE"}:
        assert failures(report) or undecided(report)


def check_covered(changed: bytes, original: bytes) -> None:
    """Nothing raised; valid only where the range of the first seal is as it was (what follows it may be cut off or allowed)."""
    with contextlib.suppress(TrustError):
        module._verify(changed, Setting(TrustList.empty(), AT), DEFAULT)
    if verify_pdf(changed, pki().trust_list(), AT).verdict is Verdict.VALID:
        _, first, second, rest = byte_range(original, 0)
        assert changed[:first] == original[:first]
        assert changed[second : second + rest] == original[second : second + rest]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 4))
def test_mutations_never_raise_and_never_become_valid(seed: int, which: int) -> None:
    chance = random.Random(seed)
    data = bytearray(originals()[which])
    signed_end = len(data) - 8
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(signed_end)
        action = chance.randrange(4)
        if action == 0:
            data[at] = chance.randrange(256)
        elif action == 1:
            del data[at : at + chance.randint(1, 300)]
        elif action == 2:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 20)))
        else:
            other = chance.randrange(len(data))
            data[at : at + 40] = data[other : other + 40]
        signed_end = max(1, min(signed_end, len(data) - 8))
    check_covered(bytes(data), originals()[which])


WORDS = [
    b"/ByteRange", b"/Contents", b"/Annots", b"/AcroForm", b"/Fields", b"/Kids", b"/Prev", b"/Root", b"/Type", b"/Length", b"0 R", b"obj",
    b"endobj", b"stream", b"endstream", b"xref", b"trailer", b"startxref", b"<<", b">>", b"[", b"]", b"null",
]  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 4), st.sampled_from(WORDS), st.sampled_from([*WORDS, b"9 0 R", b"-1", b"99999999999", b"(", b"%"]), st.integers(0, 40)
)
def test_words_of_the_syntax_in_other_places(which: int, old: bytes, new: bytes, index: int) -> None:
    data = originals()[which]
    at = -1
    for _ in range(index % max(1, data.count(old)) + 1):
        at = data.find(old, at + 1)
    if at < 0 or old == new:
        return
    changed = data[:at] + new + data[at + len(old) :]
    check_covered(changed, data)


@pytest.mark.parametrize("step", range(60))
def test_truncations_of_the_corpus_never_raise(step: int) -> None:
    files = sorted((corpus() / "pdf").rglob("*.pdf"))
    path = files[step % len(files)]
    data = path.read_bytes()
    cut = data[: len(data) * (step + 1) // 61]
    with contextlib.suppress(TrustError):
        module._verify(cut, Setting(TrustList.empty(), AT), DEFAULT)
    assert verify_pdf(cut, TrustList.empty(), AT).verdict is not Verdict.VALID


def test_trouble_nobody_thought_of_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(module, "_verify", broken)
    report = verify(sealed_form())
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert [step.facts["reason"] for step in report.steps] == ["RecursionError"]
