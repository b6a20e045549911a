"""CMS SignedData with one signer, in the dialects of RFC 5652 (PAdES) and GB/T 35275: building here, verifying in ``cms_verification``.

A signature is made in two halves so that the document never has to come near the key: :func:`prepare_signed_data` takes the digest
of the content and gives the bytes to be signed, :meth:`PreparedCms.finish` takes the signature value. :func:`sign_detached` does
both. What is the same for every signature of one certificate is encoded once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.cms_verification import CmsResult, verify_signed_data
from crypto.digests import digest
from crypto.signatures import SignatureAlgorithm, algorithm_identifier, digest_oid_of
from standards import gbt33560_oids as oids
from standards import gbt35275_cms, rfc5652_cms
from standards import x690_der as der
from standards.errors import Kind, TrustError
from standards.rfc5035_signing_certificate import write_signing_certificate_v2
from standards.rfc5280_algorithms import read_spki, write_algorithm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.signer import Signer

__all__ = [
    "TIMESTAMP_RESERVED_BYTES",
    "CmsResult",
    "Dialect",
    "PreparedCms",
    "algorithm_of",
    "estimate_size",
    "prepare_signed_data",
    "sign_detached",
    "verify_signed_data",
]

TIMESTAMP_RESERVED_BYTES: Final = 8192  # tokens with their chain take 2 to 7 KiB
_SIZE_MARGIN_BYTES: Final = 64
_CACHED_FRAMES: Final = 256


class Dialect(StrEnum):
    """Which standard's SignedData is written."""

    RFC5652 = "rfc5652"
    GBT35275 = "gbt35275"


_LONGEST_SIGNATURE: Final = {
    SignatureAlgorithm.SM2_SM3: 72,
    SignatureAlgorithm.ECDSA_SHA256: 72,
    SignatureAlgorithm.ECDSA_SHA384: 104,
    SignatureAlgorithm.ED25519: 64,
}
_OWN_ATTRIBUTES: Final = frozenset(
    {oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME, oids.SIGNING_CERTIFICATE_V2, oids.CMS_ALGORITHM_PROTECTION}
)


