"""Short ways to sign, stamp and verify with a test PKI, for tests of CMS and time-stamps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from crypto import cms, digests
from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.signatures import SignatureAlgorithm, digest_oid_of
from crypto.timestamps import TimeStampAuthority
from tests.pki import DemoPki

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = "1.2.3.4.5"
CONTENT = b"the content that is signed"


def other_certificate(
    here: World, *, spki_der: bytes | None = None, serial: int | None = None, until: datetime | None = None
) -> Certificate:
    """Another certificate by the same authority, by default for the same name, serial number and key as the seal signer's."""
    request = SubjectRequest(here.pki.seal.subject_der, spki_der or here.pki.seal.spki_der)
    return here.pki.issuing.issue(
        request,
        Profile.SEAL_SIGNING,
        not_before=AT - 100 * DAY,
        not_after=AT + 100 * DAY if until is None else until,
        serial=here.pki.seal.serial if serial is None else serial,
    )


@dataclass(frozen=True)
class Stamper:
    """Gives tokens of one authority at one time."""

    authority: TimeStampAuthority
    at: datetime

    def __call__(self, data: bytes) -> bytes:
        return self.authority.stamp(data, self.at)


@dataclass(frozen=True)
class World:
    """A PKI of one key algorithm, with a seal signer and a time-stamp authority."""

    algorithm: SignatureAlgorithm
    pki: DemoPki

    @property
    def digest_oid(self) -> str:
        return digest_oid_of(self.algorithm)

    def trust(self, *revoked: tuple[Certificate, datetime, str]) -> TrustList:
        """The root as anchor, with fresh revocation lists in which ``revoked`` are entered."""
        if not revoked:
            return self.pki.trust_list(with_intermediates=False)
        entries = [RevokedCertificate(certificate.serial, at, reason) for certificate, at, reason in revoked]
        issued = AT + 10 * DAY
        lists = (
            self.pki.root.issue_crl([], this_update=issued, next_update=issued + 30 * DAY, number=2),
            self.pki.issuing.issue_crl(entries, this_update=issued, next_update=issued + 30 * DAY, number=2),
        )
        return self.pki.trust_list(crls=lists, with_intermediates=False)

    def tsa(self) -> TimeStampAuthority:
        return TimeStampAuthority(self.pki.tsa, self.pki.chain, self.pki.tsa_signer, POLICY, 1)

    def stamp(self, at: datetime = AT) -> Stamper:
        return Stamper(self.tsa(), at)

    def sign(
        self,
        content: bytes = CONTENT,
        *,
        dialect: cms.Dialect = cms.Dialect.RFC5652,
        signing_time: datetime | None = AT,
        timestamp: Stamper | None = None,
        extra: tuple[tuple[str, bytes], ...] = (),
    ) -> bytes:
        return cms.sign_detached(
            content_digest=digests.digest(self.digest_oid, content),
            digest_oid=self.digest_oid,
            signer=self.pki.seal_signer,
            signer_certificate=self.pki.seal,
            chain=self.pki.chain,
            dialect=dialect,
            signing_time=signing_time,
            extra_signed_attributes=extra,
            timestamp=timestamp,
        )

    def verify(self, cms_der: bytes, content: bytes = CONTENT, *, trust: TrustList | None = None, at: datetime = AT + DAY) -> cms.CmsResult:
        return cms.verify_signed_data(
            cms_der,
            content_digest=lambda oid: digests.digest(oid, content),
            trust=self.trust() if trust is None else trust,
            at=at,
        )


@cache
def world(algorithm: SignatureAlgorithm = SignatureAlgorithm.SM2_SM3) -> World:
    """The world of one algorithm, made once."""
    return World(algorithm, DemoPki.create(AT, algorithm, label=f"cms-{algorithm}"))


def codes(result: cms.CmsResult, *outcomes: str) -> set[str]:
    """The codes of the steps with these outcomes."""
    return {step.code for step in result.steps if step.outcome in outcomes}
