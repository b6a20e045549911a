"""Pictures of one's own: traced into outlines that show the same, used by an application, never by way of a design, nobody else's."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops, ImageStat

from crypto.report import Verdict
from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.find_applications import find_application
from seal_service.actions.find_seals import draw_picture
from seal_service.actions.hand_in_picture import hand_in_picture
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.model import ApplicationKind
from seal_service.pictures import own_picture
from seal_service.pictures.design import default_design
from seal_service.pictures.draw_seal import draw_seal
from seal_service.pictures.own_picture import is_own_picture, trace, write_own_picture
from seal_service.pictures.upload import InkMask, read_uploaded_picture
from seal_service.render import draw_picture as draw_png
from seal_service.seal_data.seal_file import verify_esl
from standards.errors import TrustError
from standards.gbt38540_seal.read import read_seal
from tests.deployments import make_deployment, served_here
from tests.seal_service.house import ORGANISATION
from tests.seal_service.test_applications import APPLICANT, MAKER, MANAGER, ORDER, activated, approved, code_of
from tests.yinxin.test_permission_matrix import bearer

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.seal_service.house import House


@cache
def drawn() -> bytes:
    """A seal as somebody else may have drawn it."""
    return draw_png(draw_seal(default_design("呼伦贝尔市样例单位（演示）", "", "15070000000099", "1", 40.0)), dpi=300)


def mask_of(*rows: str) -> InkMask:
    return InkMask(bytes(int(each == "#") for row in rows for each in row), len(rows[0]), len(rows), (1, 0, 0))


def area(points: list[tuple[float, float]]) -> float:
    return sum(x * b - a * y for (x, y), (a, b) in zip(points, [*points[1:], points[0]], strict=True)) / 2


@pytest.mark.parametrize(
    ("rows", "areas"),
    [
        (("#",), [1]),
        (("###", "#.#", "###"), [-1, 9]),
        (("#.", ".#"), [1, 1]),  # pixels that only touch
        ((".#", "#."), [1, 1]),
        (("##", "#."), [3]),
        (("#.#", ".#.", "#.#"), [1, 1, 1, 1, 1]),
    ],
)
def test_outlines_hold_as_much_ink_as_the_pixels(rows: tuple[str, ...], areas: list[int]) -> None:
    found = [
        area([contour.start, *((piece[-2], piece[-1]) for piece in contour.pieces)]) for contour in trace(mask_of(*rows), len(rows[0]))
    ]
    assert sorted(found) == pytest.approx(sorted(areas))


def test_what_is_drawn_is_what_was_handed_in() -> None:
    picture = read_uploaded_picture(drawn(), width_mm=40)
    traced = own_picture.draw_own_picture(write_own_picture(picture), "样例")
    again = Image.open(io.BytesIO(draw_png(traced, dpi=300))).convert("RGBA").getchannel("A")
    before = Image.open(io.BytesIO(picture.png)).convert("RGBA").getchannel("A").resize(again.size)
    assert ImageStat.Stat(ImageChops.difference(before, again)).mean[0] < 8  # of 255: edges only
    assert len(traced.packed_operators) < 60_000
    assert "样例" in traced.to_svg()


def test_a_seal_is_made_with_the_picture_that_was_reviewed(house: House) -> None:
    context = house.context
    paper, picture = hand_in_picture(context, APPLICANT, drawn(), width_mm=40)
    assert picture.width_px == 472
    assert {warning.code for warning in picture.warnings} <= {"SEAL_PICTURE_HEAVY"}
    assert (
        hand_in_picture(context, APPLICANT, drawn(), width_mm=40, idempotency_key="k")[0]
        == (hand_in_picture(context, APPLICANT, drawn(), width_mm=40, idempotency_key="k")[0])
    )
    application = approved(house, replace(ORDER, picture=paper.id, picture_width_mm=40))
    assert find_application(context, APPLICANT, application.id)[1] == [paper]
    seal = make_approved_seal(context, MAKER, application.id)
    assert is_own_picture(seal.design_json)
    read = read_seal(seal.seal_data_der or b"")
    assert (read.picture.width_mm, read.picture.height_mm) == (40, 40)
    assert verify_esl(seal.seal_data_der or b"", house.pki.trust_list(), context.clock.now()).verdict is Verdict.VALID
    assert draw_picture(seal).title.startswith(ORGANISATION)


def test_a_change_of_name_needs_another_picture(house: House) -> None:
    context = house.context
    paper, _ = hand_in_picture(context, APPLICANT, drawn(), width_mm=40)
    seal = activated(house, replace(ORDER, picture=paper.id))
    change = ApplicationOrder(ApplicationKind.CHANGE, "更名", seal_id=seal.id, organisation="另一样例单位")
    assert code_of(apply_for_seal, context, MANAGER, change) == "FIELD_UNACCEPTABLE"
    other, _ = hand_in_picture(context, MANAGER, drawn(), width_mm=40)
    assert apply_for_seal(context, MANAGER, replace(change, picture=other.id)).papers == (other.id,)


def test_no_way_around_the_checks(house: House) -> None:
    context = house.context
    paper, picture = hand_in_picture(context, MANAGER, drawn(), width_mm=40)
    smuggled = json.dumps({"own_picture": {"png": "AAAA", "width_mm": "x"}})
    for order, code in (
        (replace(ORDER, picture=paper.id), "PAPER_UNKNOWN"),  # somebody else's
        (replace(ORDER, picture="sp_" + "0" * 24), "PAPER_UNKNOWN"),
        (replace(ORDER, design_json=smuggled), "FIELD_UNACCEPTABLE"),
        (replace(ORDER, design_json=write_own_picture(picture)), "FIELD_UNACCEPTABLE"),
        (replace(ORDER, design_json="{}", picture=paper.id), "FIELD_UNACCEPTABLE"),
    ):
        assert code_of(apply_for_seal, context, APPLICANT, order) == code
    noise = Image.effect_noise((400, 400), 200).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG")
    with pytest.raises(TrustError, match="PICTURE_TOO_"):
        hand_in_picture(context, APPLICANT, out.getvalue(), width_mm=40)
    dots = InkMask(bytes((x + y) % 2 for y in range(200) for x in range(200)), 200, 200, (1, 0, 0))
    with pytest.raises(TrustError, match="PICTURE_TOO_BUSY"):
        trace(dots, 40)
    assert code_of(hand_in_picture, context, APPLICANT, b"GIF89a", width_mm=40) == "PICTURE_FORMAT_UNKNOWN"


def test_a_picture_heavier_than_a_seal_may_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_picture, "PNG_BYTES_MAX", 100)
    with pytest.raises(TrustError, match="PICTURE_TOO_LARGE"):
        write_own_picture(read_uploaded_picture(drawn(), width_mm=40))


def test_over_http_the_picture_comes_back_clean(tmp_path: Path) -> None:
    with served_here(make_deployment(tmp_path / "deployment")) as here:
        headers = bearer(here, "cl_applies", ("seal.apply", "seal.read"))

        def send(content: bytes, **fields: str) -> httpx.Response:
            return here.http.post(
                "/v1/seal-pictures", headers=headers, files={"picture": ("s.png", content)} if content else None, data=fields
            )

        made = send(drawn(), width_mm="40", paper_removed="true")
        assert (made.status_code, made.json()["width_px"]) == (201, 472), made.text
        assert made.json()["height_mm"] == 40
        again = here.http.get(made.headers["location"], headers=headers)
        assert again.content.startswith(b"\x89PNG")
        paper = here.http.post("/v1/seal-papers", headers=headers, files={"paper": ("a.txt", b"minutes")})
        assert here.http.get(paper.headers["location"], headers=headers).content == b"minutes"
        assert here.http.get(f"/v1/seal-papers/{made.json()['id']}", headers=bearer(here, "cl_other", ("seal.read",))).status_code == 404
        for content, fields, code in (
            (drawn(), {"width_mm": "wide"}, "FIELD_UNACCEPTABLE"),
            (drawn(), {"width_mm": "nan"}, "FIELD_UNACCEPTABLE"),
            (drawn(), {"width_mm": "4000"}, "SEAL_SIZE_BAD"),
            (drawn(), {"width_mm": "40", "paper_removed": "perhaps"}, "FIELD_UNACCEPTABLE"),
            (drawn() + b"more", {"width_mm": "40"}, "PICTURE_TRAILING_BYTES"),
            (b"%PDF-1.7", {"width_mm": "40"}, "PICTURE_FORMAT_UNKNOWN"),
        ):
            assert send(content, **fields).json()["code"] == code, fields
