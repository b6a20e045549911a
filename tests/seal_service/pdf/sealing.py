"""A seal, its keys and what others read out of a sealed file: shared by the tests of sealing."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pypdf
from asn1crypto import cms

from crypto.timestamps import TimeStampAuthority, TimeStampClient
from seal_service.pdf.placement import Placement
from seal_service.pdf.seal import seal_pdf
from seal_service.pictures.design import default_design
from seal_service.pictures.draw_seal import draw_seal
from tests.pki import DemoPki

if TYPE_CHECKING:
    from collections.abc import Callable

    from seal_service.pictures.outline import SealPicture

AT = datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC)
SM3 = "1.2.156.10197.1.401"
DUMMY_CMS = b"\x30\x82\x01\x00" + bytes(256)


@cache
def pki() -> DemoPki:
    return DemoPki.create(AT)


def picture() -> SealPicture:
    return draw_seal(default_design("呼伦贝尔市行政审批和政务服务局", "", "15070012345678", "1"))


def stamp() -> Callable[[bytes], bytes]:
    """A time-stamp service in memory: signature value in, token out."""
    authority = TimeStampAuthority(pki().tsa, pki().chain, pki().tsa_signer, "1.2.156.10197.9999.1")
    return TimeStampClient(lambda request: authority.respond(request, AT), pki().trust_list(), now=lambda: AT).stamp


def sealed(original: bytes, **options: Any) -> bytes:
    """A visible seal in the lower left, unless said otherwise."""
    demo = pki()
    given: dict[str, Any] = {"placement": Placement(1, 60, 40), "picture": picture(), "signed_at": AT, "chain": demo.chain} | options
    return seal_pdf(original, signer=demo.seal_signer, certificate=demo.seal, **given)


def signatures(document: bytes) -> dict[str, dict[str, Any]]:
    """Every signature dictionary by field name, as pypdf reads it."""
    root: Any = pypdf.PdfReader(io.BytesIO(document), strict=True).trailer["/Root"]
    found = {}
    for field in root["/AcroForm"]["/Fields"]:
        node = field.get_object()
        if "/V" in node:
            found[str(node["/T"])] = node["/V"]
    return found


def is_digest_right(document: bytes, signature: dict[str, Any]) -> bool:
    """Whether the CMS speaks of exactly the bytes that /ByteRange names; asn1crypto and the interpreter's SM3 decide."""
    start, first, second, rest = (int(number) for number in signature["/ByteRange"])
    content = cms.ContentInfo.load(bytes(signature["/Contents"]), strict=False)["content"]
    (signer,) = content["signer_infos"]
    stated = {attribute["type"].dotted: attribute["values"] for attribute in signer["signed_attrs"]}
    digest = hashlib.new("sm3", document[start : start + first] + document[second : second + rest], usedforsecurity=False).digest()
    gap = document[first:second]
    return (
        stated["1.2.840.113549.1.9.4"][0].native == digest
        and (start, gap[:1], gap[-1:]) == (0, b"<", b">")
        and bytes.fromhex(gap[1:-1].decode()) == bytes(signature["/Contents"])
    )
