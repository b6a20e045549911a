"""What sealing a document takes and what goes from step to step: the order, the means of the seal, and the document that lacks its value."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from crypto.cms import TIMESTAMP_RESERVED_BYTES
from crypto.sm3 import sm3
from seal_service.places import Edge, Place, Seam

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.signer import Signer
    from seal_service.model import Seal
    from seal_service.pictures.outline import SealPicture


B_B: Final = "B-B"
B_T: Final = "B-T"
B_LT: Final = "B-LT"
B_LTA: Final = "B-LTA"
LEVELS: Final = (B_B, B_T, B_LT, B_LTA)


@dataclass(frozen=True, slots=True)
class SealOrder:
    """How a document is to be sealed.

    Visible at page (from 1; -1 last) and centre in mm from the lower-left corner as seen, on each of ``pages`` there, at a keyword, at
    ``places``, or as a riding seam; invisible without any of them. ``is_locking``: nobody may sign after this seal. ``profile`` is the form
    of the signature, None the default of the kind of document. ``is_timestamped`` None: where the deployment has a time-stamp authority.
    ``occurrence`` of the keyword counts from 1, -1 is the last, ``places.EVERY`` all of them. PDF only: ``field``, a prepared field or the
    name of a new one; ``opacity`` of the ink; ``certify``, what stays allowed (DocMDP 1 to 3); ``lock_fields`` and ``lock_except``, the
    fields that are locked, or all but those; ``level``, the PAdES baseline level (ETSI EN 319 142-1 6).

    ``is_result_kept`` False: who orders keeps the sealed document himself, and only its digest stays here; it cannot be given out again, so
    that there is no ``idempotency_key`` to such an order.
    """

    document: bytes
    page: int | None = None
    x_mm: float | None = None
    y_mm: float | None = None
    width_mm: float | None = None
    keyword: str | None = None
    reason: str | None = None
    location: str | None = None
    is_timestamped: bool | None = None
    idempotency_key: str | None = None
    document_type: str = ""
    pages: str | None = None
    places: tuple[Place, ...] = ()
    seam: Seam | None = None
    is_locking: bool = False
    profile: str | None = None
    occurrence: int = 1
    field: str | None = None
    opacity: float = 1.0
    certify: int | None = None
    lock_fields: tuple[str, ...] = ()
    lock_except: tuple[str, ...] = ()
    level: str | None = None
    is_result_kept: bool = True


@dataclass(frozen=True, slots=True)
class SealMeans:
    """With what a document is sealed. ``use_id`` names the record of the use; ``at`` is the time of sealing (aware UTC).

    ``time_stamp_bytes``: how long a token gets at most. What is prepared now and finished elsewhere takes what any authority's fits in, so
    that it is prepared alike after the authority has changed.
    """

    seal: Seal
    use_id: str
    signer: Signer
    certificate: Certificate
    chain: tuple[Certificate, ...]
    picture: SealPicture
    at: datetime
    is_timestamped: bool
    time_stamp_bytes: int = TIMESTAMP_RESERVED_BYTES


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that lacks only the value of its signature.

    ``name``: how our verifier will call the signature. ``digest``: SM3 of what is sealed, for the record. ``to_be_signed``: what the key
    signs. ``finish``: signature value and time-stamp token (or None) in, the sealed document out. ``warnings``: codes of what was done
    otherwise than ordered. ``sm3_of``: the sealed document in, its SM3 out. Where ``follow`` is there, the signature value is part of what
    has to be signed next: it gives the draft with that, and ``finish`` is not to be called before.
    """

    name: str
    digest: bytes
    to_be_signed: bytes
    finish: Callable[[bytes, bytes | None], bytes]
    warnings: tuple[str, ...] = ()
    follow: Callable[[bytes], Draft] | None = None
    sm3_of: Callable[[bytes], bytes] = sm3


def write_order(order: SealOrder) -> str:
    """An order without its document, as JSON."""
    return json.dumps(asdict(replace(order, document=b"", idempotency_key=None)) | {"document": None}, sort_keys=True)


def read_order(text: str, document: bytes) -> SealOrder:
    """What ``write_order`` wrote, with the document."""
    members = json.loads(text)
    seam = members["seam"]
    if seam is not None:
        pages = seam["pages"] if isinstance(seam["pages"], str) else tuple(seam["pages"])
        members["seam"] = Seam(**{**seam, "edge": Edge(seam["edge"]), "pages": pages})
    members["places"] = tuple(Place(**place) for place in members["places"])
    for name in ("lock_fields", "lock_except"):
        members[name] = tuple(members[name])
    return SealOrder(**{**members, "document": document})
