"""The two halves of sealing a document around the signature itself, the same whether the key is here or with its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.certificates import Certificate
from crypto.report import Outcome, Verdict
from seal_service.actions.prepare_ofd import prepare_ofd
from seal_service.actions.prepare_pdf import prepare_pdf
from seal_service.actions.record_use import see_seal
from seal_service.actions.seal_order import B_B, B_LT, B_LTA
from seal_service.errors import (
    document_tampered,
    own_check_failed,
    seal_not_usable,
    text_unacceptable,
    time_stamp_not_configured,
)
from seal_service.model import USABLE, DocumentForm
from seal_service.ofd.verify import examine_ofd
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.long_term import make_long_term
from seal_service.pdf.sealing_rules import is_filled
from seal_service.verify import OFD, examine_file, media_type_of, status_lists_of, verify_file
from standards.uax9_plain_text import is_plain_text

if TYPE_CHECKING:
    from crypto.report import Report
    from crypto.trust_list import TrustList
    from seal_service.actions.record_use import User
    from seal_service.actions.seal_order import Draft, SealMeans, SealOrder
    from seal_service.model import Seal
    from seal_service.ofd.package import OfdPackage
    from seal_service.verify import Examined
    from service_kit.composition import ServiceContext


SIGNATURE_MARK: Final = b"ByteRange"  # stands in clear in every PDF that an honest program signed


@dataclass(frozen=True, slots=True)
class CheckedWishes:
    """What an order comes to. ``package``: an OFD that nobody has signed yet, as it was opened to find that out; else None."""

    form: DocumentForm
    is_timestamped: bool
    package: OfdPackage | None = None


@dataclass(frozen=True, slots=True)
class FinishedDocument:
    """A sealed document, and what our own verifier found in it under the trust list of this deployment."""

    content: bytes
    examined: Examined


def form_of(document: bytes) -> DocumentForm:
    """PDF, or OFD."""
    return DocumentForm.OFD if media_type_of(document) == OFD else DocumentForm.PDF


def seal_for_document(context: ServiceContext, user: User, seal_id: str, order: SealOrder) -> tuple[Seal, Certificate]:
    """The seal and its certificate, if this user may use it and it is in use, or if the order may have been answered before. Asked before a document is read;
    decided where the intent is recorded. SEAL_NOT_FOUND, SEAL_NOT_ACTIVE.
    """
    seal = see_seal(context, user, seal_id)
    if seal.certificate_der is None or (seal.state is not USABLE and order.idempotency_key is None):
        raise seal_not_usable(seal_id, seal.state)
    return seal, Certificate.from_der(seal.certificate_der)


def check_wishes(context: ServiceContext, order: SealOrder, trust: TrustList) -> CheckedWishes:
    """Whether the order wants a time-stamp, and for what kind of document; what can be refused before anything is prepared is refused here.
    ``trust``: by which the signatures that are in it already are judged.

    Raises TrustError TIME_STAMP_NOT_CONFIGURED, FIELD_UNACCEPTABLE, DOCUMENT_TAMPERED.
    """
    is_timestamped = context.time_stamp is not None if order.is_timestamped is None else order.is_timestamped
    if order.level is not None:
        is_timestamped = order.level != B_B
    if is_timestamped and context.time_stamp is None:
        raise time_stamp_not_configured()
    for field, text in (("reason", order.reason), ("location", order.location)):
        if text is not None and not is_plain_text(text):
            raise text_unacceptable(field)
    form = form_of(order.document)
    if form is DocumentForm.OFD:
        at = context.clock.now()
        found = examine_ofd(order.document, trust, at, status=status_lists_of(trust, at))
        if found.report.tampered:
            raise document_tampered()
        return CheckedWishes(form, is_timestamped, None if found.report.signatures else found.package)
    if _may_be_signed(order.document) and verify_file(order.document, trust, context.clock.now()).tampered:
        raise document_tampered()
    return CheckedWishes(form, is_timestamped)


def _may_be_signed(document: bytes) -> bool:
    """Whether a PDF is to be verified before it is sealed. Who tampered with a signed one can write the names in it otherwise (/Byte#52ange):
    where no signature stands in clear, the form is asked whether one of its fields has a value.
    """
    if SIGNATURE_MARK in document:
        return True
    opened = PdfDocument.open(document)
    return not opened.is_encrypted and any(is_filled(field) for field in opened.signature_fields())


def draft_document(
    context: ServiceContext, means: SealMeans, order: SealOrder, form: DocumentForm, *, package: OfdPackage | None = None
) -> Draft:
    """The document with room for the signature, and what has to be signed. The same means and order give the same draft, byte for byte.

    ``package``: an OFD that nobody has signed yet, where it is open already.
    """
    ses_names = (context.settings.pdf_ses_filter, context.settings.pdf_ses_subfilter)
    if form is DocumentForm.OFD:
        return prepare_ofd(means, order, package=package)
    return prepare_pdf(means, order, ses_names=ses_names)


def finish_draft(
    context: ServiceContext, draft: Draft, order: SealOrder, signature: bytes, token: bytes | None, use_id: str, *, trust: TrustList
) -> FinishedDocument:
    """The whole document at the wished level, with what our own verifier found under ``trust``. Nothing that it does not call valid is given
    back: SEAL_SELF_CHECK_FAILED.
    """
    sealed = draft.finish(signature, token)
    if order.level in {B_LT, B_LTA}:
        stamp = context.time_stamp if order.level == B_LTA else None
        sealed = make_long_term(sealed, trust=trust, at=context.clock.now(), stamp=stamp)
    return FinishedDocument(sealed, _check(context, sealed, order, draft.name, use_id, trust))


def _check(context: ServiceContext, sealed: bytes, order: SealOrder, name: str, use_id: str, trust: TrustList) -> Examined:
    """Our own signature must be valid, and no earlier one may be worse off than before."""
    at = context.clock.now()
    examined = examine_file(sealed, trust, at)
    report = examined.report
    own = next((signature for signature in report.signatures if signature.name == name), None)
    if own is None or own.verdict is not Verdict.VALID:
        steps = report.steps if own is None else own.steps
        codes = [step.code for step in steps if step.outcome in {Outcome.FAIL, Outcome.NOT_CHECKED}]
        raise own_check_failed(use_id, " ".join(codes))
    if order.level == B_LTA and report.signatures[-1].verdict is not Verdict.VALID:
        raise own_check_failed(use_id, "DOCUMENT_TIME_STAMP")
    broken = _broken(report)
    if broken and broken - _broken(verify_file(order.document, trust, at)):
        raise own_check_failed(use_id, "EARLIER_SIGNATURE_BROKEN")
    return examined


def _broken(report: Report) -> set[str]:
    """What is wrong beside our own signature: the signatures that are invalid, and the failures that concern the whole document."""
    invalid = {signature.name for signature in report.signatures if signature.verdict is Verdict.INVALID}
    return invalid | {step.code for step in report.steps if step.outcome is Outcome.FAIL}
