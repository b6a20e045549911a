"""What an OCSP response (RFC 6960) says about a certificate: who signed it, whether that responder may, and which status it gives."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.digests import digest
from crypto.revocation_lists import examine_crl
from crypto.revocation_statements import Ignored, Says, Statement
from crypto.signatures import SignatureCheck, remember_decided, verify_signature
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.rfc5280_extensions import DIGITAL_SIGNATURE
from standards.rfc5280_names import is_same_name
from standards.rfc6960_ocsp import GOOD, REVOKED, UNKNOWN, BasicResponse, CertId, read_ocsp_response

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MAX_REMEMBERED_RESPONSES: Final = 64  # at most 256 kB each
_OPEN: Final = frozenset({"signature-unsupported", "signature-weak", "unknown-critical-extension", "responder-revocation-unknown"})
"""Why a response may not be relied on although nothing shows it to be wrong."""
_WORST_FIRST: Final = (REVOKED, UNKNOWN, GOOD)
_CERT_ID_DIGESTS: Final = frozenset({oids.SHA1, oids.SHA256, oids.SM3})  # here an index, not a proof: SHA-1 does no harm


def is_about(certificate_id: CertId, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether a CertID means this certificate of this issuer (name and key)."""
    return certificate_id.serial == certificate.serial and is_issuer_meant(certificate_id, certificate.issuer_der, issuer)


def is_issuer_meant(certificate_id: CertId, name_der: bytes, issuer: Certificate) -> bool:
    """Whether a CertID means the issuer of this name with this key."""
    algorithm = certificate_id.digest_algorithm.oid
    return (
        algorithm in _CERT_ID_DIGESTS
        and certificate_id.issuer_name_digest == digest(algorithm, name_der)
        and certificate_id.issuer_key_digest == digest(algorithm, issuer.fields.spki.key_bits)
    )


def examine_ocsp(
    response_der: bytes,
    certificate: Certificate,
    issuer: Certificate,
    *,
    crls: Iterable[bytes] = (),
    responders: Iterable[Certificate] = (),
    nonce: bytes | None = None,
) -> Statement | Ignored:
    """What this response says about ``certificate``, whose issuer is ``issuer``. Never raises.

    ``crls`` tell whether a delegated responder without ocsp-nocheck was revoked itself; ``responders`` are responders trusted by decision
    (4.2.2.2); with ``nonce``, the response must carry it.
    """
    try:
        basic = _read(bytes(response_der)).basic
    except MalformedError as error:
        return Ignored("ocsp", error.code)
    if basic is None:
        return Ignored("ocsp", "no-answer")
    about = [single for single in basic.responses if is_about(single.certificate_id, certificate, issuer)]
    if not about:
        return Ignored("ocsp", "other-certificate")
    single = min(about, key=lambda each: _WORST_FIRST.index(each.status))  # of contradicting answers the worst one counts
    delegate, problem = _find_responder(basic, single.this_update, issuer, tuple(crls), tuple(responders))
    if problem == "signature-bad":
        return Ignored("ocsp", problem)
    if problem is None and nonce is not None and basic.nonce != nonce:
        problem = "nonce-differs"
    if problem is None and (basic.has_unknown_critical_extension or single.has_unknown_critical_extension):
        problem = "unknown-critical-extension"
    if problem is None and single.status == UNKNOWN:
        problem = "responder-does-not-know"
    next_update = single.next_update
    if delegate is not None and next_update is not None:
        # What an outdated responder's key signs can bear any date, so its answers do not outlive its certificate
        next_update = min(next_update, delegate.not_after)
    if problem is not None:
        alleges_revoked = single.status == REVOKED and problem in _OPEN
        return Statement("ocsp", Says.UNUSABLE, single.this_update, next_update, problem, alleges_revoked=alleges_revoked)
    if single.status == REVOKED:
        return Statement("ocsp", Says.REVOKED, single.this_update, next_update, single.reason, single.revoked_at)
    return Statement("ocsp", Says.GOOD, single.this_update, next_update, keeps_expired_since=single.archive_cutoff)


_read = lru_cache(maxsize=MAX_REMEMBERED_RESPONSES)(read_ocsp_response)


def _verify(spki_der: bytes, basic: BasicResponse) -> SignatureCheck:
    return verify_signature(spki_der, basic.signature_algorithm, basic.tbs_der, basic.signature)


_check_signature = remember_decided(_verify, MAX_REMEMBERED_RESPONSES)


def _find_responder(
    basic: BasicResponse, this_update: datetime, issuer: Certificate, crls: tuple[bytes, ...], responders: tuple[Certificate, ...]
) -> tuple[Certificate | None, str | None]:
    """The delegated responder, if it was one, and why the signature does not count (4.2.2.2), if it does not.

    ``signature-bad``: nobody entitled has signed this at all.
    """
    found = "signature-bad"
    for responder in (issuer, *responders, *_enclosed(basic)):
        if not _is_named(basic, responder):
            continue
        is_entitled = responder.spki_der == issuer.spki_der or responder in responders
        # A delegated responder must have been made by the very issuer, for this purpose; somebody else's key is no evidence at all. This is asked
        # first: to try a key costs what whoever chose it wants it to cost.
        issued = SignatureCheck.GOOD
        if not is_entitled:
            issued = responder.is_issued_by(issuer) if is_same_name(responder.issuer_der, issuer.subject_der) else SignatureCheck.BAD
        check = SignatureCheck.BAD if issued is SignatureCheck.BAD else _check_signature(responder.spki_der, basic)
        if check is SignatureCheck.GOOD and is_entitled:
            return None, None
        check = issued if check is SignatureCheck.GOOD else check
        if check is not SignatureCheck.GOOD:
            found = found if check is SignatureCheck.BAD else f"signature-{check.name.lower()}"
            continue
        problem = _delegation_problem(responder, issuer, basic.produced_at, crls)
        if problem is None and this_update > responder.not_after:
            problem = "responder-not-valid-at-time"
        if problem is None:
            return responder, None
        found = problem
    return None, found


def _enclosed(basic: BasicResponse) -> list[Certificate]:
    certificates = []
    for encoded in basic.certificates:
        try:
            certificates.append(Certificate.from_der(encoded))
        except MalformedError:
            continue  # a certificate that cannot be read cannot be the responder's
    return certificates


def _is_named(basic: BasicResponse, responder: Certificate) -> bool:
    if basic.responder_name_der is not None:
        return is_same_name(basic.responder_name_der, responder.subject_der)
    return basic.responder_key_digest in {digest(oids.SHA1, responder.fields.spki.key_bits), responder.subject_key_id}


def _delegation_problem(responder: Certificate, issuer: Certificate, at: datetime, crls: tuple[bytes, ...]) -> str | None:
    if oids.EKU_OCSP_SIGNING not in (responder.extended_key_usage or ()):
        return "responder-not-authorised"
    if responder.key_usage is not None and DIGITAL_SIGNATURE not in responder.key_usage:
        return "responder-key-usage"
    if not responder.not_before <= at <= responder.not_after:
        return "responder-not-valid-at-time"
    if oids.OCSP_NO_CHECK in responder.extensions:
        return None
    statements = [examine_crl(crl, responder, issuer) for crl in crls]
    said = [statement for statement in statements if isinstance(statement, Statement)]
    if any(statement.says is Says.REVOKED for statement in said):
        return "responder-revoked"
    fresh = (s for s in said if s.says is Says.GOOD and (s.this_update >= at or (s.next_update is not None and at <= s.next_update)))
    return None if next(fresh, None) is not None else "responder-revocation-unknown"
