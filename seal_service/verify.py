"""One door for every kind of sealed file: the content decides which verifier reads it, never the file's name.

Pure as every verifier of the house: bytes, trust list and time in, report out; never raises. A further kind of file is one further row
of ``VERIFIERS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.report import Report, Verdict, failed, not_checked
from standards.errors import TrustError
from standards.gb32100_credit_code import is_credit_code
from standards.rfc5280_names import attribute_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from crypto.report import SignatureReport
    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList

PDF: Final = "application/pdf"
OFD: Final = "application/ofd"
SES: Final = "application/x-ses-seal"
ORGANISATION_IDENTIFIER: Final = "2.5.4.97"
_CODE_CHARACTERS: Final = 18
_INSIDE: Final = "ISO 19005-3 6.8, GB/T 33190-2016 20"
_NO_SEALS: Final = frozenset({"pdf-timestamp", "ofd-integrity"})  # they say when and what, not who stands for it
PDF_HEADER_WITHIN_BYTES: Final = 1024  # readers look for %PDF- this far (ISO 32000-1 implementation note 13)


@dataclass(frozen=True, slots=True)
class Verifier:
    """One kind of file: how it is recognised, and how it is verified."""

    media_type: str
    is_content: Callable[[bytes], bool]
    verify: Callable[[bytes, TrustList, datetime], Report]


def _is_pdf(data: bytes) -> bool:
    return b"%PDF-" in data[:PDF_HEADER_WITHIN_BYTES]


def _verify_pdf(data: bytes, trust: TrustList, at: datetime) -> Report:
    from seal_service.pdf.verify import verify_pdf

    return verify_pdf(data, trust, at, status=status_lists_of(trust, at))


def _is_ofd(data: bytes) -> bool:
    from seal_service.ofd.verify import is_ofd

    return is_ofd(data)


def _verify_ofd(data: bytes, trust: TrustList, at: datetime) -> Report:
    from seal_service.ofd.verify import verify_ofd

    return verify_ofd(data, trust, at, status=status_lists_of(trust, at))


def _is_seal_data(data: bytes) -> bool:
    from seal_service.seal_data.seal_file import is_seal_data

    return is_seal_data(data)


def _verify_seal_data(data: bytes, trust: TrustList, at: datetime) -> Report:
    from seal_service.seal_data.seal_file import verify_seal_data

    return verify_seal_data(data, trust, at, status=status_lists_of(trust, at))


def status_lists_of(trust: TrustList, at: datetime) -> tuple[OpenedStatusList, ...]:
    """The status lists that the trust list carries, verified; a server asks many times within one second."""
    return _opened(trust, at.replace(microsecond=0)) if trust.status_lists else ()


@lru_cache(maxsize=4)
def _opened(trust: TrustList, at: datetime) -> tuple[OpenedStatusList, ...]:
    from seal_service.seal_data.status_list import open_status_lists

    return open_status_lists(trust.status_lists, trust, at)


VERIFIERS: Final[tuple[Verifier, ...]] = (
    Verifier(PDF, _is_pdf, _verify_pdf),
    Verifier(OFD, _is_ofd, _verify_ofd),
    Verifier(SES, _is_seal_data, _verify_seal_data),
)


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A verdict with what the seal answers for. ``seals``: the verdict on the seals alone, whatever the files inside are like.

    ``sealed_files``: the files inside, as the sealed revision has them, by name; None where no seal stands over unchanged bytes, or where they
    were refused, which ``report`` then says. ``seal`` is the report on the seal that they are read under, ``sealer_name`` and ``sealer_code``
    (credit code) whose seal that is by its certificate. Whether that certificate is trusted, ``seal`` says.
    """

    report: Report
    seals: Report
    sealed_files: Mapping[str, bytes] | None = None
    seal: SignatureReport | None = None
    sealer_name: str | None = None
    sealer_code: str | None = None


def judge_file(data: bytes, trust: TrustList, at: datetime) -> JudgedFile:
    """Verify a PDF or OFD, and read the files inside it that a seal protects. Never raises on hostile input.

    Of several seals the first that is valid counts, where none is, the first over unchanged bytes. Files that are refused make the report
    invalid with ``SEALED_FILES_REFUSED``: a document that shows different files to different readers is none to rely on.
    """
    report = verify_file(data, trust, at)
    sound = [each for each in report.signatures if each.cryptographically_valid and each.document_intact and each.kind not in _NO_SEALS]
    candidates = sorted(sound, key=lambda each: each.verdict is not Verdict.VALID)
    read = _FILE_READERS.get(media_type_of(data) or "")
    if read is None or not candidates:
        return JudgedFile(report, report)
    try:
        found = read(data, candidates)
        if found is None:
            return JudgedFile(report, report)
        seal, files = found
        return JudgedFile(report, report, files, seal, *sealer_of(seal.signer_certificate_der))
    except TrustError as error:
        reason = str(error.facts.get("reason") or error.code)
    except Exception as error:  # noqa: BLE001 - the edge at which a verifier never raises: what causes unknown trouble is not relied on
        reason = type(error).__name__
    steps = (*report.steps, failed("SEALED_FILES_REFUSED", _INSIDE, reason=reason))
    return JudgedFile(Report(Verdict.INVALID, report.tampered, report.signatures, steps), report)


def sealer_of(certificate_der: bytes | None) -> tuple[str | None, str | None]:
    """Name and credit code of whom a certificate names.

    National convention for seals: O is the credit code followed by the name. Others give the name there, and the code as
    organizationIdentifier, with or without a prefix.
    """
    if certificate_der is None:
        return None, None
    certificate = Certificate.from_der(certificate_der)
    name = certificate.organisation or certificate.common_name
    if name is not None and is_credit_code(name[:_CODE_CHARACTERS]):
        return name[_CODE_CHARACTERS:] or None, name[:_CODE_CHARACTERS]
    identifier = (attribute_text(certificate.subject_der, ORGANISATION_IDENTIFIER) or "")[-_CODE_CHARACTERS:]
    return name, identifier if is_credit_code(identifier) else None


def _pdf_files(data: bytes, candidates: Sequence[SignatureReport]) -> tuple[SignatureReport, dict[str, bytes]] | None:
    from seal_service.pdf.attachments import sealed_files

    return sealed_files(data, candidates)


def _ofd_files(data: bytes, candidates: Sequence[SignatureReport]) -> tuple[SignatureReport, dict[str, bytes]] | None:
    from seal_service.ofd.attachments import sealed_files

    return sealed_files(data, candidates)


_FILE_READERS: Final = {PDF: _pdf_files, OFD: _ofd_files}


def media_type_of(data: bytes) -> str | None:
    """The media type of the first verifier that knows this content; None where none does."""
    return next((verifier.media_type for verifier in VERIFIERS if verifier.is_content(data)), None)


def verify_file(data: bytes, trust: TrustList, at: datetime) -> Report:
    """Verify a file of any known kind under ``trust`` as of ``at`` (aware UTC).

    Content that no verifier knows is indeterminate with ``FORMAT_UNSUPPORTED``: nothing was shown about it, neither good nor bad.
    """
    for verifier in VERIFIERS:
        if verifier.is_content(data):
            return verifier.verify(data, trust, at)
    step = not_checked("FORMAT_UNSUPPORTED", "own rule", supported=", ".join(verifier.media_type for verifier in VERIFIERS))
    return Report(Verdict.INDETERMINATE, None, (), (step,))
