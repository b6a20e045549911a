"""Sealing OFD documents as callers do: through the action and over HTTP, with the same promises as for PDF."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from crypto.report import Report, Verdict
from seal_service.actions import draft_document as draft_document_module
from seal_service.actions.find_seals import load_result
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.prepare_ofd import LOCATION_OID, REASON_OID
from seal_service.actions.record_use import User
from seal_service.actions.seal_document import SealedDocument, seal_document
from seal_service.actions.seal_order import SealOrder
from seal_service.actions.verify_document import verify_document
from seal_service.places import EVERY, Edge, Place, Seam
from seal_service.verify import Examined, examine_file
from service_kit import fail_points
from standards.errors import TrustError
from standards.gbt33190_ofd.signatures import StampPlace, read_signature
from standards.gbt33190_ofd.xml_parts import read_xml
from standards.gbt38540_seal.read import read_seal_signature
from tests.seal_service.house import CREDIT_CODE, ORGANISATION, House, caller
from tests.seal_service.ofd.documents import PAGE, SIGNATURE, VALUE, Signing, sign
from tests.seal_service.ofd.sealing import files_of
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import part, plain_files
from tests.watched_steps import watch_steps

if TYPE_CHECKING:
    from crypto.trust_list import TrustList
    from seal_service.model import Seal

USER = User("cl_a", "client:cl_a")
WORDS = (
    '<o:Content><o:Layer ID="60"><o:TextObject ID="61" Boundary="85 108.5 40 9" Font="4" Size="5"><o:TextCode X="0" Y="4" DeltaX="5">'
    "签章</o:TextCode></o:TextObject></o:Layer></o:Content>"
)
DOCUMENT = pack(plain_files(signatures=None) | {"Doc_0/Tpls/Tpl_0/Content.xml": part("Page", WORDS)})
ORDER = SealOrder(DOCUMENT, page=1, x_mm=150, y_mm=60)


@pytest.fixture
def seal(house: House) -> Seal:
    return make_seal(house.context, caller(), SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))


def do(house: House, seal: Seal, **changes: Any) -> SealedDocument:
    return seal_document(house.context, USER, seal.id, replace(ORDER, **changes))


def report(house: House, content: bytes) -> Report:
    return verify_document(house.context, content, at=datetime.now(UTC))


def stamps(document: bytes) -> list[StampPlace]:
    return list(read_signature(read_xml(files_of(document)[SIGNATURE])).stamps)


@pytest.mark.parametrize("is_timestamped", [False, True])
@pytest.mark.parametrize("profile", [None, "seal", "sign"])
def test_the_sealed_document_is_valid_and_on_record(house: House, seal: Seal, profile: str | None, is_timestamped: bool) -> None:
    place = {"page": None, "x_mm": None, "y_mm": None} if profile == "sign" else {}
    sealed = do(house, seal, is_timestamped=is_timestamped, reason="办结", location="海拉尔", profile=profile, **place)
    found = report(house, sealed.content)
    assert (found.verdict, found.tampered) == (Verdict.VALID, False)
    assert found.signatures[0].name == SIGNATURE
    assert found.signatures[0].kind == ("ofd-sign" if profile == "sign" else "ofd-seal")
    assert load_result(house.context, caller(), sealed.use_id)[1] == sealed.content
    assert [outcome for action, outcome, _ in house.entries(f"seal:{seal.id}") if action == "seal.use"] == ["intended", "done"]
    value = files_of(sealed.content)[VALUE]
    assert "办结".encode() in value
    if profile != "sign":
        extensions = read_seal_signature(value).extensions
        assert {extension.oid for extension in extensions} == {REASON_OID, LOCATION_OID}
        assert not any(extension.critical for extension in extensions)


@pytest.mark.clause("GM/T 0099-2020 7.4")
def test_the_list_of_files_stands_beside_the_seal_and_shows_what_is_smuggled_in(house: House, seal: Seal) -> None:
    shown = {"page": None, "x_mm": None, "y_mm": None}
    sealed = do(house, seal).content
    listed = do(house, seal, document=sealed, profile="integrity", **shown)
    found = report(house, listed.content)
    assert (found.verdict, [each.kind for each in found.signatures]) == (Verdict.VALID, ["ofd-seal", "ofd-integrity"])
    smuggled = report(house, pack({**files_of(listed.content), "Doc_0/more.xml": b"<x/>"}))
    assert (smuggled.verdict, smuggled.tampered) == (Verdict.INVALID, True)
    for changes, code in (
        ({"document": DOCUMENT}, "OFD_ENTRIES_UNSEALED"),
        ({"document": listed.content}, "OFD_ENTRIES_PRESENT"),
        ({"document": sealed, "is_timestamped": False}, "TIME_STAMP_NOT_CONFIGURED"),
        ({"document": sealed, "page": 1}, "PLACEMENT_UNCLEAR"),
        ({"document": sealed, "is_locking": True}, "PLACEMENT_UNCLEAR"),
    ):
        with pytest.raises(TrustError, match=code):
            do(house, seal, **{**shown, "profile": "integrity", **changes})


def test_several_seals_and_a_lock(house: House, seal: Seal) -> None:
    content = DOCUMENT
    for number in range(3):
        content = do(house, seal, document=content, is_locking=number == 2).content
    found = report(house, content)
    assert [signature.verdict for signature in found.signatures] == [Verdict.VALID] * 3
    with pytest.raises(TrustError, match="OFD_LOCKED"):
        do(house, seal, document=content)


def test_a_repeated_request_gets_the_same_answer(house: House, seal: Seal) -> None:
    first = do(house, seal, idempotency_key="k1", places=(Place(1, 60, 60),))
    again = do(house, seal, idempotency_key="k1", places=(Place(1, 60, 60),))
    assert (again.content, again.use_id, again.is_repeated) == (first.content, first.use_id, True)
    with pytest.raises(TrustError, match="IDEMPOTENCY_KEY_REUSED"):
        do(house, seal, idempotency_key="k1", places=(Place(1, 60, 61),))
    assert house.rows("SELECT count(*) FROM seal_uses") == [(1,)]


def test_a_changed_document_gets_no_further_seal(house: House, seal: Seal) -> None:
    files = files_of(do(house, seal).content)
    with pytest.raises(TrustError, match="DOCUMENT_TAMPERED"):
        do(house, seal, document=pack({**files, PAGE: files[PAGE] + b" "}))


def test_a_document_sealed_by_others_is_sealed(house: House, seal: Seal) -> None:
    """Nobody here trusts the other's authority: that seal stays undecided, ours is valid."""
    content = do(house, seal, document=pack(sign(plain_files(), Signing()))).content
    assert [signature.verdict for signature in report(house, content).signatures] == [Verdict.INDETERMINATE, Verdict.VALID]


