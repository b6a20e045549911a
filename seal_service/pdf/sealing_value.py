"""The value that goes into /Contents, by profile: what has to be signed, in which order, and how the parts come together.

``pades+ses`` serves two worlds with one signature: a PAdES CMS (ETSI EN 319 142-1) whose signed attributes carry the SES_Signature of
GB/T 38540 over the same bytes. The sealing value is signed first, since the CMS signs it. ``ses`` is the sealing value alone, ``pades`` the
CMS alone. The key is never seen here: each round gives the bytes to be signed and takes the signature value, wherever it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.cms import PreparedCms, estimate_size, prepare_signed_data
from crypto.signatures import digest_oid_of
from seal_service.seal_data.make import PreparedSealSignature, prepare_seal_signature
from standards import gbt33560_oids as oids
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.signatures import SignatureAlgorithm

PADES_FILTER: Final = "Adobe.PPKLite"
PADES_SUBFILTER: Final = "ETSI.CAdES.detached"
SES_FILTER: Final = "Yinxin.SES"  # no standard registers names for GB/T 38540 in PDF; a deployment may set others
SES_SUBFILTER: Final = "GBT38540.SES"
PROPERTY_INFO_BYTES_MAX: Final = 128
SIGNERS_REMEMBERED: Final = 256
# TBS_Sign and SES_Signature around seal and certificate: tags, time, digest, propertyInfo, a 72-byte signature value
_SES_FRAME_BYTES: Final = 384 + PROPERTY_INFO_BYTES_MAX


class Profile(StrEnum):
    """What one signature field holds."""

    PADES_SES = "pades+ses"
    PADES = "pades"
    SES = "ses"

    @property
    def has_seal(self) -> bool:
        """Whether a sealing value of GB/T 38540 is part of it."""
        return self is not Profile.PADES


class RoundKind(StrEnum):
    """What a round signs: TBS_Sign of the seal, or the signed attributes of the CMS."""

    SES = "ses"
    CMS = "cms"


def default_profile(seal_data_der: bytes | None) -> Profile:
    """Both worlds where the seal has its SESeal; a seal from before these were made can only sign."""
    return Profile.PADES if seal_data_der is None else Profile.PADES_SES


def describe_range(byte_range: Sequence[int]) -> str:
    """The propertyInfo of a sealing value in a PDF: the range it protects, as the signature dictionary states it."""
    return "/ByteRange[{} {} {} {}]".format(*byte_range)


@dataclass(frozen=True, slots=True)
class ValueOrder:
    """What a value is made from. ``content_digest`` goes with the algorithm (SM3 for SM2); ``signed_at`` is aware UTC.

    ``states_time``: the CMS carries a signing-time attribute; in a PDF the time stands in /M instead (EN 319 142-1 clause 6.3).
    """

    profile: Profile
    content_digest: bytes
    property_info: str
    certificate: Certificate
    chain: tuple[Certificate, ...]
    algorithm: SignatureAlgorithm
    signed_at: datetime
    seal_data_der: bytes | None = None
    states_time: bool = False


@dataclass(frozen=True, slots=True)
class SealingRound:
    """One signature that is wanted over ``to_be_signed``. Of the last round :meth:`finish` makes the value, of another :meth:`follow` the
    next round.
    """

    order: ValueOrder
    prepared: PreparedSealSignature | PreparedCms

    @property
    def kind(self) -> RoundKind:
        """What is signed."""
        return RoundKind.CMS if isinstance(self.prepared, PreparedCms) else RoundKind.SES

    @property
    def is_last(self) -> bool:
        """Whether the value is complete with this signature."""
        return self.kind is RoundKind.CMS or self.order.profile is Profile.SES

    @property
    def to_be_signed(self) -> bytes:
        """The bytes the key signs, as a message (for SM2 with Z_A of the default identity in front of it)."""
        return self.prepared.to_be_signed

    def follow(self, signature: bytes) -> SealingRound:
        """The next round, which signs this one's value too."""
        if self.is_last or isinstance(self.prepared, PreparedCms):
            raise ValueError("the last round has no next one")
        return SealingRound(self.order, _prepare_cms(self.order, self.prepared.finish(signature)))

    def finish(self, signature: bytes, timestamp_token: bytes | None = None) -> bytes:
        """The whole value, DER. ``timestamp_token`` is over this signature value."""
        if not self.is_last:
            raise ValueError("another round is wanted")
        if isinstance(self.prepared, PreparedCms):
            return self.prepared.finish(signature, algorithm=self.order.algorithm, timestamp_token=timestamp_token)
        return self.prepared.finish(signature, time_stamp_der=timestamp_token)


def first_round(order: ValueOrder) -> SealingRound:
    """Begin a value.

    Raises TrustError SEAL_WITHOUT_SEAL_DATA (the profile wants a sealing value and there is no SESeal), and what
    :func:`~seal_service.seal_data.make.prepare_seal_signature` refuses.
    """
    if not order.profile.has_seal:
        return SealingRound(order, _prepare_cms(order, None))
    if order.seal_data_der is None:
        raise TrustError(Kind.CONFLICT, "SEAL_WITHOUT_SEAL_DATA", profile=order.profile.value)
    prepared = prepare_seal_signature(
        order.seal_data_der,
        data_hash=order.content_digest,
        property_info=order.property_info,
        signer_certificate=order.certificate,
        signed_at=order.signed_at,
    )
    return SealingRound(order, prepared)


def _prepare_cms(order: ValueOrder, ses_der: bytes | None) -> PreparedCms:
    return prepare_signed_data(
        content_digest=order.content_digest,
        digest_oid=digest_oid_of(order.algorithm),
        signer_certificate=order.certificate,
        chain=order.chain,
        signing_time=order.signed_at if order.states_time else None,
        extra_signed_attributes=[] if ses_der is None else [(oids.SES_SIGNATURE_ATTRIBUTE, ses_der)],
        algorithm=order.algorithm,
    )


def sign_value(order: ValueOrder, sign: Callable[[bytes], bytes], timestamp: Callable[[bytes], bytes] | None = None) -> bytes:
    """All rounds with a key that is at hand. ``timestamp`` is asked once, over the last signature value."""
    wanted = first_round(order)
    while not wanted.is_last:
        wanted = wanted.follow(sign(wanted.to_be_signed))
    signature = sign(wanted.to_be_signed)
    return wanted.finish(signature, None if timestamp is None else timestamp(signature))


def estimate_value_size(
    profile: Profile,
    *,
    certificate: Certificate,
    chain: Sequence[Certificate],
    algorithm: SignatureAlgorithm,
    seal_data_der: bytes | None,
    timestamp_bytes: int = 0,
) -> int:
    """An upper bound in bytes for the value; ``timestamp_bytes`` is the room for a token (0: none will come)."""
    seal_bytes = len(seal_data_der or b"") + len(certificate.der) + _SES_FRAME_BYTES if profile.has_seal else 0
    if profile is Profile.SES:
        return seal_bytes + timestamp_bytes
    return _cms_bytes(certificate, tuple(chain), algorithm) + timestamp_bytes + seal_bytes


@lru_cache(maxsize=SIGNERS_REMEMBERED)
def _cms_bytes(certificate: Certificate, chain: tuple[Certificate, ...], algorithm: SignatureAlgorithm) -> int:
    """How long the CMS of a signer gets, which his certificates decide: the same few signers seal document after document."""
    return estimate_size(signer_certificate=certificate, chain=chain, algorithm=algorithm)
