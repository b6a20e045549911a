"""A document through the years: sealed with a certificate of thirty days, stamped by authorities that come and go."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest
from crypto.timestamps import DEMONSTRATION_POLICY, TimeStampAuthority
from seal_service.pdf.long_term import make_long_term
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pdf.verify import verify_pdf
from standards.gbt20518_certificate import write_seal_subject
from tests.pki import CREDIT_CODE, YEAR, DemoPki, name_der, signer_for
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.pdf.sealing import AT, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.certificates import Certificate
    from crypto.report import Report
    from crypto.trust_list import TrustList

DAY = timedelta(days=1)
EXPIRED = AT + 2 * YEAR  # the seal's certificate ran out long ago, its authority's has years left
RENEWED = AT + 4 * YEAR
FAR = AT + 8 * YEAR  # the first time-stamp authority has run out too


@cache
def pki() -> DemoPki:
    """A PKI of its own: tests revoke in it."""
    return DemoPki.create(AT, label="years")


@cache
def short_certificate() -> Certificate:
    """A seal's certificate for thirty days."""
    demo = pki()
    request = SubjectRequest(write_seal_subject(CREDIT_CODE, "印信示范单位", "11010000000002"), demo.seal_signer.public_spki_der)
    return demo.issuing.issue(request, Profile.SEAL_SIGNING, not_before=AT - DAY, not_after=AT + 30 * DAY)


@cache
def later_authority() -> Certificate:
    """The certificate of a second time-stamp authority, from ``RENEWED`` on."""
    demo = pki()
    request = SubjectRequest(name_der("second time-stamp authority"), signer_for("years-tsa2").public_spki_der)
    return demo.issuing.issue(request, Profile.TSA, not_before=RENEWED - DAY, not_after=RENEWED + 5 * YEAR)


def stamper(at: datetime, *, second: bool = False) -> Callable[[bytes], bytes]:
    """Bytes in, a token of ``at`` out, by the first authority or the second."""
    demo = pki()
    certificate = later_authority() if second else demo.tsa
    signer = signer_for("years-tsa2") if second else demo.tsa_signer
    authority = TimeStampAuthority(certificate, demo.chain, signer, DEMONSTRATION_POLICY)
    return lambda data: authority.stamp(data, at)


def trust(at: datetime) -> TrustList:
    """The trust list with the lists current at ``at``."""
    return pki().trust_list(crls=pki().crls(this_update=at - DAY))


@cache
def sealed(level: str, original: bytes = reportlab_document()) -> bytes:
    """A document sealed at ``AT`` to a level of PAdES."""
    demo = pki()
    document = seal_pdf(
        original,
        signer=demo.seal_signer,
        certificate=short_certificate(),
        chain=demo.chain,
        timestamp=None if level == "B-B" else stamper(AT),
        placement=Placement(1, 60, 40),
        picture=picture(),
        signed_at=AT,
    )
    return document if level in {"B-B", "B-T"} else extended(document, AT, with_stamp=level == "B-LTA")


def extended(document: bytes, at: datetime, *, with_stamp: bool = True, second: bool = False) -> bytes:
    return make_long_term(document, trust=trust(at), at=at, stamp=stamper(at, second=second) if with_stamp else None)


def report(document: bytes, at: datetime, *, trusted: TrustList | None = None) -> Report:
    return verify_pdf(document, trust(at) if trusted is None else trusted, at)
