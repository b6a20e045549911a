"""Pictures of pages for placing a seal: which pages, how large, what is refused; and the route they come by."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from PIL import Image

from seal_service import limits
from seal_service.actions.draw_pages import draw_pages
from seal_service.api.document_page_routes import add_document_page_routes
from seal_service.model import SCOPE_USE
from service_kit.composition import CALLER_STATE, access_of
from standards.errors import TrustError
from tests.seal_service.house import House, caller
from tests.seal_service.pdf.documents import reportlab_document
from tests.service_kit.ofd_drawing.pages import files, layer, square
from tests.standards.gbt33190_ofd.archives import pack

if TYPE_CHECKING:
    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.responses import Response

PATH = "/v1/documents/page-pictures"


def ofd(pages: int) -> bytes:
    whole = files(layer(square(10, 10, 20)))
    one = b'<o:Page ID="1" BaseLoc="Page.xml"/>'
    more = b"".join(b'<o:Page ID="%d" BaseLoc="Page.xml"/>' % (100 + number) for number in range(1, pages))
    whole["Doc_0/Document.xml"] = whole["Doc_0/Document.xml"].replace(one, one + more)
    return pack(whole)


def test_the_pages_asked_for_in_the_size_asked_for() -> None:
    drawn = draw_pages(reportlab_document(), first=1, count=3, width_px=400)
    assert drawn.media_type == "application/pdf"
    assert [each.page for each in drawn.pictures] == list(range(1, min(3, drawn.pages) + 1))
    for each in drawn.pictures:
        width, height = Image.open(io.BytesIO(each.png)).size
        assert width == pytest.approx(400, abs=1)
        assert height / width == pytest.approx(each.height_mm / each.width_mm, rel=0.01)


def test_what_is_no_document_or_has_no_such_page_is_refused() -> None:
    for document, first, code in (
        (b"plain text", 1, "DOCUMENT_NOT_DRAWABLE"),
        (reportlab_document(), 99, "PAGE_NOT_FOUND"),
        (b"%PDF-1.7 rubbish", 1, "PDF_MALFORMED"),
    ):
        with pytest.raises(TrustError, match=code):
            draw_pages(document, first=first, count=1, width_px=400)


def test_pictures_stop_where_they_would_be_too_large_together(monkeypatch: pytest.MonkeyPatch) -> None:
    document = reportlab_document(pages=3)
    assert len(draw_pages(document, first=1, count=3, width_px=100).pictures) == 3
    monkeypatch.setattr(limits, "PAGE_PICTURES_BYTES", 10)
    assert [each.page for each in draw_pages(document, first=2, count=2, width_px=100).pictures] == [2]
    monkeypatch.setattr(limits, "PAGE_PICTURE_PIXELS", 10)
    with pytest.raises(TrustError, match="RENDER_TOO_LARGE"):
        draw_pages(document, first=1, count=1, width_px=100)


def test_ofd_is_drawn_too() -> None:
    drawn = draw_pages(ofd(3), first=2, count=5, width_px=200)
    assert (drawn.media_type, drawn.pages) == ("application/ofd", 3)
    assert [each.page for each in drawn.pictures] == [2, 3]


def test_over_http(house: House) -> None:
    router = APIRouter()
    add_document_page_routes(router, house.context)
    (route,) = router.routes
    assert isinstance(route, APIRoute)
    access = access_of(route.endpoint)
    assert access is not None
    assert access.scope == SCOPE_USE
    app = FastAPI()
    app.include_router(router)

    @app.middleware("http")
    async def know(request: Request, go_on: RequestResponseEndpoint) -> Response:
        setattr(request.state, CALLER_STATE, caller())
        return await go_on(request)

    async def call(query: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            return await client.post(PATH + query, files={"document": ("a.pdf", reportlab_document(pages=3))})

    answer = anyio.run(call, "?first=2&count=1&width_px=120").json()
    assert (answer["pages"], answer["next_first"], [each["page"] for each in answer["pictures"]]) == (3, 3, [2])
    assert Image.open(io.BytesIO(base64.b64decode(answer["pictures"][0]["png"]))).width == pytest.approx(120, abs=1)
    assert anyio.run(call, "?first=3&count=8").json()["next_first"] is None
    for query in ("?first=0", "?count=9", "?width_px=5000"):
        assert anyio.run(call, query).status_code == 422
