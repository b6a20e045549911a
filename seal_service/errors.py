"""The refusals of the seal service. One function per refusal, so that code, kind and facts are stated once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from service_kit.roles import Role

NOT_ACTIVE: Final = "SEAL_NOT_ACTIVE"


def seal_not_found(seal_id: str) -> TrustError:
    """No such seal, or one the caller has no right to know of: the same answer on purpose."""
    return TrustError(Kind.NOT_FOUND, "SEAL_NOT_FOUND", seal_id=seal_id)


def seal_use_not_found(use_id: str) -> TrustError:
    """No such use, or one the caller has no right to know of."""
    return TrustError(Kind.NOT_FOUND, "SEAL_USE_NOT_FOUND", seal_use=use_id)


def seal_not_usable(seal_id: str, state: str) -> TrustError:
    """The seal is not active."""
    return TrustError(Kind.CONFLICT, NOT_ACTIVE, seal_id=seal_id, state=state)


def seal_state_conflict(seal_id: str, verb: str, state: str) -> TrustError:
    """The state machine has no such step from the present state."""
    return TrustError(Kind.CONFLICT, "SEAL_STATE_CONFLICT", seal_id=seal_id, verb=verb, state=state)


def seal_version_conflict(seal_id: str, expected: str, found: int) -> TrustError:
    """The seal changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "SEAL_CHANGED", seal_id=seal_id, expected=expected, found=found)


def seal_codes_exhausted(division: str) -> TrustError:
    """All eight-digit serials of a division are used."""
    return TrustError(Kind.CONFLICT, "SEAL_CODES_EXHAUSTED", division=division)


def document_missing() -> TrustError:
    """A multipart request without its document."""
    return TrustError(Kind.UNACCEPTABLE, "DOCUMENT_MISSING", field="document")


def field_unacceptable(field: str, rule: str) -> TrustError:
    """A field is there but against a rule. ``rule`` names the rule, never the value."""
    return TrustError(Kind.UNACCEPTABLE, "FIELD_UNACCEPTABLE", field=field, rule=rule)


def text_unacceptable(field: str) -> TrustError:
    """A text that a reader would not see as it is written."""
    return field_unacceptable(field, "one line, without control and direction characters")


def digest_unacceptable() -> TrustError:
    """The digest is not 32 bytes in base64 or hex."""
    return TrustError(Kind.UNACCEPTABLE, "DIGEST_UNACCEPTABLE", expected_bytes=32, encodings="base64, hex")


def own_check_failed(use_id: str, codes: str) -> TrustError:
    """Our own verifier did not call the sealed result valid: nothing is released."""
    return TrustError(Kind.UNAVAILABLE, "SEAL_SELF_CHECK_FAILED", seal_use=use_id, steps=codes)


def use_was_voided(use_id: str) -> TrustError:
    """The intent was voided (by the sweeper, or because the seal's state changed) before its result could be released."""
    return TrustError(Kind.CONFLICT, "SEAL_USE_VOIDED", seal_use=use_id)


def use_has_no_result(use_id: str, state: str) -> TrustError:
    """There is no result to download."""
    return TrustError(Kind.CONFLICT, "SEAL_USE_WITHOUT_RESULT", seal_use=use_id, state=state)


def grants_exhausted(seal_id: str, limit: int) -> TrustError:
    """As many clients as one seal may have."""
    return TrustError(Kind.CONFLICT, "SEAL_GRANTS_EXHAUSTED", seal_id=seal_id, limit=limit)


def seal_making_cut_off(seal_id: str) -> TrustError:
    """The making of the seal was abandoned before it ended."""
    return TrustError(Kind.CONFLICT, "SEAL_MAKING_CUT_OFF", seal_id=seal_id)


def time_stamp_not_configured() -> TrustError:
    """A time-stamp was asked for and the deployment has no authority."""
    return TrustError(Kind.UNACCEPTABLE, "TIME_STAMP_NOT_CONFIGURED")


def placement_unclear(rule: str) -> TrustError:
    """The placement says too little or contradicts itself."""
    return TrustError(Kind.UNACCEPTABLE, "PLACEMENT_UNCLEAR", rule=rule)


def document_tampered() -> TrustError:
    """The document was changed after it was signed by somebody before."""
    return TrustError(Kind.UNACCEPTABLE, "DOCUMENT_TAMPERED")


def document_files_reserved(name: str, document_type: str) -> TrustError:
    """The document carries a file by which verifiers know the documents of another service."""
    return TrustError(Kind.FORBIDDEN, "DOCUMENT_FILES_RESERVED", file=name, document_type=document_type)


def pages_unclear(rule: str) -> TrustError:
    """A rule of pages that says nothing, or nothing that fits the document."""
    return TrustError(Kind.UNACCEPTABLE, "PAGES_UNCLEAR", rule=rule)


def page_not_found(page: int, pages: int) -> TrustError:
    """The document has no such page."""
    return TrustError(Kind.UNACCEPTABLE, "PAGE_NOT_FOUND", page=page, pages=pages)


