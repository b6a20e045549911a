"""The static files that all pages share."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from service_kit.composition import ServiceParts, public
from service_kit.page_frame.assets import ASSETS, STATIC_PATH
from yinxin import duties

NAME: Final = "pages"


def build() -> ServiceParts:
    """The parts for the composition."""
    router = APIRouter()

    @router.get(STATIC_PATH + "{name}", include_in_schema=False)
    @public("style sheets and scripts of the pages")
    async def read_asset(name: Annotated[str, Path(max_length=100)], v: Annotated[str, Query(max_length=64)] = "") -> Response:
        return ASSETS.answer(name, v)

    return ServiceParts(name=NAME, router=router, scopes=duties.SCOPES)
