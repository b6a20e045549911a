"""Attacks on documents that our own writer has sealed: whatever is changed afterwards, the verdict is never valid."""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.report import Verdict
from crypto.sm3 import sm3
from seal_service.places import Place, Seam
from standards.gbt33190_ofd.container import Container
from tests.seal_service.ofd.documents import EVIL, LIST, PAGE, SEAL, SIGNATURE, VALUE, codes, verify, with_doctype
from tests.seal_service.ofd.sealing import files_of, list_entries, plain, seal, sign_without_seal
from tests.standards.gbt33190_ofd.archives import Entry, archive, pack
from tests.standards.gbt33190_ofd.parts import entry, part, plain_files

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = "Doc_0/Signs/Sign_1"
KINDS = ("single", "twice", "locked", "signed", "listed")


@cache
def sealed(kind: str) -> bytes:
    made: dict[str, Callable[[], bytes]] = {
        "single": lambda: seal(places=[Place(1, 60, 60)], seam=Seam()),
        "twice": lambda: seal(seal(places=[Place(1, 60, 60)]), places=[Place(2, 50, 50)]),
        "locked": lambda: seal(seal(), is_locking=True),
        "signed": sign_without_seal,
        "listed": lambda: list_entries(seal()),
    }
    return made[kind]()


def invalid(files: dict[str, bytes], code: str) -> None:
    report = verify(files)
    assert report.verdict is Verdict.INVALID
    assert code in codes(report, "fail")


# ---- content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["OFD.xml", "Doc_0/Document.xml", PAGE, "Doc_0/Res/f.ttf", "Doc_0/Attachs/a.json"])
def test_altered_content_is_found(kind: str, name: str) -> None:
    files = files_of(sealed(kind))
    invalid({**files, name: files[name] + b" "}, "REF_HASH_BAD")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [PAGE, "OFD.xml", "Doc_0/Res/p.png"])
def test_a_file_taken_away_is_found(kind: str, name: str) -> None:
    report = verify({path: data for path, data in files_of(sealed(kind)).items() if path != name})
    assert report.verdict is Verdict.INVALID


def test_another_version_of_the_document_is_not_shown_as_sealed() -> None:
    """``OFD.xml`` is always protected, so it cannot be led to another document; a second body is seen as well."""
    files = files_of(sealed("single"))
    body = "<o:DocBody><o:DocInfo><o:DocID>1</o:DocID></o:DocInfo><o:DocRoot>Doc_0/Evil.xml</o:DocRoot><o:Signatures>/Doc_0/Signs/Signatures.xml</o:Signatures></o:DocBody>"
    invalid({**files, "OFD.xml": entry(body), "Doc_0/Evil.xml": part("Document")}, "REF_HASH_BAD")


def test_a_smuggled_file_that_nothing_uses_is_named() -> None:
    report = verify({**files_of(sealed("single")), "Doc_0/stray.xml": EVIL})
    assert "UNPROTECTED_UNREFERENCED" in codes(report, "warn")
    invalid({**files_of(sealed("listed")), "Doc_0/stray.xml": EVIL}, "OFD_INTEGRITY_UNLISTED")


# ---- the signature's own files


@pytest.mark.parametrize("old", [b'Boundary="39 216 42 42"', b'PageRef="1"', b'Clip="0 0 21 42"'])
def test_a_stamp_moved_after_sealing_is_found(old: bytes) -> None:
    files = files_of(sealed("single"))
    assert old in files[SIGNATURE]
    moved = files[SIGNATURE].replace(old, old.replace(b"2", b"3") if b"PageRef" not in old else b'PageRef="2"')
    invalid({**files, SIGNATURE: moved}, "DATA_HASH_BAD")


def test_a_digest_exchanged_with_the_content_is_found() -> None:
    files = files_of(sealed("single"))
    evil = files[PAGE] + b" "
    exchanged = files[SIGNATURE].replace(base64.b64encode(sm3(files[PAGE])), base64.b64encode(sm3(evil)))
    invalid({**files, PAGE: evil, SIGNATURE: exchanged}, "DATA_HASH_BAD")


def test_the_seal_of_another_document_is_found() -> None:
    """All of a signature's files out of another sealed document, under the same names."""
    other = files_of(seal(pack({**plain_files(signatures=None), PAGE: EVIL})))
    files = files_of(sealed("single"))
    invalid({**files, **{name: other[name] for name in (SIGNATURE, VALUE, SEAL, LIST)}}, "REF_HASH_BAD")
    invalid({**files, VALUE: other[VALUE]}, "DATA_HASH_BAD")


def test_the_value_of_another_signature_of_the_same_document_is_found() -> None:
    files = files_of(sealed("twice"))
    invalid({**files, VALUE: files[f"{SECOND}/SignedValue.dat"]}, "DATA_HASH_BAD")
    invalid({**files, f"{SECOND}/SignedValue.dat": files[VALUE]}, "DATA_HASH_BAD")


def test_another_picture_beside_the_value_is_found() -> None:
    files = files_of(sealed("single"))
    invalid({**files, SEAL: files[SEAL].replace(b" picture", b" forgery")}, "SEAL_FILE_MISMATCH")


def test_an_earlier_seal_taken_off_the_list_is_found() -> None:
    files = files_of(sealed("twice"))
    shorter = files[LIST].replace(b'<ofd:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/>', b"")
    assert shorter != files[LIST]
    invalid({**files, LIST: shorter}, "OFD_SIGNATURE_REMOVED")


