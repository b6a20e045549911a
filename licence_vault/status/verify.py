"""What a status list token says of one licence: pure, every step, never raises, and what is not known is never valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.checkpoints import Receipt, verify_receipt
from crypto.cose import check_cose, read_cbor
from crypto.jose import check_token
from crypto.report import Step, Verdict, failed, not_checked, passed
from crypto.sm3 import sm3
from licence_vault.log.leaf import StatusListLeaf, read_leaf
from standards import ietf_status_list as lists
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crypto.checkpoints import LogIdentity
    from crypto.jose import VerificationKey

CLAUSE: Final = "IETF status-list-21 8.3"
LOG_CLAUSE: Final = "RFC 9162 2.1.3.2"
TOKEN_CHARACTERS: Final = 2 * lists.COMPRESSED_BYTES  # base64url twice, the second over the first, takes 16/9
LEEWAY_SECONDS: Final = 60  # by which clocks of issuer and verifier may differ


@dataclass(frozen=True, slots=True)
class StatusResult:
    """``verdict`` on the licence's status: VALID, INVALID (revoked, suspended, overdue) or INDETERMINATE (not known).

    ``status``: the value in the list, None where it may not be believed. ``age_seconds``: how long before ``at`` the list was issued.
    ``logged``: True where the list is shown to be in the public log, None where that was not asked or could not be seen. ``is_undecided``: as of the
    token (:class:`OpenedList`).
    """

    verdict: Verdict
    status: int | None
    issued_at_seconds: int | None
    age_seconds: int | None
    logged: bool | None
    steps: tuple[Step, ...]
    is_undecided: bool = False


@dataclass(frozen=True, slots=True)
class OpenedList:
    """A token whose signature was checked under certain keys, whatever the time: ``claims`` None where it may not be believed at all, ``packed``
    None where its list cannot be unpacked. ``steps`` say which. ``is_undecided``: its signature could not be checked this once, because a library
    failed; of what list it is, and of when, is not known.
    """

    claims: lists.StatusListClaims | None
    packed: bytes | None
    steps: tuple[Step, ...]
    is_undecided: bool = False


def verify_status(
    token: bytes,
    *,
    list_uri: str,
    index: int,
    keys: Mapping[str, VerificationKey],
    at: datetime,
    max_age_seconds: int | None = None,
    receipt: Receipt | None = None,
    log: LogIdentity | None = None,
) -> StatusResult:
    """The status at place ``index`` of the list ``list_uri`` at the time ``at`` (aware UTC).

    ``token``: a JWT (ASCII) or CWT (binary), told apart by their first byte. ``keys``: whose lists count, by ``kid``; ES256 and SM2 alike.
    ``max_age_seconds``: how old the list may be, besides what it says of itself. ``receipt`` with ``log``: that the list was published.
    """
    return ask_opened(
        open_list(token, keys), list_uri=list_uri, index=index, at=at, max_age_seconds=max_age_seconds, receipt=receipt, log=log
    )


def ask_opened(
    opened: OpenedList,
    *,
    list_uri: str,
    index: int,
    at: datetime,
    max_age_seconds: int | None = None,
    receipt: Receipt | None = None,
    log: LogIdentity | None = None,
) -> StatusResult:
    """As :func:`verify_status`, of a token that was opened before."""
    # 1. Signature and form
    steps, claims, packed = list(opened.steps), opened.claims, opened.packed
    if claims is None:
        return StatusResult(Verdict.INDETERMINATE, None, None, None, None, tuple(steps), opened.is_undecided)
    now = int(at.timestamp())
    age = now - claims.issued_at
    # 2. Is it the list that the licence names?
    known = packed is not None
    if claims.subject != list_uri:
        steps.append(failed("STATUS_LIST_OTHER", CLAUSE, expected=list_uri, found=claims.subject))
        known = False
    # 3. Times
    if claims.issued_at > now + LEEWAY_SECONDS:
        steps.append(not_checked("STATUS_LIST_NOT_YET", CLAUSE, issued_at=claims.issued_at))
        known = False
    elif claims.expires_at is None or claims.expires_at <= now:  # one that never expires would let a revoked licence live for ever
        steps.append(not_checked("STATUS_LIST_EXPIRED", CLAUSE, expires_at=claims.expires_at))
        known = False
    elif max_age_seconds is not None and age > max_age_seconds:
        steps.append(not_checked("STATUS_LIST_OLD", CLAUSE, age_seconds=age, limit_seconds=max_age_seconds))
        known = False
    else:
        steps.append(passed("STATUS_LIST_FRESH", CLAUSE, age_seconds=age))
    # 4. Was it published for all to see?
    logged = _logged(claims, packed, receipt, log, steps)
    if logged is False:
        known = False
    # 5. The entry
    status = _entry(claims, packed, index, steps) if known and packed is not None else None
    verdict = Verdict.INDETERMINATE if status is None else Verdict.VALID if status == lists.VALID else Verdict.INVALID
    return StatusResult(verdict, status, claims.issued_at, age, logged, tuple(steps))


def open_list(token: bytes, keys: Mapping[str, VerificationKey]) -> OpenedList:
    """Signature and form of a token under these keys, and its list unpacked. Never raises; the same for the same bytes and keys, unless undecided."""
    try:
        if token[:1] == b"e":  # base64url of {" ; a tagged COSE_Sign1 begins with 0xd2
            checked = check_token(token.decode("ascii", "replace"), keys, token_type=lists.JWT_TYPE, limit_characters=TOKEN_CHARACTERS)
            claims, key_id = lists.read_jwt_claims(checked.claims), checked.key.key_id
        else:
            message = check_cose(token, keys, message_type=lists.CWT_TYPE)
            members = read_cbor(message.payload)
            claims, key_id = lists.read_cwt_claims(members if isinstance(members, dict) else {}), message.key.key_id
    except TrustError as error:
        unknown = error.code in {"JWS_KEY_UNKNOWN", "COSE_KEY_UNKNOWN"}
        code = "STATUS_TOKEN_KEY_UNKNOWN" if unknown else "STATUS_TOKEN_REFUSED"
        return OpenedList(None, None, (not_checked(code, CLAUSE, rule=error.code),), error.kind is Kind.UNAVAILABLE)
    signed = passed("STATUS_TOKEN_SIGNED", CLAUSE, key=key_id)
    try:
        return OpenedList(claims, lists.inflate(claims.compressed), (signed,))
    except MalformedError as error:
        return OpenedList(claims, None, (signed, not_checked("STATUS_TOKEN_REFUSED", CLAUSE, rule=error.code)))


def _logged(
    claims: lists.StatusListClaims, packed: bytes | None, receipt: Receipt | None, log: LogIdentity | None, steps: list[Step]
) -> bool | None:
    """None where nothing was asked, or where the receipt's keys are not known; False where it shows another list or nothing."""
    if receipt is None or log is None or packed is None:
        return None
    result = verify_receipt(receipt, log)
    steps += result.steps
    if result.verified is not True:
        return result.verified
    try:
        leaf = read_leaf(receipt.entry)
    except MalformedError:
        leaf = None
    same = (
        isinstance(leaf, StatusListLeaf)
        and leaf.digest == sm3(packed)
        and leaf.bits == claims.bits
        and int(leaf.at.timestamp()) == claims.issued_at
        and claims.subject.rpartition("/")[2] == str(leaf.list_number)
    )
    steps.append(passed("STATUS_LIST_LOGGED", LOG_CLAUSE) if same else failed("STATUS_LIST_NOT_LOGGED", LOG_CLAUSE))
    return same


def _entry(claims: lists.StatusListClaims, packed: bytes, index: int, steps: list[Step]) -> int | None:
    try:
        status = lists.status_at(packed, claims.bits, index)
    except MalformedError as error:
        steps.append(not_checked("STATUS_TOKEN_REFUSED", CLAUSE, rule=error.code))
        return None
    codes = {lists.VALID: "STATUS_VALID", lists.SUSPENDED: "STATUS_SUSPENDED", lists.APPLICATION_SPECIFIC: "STATUS_OVERDUE"}
    code = codes.get(status, "STATUS_INVALID")
    steps.append(passed(code, CLAUSE) if status == lists.VALID else failed(code, CLAUSE, status=status))
    return status
