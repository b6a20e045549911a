"""The pages of ``docs/``: found, read once, in the languages they are written in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yinxin.help.contents import GROUPS, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX: Final = "index"
ENGLISH: Final = "en"
CHINESE: Final = "zh"
_OF_LANGUAGE: Final = ".zh-CN"
_TITLE: Final = re.compile(r"^# +(.+?) *#*$", re.MULTILINE)
_PICTURE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,80}\.png")
INSTALLED: Final = Path(__file__).parent / "docs"  # a wheel carries the pages here (setup.py)
IN_PROJECT: Final = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class Page:
    """One page in one language. ``name``: its address below ``/help``; ``folder``: of its file, relative to docs/."""

    name: str
    folder: str
    language: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that stand together; ``name`` is the key of its heading, empty where it needs none."""

    name: str
    pages: tuple[Page, ...]


def folder_of_pages() -> Path:
    """Where the pages are: in the installed package, else in the project's own folder."""
    return INSTALLED if INSTALLED.is_dir() else IN_PROJECT


def page_name(path: str) -> tuple[str, str]:
    """Name and language of the page in a file, by its path relative to docs/: ``how-to/backup.zh-CN.md`` is (``how-to/backup``, ``zh``)."""
    name = path.removesuffix(".md")
    language = CHINESE if name.endswith(_OF_LANGUAGE) else ENGLISH
    name = name.removesuffix(_OF_LANGUAGE)
    return name.removesuffix("/README"), language


class Library:
    """All pages. ``folder``: docs/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _pages(self) -> dict[str, dict[str, Page]]:
        found: dict[str, dict[str, Page]] = {}
        for path in self._files():
            relative = path.relative_to(self.folder).as_posix()
            name, language = page_name(relative)
            text = path.read_text(encoding="utf-8")
            title = _TITLE.search(text)
            page = Page(name, relative.rpartition("/")[0], language, title[1] if title else name, text)
            found.setdefault(name, {})[language] = page
        return found

    def _files(self) -> Iterator[Path]:
        yield from sorted(self.folder.glob(f"{INDEX}*.md"))
        for section in SECTIONS:
            yield from sorted((self.folder / section).rglob("*.md"))

    def names(self) -> tuple[str, ...]:
        """The names of all pages."""
        return tuple(sorted(self._pages))

    def find(self, name: str, language: str) -> Page | None:
        """A page in this language, in the other one where there is only that, or None."""
        versions = self._pages.get(name)
        if versions is None:
            return None
        return versions.get(language) or next(iter(versions.values()))

    def groups(self, section: str, language: str) -> tuple[Group, ...]:
        """The pages of a section, in their order; a decision is found from the page that lists them all."""
        top = {name.removeprefix(f"{section}/") for name in self._pages if name.startswith(f"{section}/")}
        top = {name for name in top if "/" not in name}
        groups = []
        for title, names in GROUPS[section]:
            pages = [page for each in names if (page := self.find(f"{section}/{each}", language)) is not None]
            groups.append(Group(title, tuple(pages)))
            top.difference_update(names)
        further = [page for each in top if (page := self.find(f"{section}/{each}", language)) is not None]
        groups.append(Group("further", tuple(sorted(further, key=lambda page: page.title))))
        return tuple(group for group in groups if group.pages)

    def all_pages(self, language: str) -> Iterator[Page]:
        """Each page once, in this language where it is written in it."""
        for name in self.names():
            page = self.find(name, language)
            if page is not None:
                yield page

    def picture(self, name: str) -> bytes | None:
        """A picture of docs/images, or None; ``name`` comes from outside."""
        if _PICTURE.fullmatch(name) is None:
            return None
        path = self.folder / "images" / name
        return path.read_bytes() if path.is_file() else None

    @cached_property
    def test_results(self) -> dict[str, str]:
        """What became of the tests of this build, by their names; empty where the build was not tested."""
        from yinxin.help.test_results import read_results

        return read_results(self.folder)
