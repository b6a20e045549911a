"""Attacks on what readers understand differently, by name: where ``OFD.xml`` is outside the references, it may be anything that reads."""

from __future__ import annotations

import struct
import zlib

import pytest

from crypto.report import Verdict
from standards.gbt33190_ofd.zip_records import UTF8_FLAG as UTF8
from tests.seal_service.ofd.documents import (
    EVIL,
    LIST,
    PAGE,
    SEAL,
    SIGNATURE,
    SIGNS,
    VALUE,
    Signing,
    cms_value,
    codes,
    entries,
    seal_der,
    sealed,
    sign,
    steps_of,
    verify,
)
from tests.standards.gbt33190_ofd.archives import Entry, archive, deflate, local_record, pack
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


def declared(declaration: str, *, mark: str = "") -> bytes:
    """``OFD.xml`` outside the seal, with other characters than ASCII, in the encoding that its mark says or else UTF-8."""
    info = entry(body(signatures=f"/{LIST}").replace("<o:DocID>", "<o:Title>文件</o:Title><o:DocID>"))
    stated = f"{mark}<?xml {declaration}?>{info.decode().partition('?>')[2]}"
    return pack(sign(plain_files(), OPEN_ENTRY) | {"OFD.xml": stated.encode("utf-16-le" if mark else "utf-8")})


ELSEWHERE = [
    f'version="1.0"{" " * 300}encoding="GBK"',
    'version="1.0" encoding="UTF-8" encoding="GBK"',
    'version="1.0" x-encoding="UTF-8" encoding="GBK"',
    'version="1.0" encoding="GBK "',
    'version="1.0" encoding=GBK',
    'version="1.0" Encoding="GBK"',
]
HONEST_DECLARATIONS = [
    ('version="1.0"', ""),
    ('version="1.0" encoding="utf-8" standalone="yes"', ""),
    ('version="1.0" encoding="UTF-16"', "\ufeff"),
]


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


def with_two_roots(lists: str, *roots: str) -> bytes:
    """A list of signatures that is a document and its page besides, for readers that ask no root for its name."""
    page = (
        f'<o:Pages><o:Page ID="1" BaseLoc="/{lists}"/></o:Pages><o:Area/><o:Content><o:Layer ID="9"><o:TextObject/></o:Layer></o:Content>'
    )
    row = f'<o:Signature ID="s000" Type="Seal" BaseLoc="/{SIGNATURE}"/>'
    files = sign(plain_files(), OPEN_ENTRY) | {lists: part("Signatures", row + page)}
    return pack(files | {"OFD.xml": entry("".join(body(each, signatures=f"/{lists}") for each in roots))})


def versioned_with_its_files(*names: str) -> bytes:
    """A version that says which files are its own, those of the signature among them."""
    rows = "".join(f"<o:File>/{name}</o:File>" for name in (LIST, SIGNATURE, VALUE, SEAL, *names))
    version = {"V0.xml": part("DocVersion", f"<o:FileList>{rows}</o:FileList><o:DocRoot>/{ROOT}</o:DocRoot>")}
    entered = {"OFD.xml": entry(body(signatures=f"/{LIST}", extra=VERSIONS.format("", "")))}
    return pack(sign(plain_files() | version | entered | dict.fromkeys(names, b"<a/>"), Signing(leave_out=names)))


TWO_ROOTS = [(LIST, (LIST,)), ("Doc_0/X.xml", ("Doc_0/X.xml",)), (LIST, (ROOT, LIST)), ("Doc_0/X.xml", (ROOT, "Doc_0/X.xml"))]


def with_entry(*extra: Entry) -> bytes:
    return archive([*entries(sealed()), *extra])


def descriptor_of(data: bytes, packed: bytes) -> bytes:
    return b"PK\7\x08" + struct.pack("<III", zlib.crc32(data), len(packed), len(data))


def relative(name: str, old: str, new: str, *others: str) -> bytes:
    """A sealed document whose list or description states a location by its steps, and what else readers may take it for."""
    files = sealed(edit=lambda described: described.replace(old.encode(), new.encode()) if name == SIGNATURE else described)
    if name == LIST:
        files[LIST] = files[LIST].replace(old.encode(), new.encode())
    return pack(files | {other: seal_der("another") if other.endswith("esl") else files[SIGNATURE] for other in others})


def with_copies(name: str, *, is_changed: bool) -> bytes:
    """References without a leading slash, a copy of one file where they lead by the standard, and another file in its place."""
    files = sealed(edit=lambda described: described.replace(b'FileRef="/', b'FileRef="'))
    copy = {f"{SIGNS}/Sign_0/{name}": files[name]}
    return pack(
        files | copy | ({name: files[name].replace(b"<o:DocID>", b"<o:Title>another</o:Title><o:DocID>") + b"\n"} if is_changed else {})
    )


