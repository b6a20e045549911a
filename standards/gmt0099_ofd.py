"""GM/T 0099-2020: cryptography in OFD documents. The list against smuggled files (7.4, annex D) and the marks of encryption (7.3).

``OFDEntries.xml`` at the root of the package names every file and carries no digests; a GB/T 35275 value over it is kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_REFERENCES
from standards.gbt33190_ofd.xml_parts import MALFORMED, new_part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from standards.gbt33190_ofd.xml_parts import XmlNode

ENTRIES_NAME: Final = "OFDEntries.xml"
ENCRYPTIONS_NAME: Final = "Encryptions.xml"


@dataclass(frozen=True, slots=True)
class IntegrityList:
    """The locations of all files of the package as written, and of the signature value over the list."""

    value_location: str
    files: tuple[str, ...]


def read_entries(root: XmlNode) -> IntegrityList:
    """What ``OFDEntries.xml`` lists (annex D.1). Raises ``OFD_XML_MALFORMED``."""
    if root.name not in {"DocEntries", "OFDEntries"}:
        raise MalformedError(MALFORMED, reason="root", found=root.name[:40])
    holder = root.child("FileList")
    value = root.child("SignedValueLoc")
    if holder is None or value is None:
        raise MalformedError(MALFORMED, reason="missing", element="FileList" if holder is None else "SignedValueLoc")
    files = holder.children("File")
    if len(files) > MAX_REFERENCES:
        raise MalformedError(MALFORMED, reason="too-many-references", found=len(files))
    return IntegrityList(value.text, tuple(node.get("FileLoc") or node.text for node in files))


def write_entries(names: Iterable[str], value_location: str, *, creator: str, made_on: date) -> bytes:
    """``OFDEntries.xml`` (annex D.1) for the files of these names; the list and its value do not list themselves."""
    root = new_part("DocEntries", ID="1", CreatorName=creator, Version="1.0", CreationDate=made_on.isoformat())
    root.add("SignedValueLoc", value_location)
    files = root.add("FileList")
    for number, name in enumerate(names, start=2):
        files.add("File", ID=str(number), FileLoc=f"/{name}")
    return root.to_bytes()
