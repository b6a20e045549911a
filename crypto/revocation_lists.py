"""What a revocation list (RFC 5280, 5 and 6.3) says about a certificate: signature, scope, entry.

Lists are remembered with their index and with the signatures already checked, bounded by the bytes they take. Only complete, direct
lists show a certificate good; indirect, partial and delta lists are named as unusable, never taken for good. That a certificate is revoked
counts in whichever list its issuer says so (6.3.3 (i), (j); 5.2.4): within one issuer a serial number is one certificate.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

from crypto.revocation_statements import Ignored, Says, Statement
from crypto.signatures import SignatureCheck, verify_signature
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.rfc5280_crl import EXPIRED_CERTS_ON_CRL, read_crl, read_issuing_distribution_point
from standards.rfc5280_extensions import CRL_SIGN
from standards.rfc5280_names import is_same_name

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from standards.rfc5280_crl import CrlFields, IssuingDistributionPoint, RevokedEntry

MAX_REMEMBERED_BYTES: Final = 48 * 1024 * 1024  # DER of all remembered lists; an index takes about five times the entries
MAX_REMEMBERED_CHECKS: Final = 8  # keys tried on one list; a list has one issuer, with few keys
MAX_REMEMBERED_STATEMENTS: Final = 32  # certificates looked up in one list: the few that come back with every document

_NAMES_REVOKED: Final = frozenset(
    {"delta-list", "partial-list", "relative-distribution-point", "other-distribution-point", "other-kind-of-certificate"}
)
"""Why a list shows no certificate good, while what it says of one that it names is the issuer's word."""
_UNDECIDED: Final = f"signature-{SignatureCheck.UNSUPPORTED.name.lower()}"
_KNOWN_CRITICAL: Final = frozenset(
    {oids.CRL_NUMBER, oids.AUTHORITY_KEY_IDENTIFIER, oids.ISSUING_DISTRIBUTION_POINT, oids.DELTA_CRL_INDICATOR, EXPIRED_CERTS_ON_CRL}
)


class RevocationList:
    """One list with what is remembered about it."""

    def __init__(self, fields: CrlFields) -> None:
        self.fields: Final = fields
        self._checks: dict[bytes, SignatureCheck] = {}
        self._statements: dict[tuple[str, str], Statement | Ignored] = {}

    def says_of(self, certificate: Certificate, issuer: Certificate) -> Statement | Ignored:
        """What the list says about ``certificate``, whose issuer is ``issuer``. No time is in the answer, so the same bytes give the same."""
        key = (certificate.fingerprint, issuer.fingerprint)
        known = self._statements.get(key)
        if known is None:
            known = _examine(self, certificate, issuer)
            if known.reason != _UNDECIDED and len(self._statements) < MAX_REMEMBERED_STATEMENTS:  # which may be a failure of today
                self._statements[key] = known
        return known

    def is_signed_by(self, spki_der: bytes) -> SignatureCheck:
        """Whether this key made the list's signature; BAD also when the inner algorithm differs from the outer (5.1.1.2)."""
        fields = self.fields
        if fields.tbs_signature_algorithm.raw != fields.signature_algorithm.raw:
            return SignatureCheck.BAD
        check = self._checks.get(spki_der)
        if check is None:
            check = verify_signature(spki_der, fields.signature_algorithm, fields.tbs_der, fields.signature)
            if check is not SignatureCheck.UNSUPPORTED and len(self._checks) < MAX_REMEMBERED_CHECKS:  # which may be a failure of today
                self._checks[spki_der] = check
        return check


class _Memory:
    """The lists read most recently, at most :data:`MAX_REMEMBERED_BYTES` of them together."""

    def __init__(self) -> None:
        self._lists: OrderedDict[bytes, RevocationList] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def read(self, crl_der: bytes) -> RevocationList:
        with self._lock:
            found = self._lists.get(crl_der)
            if found is not None:
                self._lists.move_to_end(crl_der)
                return found
        read = RevocationList(read_crl(crl_der))
        with self._lock:
            if crl_der not in self._lists:
                self._lists[crl_der] = read
                self._bytes += len(crl_der)
            while self._bytes > MAX_REMEMBERED_BYTES:
                dropped, _ = self._lists.popitem(last=False)
                self._bytes -= len(dropped)
        return read


_memory: Final = _Memory()


def read_revocation_list(crl_der: bytes) -> RevocationList:
    """The list in these bytes, remembered. Raises :class:`standards.errors.MalformedError`."""
    return _memory.read(bytes(crl_der))


def examine_crl(crl_der: bytes, certificate: Certificate, issuer: Certificate) -> Statement | Ignored:
    """What this list says about ``certificate``, whose issuer is ``issuer``. Never raises."""
    try:
        return read_revocation_list(crl_der).says_of(certificate, issuer)
    except MalformedError as error:
        return Ignored("crl", error.code)


