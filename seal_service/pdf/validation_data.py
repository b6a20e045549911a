"""Validation data a document carries for its signatures: the document security store, DSS (ISO 32000-2 12.8.4.3, ETSI EN 319 142-1 5.4.2).

It is not protected by the signatures and need not be: certificates found there only help to build paths, and revocation lists and
OCSP responses are signed themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.syntax import Stream
from standards.errors import MalformedError

if TYPE_CHECKING:
    from crypto.trust_list import TrustList
    from seal_service.pdf.document import PdfDocument

_MAX_ITEMS: Final = 64  # of each kind; a long-term signature with its time-stamps has about ten
_MAX_ITEM_BYTES: Final = 8_388_608  # revocation lists of large authorities have several megabytes


def read_validation_data(document: PdfDocument, trust: TrustList) -> tuple[TrustList, RevocationEvidence]:
    """``trust`` with the document's certificates as further intermediates, and its revocation evidence. Unreadable items are left out."""
    try:
        store = document.resolve_dictionary(document.root.get("DSS"))
    except MalformedError:
        store = None
    if store is None:
        return trust, NO_EVIDENCE
    certificates: list[Certificate] = []
    for encoded in _read_streams(document, store.get("Certs")):
        try:
            certificates.append(Certificate.from_der(encoded))
        except MalformedError:
            continue  # what cannot be read helps nobody; the path search says what is missing
    evidence = RevocationEvidence(_read_streams(document, store.get("CRLs")), _read_streams(document, store.get("OCSPs")))
    if certificates:
        trust = replace(trust, intermediates=(*trust.intermediates, *certificates))
    return trust, evidence


def _read_streams(document: PdfDocument, value: object) -> tuple[bytes, ...]:
    found: list[bytes] = []
    try:
        items = document.resolve(value)
        for item in items[:_MAX_ITEMS] if isinstance(items, list) else []:
            stream = document.resolve(item)
            if isinstance(stream, Stream) and len(stream.raw) <= _MAX_ITEM_BYTES:
                found.append(decode_stream(stream, document.resolve, document.budget))
    except MalformedError:
        return tuple(found)  # what was read before a damaged item still helps
    return tuple(found)
