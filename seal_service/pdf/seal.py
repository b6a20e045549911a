"""Sealing a PDF: a signature, and the seal's picture, in one appended revision (ISO 32000-1 12.8, ETSI EN 319 142-1).

Two halves, so that the key may be anywhere: :func:`prepare_seal` writes everything but the signature and gives the digest to be signed;
:meth:`PreparedSeal.finish` puts the CMS in. The document's own bytes stay as they are: the result begins with the input, byte for byte.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from crypto.cms import TIMESTAMP_RESERVED_BYTES, check_key
from crypto.digests import digest, new_digest
from crypto.signatures import digest_oid_of
from crypto.sm3 import Sm3, sm3
from seal_service.pdf import problem_catalogue  # noqa: F401 - enters the error texts of this floor
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.object_text import Verbatim
from seal_service.pdf.placement import Placement, locate
from seal_service.pdf.restrictions import (
    check_certifiable,
    check_lock,
    is_same_lock,
    lock_dictionary,
    lock_of,
    name_certification,
    write_references,
)
from seal_service.pdf.sealing_rules import check_allowed, check_document, check_seed_values, check_uncovered, is_filled
from seal_service.pdf.sealing_value import (
    PADES_FILTER,
    PADES_SUBFILTER,
    SES_FILTER,
    SES_SUBFILTER,
    Profile,
    ValueOrder,
    default_profile,
    describe_range,
    estimate_value_size,
    sign_value,
)
from seal_service.pdf.signature_field import (
    OPAQUE,
    add_field,
    appearances,
    fill_field,
    mark_signed,
    may_hide_pictures,
    new_name,
    read_widget,
)
from seal_service.pdf.syntax import PdfString, write_name, write_object
from seal_service.pdf.update import IncrementalUpdate
from standards import gbt33560_oids as oids
from standards.errors import Kind, MalformedError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crypto.certificates import Certificate
    from crypto.signer import Signer
    from seal_service.pdf.permissions import FieldLock
    from seal_service.pdf.syntax import Ref
    from seal_service.pictures.outline import SealPicture

RESERVED_BYTES_MIN: Final = 256  # no CMS with a certificate is shorter
RESERVED_BYTES_MAX: Final = 1 << 20  # a CMS with a long chain, token and picture (SES) stays far below
TEXT_CHARACTERS_MAX: Final = 2048  # /Reason, /Location, /ContactInfo, /Name: sentences, not documents
SEALED_BYTES_MAX: Final = 1 << 30  # a prepared seal read back: above the reader's own limit for documents
_RANGE_DIGITS: Final = 10  # digits kept free for each number of /ByteRange, as in a cross-reference table
OPACITY_MIN: Final = 0.1  # what is fainter is no seal that a person would see
_STATE_MAGIC: Final = b"YINXIN-PREPARED-SEAL-1\n"
_STATE_NUMBERS: Final = struct.Struct(">QQQQB")
_SEQUENCE: Final = 0x30


class PreparedSeal:
    """A document that lacks only its signature. ``digest``: over both byte ranges; ``byte_range``: as written in the file. ``is_picture_unsure``: some
    readers will not show its picture, as the document's form has them draw its fields themselves; known where it was prepared, not where it was read back.
    """

    __slots__ = ("_before", "_gap_end", "_gap_start", "_original", "_tail", "byte_range", "digest", "digest_oid", "is_picture_unsure")

    def __init__(self, original: bytes, tail: bytes, gap: tuple[int, int], digest_oid: str) -> None:
        """``gap``: where /Contents with its angle brackets stands in ``tail``. Hashes the document once."""
        self._original = original
        self._tail = tail
        self._gap_start, self._gap_end = gap
        self.digest_oid = digest_oid
        start, end = len(original) + gap[0], len(original) + gap[1]
        self.byte_range = (0, start, end, len(original) + len(tail) - end)
        hasher = new_digest(digest_oid)
        hasher.update(original)
        hasher.update(tail[: gap[0]])
        self._before = hasher.copy() if isinstance(hasher, Sm3) else None  # what stands before the signature
        hasher.update(tail[gap[1] :])
        self.digest: bytes = hasher.digest()
        self.is_picture_unsure = False

    def __repr__(self) -> str:
        return f"PreparedSeal(byte_range={self.byte_range}, digest={self.digest.hex()})"

    def covered(self) -> bytes:
        """The bytes that ``digest`` is over, put together: for a time-stamp authority that takes bytes."""
        return b"".join((self._original, self._tail[: self._gap_start], self._tail[self._gap_end :]))

    @property
    def reserved_bytes(self) -> int:
        """How long a CMS may be."""
        return (self._gap_end - self._gap_start - 2) // 2

    def finish(self, cms_der: bytes) -> bytes:
        """The sealed document.

        :raises TrustError: ``PDF_SIGNATURE_TOO_LONG`` (over the reserved bytes), ``CMS_MALFORMED`` (not one DER SEQUENCE).
        """
        if len(cms_der) > self.reserved_bytes:
            raise TrustError(Kind.TOO_LARGE, "PDF_SIGNATURE_TOO_LONG", length=len(cms_der), reserved=self.reserved_bytes)
        if not _is_one_sequence(cms_der):
            raise MalformedError("CMS_MALFORMED")
        contents = b"<" + cms_der.hex().encode("ascii").ljust(2 * self.reserved_bytes, b"0") + b">"
        return b"".join((self._original, self._tail[: self._gap_start], contents, self._tail[self._gap_end :]))

    def sm3_of(self, sealed: bytes) -> bytes:
        """SM3 of what ``finish`` gave, or of that with more behind it: what stands before the signature was hashed already, and is only compared."""
        before, end = self._before, len(self._original)
        if before is None or not sealed.startswith(self._original) or sealed[end : end + self._gap_start] != self._tail[: self._gap_start]:
            return sm3(sealed)
        whole = before.copy()
        whole.update(memoryview(sealed)[end + self._gap_start :])
        return whole.digest()

    def to_bytes(self) -> bytes:
        """Everything that is needed to finish elsewhere or later; the document is part of it."""
        numbers = _STATE_NUMBERS.pack(len(self._original), len(self._tail), self._gap_start, self._gap_end, len(self.digest_oid))
        return b"".join((_STATE_MAGIC, numbers, self.digest_oid.encode("ascii"), self.digest, self._original, self._tail))

    @classmethod
    def from_bytes(cls, state: bytes) -> PreparedSeal:
        """What :meth:`to_bytes` wrote; the digest is computed anew and compared (``PREPARED_SEAL_DAMAGED``)."""
        damaged = MalformedError("PREPARED_SEAL_DAMAGED")
        at = len(_STATE_MAGIC) + _STATE_NUMBERS.size
        if len(state) < at or len(state) > SEALED_BYTES_MAX or not state.startswith(_STATE_MAGIC):
            raise damaged
        original_bytes, tail_bytes, gap_start, gap_end, oid_bytes = _STATE_NUMBERS.unpack_from(state, len(_STATE_MAGIC))
        digest_oid = state[at : at + oid_bytes].decode("latin-1")
        if digest_oid not in _DIGESTS:
            raise damaged
        at += oid_bytes
        digest_bytes = len(digest(digest_oid, b""))
        if at + digest_bytes + original_bytes + tail_bytes != len(state) or not 0 < gap_start < gap_end < tail_bytes:
            raise damaged
        stated = state[at : at + digest_bytes]
        at += digest_bytes
        original, tail = state[at : at + original_bytes], state[at + original_bytes :]
        contents = tail[gap_start:gap_end]
        if contents != b"<" + b"0" * (gap_end - gap_start - 2) + b">":
            raise damaged
        prepared = cls(original, tail, (gap_start, gap_end), digest_oid)
        if prepared.digest != stated:
            raise damaged
        return prepared


_DIGESTS: Final = frozenset({oids.SM3, oids.SHA256, oids.SHA384, oids.SHA512})


def _is_one_sequence(der: bytes) -> bool:
    """Whether the bytes are one DER SEQUENCE, exactly: anything else would be cut wrongly when read back."""
    if len(der) < 2 or der[0] != _SEQUENCE:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    count = der[1] & 0x7F
    return 1 <= count <= 4 and len(der) == 2 + count + int.from_bytes(der[2 : 2 + count], "big")


def prepare_seal(
    original: bytes,
    *,
    placement: Placement | Sequence[Placement] | None,
    picture: SealPicture | None,
    field_name: str | None = None,
    reserved_bytes: int,
    signed_at: datetime,
    name: str | None = None,
    reason: str | None = None,
    location: str | None = None,
    contact: str | None = None,
    filter_name: str = PADES_FILTER,
    subfilter: str = PADES_SUBFILTER,
    digest_oid: str = oids.SM3,
    certify: int | None = None,
    lock: FieldLock | None = None,
    opacity: float = OPAQUE,
) -> PreparedSeal:
    """Write the revision with an empty signature.

    A field called ``field_name`` that is there and empty is filled, and its own rectangle shows the picture; otherwise a new field is
    made (Seal1, Seal2, ... when no name is given), shown at every one of ``placement``. Without ``picture`` or, for a new field, without
    ``placement`` the signature is invisible. ``reserved_bytes``: room for the CMS. ``signed_at`` (aware) becomes /M, in whole seconds UTC.
    ``certify``: what stays allowed after this, the first signature (DocMDP 1, 2 or 3). ``lock``: the fields that nobody may change after it.
    ``opacity``: of the ink, 1 covers.

    :raises TrustError: for what the reader refuses (``PDF_*``), for what :mod:`sealing_rules` and :mod:`restrictions` refuse,
        ``PAGE_NOT_FOUND``, ``PLACEMENT_OFF_PAGE``, ``PLACEMENT_OVER_SEAL``, ``PLACEMENT_BAD``, ``PDF_FIELD_*``, ``SEAL_TEXT_TOO_LONG``.
    """
    if signed_at.tzinfo is None:
        raise ValueError("signed_at must be aware")
    if not RESERVED_BYTES_MIN <= reserved_bytes <= RESERVED_BYTES_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "PDF_RESERVED_BYTES_BAD", least=RESERVED_BYTES_MIN, most=RESERVED_BYTES_MAX)
    if not OPACITY_MIN <= opacity <= OPAQUE:
        raise TrustError(Kind.UNACCEPTABLE, "PLACEMENT_BAD", rule=f"opacity from {OPACITY_MIN} to 1")
    placements = () if placement is None or picture is None else (placement,) if isinstance(placement, Placement) else tuple(placement)
    texts = {"Name": name, "Reason": reason, "Location": location, "ContactInfo": contact}
    written = {key: write_text(key, text) for key, text in texts.items() if text}
    document = PdfDocument.open(original)
    check_document(original, document)
    fields = document.signature_fields()
    signed = [field for field in fields if is_filled(field)]
    if certify is not None:
        check_certifiable(document, signed, certify)
    if lock is not None:
        check_lock(lock)
    prepared_field = next((field for field in fields if field_name is not None and field.name == field_name), None)
    update = IncrementalUpdate(document, len(original), ends_line=original.endswith((b"\n", b"\r")))
    value_ref = update.reserve()

    binding = lock_dictionary(lock, write_text) if lock is not None else None
    if prepared_field is not None:
        widget = read_widget(document, prepared_field)
        check_allowed(document, signed, prepared_field.name, is_new=False, is_visible=widget.is_visible)
        check_seed_values(document, prepared_field, filter_name=filter_name, subfilter=subfilter, reason=reason)
        if picture is not None and not widget.is_visible:
            raise TrustError(Kind.UNACCEPTABLE, "PDF_FIELD_INVISIBLE", field=prepared_field.name)
        authors = lock_of(document, prepared_field)
        if authors is not None and lock is not None and not is_same_lock(authors, lock):
            raise TrustError(Kind.CONFLICT, "PDF_FIELD_LOCK_SET", field=prepared_field.name)
        binding = binding if authors is None else authors
        shown = appearances(update, picture, [widget.position], opacity) if picture is not None else []
        fill_field(update, widget, value_ref, shown)
        mark_signed(update, document)
    else:
        positions = [locate(document, each) for each in placements]
        free_name = new_name(document, field_name)
        check_allowed(document, signed, free_name, is_new=True, is_visible=bool(positions))
        for position in positions:
            check_uncovered(document, signed, position.index, position.rectangle)
        shown = appearances(update, picture, positions, opacity) if picture is not None and positions else []
        entries: dict[str, object] = {"V": value_ref}
        if binding is not None:
            entries["Lock"] = update.add(binding)
        add_field(update, document, write_text("T", free_name), positions, shown, entries)
    if certify is not None:
        name_certification(update, document, value_ref)

    opening = _signature_opening(filter_name, subfilter, signed_at, written, write_references(document, certify, binding))
    prepared = write_revision(original, document, update, value_ref, opening, reserved_bytes, signed_at.isoformat(), digest_oid)
    prepared.is_picture_unsure = picture is not None and may_hide_pictures(document)
    return prepared


def write_revision(
    original: bytes,
    document: PdfDocument,
    update: IncrementalUpdate,
    value_ref: Ref,
    opening: bytes,
    reserved_bytes: int,
    seed: str,
    digest_oid: str,
) -> PreparedSeal:
    """Finish an update whose object ``value_ref`` is a signature dictionary: ``opening`` (its other entries), /ByteRange, empty /Contents.

    ``seed``: what makes the new /ID different from others.
    """
    # /ByteRange and /Contents come last, at known distances from the object's start.
    range_at = len(opening)
    room = b" " * (3 * _RANGE_DIGITS + 6)
    contents_at = range_at + len(b"/ByteRange") + len(room) + len(b"/Contents")
    gap_bytes = 2 * reserved_bytes + 2
    contents = b"<" + b"0" * (2 * reserved_bytes) + b">"
    update.replace(value_ref, Verbatim(opening + b"/ByteRange" + room + b"/Contents" + contents + b">>"))
    tail = update.write(digest(oids.SM3, f"{seed} {len(original)} {document.last_startxref} {document.size}".encode("ascii"))[:16])

    body_at = update.offsets[value_ref] - len(original) + len(b"%d %d obj\n" % value_ref)
    gap = (body_at + contents_at, body_at + contents_at + gap_bytes)
    ranges = (0, len(original) + gap[0], len(original) + gap[1], len(tail) - gap[1])
    stated = (b"[%d %d %d %d]" % ranges).ljust(len(room))
    range_start = body_at + range_at + len(b"/ByteRange")
    tail[range_start : range_start + len(room)] = stated
    return PreparedSeal(original, bytes(tail), gap, digest_oid)


def seal_pdf(
    original: bytes,
    *,
    signer: Signer,
    certificate: Certificate,
    chain: Sequence[Certificate] = (),
    timestamp: Callable[[bytes], bytes] | None = None,
    placement: Placement | Sequence[Placement] | None = None,
    picture: SealPicture | None = None,
    field_name: str | None = None,
    signed_at: datetime,
    name: str | None = None,
    reason: str | None = None,
    location: str | None = None,
    contact: str | None = None,
    certify: int | None = None,
    lock: FieldLock | None = None,
    opacity: float = OPAQUE,
    seal_data_der: bytes | None = None,
    profile: Profile | None = None,
) -> bytes:
    """Seal a document: PAdES baseline B-B, or B-T where ``timestamp`` (signature value in, RFC 3161 token out) is given.

    ``chain``: the certificates above the signer's. ``seal_data_der``: the SESeal, which makes ``pades+ses`` the default profile.
    Errors as in :func:`prepare_seal`, of the signer and of ``timestamp``.
    """
    check_key(signer, certificate)
    profile = profile or default_profile(seal_data_der)
    timestamp_bytes = TIMESTAMP_RESERVED_BYTES if timestamp is not None else 0
    digest_oid = digest_oid_of(signer.algorithm)
    prepared = prepare_seal(
        original,
        placement=placement,
        picture=picture,
        field_name=field_name,
        reserved_bytes=estimate_value_size(
            profile,
            certificate=certificate,
            chain=chain,
            algorithm=signer.algorithm,
            seal_data_der=seal_data_der,
            timestamp_bytes=timestamp_bytes,
        ),
        signed_at=signed_at,
        name=name if name is not None else certificate.common_name,
        reason=reason,
        location=location,
        contact=contact,
        filter_name=SES_FILTER if profile is Profile.SES else PADES_FILTER,
        subfilter=SES_SUBFILTER if profile is Profile.SES else PADES_SUBFILTER,
        digest_oid=digest_oid,
        certify=certify,
        lock=lock,
        opacity=opacity,
    )
    order = ValueOrder(
        profile=profile,
        content_digest=prepared.digest,
        property_info=describe_range(prepared.byte_range),
        certificate=certificate,
        chain=tuple(chain),
        algorithm=signer.algorithm,
        signed_at=signed_at,
        seal_data_der=seal_data_der,
    )
    return prepared.finish(sign_value(order, signer.sign, timestamp))


def write_text(key: str, text: str) -> PdfString:
    """A text string (7.9.2.2): ASCII as it is (PDFDocEncoding agrees there), everything else UTF-16BE with its mark."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise TrustError(Kind.UNACCEPTABLE, "SEAL_TEXT_TOO_LONG", field=key, most_characters=TEXT_CHARACTERS_MAX)
    if text.isascii() and text.isprintable():
        return PdfString(text.encode("ascii"))
    return PdfString(b"\xfe\xff" + text.encode("utf-16-be", "replace"))


def _signature_opening(filter_name: str, subfilter: str, signed_at: datetime, texts: dict[str, PdfString], reference: bytes) -> bytes:
    """The signature dictionary up to its last two entries."""
    at = signed_at.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'").encode("ascii")
    head = b"<</Type/Sig/Filter%s/SubFilter%s/M(%s)" % (write_name(filter_name), write_name(subfilter), at)
    return head + b"".join(write_name(key) + write_object(text) for key, text in texts.items()) + reference
