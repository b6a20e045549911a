"""The standard seal as a library: in an OFD, in a PDF, for the long term, and many in one document. CPU time of one pinned core.

Verifying is a server's case: the trust list, with its revocation lists, is the same from one document to the next.
"""

from __future__ import annotations

import statistics
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from benchmarks.library import PLACEMENT, one_page_document
from benchmarks.rounds import cpu_ms
from crypto.report import Verdict
from seal_service.ofd.verify import verify_ofd
from seal_service.pdf.placement import Placement
from seal_service.pdf.sealing_value import Profile
from service_kit.typefaces.cut import cut_face
from service_kit.typefaces.faces import brought_face
from standards.gbt33190_ofd.write import write_ofd
from standards.gbt33190_ofd.write_values import Document, Font, Page, Text
from tests.seal_service.ofd import documents as ofd_documents
from tests.seal_service.ofd import sealing as ofd_sealing
from tests.seal_service.pdf import long_term_setting, seals_inside
from tests.seal_service.pdf.sealing import AT as SEALED_AT
from tests.seal_service.pdf.sealing import pki

if TYPE_CHECKING:
    from collections.abc import Callable

    from crypto.report import Report

ROUNDS: Final = 5
FEW, MANY = 5, 20  # seals in one document: four times as many should take four times as long


def one_page_ofd() -> bytes:
    """A page of thirty lines of Chinese text with the subset of a face embedded."""
    line = "用于测量的样例文档，没有任何法律效力。第零一二三四五六七八九行"
    cut = cut_face(brought_face(), line)
    font = Font(cut.postscript_name, cut.family, cut.truetype, cut.advances_em, cut.ascent_em, cut.descent_em)
    texts = [Text(font, 4, 20, 20 + 8 * number, line) for number in range(30)]
    return write_ofd(Document("0" * 32, [Page(210, 297, texts)], title="benchmark", created_on=date(2026, 1, 1)))


def measure() -> dict[str, Any]:
    """Medians in milliseconds of CPU time; every result is verified and must be valid."""
    return {"ofd": _ofd(), "pdf": _pdf(), "long_term": _long_term(), "many_seals": _many_seals()}


def _ofd() -> dict[str, float]:
    """A seal of GB/T 38540 without a time-stamp, so that the figure is that of sealing alone; then verifying all of it."""
    plain, trust = one_page_ofd(), ofd_documents.pki().trust_list()
    sealed = ofd_sealing.seal(plain, timestamp=None)
    seal_ms = _median_ms(lambda: ofd_sealing.seal(plain, timestamp=None))
    verify_ms = _median_ms(lambda: _valid(verify_ofd(sealed, trust, ofd_documents.AT), "a sealed OFD"))
    return {"document_bytes": len(plain), "seal_ms": seal_ms, "seals_per_second": round(1000 / seal_ms, 1), "verify_ms": verify_ms}


def _pdf() -> dict[str, dict[str, float]]:
    """Each profile of a PDF: PAdES with the seal as a signed attribute, PAdES alone, the sealing value alone."""
    plain, trust, found = one_page_document(), pki().trust_list(), {}
    for profile in Profile:
        sealed = _sealed_pdf(plain, profile)
        found[profile.value] = {
            "seal_ms": _median_ms(lambda: _sealed_pdf(plain, profile)),  # noqa: B023 - called within the round
            "verify_ms": _median_ms(lambda: _valid(seals_inside.judged(sealed, trust=trust), f"a PDF of profile {profile}")),  # noqa: B023
        }
    return found


def _sealed_pdf(plain: bytes, profile: Profile) -> bytes:
    return seals_inside.sealed_with(profile, plain, placement=PLACEMENT)


def _long_term() -> dict[str, float]:
    """Adding the validation data and the document time-stamp to a sealed document, and verifying it when its certificate has long expired."""
    stamped = long_term_setting.sealed("B-T")
    complete = long_term_setting.extended(stamped, SEALED_AT)
    trust = long_term_setting.trust(long_term_setting.EXPIRED)
    return {
        "extend_to_b_lt_ms": _median_ms(lambda: long_term_setting.extended(stamped, SEALED_AT, with_stamp=False)),
        "extend_to_b_lta_ms": _median_ms(lambda: long_term_setting.extended(stamped, SEALED_AT)),
        "verify_b_lta_ms": _median_ms(
            lambda: _valid(long_term_setting.report(complete, long_term_setting.EXPIRED, trusted=trust), "a B-LTA")
        ),
    }


def _many_seals() -> dict[str, float]:
    """One document under few and under many seals; ``growth`` 1.0 is linear."""
    document, trust, times = one_page_document(), pki().trust_list(), {}
    for number in range(1, MANY + 1):
        place = Placement(1, 25 + 40 * (number % 5), 40 + 40 * (number // 5), 30, 30)
        document = seals_inside.sealed_with(Profile.PADES_SES, document, placement=place, field_name=f"Seal{number}")
        if number in {FEW, MANY}:
            held = document
            times[number] = _median_ms(lambda: _valid(seals_inside.judged(held, trust=trust), "a document of many seals"), repeat=3)  # noqa: B023
    growth = times[MANY] / times[FEW] / (MANY / FEW)
    return {f"verify_{FEW}_seals_ms": times[FEW], f"verify_{MANY}_seals_ms": times[MANY], "growth": round(growth, 2)}


def _median_ms(job: Callable[[], Any], repeat: int = 10) -> float:
    job()
    return round(statistics.median(cpu_ms(job, repeat) for _ in range(ROUNDS)), 3)


def _valid(report: Report, what: str) -> None:
    if report.verdict is not Verdict.VALID:
        raise SystemExit(
            f"{what} is {report.verdict}: {[step for each in report.signatures for step in each.steps if step.outcome != 'pass']}"
        )
