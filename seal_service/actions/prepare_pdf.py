"""The first half of sealing a PDF: where the seal stands, and a revision that lacks only its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.cms import TIMESTAMP_RESERVED_BYTES, estimate_size, prepare_signed_data
from seal_service.actions.seal_order import Draft
from seal_service.errors import placement_unclear
from seal_service.pdf.placement import Placement, find_keyword
from seal_service.pdf.seal import prepare_seal
from seal_service.places import LAST_PAGE
from standards.gbt33560_oids import SM3

if TYPE_CHECKING:
    from seal_service.actions.seal_order import SealMeans, SealOrder
    from seal_service.pictures.outline import SealPicture

FIELD_PREFIX: Final = "Seal-"  # followed by the id of the use: whoever holds the document can name its record


def prepare_pdf(means: SealMeans, order: SealOrder) -> Draft:
    """The draft of a PAdES signature.

    Raises TrustError PDF_*, PLACEMENT_*, PAGE_NOT_FOUND, KEYWORD_NOT_FOUND.
    """
    if order.pages is not None or order.places or order.seam is not None or order.is_locking or order.profile is not None:
        raise placement_unclear("a PDF takes one place, without pages, places, seam, lock and profile")
    placement = _place(order, means.picture)
    field_name = FIELD_PREFIX + means.use_id[3:]
    prepared = prepare_seal(
        order.document,
        placement=placement,
        picture=means.picture if placement is not None else None,
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

    return Draft(field_name, prepared.digest, cms.to_be_signed, finish)


def _place(order: SealOrder, picture: SealPicture) -> Placement | None:
    width_mm = picture.width_mm if order.width_mm is None else order.width_mm
    height_mm = width_mm * picture.height_mm / picture.width_mm
    if order.keyword is not None:
        if order.x_mm is not None or order.y_mm is not None:
            raise placement_unclear("keyword or x_mm and y_mm, not both")
        return find_keyword(order.document, order.keyword, page=order.page, width_mm=width_mm, height_mm=height_mm)
    if order.x_mm is None and order.y_mm is None and order.page is None and order.width_mm is None:
        return None
    if order.x_mm is None or order.y_mm is None:
        raise placement_unclear("x_mm and y_mm, or keyword")
    return Placement(LAST_PAGE if order.page is None else order.page, order.x_mm, order.y_mm, width_mm, height_mm)
