"""Verifying an OFD document: every seal and signature on its own, what each protects, and what nothing protects.

Pure: bytes, trust list and time in, report out. A value binds ``Signature.xml``, that file binds the files it lists, and a reader shows
what ``OFD.xml`` leads to; a document is as good as the weakest of the three. Whatever cannot be decided says so and is never valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.report import Outcome, Report, SignatureReport, Step, failed, not_checked, passed, verdict_of, warned, worst
from seal_service.ofd.coverage import REACH, check_reach, check_references, open_files, unprotected
from seal_service.ofd.findings import PACKAGE, STRUCTURE, condense, package_steps, trouble_steps
from seal_service.ofd.integrity import has_entries, verify_entries
from seal_service.ofd.listing import DESCRIPTION, LIST, OfdSignature, find_unlisted, list_signatures, take_up_unlisted
from seal_service.ofd.package import OfdPackage
from seal_service.ofd.signature_values import Setting, check_statements, kind_of, verify_value
from seal_service.ofd.stamps import check_stamps
from standards.errors import MalformedError, TrustError
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import ENTRY_NAME, Graph
from standards.gbt33190_ofd.limits import MAX_SIGNED_VALUE_BYTES, MAX_XML_BYTES
from standards.gbt33190_ofd.xml_parts import REFUSED, is_read_alike
from standards.gbt33190_ofd.zip_records import read_directory
from standards.gmt0099_ofd import ENCRYPTIONS_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crypto.trust_list import TrustList
    from seal_service.ofd.signature_values import ValueResult
    from seal_service.seal_data.status_list import OpenedStatusList

_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_ENTRY: Final = ENTRY_NAME.encode().lower()


@dataclass(frozen=True, slots=True)
class ExaminedOfd:
    """A verdict with the package it is on and its signatures, as they were read for it; ``package`` is None where it could not be read."""

    report: Report
    package: OfdPackage | None = None
    signatures: tuple[OfdSignature, ...] = ()


def is_ofd(data: bytes) -> bool:
    """Whether this content may be an OFD document: a ZIP archive from its first byte on with an entry ``OFD.xml``, in any case."""
    if not data.startswith(_STARTS):
        return False
    try:
        return any(record.name.lower() == _ENTRY for record in read_directory(data).records)
    except MalformedError:
        return _ENTRY in data.lower()


def verify_ofd(data: bytes, trust: TrustList, at: datetime, *, status: Sequence[OpenedStatusList] = (), strict: bool = False) -> Report:
    """Verify every signature of an OFD document under ``trust`` as of ``at`` (aware UTC). Never raises.

    A document without signatures is indeterminate with ``OFD_NOT_SIGNED``; one that cannot be read with ``OFD_UNREADABLE``. ``strict``
    applies the letter of the texts: files that nothing protects fail, and so do seals that have expired since.
    """
    return examine_ofd(data, trust, at, status=status, strict=strict).report


def examine_ofd(
    data: bytes, trust: TrustList, at: datetime, *, status: Sequence[OpenedStatusList] = (), strict: bool = False
) -> ExaminedOfd:
    """As :func:`verify_ofd`, for those who go on reading what was verified."""
    try:
        return _verify(data, Setting(trust, at, tuple(status), strict))
    except TrustError as error:
        reason = _reason(error)
    except Exception as error:  # noqa: BLE001 - the edge at which a verifier never raises: unknown trouble is "not decided"
        reason = type(error).__name__
    return ExaminedOfd(_without_signatures([not_checked("OFD_UNREADABLE", PACKAGE, reason=reason)]))


def _reason(error: TrustError) -> str:
    return str(error.facts.get("reason") or error.code)


def _without_signatures(steps: list[Step]) -> Report:
    shown = condense(steps)
    return Report(verdict_of(shown), None, (), shown)


def _verify(data: bytes, setting: Setting) -> ExaminedOfd:
    container = Container(data)
    steps = package_steps(container.irregularities)
    if container.name_like(ENCRYPTIONS_NAME) is not None:
        steps.append(not_checked("OFD_ENCRYPTED", "GM/T 0099-2020 7.3"))
    package = OfdPackage(container, Graph(container))
    failure = package.graph.failure
    if failure is not None:
        make = failed if failure.code in REFUSED else not_checked
        steps.append(make("OFD_UNREADABLE", STRUCTURE, reason=_reason(failure)))
    signatures = list_signatures(package, steps)
    signatures += take_up_unlisted(package, signatures)
    for signature in signatures:
        _check(package, signature, setting)
    exempt = {path for signature in signatures for path in signature.own_files}
    for signature in signatures:
        _check_reach(package, signature, exempt, strict=setting.strict)
    _check_locks(signatures)
    reports = [_report(signature) for signature in signatures]
    steps += trouble_steps(package.graph.troubles)
    if has_entries(package):
        proven = {
            path
            for signature, report in zip(signatures, reports, strict=True)
            if report.cryptographically_valid and report.document_intact
            for path in signature.coverage.covered
        }
        report, own_files = verify_entries(package, setting, proven, exempt)
        reports.append(report)
        exempt |= own_files
    if not reports:
        return ExaminedOfd(_without_signatures(steps if failure is not None else [not_checked("OFD_NOT_SIGNED", LIST), *steps]), package)
    if signatures:
        steps += _check_rest(package, signatures, exempt, strict=setting.strict)
    shown = condense(steps)
    verdicts = [report.verdict for report in reports] + ([verdict_of(shown)] if shown else [])
    return ExaminedOfd(Report(worst(verdicts), _is_tampered(reports, shown), tuple(reports), shown), package, tuple(signatures))


def _check(package: OfdPackage, signature: OfdSignature, setting: Setting) -> None:
    """All checks of one signature by itself. What is missing for one leaves the others to be made."""
    description, original = signature.description, signature.original
    if description is None:
        if original is not None and signature.value_path is not None:
            _check_value(package, signature, signature.value_path, original, setting)
        return
    signature.coverage = check_references(package, description, signature.path)
    signature.steps += signature.coverage.steps
    signature.steps += check_stamps(description.stamps, signature.body)
    if signature.value_path is None:
        signature.steps.append(failed("SIGNED_VALUE_MISSING", DESCRIPTION, path=description.value_location))
        return
    result = _check_value(package, signature, signature.value_path, original or b"", setting)
    if result is None:
        return
    signature.steps += check_statements(result, signature.path, description.signature_method, description.stated_time)
    if signature.seal_path is not None and result.seal_raw is not None:
        step = _check_seal_file(package, signature.seal_path, result.seal_raw)
        signature.is_seal_in_value = step.outcome is Outcome.PASS
        signature.steps.append(step)


def _check_reach(package: OfdPackage, signature: OfdSignature, exempt: set[str], *, strict: bool) -> None:
    """What a reader comes to and the signature does not protect. So too what another reader takes for a description, a value or a seal, and a
    seal file of which its value, having no seal, says nothing.
    """
    if signature.description is None:
        return
    listed = signature.coverage.listed
    signature.steps += check_reach(package, signature.body, listed, exempt, strict=strict)
    result, path = signature.result, signature.seal_path
    shown = dict(signature.other_files)
    if result is not None and result.seal_raw is None and path is not None:
        shown[path] = signature.path
    make = failed if strict else not_checked
    signature.steps += [
        make("UNPROTECTED_REACHABLE", REACH, path=path, by=by)
        for path, by in shown.items()
        if path not in listed and path not in signature.body.reached
    ]


def _check_value(package: OfdPackage, signature: OfdSignature, path: str, original: bytes, setting: Setting) -> ValueResult | None:
    try:
        value = package.container.read(path, MAX_SIGNED_VALUE_BYTES)
    except MalformedError as error:
        signature.steps.append(failed("SIGNED_VALUE_UNREADABLE", DESCRIPTION, path=path, reason=_reason(error)))
        return None
    stated_time = "" if signature.description is None else signature.description.stated_time
    result = signature.result = verify_value(value, signature.kind, original, stated_time, setting)
    signature.steps += result.steps
    return result


def _check_seal_file(package: OfdPackage, path: str, seal_raw: bytes) -> Step:
    """The seal beside the value is what readers draw, so it must be the seal in the value, byte for byte."""
    try:
        is_same = package.container.read(path, MAX_SIGNED_VALUE_BYTES) == seal_raw
    except MalformedError:
        is_same = False
    return passed("SEAL_FILE_OK", DESCRIPTION, path=path) if is_same else failed("SEAL_FILE_MISMATCH", DESCRIPTION, path=path)


def _check_locks(signatures: list[OfdSignature]) -> None:
    """A signature that protects the list of signatures closes the document: whoever signs later breaks it."""
    for signature in signatures:
        coverage = signature.coverage
        if signature.list_path in coverage.covered:
            signature.steps.append(passed("OFD_DOCUMENT_LOCKED", LIST, path=signature.list_path))
        elif signature.list_path in coverage.changed:
            others = sum(other.list_path == signature.list_path for other in signatures) - 1
            signature.steps.append(failed("OFD_LOCK_BROKEN", LIST, path=signature.list_path, others=others))


def _report(signature: OfdSignature) -> SignatureReport:
    result, is_intact = signature.result, signature.coverage.is_intact
    if result is not None:
        if result.is_bound is False:
            is_intact = False
        elif result.cryptographically_valid is False and is_intact:
            is_intact = None  # the digests match, but nobody shown has signed them
    steps = condense(signature.steps)
    return SignatureReport(
        name=signature.path,
        kind=kind_of(signature.kind) if result is None else result.kind,
        verdict=verdict_of(steps),
        cryptographically_valid=None if result is None else result.cryptographically_valid,
        document_intact=is_intact,
        trusted=None if result is None else result.trusted,
        signer=None if result is None else result.signer,
        signed_at=None if result is None else result.signed_at,
        steps=steps,
        signer_certificate_der=None if result is None or result.signer_certificate is None else result.signer_certificate.der,
        is_shown=signature.description is not None and bool(signature.description.stamps),
    )


def _check_rest(package: OfdPackage, signatures: list[OfdSignature], exempt: set[str], *, strict: bool) -> list[Step]:
    """What concerns no single signature: documents that nobody signed, files that nobody uses, signatures that nobody lists."""
    unlisted = find_unlisted(package, signatures)
    covered = {path for signature in signatures for path in signature.coverage.covered}
    hiding = [name for name in package.container.members if name not in covered and package.container.hides_entry(name)]
    steps = [failed("OFD_CONTAINER_BAD", PACKAGE, path=name, reason="hidden-entry") for name in hiding]
    steps += unlisted.values()
    steps += _read_otherwise(package, covered)
    listed = {path for signature in signatures for path in signature.coverage.listed}
    protected = listed | exempt
    signed = {signature.body.index for signature in signatures}
    make = failed if strict else not_checked
    used = {package.graph.entry_name}
    for body in package.graph.bodies:
        used |= body.reached.keys() | body.older.keys() | set(body.signatures)
        if body.index not in signed:
            steps += [unprotected(make, reached) for reached in open_files(body, listed, exempt)]
    steps += [
        warned("UNPROTECTED_UNREFERENCED", REACH, path=name)
        for name in package.container.members
        if name not in protected and name not in used and name not in unlisted
    ]
    return steps


def _read_otherwise(package: OfdPackage, covered: set[str]) -> list[Step]:
    """What leads to documents and signatures, is protected by nobody, and reads as another text to some: it may lead them elsewhere."""
    graph = package.graph
    lists = {path for body in graph.bodies for path in body.signatures if graph.part(path, graph.entry_name) is not None}
    entries = {graph.entry_name} if graph.failure is None else set()
    return [
        not_checked("OFD_PART_UNREADABLE", STRUCTURE, path=path, by="", reason="encoding")
        for path in sorted((lists | entries) - covered)
        if not is_read_alike(package.container.read(path, MAX_XML_BYTES))
    ]


def _is_tampered(reports: list[SignatureReport], steps: tuple[Step, ...]) -> bool | None:
    """True where a change after signing is shown, False where every signature shows that there was none, else None."""
    if any(report.document_intact is False for report in reports) or any(step.code == "OFD_SIGNATURE_REMOVED" for step in steps):
        return True
    sound = all(report.document_intact and report.cryptographically_valid for report in reports)
    return False if sound and not any(step.outcome is Outcome.FAIL for step in steps) else None
