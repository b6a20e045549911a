"""What a verifier in later years will need for the signatures of a document: certificates, revocation lists, OCSP responses.

Collected for every signer and every time-stamp authority in it, up to their anchors, from the trust list, from what was given, and from
the document itself. Nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.cms_examination import Demands, examine
from crypto.path import validate_path
from crypto.report import Outcome
from crypto.revocation import NO_EVIDENCE, RevocationEvidence, RevocationStatus, check_revocation
from crypto.trust_list import Purpose
from seal_service.pdf.byte_ranges import read_coverage
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.signature_value import CMS_FILTERS, TIMESTAMP_FILTER
from seal_service.pdf.validation_data import read_validation_data
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc5652_cms import encoded_length

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.cms_examination import Examination
    from crypto.trust_list import TrustList

_TOKENS_MAX: Final = 4  # time-stamps of one signature, as the verifier reads them
_SIGNATURE: Final = Demands(content_digest=None)
_TOKEN: Final = Demands(content_digest=None, content_types=frozenset({oids.TST_INFO}), allow_encapsulated=True)


@dataclass(frozen=True, slots=True)
class ValidationData:
    """DER of certificates, revocation lists and OCSP responses, each once."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsp: tuple[bytes, ...]


def collect_validation_data(data: bytes, trust: TrustList, at: datetime, given: RevocationEvidence = NO_EVIDENCE) -> ValidationData:
    """Everything for the signatures and time-stamps of a document, as known at ``at`` (aware UTC).

    Raises TrustError ``PDF_EVIDENCE_MISSING`` (nothing shows that a certificate is not revoked now), ``PDF_CHAIN_UNKNOWN`` (a signer leads
    to no anchor of the trust list).
    """
    document = PdfDocument.open(data)
    trust, held = read_validation_data([document], trust)
    certificates: dict[bytes, None] = {}
    crls: dict[bytes, None] = {}
    ocsp: dict[bytes, None] = {}
    for examined, purpose in _signers(document):
        leaf = examined.certificate
        if leaf is None:
            continue
        offered = given + held + RevocationEvidence(examined.crls, examined.ocsp_responses)
        path = validate_path(leaf, intermediates=examined.certificates, trust=trust, purpose=purpose, at=at, evidence=offered, now=at)
        if path.anchor is None:
            raise TrustError(Kind.UNACCEPTABLE, "PDF_CHAIN_UNKNOWN", certificate=leaf.subject_text)
        certificates.update(dict.fromkeys(each.der for each in path.chain))
        is_needed = {
            str(step.facts.get("certificate")): step.outcome is Outcome.NOT_CHECKED
            for step in path.steps
            if step.code == "CERT_REVOCATION_UNKNOWN"
        }
        for certificate, issuer in zip(path.chain, path.chain[1:], strict=False):
            found = _showing(certificate, issuer, trust.evidence_for(certificate) + offered, at)
            if found is not None:
                crls.update(dict.fromkeys(found.crls))
                ocsp.update(dict.fromkeys(found.ocsp))
            elif certificate.not_after >= at and is_needed.get(certificate.subject_text):
                raise TrustError(Kind.UNACCEPTABLE, "PDF_EVIDENCE_MISSING", certificate=certificate.subject_text)
    return ValidationData(tuple(certificates), tuple(crls), tuple(ocsp))


def _showing(certificate: Certificate, issuer: Certificate, evidence: RevocationEvidence, at: datetime) -> RevocationEvidence | None:
    """The one piece of evidence that shows a certificate good now (or at its end), the newest first; None where there is none."""
    moment = min(at, certificate.not_after)
    pieces = [RevocationEvidence(ocsp=(each,), responders=evidence.responders) for each in evidence.ocsp]
    pieces += [RevocationEvidence(crls=(each,)) for each in evidence.crls]
    judged = [(check_revocation(certificate, issuer, piece, moment, now=at), piece) for piece in pieces]
    good = [(result.this_update, piece) for result, piece in judged if result.status is RevocationStatus.GOOD]
    dated = [(update, piece) for update, piece in good if update is not None]
    return max(dated, key=lambda pair: pair[0])[1] if dated else None


def _signers(document: PdfDocument) -> Iterator[tuple[Examination, Purpose]]:
    """Every CMS of the document and every time-stamp token in it."""
    for field in document.signature_fields():
        value = field.value_dict
        if value is None:
            continue
        sub_filter = str(document.resolve(value.get("SubFilter")))
        contents = read_coverage(document, field).contents
        if contents is None or sub_filter not in {*CMS_FILTERS, TIMESTAMP_FILTER}:
            continue
        try:
            cms_der = contents[: encoded_length(contents)]
        except MalformedError:
            continue  # the verifier says what is wrong with it
        if sub_filter == TIMESTAMP_FILTER:
            yield examine(cms_der, _TOKEN), Purpose.TIMESTAMP
            continue
        examined = examine(cms_der, _SIGNATURE)
        yield examined, Purpose.DOCUMENT
        tokens = [
            token
            for attribute in (examined.signer.unsigned_attributes if examined.signer is not None else ())
            if attribute.oid == oids.SIGNATURE_TIME_STAMP
            for token in attribute.values
        ]
        for token in tokens[:_TOKENS_MAX]:
            yield examine(token, _TOKEN), Purpose.TIMESTAMP