def ofd_entries_unsealed() -> TrustError:
    """A list of files beside no seal would prove nothing of what is in them."""
    return TrustError(Kind.CONFLICT, "OFD_ENTRIES_UNSEALED")


def seam_too_short(pages: int) -> TrustError:
    """A riding seam over fewer than two pages."""
    return TrustError(Kind.UNACCEPTABLE, "SEAM_TOO_SHORT", pages=pages)


def second_person_needed(act: str) -> TrustError:
    """The act takes two people, and this one has done the other half."""
    return TrustError(Kind.FORBIDDEN, "SECOND_PERSON_NEEDED", act=act)


def review_required() -> TrustError:
    """Seals are made for approved applications only."""
    return TrustError(Kind.FORBIDDEN, "SEAL_REVIEW_REQUIRED", setting="seals.two_person_review")


def power_held(seal_id: str, holder: str, held: str, wanted: str) -> TrustError:
    """Nobody holds two powers over one seal."""
    return TrustError(Kind.CONFLICT, "SEAL_POWER_HELD", seal_id=seal_id, holder=holder, held=held, wanted=wanted)


def role_forbids(holder: str, role: Role) -> TrustError:
    """Who administers has no power over a seal. ``holder``: the name that the power is kept by; who acts for it is not everybody's to know."""
    return TrustError(Kind.CONFLICT, "ROLE_FORBIDS", holder=holder, role=role.value)


def last_manager(seal_id: str) -> TrustError:
    """A seal without anybody who manages it could not even be frozen by its owner."""
    return TrustError(Kind.CONFLICT, "SEAL_LAST_MANAGER", seal_id=seal_id)


def grant_not_found(grant_id: str) -> TrustError:
    """No such grant, or one the caller has no right to know of."""
    return TrustError(Kind.NOT_FOUND, "SEAL_GRANT_NOT_FOUND", grant=grant_id)


def grant_refuses(code: str, seal_id: str, **facts: str | int) -> TrustError:
    """The caller may use the seal, but not now, not for this or not any more. ``code`` names the limit."""
    return TrustError(Kind.FORBIDDEN, code, seal_id=seal_id, **facts)


def paper_unknown(paper_id: str) -> TrustError:
    """No such paper, or not handed in by the caller."""
    return TrustError(Kind.UNACCEPTABLE, "PAPER_UNKNOWN", paper=paper_id)


def paper_not_found(paper_id: str) -> TrustError:
    """No such paper, or one the caller has no right to read."""
    return TrustError(Kind.NOT_FOUND, "PAPER_NOT_FOUND", paper=paper_id)


def application_not_found(application_id: str) -> TrustError:
    """No such application, or one the caller has no right to know of."""
    return TrustError(Kind.NOT_FOUND, "APPLICATION_NOT_FOUND", application=application_id)


def application_state_conflict(application_id: str, verb: str, state: str) -> TrustError:
    """The life of an application has no such step from the present state."""
    return TrustError(Kind.CONFLICT, "APPLICATION_STATE_CONFLICT", application=application_id, verb=verb, state=state)


def application_changed(application_id: str, expected: int, found: int) -> TrustError:
    """The application changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "APPLICATION_CHANGED", application=application_id, expected=expected, found=found)


def application_open(seal_id: str) -> TrustError:
    """Something is being applied for about this seal already."""
    return TrustError(Kind.CONFLICT, "APPLICATION_OPEN", seal_id=seal_id)


def making_under_way(seal_id: str) -> TrustError:
    """Another maker is at it."""
    return TrustError(Kind.CONFLICT, "SEAL_MAKING_UNDER_WAY", seal_id=seal_id)


def certificate_refused(reason: str) -> TrustError:
    """The certificate handed in does not fit the seal that waits for it. ``reason`` names the check."""
    return TrustError(Kind.UNACCEPTABLE, "SEAL_CERTIFICATE_REFUSED", reason=reason)


def code_taken(seal_code: str) -> TrustError:
    """There is a seal of this code."""
    return TrustError(Kind.CONFLICT, "SEAL_CODE_TAKEN", seal_code=seal_code)


def import_unacceptable(reason: str) -> TrustError:
    """A seal from elsewhere that can be read but not kept. ``reason`` names what stands against it."""
    return TrustError(Kind.UNACCEPTABLE, "SEAL_IMPORT_UNACCEPTABLE", reason=reason)


def import_refused(codes: str) -> TrustError:
    """A seal from elsewhere that does not verify. ``codes``: the steps that failed."""
    return TrustError(Kind.UNACCEPTABLE, "SEAL_IMPORT_REFUSED", steps=codes)


def import_key_refused(reason: str) -> TrustError:
    """The key that is to come with a seal from elsewhere is not its key, cannot be read, or would be of no use."""
    return TrustError(Kind.UNACCEPTABLE, "SEAL_IMPORT_KEY_REFUSED", reason=reason)


def import_open(seal_code: str) -> TrustError:
    """Somebody has handed in this seal already."""
    return TrustError(Kind.CONFLICT, "SEAL_IMPORT_OPEN", seal_code=seal_code)


def import_cut_off(application_id: str) -> TrustError:
    """What was handed in was given up before it became an application."""
    return TrustError(Kind.CONFLICT, "SEAL_IMPORT_CUT_OFF", application=application_id)


def picture_not_here(seal_id: str) -> TrustError:
    """A seal from elsewhere whose picture cannot be drawn."""
    return TrustError(Kind.CONFLICT, "SEAL_PICTURE_NOT_HERE", seal_id=seal_id)


def grant_changed(grant_id: str, expected: int, found: int) -> TrustError:
    """The grant changed since the caller looked (If-Match)."""
    return TrustError(Kind.CHANGED, "SEAL_CHANGED", grant=grant_id, expected=expected, found=found)


def document_not_extendable(found: str) -> TrustError:
    """Only a sealed PDF that is valid now is carried on. ``found``: what it is, or what it should be."""
    return TrustError(Kind.UNACCEPTABLE, "DOCUMENT_NOT_EXTENDABLE", found=found)


def receipt_unusable(seal_id: str, limit: int) -> TrustError:
    """The region's receipt cannot be kept as it is."""
    return TrustError(Kind.UNAVAILABLE, "SEAL_RECEIPT_UNUSABLE", seal_id=seal_id, limit_characters=limit)