def algorithm_of(certificate: Certificate) -> SignatureAlgorithm:
    """The signature algorithm we write for the key of a certificate; ``CMS_KEY_UNSUPPORTED`` for a kind of key we do not sign with."""
    key = read_spki(certificate.spki_der).algorithm
    curve = der.read_der(key.parameters_der).oid() if key.oid == oids.EC_PUBLIC_KEY and key.parameters_der else None
    if curve is None:
        found = {oids.RSA: SignatureAlgorithm.RSA_SHA256, oids.ED25519: SignatureAlgorithm.ED25519}.get(key.oid)
    else:
        found = {
            oids.SM2_CURVE: SignatureAlgorithm.SM2_SM3,
            oids.SECP256R1: SignatureAlgorithm.ECDSA_SHA256,
            oids.SECP384R1: SignatureAlgorithm.ECDSA_SHA384,
        }.get(curve)
    if found is None:
        raise TrustError(Kind.UNACCEPTABLE, "CMS_KEY_UNSUPPORTED", key=key.oid, curve=curve)
    return found


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same for every signature of one certificate."""

    outer_type: str
    version: int
    digest_der: bytes
    algorithm_der: bytes
    identifier_der: bytes
    certificates_der: bytes
    attributes: tuple[bytes, ...]


@lru_cache(maxsize=_CACHED_FRAMES)
def _frame(
    certificate: Certificate, chain: tuple[Certificate, ...], dialect: Dialect, algorithm: SignatureAlgorithm, content_type: str
) -> _Frame:
    national = dialect is Dialect.GBT35275
    digest_oid = digest_oid_of(algorithm)
    digest_der, algorithm_der = write_algorithm(digest_oid), algorithm_identifier(algorithm).raw
    attributes = [
        rfc5652_cms.write_attribute(oids.CONTENT_TYPE, der.oid(content_type)),
        rfc5652_cms.write_attribute(
            oids.SIGNING_CERTIFICATE_V2, write_signing_certificate_v2(digest_oid, digest(digest_oid, certificate.der))
        ),
    ]
    if not national:
        protection = rfc5652_cms.write_algorithm_protection(digest_der, algorithm_der)
        attributes.append(rfc5652_cms.write_attribute(oids.CMS_ALGORITHM_PROTECTION, protection))
    # An anchor is the verifier's own business, so a self-signed certificate above the signer is not sent along
    above = [link.der for link in chain if link.issuer_der != link.subject_der]
    return _Frame(
        outer_type=gbt35275_cms.SIGNED_DATA if national else oids.CMS_SIGNED_DATA,
        version=1 if national or content_type in rfc5652_cms.DATA_TYPES else 3,
        digest_der=digest_der,
        algorithm_der=algorithm_der,
        identifier_der=rfc5652_cms.write_issuer_and_serial(certificate.issuer_der, certificate.serial),
        certificates_der=rfc5652_cms.write_certificates(dict.fromkeys((certificate.der, *above))),
        attributes=tuple(attributes),
    )


class PreparedCms:
    """A signature that lacks only its value: :attr:`to_be_signed` is the DER SET OF signed attributes (RFC 5652, 5.4)."""

    __slots__ = ("_algorithm", "_content_der", "_frame", "_with_certificates", "to_be_signed")

    def __init__(
        self, frame: _Frame, algorithm: SignatureAlgorithm, content_der: bytes, to_be_signed: bytes, *, certificates: bool
    ) -> None:
        self._frame = frame
        self._algorithm = algorithm
        self._content_der = content_der
        self._with_certificates = certificates
        self.to_be_signed = to_be_signed

    def finish(self, signature: bytes, *, algorithm: SignatureAlgorithm, timestamp_token: bytes | None = None) -> bytes:
        """The whole ContentInfo. ``signature`` is the value as CMS carries it (DER {r, s} for SM2 and ECDSA).

        ``algorithm`` must be the one that was prepared for (``CMS_ALGORITHM_CHANGED``), since the signed attributes may state it.
        ``timestamp_token`` is an RFC 3161 token over ``signature``.
        """
        if algorithm is not self._algorithm:
            raise TrustError(Kind.CONFLICT, "CMS_ALGORITHM_CHANGED", prepared=self._algorithm.value, found=algorithm.value)
        frame = self._frame
        unsigned = [rfc5652_cms.write_attribute(oids.SIGNATURE_TIME_STAMP, timestamp_token)] if timestamp_token is not None else []
        return rfc5652_cms.write_signed_data(
            outer_type=frame.outer_type,
            version=frame.version,
            digest_der=frame.digest_der,
            content_der=self._content_der,
            certificates_der=frame.certificates_der if self._with_certificates else b"",
            signer_der=rfc5652_cms.write_signer(
                frame.identifier_der, frame.digest_der, self.to_be_signed, frame.algorithm_der, signature, unsigned
            ),
        )


def prepare_signed_data(
    *,
    content_digest: bytes,
    digest_oid: str,
    signer_certificate: Certificate,
    chain: Sequence[Certificate] = (),
    dialect: Dialect = Dialect.RFC5652,
    signing_time: datetime | None = None,
    extra_signed_attributes: Sequence[tuple[str, bytes]] = (),
    encapsulated: bytes | None = None,
    algorithm: SignatureAlgorithm | None = None,
    content_type: str | None = None,
    with_certificates: bool = True,
) -> PreparedCms:
    """The first half of a signature.

    ``content_digest`` is the digest of the content by ``digest_oid``, which must be the one that goes with the signature algorithm
    (``CMS_DIGEST_ALGORITHM_DISAGREES``). ``chain`` are the certificates above the signer; self-signed ones are left out.
    ``signing_time`` (aware) is stated in whole seconds; PAdES states it in the PDF dictionary instead and passes ``None``.
    ``extra_signed_attributes`` are (type, one DER value) each. ``encapsulated`` puts the content itself inside.
    ``algorithm`` is taken from the certificate's key when not given; RSASSA-PSS must be stated.
    """
    algorithm = algorithm or algorithm_of(signer_certificate)
    if digest_oid_of(algorithm) != digest_oid:
        raise TrustError(Kind.UNACCEPTABLE, "CMS_DIGEST_ALGORITHM_DISAGREES", algorithm=algorithm.value, digest=digest_oid)
    if dialect is Dialect.GBT35275 and algorithm is not SignatureAlgorithm.SM2_SM3:
        raise TrustError(Kind.UNACCEPTABLE, "CMS_KEY_UNSUPPORTED", dialect=dialect.value, algorithm=algorithm.value)
    inner_type = content_type or (gbt35275_cms.DATA if dialect is Dialect.GBT35275 else oids.CMS_DATA)
    frame = _frame(signer_certificate, tuple(chain), dialect, algorithm, inner_type)
    attributes = [*frame.attributes, rfc5652_cms.write_attribute(oids.MESSAGE_DIGEST, der.octet_string(content_digest))]
    if signing_time is not None:
        attributes.append(rfc5652_cms.write_attribute(oids.SIGNING_TIME, der.x509_time(signing_time)))
    taken = {*_OWN_ATTRIBUTES, oids.SIGNATURE_TIME_STAMP}
    for attribute_type, value_der in extra_signed_attributes:
        if attribute_type in taken:
            raise TrustError(Kind.UNACCEPTABLE, "CMS_ATTRIBUTE_DUPLICATE", attribute=attribute_type)
        taken.add(attribute_type)
        attributes.append(rfc5652_cms.write_attribute(attribute_type, value_der))
    content_der = rfc5652_cms.write_content(inner_type, encapsulated)
    return PreparedCms(frame, algorithm, content_der, der.set_of(attributes), certificates=with_certificates)


def sign_detached(
    *,
    content_digest: bytes,
    digest_oid: str,
    signer: Signer,
    signer_certificate: Certificate,
    chain: Sequence[Certificate] = (),
    dialect: Dialect = Dialect.RFC5652,
    signing_time: datetime | None = None,
    extra_signed_attributes: Sequence[tuple[str, bytes]] = (),
    timestamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """A finished detached signature over a content of which only the digest is known here.

    ``timestamp`` is called with the signature value and gives an RFC 3161 token over it. The signer's key must be that of the
    certificate (``CMS_KEY_MISMATCH``).
    """
    check_key(signer, signer_certificate)
    prepared = prepare_signed_data(
        content_digest=content_digest,
        digest_oid=digest_oid,
        signer_certificate=signer_certificate,
        chain=chain,
        dialect=dialect,
        signing_time=signing_time,
        extra_signed_attributes=extra_signed_attributes,
        algorithm=signer.algorithm,
    )
    signature = signer.sign(prepared.to_be_signed)
    token = timestamp(signature) if timestamp is not None else None
    return prepared.finish(signature, algorithm=signer.algorithm, timestamp_token=token)


def check_key(signer: Signer, certificate: Certificate) -> None:
    """Raise ``CMS_KEY_MISMATCH`` unless the certificate speaks for the signer's key."""
    if signer.public_spki_der != certificate.spki_der:
        raise TrustError(Kind.CONFLICT, "CMS_KEY_MISMATCH", key=signer.key_id)


