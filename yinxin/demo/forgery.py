"""A forged copy of the sealed demonstration document: somebody raises the amount after the sealing, as a PDF editor would do it."""

from __future__ import annotations

from seal_service.pdf.document import PdfDocument
from seal_service.pdf.syntax import Ref
from seal_service.pdf.update import IncrementalUpdate
from standards.errors import Kind, TrustError
from yinxin.demo.document import FORGED_AMOUNT, draw_document


def forge_amount(sealed: bytes) -> bytes:
    """``sealed`` with another amount on its page: an incremental update that replaces the page's content, the seal untouched.

    The document names all its characters early, so the same typeface codes hold for the altered page. Raises TrustError
    DEMO_NOT_FORGEABLE for a document that is not the demonstration's.
    """
    document, altered = PdfDocument.open(sealed), PdfDocument.open(draw_document(FORGED_AMOUNT))
    contents = document.pages()[0][1].get("Contents")
    if not isinstance(contents, Ref):
        raise TrustError(Kind.UNACCEPTABLE, "DEMO_NOT_FORGEABLE")
    update = IncrementalUpdate(document, len(sealed), ends_line=sealed.endswith(b"\n"))
    update.replace(contents, altered.resolve(altered.pages()[0][1].get("Contents")))
    return sealed + bytes(update.write(b"yinxin-demo-fake"))
