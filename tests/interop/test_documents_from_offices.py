"""Documents that LibreOffice and Chromium print, sealed twice and judged: the writers most documents come from."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from seal_service.pdf.placement import Placement, find_keyword
from seal_service.pdf.verify import verify_pdf
from tests.interop.test_sealed_pdf import LATER, _judged
from tests.optional import need_program
from tests.seal_service.pdf.sealing import pki, sealed

if TYPE_CHECKING:
    from pathlib import Path

PRINT_SECONDS = 120
PAGE = "<html><body><h1>Decision</h1>" + "<p>Whereas and therefore. </p>" * 60 + "<p>Place of the SEAL</p></body></html>"


def _by_libreoffice(folder: Path) -> bytes:
    source = folder / "decision.html"
    source.write_text(PAGE)
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    arguments = [
        need_program("soffice"),
        profile,
        "--headless",
        "--convert-to",
        "pdf:writer_web_pdf_Export",
        "--outdir",
        str(folder),
        str(source),
    ]
    subprocess.run(arguments, capture_output=True, timeout=PRINT_SECONDS, check=True)
    return (folder / "decision.pdf").read_bytes()


def _by_chromium(folder: Path) -> bytes:
    source, target = folder / "decision.html", folder / "decision.pdf"
    source.write_text(PAGE)
    arguments = [need_program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    subprocess.run([*arguments, f"--print-to-pdf={target}", source.as_uri()], capture_output=True, timeout=PRINT_SECONDS, check=True)
    return target.read_bytes()


@pytest.mark.parametrize("make", [_by_libreoffice, _by_chromium], ids=["libreoffice", "chromium"])
def test_printed_documents_are_sealed_at_a_keyword_and_again(make: object, tmp_path: Path) -> None:
    assert callable(make)
    original = make(tmp_path)
    place = find_keyword(original, "SEAL")
    document = sealed(original, placement=place)
    document = sealed(document, placement=Placement(1, 150, 250))
    assert document.startswith(original)
    assert all(status.bottom_line for status in _judged(document).values())
    report = verify_pdf(document, pki().trust_list(), LATER)
    assert (report.verdict, report.tampered, len(report.signatures)) == (Verdict.VALID, False, 2)
    path = tmp_path / "sealed.pdf"
    path.write_bytes(document)
    checked = subprocess.run([need_program("qpdf"), "--check", str(path)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
