"""The refusals of the licence vault. One function per refusal, so that code, kind and facts are stated once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from licence_vault import limits
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_PASSING: Final = frozenset({Kind.UNAVAILABLE, Kind.TOO_MANY, Kind.CHANGED})
_PASSING_CONFLICTS: Final = frozenset({"LOG_ENTRY_PENDING", "IDEMPOTENCY_IN_FLIGHT", "IDEMPOTENCY_CLAIM_LOST", "SEAL_USE_VOIDED"})
_SELF_CHECKS: Final = frozenset({"LICENCE_SELF_CHECK_FAILED", "SEAL_SELF_CHECK_FAILED"})


def is_passing(error: TrustError) -> bool:
    """Whether what stood in the way says "later": something is not there now, or somebody else was at it in that moment."""
    return error.kind in _PASSING or error.code in _PASSING_CONFLICTS


def is_self_check(error: TrustError) -> bool:
    """Whether an own verifier, here or at the sealer, did not accept what was sealed: it may pass, and then it is tried again, but not for ever."""
    return error.code in _SELF_CHECKS


def licence_data_malformed(place: str, rule: str) -> MalformedError:
    """The data of a licence breaks a rule. ``place``: where in the JSON; ``rule`` names the rule, never the value."""
    return MalformedError("LICENCE_DATA_MALFORMED", place=place, rule=rule)


def licence_data_too_large(limit_bytes: int) -> TrustError:
    """The data of a licence is over the limit."""
    return TrustError(Kind.TOO_LARGE, "LICENCE_DATA_TOO_LARGE", limit_bytes=limit_bytes)


def status_list_not_found(list_number: int) -> TrustError:
    """There is no such status list, or none of that time."""
    return TrustError(Kind.NOT_FOUND, "STATUS_LIST_NOT_FOUND", list=list_number)


def status_list_refused(list_number: int) -> TrustError:
    """Our own verifier does not accept what was signed: it is not given out."""
    return TrustError(Kind.UNAVAILABLE, "STATUS_LIST_REFUSED", list=list_number)


def status_order_changed() -> TrustError:
    """The key by which places in status lists are given out is another than before."""
    return TrustError(Kind.UNAVAILABLE, "STATUS_ORDER_CHANGED")


def log_file_not_found() -> TrustError:
    """The log has no such file."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_LOG_FILE_NOT_FOUND")


def type_malformed(place: str, rule: str) -> MalformedError:
    """The file of a licence type breaks a rule. ``place``: where in the JSON; ``rule`` names the rule, never the value."""
    return MalformedError("LICENCE_TYPE_MALFORMED", place=place, rule=rule)


def type_too_large(limit_bytes: int) -> TrustError:
    """The file of a licence type is over the limit."""
    return TrustError(Kind.TOO_LARGE, "LICENCE_TYPE_TOO_LARGE", limit_bytes=limit_bytes)


def field_unacceptable(field: str, rule: str) -> TrustError:
    """A field is there but against a rule. ``rule`` names the rule, never the value."""
    return TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field=field, rule=rule)


def type_not_found(code: str, version: int | None = None) -> TrustError:
    """No such licence type, or no such version of it."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_TYPE_NOT_FOUND", type=code, version=version)


def type_not_published(code: str) -> TrustError:
    """No version of the type is published: nothing is issued by it."""
    return TrustError(Kind.CONFLICT, "LICENCE_TYPE_NOT_PUBLISHED", type=code)


def type_state_conflict(code: str, version: int, verb: str, state: str) -> TrustError:
    """The life of a type has no such step from the present state."""
    return TrustError(Kind.CONFLICT, "LICENCE_TYPE_STATE_CONFLICT", type=code, version=version, verb=verb, state=state)


def type_changed(code: str, version: int, expected: int, found: int) -> TrustError:
    """The version of the type changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "LICENCE_TYPE_CHANGED", type=code, version=version, expected=expected, found=found)


def type_draft_open(code: str, version: int) -> TrustError:
    """A version of the type is being worked on already."""
    return TrustError(Kind.CONFLICT, "LICENCE_TYPE_DRAFT_OPEN", type=code, version=version)


