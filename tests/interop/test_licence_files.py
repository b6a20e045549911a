"""Licence files before others: veraPDF on PDF/A-3b before and after sealing, ofdrw on the sealed OFD, its metadata and attachments."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from licence_vault.faces.draw import draw_ofd, draw_pdf
from licence_vault.faces.marks import CopyNote, Marks
from licence_vault.verify import COPY_FILES
from seal_service.ofd.seal import seal_ofd
from seal_service.pdf.placement import Placement
from seal_service.pdf.sealing_value import Profile
from seal_service.places import Place
from seal_service.verify import judge_file
from service_kit.typefaces.faces import Style, system_faces
from tests.interop.verapdf_runner import verapdf_programs
from tests.licence_vault.faces.designs import ATTACHMENTS, BILINGUAL, LANDSCAPE, PORTRAIT, QR_TEXT, pdf_of
from tests.licence_vault.samples import sample_licence
from tests.seal_service.ofd import documents as ofd
from tests.seal_service.pdf import long_term_setting
from tests.seal_service.pdf.sealing import AT, picture, pki, sealed, stamp
from tests.seal_service.pdf.seals_inside import sealed_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.java_runner import JavaPrograms

NOTE = CopyNote("示例窗口", "示例用途", AT, AT)
COPY_MARKS = Marks(copy_note=NOTE, watermark="加注件 仅供示例窗口使用")
COPY_ATTACHMENTS = {name: f"copy {name}".encode() for name in (COPY_FILES.data, COPY_FILES.leaf, *COPY_FILES.proofs)}
PLACE = Placement(1, 60, 40)


def licences() -> dict[str, bytes]:
    """Licence files by what was done to them."""
    data, plain = sample_licence(), pdf_of(LANDSCAPE)
    copy = draw_pdf(data, PORTRAIT, ATTACHMENTS | COPY_ATTACHMENTS, qr_text=None, marks=COPY_MARKS)
    faces = {
        "landscape": plain,
        "copy": copy,
        "copy-sealed": sealed(copy),
    }
    if any(face.style is Style.MONGOLIAN for face in system_faces()):
        faces["bilingual"] = draw_pdf(data, BILINGUAL, {}, qr_text=QR_TEXT)
    return faces | {
        "sealed": sealed(plain),
        "sealed-pale": sealed(plain, opacity=0.6),
        "sealed-finally": sealed(plain, certify=1, timestamp=stamp()),
        "sealed-twice": sealed(sealed(plain, placement=None, picture=None), placement=Placement(1, 200, 150)),
        "sealed-for-long": long_term_setting.sealed("B-LTA", plain),
        "sealed-both": sealed_with(Profile.PADES_SES, plain, placement=PLACE, picture=picture()),
    }


@pytest.mark.clause("ISO 19005-3 6", "ISO 19005-3 6.4.3")
def test_verapdf_finds_licences_to_be_pdf_a_3b_before_and_after_sealing(tmp_path: Path) -> None:
    files = licences()
    # The judge must be able to say no: no output intent, and a value that is no PKCS#7
    wrong = {
        "colours": files["landscape"].replace(b"/OutputIntents", b"/XutputIntents"),
        "fonts": files["landscape"].replace(b"/FontFile2", b"/XontFile2"),
        "ses": sealed_with(Profile.SES, files["landscape"], placement=PLACE, picture=picture()),
    }
    for name, content in (files | wrong).items():
        (tmp_path / name).write_bytes(content)
    with verapdf_programs() as verapdf:
        found = verapdf.run("CheckArchival", "3b", *(tmp_path / name for name in files | wrong))
    assert {name: answer for name, answer in found.items() if name in files} == dict.fromkeys(files, "true")
    # Which rules are broken; the judge names them in any order
    assert {name: set(re.findall(r"([\d.]+-\d+) \(", answer)) for name, answer in found.items() if name in wrong} == {
        "colours": {"6.2.4.3-2", "6.2.4.3-4"},
        "fonts": {"6.2.11.4.1-1"},
        "ses": {"6.4.3-2", "6.4.3-3"},
    }
    assert {answer.split(" ")[0] for name, answer in found.items() if name in wrong} == {"false"}


@pytest.mark.parametrize("is_copy", [False, True], ids=["original", "copy"])
@pytest.mark.clause("GB/T 36905 5", "GB/T 33190-2016 20.1", "GB/T 36903-2018 annotated copy")
def test_ofdrw_accepts_the_sealed_licence_with_its_metadata_and_attachments(ofdrw: JavaPrograms, tmp_path: Path, is_copy: bool) -> None:
    data = sample_licence()
    (place,) = LANDSCAPE.seals
    attachments = ATTACHMENTS | COPY_ATTACHMENTS if is_copy else ATTACHMENTS
    qr_text, marks = (None, COPY_MARKS) if is_copy else (QR_TEXT, Marks())
    document = seal_ofd(
        draw_ofd(data, LANDSCAPE, attachments, qr_text=qr_text, marks=marks),
        seal_der=ofd.seal_der(),
        signer=ofd.pki().seal_signer,
        certificate=ofd.pki().seal,
        signed_at=ofd.SIGNED_AT,
        places=[Place(1, place.x_mm, place.y_mm)],
    )
    path = tmp_path / "licence.ofd"
    path.write_bytes(document)
    assert ofdrw.run("OfdrwPackages", "validate", path) == {"pages": "1", "signatures": "1", "stamps": "1", "valid": "true"}
    read = dict(ofdrw.run("ReadDocument", path).items())
    text = {
        name: base64.b64decode(value).decode()
        for name, value in read.items()
        if name.startswith(("title", "custom.", "text.", "attachment."))
    }
    assert text["title"] == f"{data.name} {data.number}"
    assert text["custom.ZZBS"] == data.identifier
    assert text["custom.CZZT"] == data.holders[0].name
    copied = {name: text.get(f"custom.{name}") for name in ("JZJZZZ", "JZJZZSY")}
    assert copied == ({"JZJZZZ": NOTE.made_by, "JZJZZSY": NOTE.reason} if is_copy else {"JZJZZZ": None, "JZJZZSY": None})
    assert {
        name.removeprefix("attachment."): value.encode() for name, value in text.items() if name.startswith("attachment.")
    } == attachments
    on_the_face = [data.number, data.identifier, data.holders[0].name] + [NOTE.made_by, NOTE.reason] * is_copy
    for expected in on_the_face:
        assert expected in text["text.1"]
    judged = judge_file(document, ofd.pki().trust_list(), ofd.AT)
    assert judged.report.signatures[0].document_intact
    assert judged.sealed_files == attachments


def test_our_own_verdict_on_the_sealed_licence() -> None:
    judged = judge_file(sealed(pdf_of(LANDSCAPE)), pki().trust_list(), AT)
    assert judged.report.verdict is Verdict.VALID
    assert judged.sealed_files == ATTACHMENTS
