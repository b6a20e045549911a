"""A maker, a signer and a time-stamp authority of one test PKI, and short ways to make seals, seal with them and verify."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from crypto.authority import Profile, RevokedCertificate
from crypto.certificate_requests import SubjectRequest
from crypto.report import Outcome
from crypto.sm3 import sm3
from crypto.timestamps import TimeStampAuthority
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal, sign_with_seal
from seal_service.seal_data.verify import SealResult, SealSignatureResult, verify_seal, verify_seal_signature
from standards import x690_der as der
from standards.gbt38540_seal.read import read_seal, read_seal_signature
from standards.gbt38540_seal.values import SealData, SealPicture, SealSignature
from standards.gbt38540_seal.write import write_seal, write_to_be_signed
from tests.pki import DemoPki, signer_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.certificates import Certificate
    from crypto.report import Step
    from crypto.signer import Signer
    from crypto.trust_list import TrustList

MADE = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # when everything begins
DAY = timedelta(days=1)
SIGNED = MADE + 10 * DAY
NOW = MADE + 20 * DAY  # within the validity of the revocation lists
ENDS = MADE + 365 * DAY
POLICY = "1.2.3.4.5"
DATA = b"<Signature>the bytes that are sealed</Signature>"
PROPERTY_INFO = "/Doc_0/Signs/Sign_0/Signature.xml"
DESCRIPTION = SealDescription(
    es_id="15070000000001",
    vid="yinxin",
    kind=1,
    name="示范章",
    created_at=MADE,
    valid_from=MADE,
    valid_until=ENDS,
    picture=SealPicture("PNG", b"picture", 42, 42),
)


@dataclass(frozen=True)
class World:
    """What one PKI gives."""

    pki: DemoPki

    def trust(self, *revoked: tuple[Certificate, datetime, str], issued: datetime = NOW - DAY) -> TrustList:
        """The root as anchor with fresh revocation lists in which ``revoked`` are entered."""
        entries = [RevokedCertificate(certificate.serial, at, reason) for certificate, at, reason in revoked]
        lists = (
            self.pki.root.issue_crl([], this_update=issued, next_update=issued + 30 * DAY, number=2),
            self.pki.issuing.issue_crl(entries, this_update=issued, next_update=issued + 30 * DAY, number=2),
        )
        return self.pki.trust_list(crls=lists)

    def stamp_at(self, at: datetime) -> Any:
        authority = TimeStampAuthority(self.pki.tsa, self.pki.chain, self.pki.tsa_signer, POLICY, 1)
        return lambda data: authority.stamp(data, at)

    def maker(self, *, stamp_at: datetime = MADE) -> SealMaker:
        return SealMaker(self.pki.maker, self.pki.maker_signer, self.pki.trust_list(), self.stamp_at(stamp_at))

    def seal(self, version: int = 4, *, with_digests: bool = False, stamp_at: datetime = MADE, **changes: Any) -> bytes:
        return build_seal(
            replace(DESCRIPTION, **changes),
            [self.pki.seal],
            self.maker(stamp_at=stamp_at),
            version=version,
            with_digests=with_digests,
        )

    def sign(
        self,
        seal_der: bytes | None = None,
        *,
        version: int = 4,
        at: datetime = SIGNED,
        data: bytes = DATA,
        stamped: bool | datetime = True,
    ) -> bytes:
        return sign_with_seal(
            seal_der or cached_seal(version),
            data_hash=sm3(data),
            property_info=PROPERTY_INFO,
            signer=self.pki.seal_signer,
            signer_certificate=self.pki.seal,
            signed_at=at,
            timestamp=self.stamp_at(at if stamped is True else stamped) if stamped else None,
        )

    def forge(
        self,
        *,
        seal_der: bytes | None = None,
        version: int = 4,
        at: datetime = SIGNED,
        data_hash: bytes | None = None,
        certificate: Certificate | None = None,
        signer: Signer | None = None,
        algorithm: bytes = der.oid("1.2.156.10197.1.501"),
        stamp: bytes | None = None,
    ) -> bytes:
        """A sealing value that no careful program would make: nothing is checked."""
        tbs = write_to_be_signed(
            version=version,
            seal_der=seal_der or cached_seal(version),
            time_info_at=at,
            data_hash=data_hash or sm3(DATA),
            property_info=PROPERTY_INFO,
        )
        return assemble(tbs, certificate or self.pki.seal, signer or self.pki.seal_signer, algorithm=algorithm, stamp=stamp)

    def forge_seal(self, info_der: bytes, *, certificate: Certificate | None = None, signer: Signer | None = None) -> bytes:
        """A seal around any SES_SealInfo, by any maker."""
        return write_seal(info_der, (certificate or self.pki.maker).der, (signer or self.pki.maker_signer).sign(info_der))

    def certificate(
        self, profile: Profile, role: str, *, not_before: datetime = MADE - DAY, not_after: datetime = ENDS + DAY
    ) -> Certificate:
        """A certificate of the issuing authority for another key, or for another time."""
        request = SubjectRequest(self.pki.seal.subject_der, signer_for(f"ses-{role}").public_spki_der)
        return self.pki.issuing.issue(request, profile, not_before=not_before, not_after=not_after)

    def verify(self, signature_der: bytes, *, data: bytes | None = DATA, **options: Any) -> SealSignatureResult:
        return verify_signature(read_seal_signature(signature_der), data=data, **({"trust": cached_trust(), "at": NOW} | options))

    def verify_seal(self, seal_der: bytes, *, at: datetime = NOW, **options: Any) -> SealResult:
        return verify_the_seal(read_seal(seal_der), options.pop("trust", None) or cached_trust(), at, **options)


def verify_signature(signature: SealSignature, **options: Any) -> SealSignatureResult:
    return verify_seal_signature(signature, **options)


def verify_the_seal(seal: SealData, trust: TrustList, at: datetime, **options: Any) -> SealResult:
    return verify_seal(seal, trust, at, **options)


def assemble(
    tbs: bytes,
    certificate: Certificate,
    signer: Signer,
    *,
    algorithm: bytes = der.oid("1.2.156.10197.1.501"),
    stamp: bytes | None = None,
) -> bytes:
    """SES_Signature around any TBS_Sign."""
    value = signer.sign(tbs)
    return der.sequence(
        tbs,
        der.octet_string(certificate.der),
        algorithm,
        der.bit_string(value),
        b"" if stamp is None else der.explicit(0, der.bit_string(stamp)),
    )


@cache
def world() -> World:
    """Made once for all tests."""
    return World(DemoPki.create(MADE, label="ses"))


@cache
def other_pki() -> DemoPki:
    """A PKI nobody trusts."""
    return DemoPki.create(MADE, label="ses-other")


@cache
def cached_trust() -> TrustList:
    return world().trust()


@cache
def cached_seal(version: int) -> bytes:
    return world().seal(version)


@cache
def cached_signature(version: int) -> bytes:
    return world().sign(version=version)


def codes(steps: Sequence[Step], *outcomes: str) -> set[str]:
    """The codes of the steps with these outcomes."""
    return {step.code for step in steps if step.outcome in outcomes}


def bad(found: SealResult | SealSignatureResult) -> set[str]:
    """What keeps a result from being valid."""
    return codes(found.steps, Outcome.FAIL, Outcome.NOT_CHECKED)


def warnings(found: SealResult | SealSignatureResult) -> set[str]:
    return codes(found.steps, Outcome.WARN)