COPIED = ["OFD.xml", PAGE]
HIDDEN = local_record(Entry(ROOT, EVIL_ROOT["Doc_0/E.xml"]))
ONE_BYTE = deflate(b"x")
BEHIND_THE_STREAM = ONE_BYTE + descriptor_of(b"x", ONE_BYTE) + HIDDEN
HIDING = {
    "behind the stream": Entry("Doc_0/unused.bin", b"x", packed=BEHIND_THE_STREAM, flags=8),
    "behind the stream, sizes stated": Entry("Doc_0/unused.bin", b"x", packed=ONE_BYTE + HIDDEN),
    "stored, sizes behind": Entry("Doc_0/unused.bin", b"x" + descriptor_of(b"x", b"x") + HIDDEN, method=0, flags=8),
    "an unknown method": Entry("Doc_0/unused.bin", b"x" + HIDDEN, method=12),
}
HIDING_FOLDER = Entry("Doc_0/folder/", b"", packed=deflate(b"") + HIDDEN)
INNER = pack({"a.txt": b"a file of its own"})
HONEST_INNER = {
    "stored": Entry("Doc_0/inner.zip", INNER, method=0),
    "packed": Entry("Doc_0/inner.zip", INNER, packed=b"\1" + struct.pack("<HH", len(INNER), len(INNER) ^ 0xFFFF) + INNER, flags=8),
    "empty folder": Entry("Doc_0/folder/", b""),
}
OTHER_HABITS = [
    (SIGNATURE, f"<o:BaseLoc>/{SEAL}", "<o:BaseLoc>Seal.esl", "Seal.esl"),
    (SIGNATURE, f"<o:BaseLoc>/{SEAL}", "<o:BaseLoc>Seal.esl", f"{SIGNS}/Seal.esl"),
    (LIST, f"/{SIGNS}/", "", "Sign_0/Signature.xml"),
    (LIST, f"/{SIGNS}/", "", "Doc_0/Sign_0/Signature.xml"),
]


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
        **{f"declared {number}": declared(each) for number, each in enumerate(ELSEWHERE)},
        **{f"honestly declared {each}": declared(each, mark=mark) for each, mark in HONEST_DECLARATIONS},
        **{f"copy of {name}, changed {changed}": with_copies(name, is_changed=changed) for name in COPIED for changed in (False, True)},
        "cover": with_cover(),
        "free picture": with_free_picture(),
        "shadowing": shadowing(),
        "listed twice": listed_twice(),
        **{f"list as document {number}": with_two_roots(lists, *roots) for number, (lists, roots) in enumerate(TWO_ROOTS)},
        **{f"files of a version {names}": versioned_with_its_files(*names) for names in ((), ("Doc_0/x.xml",))},
        **{f"hidden {name}": with_entry(each) for name, each in (HIDING | HONEST_INNER | {"folder": HIDING_FOLDER}).items()},
        **{
            f"habits {number} {len(others)}": relative(*each, *others)
            for number, (*each, other) in enumerate(OTHER_HABITS)
            for others in ((), (other,))
        },
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


@pytest.mark.parametrize("declaration", ELSEWHERE)
def test_an_encoding_that_one_reader_finds_and_another_does_not(declaration: str) -> None:
    report = verify(declared(declaration))
    assert report.verdict is Verdict.INDETERMINATE
    assert ("OFD_UNREADABLE", "encoding") in {(step.code, step.facts.get("reason")) for step in report.steps}


@pytest.mark.parametrize(("declaration", "mark"), HONEST_DECLARATIONS)
def test_an_encoding_that_every_reader_finds(declaration: str, mark: str) -> None:
    assert verify(declared(declaration, mark=mark)).verdict is Verdict.VALID


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


@pytest.mark.parametrize(("lists", "roots"), TWO_ROOTS)
def test_a_list_of_signatures_that_is_a_document_as_well(lists: str, roots: tuple[str, ...]) -> None:
    """It belongs to the signature, and nothing protects it: shown as a document, it is one that nobody signed."""
    report = verify(with_two_roots(lists, *roots))
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked") if step.code == "UNPROTECTED_REACHABLE"} == {lists}


def test_a_version_may_say_that_the_files_of_a_signature_are_its_own() -> None:
    assert verify(versioned_with_its_files()).verdict is Verdict.VALID
    report = verify(versioned_with_its_files("Doc_0/x.xml"))
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {"Doc_0/x.xml"}


@pytest.mark.parametrize("hiding", HIDING)
def test_an_entry_inside_another_for_readers_that_leave_the_directory_aside(hiding: str) -> None:
    report = verify(with_entry(HIDING[hiding]))
    assert report.verdict is Verdict.INVALID
    assert [(step.code, step.facts["path"], step.facts["reason"]) for step in steps_of(report, "fail")] == [
        ("OFD_CONTAINER_BAD", "Doc_0/unused.bin", "hidden-entry")
    ]


def test_an_entry_inside_a_folder() -> None:
    report = verify(with_entry(HIDING_FOLDER))
    assert report.verdict is Verdict.INVALID
    assert [(step.code, step.facts["reason"]) for step in steps_of(report, "fail")] == [("BAD_PATH", "folder-with-data")]


@pytest.mark.parametrize("inner", HONEST_INNER)
def test_an_archive_inside_the_package_hides_nothing(inner: str) -> None:
    assert verify(with_entry(HONEST_INNER[inner])).verdict is Verdict.VALID


@pytest.mark.parametrize(("name", "old", "new", "other"), OTHER_HABITS)
def test_another_seal_or_description_for_readers_that_look_for_it_elsewhere(name: str, old: str, new: str, other: str) -> None:
    assert verify(relative(name, old, new)).verdict is Verdict.VALID
    report = verify(relative(name, old, new, other))
    assert report.verdict is Verdict.INDETERMINATE
    assert [(step.code, step.facts["path"], step.facts["by"]) for step in steps_of(report, "not-checked")] == [
        ("UNPROTECTED_REACHABLE", other, name)
    ]


@pytest.mark.parametrize("name", COPIED)
def test_a_copy_where_a_reference_leads_does_not_stand_for_the_file_that_is_shown(name: str) -> None:
    assert verify(with_copies(name, is_changed=False)).verdict is Verdict.VALID
    report = verify(with_copies(name, is_changed=True))
    assert report.verdict is Verdict.INDETERMINATE
    assert [step.facts["path"] for step in steps_of(report, "not-checked") if step.code == "REF_NOT_CHECKED"] == [f"/{name}"]
    assert report.tampered is None
