"""What changed after sealing: the sealed revision, the verifier's list of changes, and pictures of the pages that look different."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.report import Outcome
from seal_service.errors import document_not_extendable
from seal_service.pdf.sealed_revision import compare_pages, find_sealed_revision
from seal_service.verify import PDF, media_type_of, verify_file

if TYPE_CHECKING:
    from crypto.report import Step
    from seal_service.pdf.sealed_revision import PageChanges
    from service_kit.composition import ServiceContext


@dataclass(frozen=True, slots=True)
class ShownChanges:
    """``name``: of the signature; ``is_tampered`` and ``steps``: what the verifier says of the changes after it; ``sealed``: the revision."""

    name: str
    sealed: bytes
    is_tampered: bool | None
    steps: tuple[Step, ...]
    pages: PageChanges


def sealed_revision(context: ServiceContext, document: bytes, *, field: str | None = None) -> tuple[str, bytes]:
    """The name of a signature and the bytes as they were sealed. Raises TrustError SEALED_REVISION_LOST, DOCUMENT_NOT_EXTENDABLE, PDF_*."""
    if media_type_of(document) != PDF:
        raise document_not_extendable("no PDF")
    return find_sealed_revision(document, context.clock.now(), field=field)


def show_changes(context: ServiceContext, document: bytes, *, field: str | None = None) -> ShownChanges:
    """Compare a PDF with its sealed revision. Nothing is stored. Errors as in :func:`sealed_revision`."""
    name, sealed = sealed_revision(context, document, field=field)
    report = verify_file(document, context.trust(), context.clock.now())
    steps = [step for each in report.signatures if each.name == name for step in each.steps if step.outcome is not Outcome.PASS]
    changes = tuple(step for step in steps if step.code.startswith("PDF_"))
    return ShownChanges(name, sealed, report.tampered, changes, compare_pages(sealed, document))
