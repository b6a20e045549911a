"""Attacks on what readers understand differently, by name: where ``OFD.xml`` is outside the references, it may be anything that reads."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from standards.gbt33190_ofd.zip_records import UTF8_FLAG as UTF8
from tests.seal_service.ofd.documents import EVIL, LIST, SIGNS, Signing, cms_value, codes, entries, sealed, sign, steps_of, verify
from tests.standards.gbt33190_ofd.archives import Entry, archive, pack
from tests.standards.gbt33190_ofd.parts import PNG, body, entry, part, plain_files

ROOT = "Doc_0/Document.xml"
OPEN_ENTRY = Signing(leave_out=("OFD.xml",))
EVIL_ROOT = {"Doc_0/E.xml": part("Document", '<o:Pages><o:Page ID="1" BaseLoc="evil.xml"/></o:Pages>'), "Doc_0/evil.xml": EVIL}
SPACED = [form.format(space) for space in (" ", "\u00a0", "\u3000", "\u2003", "\u0085", "\u2028") for form in ("{}" + ROOT, ROOT + "{}")]
ALIASES = [f"{ROOT}.", f"{ROOT} ", f"{ROOT}::$DATA", "Doc_0./Document.xml", "Doc_0 /Document.xml.", "doc_0 /DOCUMENT.XML"]
HONEST: list[str | bytes] = ["Doc_0/附件.txt".encode("gbk"), "Doc_0/附件.txt".encode(), "Doc_0/ a b.txt", "Doc_0/a..txt", "Doc_0/a.txt"]
DOT = "Doc_0/马·丁.xml".encode()  # the middle dot of personal names: two bytes of UTF-8 that read as GB 18030 as well
VERSION = '<o:Version ID="1" Index="1" {} BaseLoc="V1.xml"/>'
VERSIONS = '<o:Versions><o:Version ID="0" Index="0" Current="true" {}BaseLoc="V0.xml"/>{}</o:Versions>'
CURRENT = [
    *(
        VERSIONS.format("", VERSION.format(stated))
        for stated in ('Current="TRUE"', 'Current="True"', 'Current="yes"', 'Current="false" x:Current="true" xmlns:x="urn:x"')
    ),
    VERSIONS.format('xmlns:x="urn:x" x:BaseLoc="V1.xml" ', ""),
]
EVIL_BODY = body("Doc_0/E.xml")
MISPLACED = [
    (f"<o:X>{EVIL_BODY}</o:X>", ""),
    (EVIL_BODY, ""),
    ("<o:X><o:DocRoot>Doc_0/E.xml</o:DocRoot></o:X>", ""),
    ("", f"<o:X>{EVIL_BODY}</o:X>"),
    ("", "<o:DocRoot>Doc_0/E.xml</o:DocRoot>"),
    ("", f"<o:Signatures>/{LIST}</o:Signatures>"),
    ('<o:X><o:Version Current="true" BaseLoc="V1.xml"/></o:X>', ""),
]
FREE_PICTURE = f"{SIGNS}/Sign_1/Seal.esl"
ENCODINGS = ["UTF-8", "utf8", "GBK", "UTF-16"]


def spaced(location: str) -> bytes:
    files = sign(plain_files(), OPEN_ENTRY) | {"OFD.xml": entry(body(location, signatures=f"/{LIST}")), **EVIL_ROOT}
    return archive([*entries(files), Entry(location, EVIL_ROOT["Doc_0/E.xml"], flags=UTF8)])


def aliased(alias: str) -> bytes:
    return pack({**sealed(), alias: EVIL_ROOT["Doc_0/E.xml"]})


def twice(*flags: int) -> bytes:
    return archive([*entries(sealed()), *(Entry(DOT, b"<a/>", flags=each) for each in flags)])


def honest(name: str | bytes) -> bytes:
    return archive([*entries(sealed()), Entry(name, b"1"), Entry("Doc_0/b.txt", b"2")])


def versioned(versions: str) -> bytes:
    signed = plain_files() | {"V0.xml": part("DocVersion", f"<o:DocRoot>/{ROOT}</o:DocRoot>")}
    files = sign(signed, OPEN_ENTRY) | {"V1.xml": part("DocVersion", "<o:DocRoot>/Doc_0/E.xml</o:DocRoot>"), **EVIL_ROOT}
    return pack(files | {"OFD.xml": entry(body(signatures=f"/{LIST}", extra=versions))})


def misplaced(extra: str, after: str) -> bytes:
    files = sign(plain_files(), OPEN_ENTRY) | EVIL_ROOT
    return pack(files | {"OFD.xml": entry(body(signatures=f"/{LIST}", extra=extra) + after)})


def marked(encoding: str, title: str) -> bytes:
    """``OFD.xml`` in UTF-8 with its mark, and a declaration that says something else."""
    info = entry(body(signatures=f"/{LIST}").replace("<o:DocID>", f"<o:Title>{title}</o:Title><o:DocID>"))
    stated = b"\xef\xbb\xbf" + info.replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())
    return pack(sign(plain_files(), OPEN_ENTRY) | {"OFD.xml": stated})


def calling_its_seal(path: str) -> Signing:
    """A value without a seal whose description names a file as its seal."""
    seal = f"<o:Seal><o:BaseLoc>/{path}</o:BaseLoc></o:Seal></o:SignedInfo>".encode()
    return Signing(
        index=1,
        kind="Sign",
        value=lambda original, _: cms_value(original),
        with_seal_file=False,
        leave_out=("OFD.xml", path),
        edit=lambda described: described.replace(b"</o:SignedInfo>", seal),
    )


def with_cover() -> bytes:
    info = body(signatures=f"/{LIST}").replace("<o:DocID>", "<o:Cover>evil.png</o:Cover><o:DocID>")
    files = sign(plain_files() | {"evil.png": PNG}, Signing(leave_out=("OFD.xml", "evil.png")), calling_its_seal("evil.png"))
    return pack(files | {"OFD.xml": entry(info)})


def with_free_picture() -> bytes:
    return pack(sign(plain_files() | {FREE_PICTURE: b"anybody's"}, OPEN_ENTRY, calling_its_seal(FREE_PICTURE)))


def shadowing() -> bytes:
    """A sealed document with another picture where readers may look for it that start at the root of the package."""
    return pack({**sealed(), "Res/p.png": PNG + b"another"})


def listed_twice() -> bytes:
    files = sealed()
    evil = f'xmlns:x="urn:x" x:BaseLoc="/{SIGNS}/Sign_9/Signature.xml" BaseLoc='.encode()
    return pack(files | {LIST: files[LIST].replace(b"BaseLoc=", evil)})


def every_difference() -> dict[str, bytes]:
    """All documents of these tests, by a name."""
    return {
        **{f"white space {location!r}": spaced(location) for location in SPACED},
        **{f"alias {alias}": aliased(alias) for alias in ALIASES},
        **{f"twice {flags}": twice(*flags) for flags in ((UTF8, 0), (0, UTF8))},
        **{f"honest {name!r}": honest(name) for name in HONEST},
        **{f"versions {number}": versioned(versions) for number, versions in enumerate(CURRENT)},
        **{f"misplaced {number}": misplaced(*each) for number, each in enumerate(MISPLACED)},
        **{f"mark {encoding} {title}": marked(encoding, title) for encoding in ENCODINGS for title in ("title", "文件")},
        "cover": with_cover(),
        "free picture": with_free_picture(),
        "shadowing": shadowing(),
        "listed twice": listed_twice(),
    }


@pytest.mark.parametrize("location", SPACED)
def test_white_space_that_one_reader_trims_and_another_does_not(location: str) -> None:
    report = verify(spaced(location))
    assert report.verdict is Verdict.INVALID
    assert "DUPLICATE_ENTRY" in codes(report, "fail")


@pytest.mark.parametrize("alias", ALIASES)
def test_names_that_a_file_system_unpacks_over_another(alias: str) -> None:
    report = verify(aliased(alias))
    assert report.verdict is Verdict.INVALID
    assert {step.facts.get("reason") for step in report.steps if step.code == "DUPLICATE_ENTRY"} == {"read-alike"}


@pytest.mark.parametrize("flags", [(UTF8, 0), (0, UTF8)])
def test_one_name_in_bytes_under_two_encodings(flags: tuple[int, int]) -> None:
    report = verify(twice(*flags))
    assert report.verdict is Verdict.INVALID
    assert "DUPLICATE_ENTRY" in codes(report, "fail")


@pytest.mark.parametrize("name", HONEST)
def test_honest_names_are_nobodys_duplicate(name: str | bytes) -> None:
    assert verify(honest(name)).verdict is Verdict.VALID


@pytest.mark.parametrize("versions", CURRENT)
def test_a_version_that_some_reader_takes_for_the_current_one(versions: str) -> None:
    report = verify(versioned(versions))
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {"V1.xml", *EVIL_ROOT}


@pytest.mark.parametrize(("extra", "after"), MISPLACED)
def test_what_chooses_the_document_stands_in_one_place(extra: str, after: str) -> None:
    report = verify(misplaced(extra, after))
    assert report.verdict is Verdict.INDETERMINATE
    assert "misplaced" in {str(step.facts["reason"]).split()[0] for step in report.steps if step.code == "OFD_PART_UNREADABLE"}


def test_a_version_that_leads_nowhere_is_a_word_like_another() -> None:
    assert verify(misplaced("<o:CustomDatas><o:Version>3</o:Version></o:CustomDatas>", "")).verdict is Verdict.VALID


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_mark_and_a_declaration_of_different_encodings(encoding: str) -> None:
    """By the mark the text is one, by the declaration another, unless all of it is ASCII."""
    assert verify(marked(encoding, "title")).verdict is Verdict.VALID
    report = verify(marked(encoding, "文件"))
    is_same = encoding in {"UTF-8", "utf8"}
    assert report.verdict is (Verdict.VALID if is_same else Verdict.INDETERMINATE)
    assert (("OFD_UNREADABLE", "encoding") in {(step.code, step.facts.get("reason")) for step in report.steps}) is not is_same


def test_a_signature_does_not_make_any_file_its_own_by_calling_it_its_seal() -> None:
    """Another signer's value without a seal names the smuggled cover as its seal, so that nobody would ask who protects it."""
    report = verify(with_cover())
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked") if step.code == "UNPROTECTED_REACHABLE"} == {"evil.png"}


def test_a_picture_beside_a_value_without_a_seal_must_be_listed() -> None:
    assert {step.facts["path"] for step in steps_of(verify(with_free_picture()), "not-checked")} == {FREE_PICTURE}
    assert verify(with_free_picture(), strict=True).verdict is Verdict.INVALID


def test_the_folder_of_resources_may_be_looked_for_from_the_root() -> None:
    report = verify(shadowing())
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {"Res/p.png"}


def test_an_entry_of_the_list_leads_to_one_signature() -> None:
    report = verify(listed_twice())
    assert report.verdict is not Verdict.VALID
    assert {step.facts.get("reason") for step in report.steps if step.code == "OFD_SIGNATURES_UNREADABLE"} == {"repeated"}
