"""Writing for the long term: the document security store (DSS) and document time-stamps, each an appended revision of its own.

ISO 32000-2 12.8.4.3 and 12.8.5, ETSI EN 319 142-1 5.4 and 5.5. Both may follow every signature, whatever it forbids to others.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from crypto.cms import TIMESTAMP_RESERVED_BYTES
from crypto.digests import digest
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.object_text import Verbatim
from seal_service.pdf.seal import write_revision, write_text
from seal_service.pdf.sealing_rules import check_document
from seal_service.pdf.sealing_value import PADES_FILTER
from seal_service.pdf.signature_field import add_field, new_name
from seal_service.pdf.signature_value import TIMESTAMP_FILTER
from seal_service.pdf.syntax import Name, Ref, Stream, write_name
from seal_service.pdf.update import IncrementalUpdate
from seal_service.pdf.validation_data import CERTIFICATES, CRLS, MAX_ITEMS, OCSP_RESPONSES
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from datetime import datetime

    from seal_service.pdf.evidence import ValidationData
    from seal_service.pdf.seal import PreparedSeal

TIMESTAMP_NAME: Final = "Timestamp"
# The developer extension that PDF 1.7 documents state for these features (EN 319 142-1 5.1)
_EXTENSIONS: Final = {"ESIC": {"BaseVersion": Name("1.7"), "ExtensionLevel": 1}}


def add_validation_data(original: bytes, data: ValidationData) -> bytes:
    """The document with what is new of ``data`` in its DSS; the document itself where nothing is.

    :raises TrustError: for what the reader refuses, ``PDF_STORE_FULL`` where the store would hold more than a verifier reads.
    """
    document = PdfDocument.open(original)
    check_document(original, document)
    root = _root(document)
    held = document.root.get("DSS")
    store = document.resolve_dictionary(held) or {}
    update = IncrementalUpdate(document, len(original), ends_line=original.endswith((b"\n", b"\r")))
    entries: dict[str, object] = {}
    for kind, items in ((CERTIFICATES, data.certificates), (CRLS, data.crls), (OCSP_RESPONSES, data.ocsp)):
        listed = document.resolve(store.get(kind))
        known = list(listed) if isinstance(listed, list) else []
        contents = {_content(document, item) for item in known}
        fresh = [item for item in dict.fromkeys(items) if item not in contents]
        if len(known) + len(fresh) > MAX_ITEMS:
            raise TrustError(Kind.TOO_LARGE, "PDF_STORE_FULL", items=kind, most=MAX_ITEMS)
        if fresh:
            packed = [update.add(Stream({"Filter": Name("FlateDecode")}, zlib.compress(item, 6))) for item in fresh]
            entries[kind] = [*known, *packed]
    if not entries:
        return original
    if isinstance(held, Ref) and isinstance(document.get(held), dict):
        update.set_entries(held, entries)
    else:
        update.set_entries(root, {"DSS": update.add({"Type": Name("DSS"), **store, **entries})})
    if "Extensions" not in document.root:
        update.set_entries(root, {"Extensions": _EXTENSIONS})
    seed = f"DSS {len(original)} {document.last_startxref} {document.size}"
    return original + bytes(update.write(digest(oids.SM3, seed.encode("ascii"))[:16]))


def prepare_document_timestamp(original: bytes, at: datetime, *, reserved_bytes: int = TIMESTAMP_RESERVED_BYTES) -> PreparedSeal:
    """Write the revision of a document time-stamp, to be finished with a token over its covered bytes (12.8.5). ``at`` is for the file's ID.

    :raises TrustError: for what the reader refuses.
    """
    document = PdfDocument.open(original)
    check_document(original, document)
    update = IncrementalUpdate(document, len(original), ends_line=original.endswith((b"\n", b"\r")))
    value_ref = update.reserve()
    name = new_name(document, None, stem=TIMESTAMP_NAME)
    add_field(update, document, write_text("T", name), entries={"V": value_ref})
    if "Extensions" not in document.root:
        update.set_entries(_root(document), {"Extensions": _EXTENSIONS})
    opening = b"<</Type/DocTimeStamp/Filter%s/SubFilter%s" % (write_name(PADES_FILTER), write_name(TIMESTAMP_FILTER))
    return write_revision(original, document, update, value_ref, Verbatim(opening), reserved_bytes, at.isoformat(), oids.SM3)


def _root(document: PdfDocument) -> Ref:
    root = document.trailer.get("Root")
    if not isinstance(root, Ref):
        raise MalformedError("PDF_MALFORMED", at="Root")
    return root


def _content(document: PdfDocument, item: object) -> bytes | None:
    """What an entry of the store holds; None where it cannot be read, so that it is no reason to leave anything out."""
    try:
        stream = document.resolve(item)
        return decode_stream(stream, document.resolve, document.budget) if isinstance(stream, Stream) else None
    except MalformedError:
        return None
