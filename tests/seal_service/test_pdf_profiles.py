"""The profiles of a sealed PDF as the action makes them: the default by the seal, the others by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.verify_document import verify_document
from standards.errors import TrustError
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.seal_service.pdf.documents import build, page_objects
from tests.seal_service.pdf.sealing import signatures
from yinxin.demo.document import draw_document

if TYPE_CHECKING:
    from seal_service.model import Seal

USER = User("cl_a", "client:cl_a")
ORDER = SealOrder(draw_document(), page=1, x_mm=150, y_mm=60)
FIELD = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Approval)/Rect[100 400 200 500]/P 3 0 R>>"
KINDS = {None: "pdf-cms+ses", "pades+ses": "pdf-cms+ses", "pades": "pdf-cms", "ses": "pdf-ses"}


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


@pytest.mark.parametrize("is_timestamped", [False, True])
@pytest.mark.parametrize("profile", KINDS)
def test_a_document_is_sealed_in_the_profile_that_was_asked_for(
    house: House, seal: Seal, profile: str | None, is_timestamped: bool
) -> None:
    sealed = seal_document(house.context, USER, seal.id, replace(ORDER, profile=profile, is_timestamped=is_timestamped))
    found = verify_document(house.context, sealed.content, at=datetime.now(UTC))
    assert (found.verdict, found.tampered, found.signatures[0].kind) == (Verdict.VALID, False, KINDS[profile])
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "done"]


def test_the_names_of_a_seal_alone_come_from_the_settings(house: House, seal: Seal) -> None:
    settings = replace(house.context.settings, pdf_ses_filter="Vendor.Filter", pdf_ses_subfilter="Vendor.SES")
    sealed = seal_document(replace(house.context, settings=settings), USER, seal.id, replace(ORDER, profile="ses"))
    (value,) = signatures(sealed.content).values()
    assert (value["/Filter"], value["/SubFilter"]) == ("/Vendor.Filter", "/Vendor.SES")
    assert verify_document(house.context, sealed.content, at=datetime.now(UTC)).verdict is Verdict.VALID


@pytest.mark.parametrize("drawn", [b"true", b"false", b"null"])
def test_that_a_form_may_hide_the_seal_is_told(house: House, seal: Seal, drawn: bytes) -> None:
    """With /NeedAppearances poppler draws signature fields anew, without their picture."""
    document = build(page_objects(b"/Annots[7 0 R]", b"/AcroForm<</Fields[7 0 R]/NeedAppearances %s>>" % drawn) | {7: FIELD})
    told = ("SEAL_MAY_BE_HIDDEN",) if drawn == b"true" else ()
    for order in (replace(ORDER, document=document), replace(ORDER, document=document, field="Approval", page=None, x_mm=None, y_mm=None)):
        assert seal_document(house.context, USER, seal.id, order).warnings == told
    assert seal_document(house.context, USER, seal.id, SealOrder(document)).warnings == ()  # it has no picture


def test_an_unknown_profile_is_refused_and_a_seal_without_data_only_signs(house: House, seal: Seal) -> None:
    with pytest.raises(TrustError) as refused:
        seal_document(house.context, USER, seal.id, replace(ORDER, profile="xades"))
    assert refused.value.code == "FIELD_UNACCEPTABLE"
    house.sql("UPDATE seal_seals SET seal_data_der = NULL, version = version + 1")
    sealed = seal_document(house.context, USER, seal.id, ORDER)
    assert verify_document(house.context, sealed.content, at=datetime.now(UTC)).signatures[0].kind == "pdf-cms"
    with pytest.raises(TrustError) as refused:
        seal_document(house.context, USER, seal.id, replace(ORDER, profile="pades+ses"))
    assert refused.value.code == "SEAL_WITHOUT_SEAL_DATA"
    uses = house.rows("SELECT state FROM seal_uses")
    assert uses == [("done",)]  # what is refused while preparing leaves no intent
