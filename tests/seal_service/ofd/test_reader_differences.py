"""Attacks on what readers understand differently, by name: where ``OFD.xml`` is outside the references, it may be anything that reads."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from standards.gbt33190_ofd.zip_records import UTF8_FLAG as UTF8
from tests.seal_service.ofd.documents import EVIL, LIST, SIGNS, Signing, cms_value, codes, entries, sealed, sign, steps_of, verify
from tests.standards.gbt33190_ofd.archives import Entry, archive
from tests.standards.gbt33190_ofd.parts import PNG, body, entry, part, plain_files

ROOT = "Doc_0/Document.xml"
OPEN_ENTRY = Signing(leave_out=("OFD.xml",))
EVIL_ROOT = {"Doc_0/E.xml": part("Document", '<o:Pages><o:Page ID="1" BaseLoc="evil.xml"/></o:Pages>'), "Doc_0/evil.xml": EVIL}


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u3000", "\u2003", "\u0085", "\u2028"])
@pytest.mark.parametrize("form", ["{}" + ROOT, ROOT + "{}"])
def test_white_space_that_one_reader_trims_and_another_does_not(form: str, space: str) -> None:
    location = form.format(space)
    files = sign(plain_files(), OPEN_ENTRY) | {"OFD.xml": entry(body(location, signatures=f"/{LIST}")), **EVIL_ROOT}
    report = verify(archive([*entries(files), Entry(location, EVIL_ROOT["Doc_0/E.xml"], flags=UTF8)]))
    assert report.verdict is Verdict.INVALID
    assert "DUPLICATE_ENTRY" in codes(report, "fail")


@pytest.mark.parametrize(
    "alias", [f"{ROOT}.", f"{ROOT} ", f"{ROOT}::$DATA", "Doc_0./Document.xml", "Doc_0 /Document.xml.", "doc_0 /DOCUMENT.XML"]
)
def test_names_that_a_file_system_unpacks_over_another(alias: str) -> None:
    report = verify({**sealed(), alias: EVIL_ROOT["Doc_0/E.xml"]})
    assert report.verdict is Verdict.INVALID
    assert {step.facts.get("reason") for step in report.steps if step.code == "DUPLICATE_ENTRY"} == {"read-alike"}


@pytest.mark.parametrize("flags", [(UTF8, 0), (0, UTF8)])
def test_one_name_in_bytes_under_two_encodings(flags: tuple[int, int]) -> None:
    """The middle dot of personal names has two bytes of UTF-8, which without the flag read as GB 18030 as well."""
    name = "Doc_0/马·丁.xml".encode()
    report = verify(archive([*entries(sealed()), *(Entry(name, b"<a/>", flags=each) for each in flags)]))
    assert report.verdict is Verdict.INVALID
    assert "DUPLICATE_ENTRY" in codes(report, "fail")


@pytest.mark.parametrize(
    "name", ["Doc_0/附件.txt".encode("gbk"), "Doc_0/附件.txt".encode(), "Doc_0/ a b.txt", "Doc_0/a..txt", "Doc_0/a.txt"]
)
def test_honest_names_are_nobodys_duplicate(name: str | bytes) -> None:
    report = verify(archive([*entries(sealed()), Entry(name, b"1"), Entry("Doc_0/b.txt", b"2")]))
    assert report.verdict is Verdict.VALID


VERSIONS = '<o:Versions><o:Version ID="0" Index="0" Current="true" {}BaseLoc="V0.xml"/>{}</o:Versions>'


@pytest.mark.parametrize(
    "versions",
    [
        *(
            VERSIONS.format("", f'<o:Version ID="1" Index="1" {current} BaseLoc="V1.xml"/>')
            for current in ('Current="TRUE"', 'Current="True"', 'Current="yes"', 'Current="false" x:Current="true" xmlns:x="urn:x"')
        ),
        VERSIONS.format('xmlns:x="urn:x" x:BaseLoc="V1.xml" ', ""),
    ],
)
def test_a_version_that_some_reader_takes_for_the_current_one(versions: str) -> None:
    signed = plain_files() | {"V0.xml": part("DocVersion", f"<o:DocRoot>/{ROOT}</o:DocRoot>")}
    files = sign(signed, OPEN_ENTRY) | {"V1.xml": part("DocVersion", "<o:DocRoot>/Doc_0/E.xml</o:DocRoot>"), **EVIL_ROOT}
    report = verify(files | {"OFD.xml": entry(body(signatures=f"/{LIST}", extra=versions))})
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {"V1.xml", *EVIL_ROOT}


@pytest.mark.parametrize(
    ("extra", "after"),
    [
        (f"<o:X>{body('Doc_0/E.xml')}</o:X>", ""),
        (body("Doc_0/E.xml"), ""),
        ("<o:X><o:DocRoot>Doc_0/E.xml</o:DocRoot></o:X>", ""),
        ("", f"<o:X>{body('Doc_0/E.xml')}</o:X>"),
        ("", "<o:DocRoot>Doc_0/E.xml</o:DocRoot>"),
        ("", f"<o:Signatures>/{LIST}</o:Signatures>"),
        ('<o:X><o:Version Current="true" BaseLoc="V1.xml"/></o:X>', ""),
    ],
)
def test_what_chooses_the_document_stands_in_one_place(extra: str, after: str) -> None:
    files = sign(plain_files(), OPEN_ENTRY) | EVIL_ROOT
    report = verify(files | {"OFD.xml": entry(body(signatures=f"/{LIST}", extra=extra) + after)})
    assert report.verdict is Verdict.INDETERMINATE
    assert "misplaced" in {str(step.facts["reason"]).split()[0] for step in report.steps if step.code == "OFD_PART_UNREADABLE"}


def test_a_version_that_leads_nowhere_is_a_word_like_another() -> None:
    files = sign(plain_files(), OPEN_ENTRY)
    extra = "<o:CustomDatas><o:Version>3</o:Version></o:CustomDatas>"
    assert verify(files | {"OFD.xml": entry(body(signatures=f"/{LIST}", extra=extra))}).verdict is Verdict.VALID


def _under(encoding: str, text: bytes, mark: bytes = b"\xef\xbb\xbf") -> bytes:
    return mark + text.replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())


def test_a_mark_and_a_declaration_of_different_encodings() -> None:
    """By the mark the location is one name, by the declaration another."""
    title = body(signatures=f"/{LIST}").replace("<o:DocID>", "<o:Title>文件</o:Title><o:DocID>")
    files = sign(plain_files(), OPEN_ENTRY)
    assert verify(files | {"OFD.xml": _under("UTF-8", entry(title))}).verdict is Verdict.VALID
    assert verify(files | {"OFD.xml": _under("GBK", entry(body(signatures=f"/{LIST}")))}).verdict is Verdict.VALID
    report = verify(files | {"OFD.xml": _under("GBK", entry(title))})
    assert report.verdict is Verdict.INDETERMINATE
    assert ("OFD_UNREADABLE", "encoding") in {(step.code, step.facts.get("reason")) for step in report.steps}


def _with_seal_element(path: str) -> Signing:
    seal = f"<o:Seal><o:BaseLoc>/{path}</o:BaseLoc></o:Seal></o:SignedInfo>".encode()
    return Signing(
        index=1,
        kind="Sign",
        value=lambda original, _: cms_value(original),
        with_seal_file=False,
        leave_out=("OFD.xml", path),
        edit=lambda described: described.replace(b"</o:SignedInfo>", seal),
    )


def test_a_signature_does_not_make_any_file_its_own_by_calling_it_its_seal() -> None:
    """Another signer's value without a seal names the smuggled cover as its seal, so that nobody would ask who protects it."""
    info = body(signatures=f"/{LIST}").replace("<o:DocID>", "<o:Cover>evil.png</o:Cover><o:DocID>")
    files = sign(plain_files() | {"evil.png": PNG}, Signing(leave_out=("OFD.xml", "evil.png")), _with_seal_element("evil.png"))
    report = verify(files | {"OFD.xml": entry(info)})
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked") if step.code == "UNPROTECTED_REACHABLE"} == {"evil.png"}


def test_a_picture_beside_a_value_without_a_seal_must_be_listed() -> None:
    path = f"{SIGNS}/Sign_1/Seal.esl"
    files = sign(plain_files() | {path: b"anybody's"}, OPEN_ENTRY, _with_seal_element(path))
    report = verify(files)
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {path}
    assert verify(files, strict=True).verdict is Verdict.INVALID
