"""The built-in certification authority: root, issuing authority, certificates for seals, time-stamps and OCSP, revocation lists.

Certificates follow GB/T 20518: version 3, critical key usage, subject and authority key identifiers, distribution points. Key identifiers
are the first 160 bits of SM3 over the public key (RFC 7093, 2, method 1, with SM3 in place of SHA-256), so that no SHA-1 occurs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from crypto.certificate_requests import SubjectRequest, read_proven_request
from crypto.certificates import Certificate
from crypto.signatures import SignatureCheck, algorithm_identifier, verify_signature
from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as x509_extensions
from standards import x690_der as der
from standards.errors import Kind, TrustError
from standards.rfc5280_algorithms import read_spki
from standards.rfc5280_certificate import write_extension, write_signed, write_tbs_certificate
from standards.rfc5280_crl import write_crl_number, write_entry_extensions, write_expired_certificates_since, write_tbs_crl
from standards.rfc5280_extensions import (
    CRL_SIGN,
    DATA_ENCIPHERMENT,
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    KEY_ENCIPHERMENT,
    NON_REPUDIATION,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from crypto.signer import Signer

KEY_IDENTIFIER_BYTES: Final = 20
SERIAL_RANDOM_BITS: Final = 128


class Profile(StrEnum):
    """What a certificate is made for."""

    ISSUING_CA = "issuing-ca"
    SEAL_SIGNING = "seal-signing"
    SEAL_ENCRYPTION = "seal-encryption"
    SEAL_MAKER = "seal-maker"
    TSA = "tsa"
    OCSP_RESPONDER = "ocsp-responder"


_KEY_USAGE: Final = {
    Profile.ISSUING_CA: (KEY_CERT_SIGN, CRL_SIGN),
    Profile.SEAL_SIGNING: (DIGITAL_SIGNATURE, NON_REPUDIATION),
    Profile.SEAL_ENCRYPTION: (KEY_ENCIPHERMENT, DATA_ENCIPHERMENT, KEY_AGREEMENT),
    Profile.SEAL_MAKER: (DIGITAL_SIGNATURE, NON_REPUDIATION),
    Profile.TSA: (DIGITAL_SIGNATURE, NON_REPUDIATION),
    Profile.OCSP_RESPONDER: (DIGITAL_SIGNATURE,),
}


@dataclass(frozen=True, slots=True)
class RevokedCertificate:
    """One revocation: serial number, moment (aware UTC), a reason of ``rfc5280_crl.REASONS`` and, where known, since when it was invalid."""

    serial: int
    revoked_at: datetime
    reason: str = "unspecified"
    invalid_at: datetime | None = None


def key_identifier(spki_der: bytes) -> bytes:
    """The key identifier we write for a public key."""
    return sm3(read_spki(spki_der).key_bits)[:KEY_IDENTIFIER_BYTES]


def random_serial() -> int:
    """A serial number with 128 random bits, always 17 octets long so that sizes can be foretold (RFC 5280 allows 20)."""
    return 1 << SERIAL_RANDOM_BITS | secrets.randbits(SERIAL_RANDOM_BITS)


class CertificateAuthority:
    """An authority with its certificate and key. The addresses go into what it issues."""

    def __init__(
        self,
        certificate: Certificate,
        signer: Signer,
        *,
        crl_urls: Iterable[str] = (),
        ocsp_urls: Iterable[str] = (),
        ca_issuers_urls: Iterable[str] = (),
    ) -> None:
        """``CA_KEY_MISMATCH`` when the key is not the certificate's, ``CA_NOT_ALLOWED`` when the certificate may not issue."""
        if signer.public_spki_der != certificate.spki_der:
            raise TrustError(Kind.CONFLICT, "CA_KEY_MISMATCH", key_id=signer.key_id, certificate=certificate.subject_text)
        if not certificate.is_ca or KEY_CERT_SIGN not in (certificate.key_usage or ()):
            raise TrustError(Kind.UNACCEPTABLE, "CA_NOT_ALLOWED", certificate=certificate.subject_text)
        self.certificate: Final = certificate
        self._signer: Final = signer
        self._algorithm_der: Final = algorithm_identifier(signer.algorithm).raw
        self._crl_urls: Final = tuple(crl_urls)
        self._ocsp_urls: Final = tuple(ocsp_urls)
        self._ca_issuers_urls: Final = tuple(ca_issuers_urls)
        self._key_id: Final = certificate.subject_key_id or key_identifier(certificate.spki_der)

    @staticmethod
    def create_root(
        signer: Signer,
        subject_der: bytes,
        *,
        not_before: datetime,
        not_after: datetime,
        path_length: int | None = None,
        crl_urls: Iterable[str] = (),
        ocsp_urls: Iterable[str] = (),
        ca_issuers_urls: Iterable[str] = (),
    ) -> CertificateAuthority:
        """A root: a self-signed certificate for the signer's key, and the authority over it. Times are aware UTC."""
        algorithm_der = algorithm_identifier(signer.algorithm).raw
        key_id = key_identifier(signer.public_spki_der)
        tbs_der = write_tbs_certificate(
            serial=random_serial(),
            signature_algorithm_der=algorithm_der,
            issuer_der=subject_der,
            not_before=not_before,
            not_after=not_after,
            subject_der=subject_der,
            spki_der=signer.public_spki_der,
            extensions_der=(
                x509_extensions.write_basic_constraints(ca=True, path_length=path_length),
                x509_extensions.write_key_usage((KEY_CERT_SIGN, CRL_SIGN)),
                x509_extensions.write_subject_key_identifier(key_id),
                x509_extensions.write_authority_key_identifier(key_id),
            ),
        )
        certificate = Certificate.from_der(write_signed(tbs_der, algorithm_der, signer.sign(tbs_der)))
        return CertificateAuthority(certificate, signer, crl_urls=crl_urls, ocsp_urls=ocsp_urls, ca_issuers_urls=ca_issuers_urls)

    def issue(
        self,
        request: SubjectRequest | bytes,
        profile: Profile,
        *,
        not_before: datetime,
        not_after: datetime,
        serial: int | None = None,
        path_length: int | None = 0,
        has_revocation: bool = True,
        extensions_der: Iterable[bytes] = (),
    ) -> Certificate:
        """Certify a name and key; ``request`` is either vouched for by the caller or a PKCS #10 request in DER that proves itself.

        ``path_length`` is used for :attr:`Profile.ISSUING_CA` alone. ``has_revocation`` false writes noRevAvail (RFC 9608), which does in
        place of evidence for certificates of at most seven days. ``extensions_der`` are further encoded Extensions. Raises ``CA_VALIDITY_EXCEEDED`` when the times leave the
        authority's own, ``CA_NOT_ALLOWED`` when it may not certify authorities, ``CSR_SIGNATURE_BAD``, ``CA_SIGNATURE_BAD`` when the new
        certificate does not verify under the authority's key.
        """
        asked = read_proven_request(request) if isinstance(request, bytes) else request
        own = self.certificate
        if not own.not_before <= not_before <= not_after <= own.not_after:
            raise TrustError(Kind.UNACCEPTABLE, "CA_VALIDITY_EXCEEDED", until=own.not_after.isoformat())
        if profile is Profile.ISSUING_CA and own.path_length == 0:
            raise TrustError(Kind.UNACCEPTABLE, "CA_NOT_ALLOWED", certificate=own.subject_text, profile=profile.value)
        tbs_der = write_tbs_certificate(
            serial=random_serial() if serial is None else serial,
            signature_algorithm_der=self._algorithm_der,
            issuer_der=own.subject_der,
            not_before=not_before,
            not_after=not_after,
            subject_der=asked.subject_der,
            spki_der=asked.spki_der,
            extensions_der=(
                *_profile_extensions(profile, path_length),
                x509_extensions.write_subject_key_identifier(key_identifier(asked.spki_der)),
                x509_extensions.write_authority_key_identifier(self._key_id),
                *self._location_extensions(profile, has_revocation=has_revocation),
                *extensions_der,
            ),
        )
        certificate = Certificate.from_der(write_signed(tbs_der, self._algorithm_der, self._signer.sign(tbs_der)))
        if certificate.is_issued_by(own) is not SignatureCheck.GOOD:
            raise TrustError(Kind.UNAVAILABLE, "CA_SIGNATURE_BAD", key_id=self._signer.key_id)
        return certificate

    def _location_extensions(self, profile: Profile, *, has_revocation: bool) -> list[bytes]:
        written = []
        if not has_revocation:
            written.append(write_extension(oids.NO_REV_AVAIL, der.null()))
        elif self._crl_urls:
            written.append(x509_extensions.write_crl_distribution_points(self._crl_urls))
        ocsp_urls = self._ocsp_urls if has_revocation and profile is not Profile.OCSP_RESPONDER else ()
        if ocsp_urls or self._ca_issuers_urls:
            written.append(x509_extensions.write_authority_information_access(ocsp_urls=ocsp_urls, ca_issuers_urls=self._ca_issuers_urls))
        return written

    def issue_crl(
        self,
        revoked: Iterable[RevokedCertificate],
        *,
        this_update: datetime,
        next_update: datetime,
        number: int,
        expired_since: datetime | None = None,
        extensions_der: Iterable[bytes] = (),
    ) -> bytes:
        """A complete revocation list in DER. ``number`` grows with every list; times are aware UTC.

        ``expired_since`` states that certificates stay listed although they expired after this moment; without it a list says nothing about
        certificates that expired before it. It is a promise: entries must then never be dropped. Raises ``CA_SIGNATURE_BAD`` when the list
        does not verify under the authority's key.
        """
        tbs_der = write_tbs_crl(
            signature_algorithm_der=self._algorithm_der,
            issuer_der=self.certificate.subject_der,
            this_update=this_update,
            next_update=next_update,
            entries=((entry.serial, entry.revoked_at, write_entry_extensions(entry.reason, entry.invalid_at)) for entry in revoked),
            extensions_der=(
                x509_extensions.write_authority_key_identifier(self._key_id),
                write_crl_number(number),
                *(() if expired_since is None else (write_expired_certificates_since(expired_since),)),
                *extensions_der,
            ),
        )
        signature = self._signer.sign(tbs_der)
        if (
            verify_signature(self.certificate.spki_der, algorithm_identifier(self._signer.algorithm), tbs_der, signature)
            is not SignatureCheck.GOOD
        ):
            raise TrustError(Kind.UNAVAILABLE, "CA_SIGNATURE_BAD", key_id=self._signer.key_id)
        return write_signed(tbs_der, self._algorithm_der, signature)


def _profile_extensions(profile: Profile, path_length: int | None) -> list[bytes]:
    is_ca = profile is Profile.ISSUING_CA
    written = [
        x509_extensions.write_basic_constraints(ca=is_ca, path_length=path_length if is_ca else None),
        x509_extensions.write_key_usage(_KEY_USAGE[profile]),
    ]
    if profile is Profile.TSA:
        written.append(x509_extensions.write_extended_key_usage((oids.EKU_TIME_STAMPING,), critical=True))
    elif profile is Profile.OCSP_RESPONDER:
        written.append(x509_extensions.write_extended_key_usage((oids.EKU_OCSP_SIGNING,)))
        written.append(write_extension(oids.OCSP_NO_CHECK, der.null()))
    return written
