"""The preview of a design over HTTP: which form is answered, which warnings, what is refused."""

from __future__ import annotations

import copy
import io
import xml.etree.ElementTree as ET
from typing import Any

import anyio
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from PIL import Image

from seal_service.api.design_routes import add_design_routes, preferred
from seal_service.api.design_shapes import DESIGN_EXAMPLE
from seal_service.model import SCOPE_READ
from seal_service.pictures import draw_seal
from service_kit.composition import access_of
from standards.errors import TrustError
from tests.optional import need

PATH = "/v1/seal-designs/preview"
ROUND = {"shape": "round", "name": "呼伦贝尔市政务服务演示中心（样例）", "width_mm": 42, "height_mm": 42, "code": "15070000000001"}


class Client:
    """The route in an application of its own, without the gate in front."""

    def __init__(self) -> None:
        router = APIRouter()
        add_design_routes(router)
        (self.route,) = router.routes
        self._app = FastAPI()
        self._app.include_router(router)

    def post(self, path: str, json: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        async def call() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self._app), base_url="http://test") as client:
                return await client.post(path, json=json, headers=headers)

        return anyio.run(call)


@pytest.fixture
def client() -> Client:
    return Client()


def test_only_readers_of_seals_may_enter(client: Client) -> None:
    assert isinstance(client.route, APIRoute)
    access = access_of(client.route.endpoint)
    assert access is not None
    assert access.scope == SCOPE_READ


def test_json_has_the_picture_and_the_warnings_in_the_readers_language(client: Client) -> None:
    order = ROUND | {"unit": "government", "registered_name": "呼伦贝尔市人民政府", "division": "150700"}
    answers = [client.post(PATH, json=order, headers={"accept-language": language}).json() for language in ("zh-CN", "en")]
    expected = [
        "SEAL_SIZE_NOT_OF_GRADE",
        "SEAL_CENTRE_NOT_OF_GRADE",
        "SEAL_NAME_NOT_REGISTERED",
        "SEAL_TYPE_NOT_SONG",
        "SEAL_BILINGUAL_MISSING",
    ]
    for answer, language in zip(answers, ("zh", "en"), strict=True):
        assert [warning["code"] for warning in answer["warnings"]] == expected
        assert all(warning["text"] == warning[f"text_{language}"] for warning in answer["warnings"])
        assert ET.fromstring(answer["svg"]).attrib["width"] == "42mm"
        assert (answer["width_mm"], answer["height_mm"]) == (42.0, 42.0)
        assert "sans" in answer["typefaces"]


def test_a_picture_alone_as_accept_asks(client: Client) -> None:
    svg = client.post(PATH, json=ROUND, headers={"accept": "image/svg+xml"})
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert svg.headers["design-warnings"] == "SEAL_TYPE_NOT_SONG"
    assert svg.headers["vary"] == "Accept, Accept-Language"
    assert ET.fromstring(svg.text).tag.endswith("svg")
    png = client.post(PATH + "?dpi=150", json=ROUND, headers={"accept": "image/png"})
    assert png.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(png.content)).size == pytest.approx((248, 248), abs=1)
    clean = client.post(PATH, json={"shape": "square", "name": "张三", "width_mm": 18, "height_mm": 18, "unit": "person"})
    assert clean.json()["warnings"] == []
    assert "design-warnings" not in clean.headers


@pytest.mark.clause("RFC 9110 12.5.1")
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/html", "application/json"),
        ("image/*", "image/svg+xml"),
        ("image/png, image/svg+xml;q=0.9", "image/png"),
        ("image/svg+xml;q=0.2, application/json;q=0.1", "image/svg+xml"),
        ("application/json;q=0, image/png;q=0.1", "image/png"),
        ("image/png;q=nonsense, image/svg+xml;q=0.1", "image/svg+xml"),
        ("image/png;q=2, image/svg+xml;q=0.1", "image/svg+xml"),
        ("IMAGE/PNG", "image/png"),
    ],
)
def test_accept_decides(accept: str, expected: str) -> None:
    assert preferred(accept) == expected


def test_the_example_of_the_documentation_works(client: Client) -> None:
    need("a Mongolian face", draw_seal.is_mongolian_here(), "install fonts-noto-core")
    answer = client.post(PATH, json=copy.deepcopy(DESIGN_EXAMPLE))
    assert answer.status_code == 200
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["SEAL_TYPE_NOT_SONG"]
    assert answer.json()["has_mongolian"] is True


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "印" * 65},
        {"purpose": "印" * 17},
        {"mongolian": "\u1820" * 201},
        {"width_mm": 1000},
        {"width_mm": "NaN"},
        {"code": "123"},
        {"colour": "red"},
        {"sparkle": True},
        {"shape": "triangle"},
        {"unit": "kingdom"},
    ],
)
def test_over_a_limit_is_refused(client: Client, changed: dict[str, Any]) -> None:
    assert client.post(PATH, json=ROUND | changed).status_code == 422


@pytest.mark.parametrize("dpi", [0, 35, 601, 100000])
def test_the_resolution_is_bounded(client: Client, dpi: int) -> None:
    assert client.post(f"{PATH}?dpi={dpi}", json=ROUND, headers={"accept": "image/png"}).status_code == 422


def test_what_cannot_be_drawn_is_refused_with_its_code(client: Client) -> None:
    with pytest.raises(TrustError) as refused:
        client.post(PATH, json=ROUND | {"name": "\U0001f600"})
    assert refused.value.code == "SEAL_GLYPH_MISSING"
