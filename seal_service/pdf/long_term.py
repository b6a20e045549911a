"""The long-term levels of PAdES (ETSI EN 319 142-1 6.3): B-LT, what shows the certificates good; B-LTA, a document time-stamp over it all.

Done again before the authority of the last time-stamp runs out, it carries a document on for as long as somebody does so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crypto.revocation import NO_EVIDENCE, RevocationEvidence
from seal_service.pdf.evidence import collect_validation_data
from seal_service.pdf.security_store import add_validation_data, prepare_document_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.trust_list import TrustList


def make_long_term(
    sealed: bytes,
    *,
    trust: TrustList,
    at: datetime,
    stamp: Callable[[bytes], bytes] | None,
    evidence: RevocationEvidence = NO_EVIDENCE,
) -> bytes:
    """A sealed document with the validation data of all its signatures (B-LT), and a document time-stamp by ``stamp`` (B-LTA).

    ``stamp``: bytes in, a token (RFC 3161) over them out; None leaves the time-stamp away. ``evidence``: further lists and responses.

    :raises TrustError: ``PDF_EVIDENCE_MISSING``, ``PDF_CHAIN_UNKNOWN``, ``PDF_STORE_FULL``, what the reader refuses, and what ``stamp`` raises.
    """
    complete = add_validation_data(sealed, collect_validation_data(sealed, trust, at, evidence))
    if stamp is None:
        return complete
    prepared = prepare_document_timestamp(complete, at)
    return prepared.finish(stamp(prepared.covered()))
