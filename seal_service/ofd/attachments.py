"""The files inside an OFD package that a seal protects (GB/T 33190-2016 20): attached by a covered part, and covered themselves.

A location that readers would follow to different files, a part or a file outside the seal, a name that stands for two files are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.attached_files import MAX_FILE_BYTES, AttachedFiles, refused
from standards.gbt33190_ofd.graph import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crypto.report import SignatureReport
    from seal_service.ofd.coverage import Coverage
    from seal_service.ofd.listing import OfdSignature
    from seal_service.ofd.package import OfdPackage
    from standards.gbt33190_ofd.graph import Body
    from standards.gbt33190_ofd.xml_parts import XmlNode


def sealed_files(
    package: OfdPackage, signatures: Iterable[OfdSignature], candidates: Sequence[SignatureReport]
) -> tuple[SignatureReport, dict[str, bytes]] | None:
    """The files that a seal protects, with the report of that seal; None where no candidate can be found.

    ``signatures`` of the verified package, with what each covers. ``candidates``: reports of those whose digests all match, in the order of
    preference.

    :raises TrustError: ``SEALED_FILES_REFUSED`` with the reason, ``OFD_*``.
    """
    by_path = {signature.path: signature for signature in signatures}
    for report in candidates:
        signature = by_path.get(report.name)
        if signature is not None and signature.description is not None:
            return report, _read(package, signature.body, signature.coverage)
    return None


def _read(package: OfdPackage, body: Body, coverage: Coverage) -> dict[str, bytes]:
    """The attachments of a document, in the order they are listed."""
    found = AttachedFiles()
    documents = [path for path, reached in body.reached.items() if reached.role is Role.DOCUMENT]
    lists = [path for path, reached in body.reached.items() if reached.role is Role.ATTACHMENTS]
    if len(lists) > 1 or len(documents) != 1 or len(package.graph.bodies) != 1:
        raise refused("structure", at="Attachments")
    for path in (package.graph.entry_name, *documents, *lists):
        _check_covered(package, coverage, path)
    for path in lists:
        root = package.graph.part(path, documents[0])
        if root is None:
            raise refused("structure", at=path[:64])
        for node in root.children("Attachment"):
            name = node.get("Name") or ""
            found.check_name(name)
            found.add(name, _content(package, coverage, node, path))
    return found.files


def _content(package: OfdPackage, coverage: Coverage, node: XmlNode, by: str) -> bytes:
    locations = node.children("FileLoc")
    place = package.graph.look_up(locations[0].text, by, ("",)) if len(locations) == 1 else None
    if place is None or place.path is None or place.variant is not None or place.others:
        raise refused("location", by=by[:64])
    _check_covered(package, coverage, place.path)
    return package.container.read(place.path, MAX_FILE_BYTES)


def _check_covered(package: OfdPackage, coverage: Coverage, path: str) -> None:
    if path not in coverage.covered or path in package.container.duplicates:
        raise refused("unprotected", path=path[:64])