def second_person_needed(act: str) -> TrustError:
    """The act takes two people, and this one has done the other half."""
    return TrustError(Kind.FORBIDDEN, "SECOND_PERSON_NEEDED", act=act)


def issuer_not_found(code: str) -> TrustError:
    """No such issuing authority, or one the caller does not act for: the same answer on purpose."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_ISSUER_NOT_FOUND", issuer=code)


def members_too_many(code: str, limit: int) -> TrustError:
    """As many as may act for one issuing authority."""
    return TrustError(Kind.CONFLICT, "LICENCE_MEMBERS_TOO_MANY", issuer=code, limit=limit)


def issuer_changed(code: str, expected: int, found: int) -> TrustError:
    """What is known of the authority changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "LICENCE_ISSUER_CHANGED", issuer=code, expected=expected, found=found)


def issuer_without_seal(code: str) -> TrustError:
    """The authority has no seal yet: nothing can be issued for it."""
    return TrustError(Kind.CONFLICT, "LICENCE_ISSUER_WITHOUT_SEAL", issuer=code)


def content_unacceptable(place: str, rule: str, further: Sequence[tuple[str, str]] = ()) -> TrustError:
    """What is to stand in the licence is against its type. The first rule that is broken, and how many are; ``further``: place and rule of the others."""
    error = TrustError(Kind.UNACCEPTABLE, "LICENCE_CONTENT_UNACCEPTABLE", place=place, rule=rule, broken=1 + len(further))
    error.violations = ((place, rule), *further)[: limits.RULES_TOLD]
    return error


def printed_number_taken(issuer: str, type_code: str) -> TrustError:
    """Another licence of the authority and type has this printed number."""
    return TrustError(Kind.CONFLICT, "LICENCE_NUMBER_TAKEN", issuer=issuer, type=type_code)


def series_behind(issuer: str, type_code: str, series: str, serial: int) -> TrustError:
    """Up to ``serial`` every number of the series is taken; the series is moved on."""
    return TrustError(
        Kind.TOO_MANY, "LICENCE_SERIES_BEHIND", issuer=issuer, type=type_code, series=series, serial=serial, retry_after_seconds=1
    )


def licence_not_found(licence_id: str) -> TrustError:
    """No such licence, or one of an authority the caller does not act for: the same answer on purpose."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_NOT_FOUND", licence=licence_id)


def licence_changed(licence_id: str, expected: int, found: int) -> TrustError:
    """The licence changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "LICENCE_CHANGED", licence=licence_id, expected=expected, found=found)


def licence_state_conflict(licence_id: str, step: str, state: str) -> TrustError:
    """The life of a licence has no such step from the present state."""
    return TrustError(Kind.CONFLICT, "LICENCE_STATE_CONFLICT", licence=licence_id, step=step, state=state)


def licence_succeeded(licence_id: str) -> TrustError:
    """The next version of the licence is being issued, or is there."""
    return TrustError(Kind.CONFLICT, "LICENCE_SUCCEEDED", licence=licence_id)


def transfer_unfit(identifier: str) -> TrustError:
    """The licence was not transferred out to be taken in here, or was taken in before: the same answer on purpose."""
    return TrustError(Kind.CONFLICT, "LICENCE_TRANSFER_UNFIT", identifier=identifier)


def versions_exhausted(licence_id: str) -> TrustError:
    """A number has three digits for its versions, and all are used."""
    return TrustError(Kind.CONFLICT, "LICENCE_VERSIONS_EXHAUSTED", licence=licence_id)


def licence_erased(licence_id: str) -> TrustError:
    """What the licence said was erased for good."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_ERASED", licence=licence_id)


def import_file_not_found(import_id: str) -> TrustError:
    """No file was attached to the imported licence."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_IMPORT_FILE_NOT_FOUND", imported=import_id)


