"""The list against smuggled files of GM/T 0099-2020 (7.4): a signed list of all files of the package.

The list carries no digests. It shows that no file was added or taken away; that the files are as they were is shown only by signatures
over them, so without those the document stays undecided, whatever the list says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crypto.report import SignatureReport, Step, failed, not_checked, passed, verdict_of, warned
from seal_service.ofd.findings import condense
from seal_service.ofd.signature_values import verify_signed
from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_SIGNED_VALUE_BYTES, MAX_XML_BYTES
from standards.gbt33190_ofd.locations import find
from standards.gbt33190_ofd.xml_parts import read_xml
from standards.gmt0099_ofd import ENTRIES_NAME, read_entries

if TYPE_CHECKING:
    from collections.abc import Container as Names

    from seal_service.ofd.package import OfdPackage
    from seal_service.ofd.signature_values import Setting

INTEGRITY_KIND: Final = "ofd-integrity"
CLAUSE: Final = "GM/T 0099-2020 7.4"


def has_entries(package: OfdPackage) -> bool:
    """Whether the package has a list of its files."""
    return ENTRIES_NAME in package.container


def verify_entries(package: OfdPackage, setting: Setting, protected: Names[str], exempt: Names[str]) -> tuple[SignatureReport, set[str]]:
    """Verify the list; also the files that are part of it themselves.

    ``protected`` are the files whose content a sound signature proves, ``exempt`` the files of signatures, which may have come later.
    """
    own = {ENTRIES_NAME}
    try:
        data = package.container.read(ENTRIES_NAME, MAX_XML_BYTES)
        listed = read_entries(read_xml(data))
        value_at = find(package.container, listed.value_location, "")
    except MalformedError as error:
        step = failed("OFD_INTEGRITY_UNREADABLE", CLAUSE, path=ENTRIES_NAME, reason=str(error.facts.get("reason") or error.code))
        return _report(ENTRIES_NAME, (step,)), own
    steps: list[Step] = []
    names = _names(package, listed.files, steps)
    if value_at.path is None:
        steps.append(failed("SIGNED_VALUE_MISSING", CLAUSE, path=value_at.wanted))
        return _report(value_at.wanted, tuple(steps)), own
    own.add(value_at.path)
    unlisted = [name for name in package.container.members if name not in names and name not in own]
    for name in unlisted:
        # A signature may rightly be added behind the list; every other file was smuggled in
        make = warned if name in exempt else failed
        steps.append(make("OFD_INTEGRITY_UNLISTED", CLAUSE, path=name))
    if not any(step.code.startswith("OFD_INTEGRITY") or step.code == "BAD_PATH" for step in steps):
        steps.append(passed("OFD_INTEGRITY_LIST_OK", CLAUSE, count=len(names)))
    open_names = [name for name in names if name not in protected and name not in exempt]
    if open_names:
        steps.append(not_checked("OFD_INTEGRITY_NO_DIGESTS", CLAUSE, count=len(open_names), path=open_names[0]))
    try:
        value = package.container.read(value_at.path, MAX_SIGNED_VALUE_BYTES)
    except MalformedError as error:
        steps.append(failed("SIGNED_VALUE_UNREADABLE", CLAUSE, reason=error.facts.get("reason")))
        return _report(value_at.path, tuple(steps)), own
    result = verify_signed(value, data, setting, claimed_at=None)
    changed = result.is_bound is False or (bool(result.cryptographically_valid) and any(step.outcome == "fail" for step in steps))
    report = replace(
        _report(value_at.path, (*steps, *result.steps)),
        cryptographically_valid=result.cryptographically_valid,
        document_intact=False if changed else True if result.cryptographically_valid and not open_names else None,
        trusted=result.trusted,
        signer=result.signer,
        signed_at=result.signed_at,
    )
    return report, own


def _names(package: OfdPackage, locations: tuple[str, ...], steps: list[Step]) -> set[str]:
    """The listed files that are there; those that are not are a failure."""
    names = set()
    for location in locations:
        try:
            found = find(package.container, location, "")
        except MalformedError as error:
            steps.append(failed("BAD_PATH", CLAUSE, path=location[:80], reason=error.facts.get("reason")))
            continue
        if found.path is None:
            steps.append(failed("OFD_INTEGRITY_MISSING", CLAUSE, path=found.wanted))
        else:
            names.add(found.path)
    return names


def _report(name: str, steps: tuple[Step, ...]) -> SignatureReport:
    shown = condense(steps)
    return SignatureReport(name, INTEGRITY_KIND, verdict_of(shown), None, None, None, None, None, shown)
