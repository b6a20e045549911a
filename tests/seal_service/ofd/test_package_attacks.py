"""Attacks on the package and its XML, by name. None is ever valid, and what gives it away is named."""

from __future__ import annotations

import stat
import struct
from typing import Any

import pytest

from crypto.report import Verdict
from crypto.report_json import write_report
from tests.seal_service.ofd.documents import (
    EVIL,
    LIST,
    PAGE,
    SEAL,
    SIGNATURE,
    VALUE,
    Signing,
    codes,
    entries,
    sealed,
    sign,
    steps_of,
    verify,
    with_doctype,
)
from tests.standards.gbt33190_ofd.archives import UNIX, Entry, archive, local_record, pack
from tests.standards.gbt33190_ofd.parts import part, plain_files

LAUGHS = "<!DOCTYPE a [<!ENTITY l0 'ha'>" + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
DECLARATIONS = {
    "xxe-file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "xxe-http": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>',
    "xxe-parameter": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>',
    "billion-laughs": LAUGHS,
}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=DECLARATIONS)
@pytest.mark.parametrize("where", ["OFD.xml", "Doc_0/Document.xml", LIST, SIGNATURE, PAGE])
def test_entities_are_refused_wherever_they_stand(where: str, declaration: str) -> None:
    """Also in parts that the signer himself made so, where every digest matches."""
    files = plain_files()
    if where in files:
        files[where] = with_doctype(files[where], declaration)
        report = verify(sign(files, Signing()))
    else:
        signing = Signing(edit=lambda described: with_doctype(described, declaration) if where == SIGNATURE else described)
        files = sign(files, signing)
        if where == LIST:
            files[LIST] = with_doctype(files[LIST], declaration)
        report = verify(files)
    assert report.verdict is Verdict.INVALID
    assert "OFD_XML_DOCTYPE" in {str(step.facts.get("reason")).split()[0] for step in steps_of(report, "fail")}


def test_xinclude_is_refused() -> None:
    files = plain_files()
    files[PAGE] = part("Page", '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>')
    report = verify(sign(files, Signing()))
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"OFD_PART_REFUSED"}


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "C:/x", "Doc_0\\Document.xml", "Doc_0/./x"])
def test_zip_slip_absolute_and_backslash_names(name: str) -> None:
    report = verify(archive([*entries(sealed()), Entry(name, b"x")]))
    assert (report.verdict, report.tampered) == (Verdict.INVALID, None)
    assert codes(report, "fail") == {"BAD_PATH"}


def test_symlink_in_the_package() -> None:
    link = Entry("Doc_0/link", b"/etc/passwd", made_by=UNIX, attributes=(stat.S_IFLNK | 0o777) << 16)
    report = verify(archive([*entries(sealed()), link]))
    assert report.verdict is Verdict.INVALID
    assert [step.facts["reason"] for step in steps_of(report, "fail")] == ["symbolic-link"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", [PAGE, "OFD.xml", LIST, SIGNATURE, VALUE, SEAL])
def test_duplicate_names(name: str, first: bool) -> None:
    """One reader takes the first of two entries, another the last."""
    sound = entries(sealed())
    evil = Entry(name, b"<evil/>")
    report = verify(archive([evil, *sound] if first else [*sound, evil]))
    assert report.verdict is not Verdict.VALID
    assert "DUPLICATE_ENTRY" in {step.code for step in report.steps if step.outcome.value == "fail"}
    if not first:
        # The sound entry is read, and still the signature itself is not valid, nor is it said to be intact or changed
        (only,) = report.signatures
        assert (only.verdict is Verdict.VALID) is (name == LIST)
        assert only.document_intact is (None if name in {PAGE, "OFD.xml", SEAL} else True)


def test_names_that_differ_in_case_only() -> None:
    report = verify({**sealed(), "doc_0/pages/page_0/content.xml": EVIL})
    assert report.verdict is Verdict.INVALID
    assert codes(report, "fail") == {"DUPLICATE_ENTRY"}


def test_zip64_lie() -> None:
    files = sealed()
    data = bytearray(pack(files))
    at = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, at + 42, 0xFFFFFFFF)
    report = verify(bytes(data))
    assert (report.verdict, report.signatures) == (Verdict.INDETERMINATE, ())
    assert codes(report) == {"OFD_UNREADABLE"}


def test_overlap_bomb() -> None:
    sound = entries(sealed())
    big = Entry("big", bytes(1 << 20))
    at = len(b"".join(local_record(each) for each in sound))
    copies = [Entry(f"copy{number}", bytes(1 << 20), packed=b"", packed_bytes=len(big.body), offset=at) for number in range(3)]
    report = verify(archive([*sound, big, *copies]))
    assert report.verdict is Verdict.INVALID
    assert {step.facts["reason"] for step in steps_of(report, "fail")} >= {"overlap", "local-name"}


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"local_name": b"Doc_0/Res/q.png"}, "local-name"),
        ({"local_sizes": (0, 1, 1)}, "local-sizes"),
        ({"local_method": 0}, "local-method"),
        ({"flags": 1}, "encrypted"),
    ],
)
def test_central_and_local_header_disagree(lie: dict[str, object], reason: str) -> None:
    sound = entries(sealed())
    for each in sound:
        if each.name == "Doc_0/Res/p.png":
            for key, value in lie.items():
                setattr(each, key, value)
    report = verify(archive(sound))
    assert report.verdict is Verdict.INVALID
    assert reason in {step.facts["reason"] for step in steps_of(report, "fail")}


def test_an_entry_that_the_directory_hides() -> None:
    report = verify(archive(entries(sealed()), before_directory=local_record(Entry("Doc_0/Document.xml", b"evil"))))
    assert report.verdict is Verdict.INVALID
    assert [step.facts["reason"] for step in report.steps] == ["hidden-entry"]


def test_another_document_in_front_of_the_package() -> None:
    report = verify(archive(entries(sealed()), prefix=b"%PDF-1.7 another document"))
    assert report.verdict is Verdict.INDETERMINATE
    assert codes(report, "not-checked") == {"OFD_CONTAINER_STRAY"}


@pytest.mark.parametrize(
    ("package", "outcome", "reason"),
    [
        ({"trailing": b"\n"}, "warn", "after-end"),
        ({"trailing": b"\r\n\0\0\x1a"}, "warn", "after-end"),
        ({"trailing": b"%PDF-1.7 another document"}, "not-checked", "content-after-end"),
        ({"trailing": b"\n\0x"}, "not-checked", "content-after-end"),
        ({"comment": b"sealed for somebody else"}, "warn", "comment"),
    ],
)
def test_what_stands_behind_the_package_is_never_passed_over(package: dict[str, Any], outcome: str, reason: str) -> None:
    """Padding shows nothing; anything else may be another document to another reader, so what the file is stays open."""
    report = verify(archive(entries(sealed()), **package))
    assert report.verdict is (Verdict.VALID if outcome == "warn" else Verdict.INDETERMINATE)
    assert [(step.code, step.outcome.value, step.facts["reason"]) for step in report.steps] == [("OFD_CONTAINER_STRAY", outcome, reason)]
    written = write_report("a.ofd", report, "en")
    assert [(step["code"], step["outcome"]) for step in written["steps"]] == [("OFD_CONTAINER_STRAY", outcome)]
    assert reason in written["steps"][0]["detail"]


def test_a_sound_package_has_nothing_to_be_said_of_it_as_a_whole() -> None:
    assert "steps" not in write_report("a.ofd", verify(pack(sealed())), "en")