def test_a_failure_that_sealing_brought_in_is_not_released(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    from crypto.report import failed

    def examine_harshly(data: bytes, trust: TrustList, at: datetime) -> Examined:
        found = examine_file(data, trust, at)
        return replace(found, report=replace(found.report, steps=(failed("OFD_CONTAINER_BAD", "x", path="", reason="x"),)))

    monkeypatch.setattr(draft_document_module, "examine_file", examine_harshly)
    with pytest.raises(TrustError) as refused:
        do(house, seal)
    assert (refused.value.code, refused.value.facts["steps"]) == ("SEAL_SELF_CHECK_FAILED", "EARLIER_SIGNATURE_BROKEN")
    assert [outcome for _, outcome, _ in house.entries(f"seal:{seal.id}")][-1] == "voided"


@pytest.mark.parametrize(
    "point", ["prepared", "intended", "signed", "time-stamped", "checked", "stored", "recorded"], ids=lambda point: f"at-{point}"
)
def test_a_failure_at_any_point_releases_nothing_unrecorded(house: House, seal: Seal, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(reached: str) -> None:
        if reached == f"seal-document.{point}":
            raise RuntimeError(point)

    monkeypatch.setattr(fail_points, "reach", fail)
    with pytest.raises(RuntimeError):
        do(house, seal)
    # An intent that was left open is the sweeper's
    states = [state for (state,) in house.rows("SELECT state FROM seal_uses")]
    assert states == {"prepared": [], "intended": ["intent"], "recorded": ["done"]}.get(point, ["voided"])


@pytest.mark.parametrize(
    ("changes", "boundaries"),
    [
        ({}, ["1 129 216 42 42"]),
        ({"page": None, "pages": "all", "x_mm": 50, "y_mm": 50}, ["1 29 226 42 42", "2 29 29 42 42"]),
        (
            {"page": None, "x_mm": None, "y_mm": None, "places": (Place(1, 50, 50), Place(-1, 40, 40, 20)), "width_mm": 30},
            ["1 35 232 30 30", "2 30 50 20 20"],
        ),
        ({"page": None, "x_mm": None, "y_mm": None, "seam": Seam(Edge.LEFT)}, ["1 -21 127.5 42 42", "2 0 29 42 42"]),
        ({"page": None, "x_mm": None, "y_mm": None, "seam": Seam(), "width_mm": 20}, ["1 200 138.5 20 20", "2 80 40 20 20"]),
        ({"page": None, "x_mm": None, "y_mm": None, "seam": Seam(width_mm=20), "width_mm": 30}, ["1 200 138.5 20 20", "2 80 40 20 20"]),
        ({"page": None, "x_mm": None, "y_mm": None}, []),
        ({"page": None, "x_mm": None, "y_mm": None, "keyword": "签章"}, ["1 69 90 42 42"]),
        (
            {"page": 1, "x_mm": None, "y_mm": None, "keyword": "签章", "occurrence": EVERY, "width_mm": 20, "places": (Place(2, 50, 50),)},
            ["1 80 101 20 20", "2 40 40 20 20"],
        ),
    ],
)
def test_the_seal_is_shown_where_the_order_says(house: House, seal: Seal, changes: dict[str, Any], boundaries: list[str]) -> None:
    assert [f"{stamp.page} {stamp.boundary}" for stamp in stamps(do(house, seal, **changes).content)] == boundaries


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"x_mm": None}, "PLACEMENT_UNCLEAR"),
        ({"x_mm": None, "y_mm": None}, "PLACEMENT_UNCLEAR"),
        ({"x_mm": None, "y_mm": None, "page": None, "width_mm": 30}, "PLACEMENT_UNCLEAR"),
        ({"pages": "all"}, "PLACEMENT_UNCLEAR"),
        ({"keyword": "章"}, "PLACEMENT_UNCLEAR"),
        ({"keyword": "无此词", "x_mm": None, "y_mm": None}, "KEYWORD_NOT_FOUND"),
        ({"keyword": "签章", "x_mm": None, "y_mm": None, "places": (Place(1, 50, 50),) * 1000}, "PLACEMENT_UNCLEAR"),
        ({"level": "B-T"}, "PLACEMENT_UNCLEAR"),
        ({"lock_fields": ("a",)}, "PLACEMENT_UNCLEAR"),
        ({"opacity": 0.5}, "PLACEMENT_UNCLEAR"),
        ({"places": (Place(1, 50, 50),) * 1000}, "PLACEMENT_UNCLEAR"),
        ({"profile": "pades"}, "FIELD_UNACCEPTABLE"),
        ({"profile": "sign"}, "OFD_SIGN_NOT_SHOWN"),
        ({"page": 3}, "PAGE_NOT_FOUND"),
        ({"x_mm": 1}, "PLACEMENT_OFF_PAGE"),
        ({"document": DOCUMENT[:-1]}, "OFD_"),
        ({"document": pack({**plain_files(), "Doc_0/../x": b""})}, "OFD_UNACCEPTABLE"),
    ],
)
def test_what_is_refused_leaves_no_trace(house: House, seal: Seal, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(TrustError) as refused:
        do(house, seal, **changes)
    assert refused.value.code.startswith(code)
    assert house.rows("SELECT count(*) FROM seal_uses") == [(0,)]


def test_a_seal_made_before_there_was_seal_data_seals_no_ofd(house: House, seal: Seal) -> None:
    house.sql("UPDATE seal_seals SET seal_data_der = NULL")
    with pytest.raises(TrustError, match="SEAL_NOT_ACTIVE"):
        do(house, seal)


def test_json_placements_are_read_strictly() -> None:
    from pydantic import ValidationError

    from seal_service.api.shapes import PlacementOrder

    whole = {"places": [{"page": 1, "x_mm": 10, "y_mm": 10.5}], "seam": {"edge": "top", "pages": [1, 2], "pages_per_seal": 2}, "lock": True}
    read = PlacementOrder.model_validate_json(json.dumps(whole))
    assert read.lock
    assert read.seam is not None
    wrongs: tuple[dict[str, Any], ...] = (
        {"places": []},
        {"places": [{"page": 1}]},
        {"seam": {"edge": "middle"}},
        {"seam": {"pages": []}},
        {"seam": {"pages_per_seal": 1}},
        {"lock": "yes"},
        {"profile": "A B"},
        {"pages": ""},
        {"unknown": 1},
    )
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            PlacementOrder.model_validate_json(json.dumps(wrong))


def test_no_step_of_a_sealing_waits_for_anything(house: House, seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step holds up everybody who computes; a document that is signed already is verified in one."""
    taken, found = watch_steps(monkeypatch)
    assert report(house, do(house, seal, document=do(house, seal).content).content).verdict is Verdict.VALID
    assert found == []
    assert taken == {"seal.see", "seal.draft", "seal.finish"}