def key_elsewhere(seal_id: str) -> TrustError:
    """The key of this seal is not here: it lives in its owner's device, who signs in two phases."""
    return TrustError(Kind.CONFLICT, "SEAL_KEY_ELSEWHERE", seal_id=seal_id)


def key_is_here(seal_id: str) -> TrustError:
    """The key of this seal is here: nobody outside can sign with it."""
    return TrustError(Kind.CONFLICT, "SEAL_KEY_HERE", seal_id=seal_id)


def remote_signature_bad(reason: str) -> TrustError:
    """The signature value that came from the owner's device is not one, or not over what was asked for."""
    return TrustError(Kind.UNACCEPTABLE, "REMOTE_SIGNATURE_BAD", reason=reason)


def remote_order_conflict(use_id: str, expected_round: int, found_round: int) -> TrustError:
    """The signature belongs to another round than the one that is open."""
    return TrustError(Kind.CONFLICT, "REMOTE_ROUND_CONFLICT", seal_use=use_id, expected_round=expected_round, found_round=found_round)


def remote_order_over(use_id: str) -> TrustError:
    """The time for the owner's signature is over, or the seal was made anew since."""
    return TrustError(Kind.CONFLICT, "REMOTE_ORDER_OVER", seal_use=use_id)


def request_for_key_refused(reason: str) -> TrustError:
    """The certificate request that comes with an outside key cannot be used."""
    return TrustError(Kind.UNACCEPTABLE, "SEAL_KEY_REQUEST_REFUSED", reason=reason)


def batch_not_found(batch_id: str) -> TrustError:
    """No such batch, or somebody else's."""
    return TrustError(Kind.NOT_FOUND, "BATCH_NOT_FOUND", batch=batch_id)


def batch_state_conflict(batch_id: str, state: str) -> TrustError:
    """The batch takes no such step in its present state."""
    return TrustError(Kind.CONFLICT, "BATCH_STATE_CONFLICT", batch=batch_id, state=state)


def batch_full(most: int) -> TrustError:
    """No more documents in one batch."""
    return TrustError(Kind.CONFLICT, "BATCH_FULL", documents_max=most)


def batch_too_large(most_bytes: int) -> TrustError:
    """The documents of one batch would be more than it may hold."""
    return TrustError(Kind.TOO_LARGE, "BATCH_TOO_LARGE", limit_bytes=most_bytes)


def batch_caller_gone(batch_id: str) -> TrustError:
    """Who started the batch may act no more."""
    return TrustError(Kind.FORBIDDEN, "BATCH_CALLER_DISABLED", batch=batch_id)


def papers_too_many(most: int) -> TrustError:
    """Somebody has handed in as many papers within a day as one may."""
    return TrustError(Kind.TOO_MANY, "PAPERS_TOO_MANY", papers_per_day_max=most, retry_after_seconds=3600)


def batches_too_many(most: int) -> TrustError:
    """Somebody has as many open and running batches as one may have."""
    return TrustError(Kind.CONFLICT, "BATCHES_TOO_MANY", batches_max=most)


def batch_document_unacceptable(name: str, expected: str) -> TrustError:
    """A document cannot stand in a batch."""
    return TrustError(Kind.UNACCEPTABLE, "BATCH_DOCUMENT_UNACCEPTABLE", name=name, expected=expected)


def batch_archive_unacceptable(reason: str, path: str = "") -> TrustError:
    """The archive with the documents of a batch cannot be read, or not by everybody alike."""
    return TrustError(Kind.UNACCEPTABLE, "BATCH_ARCHIVE_UNACCEPTABLE", reason=reason, path=path)
