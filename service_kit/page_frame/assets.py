"""Static files of pages, read once from the packages that own them and served under ``/static/``. A name is taken once."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final

from starlette.responses import Response

from standards.errors import Kind, TrustError

STATIC_PATH: Final = "/static/"
MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOREVER: Final = "public, max-age=31536000, immutable"
_SHORTLY: Final = "public, max-age=300"
_VERSION_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. ``version`` changes with its content, so that a browser may keep it for ever under the address that names it."""

    content: bytes
    media_type: str
    version: str


class Assets:
    """The files by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Asset] = {}

    def add_package(self, package: str) -> None:
        """Take every file in the package's folder ``static`` that pages use. A second file of one name is a mistake (ValueError)."""
        for entry in sorted(files(package).joinpath("static").iterdir(), key=lambda each: each.name):
            media_type = MEDIA_TYPES.get(entry.name[entry.name.rfind(".") :])
            if media_type is None or not entry.is_file():
                continue
            content = entry.read_bytes()
            asset = Asset(content, media_type, sha256(content).hexdigest()[:_VERSION_CHARACTERS])
            if self._by_name.setdefault(entry.name, asset) != asset:
                raise ValueError(f"two static files are called {entry.name}")

    def url(self, name: str) -> str:
        """The address of a file, with its version."""
        return f"{STATIC_PATH}{name}?v={self._by_name[name].version}"

    def answer(self, name: str, version: str) -> Response:
        """The file. ROUTE_UNKNOWN."""
        asset = self._by_name.get(name)
        if asset is None:
            raise TrustError(Kind.NOT_FOUND, "ROUTE_UNKNOWN")
        caching = _FOREVER if version == asset.version else _SHORTLY
        return Response(asset.content, media_type=asset.media_type, headers={"cache-control": caching, "etag": f'"{asset.version}"'})


ASSETS: Final = Assets()
"""The files of this process. Packages with pages enter theirs when they are put together."""
ASSETS.add_package("service_kit.page_frame")
