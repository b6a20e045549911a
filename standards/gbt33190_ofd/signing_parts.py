"""Writing what a signature adds to a document (GB/T 33190-2016 18): ``Signature.xml``, its entry in ``Signatures.xml``, the way there.

Digests are SM3 only: what the standard still allows besides (MD5, its default, and SHA-1) proves nothing and cannot be written.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards.gbt33190_ofd.signatures import SEAL
from standards.gbt33190_ofd.xml_parts import XmlNode, new_part, read_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

PROVIDER: Final = "Yinxin"
PROTOCOL_VERSION: Final = "GB/T 38540-2020"
_NUMBERED: Final = re.compile(r"(\D*)(\d{1,9})")
_DECIMALS: Final = 3  # of millimetres: a micrometre


@dataclass(frozen=True, slots=True)
class Stamp:
    """One place where a seal is shown: the page's identifier, the box of the whole picture in millimetres from the upper-left corner of the
    page (left, top, width, height), and the part of that box that is shown, in the box's own coordinates.
    """

    page_id: str
    boundary: tuple[float, float, float, float]
    clip: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class SignatureFiles:
    """The names of a new signature's files, and its identifier in the list."""

    identifier: str
    folder: str

    @property
    def description(self) -> str:
        """``Signature.xml``."""
        return f"{self.folder}/Signature.xml"

    @property
    def value(self) -> str:
        """The signature value."""
        return f"{self.folder}/SignedValue.dat"

    @property
    def seal(self) -> str:
        """The seal beside the value."""
        return f"{self.folder}/Seal.esl"


def write_signature(
    files: SignatureFiles, digests: Mapping[str, bytes], *, kind: str, signed_at: datetime, stamps: Iterable[Stamp], version: str
) -> bytes:
    """``Signature.xml`` (18.2): the SM3 digest of each protected file by its name, and where the seal is shown.

    ``kind`` is ``Seal`` or ``Sign``; ``version`` that of the program.
    """
    root = new_part("Signature")
    info = root.add("SignedInfo")
    info.add("Provider", ProviderName=PROVIDER, Version=version, Company=PROVIDER, ProtocolVer=PROTOCOL_VERSION)
    info.add("SignatureMethod", oids.SM2_WITH_SM3)
    info.add("SignatureDateTime", signed_at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ"))
    references = info.add("References", CheckMethod=oids.SM3)
    for name, digest in digests.items():
        references.add("Reference", FileRef=f"/{name}").add("CheckValue", base64.b64encode(digest).decode("ascii"))
    for number, stamp in enumerate(stamps, start=1):
        attributes = {"ID": str(number), "PageRef": stamp.page_id, "Boundary": _box(stamp.boundary)}
        if stamp.clip is not None:
            attributes["Clip"] = _box(stamp.clip)
        info.add("StampAnnot", **attributes)
    if kind == SEAL:
        info.add("Seal").add("BaseLoc", f"/{files.seal}")
    root.add("SignedValue", f"/{files.value}")
    return root.to_bytes()


def _box(values: tuple[float, float, float, float]) -> str:
    return " ".join(f"{round(value, _DECIMALS) + 0.0:.{_DECIMALS}f}".rstrip("0").rstrip(".") for value in values)


def next_identifier(list_part: bytes | None) -> str:
    """A free identifier for a further signature, counted and written as the list's own are: ``s001`` in a new list (18.1)."""
    if list_part is None:
        return "s001"
    root = read_xml(list_part)
    stated = [node.get("ID") or "" for node in root.descendants("Signature")]
    counter = root.child("MaxSignId")
    numbered = [match for text in (*stated, "" if counter is None else counter.text) if (match := _NUMBERED.fullmatch(text))]
    number = max((int(match[2]) for match in numbered), default=0) + 1
    last = next((match for text in reversed(stated) if (match := _NUMBERED.fullmatch(text))), None)
    prefix, width = ("s", 3) if last is None else (last[1], len(last[2]))
    return f"{prefix}{number:0{width}d}"


def write_list(list_part: bytes | None, files: SignatureFiles, kind: str) -> bytes:
    """``Signatures.xml`` (18.1) with the new signature as its last entry. ``list_part``: the list so far, None to begin one.

    A list that counts its signatures goes on counting; one that does not is not made to.
    """
    number = _NUMBERED.fullmatch(files.identifier)
    if list_part is None:
        root = new_part("Signatures")
        root.add("MaxSignId", str(int(number[2])) if number else "1")
    else:
        root = read_xml(list_part)
        counter = root.child("MaxSignId")
        if counter is not None and number:
            counted = _NUMBERED.fullmatch(counter.text)
            counter.set_text(str(int(number[2])) if counted is None else f"{counted[1]}{int(number[2]):0{len(counted[2])}d}")
    root.add("Signature", ID=files.identifier, Type=kind, BaseLoc=f"/{files.description}")
    return root.to_bytes()


def write_way(entry_part: bytes, body_index: int, list_name: str) -> bytes:
    """``OFD.xml`` (7.4) in which the document of this index says where its list of signatures is."""
    root: XmlNode = read_xml(entry_part)
    body = root.children("DocBody")[body_index]
    there = body.child("Signatures")
    if there is None:
        body.add("Signatures", f"/{list_name}")
    else:
        there.set_text(f"/{list_name}")
    return root.to_bytes()
