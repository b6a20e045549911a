"""One door for every kind of sealed file: the content decides which verifier reads it, never the file's name.

Pure as every verifier of the house: bytes, trust list and time in, report out; never raises. A further kind of file is one further row
of ``VERIFIERS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from crypto.report import Report, Verdict, not_checked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from crypto.trust_list import TrustList
    from seal_service.seal_data.status_list import OpenedStatusList

PDF: Final = "application/pdf"
OFD: Final = "application/ofd"
SES: Final = "application/x-ses-seal"
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
