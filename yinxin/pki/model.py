"""Certificates of the built-in authority: their states, validities and names. No input or output here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from crypto.authority import Profile
from standards.errors import Kind, TrustError
from standards.rfc5280_names import write_name
from standards.uax9_plain_text import is_printable

DAY: Final = timedelta(days=1)
ROOT_VALIDITY: Final = 7300 * DAY
VALIDITY: Final = {
    Profile.ISSUING_CA: 5475 * DAY,
    Profile.TSA: 3650 * DAY,
    Profile.OCSP_RESPONDER: 3650 * DAY,
    Profile.SEAL_SIGNING: 1095 * DAY,
    Profile.SEAL_ENCRYPTION: 1095 * DAY,
    Profile.SEAL_MAKER: 1825 * DAY,
}
"""From issue on; never beyond the issuer's own end."""
BACKDATED: Final = timedelta(minutes=5)  # verifiers' clocks are allowed to be a little behind
LIST_VALIDITY: Final = {"issuing": 7 * DAY, "root": 180 * DAY}
"""How long a revocation list may be relied on. A new one is made when half of it is over."""
OCSP_VALIDITY: Final = timedelta(hours=1)
ABANDONED_AFTER: Final = timedelta(minutes=10)  # no signing takes that long: who began has died
COMMON_NAME_CHARACTERS_MAX: Final = 64  # RFC 5280, appendix A: ub-common-name
ORGANISATION_CHARACTERS_MAX: Final = 146  # credit code and name by the national convention; ub-organization-name of 64 would cut names
COUNTRY: Final = "CN"

REASONS: Final = frozenset(
    {"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"}
)
"""RFC 5280 5.3.1, those that are final and make sense for an authority's own register."""


class CertificateState(StrEnum):
    """Where a certificate stands."""

    ISSUING = "issuing"  # the row precedes the signature
    ISSUED = "issued"
    REVOKED = "revoked"


TRANSITIONS: Final = {
    CertificateState.ISSUING: frozenset({CertificateState.ISSUED, CertificateState.REVOKED}),
    CertificateState.ISSUED: frozenset({CertificateState.REVOKED}),
    CertificateState.REVOKED: frozenset[CertificateState](),
}
"""From each state, the states that may follow."""


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A row of the register. ``issuer``: ``root`` or ``issuing``. ``certificate_der`` is None until it is signed. Times are aware UTC."""

    serial: int
    issuer: str
    profile: str
    subject: str
    state: CertificateState
    certificate_der: bytes | None
    requested_at: datetime
    requested_by: str
    not_after: datetime
    revoked_at: datetime | None
    reason: str | None

    @property
    def serial_hex(self) -> str:
        """The serial number in lower-case hexadecimal, as certificates show it."""
        return write_serial(self.serial)


@dataclass(frozen=True, slots=True)
class RevocationListRecord:
    """A published revocation list. ``entries``: how many certificates it names, None where that was not recorded."""

    issuer: str
    number: int
    crl_der: bytes
    this_update_at: datetime
    next_update_at: datetime
    entries: int | None


def write_serial(serial: int) -> str:
    """Lower-case hexadecimal with an even number of digits."""
    digits = f"{serial:x}"
    return "0" * (len(digits) % 2) + digits


def read_serial(text: str) -> int:
    """A serial number in hexadecimal, colons allowed; SERIAL_MALFORMED."""
    digits = text.replace(":", "")
    if not 0 < len(digits) <= 40:  # RFC 5280 4.1.2.2: at most 20 octets
        raise TrustError(Kind.UNACCEPTABLE, "SERIAL_MALFORMED", expected="up to 40 hexadecimal digits")
    try:
        return int(digits, 16)
    except ValueError:
        raise TrustError(Kind.UNACCEPTABLE, "SERIAL_MALFORMED", expected="up to 40 hexadecimal digits") from None


def subject_name(common_name: str, organisation: str) -> bytes:
    """A subject: C=CN, O, CN (GB/T 20518 5.2.2). CERTIFICATE_NAME_INVALID for empty, overlong or invisible names."""
    for field, text, limit in (
        ("common_name", common_name, COMMON_NAME_CHARACTERS_MAX),
        ("organisation", organisation, ORGANISATION_CHARACTERS_MAX),
    ):
        if not 1 <= len(text) <= limit or not is_printable(text) or text != text.strip():
            raise TrustError(Kind.UNACCEPTABLE, "CERTIFICATE_NAME_INVALID", field=field, limit=limit)
    return write_name([("C", COUNTRY), ("O", organisation), ("CN", common_name)])


def check_reason(reason: str) -> None:
    """REVOCATION_REASON_UNKNOWN."""
    if reason not in REASONS:
        raise TrustError(Kind.UNACCEPTABLE, "REVOCATION_REASON_UNKNOWN", expected=", ".join(sorted(REASONS)))


def is_renewal_due(latest: RevocationListRecord | None, revoked: int, at: datetime) -> bool:
    """Whether a new revocation list is to be made: there is none, it does not name all that are revoked, or half of its time is over.

    ``latest``: the newest signed list. ``revoked``: how many certificates are revoked, as of which no clock has a say. Nothing that is
    revoked is ever taken back, so the same number is the same certificates.
    """
    if latest is None or latest.entries != revoked:
        return True
    return at >= latest.this_update_at + (latest.next_update_at - latest.this_update_at) / 2
