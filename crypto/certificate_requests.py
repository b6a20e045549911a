"""Certification requests (PKCS #10): ours for others to certify, others' for ours, with proof that the asker holds the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.signatures import SignatureCheck, algorithm_identifier, verify_signature
from standards.errors import Kind, TrustError
from standards.rfc2986_request import RequestFields, read_request, write_request_info
from standards.rfc5280_certificate import write_signed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crypto.signer import Signer


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """A name and a public key to be bound together. Whoever makes one vouches that the key belongs to the name."""

    subject_der: bytes
    spki_der: bytes


def create_request(signer: Signer, subject_der: bytes, extensions_der: Iterable[bytes] = ()) -> bytes:
    """A request in DER for the signer's key, signed by it; ``extensions_der`` are encoded Extensions to ask for."""
    info_der = write_request_info(subject_der, signer.public_spki_der, extensions_der)
    return write_signed(info_der, algorithm_identifier(signer.algorithm).raw, signer.sign(info_der))


def is_request_signed(request: RequestFields) -> SignatureCheck:
    """Whether the key in the request made its signature (proof of possession; RFC 2986, 4.2)."""
    return verify_signature(request.spki.raw, request.signature_algorithm, request.info_der, request.signature)


def read_proven_request(request_der: bytes) -> SubjectRequest:
    """The name and key of a request whose signature proves possession of the key.

    Raises :class:`standards.errors.MalformedError`, or ``CSR_SIGNATURE_BAD`` (unacceptable) when the proof fails or rests on a weak or
    unknown algorithm. Extensions asked for are left out: what a certificate says is the authority's decision.
    """
    request = read_request(request_der)
    check = is_request_signed(request)
    if check is not SignatureCheck.GOOD:
        raise TrustError(Kind.UNACCEPTABLE, "CSR_SIGNATURE_BAD", found=check.value)
    return SubjectRequest(request.subject_der, request.spki.raw)
