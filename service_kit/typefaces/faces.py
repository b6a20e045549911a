"""The faces a document may be set in: the one that a pip install brings, and better ones where the system has them.

What a face is chosen for is stated by the caller as styles in the order of preference. The default style has one face that is the same on
every machine, so the same document looks the same everywhere; faces of the system are used only where they are asked for, or for
characters that nothing else has.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uharfbuzz as hb

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FACES_PER_FILE: Final = 64  # the largest collections in use have under 40
REGULAR: Final = 400
BOLD: Final = 700


class Style(StrEnum):
    """What a face looks like."""

    SANS = "sans"  # 黑体
    SONG = "song"  # 宋体, the type of official papers
    KAI = "kai"  # 楷体
    MONGOLIAN = "mongolian"  # the traditional script


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font file. ``weight`` is what a variable face is set to; a fixed one has it already."""

    family: str
    style: Style
    path: Path
    index: int = 0
    weight: int = REGULAR


@dataclass(frozen=True, slots=True)
class _Place:
    style: Style
    family: str
    weight: int
    files: tuple[str, ...]


def _noto_cjk(name: str) -> tuple[str, ...]:
    """Where Debian, Fedora and Arch put a collection of Noto CJK."""
    kind = "serif" if "Serif" in name else "sans"
    return (f"opentype/noto/{name}", f"google-noto-{kind}-cjk-fonts/{name}", f"noto-cjk/{name}")


FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
# All of them may be cut down and embedded (SIL Open Font License, Arphic Public License).
_SYSTEM: Final = (
    _Place(Style.SONG, "Noto Serif CJK SC", REGULAR, _noto_cjk("NotoSerifCJK-Regular.ttc")),
    _Place(Style.SONG, "Noto Serif CJK SC", BOLD, _noto_cjk("NotoSerifCJK-Bold.ttc")),
    _Place(Style.SONG, "AR PL SungtiL GB", REGULAR, ("truetype/arphic-gbsn00lp/gbsn00lp.ttf",)),
    _Place(Style.SANS, "Noto Sans CJK SC", REGULAR, _noto_cjk("NotoSansCJK-Regular.ttc")),
    _Place(Style.SANS, "Noto Sans CJK SC", BOLD, _noto_cjk("NotoSansCJK-Bold.ttc")),
    _Place(Style.KAI, "LXGW WenKai", REGULAR, ("truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf", "lxgw-wenkai/LXGWWenKai-Regular.ttf")),
    _Place(Style.KAI, "LXGW WenKai", BOLD, ("truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf", "lxgw-wenkai/LXGWWenKai-Bold.ttf")),
    _Place(Style.SONG, "BabelStone Han", REGULAR, ("truetype/babelstone/BabelStoneHan.ttf", "truetype/babelstone-han/BabelStoneHan.ttf")),
    _Place(
        Style.MONGOLIAN,
        "Noto Sans Mongolian",
        REGULAR,
        ("truetype/noto/NotoSansMongolian-Regular.ttf", "google-noto/NotoSansMongolian-Regular.ttf"),
    ),
)


@lru_cache(maxsize=1)
def brought_file() -> Path:
    """The variable font that the wheel ``justmytype-intl-cjk`` brings: Noto Sans SC, whose default is the hairline weight 100."""
    folder = resources.files("justmytype_intl_cjk") / "fonts" / "ofl" / "notosanssc"
    with resources.as_file(folder / "NotoSansSC[wght].ttf") as path:  # an installed wheel is a folder: the file stays where it is
        return path


def brought_face(weight: int = REGULAR) -> Face:
    """The face every machine has, at a weight of 100..900."""
    return Face("Noto Sans SC", Style.SANS, brought_file(), weight=weight)


@lru_cache(maxsize=8)
def system_faces(weight: int = REGULAR, folders: tuple[Path, ...] = FOLDERS) -> tuple[Face, ...]:
    """The known faces of this weight that are installed. Looked for once in a process."""
    found = []
    for place in _SYSTEM:
        paths = [folder / file for folder in folders for file in place.files] if place.weight == weight else []
        for path in paths:
            index = face_number(path, place.family) if path.is_file() else None
            if index is not None:
                found.append(Face(place.family, place.style, path, index, weight))
                break
    return tuple(found)


def find_face(characters: Iterable[str], *styles: Style, weight: int = REGULAR, folders: tuple[Path, ...] = FOLDERS) -> Face:
    """The face for a text: the first that has all its characters, by the wanted ``styles``, then the brought one, then any other.

    One face for the whole text: a rare character of a name does not stand out of its line. ``weight`` 400 or 700 with system faces.

    :raises TrustError: ``GLYPH_MISSING`` with the characters that the nearest face does not have, where no face has all.
    """
    wanted = frozenset(characters)
    fewest: frozenset[str] | None = None
    for face in _order(styles, weight, folders):
        missing = missing_characters(face, wanted)
        if not missing:
            return face
        fewest = missing if fewest is None or len(missing) < len(fewest) else fewest
    raise glyph_missing(fewest or ())


@lru_cache(maxsize=32)
def _order(styles: tuple[Style, ...], weight: int, folders: tuple[Path, ...]) -> tuple[Face, ...]:
    installed, brought = system_faces(weight, folders), brought_face(weight)
    order = [face for style in styles for face in ((brought,) if style is Style.SANS else ()) + installed if face.style is style]
    return (*order, brought, *installed)


def glyph_missing(characters: Iterable[str]) -> TrustError:
    """The error for characters that cannot be drawn; a few of them by code point."""
    names = sorted({f"U+{ord(character):04X}" for character in characters})
    return TrustError(Kind.UNACCEPTABLE, "GLYPH_MISSING", characters=" ".join(names[:8]), count=len(names))


def missing_characters(face: Face, characters: Iterable[str]) -> frozenset[str]:
    """Those of ``characters`` that a face has no glyph for."""
    return frozenset(characters) - _coverage(face.path, face.index)


@lru_cache(maxsize=16)
def _coverage(path: Path, index: int) -> frozenset[str]:
    return frozenset(map(chr, hb.Face(hb.Blob.from_file_path(str(path)), index).unicodes))


def face_number(path: Path, family: str) -> int | None:
    """The place of a family within a font collection, or None."""
    blob = hb.Blob.from_file_path(str(path))
    for index in range(min(hb.Face(blob, 0).count, MAX_FACES_PER_FILE)):
        if hb.Face(blob, index).get_name(hb.OTNameIdPredefined.FONT_FAMILY) == family:
            return index
    return None
