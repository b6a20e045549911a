"""One door for every kind of sealed file: the content decides which verifier reads it, never the file's name.

Pure as every verifier of the house: bytes, trust list and time in, report out; never raises. A further kind of file is one further row
of ``VERIFIERS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
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
class Examined:
    """A verdict, and how the files inside that a seal protects are read from what was verified; None where this kind of file has none.

    ``read_files``: reports of seals over unchanged bytes in, in the order of preference; the report of the one that counts and the files by
    name out, None where none of them leads to any. Raises TrustError SEALED_FILES_REFUSED and of the kind of file.
    """

    report: Report
    read_files: Callable[[Sequence[SignatureReport]], tuple[SignatureReport, dict[str, bytes]] | None] | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """One kind of file: how it is recognised, and how it is verified."""

    media_type: str
    is_content: Callable[[bytes], bool]
    examine: Callable[[bytes, TrustList, datetime], Examined]


def _is_pdf(data: bytes) -> bool:
    return b"%PDF-" in data[:PDF_HEADER_WITHIN_BYTES]


def _examine_pdf(data: bytes, trust: TrustList, at: datetime) -> Examined:
    from seal_service.pdf.attachments import sealed_files
    from seal_service.pdf.verify import examine_pdf

    found = examine_pdf(data, trust, at, status=status_lists_of(trust, at))
    return Examined(found.report, None if found.document is None else partial(sealed_files, found.document, found.coverages))


def _is_ofd(data: bytes) -> bool:
    from seal_service.ofd.verify import is_ofd

    return is_ofd(data)


def _examine_ofd(data: bytes, trust: TrustList, at: datetime) -> Examined:
    from seal_service.ofd.attachments import sealed_files
    from seal_service.ofd.verify import examine_ofd

    found = examine_ofd(data, trust, at, status=status_lists_of(trust, at))
    return Examined(found.report, None if found.package is None else partial(sealed_files, found.package, found.signatures))


def _is_seal_data(data: bytes) -> bool:
    from seal_service.seal_data.seal_file import is_seal_data

    return is_seal_data(data)


def _examine_seal_data(data: bytes, trust: TrustList, at: datetime) -> Examined:
    from seal_service.seal_data.seal_file import verify_seal_data

    return Examined(verify_seal_data(data, trust, at, status=status_lists_of(trust, at)))


def status_lists_of(trust: TrustList, at: datetime) -> tuple[OpenedStatusList, ...]:
    """The status lists that the trust list carries, verified; a server asks many times within one second."""
    return _opened(trust, at.replace(microsecond=0)) if trust.status_lists else ()


@lru_cache(maxsize=4)
def _opened(trust: TrustList, at: datetime) -> tuple[OpenedStatusList, ...]:
    from seal_service.seal_data.status_list import open_status_lists

    return open_status_lists(trust.status_lists, trust, at)


VERIFIERS: Final[tuple[Verifier, ...]] = (
    Verifier(PDF, _is_pdf, _examine_pdf),
    Verifier(OFD, _is_ofd, _examine_ofd),
    Verifier(SES, _is_seal_data, _examine_seal_data),
)


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A verdict with what the seal answers for. ``seals``: the verdict on the seals alone, whatever the files inside are like.

    ``sealed_files``: the files inside, as the sealed revision has them, by name; None where no seal stands over unchanged bytes, or where they
    were refused, which ``report`` then says. ``seal`` is the report on the seal that they are read under, ``sealer_name`` and ``sealer_code``
    (credit code) whose seal that is by its certificate. Whether that certificate is trusted, ``seal`` says. ``shown_beside``: the others, by name,
    whose signatures show something on the pages.
    """

    report: Report
    seals: Report
    sealed_files: Mapping[str, bytes] | None = None
    seal: SignatureReport | None = None
    sealer_name: str | None = None
    sealer_code: str | None = None
    shown_beside: tuple[str, ...] = ()


def judge_file(data: bytes, trust: TrustList, at: datetime) -> JudgedFile:
    """Verify a PDF or OFD, and read the files inside it that a seal protects. Never raises on hostile input.

    Of several seals the first that is valid counts, where none is, the first over unchanged bytes. Files that are refused make the report
    invalid with ``SEALED_FILES_REFUSED``: a document that shows different files to different readers is none to rely on.
    """
    return judge_examined(examine_file(data, trust, at))


def judge_examined(examined: Examined) -> JudgedFile:
    """As :func:`judge_file`, of what was verified already."""
    report, read = examined.report, examined.read_files
    sound = [each for each in report.signatures if each.cryptographically_valid and each.document_intact and each.kind not in _NO_SEALS]
    candidates = sorted(sound, key=lambda each: each.verdict is not Verdict.VALID)
    if read is None or not candidates:
        return JudgedFile(report, report)
    try:
        found = read(candidates)
        if found is None:
            return JudgedFile(report, report)
        seal, files = found
        return JudgedFile(report, report, files, seal, *sealer_of(seal.signer_certificate_der), _shown_beside(report, seal))
    except TrustError as error:
        reason = str(error.facts.get("reason") or error.code)
    except Exception as error:  # noqa: BLE001 - the edge at which a verifier never raises: what causes unknown trouble is not relied on
        reason = type(error).__name__
    steps = (*report.steps, failed("SEALED_FILES_REFUSED", _INSIDE, reason=reason))
    return JudgedFile(Report(Verdict.INVALID, report.tampered, report.signatures, steps), report)


def _shown_beside(report: Report, seal: SignatureReport) -> tuple[str, ...]:
    """Whose signatures show something besides those of the seal's owner, each once."""
    own = sealer_of(seal.signer_certificate_der)
    found: dict[str, None] = {}
    for each in report.signatures:
        if each.is_shown and each.kind not in _NO_SEALS:
            name, code = sealer_of(each.signer_certificate_der)
            if each.signer_certificate_der is None or (code != own[1] if code or own[1] else name != own[0]):
                found[name or code or each.signer or each.name] = None
    return tuple(found)


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


def media_type_of(data: bytes) -> str | None:
    """The media type of the first verifier that knows this content; None where none does."""
    return next((verifier.media_type for verifier in VERIFIERS if verifier.is_content(data)), None)


def verify_file(data: bytes, trust: TrustList, at: datetime) -> Report:
    """Verify a file of any known kind under ``trust`` as of ``at`` (aware UTC).

    Content that no verifier knows is indeterminate with ``FORMAT_UNSUPPORTED``: nothing was shown about it, neither good nor bad.
    """
    return examine_file(data, trust, at).report


def examine_file(data: bytes, trust: TrustList, at: datetime) -> Examined:
    """As :func:`verify_file`, for those who go on with :func:`judge_examined`."""
    for verifier in VERIFIERS:
        if verifier.is_content(data):
            return verifier.examine(data, trust, at)
    step = not_checked("FORMAT_UNSUPPORTED", "own rule", supported=", ".join(verifier.media_type for verifier in VERIFIERS))
    return Examined(Report(Verdict.INDETERMINATE, None, (), (step,)))