def estimate_size(
    *,
    signer_certificate: Certificate,
    chain: Sequence[Certificate] = (),
    dialect: Dialect = Dialect.RFC5652,
    signing_time: datetime | None = None,
    extra_signed_attributes: Sequence[tuple[str, bytes]] = (),
    algorithm: SignatureAlgorithm | None = None,
    timestamp_bytes: int = 0,
) -> int:
    """An upper bound in bytes for the finished signature; ``timestamp_bytes`` is the room for a token (0: none will come)."""
    algorithm = algorithm or algorithm_of(signer_certificate)
    digest_oid = digest_oid_of(algorithm)
    prepared = prepare_signed_data(
        content_digest=bytes(len(digest(digest_oid, b""))),
        digest_oid=digest_oid,
        signer_certificate=signer_certificate,
        chain=chain,
        dialect=dialect,
        signing_time=signing_time,
        extra_signed_attributes=extra_signed_attributes,
        algorithm=algorithm,
    )
    # An RSA signature is as long as its modulus, which the key's encoding exceeds
    longest = _LONGEST_SIGNATURE.get(algorithm) or len(read_spki(signer_certificate.spki_der).key_bits)
    return len(prepared.finish(bytes(longest), algorithm=algorithm)) + timestamp_bytes + _SIZE_MARGIN_BYTES
