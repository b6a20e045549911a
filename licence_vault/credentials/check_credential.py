"""The verdict on a credential that a wallet shows: SD-JWT VC with its holder's binding (RFC 9901 7, draft-ietf-oauth-sd-jwt-vc).

Pure, and raises nothing on whatever it is given. Every step that can be taken is taken; what could not be decided is never called valid.
What is said about status comes from the caller, who has the status tokens.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from crypto.jose import NUMERIC_DATE_LIMIT, check_token, read_base64url, read_strict_json, thumbprint
from crypto.report import Outcome, Report, SignatureReport, Step, failed, not_checked, passed, verdict_of, warned, worst
from licence_vault.credentials.holder_tokens import check_holder_token, read_holder_key
from licence_vault.credentials.lanes import lane_of
from licence_vault.credentials.sd_jwt_vc import NEVER_DISCLOSED, TOKEN_TYPE
from licence_vault.validity import check_days, check_issue_date
from standards.errors import TrustError
from standards.rfc9901_sd_jwt import (
    TOKEN_TYPE_KEY_BINDING,
    Combined,
    digest_name_of,
    digest_of,
    read_combined,
    reveal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from crypto.jose import VerificationKey
    from licence_vault.credentials.lanes import Lane

    Issuers = Mapping[str, Mapping[str, VerificationKey]]
    StatusOf = Callable[[str, int], int | None]

CREDENTIAL: Final = "credential"  # names of the two signatures in the report
KEY_BINDING: Final = "key-binding"
LEEWAY_SECONDS: Final = 30  # how far clocks may differ
BINDING_SECONDS: Final = 300  # how old a binding may be: it is made for one question
STATUS_URI_CHARACTERS: Final = 500
STATUS_WORDS: Final = {1: "CREDENTIAL_STATUS_INVALID", 2: "CREDENTIAL_STATUS_SUSPENDED", 3: "CREDENTIAL_STATUS_ANNUAL"}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SD_JWT: Final = "RFC 9901"
_VC: Final = "SD-JWT VC"
_BINDING: Final = "RFC 9901 7.3"


@dataclass(frozen=True, slots=True)
class DemandedBinding:
    """What the holder's proof must be made for. ``audience``: the verifier as he was named to the wallet; ``nonce``: of this one question."""

    audience: str
    nonce: str
    age_seconds: int = BINDING_SECONDS


@dataclass(frozen=True, slots=True)
class CheckedCredential:
    """``claims``: what was disclosed, None unless the issuer's signature is right and every disclosure fits; it says nothing about time,
    status or binding: only the report's verdict does. ``holder``: thumbprint of the holder's key (RFC 7638, base64url), where there is one.
    """

    report: Report
    claims: Mapping[str, Any] | None = None
    vct: str | None = None
    holder: str | None = None


@dataclass(slots=True)
class _Findings:
    """What is known while the steps go on."""

    steps: list[Step] = field(default_factory=list)
    binding_steps: list[Step] = field(default_factory=list)
    payload: Mapping[str, Any] = field(default_factory=dict)
    is_signed: bool | None = None
    claims: dict[str, Any] | None = None
    holder_key: VerificationKey | None = None


def check_credential(
    text: str,
    *,
    issuers: Issuers,
    at: datetime,
    status_of: StatusOf,
    binding: DemandedBinding | None,
    vcts: Collection[str] | None = None,
) -> CheckedCredential:
    """Judge a presentation, or a credential as it was issued (``binding`` None). ``at``: aware UTC.

    ``issuers``: whose credentials count, by ``iss``, with their keys by ``kid``; an issuer that is not among them, or a key of his that is
    not, leaves the verdict open. ``status_of``: address and index -> the value in a status token that is right and current, None where
    there is none at hand. ``vcts``: the types that are asked for, None for any.
    """
    found = _Findings()
    # 1. The parts
    try:
        combined = read_combined(text)
        header, payload = (read_strict_json(read_base64url(part)) for part in combined.token.split(".")[:2])
    except TrustError as error:
        found.steps.append(failed("CREDENTIAL_MALFORMED", f"{_SD_JWT} 4", rule=_rule(error)))
        return _result(found, binding)
    found.payload = payload
    # 2. Whose signature it is, and in which lane
    lane = lane_of(header.get("alg"))
    if lane is None:  # among them "none"
        found.steps.append(failed("CREDENTIAL_ALGORITHM", f"{_SD_JWT} 7.1"))
        return _result(found, binding)
    _check_signature(found, combined, issuers)
    # 3. What is disclosed
    _check_disclosures(found, combined, lane)
    # 4. Type, time and status
    _check_type(found, vcts)
    _check_times(found, at)
    _check_days(found, at)
    _check_status(found, status_of)
    # 5. That its holder shows it, now and here
    _check_binding(found, combined, lane, binding, at)
    return _result(found, binding)


