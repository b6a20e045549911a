"""Attacks on habits of reading, by name: readers that go on from entry to entry, take every part for UTF-8, or look in folders of their own."""

from __future__ import annotations

import struct
import zlib
from itertools import product

import pytest

from crypto.report import Verdict
from tests.seal_service.ofd.documents import (
    LIST,
    PAGE,
    SEAL,
    SIGNATURE,
    SIGNS,
    VALUE,
    Signing,
    entries,
    seal_der,
    sealed,
    sign,
    steps_of,
    verify,
)
from tests.seal_service.ofd.test_reader_differences import EVIL_ROOT, OPEN_ENTRY, ROOT, VERSIONS
from tests.standards.gbt33190_ofd.archives import Entry, archive, deflate, local_record, pack
from tests.standards.gbt33190_ofd.parts import body, entry, part, plain_files

ELSEWHERE = [
    f'version="1.0"{" " * 300}encoding="GBK"',
    'version="1.0" encoding="UTF-8" encoding="GBK"',
    'version="1.0" x-encoding="UTF-8" encoding="GBK"',
    'version="1.0" encoding="GBK "',
    'version="1.0" encoding=GBK',
    'version="1.0" Encoding="GBK"',
]
HONEST_DECLARATIONS = ['version="1.0"', 'version="1.0" encoding="utf-8" standalone="yes"']
UTF_16 = 'version="1.0" encoding="UTF-16"'
TWO_ROOTS = [(LIST, (LIST,)), ("Doc_0/X.xml", ("Doc_0/X.xml",)), (LIST, (ROOT, LIST)), ("Doc_0/X.xml", (ROOT, "Doc_0/X.xml"))]
REFERENCES = ["Doc_0/Docu&#109;ent.xml", "Doc_0/Docu&#x006D;ent.xml", "Doc_0/A&amp;B.txt"]
PICTURES = [f"{folder}q.png" for folder in ("Doc_0/Pictures/", "Pictures/", "Doc_0/Pages/Page_0/", "Doc_0/", "")]
COPIED = ["OFD.xml", PAGE]
OTHER_HABITS = [
    (SIGNATURE, f"<o:BaseLoc>/{SEAL}", "<o:BaseLoc>Seal.esl", "Seal.esl"),
    (SIGNATURE, f"<o:BaseLoc>/{SEAL}", "<o:BaseLoc>Seal.esl", f"{SIGNS}/Seal.esl"),
    (LIST, f"/{SIGNS}/", "", "Sign_0/Signature.xml"),
    (LIST, f"/{SIGNS}/", "", "Doc_0/Sign_0/Signature.xml"),
]


def descriptor_of(data: bytes, packed: bytes) -> bytes:
    return b"PK\7\x08" + struct.pack("<III", zlib.crc32(data), len(packed), len(data))


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


def declared(declaration: str, *, mark: str = "") -> bytes:
    """``OFD.xml`` outside the seal, with other characters than ASCII, in the encoding that its mark says or else UTF-8."""
    info = entry(body(signatures=f"/{LIST}").replace("<o:DocID>", "<o:Title>文件</o:Title><o:DocID>"))
    stated = f"{mark}<?xml {declaration}?>{info.decode().partition('?>')[2]}"
    return pack(sign(plain_files(), OPEN_ENTRY) | {"OFD.xml": stated.encode("utf-16-le" if mark else "utf-8")})


def in_gbk(name: str, *, is_covered: bool) -> bytes:
    """``OFD.xml`` or the list of signatures in GBK, with other characters than ASCII."""

    def encoded(data: bytes) -> bytes:
        start, closing, rest = data.replace(b"UTF-8", b"GBK").rpartition(b"</o:")
        return start + "<!-- 文件 -->".encode("gbk") + closing + rest

    if is_covered:
        files = plain_files()
        return pack(sign(files | {name: encoded(files[name])}))
    signed = sign(plain_files(), OPEN_ENTRY)
    return pack(signed | {name: encoded(signed[name])})


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


def with_entry(*extra: Entry) -> bytes:
    return archive([*entries(sealed()), *extra])


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


def with_references(written: str) -> bytes:
    """A location with references of XML, and another file by the name as it is written."""
    files = sign(plain_files(), OPEN_ENTRY)
    named = entry(body(written if written.endswith("ent.xml") else ROOT, signatures=f"/{LIST}"))
    return pack(files | {"OFD.xml": named, "Doc_0/A&B.txt": b"<a/>", written: EVIL_ROOT["Doc_0/E.xml"]})


def from_the_document(*, is_list: bool, is_shadowed: bool) -> bytes:
    """A list or a page by a location from the root, and another where it leads from the folder of the document."""
    files = plain_files()
    if is_list:
        signed = sign(files, OPEN_ENTRY)
        moved = {"OFD.xml": entry(body(signatures="/Signs/Signatures.xml")), "Signs/Signatures.xml": signed.pop(LIST)}
        return pack(signed | moved | ({LIST: part("Signatures", '<o:Signature ID="s9" BaseLoc="/evil.xml"/>')} if is_shadowed else {}))
    files["Pages/p.xml"] = files.pop(PAGE).replace(b"<o:PageRes>PageRes.xml</o:PageRes>", b"")
    files[ROOT] = files[ROOT].replace(b'BaseLoc="Pages/Page_0/Content.xml"', b'BaseLoc="/Pages/p.xml"')
    return pack(sign(files) | ({"Doc_0/Pages/p.xml": EVIL_ROOT["Doc_0/evil.xml"]} if is_shadowed else {}))


