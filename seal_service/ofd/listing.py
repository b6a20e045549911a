"""Which signatures a document lists, what each describes, and those that stand in the package without being listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto.report import Step, failed, not_checked, warned
from seal_service.ofd.coverage import Coverage
from standards.errors import MalformedError
from standards.gbt33190_ofd.graph import Body
from standards.gbt33190_ofd.limits import MAX_SIGNATURES, MAX_XML_BYTES
from standards.gbt33190_ofd.locations import find, folder_of
from standards.gbt33190_ofd.signatures import read_signature, read_signatures
from standards.gbt33190_ofd.xml_parts import read_xml

if TYPE_CHECKING:
    from seal_service.ofd.package import OfdPackage
    from seal_service.ofd.signature_values import ValueResult
    from standards.gbt33190_ofd.signatures import ListedSignature, SignatureDescription

LIST: Final = "GB/T 33190-2016 18.1"
DESCRIPTION: Final = "GB/T 33190-2016 18.2"
_VALUE_NAMES: Final = ("SignedValue.dat", "SignValue.dat")
_DESCRIPTION_NAME: Final = "signature.xml"
_LIMITS: Final = frozenset({"too-large", "total-too-large", "ratio", "too-many-elements", "too-many-attributes", "too-many-references"})


@dataclass(slots=True)
class OfdSignature:
    """One listed signature on its way through the checks. ``path`` is its description, or the name where that should be."""

    body: Body
    list_path: str
    kind: str | None
    path: str
    steps: list[Step] = field(default_factory=list)
    original: bytes | None = None
    description: SignatureDescription | None = None
    value_path: str | None = None
    seal_path: str | None = None
    is_seal_in_value: bool = False  # the file at ``seal_path`` is the seal in the value
    other_files: dict[str, str] = field(
        default_factory=dict
    )  # what readers of other habits take for one of its files, and who refers to it
    coverage: Coverage = field(default_factory=Coverage)
    result: ValueResult | None = None

    @property
    def own_files(self) -> set[str]:
        """The files that are the signature itself. What it calls its seal is one of them only as the seal in the value: else any file could be."""
        seal_path = self.seal_path if self.is_seal_in_value else None
        return {self.list_path, self.path, *(path for path in (self.value_path, seal_path) if path is not None)}


def list_signatures(package: OfdPackage, steps: list[Step]) -> list[OfdSignature]:
    """The signatures that the documents of the file list, each description once, with what the description says."""
    found: dict[str, OfdSignature] = {}
    for body in package.graph.bodies:
        for list_path in body.signatures:
            root = package.graph.part(list_path, package.graph.entry_name)
            if root is None:
                continue
            try:
                listed = read_signatures(root)
            except MalformedError as error:
                steps.append(not_checked("OFD_SIGNATURES_UNREADABLE", LIST, path=list_path, reason=error.facts.get("reason")))
                continue
            for entry in listed:
                signature = _locate(package, body, list_path, entry)
                if signature.path in found:
                    steps.append(warned("OFD_SIGNATURE_REPEATED", LIST, path=signature.path))
                else:
                    found[signature.path] = signature
    if len(found) > MAX_SIGNATURES:
        steps.append(not_checked("OFD_TOO_MANY_SIGNATURES", LIST, found=len(found), limit=MAX_SIGNATURES))
    signatures = list(found.values())[:MAX_SIGNATURES]
    for signature in signatures:
        _read_description(package, signature)
    return signatures


def _locate(package: OfdPackage, body: Body, list_path: str, entry: ListedSignature) -> OfdSignature:
    signature = OfdSignature(body, list_path, entry.kind, entry.location.strip()[:80])
    path = _find(package, signature, entry.location, list_path)
    if path is not None:
        signature.path = path
    return signature


def _find(package: OfdPackage, signature: OfdSignature, location: str, by: str) -> str | None:
    """The member at a location of the signature's files; a step where it is reached in another way than by the standard, or not at all."""
    try:
        found = find(package.container, location, folder_of(by), (folder_of(folder_of(by)), ""))
    except MalformedError as error:
        signature.steps.append(failed("BAD_PATH", DESCRIPTION, path=location.strip()[:80], reason=error.facts.get("reason")))
        return None
    if found.path is None:
        return None
    if found.variant is not None:
        signature.steps.append(warned("OFD_LOCATION_VARIANT", DESCRIPTION, path=found.path, by=by, reason=found.variant))
    if found.path in package.container.duplicates:
        signature.steps.append(failed("DUPLICATE_ENTRY", DESCRIPTION, path=found.path, reason="signature"))
    signature.other_files |= dict.fromkeys(found.others, by)
    return found.path


