"""The verifying page that codes on licences lead to: files that stay the same, and everything is worked out in the reader's browser."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from fastapi import Response

from service_kit.composition import public

if TYPE_CHECKING:
    from fastapi import APIRouter

PAGE_PATH: Final = "/v"
_FOLDER: Final = files("licence_vault.pages").joinpath("static")
_POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_HEADERS: Final = {
    "cache-control": "public, max-age=3600",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def add_verify_page(router: APIRouter) -> None:
    """Add the page and its two files to the service's router."""
    page, script, style = (_FOLDER.joinpath(f"verify.{ending}").read_bytes() for ending in ("html", "js", "css"))
    hidden: Any = {"include_in_schema": False}

    @router.get(PAGE_PATH, **hidden)
    @public("whoever scans a code verifies it; what the code says stays in the browser")
    async def read_page() -> Response:
        return Response(page, media_type="text/html", headers=_HEADERS)

    @router.get(f"{PAGE_PATH}/verify.js", **hidden)
    @public("the script of a public page")
    async def read_script() -> Response:
        return Response(script, media_type="text/javascript", headers=_HEADERS)

    @router.get(f"{PAGE_PATH}/verify.css", **hidden)
    @public("the style sheet of a public page")
    async def read_style() -> Response:
        return Response(style, media_type="text/css", headers=_HEADERS)
