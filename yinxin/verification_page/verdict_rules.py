"""How a report is told to somebody who is no engineer: rules as data, read by the page's script and by ``answers.py`` alike.

A report says ``valid``, ``invalid`` or ``indeterminate`` with a code for each step. Here stands which sentence that becomes and which steps
answer which question. The rules never say more than the report: good is only said where the steps that prove it have passed.
"""

from __future__ import annotations

from typing import Any, Final

from yinxin.mongolian_words import in_mongolian

GOOD, WARN, BAD, UNKNOWN = "ok", "warn", "bad", "unknown"

# (verdict of the report, condition, key of the sentence, tone): the first that fits. Conditions are properties of the whole report, or
# "CODE/outcome" of any step; an empty one always fits. The tone of a verdict never says better than the verdict.
HEADLINES: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("invalid", "tampered", "changed", BAD),
    ("invalid", "LICENCE_QR_NOT_GENUINE/fail", "code_false", BAD),
    ("invalid", "forged", "forged", BAD),
    ("invalid", "SEAL_REVOKED/fail", "seal_ended", BAD),
    ("invalid", "SEAL_EXPIRED_AT_SIGNING/fail", "seal_expired", BAD),
    ("invalid", "seal-invalid", "invalid", BAD),
    ("invalid", "STATUS_INVALID/fail", "licence_ended", BAD),
    ("invalid", "CREDENTIAL_STATUS_INVALID/fail", "licence_ended", BAD),
    ("invalid", "STATUS_SUSPENDED/fail", "licence_suspended", BAD),
    ("invalid", "CREDENTIAL_STATUS_SUSPENDED/fail", "licence_suspended", BAD),
    ("invalid", "STATUS_OVERDUE/fail", "licence_overdue", BAD),
    ("invalid", "CREDENTIAL_STATUS_ANNUAL/fail", "licence_overdue", BAD),
    ("invalid", "LICENCE_EXPIRED/fail", "licence_expired", BAD),
    ("invalid", "CREDENTIAL_EXPIRED/fail", "licence_expired", BAD),
    ("invalid", "LICENCE_NOT_YET_VALID/fail", "licence_not_yet", BAD),
    ("invalid", "CREDENTIAL_NOT_YET_VALID/fail", "licence_not_yet", BAD),
    ("invalid", "LICENCE_COPY_EXPIRED/fail", "copy_expired", BAD),
    ("invalid", "held-by-other", "holder_other", BAD),
    ("invalid", "", "invalid", BAD),
    ("indeterminate", "unsealed", "unsealed", UNKNOWN),
    ("indeterminate", "SEAL_REVOKED_AFTER/not-checked", "seal_ended_unproven", UNKNOWN),
    ("indeterminate", "CERT_NO_ANCHOR/not-checked", "issuer_unknown", UNKNOWN),
    ("indeterminate", "LICENCE_QR_KEY_UNKNOWN/not-checked", "issuer_unknown", UNKNOWN),
    ("indeterminate", "CREDENTIAL_ISSUER_UNKNOWN/not-checked", "issuer_unknown", UNKNOWN),
    ("indeterminate", "", "unknown", UNKNOWN),
    ("valid", "SEAL_REVOKED_AFTER/warn", "valid_seal_ended", WARN),
    ("valid", "SEAL_EXPIRED_NOW/warn", "valid_expired_since", WARN),
    ("valid", "CERT_EXPIRED_AFTER/warn", "valid_expired_since", WARN),
    ("valid", "CERT_REVOKED_AFTER/warn", "valid_key_ended", WARN),
    ("valid", "LICENCE_COPY_FOR/warn", "valid_copy", GOOD),
    ("valid", "LICENCE_ISSUER_NAME_OTHER/warn", "valid_issuer_name", WARN),
    ("valid", "", "valid", GOOD),
)

# What the sentence is in Mongolian (yinxin/mongolian_words.py): by its key, else by its tone
MONGOLIAN_OF_KEY: Final = {"changed": "changed", "seal_expired": "expired", "licence_expired": "expired", "copy_expired": "expired"}
MONGOLIAN_OF_TONE: Final = {GOOD: "valid", WARN: "valid", BAD: "invalid", UNKNOWN: "indeterminate"}

# Conditions whose step stands with one of the answers, so that it is not told twice
TOLD_BELOW: Final = ("tampered", "held-by-other", "SEAL_REVOKED_AFTER/warn", "SEAL_EXPIRED_NOW/warn")

# Signatures that are no seal: they say when, or list files, and do not say who answers for the content
NO_SEAL_KINDS: Final = ("pdf-timestamp", "ofd-integrity")

