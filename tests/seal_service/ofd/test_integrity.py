"""The list against smuggled files (GM/T 0099-2020 7.4), alone and together with seals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from tests.seal_service.ofd import signed_forms
from tests.seal_service.ofd.documents import SIGNS, Signing, codes, sign, steps_of, verify
from tests.standards.gbt33190_ofd.archives import Entry, archive
from tests.standards.gbt33190_ofd.parts import part, plain_files

if TYPE_CHECKING:
    from collections.abc import Callable

LIST = "OFDEntries.xml"
VALUE = "signedvalue.dat"


def listed(
    files: dict[str, bytes],
    *,
    leave_out: tuple[str, ...] = (),
    more: str = "",
    value_location: str = f"/{VALUE}",
    value: Callable[[bytes], bytes] = signed_forms.form_a,
) -> dict[str, bytes]:
    """The files with a signed list of them."""
    rows = "".join(f'<o:File ID="{index}" FileLoc="/{name}"/>' for index, name in enumerate(files) if name not in leave_out)
    entries = part("DocEntries", f"<o:SignedValueLoc>{value_location}</o:SignedValueLoc><o:FileList>{rows}{more}</o:FileList>", ID="1")
    return {**files, LIST: entries, VALUE: value(entries)}


@pytest.mark.clause("GM/T 0099-2020 7.4")
def test_a_list_alone_binds_no_content() -> None:
    report = verify(listed(plain_files(signatures=None)))
    (only,) = report.signatures
    assert (only.name, only.kind) == (VALUE, "ofd-integrity")
    assert (report.verdict, report.tampered) == (Verdict.INDETERMINATE, None)
    assert (only.cryptographically_valid, only.document_intact, only.trusted) == (True, None, True)
    assert codes(report, "not-checked") == {"OFD_INTEGRITY_NO_DIGESTS"}
    assert "OFD_INTEGRITY_LIST_OK" in codes(report, "pass")


def test_a_list_together_with_a_seal_over_everything() -> None:
    report = verify(listed(sign(plain_files(), Signing())))
    assert [signature.kind for signature in report.signatures] == ["ofd-seal", "ofd-integrity"]
    assert (report.verdict, report.tampered) == (Verdict.VALID, False)
    assert report.signatures[1].document_intact is True
    assert "UNPROTECTED_UNREFERENCED" not in codes(report)


def test_a_seal_over_a_part_leaves_the_rest_of_the_list_open() -> None:
    report = verify(listed(sign(plain_files(), Signing(leave_out=("OFD.xml",)))))
    assert report.verdict is Verdict.INDETERMINATE
    assert [step.facts["path"] for step in steps_of(report, "not-checked")] == ["OFD.xml"]


def test_a_seal_that_is_unsound_proves_nothing_for_the_list() -> None:
    report = verify(listed(sign(plain_files(), Signing(value=lambda original, path: signed_forms.form_a(original + b" ")))))
    assert report.verdict is Verdict.INVALID
    assert "OFD_INTEGRITY_NO_DIGESTS" in codes(report, "not-checked")


def test_a_smuggled_file() -> None:
    files = listed(plain_files(signatures=None))
    report = verify({**files, "Doc_0/smuggled.exe": b"MZ"})
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert [(step.code, step.facts["path"]) for step in steps_of(report, "fail")] == [("OFD_INTEGRITY_UNLISTED", "Doc_0/smuggled.exe")]
    assert "OFD_INTEGRITY_LIST_OK" not in codes(report)


def test_a_seal_that_came_after_the_list_is_said() -> None:
    plain = plain_files()
    files = sign(listed(plain), Signing())
    report = verify(files)
    assert report.verdict is Verdict.VALID
    assert {step.facts["path"] for step in steps_of(report, "warn") if step.code == "OFD_INTEGRITY_UNLISTED"} == set(files) - set(plain) - {
        LIST,
        VALUE,
    }
    assert f"{SIGNS}/Signatures.xml" in files


def test_a_file_that_was_taken_away() -> None:
    files = listed(plain_files(signatures=None))
    del files["Doc_0/Attachs/a.json"]
    report = verify(files)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert "OFD_INTEGRITY_MISSING" in codes(report, "fail")


def test_a_changed_list() -> None:
    files = listed(plain_files(signatures=None))
    files[LIST] = files[LIST].replace(b"<o:FileList>", b'<o:FileList><o:File FileLoc="/OFD.xml"/>')
    report = verify(files)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert codes(report, "fail") == {"DATA_HASH_BAD"}


def test_locations_that_lead_out() -> None:
    report = verify(listed(plain_files(signatures=None), more='<o:File FileLoc="../x"/>'))
    assert report.verdict is Verdict.INVALID
    assert "BAD_PATH" in codes(report, "fail")
    report = verify(listed(plain_files(signatures=None), value_location="../x"))
    assert codes(report, "fail") == {"OFD_INTEGRITY_UNREADABLE"}


@pytest.mark.parametrize("data", [b"<broken", part("Other"), b"<!DOCTYPE a><a/>"])
def test_lists_that_cannot_be_read(data: bytes) -> None:
    report = verify({**listed(plain_files(signatures=None)), LIST: data})
    assert (report.verdict, report.signatures[0].name) == (Verdict.INVALID, LIST)
    assert codes(report, "fail") == {"OFD_INTEGRITY_UNREADABLE"}


def test_a_missing_value() -> None:
    report = verify(listed(plain_files(signatures=None), value_location="/none.dat"))
    assert (report.verdict, report.signatures[0].name) == (Verdict.INVALID, "none.dat")
    assert codes(report, "fail") == {"SIGNED_VALUE_MISSING"}


def test_a_value_that_cannot_be_unpacked_or_read() -> None:
    entries = [Entry(name, data) for name, data in listed(plain_files(signatures=None)).items()]
    entries[-1].checksum = 1
    assert "SIGNED_VALUE_UNREADABLE" in codes(verify(archive(entries)), "fail")
    report = verify(listed(plain_files(signatures=None), value=lambda _: b"junk"))
    assert report.verdict is Verdict.INVALID
    assert "CMS_MALFORMED" in codes(report, "fail")
    assert report.signatures[0].cryptographically_valid is None
