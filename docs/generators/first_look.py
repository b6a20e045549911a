"""The picture of the README: a sealed page and a forged copy of it, each with what the verifier says."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from crypto.report import Verdict
from crypto.trust_list import read_trust_list
from docs.generators.clause_matrix import PROJECT
from seal_service.pdf.verify import verify_pdf
from seal_service.render import draw_page
from yinxin.demo.prepare import prepare_demo

TARGET = PROJECT / "docs" / "images" / "first-look.png"
WIDTH, HEIGHT = 900, 700  # points; drawn at 96 dpi
COLOURS = {Verdict.VALID: "#1a7f37", Verdict.INVALID: "#b42318", Verdict.INDETERMINATE: "#8a6100"}


def draw() -> bytes:
    """PNG bytes of the picture, from a demonstration deployment made for it."""
    with tempfile.TemporaryDirectory(prefix="yinxin-first-look-") as folder:
        facts = prepare_demo(Path(folder) / "demo", is_small=True)
        trust = read_trust_list(Path(facts.trust).read_bytes())
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(WIDTH, HEIGHT))
        canvas.setFillColor(HexColor("#e9e9ee"))
        canvas.rect(0, 0, WIDTH, HEIGHT, stroke=0, fill=1)
        for column, (path, caption) in enumerate(((facts.sealed_pdf, "sealed"), (facts.forged_pdf, "forged copy"))):
            document = Path(path).read_bytes()
            verdict = verify_pdf(document, trust, datetime.now(UTC)).verdict
            left = 20 + column * 440
            canvas.drawImage(ImageReader(Image.open(io.BytesIO(draw_page(document, 1, dpi=110)))), left, 50, 420, 594)
            canvas.setFillColor(HexColor(COLOURS[verdict]))
            canvas.roundRect(left, 652, 420, 36, 6, stroke=0, fill=1)
            canvas.setFillColor(HexColor("#ffffff"))
            canvas.setFont("Helvetica-Bold", 18)
            canvas.drawString(left + 14, 664, f"{verdict.value.upper()}  -  {caption}")
        canvas.setFillColor(HexColor("#333333"))
        canvas.setFont("Helvetica", 11)
        canvas.drawString(
            20,
            24,
            "Verdicts of `yinxin verify`, offline. The amount was changed in the copy. Demonstration: invented names, no legal effect.",
        )
        canvas.save()
        return draw_page(out.getvalue(), 1, dpi=96)


def main() -> None:
    """Write the picture."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(draw())


if __name__ == "__main__":
    main()
