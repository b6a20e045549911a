"""The page's scripts and style, and the offline verifier as one script for a worker, under addresses that change with their content.

All of them stand in one folder whose name is a digest of everything in it: a page always gets the scripts it was made with, and a browser may
keep them for ever.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from yinxin.offline_verifier.bundling import bundle
from yinxin.offline_verifier.modules_text import read_modules

PATH: Final = "/v/static"
WORKER: Final = "verifier_worker"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_VERSION_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class StaticFile:
    """``packed``: the same, gzip."""

    content: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """The files by name."""

    by_name: dict[str, StaticFile] = field(repr=False)
    version: str

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"{PATH}/{self.version}/{name}"


@lru_cache(maxsize=1)
def read_static_files() -> StaticFiles:
    """Read them out of the packages, once for a process."""
    found: dict[str, StaticFile] = {}
    digest = sha256()
    for entry in sorted(files("yinxin.verification_page").joinpath("static").iterdir(), key=lambda each: each.name):
        media_type = _MEDIA_TYPES.get(entry.name[entry.name.rfind(".") :])
        if media_type is None:
            continue
        text = entry.read_text("utf-8")
        if entry.name == f"{WORKER}.js":
            text = bundle({**read_modules(), WORKER: text}, WORKER)
        content = text.encode()
        found[entry.name] = StaticFile(content, gzip.compress(content, mtime=0), media_type)
        digest.update(f"{entry.name}\0{len(content)}\0".encode() + content)
    return StaticFiles(found, digest.hexdigest()[:_VERSION_CHARACTERS])