def _read_description(package: OfdPackage, signature: OfdSignature) -> None:
    path = signature.path
    if path not in package.container:
        if not signature.steps:
            signature.steps.append(failed("REF_MISSING", LIST, path=f"/{path.lstrip('/')}"))
        return
    try:
        signature.original = package.container.read(path, MAX_XML_BYTES)
        description = signature.description = read_signature(read_xml(signature.original))
    except MalformedError as error:
        make = not_checked if error.facts.get("reason") in _LIMITS else failed
        reason = " ".join(str(part) for part in (error.code, error.facts.get("reason"), error.facts.get("element")) if part)
        signature.steps.append(make("OFD_SIGNATURE_UNREADABLE", DESCRIPTION, path=path, reason=reason))
        signature.value_path = _sibling_value(package, signature)  # it shows whether the description was once another
        return
    if description.value_location is not None:
        signature.value_path = _find(package, signature, description.value_location, path)
    if signature.value_path is None:
        signature.value_path = _sibling_value(package, signature)
    if description.seal_location is not None:
        signature.seal_path = _find(package, signature, description.seal_location, path)
        if signature.seal_path is None:
            signature.steps.append(warned("OFD_SEAL_FILE_MISSING", DESCRIPTION, path=description.seal_location[:80]))


def _sibling_value(package: OfdPackage, signature: OfdSignature) -> str | None:
    """The value under one of the names in use beside the description, where that names another or none."""
    folder = folder_of(signature.path)
    for name in _VALUE_NAMES:
        path = f"{folder}/{name}" if folder else name
        if path in package.container:
            signature.steps.append(warned("OFD_LOCATION_VARIANT", DESCRIPTION, path=path, by=signature.path, reason="sibling"))
            return path
    return None


def find_unlisted(package: OfdPackage, signatures: list[OfdSignature]) -> dict[str, Step]:
    """Descriptions of signatures that nothing lists, by path. One that a listed signature protects was there when that was made."""
    protected = {path for signature in signatures for path in signature.coverage.covered}
    return {
        name: failed("OFD_SIGNATURE_REMOVED", LIST, path=name) if name in protected else warned("OFD_SIGNATURE_UNLISTED", LIST, path=name)
        for name in _unlisted_names(package, signatures)
    }


def _unlisted_names(package: OfdPackage, signatures: list[OfdSignature]) -> list[str]:
    listed = {signature.path for signature in signatures}
    return [name for name in package.container.members if name.rpartition("/")[2].lower() == _DESCRIPTION_NAME and name not in listed]


def take_up_unlisted(package: OfdPackage, signatures: list[OfdSignature]) -> list[OfdSignature]:
    """Signatures that nothing lists and that are examined all the same.

    Where ``OFD.xml`` or the list was made unreadable, or the list was emptied, no signature is listed; the signatures themselves then still
    show that the document was signed and what was changed. Beside others, those that protect the list tell of a lock that was broken.
    """
    lists = {path for body in package.graph.bodies for path in body.signatures}
    taken = []
    for name in _unlisted_names(package, signatures)[:MAX_SIGNATURES]:
        body = package.graph.bodies[0] if package.graph.bodies else Body(-1)
        signature = OfdSignature(body, min(lists, default=""), None, name)
        _read_description(package, signature)
        references = signature.description.references if signature.description is not None else ()
        if not signatures or any(reference.location.strip().lstrip("/") in lists for reference in references):
            signature.steps.append(not_checked("OFD_SIGNATURE_UNLISTED", LIST, path=name))
            taken.append(signature)
    return taken