def _examine(crl: RevocationList, certificate: Certificate, issuer: Certificate) -> Statement | Ignored:
    fields = crl.fields
    if not is_same_name(fields.issuer_der, certificate.issuer_der):
        return Ignored("crl", "other-issuer")
    check = crl.is_signed_by(issuer.spki_der)
    if check is SignatureCheck.BAD:
        return Ignored("crl", "signature-bad")
    if check is not SignatureCheck.GOOD:
        alleged = _says_revoked(_what_it_says(fields, certificate))
        return replace(_statement(fields, Says.UNUSABLE, reason=f"signature-{check.name.lower()}"), alleges_revoked=alleged)
    if issuer.key_usage is not None and CRL_SIGN not in issuer.key_usage:
        return _statement(fields, Says.UNUSABLE, reason="issuer-may-not-sign-lists")
    return _what_it_says(fields, certificate)


def _what_it_says(fields: CrlFields, certificate: Certificate) -> Statement | Ignored:
    """What an authentic list says: whatever is wrong with it makes it unusable, not ignorable."""
    try:
        said = _scope(fields, certificate) or _look_up(fields, certificate)
    except MalformedError as error:
        said = _statement(fields, Says.UNUSABLE, reason=error.code)
    if isinstance(said, Statement) and said.says is not Says.UNUSABLE:
        return said
    try:
        return _named_anyway(fields, certificate, said) or said
    except MalformedError:
        return said


def _named_anyway(fields: CrlFields, certificate: Certificate, said: Statement | Ignored) -> Statement | None:
    """That the certificate is revoked, said by a list that otherwise does not decide about it; ``None`` where it does not say so.

    Where the standard forbids to go by the list at all, and of a hold in a delta list, which another may have ended, it is an allegation.
    """
    entry = fields.find(certificate.serial)
    if entry is None or entry.names_other_issuer or entry.reason == "removeFromCRL" or _is_of_attribute_certificates(fields):
        return None
    is_hold = said.reason == "delta-list" and entry.reason == "certificateHold"
    if said.reason in _NAMES_REVOKED and not is_hold and not fields.has_unknown_critical_entry_extension:
        return _revoked(fields, entry)
    return replace(_statement(fields, Says.UNUSABLE, reason=said.reason or ""), alleges_revoked=True)


def _is_of_attribute_certificates(fields: CrlFields) -> bool:
    """Whether its serial numbers are others than those of certificates; a scope that cannot be read does not say so."""
    extension = fields.extension(oids.ISSUING_DISTRIBUTION_POINT)
    try:
        return extension is not None and read_issuing_distribution_point(extension.value_der).only_attribute_certificates
    except MalformedError:
        return False


def _says_revoked(said: Statement | Ignored) -> bool:
    return isinstance(said, Statement) and (said.says is Says.REVOKED or said.alleges_revoked)


def _statement(fields: CrlFields, says: Says, *, reason: str) -> Statement:
    return Statement("crl", says, fields.this_update, fields.next_update, reason)


def _scope(fields: CrlFields, certificate: Certificate) -> Statement | Ignored | None:
    """RFC 5280, 5.2 and 6.3.3 (b): why this list does not decide about the certificate, or ``None`` when it does."""
    if any(extension.critical and extension.oid not in _KNOWN_CRITICAL for extension in fields.extensions):
        return _statement(fields, Says.UNUSABLE, reason="unknown-critical-extension")
    if fields.extension(oids.DELTA_CRL_INDICATOR) is not None:
        return _statement(fields, Says.UNUSABLE, reason="delta-list")
    extension = fields.extension(oids.ISSUING_DISTRIBUTION_POINT)
    if extension is None:
        return None
    point = read_issuing_distribution_point(extension.value_der)
    if point.indirect:
        return _statement(fields, Says.UNUSABLE, reason="indirect-list")
    if point.only_some_reasons:
        return _statement(fields, Says.UNUSABLE, reason="partial-list")
    if point.relative_name_der is not None:
        return _statement(fields, Says.UNUSABLE, reason="relative-distribution-point")
    if (
        point.only_attribute_certificates
        or (point.only_user_certificates and certificate.is_ca)
        or (point.only_ca_certificates and not certificate.is_ca)
    ):
        return Ignored("crl", "other-kind-of-certificate")
    if point.full_names and not _is_named(point, certificate):
        return Ignored("crl", "other-distribution-point")
    return None


def _is_named(point: IssuingDistributionPoint, certificate: Certificate) -> bool:
    named = {name.raw for stated in certificate.crl_distribution_points for name in stated.full_names}
    return any(name.raw in named for name in point.full_names)


def _look_up(fields: CrlFields, certificate: Certificate) -> Statement:
    if fields.has_unknown_critical_entry_extension:
        return _statement(fields, Says.UNUSABLE, reason="unknown-critical-entry-extension")
    entry = fields.find(certificate.serial)
    if entry is None:
        return Statement("crl", Says.GOOD, fields.this_update, fields.next_update, keeps_expired_since=fields.expired_certificates_since)
    if entry.names_other_issuer:
        return _statement(fields, Says.UNUSABLE, reason="indirect-list")
    if entry.reason == "removeFromCRL":  # belongs into delta lists only
        return _statement(fields, Says.UNUSABLE, reason="remove-from-complete-list")
    return _revoked(fields, entry)


def _revoked(fields: CrlFields, entry: RevokedEntry) -> Statement:
    revoked_at = entry.revoked_at if entry.invalid_at is None else min(entry.revoked_at, entry.invalid_at)
    return Statement("crl", Says.REVOKED, fields.this_update, fields.next_update, entry.reason, revoked_at)
