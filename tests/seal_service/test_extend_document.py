"""Carrying documents on: recorded before and after, refused where it would make nothing better."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crypto.report import Verdict
from crypto.revocation import RevocationEvidence
from seal_service.actions import extend_document as module
from seal_service.actions.extend_document import extend_document
from seal_service.actions.record_use import User
from standards.errors import TrustError
from tests.seal_service.pdf.documents import reportlab_document
from tests.seal_service.test_seal_document import do, report, seal  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from seal_service.model import Seal
    from tests.seal_service.house import House

USER = User("cl_a", "client:cl_a")


def _refused(house: House, document: bytes) -> str:
    with pytest.raises(TrustError) as refused:
        extend_document(house.context, USER, document)
    return refused.value.code


def _outcomes(house: House) -> list[str]:
    return [outcome for action, outcome, _ in house.entries() if action == "document.extend"]


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_every_level_is_released_valid_and_carried_on(house: House, seal: Seal, level: str) -> None:  # noqa: F811
    sealed = do(house, seal, level=level).content
    assert report(house, sealed).verdict is Verdict.VALID
    assert (b"/DSS" in sealed) == (level in {"B-LT", "B-LTA"})
    extended = extend_document(house.context, USER, sealed, evidence=RevocationEvidence(crls=house.pki.crls()))
    assert extended.content.startswith(sealed)
    assert report(house, extended.content).verdict is Verdict.VALID
    assert _outcomes(house) == ["intended", "done"]


def test_what_is_not_valid_is_not_carried_on(house: House, seal: Seal) -> None:  # noqa: F811
    from yinxin.demo.forgery import forge_amount

    sealed = do(house, seal).content
    assert _refused(house, forge_amount(sealed)) == "DOCUMENT_TAMPERED"
    assert _refused(house, reportlab_document()) == "DOCUMENT_NOT_EXTENDABLE"
    assert _refused(house, b"PK no pdf") == "DOCUMENT_NOT_EXTENDABLE"
    assert not [action for action, _, _ in house.entries() if action == "document.extend"]


def test_without_an_authority_there_is_no_long_term(house: House, seal: Seal) -> None:  # noqa: F811
    sealed = do(house, seal).content
    bare = replace(house.context, time_stamp=None)
    with pytest.raises(TrustError, match="TIME_STAMP_NOT_CONFIGURED"):
        extend_document(bare, USER, sealed)
    with pytest.raises(TrustError, match="TIME_STAMP_NOT_CONFIGURED"):
        do(replace(house, context=bare), seal, level="B-LT")


def test_a_bad_time_stamp_is_not_released(house: House, seal: Seal) -> None:  # noqa: F811
    """An authority that gives tokens over something else: neither sealing nor extending lets the result out."""
    sealed = do(house, seal).content
    stamp = house.context.time_stamp
    assert stamp is not None
    broken = replace(house.context, time_stamp=lambda data: stamp(data if len(data) < 100 else b"else"))
    with pytest.raises(TrustError) as refused:
        extend_document(broken, USER, sealed)
    assert refused.value.code == "SEAL_SELF_CHECK_FAILED"
    assert _outcomes(house) == ["intended", "voided"]
    with pytest.raises(TrustError) as refused:
        do(replace(house, context=broken), seal, level="B-LTA")
    assert refused.value.facts["steps"] == "DOCUMENT_TIME_STAMP"
    assert module.ACTION == "document.extend"


def test_an_authority_that_breaks_down_leaves_no_intent_open(house: House, seal: Seal) -> None:  # noqa: F811
    sealed = do(house, seal).content

    def break_down(_data: bytes) -> bytes:
        raise OSError("synthetic")

    with pytest.raises(OSError, match="synthetic"):
        extend_document(replace(house.context, time_stamp=break_down), USER, sealed)
    assert _outcomes(house) == ["intended", "voided"]
    extend_document(house.context, USER, sealed, evidence=RevocationEvidence(crls=house.pki.crls()))
    assert _outcomes(house) == ["intended", "voided", "intended", "done"]
