"""The first half of sealing a PDF: where the seal stands, and a revision that lacks only its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.actions.pdf_places import place_on_pdf
from seal_service.actions.seal_order import Draft
from seal_service.errors import field_unacceptable, placement_unclear
from seal_service.pdf.permissions import FieldLock
from seal_service.pdf.seal import prepare_seal
from seal_service.pdf.sealing_value import (
    PADES_FILTER,
    PADES_SUBFILTER,
    Profile,
    ValueOrder,
    default_profile,
    describe_range,
    estimate_value_size,
    first_round,
)
from seal_service.pdf.signature_field import has_signature_field
from standards.gbt33560_oids import SM3

if TYPE_CHECKING:
    from seal_service.actions.seal_order import SealMeans, SealOrder
    from seal_service.pdf.seal import PreparedSeal
    from seal_service.pdf.sealing_value import SealingRound

MAY_BE_HIDDEN: Final = "SEAL_MAY_BE_HIDDEN"  # the document's form has readers draw its fields themselves; some then show no seal
FIELD_PREFIX: Final = "Seal-"  # followed by the id of the use: whoever holds the document can name its record


def prepare_pdf(means: SealMeans, order: SealOrder, *, ses_names: tuple[str, str]) -> Draft:
    """The draft of a signature in one of the profiles of :mod:`~seal_service.pdf.sealing_value`.

    ``ses_names``: /Filter and /SubFilter for a sealing value alone. Raises TrustError PDF_*, PLACEMENT_*, PAGE_NOT_FOUND, PAGES_UNCLEAR,
    SEAM_*, KEYWORD_NOT_FOUND, SEAL_WITHOUT_SEAL_DATA, SEAL_NOT_VALID_AT_SIGNING.
    """
    seal_data_der = means.seal.seal_data_der
    profile = read_profile(order.profile) or default_profile(seal_data_der)
    filter_name, subfilter = ses_names if profile is Profile.SES else (PADES_FILTER, PADES_SUBFILTER)
    places, warnings = place_on_pdf(order, means.picture)
    if order.field is not None and places and has_signature_field(order.document, order.field):
        raise placement_unclear("a prepared field has its own place")
    field_name = FIELD_PREFIX + means.use_id[3:] if order.field is None else order.field
    is_seen = bool(places) or order.field is not None
    prepared = prepare_seal(
        order.document,
        placement=places,
        picture=means.picture if is_seen else None,
        field_name=field_name,
        reserved_bytes=estimate_value_size(
            profile,
            certificate=means.certificate,
            chain=means.chain,
            algorithm=means.signer.algorithm,
            seal_data_der=seal_data_der,
            timestamp_bytes=means.time_stamp_bytes if means.is_timestamped else 0,
        ),
        signed_at=means.at,
        name=means.seal.name,
        reason=order.reason,
        location=order.location,
        filter_name=filter_name,
        subfilter=subfilter,
        digest_oid=SM3,
        certify=order.certify,
        lock=_lock(order),
        opacity=order.opacity,
    )
    if prepared.is_picture_unsure:
        warnings = (*warnings, MAY_BE_HIDDEN)
    value_order = ValueOrder(
        profile=profile,
        content_digest=prepared.digest,
        property_info=describe_range(prepared.byte_range),
        certificate=means.certificate,
        chain=means.chain,
        algorithm=means.signer.algorithm,
        signed_at=means.at,
        seal_data_der=seal_data_der,
    )
    return draft_of(field_name, prepared, first_round(value_order), warnings)


def draft_of(name: str, prepared: PreparedSeal, wanted: SealingRound, warnings: tuple[str, ...]) -> Draft:
    """The draft of a prepared revision and the signature that is wanted next."""

    def finish(signature: bytes, token: bytes | None) -> bytes:
        return prepared.finish(wanted.finish(signature, token))

    def follow(signature: bytes) -> Draft:
        return draft_of(name, prepared, wanted.follow(signature), warnings)

    return Draft(name, prepared.digest, wanted.to_be_signed, finish, warnings, None if wanted.is_last else follow, prepared.sm3_of)


def read_profile(text: str | None) -> Profile | None:
    """The profile of that name. Raises TrustError FIELD_UNACCEPTABLE."""
    if text is None:
        return None
    try:
        return Profile(text)
    except ValueError:
        raise field_unacceptable("profile", " | ".join(profile.value for profile in Profile)) from None


def _lock(order: SealOrder) -> FieldLock | None:
    wishes = [order.is_locking, bool(order.lock_fields), bool(order.lock_except)]
    if sum(wishes) > 1:
        raise placement_unclear("lock all fields, some, or all but some")
    if order.lock_fields:
        return FieldLock("Include", frozenset(order.lock_fields))
    if order.lock_except:
        return FieldLock("Exclude", frozenset(order.lock_except))
    return FieldLock("All", frozenset()) if order.is_locking else None
