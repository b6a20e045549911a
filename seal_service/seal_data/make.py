"""Making seals, making them again for a renewed certificate, and sealing with them. The reading and the verifying are elsewhere.

The order is that of the standards: certificates first, then the seal's own validity, then the digest, then the signature, last the
time-stamp. Version 4 is made by default; version 5 also verifies the maker's certificate beforehand and time-stamps the maker's signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto import digests
from crypto.path import validate_path
from crypto.signatures import SignatureAlgorithm
from crypto.trust_list import Purpose
from seal_service.seal_data.refusals import refused
from standards import gbt33560_oids as oids
from standards.errors import Kind
from standards.gbt20518_certificate import is_sm2_certificate
from standards.gbt38540_seal.read import read_seal
from standards.gbt38540_seal.values import CERTIFICATES, DIGESTS, CertificateDigest, SealProperty
from standards.gbt38540_seal.versions import V1, V4, V5
from standards.gbt38540_seal.write import write_seal, write_seal_info, write_seal_signature, write_to_be_signed
from standards.rfc5280_extensions import DIGITAL_SIGNATURE, NON_REPUDIATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.signer import Signer
    from crypto.trust_list import TrustList
    from standards.gbt38540_seal.values import SealData, SealExtension, SealPicture

SM3_BYTES: Final = 32
DIGEST_KIND: Final = oids.SM3  # how our digest lists name SM3


@dataclass(frozen=True, slots=True)
class SealDescription:
    """What a seal says of itself. Times are aware UTC and written in whole seconds; ``kind`` is the number of the seal type."""

    es_id: str
    vid: str
    kind: int
    name: str
    created_at: datetime
    valid_from: datetime
    valid_until: datetime
    picture: SealPicture
    extensions: tuple[SealExtension, ...] = ()


@dataclass(frozen=True, slots=True)
class SealMaker:
    """Who makes seals. ``trust`` and ``timestamp`` (signature value in, token out) are what version 5 needs besides."""

    certificate: Certificate
    signer: Signer
    trust: TrustList | None = None
    timestamp: Callable[[bytes], bytes] | None = None


def build_seal(
    description: SealDescription,
    certificates: Sequence[Certificate],
    maker: SealMaker,
    *,
    version: int = V4,
    with_digests: bool = False,
) -> bytes:
    """A seal for the holders of ``certificates``; ``with_digests`` lists their SM3 digests instead of the certificates.

    Raises ``SEAL_CERTIFICATE_UNACCEPTABLE``, ``SEAL_KEY_MISMATCH``, ``SEAL_MAKER_UNACCEPTABLE``, ``SEAL_MAKING_INCOMPLETE``,
    ``SES_VALUE_UNACCEPTABLE``.
    """
    for certificate in certificates:
        _check_signing_certificate(certificate)
    _check_maker(maker, description.created_at, version)
    info_der = write_seal_info(
        vid=description.vid,
        es_id=description.es_id,
        seal_property=SealProperty(
            kind=description.kind,
            name=description.name,
            cert_list_type=DIGESTS if with_digests else CERTIFICATES,
            certificates=() if with_digests else tuple(certificate.der for certificate in certificates),
            certificate_digests=tuple(_listed_digest(certificate.der) for certificate in certificates) if with_digests else (),
            created_at=description.created_at,
            valid_from=description.valid_from,
            valid_until=description.valid_until,
        ),
        picture=description.picture,
        extensions=description.extensions,
        version=version,
    )
    signature = maker.signer.sign(info_der)
    token = maker.timestamp(signature) if version == V5 and maker.timestamp is not None else None
    return write_seal(info_der, maker.certificate.der, signature, version=version, time_stamp_der=token)


@dataclass(frozen=True, slots=True)
class PreparedSealSignature:
    """A sealing value that lacks its signature: :attr:`to_be_signed` is TBS_Sign."""

    to_be_signed: bytes
    signer_certificate: Certificate

    def finish(self, signature: bytes, *, time_stamp_der: bytes | None = None) -> bytes:
        """SES_Signature with the value (DER {r, s}) and a time-stamp token over it."""
        return write_seal_signature(self.to_be_signed, self.signer_certificate.der, signature, time_stamp_der=time_stamp_der)


def prepare_seal_signature(
    seal_der: bytes,
    *,
    data_hash: bytes,
    property_info: str,
    signer_certificate: Certificate,
    signed_at: datetime,
    extensions: Sequence[SealExtension] = (),
) -> PreparedSealSignature:
    """The first half of sealing, for keys that sign elsewhere. ``data_hash`` is SM3 of the original, ``property_info`` its range.

    Raises ``SEAL_VERSION_UNACCEPTABLE``, ``SEAL_NOT_VALID_AT_SIGNING``, ``SEAL_SIGNER_NOT_LISTED``, ``SEAL_CERTIFICATE_UNACCEPTABLE``,
    ``SEAL_DATA_HASH_UNACCEPTABLE``, ``SES_VALUE_UNACCEPTABLE``, ``SES_MALFORMED``.
    """
    seal = read_seal(seal_der)
    if seal.version == V1:
        raise refused(Kind.UNACCEPTABLE, "SEAL_VERSION_UNACCEPTABLE", version=seal.version)
    _check_signing_certificate(signer_certificate)
    if not signer_certificate.not_before <= signed_at <= signer_certificate.not_after:
        raise refused(Kind.CONFLICT, "SEAL_NOT_VALID_AT_SIGNING", what="certificate", at=signed_at.isoformat())
    if not seal.property.valid_from <= signed_at <= seal.property.valid_until:
        raise refused(Kind.CONFLICT, "SEAL_NOT_VALID_AT_SIGNING", what="seal", at=signed_at.isoformat())
    if not is_listed(seal, signer_certificate):
        raise refused(Kind.CONFLICT, "SEAL_SIGNER_NOT_LISTED", certificate=signer_certificate.subject_text)
    if len(data_hash) != SM3_BYTES:
        raise refused(Kind.UNACCEPTABLE, "SEAL_DATA_HASH_UNACCEPTABLE", expected_bytes=SM3_BYTES, found=len(data_hash))
    to_be_signed = write_to_be_signed(
        version=seal.version,
        seal_der=seal.raw,
        time_info_at=signed_at,
        data_hash=data_hash,
        property_info=property_info,
        extensions=extensions,
    )
    return PreparedSealSignature(to_be_signed, signer_certificate)


def sign_with_seal(
    seal_der: bytes,
    *,
    data_hash: bytes,
    property_info: str,
    signer: Signer,
    signer_certificate: Certificate,
    signed_at: datetime,
    extensions: Sequence[SealExtension] = (),
    timestamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """Seal an original: SES_Signature of the seal's own version. ``timestamp`` takes the signature value and gives a token over it.

    Raises as :func:`prepare_seal_signature`, and ``SEAL_KEY_MISMATCH``.
    """
    _check_key(signer, signer_certificate)
    prepared = prepare_seal_signature(
        seal_der,
        data_hash=data_hash,
        property_info=property_info,
        signer_certificate=signer_certificate,
        signed_at=signed_at,
        extensions=extensions,
    )
    signature = signer.sign(prepared.to_be_signed)
    return prepared.finish(signature, time_stamp_der=None if timestamp is None else timestamp(signature))


def is_listed(seal: SealData, certificate: Certificate) -> bool:
    """Whether the seal was made for this very certificate."""
    return is_listed_der(seal, certificate.der)


def is_listed_der(seal: SealData, certificate_der: bytes) -> bool:
    """As :func:`is_listed`, also for a certificate that breaks the rules of certificates."""
    if seal.property.cert_list_type == CERTIFICATES:
        return certificate_der in seal.property.certificates
    return _listed_digest(certificate_der) in seal.property.certificate_digests


def _listed_digest(certificate_der: bytes) -> CertificateDigest:
    return CertificateDigest(DIGEST_KIND, digests.digest(oids.SM3, certificate_der))


def _check_signing_certificate(certificate: Certificate) -> None:
    usage = certificate.key_usage
    if not is_sm2_certificate(certificate.fields) or (usage is not None and not usage & {DIGITAL_SIGNATURE, NON_REPUDIATION}):
        raise refused(Kind.UNACCEPTABLE, "SEAL_CERTIFICATE_UNACCEPTABLE", certificate=certificate.subject_text)


def _check_key(signer: Signer, certificate: Certificate) -> None:
    if signer.public_spki_der != certificate.spki_der or signer.algorithm is not SignatureAlgorithm.SM2_SM3:
        raise refused(Kind.CONFLICT, "SEAL_KEY_MISMATCH", key=signer.key_id)


def _check_maker(maker: SealMaker, made_at: datetime, version: int) -> None:
    """The maker's certificate is good at the time of making; version 5 verifies it in full and stamps the result."""
    _check_key(maker.signer, maker.certificate)
    certificate = maker.certificate
    if not certificate.not_before <= made_at <= certificate.not_after:
        raise refused(Kind.CONFLICT, "SEAL_MAKER_UNACCEPTABLE", reason="not valid at the time of making", at=made_at.isoformat())
    if version == V5 and (maker.trust is None or maker.timestamp is None):
        raise refused(Kind.UNACCEPTABLE, "SEAL_MAKING_INCOMPLETE", missing="trust" if maker.trust is None else "timestamp")
    if maker.trust is None:
        return
    path = validate_path(certificate, trust=maker.trust, purpose=Purpose.SEAL_MAKER, at=made_at, now=made_at)
    if path.trusted is not True:
        open_steps = ", ".join(step.code for step in path.steps if step.outcome in {"fail", "not-checked"})
        raise refused(Kind.CONFLICT, "SEAL_MAKER_UNACCEPTABLE", reason=open_steps)
