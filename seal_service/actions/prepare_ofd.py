"""The first half of sealing an OFD document: where the seal is shown, and a package that lacks only the signature value."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final

from seal_service.actions.seal_order import Draft
from seal_service.errors import field_unacceptable, ofd_entries_unsealed, placement_unclear, seal_not_usable, time_stamp_not_configured
from seal_service.ofd.keyword import places_on_keyword
from seal_service.ofd.list_entries import VALUE_NAME, has_signatures, prepare_entries
from seal_service.ofd.seal import PreparedOfdSeal, prepare_seal, prepare_signed
from seal_service.ofd.sealing_rules import check_sealable
from seal_service.places import LAST_PAGE, PLACES_MAX, Place, read_pages
from seal_service.seal_data.make import prepare_seal_signature
from standards.gbt38540_seal.values import SealExtension
from standards.x690_der import utf8_string

if TYPE_CHECKING:
    from seal_service.actions.seal_order import SealMeans, SealOrder
    from seal_service.ofd.package import OfdPackage
    from seal_service.ofd.sealing_rules import SealableOfd

PDF_ONLY: Final = frozenset({"field", "opacity", "certify", "lock_fields", "lock_except", "level"})
SEAL_PROFILE: Final = "seal"  # Type="Seal": GB/T 38540, the default
SIGN_PROFILE: Final = "sign"  # Type="Sign": GB/T 35275, no seal and no picture
INTEGRITY_PROFILE: Final = "integrity"  # the signed list of all files (GM/T 0099-2020 7.4), beside the seals that are there
_SHOWN: Final = frozenset({"page", "x_mm", "y_mm", "width_mm", "keyword", "pages", "places", "seam", "is_locking"})
REASON_OID: Final = "2.25.58494569872681223787226023895464549393"  # extension of TBS_Sign, or signed attribute: why it was sealed
LOCATION_OID: Final = "2.25.116631403230911273068765661940838470675"  # and where


def prepare_ofd(means: SealMeans, order: SealOrder, *, package: OfdPackage | None = None) -> Draft:
    """The draft of an OFD signature. ``package``: the document, where it is open already and nobody has signed it yet.

    Raises TrustError OFD_*, PLACEMENT_*, KEYWORD_*, PAGES_UNCLEAR, PAGE_NOT_FOUND, SEAM_TOO_SHORT, SEAL_*, FIELD_UNACCEPTABLE.
    """
    for member in fields(order):
        if member.name in PDF_ONLY and getattr(order, member.name) != member.default:
            raise placement_unclear(f"{member.name} is for PDF only")
    if order.profile == INTEGRITY_PROFILE:
        return _integrity_draft(means, order)
    if order.profile not in {None, SEAL_PROFILE, SIGN_PROFILE}:
        raise field_unacceptable("placement.profile", f"{SEAL_PROFILE}, {SIGN_PROFILE} or {INTEGRITY_PROFILE}")
    is_seal = order.profile != SIGN_PROFILE
    seal_der = means.seal.seal_data_der if is_seal else None
    if is_seal and seal_der is None:
        raise seal_not_usable(means.seal.id, means.seal.state)
    document = check_sealable(order.document, package=package)
    prepared = prepare_seal(
        document,
        seal_der=seal_der,
        picture_mm=(means.picture.width_mm, means.picture.height_mm),
        places=_places(order, document, (means.picture.width_mm, means.picture.height_mm)),
        seam=order.seam if order.seam is None or order.seam.width_mm is not None else replace(order.seam, width_mm=order.width_mm),
        signed_at=means.at,
        is_locking=order.is_locking,
    )
    if seal_der is None:
        return _signed_draft(prepared, means, order)
    ses = prepare_seal_signature(
        seal_der,
        data_hash=prepared.digest,
        property_info=prepared.property_info,
        signer_certificate=means.certificate,
        signed_at=means.at,
        extensions=tuple(SealExtension(oid, False, value) for oid, value in _statements(order)),
    )

    def finish(signature: bytes, token: bytes | None) -> bytes:
        return prepared.finish(ses.finish(signature, time_stamp_der=token))

    return Draft(prepared.name, prepared.digest, ses.to_be_signed, finish)


def _integrity_draft(means: SealMeans, order: SealOrder) -> Draft:
    """The list of all files, signed and time-stamped. It has no digests, so it goes behind the seals that protect the content."""
    for member in fields(order):
        if member.name in _SHOWN and getattr(order, member.name) != member.default:
            raise placement_unclear(f"{member.name} is not for a list of files")
    if not means.is_timestamped:
        raise time_stamp_not_configured()
    if not has_signatures(order.document):
        raise ofd_entries_unsealed()
    return _signed_draft(prepare_entries(order.document, signed_at=means.at), means, order, name=VALUE_NAME)


def _signed_draft(prepared: PreparedOfdSeal, means: SealMeans, order: SealOrder, *, name: str = "") -> Draft:
    cms = prepare_signed(
        prepared, certificate=means.certificate, chain=means.chain, signed_at=means.at, extra_signed_attributes=_statements(order)
    )

    def finish(signature: bytes, token: bytes | None) -> bytes:
        return prepared.finish(cms.finish(signature, algorithm=means.signer.algorithm, timestamp_token=token))

    return Draft(name or prepared.name, prepared.digest, cms.to_be_signed, finish)


def _statements(order: SealOrder) -> tuple[tuple[str, bytes], ...]:
    """What the order says of reason and place, for the signed part of the value: OFD itself has no room for them."""
    stated = ((REASON_OID, order.reason), (LOCATION_OID, order.location))
    return tuple((oid, utf8_string(text)) for oid, text in stated if text)


def _places(order: SealOrder, document: SealableOfd, picture_mm: tuple[float, float]) -> tuple[Place, ...]:
    """The places of an order; those on a keyword in front of those that are listed."""
    if order.keyword is None:
        return read_places(order, len(document.body.pages))
    if order.x_mm is not None or order.y_mm is not None or order.pages is not None:
        raise placement_unclear("keyword, or x_mm and y_mm (with page or pages), not both")
    found = places_on_keyword(
        document.package,
        document.body,
        order.keyword,
        occurrence=order.occurrence,
        page=order.page,
        picture_mm=picture_mm,
        width_mm=order.width_mm,
    )
    listed = read_places(replace(order, page=None, width_mm=order.width_mm if order.places else None), len(document.body.pages))
    if len(found) + len(listed) > PLACES_MAX:
        raise placement_unclear(f"at most {PLACES_MAX} places")
    return found + listed


def read_places(order: SealOrder, page_count: int) -> tuple[Place, ...]:
    """All single places of an order; raises TrustError ``PLACEMENT_UNCLEAR`` where it says too little or contradicts itself."""
    is_single = order.x_mm is not None or order.y_mm is not None
    if not is_single:
        if order.page is not None or order.pages is not None or (order.width_mm is not None and not order.places and order.seam is None):
            raise placement_unclear("x_mm and y_mm")
        single: tuple[Place, ...] = ()
    elif order.x_mm is None or order.y_mm is None:
        raise placement_unclear("x_mm and y_mm")
    elif order.pages is not None:
        if order.page is not None:
            raise placement_unclear("page or pages, not both")
        single = tuple(Place(page, order.x_mm, order.y_mm, order.width_mm) for page in read_pages(order.pages, page_count))
    else:
        single = (Place(LAST_PAGE if order.page is None else order.page, order.x_mm, order.y_mm, order.width_mm),)
    places = single + tuple(place if place.width_mm is not None else replace(place, width_mm=order.width_mm) for place in order.places)
    if len(places) > PLACES_MAX:
        raise placement_unclear(f"at most {PLACES_MAX} places")
    return places