def licence_file_not_found(licence_id: str, form: str) -> TrustError:
    """The licence has no such file, or it is not released."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_FILE_NOT_FOUND", licence=licence_id, form=form)


def issuing_refused(licence_id: str, reason: str) -> TrustError:
    """Our own verifier does not call the sealed licence valid, or it does not hold what it must: nothing is released."""
    return TrustError(Kind.UNAVAILABLE, "LICENCE_SELF_CHECK_FAILED", licence=licence_id, reason=reason)


def issuing_abandoned(licence_id: str, reason: str) -> TrustError:
    """The issuing was given up, and nothing was released. ``reason``: the code of what stood in the way."""
    return TrustError(Kind.CONFLICT, "LICENCE_ISSUING_ABANDONED", licence=licence_id, reason=reason)


def key_not_rotated_here(name: str, expected: str) -> TrustError:
    """No key of the licence log or of its status lists."""
    return TrustError(Kind.UNACCEPTABLE, "LICENCE_KEY_NOT_ROTATED_HERE", key_id=name, expected=expected)


def keys_too_many(name: str, limit: int) -> TrustError:
    """As many keys of one name as trust lists have room for."""
    return TrustError(Kind.CONFLICT, "LICENCE_KEYS_TOO_MANY", key_id=name, limit=limit)


def log_pending() -> TrustError:
    """The log has not taken in the event before this one yet."""
    return TrustError(Kind.UNAVAILABLE, "LICENCE_LOG_PENDING", retry_after_seconds=1)


def sealer_missing() -> TrustError:
    """Nothing that seals is connected to the vault."""
    return TrustError(Kind.UNAVAILABLE, "LICENCE_SEALER_MISSING")


def row_file_unacceptable(rule: str, row: int, cell: str | None = None) -> TrustError:
    """The file of a batch cannot be read. ``row``: where, from 1; 0 for the file as a whole. ``cell``: of a sheet, as office programs call it (``B3``)."""
    place = {} if cell is None else {"cell": cell}
    return TrustError(Kind.UNACCEPTABLE, "LICENCE_ROW_FILE_UNACCEPTABLE", rule=rule, row=row, **place)


def row_taken(batch_id: str, row: int) -> TrustError:
    """The row has a licence already, or has ended."""
    return TrustError(Kind.CONFLICT, "LICENCE_ROW_TAKEN", batch=batch_id, row=row)


def batch_not_found(batch_id: str) -> TrustError:
    """No such batch, or one of an authority the caller does not act for."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_BATCH_NOT_FOUND", batch=batch_id)


def batch_state_conflict(batch_id: str, state: str) -> TrustError:
    """The batch takes no such step in its present state."""
    return TrustError(Kind.CONFLICT, "LICENCE_BATCH_STATE_CONFLICT", batch=batch_id, state=state)


def batch_caller_gone(batch_id: str) -> TrustError:
    """Whoever opened the batch may act no more: the rows that are left get no licence."""
    return TrustError(Kind.FORBIDDEN, "LICENCE_BATCH_CALLER_DISABLED", batch=batch_id)


def batches_too_many(limit: int) -> TrustError:
    """As many batches of one authority as may wait or run."""
    return TrustError(Kind.CONFLICT, "LICENCE_BATCHES_TOO_MANY", limit=limit)


def import_archive_unacceptable(rule: str, path: str = "") -> TrustError:
    """An archive with files of imported licences cannot be used. ``path``: the entry it is about; empty for the archive as a whole."""
    return TrustError(Kind.UNACCEPTABLE, "LICENCE_IMPORT_ARCHIVE_UNACCEPTABLE", rule=rule, place=path)


def import_file_unacceptable(rule: str) -> TrustError:
    """One file of such an archive is not attached to a licence; the others are not held up."""
    return TrustError(Kind.UNACCEPTABLE, "LICENCE_IMPORT_FILE_UNACCEPTABLE", rule=rule)


def import_not_found(import_id: str) -> TrustError:
    """No such imported licence, or one of an authority the caller does not act for."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_IMPORT_NOT_FOUND", imported=import_id)


def sharing_not_found(client_id: str, type_code: str) -> TrustError:
    """The client has no permission for the type."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_SHARING_NOT_FOUND", client=client_id, type=type_code)


