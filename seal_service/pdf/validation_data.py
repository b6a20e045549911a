"""Validation data a document carries for its signatures: the document security store, DSS (ISO 32000-2 12.8.4.3, ETSI EN 319 142-1 5.4.2).

It is not protected by the signatures and need not be: certificates found there only help to build paths, and revocation lists and
OCSP responses are signed themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.revocation import RevocationEvidence
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.syntax import Ref, Stream
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.trust_list import TrustList
    from seal_service.pdf.document import PdfDocument

CERTIFICATES: Final = "Certs"
CRLS: Final = "CRLs"
OCSP_RESPONSES: Final = "OCSPs"
KINDS: Final = (CERTIFICATES, CRLS, OCSP_RESPONSES)
MAX_ITEMS: Final = 64  # of each kind; a long-term signature with its time-stamps has about ten
_MAX_ITEM_BYTES: Final = 8_388_608  # revocation lists of large authorities have several megabytes


def read_validation_data(revisions: Sequence[PdfDocument], trust: TrustList) -> tuple[TrustList, RevocationEvidence]:
    """``trust`` with the document's certificates as further intermediates, and its revocation evidence. Unreadable items are left out.

    ``revisions``: views of one document, the most trustworthy first. Those that a document time-stamp covers come before the final one,
    so that nobody can take away, or crowd out, what was there when it was stamped.
    """
    found: dict[str, dict[bytes, None]] = {kind: {} for kind in KINDS}
    read: set[tuple[int, int]] = set()
    for document in revisions:
        try:
            store = document.resolve_dictionary(document.root.get("DSS"))
        except MalformedError:
            continue
        for kind in KINDS if store is not None else ():
            _read_streams(document, (store or {}).get(kind), found[kind], read)
    certificates: list[Certificate] = []
    for encoded in found[CERTIFICATES]:
        try:
            certificates.append(Certificate.from_der(encoded))
        except MalformedError:
            continue  # what cannot be read helps nobody; the path search says what is missing
    if certificates:
        trust = replace(trust, intermediates=(*trust.intermediates, *certificates))
    return trust, RevocationEvidence(tuple(found[CRLS]), tuple(found[OCSP_RESPONSES]))


def _read_streams(document: PdfDocument, value: object, found: dict[bytes, None], read: set[tuple[int, int]]) -> None:
    """The streams of a list into ``found``; what was ``read`` in another revision already stands at the same place."""
    try:
        items = document.resolve(value)
        for item in items[:MAX_ITEMS] if isinstance(items, list) else []:
            place = document.place(item.number) if isinstance(item, Ref) else None
            if (place is not None and place in read) or len(found) >= MAX_ITEMS:
                continue
            stream = document.resolve(item)
            if isinstance(stream, Stream) and len(stream.raw) <= _MAX_ITEM_BYTES:
                found[decode_stream(stream, document.resolve, document.budget)] = None
            if place is not None:
                read.add(place)
    except MalformedError:
        return  # what was read before a damaged item still helps
