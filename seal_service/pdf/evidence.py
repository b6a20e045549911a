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
from seal_service.seal_data.certified_key import open_certificate
from seal_service.seal_data.seal_file import Content, content_of
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError
from standards.gbt38540_seal.read import read_seal_signature
from standards.rfc5652_cms import encoded_length

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList
    from standards.rfc5652_cms import Attribute

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
    for leaf, purpose, brought in _signers(document):
        offered = given + held + RevocationEvidence(brought.crls, brought.ocsp_responses)
        path = validate_path(leaf, intermediates=brought.certificates, trust=trust, purpose=purpose, at=at, evidence=offered, now=at)
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


@dataclass(frozen=True, slots=True)
class _Brought:
    """What a value brings with it: certificates that may be on the way to an anchor, lists and responses."""

    certificates: tuple[Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()


def _signers(document: PdfDocument) -> Iterator[tuple[Certificate, Purpose, _Brought]]:
    """Everybody on whose certificate a signature of the document stands: signers, makers of seals, time-stamp authorities."""
    for field in document.signature_fields():
        value = field.value_dict
        if value is None:
            continue
        sub_filter = str(document.resolve(value.get("SubFilter")))
        contents = read_coverage(document, field).contents
        if contents is None:
            continue
        try:
            value_der = contents[: encoded_length(contents)]
        except MalformedError:
            continue  # the verifier says what is wrong with it
        if sub_filter == TIMESTAMP_FILTER:
            yield from _of_token(value_der)
        elif content_of(value_der) is Content.SIGNATURE:
            yield from _of_sealing_value(value_der, _Brought())
        elif sub_filter in CMS_FILTERS:
            yield from _of_cms(value_der)


def _of_cms(cms_der: bytes) -> Iterator[tuple[Certificate, Purpose, _Brought]]:
    examined = examine(cms_der, _SIGNATURE)
    brought = _Brought(examined.certificates, examined.crls, examined.ocsp_responses)
    if examined.certificate is not None:
        yield examined.certificate, Purpose.DOCUMENT, brought
    if examined.signer is None:
        return
    tokens = _values_of(examined.signer.unsigned_attributes, oids.SIGNATURE_TIME_STAMP)
    for token in tokens[:_TOKENS_MAX]:
        yield from _of_token(token)
    values = _values_of(examined.signer.signed_attributes, oids.SES_SIGNATURE_ATTRIBUTE)
    for value in values[:1]:
        yield from _of_sealing_value(value, brought)


def _values_of(attributes: Sequence[Attribute] | None, oid: str) -> list[bytes]:
    return [value for attribute in attributes or () if attribute.oid == oid for value in attribute.values]


def _of_sealing_value(value_der: bytes, brought: _Brought) -> Iterator[tuple[Certificate, Purpose, _Brought]]:
    """The signer and the maker of the seal, with the time-stamps over both."""
    try:
        signature = read_seal_signature(value_der)
    except MalformedError:
        return  # the verifier says what is wrong with it
    for certificate_der, purpose in (
        (signature.signer_certificate_der, Purpose.DOCUMENT),
        (signature.seal.maker_certificate_der, Purpose.SEAL_MAKER),
    ):
        certificate = open_certificate(certificate_der).certificate
        if certificate is not None:
            yield certificate, purpose, brought
    for token in (signature.time_info_token, signature.time_stamp_der, signature.seal.time_stamp_der):
        if token is not None:
            yield from _of_token(token)


def _of_token(token_der: bytes) -> Iterator[tuple[Certificate, Purpose, _Brought]]:
    examined = examine(token_der, _TOKEN)
    if examined.certificate is not None:
        yield examined.certificate, Purpose.TIMESTAMP, _Brought(examined.certificates, examined.crls, examined.ocsp_responses)