def with_page_resources(*others: str) -> bytes:
    """Resources of a page that state a folder for their files, and the same files in the folders where readers may look for it."""
    files = plain_files()
    resources, picture = "Doc_0/Pages/Page_0/PageRes.xml", files.pop("Doc_0/Pages/Page_0/q.png")
    files[resources] = files[resources].replace(b"<o:Res ", b'<o:Res BaseLoc="Pictures" ')
    files["Doc_0/Pages/Page_0/Pictures/q.png"] = picture
    return pack(sign(files) | dict.fromkeys(others, b"another"))


def in_another_encoding() -> dict[str, bytes]:
    """What nobody protects and who takes it for UTF-8 reads otherwise."""
    return {
        "entry in UTF-16": declared(UTF_16, mark="\ufeff"),
        "entry in GBK": in_gbk("OFD.xml", is_covered=False),
        "list in GBK": in_gbk(LIST, is_covered=False),
    }


def every_habit() -> dict[str, bytes]:
    """All documents of these tests, by a name."""
    return {
        **{f"declared {each}": declared(each) for each in (*ELSEWHERE, *HONEST_DECLARATIONS)},
        **in_another_encoding(),
        **{f"references {written}": with_references(written) for written in (*REFERENCES, "Doc_0/A&B&C.txt", "Doc_0/A&#9999999;.txt")},
        "entry in GBK, covered": in_gbk("OFD.xml", is_covered=True),
        **{f"copy of {name}, changed {changed}": with_copies(name, is_changed=changed) for name in COPIED for changed in (False, True)},
        **{
            f"from the document {each}": from_the_document(is_list=each[0], is_shadowed=each[1])
            for each in product((False, True), repeat=2)
        },
        **{f"resources of a page {other}": with_page_resources(other) for other in PICTURES},
        **{f"list as document {each}": with_two_roots(each[0], *each[1]) for each in TWO_ROOTS},
        **{f"files of a version {names}": versioned_with_its_files(*names) for names in ((), ("Doc_0/x.xml",))},
        **{f"hidden {name}": with_entry(each) for name, each in (HIDING | HONEST_INNER | {"folder": HIDING_FOLDER}).items()},
        **{f"elsewhere {other}, {new}": relative(name, old, new, other) for name, old, new, other in OTHER_HABITS},
        **{f"by its steps {new}": relative(name, old, new) for name, old, new, _ in OTHER_HABITS},
    }


@pytest.mark.parametrize("declaration", ELSEWHERE)
def test_an_encoding_that_one_reader_finds_and_another_does_not(declaration: str) -> None:
    report = verify(declared(declaration))
    assert report.verdict is Verdict.INDETERMINATE
    assert ("OFD_UNREADABLE", "encoding") in {(step.code, step.facts.get("reason")) for step in report.steps}


@pytest.mark.parametrize("declaration", HONEST_DECLARATIONS)
def test_an_encoding_that_every_reader_finds(declaration: str) -> None:
    assert verify(declared(declaration)).verdict is Verdict.VALID


def test_what_nobody_protects_is_the_same_text_in_utf_8() -> None:
    """Many readers take every part for UTF-8. What is protected may be in any encoding: its signer has made it so."""
    for document in in_another_encoding().values():
        report = verify(document)
        assert report.verdict is Verdict.INDETERMINATE
        assert [(step.code, step.facts["reason"]) for step in steps_of(report, "not-checked")] == [("OFD_PART_UNREADABLE", "encoding")]
    assert verify(in_gbk("OFD.xml", is_covered=True)).verdict is Verdict.VALID


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


@pytest.mark.parametrize("written", REFERENCES)
def test_references_that_one_reader_reads_and_another_does_not(written: str) -> None:
    report = verify(with_references(written))
    assert report.verdict is Verdict.INVALID
    assert ("DUPLICATE_ENTRY", "read-alike") in {(step.code, step.facts.get("reason")) for step in report.steps}


@pytest.mark.parametrize("name", ["Doc_0/A&B&C.txt", "Doc_0/A&#9999999;.txt"])
def test_an_ampersand_in_a_name_means_nothing_by_itself(name: str) -> None:
    assert verify(with_references(name)).verdict is Verdict.VALID


def test_a_page_that_readers_find_who_start_at_the_folder_of_the_document() -> None:
    assert verify(from_the_document(is_list=False, is_shadowed=False)).verdict is Verdict.VALID
    report = verify(from_the_document(is_list=False, is_shadowed=True))
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {"Doc_0/Pages/p.xml"}


def test_a_list_that_readers_find_who_start_at_the_folder_of_the_document() -> None:
    assert verify(from_the_document(is_list=True, is_shadowed=False)).verdict is Verdict.VALID
    report = verify(from_the_document(is_list=True, is_shadowed=True))
    assert report.verdict is Verdict.INVALID
    assert [each.name for each in report.signatures] == [SIGNATURE, "/evil.xml"]


@pytest.mark.parametrize("picture", PICTURES)
def test_another_picture_in_each_folder_where_readers_may_look_for_it(picture: str) -> None:
    assert verify(with_page_resources()).verdict is Verdict.VALID
    report = verify(with_page_resources(picture))
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {picture}