def _rule(error: TrustError) -> str:
    return str(error.facts.get("reason", error.facts.get("rule", error.code)))


def _check_signature(found: _Findings, combined: Combined, issuers: Issuers) -> None:
    issuer = found.payload.get("iss")
    keys = issuers.get(issuer) if isinstance(issuer, str) else None
    if keys is None:
        found.steps.append(not_checked("CREDENTIAL_ISSUER_UNKNOWN", f"{_SD_JWT} 7.1"))
        return
    try:
        check_token(combined.token, keys, token_type=TOKEN_TYPE)
    except TrustError as error:
        if error.code == "JWS_KEY_UNKNOWN":  # he may have a newer one than we know
            found.steps.append(not_checked("CREDENTIAL_KEY_UNKNOWN", f"{_SD_JWT} 7.1"))
            return
        found.is_signed = False
        found.steps.append(failed("CREDENTIAL_SIGNATURE_BAD", f"{_SD_JWT} 7.1", rule=_rule(error)))
        return
    found.is_signed = True
    found.steps.append(passed("CREDENTIAL_SIGNATURE", f"{_SD_JWT} 7.1"))


def _check_disclosures(found: _Findings, combined: Combined, lane: Lane) -> None:
    try:
        if digest_name_of(found.payload) != lane.digest_name:
            found.steps.append(failed("CREDENTIAL_DIGEST", f"{_SD_JWT} 4.1.1", expected=lane.digest_name))
            return
        claims = reveal(found.payload, combined.disclosures, lane.digest)
    except TrustError as error:
        found.steps.append(failed("CREDENTIAL_DISCLOSURES_BAD", f"{_SD_JWT} 7.1", rule=_rule(error)))
        return
    hidden = sorted(name for name in NEVER_DISCLOSED if claims.get(name) != _plain(found.payload, name))
    if hidden:
        found.steps.append(failed("CREDENTIAL_CLAIM_HIDDEN", f"{_VC} 2.2.2.3", claim=hidden[0]))
        return
    found.steps.append(passed("CREDENTIAL_DISCLOSURES", f"{_SD_JWT} 7.1", count=len(combined.disclosures)))
    if found.is_signed:
        found.claims = claims


def _plain(payload: Mapping[str, Any], name: str) -> Any:
    # _sd_alg is taken away by the processing itself
    return None if name == "_sd_alg" else payload.get(name)


def _check_type(found: _Findings, vcts: Collection[str] | None) -> None:
    vct = found.payload.get("vct")
    if not isinstance(vct, str) or not vct:
        found.steps.append(failed("CREDENTIAL_TYPE_MISSING", f"{_VC} 2.2.2.1"))
    elif vcts is not None and vct not in vcts:
        found.steps.append(failed("CREDENTIAL_TYPE_OTHER", f"{_VC} 2.2.2.1"))
    else:
        found.steps.append(passed("CREDENTIAL_TYPE", f"{_VC} 2.2.2.1"))


def _check_times(found: _Findings, at: datetime) -> None:
    now = at.timestamp()
    times = {name: found.payload[name] for name in ("exp", "nbf", "iat") if name in found.payload}
    if "exp" not in times or not all(_is_date(value) for value in times.values()):
        found.steps.append(failed("CREDENTIAL_TIMES_MALFORMED", "RFC 7519 4.1"))
    elif now >= times["exp"] + LEEWAY_SECONDS:
        found.steps.append(failed("CREDENTIAL_EXPIRED", "RFC 7519 4.1.4"))
    elif any(times.get(name, 0) > now + LEEWAY_SECONDS for name in ("nbf", "iat")):
        found.steps.append(failed("CREDENTIAL_NOT_YET_VALID", "RFC 7519 4.1.5"))
    else:
        found.steps.append(passed("CREDENTIAL_TIMES", "RFC 7519 4.1"))


def _check_days(found: _Findings, at: datetime) -> None:
    """As far as it discloses the days of its licence: it counts no longer than that, whatever ``exp`` says."""
    claims = found.claims or {}
    begins, ends = (day_of(claims.get(name)) for name in ("valid_from", "valid_to"))
    step = check_days(begins or date.min, ends, at)
    if step.outcome is Outcome.FAIL:
        found.steps.append(step)
    issued_on = day_of(claims.get("issued_on"))
    if issued_on is not None:
        found.steps += check_issue_date(issued_on, at)


