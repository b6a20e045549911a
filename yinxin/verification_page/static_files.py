"""The page's scripts and style, and the offline verifier's modules, under one address that changes with their content.

All of them stand in one folder whose name is a digest of everything in it: a page always gets the modules it was made with, and a browser may
keep them for ever.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from crypto.report_text import SENTENCES
from yinxin.offline_verifier.modules_text import read_modules

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PATH: Final = "/v/static"
MODULES: Final = "modules"  # the folder of the offline verifier's modules, beside the page's own
SENTENCES_FILE: Final = "sentences.json"  # of all steps, in both languages: {code: [English, Chinese]}
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_VERSION_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """Content and media type by path below the versioned folder."""

    by_path: dict[str, tuple[bytes, str]] = field(repr=False)
    version: str

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"{PATH}/{self.version}/{path}"


def read_static_files() -> StaticFiles:
    """Read them out of the packages, once."""
    found: dict[str, tuple[bytes, str]] = {}
    _take(found, "", files("yinxin.verification_page").joinpath("static"))
    for name, text in read_modules().items():
        found[f"{MODULES}/{name}.js"] = (text.encode(), _MEDIA_TYPES[".js"])
    found[SENTENCES_FILE] = (json.dumps(SENTENCES, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")
    digest = sha256()
    for path, (content, _) in sorted(found.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return StaticFiles(found, digest.hexdigest()[:_VERSION_CHARACTERS])


def _take(found: dict[str, tuple[bytes, str]], prefix: str, folder: Traversable) -> None:
    for entry in folder.iterdir():
        media_type = _MEDIA_TYPES.get(entry.name[entry.name.rfind(".") :])
        if media_type is not None and entry.is_file():
            found[prefix + entry.name] = (entry.read_bytes(), media_type)
