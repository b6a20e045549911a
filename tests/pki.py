"""A whole small PKI for tests: root, issuing authority, seal signer, seal maker, time-stamp authority, OCSP responder.

``DemoPki.create(at)`` makes everything valid around ``at``; ``.trust_list()`` trusts its root and carries current revocation lists.
Keys are made once per algorithm and process, since only certificates differ between tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from crypto.authority import CertificateAuthority, Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.certificates import Certificate
from crypto.digests import digest
from crypto.ocsp_responder import OcspResponder
from crypto.signatures import SignatureAlgorithm, algorithm_identifier
from crypto.signer import PrivateKey, Signer, software_signer
from crypto.sm2 import SM2PrivateKey
from crypto.trust_list import ALL_PURPOSES, Anchor, Purpose, TrustList
from standards import gbt33560_oids as oids
from standards.gbt20518_certificate import write_seal_subject
from standards.rfc5280_certificate import write_signed, write_tbs_certificate
from standards.rfc5280_extensions import write_basic_constraints
from standards.rfc5280_names import write_name
from standards.rfc6960_ocsp import write_cert_id

if TYPE_CHECKING:
    from collections.abc import Sequence

YEAR = timedelta(days=365)
CREDIT_CODE = "12990000YX0000008K"  # invented: division 990000 does not exist


def make_key(algorithm: SignatureAlgorithm) -> PrivateKey:
    """A fresh private key for an algorithm."""
    if algorithm is SignatureAlgorithm.SM2_SM3:
        return SM2PrivateKey.generate()
    if algorithm is SignatureAlgorithm.ECDSA_SHA256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm is SignatureAlgorithm.ECDSA_SHA384:
        return ec.generate_private_key(ec.SECP384R1())
    if algorithm is SignatureAlgorithm.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


@cache
def signer_for(name: str, algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3) -> Signer:
    """The signer of this name, the same throughout the process."""
    return software_signer(make_key(algorithm), name, algorithm=algorithm)


def name_der(common_name: str) -> bytes:
    """``C=CN, O=Yinxin test, CN=<common name>``."""
    return write_name((("C", "CN"), ("O", "Yinxin test"), ("CN", common_name)))


@dataclass
class DemoPki:
    """Certificates with their signers. ``revoked`` and ``revoked_by_root`` go into the lists that :meth:`crls` makes."""

    at: datetime
    root: CertificateAuthority
    root_signer: Signer
    issuing: CertificateAuthority
    issuing_signer: Signer
    seal: Certificate
    seal_signer: Signer
    maker: Certificate
    maker_signer: Signer
    tsa: Certificate
    tsa_signer: Signer
    ocsp: Certificate
    ocsp_signer: Signer
    revoked: list[RevokedCertificate] = field(default_factory=list)
    revoked_by_root: list[RevokedCertificate] = field(default_factory=list)

    @staticmethod
    def create(at: datetime, algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3, *, label: str = "demo") -> DemoPki:
        """Everything valid from one year before ``at`` (authorities: five) until five years after (authorities: twenty).

        ``label`` keeps apart the keys and names of several PKIs in one test.
        """
        at = at.replace(microsecond=0)
        signers = {role: signer_for(f"{label}-{role}", algorithm) for role in ("root", "issuing", "seal", "maker", "tsa", "ocsp")}
        root = CertificateAuthority.create_root(
            signers["root"],
            name_der(f"{label} root"),
            not_before=at - 5 * YEAR,
            not_after=at + 20 * YEAR,
            crl_urls=["http://127.0.0.1/root.crl"],
        )
        issuing_certificate = root.issue(
            SubjectRequest(name_der(f"{label} issuing"), signers["issuing"].public_spki_der),
            Profile.ISSUING_CA,
            not_before=at - 5 * YEAR,
            not_after=at + 15 * YEAR,
        )
        issuing = CertificateAuthority(
            issuing_certificate,
            signers["issuing"],
            crl_urls=["http://127.0.0.1/issuing.crl"],
            ocsp_urls=["http://127.0.0.1/ocsp"],
            ca_issuers_urls=["http://127.0.0.1/issuing.cer"],
        )

        def issue(subject_der: bytes, role: str, profile: Profile) -> Certificate:
            request = SubjectRequest(subject_der, signers[role].public_spki_der)
            return issuing.issue(request, profile, not_before=at - YEAR, not_after=at + 5 * YEAR)

        return DemoPki(
            at,
            root,
            signers["root"],
            issuing,
            signers["issuing"],
            issue(write_seal_subject(CREDIT_CODE, "印信示范单位", "11010000000001"), "seal", Profile.SEAL_SIGNING),
            signers["seal"],
            issue(name_der(f"{label} seal maker"), "maker", Profile.SEAL_MAKER),
            signers["maker"],
            issue(name_der(f"{label} time-stamp authority"), "tsa", Profile.TSA),
            signers["tsa"],
            issue(name_der(f"{label} OCSP responder"), "ocsp", Profile.OCSP_RESPONDER),
            signers["ocsp"],
        )

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The certificates above any leaf: issuing authority, root."""
        return (self.issuing.certificate, self.root.certificate)

    def crls(self, this_update: datetime | None = None, lifetime: timedelta = timedelta(days=30)) -> tuple[bytes, ...]:
        """The lists of root and issuing authority, by default issued one day before ``at`` and good for 30 days."""
        issued = self.at - timedelta(days=1) if this_update is None else this_update
        return tuple(
            authority.issue_crl(entries, this_update=issued, next_update=issued + lifetime, number=1)
            for authority, entries in ((self.root, self.revoked_by_root), (self.issuing, self.revoked))
        )

    def responder(self) -> OcspResponder:
        """The delegated OCSP responder of the issuing authority."""
        return OcspResponder(self.issuing.certificate, self.ocsp, self.ocsp_signer)

    def trust_list(
        self,
        *,
        purposes: frozenset[Purpose] = ALL_PURPOSES,
        crls: tuple[bytes, ...] | None = None,
        with_intermediates: bool = True,
    ) -> TrustList:
        """Trusts the root for ``purposes``; carries the issuing authority and, unless others are given, current lists."""
        return TrustList(
            anchors=(Anchor(self.root.certificate, purposes),),
            intermediates=(self.issuing.certificate,) if with_intermediates else (),
            crls=self.crls() if crls is None else crls,
        )


