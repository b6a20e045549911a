"""What the page verifies on the server, for browsers that cannot do it themselves: files, codes, the status of a seal. Nothing is stored."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from crypto.report_json import write_report, write_time
from crypto.sm3 import sm3
from licence_vault import showings, uses
from licence_vault.actions.verify_printed_code import verify_printed_code
from licence_vault.verify_code import said_in
from licence_vault.verify_credential import is_credential
from seal_service.actions.publish_status import find_status
from seal_service.actions.verify_document import verify_document
from seal_service.errors import field_unacceptable
from standards.errors import TrustError
from standards.gbt36904_licence_number import ROOT_OID, NumberVerdict, examine_licence_number

if TYPE_CHECKING:
    from crypto.report import Report, Said
    from seal_service.actions.publish_status import StatusPublisher
    from seal_service.ports import PresentPerson
    from service_kit.composition import ServiceContext

HOLDERS_CODES: Final = (showings.CODE_PREFIX, uses.CODE_PREFIX)  # what holders show or hand out: for offices with permission
_SEAL_CODE: Final = re.compile(r"[0-9]{14}")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: a report with what the code (``claims``) or the licence (``says``) says, or one line about a number. ``digest``: SM3 of
    the file, hexadecimal.
    ``line``: key of a text, with its tone and facts.
    """

    report: dict[str, Any] | None = None
    digest: str = ""
    claims: dict[str, str] | None = None
    says: dict[str, str] | None = None
    line: str = ""
    tone: str = ""
    code: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class CheckDesk:
    """What verifying needs. ``publisher``: the present status of the seals made here; None where the seal service is elsewhere."""

    context: ServiceContext
    publisher: StatusPublisher | None
    has_licences: bool

    def check_file(self, name: str, document: bytes, language: str, *, holder: PresentPerson | None = None) -> Checked:
        """The verdict on a file, by the very verifier of ``POST /v1/verifications``. ``holder``: who is there; is it he who holds it?"""
        checked = self._checked(name, verify_document(self.context, document, publisher=self.publisher, holder=holder), language)
        return replace(checked, digest=sm3(document).hex())

    def check_text(self, text: str, language: str, *, holder: PresentPerson | None = None) -> Checked:
        """What somebody typed or scanned: the address in a code, a credential, the code of a seal, the identifier of a licence.

        ``holder``: of a credential, as for a file. Nothing else answers that question, so with it the rest is refused: FIELD_UNACCEPTABLE.
        """
        text = text.strip()
        is_of_holders = is_credential(text.encode("ascii", "replace"))
        if holder is not None and not is_of_holders:
            raise field_unacceptable("holder_name", "with a file or a credential only")
        if _SEAL_CODE.fullmatch(text):
            return self._check_seal(text)
        if text.startswith(HOLDERS_CODES):
            return Checked(line="code_shown", tone="unknown")
        if text.startswith(ROOT_OID + "."):
            is_good = examine_licence_number(text).verdict is not NumberVerdict.INVALID
            return Checked(line="number_only" if is_good else "number_wrong", tone="unknown" if is_good else "bad")
        if is_of_holders:
            return self.check_file("", text.encode("ascii", "replace"), language, holder=holder)
        if "#" in text and self.has_licences:
            found = verify_printed_code(self.context, text)
            return self._checked("", found.report, language, None if found.claims is None else claims_shown(said_in(found.claims)))
        return Checked(line="code_unclear" if text else "code_empty", tone="unknown")

    def _checked(self, name: str, report: Report, language: str, claims: dict[str, str] | None = None) -> Checked:
        says = None if report.says is None else claims_shown(report.says)
        return Checked(write_report(name, report, language), claims=claims, says=says)

    def _check_seal(self, code: str) -> Checked:
        try:
            record = find_status(self.context, code)
        except TrustError as error:
            if error.code != "SEAL_NOT_FOUND":
                raise
            return Checked(line="seal_unknown", tone="unknown", code=code)
        tone = "ok" if record.status == 0 else "bad"
        return Checked(line=f"seal_status_{int(record.status)}", tone=tone, code=code, since=write_time(record.since) or "")


def claims_shown(said: Said) -> dict[str, str]:
    """Which licence it is, in the order in which it is compared with the face; an end that does not come is empty, what is not told is left out."""
    shown = {
        "name": said.name,
        "number": said.number,
        "holders": None if said.holders is None else "、".join(said.holders),
        "issuer": said.issuer,
        "issuedOn": None if said.issued_on is None else said.issued_on.isoformat(),
        "validFrom": None if said.valid_from is None else said.valid_from.isoformat(),
        "validTo": said.valid_to.isoformat() if said.valid_to is not None else None if "valid_to" in said.untold else "",
        "identifier": said.identifier,
    }
    return {name: value for name, value in shown.items() if value is not None}
