"""What one signature protects: the digests of the files it lists, and the files of its document that it does not list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from crypto import digests
from crypto.report import Step, failed, not_checked, passed, warned
from standards import gbt33560_oids as oids
from standards.errors import MalformedError
from standards.gbt33190_ofd.graph import Role
from standards.gbt33190_ofd.locations import Found, find, folder_of
from standards.gbt33190_ofd.signatures import DigestMethod, read_digest_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Container as Names

    from seal_service.ofd.package import OfdPackage
    from standards.gbt33190_ofd.graph import Body, Reached
    from standards.gbt33190_ofd.signatures import ProtectedFile, SignatureDescription

REFERENCES: Final = "GB/T 33190-2016 18.2.2"
REACH: Final = "GM/T 0099-2020 7.4"
_SM3_BYTES: Final = 32
_LIMITS: Final = frozenset({"too-large", "ratio", "total-too-large", "method"})


@dataclass(slots=True)
class Coverage:
    """The findings. ``listed`` are the members the signature refers to, ``covered`` those whose digest matches as well.

    ``is_intact``: every listed digest matches by a digest that proves something; False where one does not; None where it is not known.
    """

    steps: list[Step] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    covered: set[str] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    is_intact: bool | None = None


def check_references(package: OfdPackage, description: SignatureDescription, signature_path: str) -> Coverage:
    """Compare every protected file with the digest the signature states for it."""
    coverage = Coverage()
    method = _method(description, coverage)
    undecided = method is None or digests.is_weak(method.oid) or not description.references
    if not description.references:
        coverage.steps.append(not_checked("REF_NONE", REFERENCES))
    for reference in description.references:
        found = _find(package, reference, signature_path, coverage)
        if found is None:
            continue
        undecided = not _compare(package, reference, found, method, coverage) or undecided
    if coverage.changed:
        coverage.is_intact = False
    elif not undecided:
        coverage.is_intact = True
        coverage.steps.append(passed("REF_HASH_OK", REFERENCES, count=len(description.references)))
    return coverage


def _method(description: SignatureDescription, coverage: Coverage) -> DigestMethod | None:
    stated = description.check_method
    if stated is None and description.references and all(len(each.check_value or b"") == _SM3_BYTES for each in description.references):
        # By the standard this is MD5, whose digests have half the length: the writer left the attribute out
        coverage.steps.append(warned("REF_DIGEST_UNSTATED", REFERENCES))
        return DigestMethod(oids.SM3, is_alias=False)
    method = read_digest_method(stated)
    if method is None:
        coverage.steps.append(not_checked("REF_DIGEST_UNKNOWN", REFERENCES, algorithm=str(stated)[:60]))
    elif digests.is_weak(method.oid):
        coverage.steps.append(not_checked("REF_DIGEST_WEAK", REFERENCES, algorithm=stated or "MD5"))
    elif method.is_alias:
        coverage.steps.append(warned("REF_DIGEST_ALIAS", REFERENCES, algorithm=stated))
    return method


def _find(package: OfdPackage, reference: ProtectedFile, signature_path: str, coverage: Coverage) -> Found | None:
    try:
        found = find(package.container, reference.location, folder_of(signature_path), ("",))
    except MalformedError as error:
        coverage.steps.append(failed("BAD_PATH", REFERENCES, path=reference.location[:80], reason=error.facts.get("reason")))
        coverage.changed.append(reference.location[:80])
        return None
    if found.path is None:
        coverage.steps.append(failed("REF_MISSING", REFERENCES, path=f"/{found.wanted}"))
        coverage.changed.append(found.wanted)
        return None
    if found.variant is not None:
        coverage.steps.append(warned("OFD_LOCATION_VARIANT", REFERENCES, path=found.path, by=signature_path, reason=found.variant))
    coverage.listed.add(found.path)
    return found


def _compare(package: OfdPackage, reference: ProtectedFile, found: Found, method: DigestMethod | None, coverage: Coverage) -> bool:
    """Whether the comparison could be made; its outcome goes into ``coverage``."""
    path = str(found.path)
    shown = f"/{path}"
    if path in package.container.duplicates:
        coverage.steps.append(failed("DUPLICATE_ENTRY", REFERENCES, path=shown, reason="protected"))
        return False
    if method is None:
        return False
    if reference.check_value is None:
        coverage.steps.append(failed("REF_HASH_BAD", REFERENCES, path=shown, reason="check-value"))
        coverage.changed.append(path)
        return True
    try:
        actual = package.digest(path, method.oid)
    except MalformedError as error:
        reason = str(error.facts.get("reason"))
        if reason in _LIMITS:
            coverage.steps.append(not_checked("REF_NOT_CHECKED", REFERENCES, path=shown, reason=reason))
            return False
        coverage.steps.append(failed("REF_HASH_BAD", REFERENCES, path=shown, reason=reason))
        coverage.changed.append(path)
        return True
    if actual != reference.check_value:
        coverage.steps.append(failed("REF_HASH_BAD", REFERENCES, path=shown, reason="digest"))
        coverage.changed.append(path)
        return True
    others = [other for other in found.others if not _has_digest(package, other, method, actual)]
    if others:
        # Which of them was signed depends on where the reader starts: a copy of it hides that the other is a different one now
        coverage.steps.append(not_checked("REF_NOT_CHECKED", REFERENCES, path=f"/{others[0]}", reason="another-place"))
        return False
    coverage.listed.update(found.others)
    coverage.covered.update((path, *found.others))
    return True


def _has_digest(package: OfdPackage, path: str, method: DigestMethod, wanted: bytes) -> bool:
    try:
        return package.digest(path, method.oid) == wanted
    except MalformedError:
        return False


def check_reach(package: OfdPackage, body: Body, listed: Names[str], exempt: Names[str], *, strict: bool) -> list[Step]:
    """Every file a reader of this document comes to must be listed by the signature.

    ``OFD.xml`` outside is common in genuine files and only said: what it states, and which version it chooses, is then not proven.
    """
    steps: list[Step] = []
    entry = package.graph.entry_name
    if entry not in listed:
        steps.append(warned("OFD_ENTRY_UNPROTECTED", REACH, path=entry))
    make = failed if strict else not_checked
    steps += [unprotected(make, reached) for reached in open_files(body, listed, exempt)]
    steps.extend(
        warned("OFD_OLDER_VERSION_UNPROTECTED", REACH, path=path) for path in body.older if path not in listed and path not in exempt
    )
    return steps


def open_files(body: Body, listed: Names[str], exempt: Names[str]) -> Iterator[Reached]:
    """What a reader of this document comes to and nothing protects. ``exempt``, the signatures' own files, may be among those that a version
    lists; one that is a part, a picture or an attachment as well is shown as any other: a list of signatures can be a document besides.
    """
    for path, reached in body.reached.items():
        if path not in listed and (path not in exempt or reached.role is not Role.LISTED):
            yield reached


def unprotected(make: Callable[..., Step], reached: Reached) -> Step:
    """The step on one of them."""
    return make("UNPROTECTED_REACHABLE", REACH, path=reached.path, by=", ".join(reached.by)[:200])
