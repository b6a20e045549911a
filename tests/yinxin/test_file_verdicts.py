"""One door for every kind of file: what spoils a licence does not spoil another document, and no licence passes for another document."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.known_until import while_known
from crypto.report import Question, Report, Verdict
from crypto.trust_list import TrustList
from seal_service import verify
from tests.seal_service.ofd import documents as ofd
from tests.seal_service.pdf import sealing as pdf_sealing
from tests.seal_service.test_attachments import AT, SPECIFICATION, TREE, hand_made, row, with_attachments
from tests.standards.gbt33190_ofd.archives import pack
from yinxin.file_verdicts import LISTING_BYTES, names_licence_data, verify_any_file

if TYPE_CHECKING:
    from datetime import datetime


def doubled_pdf(name: bytes) -> bytes:
    """Sealed, with a file whose specification gives it two names."""
    specification = SPECIFICATION.replace(b"/F(a)", b"/F(" + name + b")").replace(b"/UF(a)", b"/UF(b)")
    return pdf_sealing.sealed(hand_made(specification=specification, root=TREE.replace(b"(a)", b"(" + name + b")")))


def doubled_ofd(name: str) -> bytes:
    """Sealed, with two files of one name but for its letter case."""
    rows = row(name, "a.json") + row(name.upper(), "a.json", 61)
    return pack(ofd.sign(with_attachments(rows, {"a.json": b"{}"}), ofd.Signing()))


def with_more(document: bytes, files: dict[str, bytes]) -> bytes:
    """The package with files in front that nothing protects."""
    with zipfile.ZipFile(io.BytesIO(document)) as package:
        return pack(files | {name: package.read(name) for name in package.namelist()})


@pytest.mark.parametrize(
    ("document", "is_licence"),
    [
        (doubled_pdf(b"licence.json"), True),
        (doubled_pdf(b"licence-copy.json"), True),
        (doubled_pdf(b"notes.txt"), False),
        (doubled_ofd("licence.json"), True),
        (doubled_ofd("original-licence.json"), True),
        (doubled_ofd("notes.txt"), False),
        (with_more(doubled_ofd("licence.json"), {"a-attachments.xml": b" " * (LISTING_BYTES + 1)}), True),
    ],
    ids=["pdf-licence", "pdf-copy", "pdf", "ofd-licence", "ofd-copy", "ofd", "ofd-unreadable-listing"],
)
def test_a_licence_whose_files_are_refused_is_not_valid(document: bytes, is_licence: bool) -> None:
    trust = pdf_sealing.pki().trust_list() if document.startswith(b"%PDF") else ofd.pki().trust_list()
    report = verify_any_file(document, trust, AT if document.startswith(b"%PDF") else ofd.AT)
    assert names_licence_data(document) is is_licence
    assert ("SEALED_FILES_REFUSED" in {step.code for step in report.steps}) is is_licence
    assert report.verdict is (Verdict.INVALID if is_licence else Verdict.VALID)


def test_a_document_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files made to exhaust a reader cost what one verification costs."""
    examine_once, calls = verify.examine_file, []

    def counted(data: bytes, trust: TrustList, at: datetime) -> verify.Examined:
        calls.append(data)
        return examine_once(data, trust, at)

    monkeypatch.setattr(verify, "examine_file", counted)
    assert verify_any_file(b"%PDF-1.7 broken", pdf_sealing.pki().trust_list(), AT).verdict is not Verdict.VALID
    assert len(calls) == 1


def test_by_knowledge_that_has_ended_nothing_is_valid_and_what_is_wrong_stays_wrong() -> None:
    trust = pdf_sealing.pki().trust_list()
    ended, lasting = replace(trust, ends_at=AT - timedelta(seconds=1)), replace(trust, ends_at=AT)
    sealed = doubled_pdf(b"notes.txt")
    valid = verify_any_file(sealed, trust, AT)
    assert valid.verdict is Verdict.VALID
    assert verify_any_file(sealed, lasting, AT) == valid
    late = verify_any_file(sealed, ended, AT)
    assert (late.verdict, late.tampered, late.steps[-1].code) == (Verdict.INDETERMINATE, False, "TRUST_BUNDLE_EXPIRED")
    assert [(each.verdict, each.trusted, each.document_intact) for each in late.signatures] == [(Verdict.INDETERMINATE, None, True)]
    changed = sealed.replace(b"/MediaBox", b"/MediaBux", 1)
    assert verify_any_file(changed, ended, AT).verdict is Verdict.INVALID
    assert verify_any_file(b"no sealed file", ended, AT) == verify_any_file(b"no sealed file", trust, AT)
    # What is joined ends with the first of its parts
    assert trust.joined_with(ended).ends_at == lasting.joined_with(ended).ends_at == ended.ends_at
    assert trust.joined_with(trust).ends_at is None


def test_by_knowledge_of_a_later_day_than_the_clock_says_nothing_is_valid() -> None:
    trust = pdf_sealing.pki().trust_list()
    later, hardly = (replace(trust, issued_at=AT + timedelta(seconds=each)) for each in (301, 300))
    sealed = doubled_pdf(b"notes.txt")
    valid = verify_any_file(sealed, trust, AT, is_by_clock=True)
    assert valid.verdict is Verdict.VALID
    assert verify_any_file(sealed, hardly, AT, is_by_clock=True) == valid
    assert verify_any_file(sealed, later, AT) == valid, "a moment that was asked about may lie before what is known"
    told = verify_any_file(sealed, later, AT, is_by_clock=True)
    assert (told.verdict, told.tampered, told.steps[-1].code) == (Verdict.INDETERMINATE, False, "TRUST_BUNDLE_FROM_FUTURE")
    assert told.steps[-1].facts == {"issued_at": "2026-11-20T08:35:16+00:00", "at": "2026-11-20T08:30:15+00:00"}
    assert [(each.verdict, each.trusted, each.document_intact) for each in told.signatures] == [(Verdict.INDETERMINATE, None, True)]
    changed = sealed.replace(b"/MediaBox", b"/MediaBux", 1)
    assert verify_any_file(changed, later, AT, is_by_clock=True).verdict is Verdict.INVALID
    # What is joined is as new as the newer; one that ended before it was made is doubted for both
    assert trust.joined_with(later).issued_at == later.joined_with(hardly).issued_at == later.issued_at
    both = while_known(valid, replace(later, ends_at=AT - timedelta(seconds=1)), AT, is_by_clock=True)
    assert [each.code for each in both.steps[-2:]] == ["TRUST_BUNDLE_EXPIRED", "TRUST_BUNDLE_FROM_FUTURE"]


def test_the_questions_that_knowledge_answers_are_open_once_it_has_ended() -> None:
    questions = (Question("number", Verdict.VALID, ()), Question("status", Verdict.VALID, ()), Question("seal", Verdict.INVALID, ()))
    late = while_known(Report(Verdict.INVALID, None, (), questions=questions), TrustList(ends_at=AT), AT + timedelta(seconds=1))
    assert [(each.name, each.verdict.value, len(each.steps)) for each in late.questions] == [
        ("number", "valid", 0),
        ("status", "indeterminate", 1),
        ("seal", "invalid", 0),
    ]
    assert late.verdict is Verdict.INVALID
