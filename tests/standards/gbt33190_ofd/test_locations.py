"""Where a location leads."""

from __future__ import annotations

import pytest

from standards.errors import MalformedError
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.locations import Found, find, folder_of, resolve
from tests.standards.gbt33190_ofd.archives import pack


@pytest.mark.clause("GB/T 33190-2016 7.3")
@pytest.mark.parametrize(
    ("folder", "location", "name"),
    [
        ("Doc_0", "Pages/a.xml", "Doc_0/Pages/a.xml"),
        ("Doc_0", "./a.xml", "Doc_0/a.xml"),
        ("Doc_0/Signs", "../a.xml", "Doc_0/a.xml"),
        ("Doc_0/Signs", "/a.xml", "a.xml"),
        ("", "Doc_0/a.xml", "Doc_0/a.xml"),
        ("", " /Doc_0//a.xml \n", "Doc_0/a.xml"),
        ("Doc_0", "印\u3000章.xml", "Doc_0/印\u3000章.xml"),
    ],
)
def test_locations_by_the_rules(folder: str, location: str, name: str) -> None:
    assert resolve(folder, location) == name


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", "length"),
        ("   ", "length"),
        ("a" * 1025, "length"),
        ("Pages\\a.xml", "backslash"),
        ("file:///etc/passwd", "not-in-package"),
        ("http://127.0.0.1/a", "not-in-package"),
        ("C:/a", "not-in-package"),
        ("a\x00b", "not-in-package"),
        ("a\x7fb", "not-in-package"),
        ("../../a", "parent-folder"),
        ("/../a", "parent-folder"),
        ("..", "folder"),
        ("/", "folder"),
    ],
)
def test_locations_that_lead_out(location: str, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        resolve("Doc_0", location)
    assert (caught.value.code, caught.value.facts["reason"]) == ("OFD_LOCATION_BAD", reason)


def test_folders() -> None:
    assert (folder_of("a/b/c"), folder_of("a")) == ("a/b", "")


def test_finding_a_member() -> None:
    container = Container(pack({"Doc_0/TPLS/a.xml": b"", "Res/b.png": b"", "Doc_0/c": b"", "c": b""}))
    assert find(container, "c", "Doc_0") == Found("Doc_0/c", "Doc_0/c")
    assert find(container, "c", "Doc_0", ("", "Doc_0")) == Found("Doc_0/c", "Doc_0/c", None, ("c",))
    assert find(container, "Tpls/a.xml", "Doc_0") == Found("Doc_0/Tpls/a.xml", "Doc_0/TPLS/a.xml", "case")
    assert find(container, "Res/b.png", "Doc_0", ("",)) == Found("Doc_0/Res/b.png", "Res/b.png", "folder")
    assert find(container, "res/B.png", "Doc_0", ("",)) == Found("Doc_0/res/B.png", "Res/b.png", "case")
    assert find(container, "none", "Doc_0", ("",)) == Found("Doc_0/none", None)
    assert find(container, "../c", "Doc_0", ("",)) == Found("c", "c")
    with pytest.raises(MalformedError):
        find(container, "..", "", ("Doc_0",))
