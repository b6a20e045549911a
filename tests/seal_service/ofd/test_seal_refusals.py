"""What is not sealed, values that come later, and places."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seal_service.ofd.seal import PreparedOfdSeal, prepare_seal
from seal_service.ofd.sealing_rules import check_sealable
from seal_service.ofd.verify import examine_ofd
from seal_service.places import Edge, Place, Seam
from standards.errors import TrustError
from tests.seal_service.ofd.documents import (
    AT,
    LIST,
    PAGE,
    SEAL,
    SIGNATURE,
    SIGNED_AT,
    VALUE,
    codes,
    pki,
    seal_der,
    sign,
    verify,
)
from tests.seal_service.ofd.sealing import files_of, plain, seal, stamp
from tests.seal_service.ofd.test_seal import BOTTOM_RIGHT, described, is_valid
from tests.standards.gbt33190_ofd.archives import Entry, archive, extra_field, pack
from tests.standards.gbt33190_ofd.parts import body, entry, part, plain_files


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"Doc_0/Pages/Page_1/Content.xml": None}, "OFD_PART_MISSING"),
        ({PAGE: b"<not closed"}, "OFD_PART_UNREADABLE"),
        ({PAGE: b"<!DOCTYPE a []><a/>"}, "OFD_PART_REFUSED"),
        ({"Doc_0/../../evil": b"x"}, "BAD_PATH"),
        ({"Doc_0\\evil.xml": b"x"}, "BAD_PATH"),
        ({"doc_0/document.xml": b"x"}, "DUPLICATE_ENTRY"),
        ({"Doc_0/a:b.xml": b"x"}, "BAD_PATH"),
        ({"Doc_0/end ": b"x"}, "BAD_PATH"),
    ],
)
def test_what_readers_would_not_agree_on_is_not_sealed(files: dict[str, bytes | None], found: str) -> None:
    document = {name: data for name, data in {**plain_files(signatures=None), **files}.items() if data is not None}
    with pytest.raises(TrustError) as refused:
        seal(pack(document))
    assert (refused.value.code, refused.value.facts["found"]) == ("OFD_UNACCEPTABLE", found)
    assert refusal_once_open(pack(document)) == ("OFD_UNACCEPTABLE", found)


def refusal_once_open(document: bytes) -> tuple[str, object]:
    """What is said of a document that the verifier has opened already."""
    package = examine_ofd(document, pki().trust_list(), AT).package
    assert package is not None
    with pytest.raises(TrustError) as refused:
        check_sealable(document, package=package)
    return refused.value.code, refused.value.facts.get("found")


def test_a_document_that_is_open_already_is_sealed_as_any_other() -> None:
    opened = examine_ofd(plain(), pki().trust_list(), AT).package
    first, second = (
        prepare_seal(check_sealable(plain(), package=package), seal_der=seal_der(), signed_at=SIGNED_AT) for package in (opened, None)
    )
    assert first.to_bytes() == second.to_bytes()
    assert refusal_once_open(pack({**plain_files(), "Encryptions.xml": b"<x/>"})) == ("OFD_ENCRYPTED", None)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"no archive", "OFD_UNREADABLE"),
        (pack({"a.txt": b"x"}), "OFD_UNREADABLE"),
        (pack({"OFD.xml": part("OFD")}), "OFD_UNREADABLE"),
        (pack({**plain_files(), "Encryptions.xml": b"<x/>"}), "OFD_ENCRYPTED"),
        (b"PK junk" + plain(), "OFD_UNREADABLE"),
        (archive([Entry(name, data) for name, data in plain_files().items()], prefix=b"PK in front"), "OFD_UNACCEPTABLE"),
        (pack({**sign(plain_files()), LIST: b"<o:Signatures"}), "OFD_UNACCEPTABLE"),
        (pack({**sign(plain_files()), SIGNATURE: b"<x/>"}), "OFD_UNACCEPTABLE"),
        (pack({**sign(plain_files()), LIST: part("Signatures")}), "OFD_SIGNATURES_UNCLEAR"),
    ],
)
def test_what_cannot_be_sealed_is_refused_by_name(document: bytes, code: str) -> None:
    with pytest.raises(TrustError) as refused:
        seal(document)
    assert refused.value.code == code


def test_a_file_that_cannot_be_unpacked_is_not_sealed() -> None:
    files = [*(Entry(name, data) for name, data in plain_files().items()), Entry("Doc_0/x.bin", b"data", checksum=1)]
    with pytest.raises(TrustError) as refused:
        seal(archive(files))
    assert refused.value.facts["found"] == "OFD_ENTRY_UNREADABLE"


def test_a_list_that_another_document_of_the_file_promises_is_not_made() -> None:
    """What is sealed would not be valid as a whole."""
    first, second = plain_files(signatures=None), plain_files(signatures="Doc_1/Signs/Signatures.xml")
    files = first | {name.replace("Doc_0", "Doc_1"): data.replace(b"Doc_0", b"Doc_1") for name, data in second.items() if name != "OFD.xml"}
    other = second["OFD.xml"].replace(b"Doc_0", b"Doc_1")
    other = other[other.index(b"<o:DocBody>") : other.index(b"</o:OFD>")]
    without = other.replace(b"<o:Signatures>Doc_1/Signs/Signatures.xml</o:Signatures>", b"")
    assert without != other
    assert is_valid(seal(pack(files | {"OFD.xml": first["OFD.xml"].replace(b"</o:OFD>", without + b"</o:OFD>")})))
    with pytest.raises(TrustError) as refused:
        seal(pack(files | {"OFD.xml": first["OFD.xml"].replace(b"</o:OFD>", other + b"</o:OFD>")}))
    assert (refused.value.code, refused.value.facts["found"]) == ("OFD_UNACCEPTABLE", "OFD_PART_MISSING")


@pytest.mark.parametrize(("old", "new"), [(b'<o:Page ID="2"', b'<o:Page ID="1"'), (b'<o:Page ID="1"', b"<o:Page")])
def test_a_seal_is_not_shown_where_pages_cannot_be_told_apart(old: bytes, new: bytes) -> None:
    """Readers show it on the first page of that identifier, on the last, or on both, and count pages without one."""
    files = plain_files(signatures=None)
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(old, new)
    assert is_valid(seal(pack(files)))
    for options in ({"places": [Place(1, 50, 50)]}, {"seam": Seam(Edge.RIGHT)}):
        with pytest.raises(TrustError) as refused:
            seal(pack(files), **options)
        assert (refused.value.code, refused.value.facts["reason"]) == ("OFD_UNACCEPTABLE", "repeated-or-missing")


def test_several_lists_are_refused() -> None:
    """Two readings of one location lead to two lists."""
    files = {**plain_files(signatures="Signs/Signatures.xml"), "Signs/Signatures.xml": part("Signatures")}
    files["OFD.xml"] = files["OFD.xml"].replace(
        b"<o:Signatures>", b"<o:Signatures>/Doc_0/Signs/Signatures.xml</o:Signatures><o:Signatures>"
    )
    with pytest.raises(TrustError) as refused:
        seal(pack(files))
    assert refused.value.code in {"OFD_UNACCEPTABLE", "OFD_SIGNATURES_UNCLEAR"}


@pytest.mark.parametrize("wide", [False, True])
def test_archives_by_streaming_writers_are_sealed(wide: bool) -> None:
    """Sizes behind the data, in 32 or 64 bits; offsets in the 64-bit field; folders; a comment; bytes between files."""
    import struct

    entries = []
    offset = 0
    for name, data in plain_files(signatures=None).items():
        made = Entry(name, data, flags=8, local_sizes=(0, 0, 0))
        made = replace(made, after=b"PK\7\x08" + struct.pack("<IQQ" if wide else "<III", *made.sizes))
        if wide:
            made = replace(made, offset=0xFFFFFFFF, extra=extra_field(0x5455, b"\1\0\0\0\0") + extra_field(1, struct.pack("<Q", offset)))
        entries.append(made)
        offset += 30 + len(made.raw_name) + len(made.body) + len(made.after)
    entries.append(Entry("Doc_0/Empty/", b"", method=0))
    sealed = seal(archive(entries, comment=b"by a writer"))
    assert is_valid(sealed)
    assert is_valid(seal(sealed), 2)
    with zipfile.ZipFile(io.BytesIO(sealed)) as package:
        assert package.testzip() is None
        assert "Doc_0/Empty/" in package.namelist()


def test_a_document_without_places_for_a_signature_without_a_seal() -> None:
    with pytest.raises(TrustError, match="OFD_SIGN_NOT_SHOWN"):
        prepare_seal(check_sealable(plain()), seal_der=None, places=[BOTTOM_RIGHT], signed_at=SIGNED_AT)
    with pytest.raises(ValueError, match="aware"):
        prepare_seal(check_sealable(plain()), seal_der=None, signed_at=datetime(2026, 1, 1))


def test_the_value_may_come_later_and_from_elsewhere() -> None:
    prepared = prepare_seal(check_sealable(plain()), seal_der=None, signed_at=SIGNED_AT)
    state = prepared.to_bytes()
    again = PreparedOfdSeal.from_bytes(state)
    assert (again.digest, again.name, again.property_info, again.description) == (
        prepared.digest,
        SIGNATURE,
        f"/{SIGNATURE}",
        prepared.description,
    )
    assert again.finish(b"\x30\x03\x02\x01\x01") == prepared.finish(b"\x30\x03\x02\x01\x01")
    assert SIGNATURE in repr(again)
    for damaged in (b"", state[:-1], state[:40], state.replace(b"SignedValue", b"SignedValuf", 1), b"x" + state):
        with pytest.raises(TrustError, match="PREPARED_SEAL_DAMAGED"):
            PreparedOfdSeal.from_bytes(damaged)


@pytest.mark.parametrize("value", [b"", b"\x30\x00", b"\x04\x01\x01", b"\x30" + bytes(8 * 1024 * 1024)])
def test_only_a_value_is_put_in(value: bytes) -> None:
    with pytest.raises(TrustError, match="OFD_VALUE_UNACCEPTABLE"):
        prepare_seal(check_sealable(plain()), seal_der=None, signed_at=SIGNED_AT).finish(value)


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)])
def test_times_that_an_archive_cannot_state_are_bent(at: datetime) -> None:
    prepared = prepare_seal(check_sealable(plain()), seal_der=None, signed_at=at)
    with zipfile.ZipFile(io.BytesIO(prepared.finish(b"\x30\x03\x02\x01\x01"))) as package:
        assert package.getinfo(VALUE).date_time[0] in {1980, 2107}


def test_a_seal_that_is_not_valid_now_seals_nothing() -> None:
    with pytest.raises(TrustError, match="SEAL_NOT_VALID_AT_SIGNING"):
        seal(signed_at=AT + timedelta(days=3000), timestamp=None)


# ---- where it is shown


@pytest.mark.clause("GB/T 33190-2016 18.2.3")
def test_a_place_is_counted_from_below_and_written_from_above() -> None:
    sealed = seal(places=[BOTTOM_RIGHT, Place(-1, 50.0, 50.0, 20.0)])
    first, last = described(sealed).stamps
    assert (first.page, first.boundary, first.clip) == ("1", "139 216 42 42", None)
    assert (last.page, last.boundary) == ("2", "40 40 20 20")  # that page is 100 x 100 mm


@pytest.mark.clause("GB/T 33190-2016 18.2.3")
@pytest.mark.parametrize(
    ("edge", "stamps"),
    [
        (Edge.RIGHT, [("189 127.5 42 42", "0 0 21 42"), ("58 29 42 42", "21 0 21 42")]),
        (Edge.LEFT, [("-21 127.5 42 42", "21 0 21 42"), ("0 29 42 42", "0 0 21 42")]),
        (Edge.BOTTOM, [("84 276 42 42", "0 0 42 21"), ("29 58 42 42", "0 21 42 21")]),
        (Edge.TOP, [("84 -21 42 42", "0 21 42 21"), ("29 0 42 42", "0 0 42 21")]),
    ],
)
def test_a_riding_seam_gives_each_page_its_slice(edge: Edge, stamps: list[tuple[str, str]]) -> None:
    sealed = seal(seam=Seam(edge))
    assert is_valid(sealed)
    assert [(stamp.boundary, stamp.clip) for stamp in described(sealed).stamps] == stamps


def many_pages(count: int) -> bytes:
    pages = "".join(f'<o:Page ID="{100 + number}" BaseLoc="P{number}.xml"/>' for number in range(count))
    area = "<o:CommonData><o:PageArea><o:PhysicalBox>0 0 210 297</o:PhysicalBox></o:PageArea></o:CommonData>"
    files = {"OFD.xml": entry(body()), "Doc_0/Document.xml": part("Document", f"{area}<o:Pages>{pages}</o:Pages>")}
    return pack(files | {f"Doc_0/P{number}.xml": part("Page") for number in range(count)})


@given(st.integers(2, 60), st.none() | st.integers(2, 30), st.sampled_from(Edge))
@settings(max_examples=25, deadline=None)
def test_the_slices_of_a_seam_make_up_the_whole_seal(count: int, pages_per_seal: int | None, edge: Edge) -> None:
    stamps = described(seal(many_pages(count), seam=Seam(edge, pages_per_seal=pages_per_seal), timestamp=None)).stamps
    assert [stamp.page for stamp in stamps] == [str(100 + number) for number in range(count)]
    axis = 2 if edge in {Edge.LEFT, Edge.RIGHT} else 3
    widths = [float((stamp.clip or "").split()[axis]) for stamp in stamps]
    assert sum(widths) == pytest.approx(42 * round(sum(widths) / 42), abs=0.05)
    assert min(widths) > 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"places": [Place(3, 50, 50)]}, "PAGE_NOT_FOUND"),
        ({"places": [Place(0, 50, 50)]}, "PAGE_NOT_FOUND"),
        ({"places": [Place(1, 1, 50)]}, "PLACEMENT_OFF_PAGE"),
        ({"places": [Place(1, 50, 290)]}, "PLACEMENT_OFF_PAGE"),
        ({"places": [Place(1, float("nan"), 50)]}, "PLACEMENT_BAD"),
        ({"places": [Place(1, 50, 50, 0)]}, "PLACEMENT_BAD"),
        ({"seam": Seam(pages="1")}, "SEAM_TOO_SHORT"),
        ({"seam": Seam(pages="some")}, "PAGES_UNCLEAR"),
        ({"seam": Seam(pages=(1, 9))}, "PAGE_NOT_FOUND"),
        ({"seam": Seam(offset_mm=5)}, "PLACEMENT_OFF_PAGE"),
        ({"seam": Seam(Edge.TOP, offset_mm=500)}, "PLACEMENT_OFF_PAGE"),
        ({"seam": Seam(offset_mm=float("inf"))}, "PLACEMENT_BAD"),
        ({"seam": Seam(Edge.TOP, width_mm=90)}, None),
        ({"seam": Seam(Edge.TOP, width_mm=250)}, "PLACEMENT_OFF_PAGE"),
    ],
)
def test_a_place_off_the_page_is_refused(options: dict[str, Any], code: str | None) -> None:
    if code is None:
        assert is_valid(seal(**options))
        return
    with pytest.raises(TrustError) as refused:
        seal(**options)
    assert refused.value.code == code


def test_pages_without_size_are_a4() -> None:
    files = {
        "OFD.xml": entry(body()),
        "Doc_0/Document.xml": part("Document", '<o:Pages><o:Page ID="1" BaseLoc="P.xml"/></o:Pages>'),
        "Doc_0/P.xml": part("Page"),
    }
    assert described(seal(pack(files), places=[BOTTOM_RIGHT])).stamps[0].boundary == "139 216 42 42"


def test_the_seal_beside_the_value_is_the_seal_in_it() -> None:
    sealed = seal()
    assert files_of(sealed)[SEAL] == seal_der()
    assert "SEAL_FILE_OK" in codes(verify(sealed), "pass")
    assert pki().seal.der in files_of(sealed)[VALUE]
    assert stamp(b"x") != b""