def test_an_earlier_seal_taken_out_whole_is_found() -> None:
    files = {name: data for name, data in files_of(sealed("twice")).items() if "Sign_0" not in name}
    invalid({**files, LIST: files[LIST].replace(b'ID="s001"', b'ID="s000"')}, "REF_MISSING")


@pytest.mark.parametrize(
    "change", [lambda text: text + b" ", lambda text: text.replace(b"</ofd:Signatures>", b"<ofd:Signature/></ofd:Signatures>")]
)
def test_a_locked_list_cannot_be_changed(change: Callable[[bytes], bytes]) -> None:
    files = files_of(sealed("locked"))
    invalid({**files, LIST: change(files[LIST])}, "OFD_LOCK_BROKEN")


# ---- XML and ZIP


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/">]>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
    ],
    ids=["xxe-file", "xxe-http", "xxe-parameter", "billion-laughs"],
)
@pytest.mark.parametrize("name", ["OFD.xml", "Doc_0/Document.xml", SIGNATURE, LIST, PAGE])
def test_a_document_type_is_refused_everywhere(name: str, declaration: str) -> None:
    files = files_of(sealed("single"))
    text = files[name].replace(b"<?xml version='1.0' encoding='UTF-8'?>\n", b'<?xml version="1.0" encoding="UTF-8"?>\n')
    evil = with_doctype(text, declaration)
    assert evil != text
    assert verify({**files, name: evil}).verdict is not Verdict.VALID


def entries() -> list[Entry]:
    return [Entry(name, data) for name, data in files_of(sealed("single")).items()]


@pytest.mark.parametrize(
    "forge",
    [
        lambda: archive([*entries(), Entry(PAGE, EVIL)]),
        lambda: archive([Entry(PAGE, EVIL), *entries()]),
        lambda: archive([*entries(), Entry(PAGE.lower(), EVIL)]),
        lambda: archive([*entries(), Entry("../../evil.sh", b"x")]),
        lambda: archive([*entries(), Entry("/etc/evil", b"x")]),
        lambda: archive([*entries(), Entry("Doc_0\\evil.xml", b"x")]),
        lambda: archive([*entries(), Entry("Doc_0/link", b"/etc/passwd", made_by=3 << 8, attributes=0o120777 << 16)]),
        lambda: archive([*entries(), Entry("Doc_0/over", b"x" * 40, offset=0)]),
        lambda: archive(
            [Entry(each.name, each.data, local_name=b"X" * len(each.raw_name)) if each.name == PAGE else each for each in entries()]
        ),
        lambda: archive([Entry(each.name, each.data, unpacked_bytes=1) if each.name == PAGE else each for each in entries()]),
        lambda: archive([Entry(each.name, bytes(300_000_000 // 30)) if each.name == PAGE else each for each in entries()]),
        lambda: archive(entries(), before_directory=b"PK\3\4" + bytes(60)),
        lambda: archive(entries(), prefix=b"junk"),
    ],
    ids=[
        "twice-behind",
        "twice-before",
        "case",
        "zip-slip",
        "absolute",
        "backslash",
        "link",
        "overlap",
        "local-name",
        "size-lie",
        "bomb",
        "hidden",
        "prefix",
    ],
)
def test_tricks_with_the_archive_are_never_valid(forge: Callable[[], bytes]) -> None:
    assert verify(forge()).verdict is not Verdict.VALID


# ---- every byte


def protected_places(document: bytes) -> list[tuple[int, int]]:
    """Where the packed bytes of the files lie that a signature or a value binds: everything but a list that is open."""
    container = Container(document)
    return [
        (member.span.data_start, member.span.data_start + member.record.packed_bytes)
        for name, member in container.members.items()
        if name != LIST and member.record.packed_bytes
    ]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 1 << 30), st.integers(1, 255))
def test_no_flipped_byte_of_a_sealed_file_is_valid(kind: str, place: int, mask: int) -> None:
    document = sealed(kind)
    places = protected_places(document)
    start, end = places[place % len(places)]
    at = start + (place // len(places)) % (end - start)
    flipped = document[:at] + bytes([document[at] ^ mask]) + document[at + 1 :]
    if verify(flipped).verdict is Verdict.VALID:
        assert files_of(flipped) == files_of(document)  # the bits behind the last block of packed data, which unpack to nothing


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_a_flipped_byte_of_what_is_protected_makes_it_invalid(kind: str, data: st.DataObject) -> None:
    """The same on unpacked files, packed again honestly: then the signature alone shows it, and the verdict is invalid, not undecided."""
    files = files_of(sealed(kind))
    name = data.draw(st.sampled_from(sorted(set(files) - {LIST, VALUE, f"{SECOND}/SignedValue.dat", "OFDEntriesSignedValue.dat"})))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    mask = data.draw(st.integers(1, 255))
    changed = files[name][:at] + bytes([files[name][at] ^ mask]) + files[name][at + 1 :]
    report = verify({**files, name: changed})
    assert report.verdict is Verdict.INVALID, (name, at)


def test_the_sealed_documents_of_these_tests_are_valid() -> None:
    assert [verify(sealed(kind)).verdict for kind in KINDS] == [Verdict.VALID] * len(KINDS)
    assert verify(plain()).verdict is Verdict.INDETERMINATE