def craft(
    issuer_der: bytes,
    issuer_signer: Signer,
    subject_der: bytes,
    spki_der: bytes,
    *,
    at: datetime,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    serial: int = 1,
    extensions_der: Sequence[bytes] = (),
) -> Certificate:
    """A certificate as no honest authority would make it: any issuer name, signer, times and extensions (none: basicConstraints, empty)."""
    algorithm_der = algorithm_identifier(issuer_signer.algorithm).raw
    tbs_der = write_tbs_certificate(
        serial=serial,
        signature_algorithm_der=algorithm_der,
        issuer_der=issuer_der,
        not_before=at - YEAR if not_before is None else not_before,
        not_after=at + YEAR if not_after is None else not_after,
        subject_der=subject_der,
        spki_der=spki_der,
        extensions_der=extensions_der or (write_basic_constraints(ca=False),),
    )
    return Certificate.from_der(write_signed(tbs_der, algorithm_der, issuer_signer.sign(tbs_der)))


def cert_id_der(certificate: Certificate, issuer: Certificate, digest_oid: str = oids.SM3) -> bytes:
    """The CertID with which an OCSP client asks for ``certificate`` (RFC 6960 4.1.1)."""
    key_bits = issuer.fields.spki.key_bits
    return write_cert_id(digest_oid, digest(digest_oid, certificate.issuer_der), digest(digest_oid, key_bits), certificate.serial)
