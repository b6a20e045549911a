"""Archives under construction: what is packed, what is refused, and entries whose place is stated in 64 bits."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from standards.errors import MalformedError
from standards.gbt33190_ofd.archive_copy import ArchiveCopy, _moved
from standards.gbt33190_ofd.limits import MAX_ENTRIES
from standards.gbt33190_ofd.xml_parts import new_part

AT = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)


def test_files_are_packed_where_that_helps_and_read_by_others() -> None:
    noise = random.Random(1).randbytes(500)
    archive = ArchiveCopy()
    for name, data in (("short", b"x"), ("long", b"y" * 500), ("noise", noise), ("名.xml", b"z")):
        archive.add(name, data, AT)
    archive.add("dense", b"y" * 500, AT, is_dense=True)
    with zipfile.ZipFile(io.BytesIO(archive.close())) as read:
        assert read.testzip() is None
        assert [(each.filename, each.compress_type) for each in read.infolist()] == [
            ("short", zipfile.ZIP_STORED),
            ("long", zipfile.ZIP_DEFLATED),
            ("noise", zipfile.ZIP_STORED),
            ("名.xml", zipfile.ZIP_STORED),
            ("dense", zipfile.ZIP_STORED),
        ]
        assert read.read("noise") == noise


def test_no_more_entries_than_a_reader_takes() -> None:
    full = ArchiveCopy(count=MAX_ENTRIES)
    with pytest.raises(MalformedError, match="OFD_ZIP_MALFORMED"):
        full.add("one-more", b"", AT)


def test_a_place_in_64_bits_that_is_not_stated_is_refused() -> None:
    extra = b"\x99\x99\x02\x00ab"
    raw = bytearray(46) + b"name" + extra
    raw[42:46] = b"\xff" * 4
    raw[30:32] = len(extra).to_bytes(2, "little")
    with pytest.raises(MalformedError, match="OFD_ZIP_MALFORMED"):
        _moved(bytes(raw), cast("Any", SimpleNamespace(name=b"name")), 7)


def test_a_text_takes_the_place_of_everything_inside() -> None:
    part = new_part("Root")
    part.add("Child", "old")
    part.set_text("new")
    assert part.children() == []
    assert b">new</" in part.to_bytes()