def day_of(value: Any) -> date | None:
    """A day that a claim states as YYYY-MM-DD; None for everything else."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:
        return None


def _is_date(value: Any) -> bool:
    return type(value) is int and 0 <= value <= NUMERIC_DATE_LIMIT


def _check_status(found: _Findings, status_of: StatusOf) -> None:
    clause = "Token Status List 8.3"
    if "status" not in found.payload:
        found.steps.append(warned("CREDENTIAL_STATUS_ABSENT", clause))
        return
    status = found.payload["status"]
    reference = status.get("status_list") if isinstance(status, dict) else None
    index, uri = (reference.get("idx"), reference.get("uri")) if isinstance(reference, dict) else (None, None)
    if type(index) is not int or not 0 <= index < 2**31 or not isinstance(uri, str) or not 0 < len(uri) <= STATUS_URI_CHARACTERS:
        found.steps.append(failed("CREDENTIAL_STATUS_MALFORMED", clause))
        return
    value = status_of(uri, index)
    if value is None:
        found.steps.append(not_checked("CREDENTIAL_STATUS_UNKNOWN", clause))
    elif value == 0:
        found.steps.append(passed("CREDENTIAL_STATUS", clause))
    else:
        found.steps.append(Step(STATUS_WORDS.get(value, "CREDENTIAL_STATUS_OTHER"), Outcome.FAIL, clause, {"value": value}))


def _check_binding(found: _Findings, combined: Combined, lane: Lane, binding: DemandedBinding | None, at: datetime) -> None:
    confirmation = found.payload.get("cnf")
    if confirmation is not None:
        try:
            found.holder_key = read_holder_key(confirmation.get("jwk") if isinstance(confirmation, dict) else None, lane)
        except TrustError:
            found.steps.append(failed("CREDENTIAL_HOLDER_KEY_BAD", "RFC 7800 3.2"))
    if binding is None:
        is_bare = combined.key_binding is None
        found.steps.append(warned("CREDENTIAL_HOLDER_NOT_SHOWN" if is_bare else "CREDENTIAL_BINDING_NOT_ASKED", _BINDING))
        return
    steps = found.binding_steps
    if found.holder_key is None:
        steps.append(failed("CREDENTIAL_HOLDER_KEY_MISSING", _BINDING))
        return
    if combined.key_binding is None:
        steps.append(failed("CREDENTIAL_BINDING_MISSING", _BINDING))
        return
    try:
        claims = check_holder_token(combined.key_binding, lane, token_type=TOKEN_TYPE_KEY_BINDING, key=found.holder_key).claims
    except TrustError as error:
        steps.append(failed("CREDENTIAL_BINDING_BAD", _BINDING, rule=_rule(error)))
        return
    steps.append(passed("CREDENTIAL_BINDING", _BINDING))
    for name, wanted, code in (
        ("aud", binding.audience, "CREDENTIAL_BINDING_AUDIENCE"),
        ("nonce", binding.nonce, "CREDENTIAL_BINDING_NONCE"),
        ("sd_hash", digest_of(combined.bound_text, lane.digest), "CREDENTIAL_BINDING_OTHER"),
    ):
        if not _is_same(claims.get(name), wanted):
            steps.append(Step(code, Outcome.FAIL, _BINDING))
    issued = claims.get("iat")
    now = at.timestamp()
    if type(issued) is not int or not now - binding.age_seconds - LEEWAY_SECONDS <= issued <= now + LEEWAY_SECONDS:
        steps.append(failed("CREDENTIAL_BINDING_TIME", _BINDING))


def _is_same(stated: Any, wanted: str) -> bool:
    return isinstance(stated, str) and hmac.compare_digest(stated.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def _result(found: _Findings, binding: DemandedBinding | None) -> CheckedCredential:
    issuer, vct, issued = (found.payload.get(name) for name in ("iss", "vct", "iat"))
    signed_at = None
    if found.is_signed and type(issued) is int and 0 <= issued < 2**37:  # beyond, datetime has no year
        signed_at = datetime.fromtimestamp(issued, UTC)
    signatures = [
        SignatureReport(
            name=CREDENTIAL,
            kind=TOKEN_TYPE,
            verdict=verdict_of(found.steps),
            cryptographically_valid=found.is_signed,
            document_intact=None if not found.is_signed else found.claims is not None,
            trusted=True if found.is_signed else None,
            signer=issuer if found.is_signed and isinstance(issuer, str) else None,
            signed_at=signed_at,
            steps=tuple(found.steps),
        )
    ]
    holder = None if found.holder_key is None or not found.is_signed else thumbprint(found.holder_key)
    if binding is not None:
        codes = {step.code for step in found.binding_steps}
        signatures.append(
            SignatureReport(
                name=KEY_BINDING,
                kind=TOKEN_TYPE_KEY_BINDING,
                verdict=verdict_of(found.binding_steps),
                cryptographically_valid="CREDENTIAL_BINDING" in codes if codes else None,
                document_intact=None if "CREDENTIAL_BINDING" not in codes else "CREDENTIAL_BINDING_OTHER" not in codes,
                trusted=None,
                signer=holder,
                signed_at=None,
                steps=tuple(found.binding_steps),
            )
        )
    report = Report(worst(each.verdict for each in signatures), None, tuple(signatures))
    return CheckedCredential(report, found.claims, vct if found.is_signed and isinstance(vct, str) else None, holder)
