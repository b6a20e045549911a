"""The page at ``/``: a door for each part that this process serves, and none for what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

import idp.service
import licence_vault.service
from service_kit.composition import ServiceParts, public
from service_kit.page_frame.assets import ASSETS
from service_kit.page_frame.browser import Browser
from service_kit.page_frame.pages import PageFrame
from yinxin.front_page.texts import TEXTS
from yinxin.mongolian_words import in_mongolian

if TYPE_CHECKING:
    from collections.abc import Collection

    from service_kit.settings import Settings

NAME: Final = "front-page"
PACKAGE: Final = "yinxin.front_page"
ASSETS.add_package(PACKAGE)


@dataclass(frozen=True, slots=True)
class Door:
    """One way in. ``key``: of its texts; ``word``: in Mongolian, empty for none."""

    path: str
    key: str
    icon: str
    word: str = ""


def doors_of(services: Collection[str]) -> list[Door]:
    """The doors of a process that serves these services, the one for strangers first."""
    has_people = idp.service.NAME in services  # who signs people in elsewhere has the pages there
    doors = [Door("/v", "door_verify", "verify", in_mongolian("verify"))]
    if has_people and licence_vault.service.NAME in services:
        doors.append(Door("/my", "door_mine", "licence", in_mongolian("my_licences")))
    if has_people:
        doors.append(Door("/console", "door_console", "seal", in_mongolian("seal")))
    return [*doors, Door("/help", "door_help", "paper"), Door("/docs", "door_docs", "client")]


def build(settings: Settings, services: Collection[str], *, has_verification: bool) -> ServiceParts:
    """The parts for the composition. ``has_verification``: whether the page at ``/v`` is served here."""
    frame = PageFrame(PACKAGE, TEXTS, is_demo=settings.demo)
    is_secure = settings.base_url.startswith("https://")
    doors = [each for each in doors_of(services) if has_verification or each.key != "door_verify"]
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    @public("where people begin")
    async def read_front(request: Request) -> Response:
        browser = Browser(request, is_secure)
        return browser.switched() or frame.answer("front.html", browser, doors=doors)

    return ServiceParts(name=NAME, router=router)
