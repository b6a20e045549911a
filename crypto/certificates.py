"""A certificate as the verifiers see it: parsed once, immutable, hashable by its bytes, with the question "did this issuer sign it?".

Parsing and signature checks are remembered: the same few certificates come back with every document. What is remembered depends on the
bytes alone, and both memories are bounded, so that hostile files cannot fill them.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from crypto.signatures import SignatureCheck, remember_decided, verify_signature
from crypto.sm3 import sm3
from standards import gbt33560_oids as oids
from standards import rfc5280_extensions as x509_extensions
from standards.gbt20518_certificate import Deviation, check_profile, is_sm2_certificate
from standards.rfc5280_certificate import CertificateFields, Extension, read_certificate
from standards.rfc5280_names import URI, GeneralName, attribute_text, name_text

if TYPE_CHECKING:
    from datetime import datetime

    from standards.rfc5280_algorithms import AlgorithmIdentifier

MAX_CACHED_CERTIFICATE_BYTES: Final = 8192  # 1,024 remembered certificates stay under 8 MB of DER
CACHED_CERTIFICATES: Final = 1024
CACHED_SIGNATURE_CHECKS: Final = 4096


class Certificate:
    """One X.509 certificate. Made by :meth:`from_der`; never changes afterwards. Times are aware UTC.

    All extensions that decide about trust are read when the certificate is made, so no attribute raises later.
    """

    def __init__(self, fields: CertificateFields) -> None:
        self.fields: Final = fields
        self.der: Final = fields.raw
        self.tbs_der: Final = fields.tbs_der
        self.serial: Final = fields.serial
        self.issuer_der: Final = fields.issuer_der
        self.subject_der: Final = fields.subject_der
        self.not_before: Final[datetime] = fields.not_before
        self.not_after: Final[datetime] = fields.not_after
        self.spki_der: Final = fields.spki.raw
        self.signature_algorithm: Final[AlgorithmIdentifier] = fields.signature_algorithm
        self.signature: Final = fields.signature
        self.extensions: Final[dict[str, Extension]] = {extension.oid: extension for extension in fields.extensions}
        self._hash: Final = hash(fields.raw)

        usage = self._value(oids.KEY_USAGE)
        self.key_usage: Final[frozenset[int] | None] = None if usage is None else x509_extensions.read_key_usage(usage)
        constraints = self._value(oids.BASIC_CONSTRAINTS)
        basic = None if constraints is None else x509_extensions.read_basic_constraints(constraints)
        self.is_ca: Final = basic is not None and basic.ca
        self.path_length: Final[int | None] = basic.path_length if basic is not None and basic.ca else None
        purposes = self._value(oids.EXTENDED_KEY_USAGE)
        self.extended_key_usage: Final[tuple[str, ...] | None] = (
            None if purposes is None else x509_extensions.read_extended_key_usage(purposes)
        )
        subject_key = self._value(oids.SUBJECT_KEY_IDENTIFIER)
        self.subject_key_id: Final[bytes | None] = None if subject_key is None else x509_extensions.read_subject_key_identifier(subject_key)
        authority_key = self._value(oids.AUTHORITY_KEY_IDENTIFIER)
        self.authority_key_identifier: Final[x509_extensions.AuthorityKeyIdentifier | None] = (
            None if authority_key is None else x509_extensions.read_authority_key_identifier(authority_key)
        )
        subtrees = self._value(oids.NAME_CONSTRAINTS)
        self.name_constraints: Final[x509_extensions.NameConstraints | None] = (
            None if subtrees is None else x509_extensions.read_name_constraints(subtrees)
        )
        names = self._value(oids.SUBJECT_ALT_NAME)
        self.subject_alt_names: Final[tuple[GeneralName, ...]] = () if names is None else x509_extensions.read_general_names_value(names)
        points = self._value(oids.CRL_DISTRIBUTION_POINTS)
        self.crl_distribution_points: Final[tuple[x509_extensions.DistributionPoint, ...]] = (
            () if points is None else x509_extensions.read_crl_distribution_points(points)
        )
        access = self._value(oids.AUTHORITY_INFO_ACCESS)
        self._access: Final[tuple[tuple[str, GeneralName], ...]] = (
            () if access is None else x509_extensions.read_authority_information_access(access)
        )

    @staticmethod
    def from_der(certificate_der: bytes) -> Certificate:
        """The certificate in these bytes; the same object for the same bytes while it is remembered.

        Raises :class:`standards.errors.MalformedError`.
        """
        if len(certificate_der) > MAX_CACHED_CERTIFICATE_BYTES:
            return Certificate(read_certificate(certificate_der))
        return _from_der(bytes(certificate_der))

    def _value(self, oid: str) -> bytes | None:
        extension = self.extensions.get(oid)
        return None if extension is None else extension.value_der

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Certificate) and self.der == other.der)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Certificate({self.subject_text!r}, serial={self.serial:x})"

    @cached_property
    def subject_text(self) -> str:
        """The subject as RFC 4514 writes it: ``CN=...,O=...,C=CN``."""
        return name_text(self.subject_der)

    @cached_property
    def issuer_text(self) -> str:
        """The issuer as RFC 4514 writes it."""
        return name_text(self.issuer_der)

    @property
    def common_name(self) -> str | None:
        """The last CN of the subject."""
        return attribute_text(self.subject_der, oids.COMMON_NAME)

    @property
    def organisation(self) -> str | None:
        """The last O of the subject."""
        return attribute_text(self.subject_der, oids.ORGANISATION)

    @property
    def authority_key_id(self) -> bytes | None:
        """The key identifier of the issuer, where stated."""
        return None if self.authority_key_identifier is None else self.authority_key_identifier.key_id

    @cached_property
    def crl_urls(self) -> tuple[str, ...]:
        """The addresses at which revocation lists are published, as stated (http, ldap, ...)."""
        return tuple(
            name.text for point in self.crl_distribution_points for name in point.full_names if name.kind == URI and name.text is not None
        )

    @cached_property
    def ocsp_urls(self) -> tuple[str, ...]:
        """The addresses of the issuer's OCSP responders."""
        return tuple(name.text for method, name in self._access if method == oids.AD_OCSP and name.kind == URI and name.text is not None)

    @cached_property
    def ca_issuers_urls(self) -> tuple[str, ...]:
        """The addresses at which the issuer's certificate is published."""
        return tuple(
            name.text for method, name in self._access if method == oids.AD_CA_ISSUERS and name.kind == URI and name.text is not None
        )

    @property
    def names_revocation_source(self) -> bool:
        """Whether it says where revocation lists or OCSP answers about it are to be had (what noRevAvail excludes: RFC 9608, 3)."""
        has_lists = oids.CRL_DISTRIBUTION_POINTS in self.extensions or oids.FRESHEST_CRL in self.extensions
        return has_lists or any(method == oids.AD_OCSP for method, _ in self._access)

    @cached_property
    def fingerprint(self) -> str:
        """SM3 of the certificate, in lower-case hexadecimal."""
        return sm3(self.der).hex()

    @cached_property
    def profile_deviations(self) -> tuple[Deviation, ...]:
        """In what a certificate with an SM2 key leaves the national profile (GB/T 20518); none for other keys."""
        return check_profile(self.fields) if is_sm2_certificate(self.fields) else ()

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same bytes."""
        return self.subject_der == self.issuer_der

    def is_issued_by(self, issuer: Certificate) -> SignatureCheck:
        """Whether the key of ``issuer`` made this certificate's signature. Names, times and rights are not looked at (see ``path``).

        BAD also when the algorithm inside the signed part differs from the one outside it (RFC 5280, 4.1.1.2).
        """
        return is_signed_by(self, issuer.spki_der)


@lru_cache(maxsize=CACHED_CERTIFICATES)
def _from_der(certificate_der: bytes) -> Certificate:
    return Certificate(read_certificate(certificate_der))


def is_signed_by(certificate: Certificate, issuer_spki_der: bytes) -> SignatureCheck:
    """:meth:`Certificate.is_issued_by` for a bare public key."""
    if certificate.fields.tbs_signature_algorithm.raw != certificate.signature_algorithm.raw:
        return SignatureCheck.BAD
    if len(certificate.der) > MAX_CACHED_CERTIFICATE_BYTES:
        return _check_signature(certificate, issuer_spki_der)
    return _check_signature_cached(certificate, issuer_spki_der)


def _check_signature(certificate: Certificate, issuer_spki_der: bytes) -> SignatureCheck:
    return verify_signature(issuer_spki_der, certificate.signature_algorithm, certificate.tbs_der, certificate.signature)


_check_signature_cached = remember_decided(_check_signature, CACHED_SIGNATURE_CHECKS)