def sharing_changed(client_id: str, type_code: str, expected: int, found: int) -> TrustError:
    """The permission changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "LICENCE_SHARING_CHANGED", client=client_id, type=type_code, expected=expected, found=found)


def sharing_denied(type_code: str, needs: str = "") -> TrustError:
    """The client may not do this with licences of the type; whether there are any is not said. ``needs``: what the request lacks for it."""
    return TrustError(Kind.FORBIDDEN, "LICENCE_SHARING_DENIED", type=type_code, **({"needs": needs} if needs else {}))


def sharing_altered(client_id: str, type_code: str) -> TrustError:
    """The permission was written to the database past the program: it permits nothing, and somebody should know."""
    return TrustError(Kind.UNAVAILABLE, "ROW_ALTERED", table="licence_sharing", row=f"{client_id} {type_code}")


def use_code_unknown() -> TrustError:
    """No such use code, or one that was given for another client: the same answer on purpose."""
    return TrustError(Kind.NOT_FOUND, "USE_CODE_UNKNOWN")


def use_code_used() -> TrustError:
    """The code was used; it counts once."""
    return TrustError(Kind.CONFLICT, "USE_CODE_USED")


def use_code_expired() -> TrustError:
    """The time of the code is over."""
    return TrustError(Kind.CONFLICT, "USE_CODE_EXPIRED")


def use_code_purpose_differs() -> TrustError:
    """The code was given for another purpose."""
    return TrustError(Kind.FORBIDDEN, "USE_CODE_PURPOSE_DIFFERS")


def use_code_withdrawn() -> TrustError:
    """Whoever granted the code may not any more."""
    return TrustError(Kind.FORBIDDEN, "USE_CODE_WITHDRAWN")


def licence_not_in_force(state: str, share: int) -> TrustError:
    """The licence is not in force. ``state``: of the licence, or ``not_yet``; ``share``: return code of the share interface."""
    return TrustError(Kind.CONFLICT, "LICENCE_NOT_IN_FORCE", state=state, share=share)


def holder_unknown(level: int) -> TrustError:
    """Nobody stands behind the call who proved a number, at this level at least, or acts for an organisation with the power over licences."""
    return TrustError(Kind.FORBIDDEN, "LICENCE_HOLDER_UNKNOWN", level=level)


def no_licence_of_holder(type_code: str) -> TrustError:
    """The holder has no licence of the type that is in force."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_OF_HOLDER_NOT_FOUND", type=type_code)


def entrustment_not_found(entrustment_id: str) -> TrustError:
    """No such entrustment, or one of somebody else."""
    return TrustError(Kind.NOT_FOUND, "LICENCE_ENTRUSTMENT_NOT_FOUND", entrustment=entrustment_id)


def entrustment_stands(entrustment_id: str, until: datetime) -> TrustError:
    """The same agent is entrusted with the same already, for as long or longer (``until``: aware UTC)."""
    return TrustError(Kind.CONFLICT, "LICENCE_ENTRUSTMENT_STANDS", entrustment=entrustment_id, until=until.isoformat())


def entrustments_too_many(limit: int) -> TrustError:
    """As many entrustments of one holder as may stand."""
    return TrustError(Kind.CONFLICT, "LICENCE_ENTRUSTMENTS_TOO_MANY", limit=limit)


def right_of_one_self() -> TrustError:
    """Somebody gives a right over licences to himself, or to the system he comes by."""
    return TrustError(Kind.FORBIDDEN, "LICENCE_RIGHT_OF_ONE_SELF")


def share_member_missing(member: str) -> TrustError:
    """A member of a request at the share interface that must be there is missing or empty."""
    return TrustError(Kind.MALFORMED, "SHARE_MEMBER_MISSING", member=member)


def share_malformed(member: str, rule: str) -> TrustError:
    """A request at the share interface breaks a rule. ``rule`` names the rule, never the value."""
    return TrustError(Kind.MALFORMED, "SHARE_REQUEST_MALFORMED", member=member, rule=rule)


def share_caller_differs() -> TrustError:
    """The token is not of the client that the head names."""
    return TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="accessId")


def share_holder_type_unknown() -> TrustError:
    """No code type of GB/T 36903 Annex A."""
    return TrustError(Kind.MALFORMED, "SHARE_HOLDER_TYPE_UNKNOWN")


def licence_unmatched() -> TrustError:
    """Nothing answers to what was asked."""
    return TrustError(Kind.NOT_FOUND, "SHARE_NO_MATCH")
