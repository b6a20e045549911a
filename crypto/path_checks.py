"""The rules of RFC 5280, 6.1 over one path whose signatures are already proven; each gives steps of the report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from crypto.report import failed, not_checked, passed, warned
from crypto.revocation import RevocationStatus, check_revocation
from crypto.trust_list import Purpose
from standards import gbt33560_oids as oids
from standards.rfc5280_extensions import DIGITAL_SIGNATURE, KEY_CERT_SIGN, NON_REPUDIATION
from standards.rfc5280_name_constraints import violation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.path_search import FoundPath
    from crypto.report import Step
    from crypto.revocation import RevocationEvidence
    from crypto.trust_list import TrustList

CHAIN: Final = "RFC 5280 6.1"
VALIDITY: Final = "RFC 5280 6.1.3 a 2"
REVOCATION: Final = "RFC 5280 6.3"
USAGE: Final = "RFC 5280 4.2.1.3"
TIME_STAMPING: Final = "RFC 3161 2.3"
OCSP_SIGNING: Final = "RFC 6960 4.2.2.2"
NOT_AVAILABLE: Final = "RFC 9608 3"

SHORT_LIVED: Final = timedelta(days=7)  # as of web certificates that need no revocation (CA/Browser Forum, Baseline Requirements 1.6.1)

# Critical extensions whose meaning is acted on here, or that cannot make a path worse. Policies: every policy is acceptable, so policies,
# mappings and inhibitAnyPolicy decide nothing; policyConstraints may demand one and are therefore not among them.
_KNOWN_CRITICAL: Final = frozenset(
    {
        oids.KEY_USAGE,
        oids.BASIC_CONSTRAINTS,
        oids.EXTENDED_KEY_USAGE,
        oids.NAME_CONSTRAINTS,
        oids.SUBJECT_ALT_NAME,
        oids.SUBJECT_KEY_IDENTIFIER,
        oids.AUTHORITY_KEY_IDENTIFIER,
        oids.CRL_DISTRIBUTION_POINTS,
        oids.CERTIFICATE_POLICIES,
        oids.POLICY_MAPPINGS,
        oids.INHIBIT_ANY_POLICY,
        oids.NO_REV_AVAIL,
    }
)
_SIGNING: Final = frozenset({DIGITAL_SIGNATURE, NON_REPUDIATION})
_DEDICATED: Final = frozenset({oids.EKU_TIME_STAMPING, oids.EKU_OCSP_SIGNING})


@dataclass(frozen=True, slots=True)
class Moment:
    """When: ``at`` is judged, seen from ``now`` (aware UTC); ``is_proven`` unless only the holder of the key vouches for ``at``.

    ``proven_by``: a moment by which somebody else shows the signature to have existed.
    """

    at: datetime
    now: datetime | None
    is_proven: bool
    proven_by: datetime | None = None

    def evidence_at(self, certificate: Certificate) -> datetime:
        """At which moment evidence must show the certificate good: up to now, or to its end, where ``at`` may have been made up.

        Up to the moment by which the signature is shown to have existed, where there is one: nobody can have made it later.
        """
        seen_from = self._seen_from()
        return self.at if seen_from is None else max(self.at, min(seen_from, certificate.not_after))

    def is_shown_within(self, certificate: Certificate) -> bool:
        """Whether the signature is shown, by more than the word of its signer, to have existed before the certificate ended."""
        seen_from = self._seen_from()
        return seen_from is None or seen_from <= certificate.not_after

    def _seen_from(self) -> datetime | None:
        """By when the signature existed, where that is not ``at`` itself."""
        if self.is_proven or self.now is None:
            return None
        return self.now if self.proven_by is None else min(self.proven_by, self.now)


def check_chain(path: FoundPath) -> Iterator[Step]:
    """Basic constraints, path length, key usage of issuers, name constraints, critical extensions, strength of the signatures."""
    problems = [
        problem for problem in (*_issuer_problems(path.chain), *_name_problems(path.chain), *_extension_problems(path.chain)) if problem
    ]
    for certificate, reason in problems:
        yield failed("CERT_CHAIN_BAD", CHAIN, reason=reason, certificate=certificate.subject_text)
    if path.is_weak:
        yield not_checked("CERT_WEAK_ALGORITHM", CHAIN, certificate=path.chain[0].subject_text)
    if not problems:
        facts = {"issuer": path.chain[0].issuer_text, "anchor": path.anchor.certificate.subject_text}
        yield passed("CERT_CHAIN_OK", CHAIN, certificates=len(path.chain), **facts)


def _issuer_problems(chain: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, str]]:
    below = 0  # intermediates that are not self-issued, below the issuer at hand
    for i, issuer in enumerate(chain[1:], start=1):
        old_anchor = i == len(chain) - 1 and issuer.fields.version < 3  # a root without extensions, trusted by decision
        if not issuer.is_ca and not old_anchor:
            yield issuer, "issuer-is-not-a-ca"
        if issuer.key_usage is not None and KEY_CERT_SIGN not in issuer.key_usage:
            yield issuer, "issuer-may-not-sign-certificates"
        if issuer.path_length is not None and below > issuer.path_length:
            yield issuer, "path-longer-than-allowed"
        below += not issuer.is_self_issued


def _extension_problems(chain: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, str]]:
    for certificate in chain[:-1] or chain:
        for extension in certificate.extensions.values():
            if extension.critical and extension.oid not in _KNOWN_CRITICAL:
                yield certificate, f"unknown-critical-extension {extension.oid}"


def _name_problems(chain: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, str]]:
    for i, issuer in enumerate(chain):  # of the leaf there is nothing below
        if issuer.name_constraints is not None:
            for j, certificate in enumerate(chain[:i]):
                if j and certificate.is_self_issued:
                    continue
                problem = violation(issuer.name_constraints, certificate.subject_der, certificate.subject_alt_names)
                if problem is not None:
                    yield certificate, problem


def check_usage(leaf: Certificate, purpose: Purpose) -> Step:
    """Whether the leaf's key may be used for the purpose.

    Document seals and seal makers: digitalSignature or nonRepudiation where key usage is stated; an extended key usage is never required,
    but a certificate made for time-stamps or OCSP alone does not seal. Time-stamps: id-kp-timeStamping alone, critical.
    """
    problem, clause = _usage_problem(leaf, purpose)
    if problem is not None:
        return failed("CERT_USAGE_BAD", clause, reason=problem, purpose=purpose.value, certificate=leaf.subject_text)
    return passed("CERT_USAGE_OK", clause, purpose=purpose.value)


def _usage_problem(leaf: Certificate, purpose: Purpose) -> tuple[str | None, str]:
    if leaf.key_usage is not None and not leaf.key_usage & _SIGNING:
        return "key-usage-does-not-sign", USAGE
    purposes = leaf.extended_key_usage
    if purpose is Purpose.TIMESTAMP:
        if purposes != (oids.EKU_TIME_STAMPING,):
            return "extended-key-usage-not-time-stamping-alone", TIME_STAMPING
        if not leaf.extensions[oids.EXTENDED_KEY_USAGE].critical:
            return "extended-key-usage-not-critical", TIME_STAMPING
        return None, TIME_STAMPING
    if purpose is Purpose.OCSP:
        return (None if oids.EKU_OCSP_SIGNING in (purposes or ()) else "extended-key-usage-not-ocsp-signing"), OCSP_SIGNING
    if purposes is not None and _DEDICATED.issuperset(purposes):
        return "certificate-made-for-another-service", USAGE
    return None, USAGE


def check_time(certificates: tuple[Certificate, ...], at: datetime, now: datetime | None) -> Iterator[Step]:
    """Validity of each certificate at the moment, and whether it has expired since."""
    good = True
    for certificate in certificates:
        if not certificate.not_before <= at <= certificate.not_after:
            good = False
            reason = "not-yet-valid" if at < certificate.not_before else "expired"
            yield failed("CERT_NOT_VALID_AT_TIME", VALIDITY, reason=reason, certificate=certificate.subject_text, at=at.isoformat())
        elif now is not None and now > certificate.not_after:
            yield warned("CERT_EXPIRED_AFTER", VALIDITY, certificate=certificate.subject_text, expired_at=certificate.not_after.isoformat())
    if good:
        yield passed("CERT_TIME_OK", VALIDITY, at=at.isoformat())


def check_revocations(path: FoundPath, evidence: RevocationEvidence, trust: TrustList, moment: Moment) -> Iterator[Step]:
    """Revocation of every certificate below the anchor, by the evidence offered and that of the trust list."""
    for certificate, issuer in zip(path.chain, path.chain[1:], strict=False):
        yield _revocation_step(certificate, issuer, path, evidence + trust.evidence_for(certificate), moment)


def _revocation_step(certificate: Certificate, issuer: Certificate, path: FoundPath, evidence: RevocationEvidence, moment: Moment) -> Step:
    result = check_revocation(certificate, issuer, evidence, moment.evidence_at(certificate), now=moment.now)
    subject = certificate.subject_text
    if result.status is RevocationStatus.GOOD:
        dated = None if result.this_update is None else result.this_update.isoformat()
        return passed("CERT_REVOCATION_OK", REVOCATION, certificate=subject, source=result.source, dated=dated)
    if result.status is RevocationStatus.REVOKED:
        revoked_at = result.revoked_at
        facts = {"certificate": subject, "reason": result.reason, "revoked_at": None if revoked_at is None else revoked_at.isoformat()}
        if revoked_at is not None and revoked_at > moment.at:
            return warned("CERT_REVOKED_AFTER", REVOCATION, **facts)
        return failed("CERT_REVOKED_BEFORE", REVOCATION, **facts)
    reason = result.reason
    if result.status is RevocationStatus.MISSING:
        if path.anchor.revocation == "not-published":
            return warned("CERT_REVOCATION_NOT_PUBLISHED", REVOCATION, certificate=subject, anchor=path.anchor.certificate.subject_text)
        if oids.NO_REV_AVAIL in certificate.extensions:
            objection = _objection_to_none(certificate, moment)
            if objection is None:
                days = math.ceil((certificate.not_after - certificate.not_before) / timedelta(days=1))
                return warned("CERT_REVOCATION_NOT_AVAILABLE", NOT_AVAILABLE, certificate=subject, days=days)
            reason = objection
    return not_checked("CERT_REVOCATION_UNKNOWN", REVOCATION, certificate=subject, status=result.status.value, reason=reason)


def _objection_to_none(certificate: Certificate, moment: Moment) -> str | None:
    """Why the word of its issuer that nothing is published about a certificate (noRevAvail) does not do in place of evidence.

    It does for what ends before anybody would have revoked it; for a longer time the trust list has to say that the issuer is believed.
    """
    if certificate.is_ca or certificate.names_revocation_source:
        return "no-revocation-available-contradicted"
    if certificate.not_after - certificate.not_before > SHORT_LIVED:
        return "no-revocation-available-for-long"
    return None if moment.is_shown_within(certificate) else "no-revocation-available-and-no-proven-time"


def check_national_profile(leaf: Certificate) -> Iterator[Step]:
    """Deviations of an SM2 leaf from GB/T 20518, as warnings."""
    for deviation in leaf.profile_deviations:
        yield warned("CERT_PROFILE_DEVIATION", deviation.clause, deviation=deviation.name, certificate=leaf.subject_text)