# Was the seal good then? Steps about seal and certificate begin so
THEN_PREFIXES: Final = ("SEAL_", "CERT_", "SIGNER_NOT_IN_SEAL", "CREDENTIAL_KEY", "CREDENTIAL_ISSUER", "CREDENTIAL_SIGNATURE")
# with any of these, whatever its outcome, nobody knows how things stood then
THEN_UNPROVEN: Final = (
    "SEAL_STATUS_NOT_ASKED",
    "SEAL_STATUS_UNKNOWN",
    "SEAL_STATUS_LIST_BAD",
    "CERT_NO_ANCHOR",
    "CERT_REVOCATION_UNKNOWN",
    "CERT_REVOCATION_NOT_PUBLISHED",
    "SIG_TIME_UNPROVEN",
)
# and these must have been found, one of each row: (how the kind of signature must be named, "" is any; "CODE/outcome", ...)
THEN_PROOF: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("", ("CERT_CHAIN_OK/pass", "CREDENTIAL_SIGNATURE/pass")),
    ("", ("CERT_TIME_OK/pass", "CERT_EXPIRED_AFTER/warn", "CREDENTIAL_TIMES/pass")),
    ("ses", ("SEAL_TIME_OK/pass",)),
    ("ses", ("SEAL_STATUS_OK/pass", "SEAL_REVOKED_AFTER/warn", "SEAL_EXPIRED_NOW/warn")),
)

# Is it good now? Of a licence its own question says so, as far as the file is shown to be that licence; of any other document the present status of
# the seals: (condition, key, tone), the worst that fits counts, nothing is unknown
SEAL_NOW: Final[tuple[tuple[str, str, str], ...]] = (
    ("SEAL_REVOKED/fail", "seal_now_ended", BAD),
    ("SEAL_REVOKED_AFTER/not-checked", "seal_now_ended_unproven", UNKNOWN),
    ("SEAL_REVOKED_AFTER/warn", "seal_now_ended_after", WARN),
    ("SEAL_EXPIRED_AT_SIGNING/fail", "seal_now_expired", BAD),
    ("SEAL_EXPIRED_NOW/fail", "seal_now_expired", BAD),
    ("SEAL_EXPIRED_NOW/warn", "seal_now_expired_after", WARN),
    ("SEAL_STATUS_UNKNOWN/not-checked", "seal_now_unknown", UNKNOWN),  # of one of several
    ("SEAL_STATUS_NOT_ASKED/warn", "seal_now_unknown", UNKNOWN),
    ("TRUST_BUNDLE_EXPIRED/not-checked", "seal_now_unknown", UNKNOWN),
    ("TRUST_BUNDLE_FROM_FUTURE/not-checked", "seal_now_unknown", UNKNOWN),
    ("SEAL_STATUS_OK/pass", "seal_now_good", GOOD),
)
SEAL_NOW_PROVEN: Final = (GOOD, WARN)  # what is published of a seal is said of a file only that is shown to be sealed with it
GENUINE: Final = ("content", "number", "seal", "log")  # questions that show which licence a file is: as of what is told of it (``says``)
NOT_ASKED: Final = "CREDENTIAL_STATUS_ABSENT/warn"  # a credential may name no list; then nobody knows whether its licence is in force
LICENCE_NOW: Final[tuple[tuple[str, str], ...]] = (
    ("STATUS_INVALID/fail", "now_ended"),
    ("CREDENTIAL_STATUS_INVALID/fail", "now_ended"),
    ("STATUS_SUSPENDED/fail", "now_suspended"),
    ("CREDENTIAL_STATUS_SUSPENDED/fail", "now_suspended"),
    ("STATUS_OVERDUE/fail", "now_overdue"),
    ("CREDENTIAL_STATUS_ANNUAL/fail", "now_overdue"),
    ("LICENCE_EXPIRED/fail", "now_expired"),
    ("LICENCE_NOT_YET_VALID/fail", "now_not_yet"),
)
# Where the time of a signature comes from: the first that fits
TIME_SOURCES: Final[tuple[tuple[str, str], ...]] = (
    ("TS_OK/pass", "time_stamp"),
    ("PDF_EXISTENCE_PROVEN/pass", "time_later_stamp"),
    ("SIG_TIME_UNPROVEN/warn", "time_claimed"),
    ("SIG_TIME_UNPROVEN/not-checked", "time_claimed"),
)


def mongolian_sentences() -> dict[str, str]:
    """The Mongolian word for each sentence, by its key."""
    return {key: in_mongolian(MONGOLIAN_OF_KEY.get(key, MONGOLIAN_OF_TONE[tone])) for _, _, key, tone in HEADLINES}


def rules() -> dict[str, Any]:
    """All of it, for the page's script."""
    return {
        "headlines": HEADLINES,
        "toldBelow": TOLD_BELOW,
        "noSealKinds": NO_SEAL_KINDS,
        "thenPrefixes": THEN_PREFIXES,
        "thenUnproven": THEN_UNPROVEN,
        "thenProof": THEN_PROOF,
        "sealNow": SEAL_NOW,
        "sealNowProven": SEAL_NOW_PROVEN,
        "genuine": GENUINE,
        "notAsked": NOT_ASKED,
        "licenceNow": LICENCE_NOW,
        "timeSources": TIME_SOURCES,
    }
