"""Answering OCSP requests (RFC 6960), as the issuer itself or as its delegated responder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from crypto.authority import RevokedCertificate
from crypto.ocsp_responses import is_issuer_meant
from crypto.signatures import algorithm_identifier
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError
from standards.rfc6960_ocsp import (
    GOOD,
    MALFORMED_REQUEST,
    REVOKED,
    UNKNOWN,
    read_ocsp_request,
    write_ocsp_failure,
    write_ocsp_response,
    write_response_data,
    write_single_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.signer import Signer
    from standards.rfc6960_ocsp import CertId

    StatusOf = Callable[[int], RevokedCertificate | Literal["good", "unknown"]]


@dataclass(frozen=True, slots=True)
class _Moment:
    this_update: datetime
    next_update: datetime
    archive_cutoff: datetime | None


class OcspResponder:
    """A responder for one issuer. ``certificate`` is the responder's own, or the issuer's where it answers itself."""

    def __init__(self, issuer: Certificate, certificate: Certificate, signer: Signer) -> None:
        """``OCSP_KEY_MISMATCH`` when the key is not the certificate's, ``OCSP_NOT_ALLOWED`` when the certificate may not answer."""
        if signer.public_spki_der != certificate.spki_der:
            raise TrustError(Kind.CONFLICT, "OCSP_KEY_MISMATCH", key_id=signer.key_id, certificate=certificate.subject_text)
        if certificate != issuer and oids.EKU_OCSP_SIGNING not in (certificate.extended_key_usage or ()):
            raise TrustError(Kind.UNACCEPTABLE, "OCSP_NOT_ALLOWED", certificate=certificate.subject_text)
        self._issuer: Final = issuer
        self._certificate: Final = certificate
        self._signer: Final = signer
        self._enclosed: Final = () if certificate == issuer else (certificate.der,)

    def respond(
        self,
        request_der: bytes,
        status_of: StatusOf,
        *,
        this_update: datetime,
        next_update: datetime,
        archive_cutoff: datetime | None = None,
    ) -> bytes:
        """The response in DER; a request that cannot be read gets the status malformedRequest. The nonce, if any, is repeated.

        ``status_of`` tells by serial number; certificates of another issuer are "unknown". ``archive_cutoff`` states, like
        ``expired_since`` of a revocation list, that expired certificates are still known from this moment on. Times are aware UTC.
        """
        try:
            request = read_ocsp_request(request_der)
        except MalformedError:
            return write_ocsp_failure(MALFORMED_REQUEST)
        moment = _Moment(this_update, next_update, archive_cutoff)
        tbs_der = write_response_data(
            responder_name_der=self._certificate.subject_der,
            produced_at=this_update,
            responses_der=[self._single(certificate_id, status_of, moment) for certificate_id in request.certificate_ids],
            nonce=request.nonce,
        )
        algorithm_der = algorithm_identifier(self._signer.algorithm).raw
        return write_ocsp_response(tbs_der, algorithm_der, self._signer.sign(tbs_der), self._enclosed)

    def _single(self, certificate_id: CertId, status_of: StatusOf, moment: _Moment) -> bytes:
        mine = is_issuer_meant(certificate_id, self._issuer.subject_der, self._issuer)
        found = status_of(certificate_id.serial) if mine else UNKNOWN
        revoked = found if isinstance(found, RevokedCertificate) else None
        return write_single_response(
            certificate_id.raw,
            status=REVOKED if revoked is not None else GOOD if found == GOOD else UNKNOWN,
            this_update=moment.this_update,
            next_update=moment.next_update,
            revoked_at=None if revoked is None else revoked.revoked_at,
            reason="unspecified" if revoked is None else revoked.reason,
            archive_cutoff=moment.archive_cutoff,
        )
