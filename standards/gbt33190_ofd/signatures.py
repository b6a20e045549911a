"""``Signatures.xml`` and ``Signature.xml`` (GB/T 33190-2016 18): who signed what, where the seal is shown, where the value lies.

Everything is read as it stands; nothing is checked here but that it can be read in one way only.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_REFERENCES, MAX_SIGNATURES, MAX_STAMPS
from standards.gbt33190_ofd.xml_parts import MALFORMED

if TYPE_CHECKING:
    from standards.gbt33190_ofd.xml_parts import XmlNode

SEAL: Final = "Seal"
SIGN: Final = "Sign"
DEFAULT_CHECK_METHOD: Final = "MD5"  # 18.2.1, the schema's default
_DIGEST_NAMES: Final = {
    "MD5": oids.MD5,
    "SHA1": oids.SHA1,
    "SHA-1": oids.SHA1,
    "SHA256": oids.SHA256,
    "SHA-256": oids.SHA256,
    "SHA384": oids.SHA384,
    "SHA-384": oids.SHA384,
    "SHA512": oids.SHA512,
    "SHA-512": oids.SHA512,
    "SM3": oids.SM3,
}
_SM3_ALIASES: Final = frozenset({oids.HMAC_SM3, oids.SM3 + ".1"})  # with key and without; what is meant is the plain digest


@dataclass(frozen=True, slots=True)
class ListedSignature:
    """One entry of ``Signatures.xml``. ``kind`` is the stated type, None where the attribute is absent; ``parent`` of OFD 2.0."""

    identifier: str
    kind: str | None
    location: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class ProtectedFile:
    """One Reference: the location as written, and the digest; None where it is no Base64."""

    location: str
    check_value: bytes | None


@dataclass(frozen=True, slots=True)
class StampPlace:
    """One StampAnnot as written: the page, the box in millimetres, the clip inside that box."""

    identifier: str
    page: str
    boundary: str
    clip: str | None


@dataclass(frozen=True, slots=True)
class SignatureDescription:
    """What ``Signature.xml`` says. ``check_method`` None where it is not stated (MD5 by the standard)."""

    provider: str
    signature_method: str
    stated_time: str
    check_method: str | None
    references: tuple[ProtectedFile, ...]
    stamps: tuple[StampPlace, ...]
    seal_location: str | None
    value_location: str | None


@dataclass(frozen=True, slots=True)
class DigestMethod:
    """A digest by its identifier; ``is_alias`` where another name than the standard's was used for it."""

    oid: str
    is_alias: bool


def read_digest_method(stated: str | None) -> DigestMethod | None:
    """The digest that CheckMethod names, by name or identifier; None where it is none we know."""
    name = (stated or DEFAULT_CHECK_METHOD).strip()
    oid = _DIGEST_NAMES.get(name.upper())
    if oid is not None:
        return DigestMethod(oid, is_alias=False)
    if name in _SM3_ALIASES:
        return DigestMethod(oids.SM3, is_alias=True)
    return DigestMethod(name, is_alias=False) if name in _DIGEST_NAMES.values() else None


def read_signatures(root: XmlNode) -> tuple[ListedSignature, ...]:
    """The signatures that ``Signatures.xml`` lists. Raises ``OFD_XML_MALFORMED``."""
    _expect(root, "Signatures")
    if any(len(node.readings("BaseLoc")) > 1 for node in root.descendants("Signature")):
        raise MalformedError(MALFORMED, reason="repeated", element="BaseLoc")
    found = [
        ListedSignature(
            node.get("ID") or "", node.get("Type") or None, node.get("BaseLoc") or "", node.get("基签名") or node.get("Relative")
        )
        for node in root.descendants("Signature")
    ]
    if len(found) > MAX_SIGNATURES:
        raise MalformedError(MALFORMED, reason="too-many-signatures", limit=MAX_SIGNATURES, found=len(found))
    return tuple(found)


def read_signature(root: XmlNode) -> SignatureDescription:
    """What ``Signature.xml`` describes. Raises ``OFD_XML_MALFORMED``, also where an element stands twice that may stand once."""
    _expect(root, "Signature")
    info = root.child("SignedInfo")
    if info is None:
        raise MalformedError(MALFORMED, reason="missing", element="SignedInfo")
    references = info.child("References")
    files = references.children("Reference") if references is not None else []
    stamps = info.children("StampAnnot")
    if len(files) > MAX_REFERENCES or len(stamps) > MAX_STAMPS:
        raise MalformedError(MALFORMED, reason="too-many-references", found=max(len(files), len(stamps)))
    seal = info.child("Seal")
    return SignatureDescription(
        _provider(info.child("Provider")),
        _text(info.child("SignatureMethod")) or "",
        _text(info.child("SignatureDateTime")) or "",
        (references.get("CheckMethod") or None) if references is not None else None,
        tuple(_reference(node) for node in files),
        tuple(StampPlace(node.get("ID") or "", node.get("PageRef") or "", node.get("Boundary") or "", node.get("Clip")) for node in stamps),
        _text(seal.child("BaseLoc")) if seal is not None else None,
        _text(root.child("SignedValue")),
    )


def _expect(root: XmlNode, name: str) -> None:
    if root.name != name:
        raise MalformedError(MALFORMED, reason="root", found=root.name[:40])


def _text(node: XmlNode | None) -> str | None:
    return None if node is None else node.text or None


def _provider(node: XmlNode | None) -> str:
    """The name of the software: an attribute by the standard, a child element with one vendor."""
    if node is None:
        return ""
    return node.get("ProviderName") or _text(node.child("ProviderName")) or ""


def _reference(node: XmlNode) -> ProtectedFile:
    value = _text(node.child("CheckValue"))
    try:
        digest = base64.b64decode("".join((value or "").split()), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    return ProtectedFile(node.get("FileRef") or "", digest or None)
