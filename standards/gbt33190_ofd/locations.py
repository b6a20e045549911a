"""ST_Loc (GB/T 33190-2016 7.3): where a part points to, and which file of the package that is.

By the standard a location with a leading slash starts at the root of the package, any other at the folder of the part it stands in, and
names are told apart by case. Real writers also start at the folder of the document or at the root without a slash, or miss the case, and
some readers start at the folder of the document whatever the location begins with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_LOCATION_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from standards.gbt33190_ofd.container import Container

_NOT_IN_PACKAGE: Final = re.compile(r"[:\x00-\x1f\x7f]")
RESOLVED_KEPT: Final = 2048  # one document asks for the same location from several places
BAD_LOCATION: Final = "OFD_LOCATION_BAD"
BY_CASE: Final = "case"
BY_FOLDER: Final = "folder"  # found from another folder than the standard's


@dataclass(frozen=True, slots=True)
class Found:
    """What a location leads to. ``wanted`` is the name by the rules, ``path`` the member that is there, ``variant`` how it was found.

    ``others`` are members that another habit of reading would lead to instead.
    """

    wanted: str
    path: str | None
    variant: str | None = None
    others: tuple[str, ...] = ()


def folder_of(path: str) -> str:
    """The folder of a file, empty at the root."""
    return path.rpartition("/")[0]


@lru_cache(maxsize=RESOLVED_KEPT)
def resolve(folder: str, location: str) -> str:
    """The name a location means from ``folder``, without a leading slash. Raises ``OFD_LOCATION_BAD`` with ``reason``."""
    location = location.strip()
    if not location or len(location) > MAX_LOCATION_CHARACTERS:
        raise MalformedError(BAD_LOCATION, reason="length")
    if "\\" in location:
        raise MalformedError(BAD_LOCATION, reason="backslash", location=location[:80])
    if _NOT_IN_PACKAGE.search(location):
        raise MalformedError(BAD_LOCATION, reason="not-in-package", location=location[:80])
    steps = [] if location.startswith("/") or not folder else folder.split("/")
    for step in location.split("/"):
        if step == "..":
            if not steps:
                raise MalformedError(BAD_LOCATION, reason="parent-folder", location=location[:80])
            steps.pop()
        elif step not in {"", "."}:
            steps.append(step)
    if not steps:
        raise MalformedError(BAD_LOCATION, reason="folder", location=location[:80])
    return "/".join(steps)


def find(container: Container, location: str, folder: str, other_folders: Iterable[str] = ()) -> Found:
    """The member a location leads to from ``folder``; failing that, from each of ``other_folders``; exactly, then by case.

    Raises ``OFD_LOCATION_BAD`` where the location by the rules cannot be followed.
    """
    wanted = resolve(folder, location)
    names = [wanted]
    steps = location.strip().lstrip("/")
    for other in other_folders:
        try:
            name = resolve(other, steps)
        except MalformedError:
            continue
        if name not in names:
            names.append(name)
    hits: dict[str, str] = {}  # the member, and how the first location that leads to it was read
    for name in names:
        like = name if name in container else container.name_like(name)
        if like is not None:
            hits.setdefault(like, BY_CASE if like != name else BY_FOLDER if name != wanted else "")
    if not hits:
        return Found(wanted, None)
    path, *others = hits
    return Found(wanted, path, hits[path] or None, tuple(others))
