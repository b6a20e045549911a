"""PDF signatures that carry the seal of GB/T 38540: made as they should be, and with every part replaced by one that does not fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from crypto.cms import prepare_signed_data
from crypto.signatures import SignatureAlgorithm
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import PreparedSeal, prepare_seal
from seal_service.pdf.sealing_value import ValueOrder, describe_range, first_round
from seal_service.pdf.verify import verify_pdf
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from standards import gbt33560_oids as oids
from standards.gbt38540_seal.values import SealPicture
from standards.gbt38540_seal.write import write_seal_signature, write_to_be_signed
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import AT, picture, pki, sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crypto.certificates import Certificate
    from crypto.report import Report
    from crypto.signer import Signer
    from seal_service.pdf.sealing_value import Profile, SealingRound

DAY = timedelta(days=1)
LATER = AT + timedelta(hours=1)
DESCRIPTION = SealDescription(
    es_id="11010000000001",
    vid="yinxin",
    kind=1,
    name="示范章",
    created_at=AT - 10 * DAY,
    valid_from=AT - 10 * DAY,
    valid_until=AT + 100 * DAY,
    picture=SealPicture("PNG", b"picture", 42, 42),
)


def make_seal_data(certificates: Sequence[Certificate] = (), **changes: Any) -> bytes:
    """A seal of the test maker, by default for the test signer."""
    demo = pki()
    return build_seal(replace(DESCRIPTION, **changes), list(certificates) or [demo.seal], SealMaker(demo.maker, demo.maker_signer))


@cache
def seal_data() -> bytes:
    return make_seal_data()


def sealed_with(profile: Profile | None = None, original: bytes | None = None, **options: Any) -> bytes:
    """A document sealed with the seal, by default in the default profile."""
    return sealed(original or reportlab_document(), seal_data_der=seal_data(), profile=profile, **options)


def judged(document: bytes, **options: Any) -> Report:
    return verify_pdf(document, options.pop("trust", None) or pki().trust_list(), options.pop("at", LATER), **options)


def prepared(original: bytes | None = None, **options: Any) -> PreparedSeal:
    """The document with room for a value."""
    given: dict[str, Any] = {"placement": Placement(1, 60, 40), "picture": picture(), "signed_at": AT, "reserved_bytes": 16_384} | options
    return prepare_seal(original or reportlab_document(), **given)


def forged_value(
    *,
    digest: bytes,
    property_info: str = "/ByteRange",
    seal_der: bytes | None = None,
    at: datetime = AT,
    certificate: Certificate | None = None,
    signer: Signer | None = None,
) -> bytes:
    """A sealing value that no careful program would make: nothing is checked."""
    demo = pki()
    tbs = write_to_be_signed(version=4, seal_der=seal_der or seal_data(), time_info_at=at, data_hash=digest, property_info=property_info)
    return write_seal_signature(tbs, (certificate or demo.seal).der, (signer or demo.seal_signer).sign(tbs))


def with_attributes(
    make: Callable[[PreparedSeal], Sequence[tuple[str, bytes]]],
    original: bytes | None = None,
    change: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """A PAdES signature with any further signed attributes, rightly signed; ``change`` works on the finished CMS."""
    demo, document = pki(), prepared(original)
    cms = prepare_signed_data(
        content_digest=document.digest,
        digest_oid=oids.SM3,
        signer_certificate=demo.seal,
        chain=demo.chain,
        extra_signed_attributes=make(document),
    )
    value = cms.finish(demo.seal_signer.sign(cms.to_be_signed), algorithm=SignatureAlgorithm.SM2_SM3)
    return document.finish(value if change is None else change(value))


def with_forged(**changes: Any) -> bytes:
    """A PAdES signature around a forged sealing value; what is not said fits the document."""

    def make(document: PreparedSeal) -> list[tuple[str, bytes]]:
        fitting = {"digest": document.digest, "property_info": describe_range(document.byte_range)}
        return [(oids.SES_SIGNATURE_ATTRIBUTE, forged_value(**(fitting | changes)))]

    return with_attributes(make)


def begun(document: PreparedSeal, profile: Profile, **changes: Any) -> SealingRound:
    """The first round over a prepared document."""
    demo = pki()
    given: dict[str, Any] = {
        "profile": profile,
        "content_digest": document.digest,
        "property_info": describe_range(document.byte_range),
        "certificate": demo.seal,
        "chain": demo.chain,
        "algorithm": SignatureAlgorithm.SM2_SM3,
        "signed_at": AT,
        "seal_data_der": seal_data(),
    }
    return first_round(ValueOrder(**(given | changes)))
