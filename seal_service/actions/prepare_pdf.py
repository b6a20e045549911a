"""The first half of sealing a PDF: where the seal stands, and a revision that lacks only its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.cms import TIMESTAMP_RESERVED_BYTES, estimate_size, prepare_signed_data
from seal_service.actions.pdf_places import place_on_pdf
from seal_service.actions.seal_order import Draft
from seal_service.errors import placement_unclear
from seal_service.pdf.permissions import FieldLock
from seal_service.pdf.seal import prepare_seal
from seal_service.pdf.signature_field import has_signature_field
from standards.gbt33560_oids import SM3

if TYPE_CHECKING:
    from seal_service.actions.seal_order import SealMeans, SealOrder

FIELD_PREFIX: Final = "Seal-"  # followed by the id of the use: whoever holds the document can name its record


def prepare_pdf(means: SealMeans, order: SealOrder) -> Draft:
    """The draft of a PAdES signature.

    Raises TrustError PDF_*, PLACEMENT_*, PAGE_NOT_FOUND, PAGES_UNCLEAR, SEAM_*, KEYWORD_NOT_FOUND.
    """
    if order.profile is not None:
        raise placement_unclear("a PDF takes no profile")
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
        reserved_bytes=estimate_size(
            signer_certificate=means.certificate,
            chain=means.chain,
            algorithm=means.signer.algorithm,
            timestamp_bytes=TIMESTAMP_RESERVED_BYTES if means.is_timestamped else 0,
        ),
        signed_at=means.at,
        name=means.seal.name,
        reason=order.reason,
        location=order.location,
        digest_oid=SM3,
        certify=order.certify,
        lock=_lock(order),
        opacity=order.opacity,
    )
    # The time stands in the document; PAdES wants no signing-time beside it.
    cms = prepare_signed_data(
        content_digest=prepared.digest,
        digest_oid=SM3,
        signer_certificate=means.certificate,
        chain=means.chain,
        algorithm=means.signer.algorithm,
    )

    def finish(signature: bytes, token: bytes | None) -> bytes:
        return prepared.finish(cms.finish(signature, algorithm=means.signer.algorithm, timestamp_token=token))

    return Draft(field_name, prepared.digest, cms.to_be_signed, finish, warnings)


def _lock(order: SealOrder) -> FieldLock | None:
    wishes = [order.is_locking, bool(order.lock_fields), bool(order.lock_except)]
    if sum(wishes) > 1:
        raise placement_unclear("lock all fields, some, or all but some")
    if order.lock_fields:
        return FieldLock("Include", frozenset(order.lock_fields))
    if order.lock_except:
        return FieldLock("Exclude", frozenset(order.lock_except))
    return FieldLock("All", frozenset()) if order.is_locking else None
