"""What may be sealed: a package that all readers take for the same document, and no earlier signature that forbids a further one.

Sealing adds files, an entry to ``Signatures.xml``, and the way to it in ``OFD.xml`` where there is none; then there is no signature either
that could protect ``OFD.xml``. Where an earlier signature protects the list, the document is refused, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.report import Outcome, Step
from seal_service.ofd.findings import package_steps, trouble_steps
from seal_service.ofd.listing import find_unlisted, list_signatures
from seal_service.ofd.package import OfdPackage
from seal_service.ofd.refusals import refused
from standards.errors import Kind, MalformedError
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import PART_MISSING, Graph
from standards.gbt33190_ofd.limits import MAX_SIGNATURES, MAX_XML_BYTES
from standards.gbt33190_ofd.locations import find, folder_of, resolve
from standards.gbt33190_ofd.signing_parts import SignatureFiles, next_identifier
from standards.gmt0099_ofd import ENCRYPTIONS_NAME, ENTRIES_NAME

if TYPE_CHECKING:
    from seal_service.ofd.listing import OfdSignature
    from standards.gbt33190_ofd.graph import Body

_LIST_NAME: Final = "Signatures.xml"
_SIGNS: Final = "Signs"
_SIGN: Final = "Sign_"


@dataclass(frozen=True, slots=True)
class SealableOfd:
    """A document that may be sealed.

    ``list_path``: where its list of signatures is or will be; ``list_part``: the list so far, None where there is none. ``is_way_missing``:
    ``OFD.xml`` does not say yet where the list is. ``files``: the names of the new signature.
    """

    package: OfdPackage
    body: Body
    list_path: str
    list_part: bytes | None
    is_way_missing: bool
    files: SignatureFiles


def open_package(original: bytes) -> OfdPackage:
    """The package, where it is one document to every reader.

    Raises TrustError ``OFD_UNREADABLE``, ``OFD_ENCRYPTED``, ``OFD_UNACCEPTABLE``.
    """
    try:
        container = Container(original)
    except MalformedError as error:
        raise refused(Kind.MALFORMED, "OFD_UNREADABLE", reason=str(error.facts.get("reason") or error.code)) from None
    package = OfdPackage(container, Graph(container))
    _check_package(package)
    return package


def _check_package(package: OfdPackage) -> None:
    container, graph = package.container, package.graph
    if container.name_like(ENCRYPTIONS_NAME) is not None:
        raise refused(Kind.UNACCEPTABLE, "OFD_ENCRYPTED")
    if graph.failure is not None:
        reason = str(graph.failure.facts.get("reason") or graph.failure.code)
        raise refused(Kind.MALFORMED, "OFD_UNREADABLE", reason=reason)
    _refuse(package_steps(container.irregularities))
    _refuse_troubles(graph)
    for name in container.members:
        # A signature can only name what a location can say
        try:
            is_sayable = resolve("", name) == name
        except MalformedError:
            is_sayable = False
        if not is_sayable:
            raise refused(Kind.UNACCEPTABLE, "OFD_UNACCEPTABLE", found="BAD_PATH", path=name[:80], reason="no-location")


def _refuse_troubles(graph: Graph) -> None:
    """A list of signatures that ``OFD.xml`` promises and that is not there yet is no trouble: for one document it is about to be."""
    _refuse(trouble_steps(each for each in graph.troubles if (each.code, each.reason) != (PART_MISSING, "signatures")))


def _refuse(steps: list[Step]) -> None:
    """What would make the sealed document invalid or undecided is refused now."""
    for step in steps:
        if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED}:
            facts = {key: str(step.facts[key]) for key in ("path", "reason") if step.facts.get(key)}
            raise refused(Kind.UNACCEPTABLE, "OFD_UNACCEPTABLE", found=step.code, **facts)


def check_sealable(original: bytes, *, package: OfdPackage | None = None) -> SealableOfd:
    """The document, opened for a further signature. ``package``: the same bytes, where our verifier has opened them and found no signature.

    Raises TrustError as :func:`open_package`, and ``OFD_LOCKED``, ``OFD_SIGNATURES_UNCLEAR``,
    ``OFD_SIGNATURES_TOO_MANY``.
    """
    if package is None:
        package = open_package(original)
    else:
        _check_package(package)
    steps: list[Step] = []
    signatures = list_signatures(package, steps)
    _refuse_troubles(package.graph)  # now those of the list too
    _refuse(steps + [step for signature in signatures for step in signature.steps])
    bodies = package.graph.bodies
    body = next((each for each in bodies if each.signatures), bodies[0] if bodies else None)
    if body is None:
        raise refused(Kind.MALFORMED, "OFD_UNREADABLE", reason="no-document")
    if len(body.signatures) > 1:
        raise refused(Kind.CONFLICT, "OFD_SIGNATURES_UNCLEAR", reason="several-lists", path=body.signatures[1])
    unlisted = find_unlisted(package, signatures)
    if unlisted:
        raise refused(Kind.CONFLICT, "OFD_SIGNATURES_UNCLEAR", reason="unlisted-signature", path=next(iter(unlisted)))
    if len(signatures) >= MAX_SIGNATURES:
        raise refused(Kind.CONFLICT, "OFD_SIGNATURES_TOO_MANY", limit=MAX_SIGNATURES)
    promised = _promised_list(package, body)
    list_path = promised or _free_list_path(package, body)
    _refuse(trouble_steps(each for each in package.graph.troubles if each.path != promised))  # the list of another document is not
    list_part = package.container.read(list_path, MAX_XML_BYTES) if list_path in package.container else None
    for signature in signatures:
        _check_lock(package, signature, list_path)
    files = SignatureFiles(next_identifier(list_part), _free_folder(package, folder_of(list_path)))
    return SealableOfd(package, body, list_path, list_part, promised is None, files)


def _promised_list(package: OfdPackage, body: Body) -> str | None:
    """Where ``OFD.xml`` says the list is, there or not; None where it says nothing."""
    if body.signatures:
        return body.signatures[0]
    node = package.graph.entry_body(body.index)
    there = node.child("Signatures")
    return resolve("", there.text) if there is not None and there.text else None


def _free_list_path(package: OfdPackage, body: Body) -> str:
    root = next((path for path, reached in body.reached.items() if reached.role == "document"), "")
    folder = folder_of(root)
    base = f"{folder}/{_SIGNS}" if folder else _SIGNS
    number = 0
    path = f"{base}/{_LIST_NAME}"
    while package.container.name_like(path) is not None:
        number += 1
        path = f"{base}_{number}/{_LIST_NAME}"
    return path


def _free_folder(package: OfdPackage, signs: str) -> str:
    """A folder that no file was ever in, numbered behind all of its kind; whatever its case, it meets no other.

    Its name stands in the sealing value as IA5String, so it is at the root where the document's own folder is not in ASCII.
    """
    if not signs.isascii():
        signs = _SIGNS
    base = f"{signs}/{_SIGN}" if signs else _SIGN
    folded = base.casefold()
    taken = [-1]
    for name in package.container.members:
        if name.casefold().startswith(folded):
            digits = name[len(base) :].partition("/")[0]
            if digits.isascii() and digits.isdigit() and len(digits) < 10:
                taken.append(int(digits))
    return f"{base}{max(taken) + 1}"


def _check_lock(package: OfdPackage, signature: OfdSignature, list_path: str) -> None:
    references = () if signature.description is None else signature.description.references
    for reference in references:
        try:
            found = find(package.container, reference.location, folder_of(signature.path), ("",))
        except MalformedError:
            continue  # that signature is broken already, and our verifier says so
        if found.path == list_path:
            raise refused(Kind.CONFLICT, "OFD_LOCKED", by=signature.path)


def check_unlisted(package: OfdPackage) -> None:
    """Raises TrustError ``OFD_ENTRIES_PRESENT`` where the package has a list of its files already (GM/T 0099-2020 7.4)."""
    if package.container.name_like(ENTRIES_NAME) is not None:
        raise refused(Kind.CONFLICT, "OFD_ENTRIES_PRESENT")
