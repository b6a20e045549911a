"""Archives with records of 64 bits: what they say holds, and what the records of 32 bits beside them say may not differ."""

from __future__ import annotations

import pytest

from standards.gbt33190_ofd.container import Container
from tests.standards.gbt33190_ofd.archives import FULL, Entry, archive, extra_field, wide_end
from tests.standards.gbt33190_ofd.test_container import TEXT, findings, refusal


def wide(entries: list[Entry], end: dict[str, int] | None = None, **lies: int) -> bytes:
    plain = archive(entries)
    offset = int.from_bytes(plain[-6:-2], "little")
    size = int.from_bytes(plain[-10:-6], "little")
    tail = wide_end((len(entries), size, offset), **lies)
    return archive(entries, behind_directory=tail, end=end or {"on_disk": 0xFFFF, "count": 0xFFFF, "size": FULL, "offset": FULL})


def test_64_bit_records_that_tell_the_truth() -> None:
    sizes = Entry("a", b"text").sizes
    field = extra_field(1, sizes[2].to_bytes(8, "little") + sizes[1].to_bytes(8, "little") + bytes(8))
    entry = Entry("a", b"text", local_sizes=(sizes[0], FULL, FULL), local_extra=field)
    assert findings(wide([entry])) == set()
    assert findings(wide([entry], end={"count": 1})) == set()
    large = Entry("a", b"text", unpacked_bytes=FULL, packed_bytes=FULL, offset=FULL, extra=extra_field(9, b"") + field)
    large.local_sizes, large.local_extra = (sizes[0], sizes[1], sizes[2]), b""
    container = Container(wide([large]))
    assert container.read("a", 10) == b"text"
    assert container.irregularities == []


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"count": 9, "on_disk": 9}, "directory-entry"),
        ({"on_disk": 9}, "zip64-record"),
        ({"disk": 1}, "zip64-record"),
        ({"first": 1}, "zip64-record"),
        ({"length": 45}, "zip64-record"),
        ({"offset": 1}, "directory-misplaced"),
        ({"place": 1 << 40}, "zip64-locator"),
        ({"place": 0}, "zip64-locator"),
        ({"locator_disk": 1}, "zip64-locator"),
        ({"disks": 2}, "zip64-locator"),
        ({"count": 1 << 40, "on_disk": 1 << 40}, "too-many-entries"),
    ],
)
def test_zip64_lie(lies: dict[str, int], reason: str) -> None:
    assert refusal(wide([Entry("a", b"text")], None, **lies)) == reason


def test_a_64_bit_end_record_behind_its_locator_is_none() -> None:
    """As in the comment at the very end, where there is no room for one."""
    at = len(wide([Entry("a", b"text")]))
    assert refusal(wide([Entry("a", b"text")], None, place=at)[:-2] + b"\4\0PK\6\6") == "zip64-locator"


@pytest.mark.parametrize("member", ["on_disk", "count", "size", "offset"])
def test_no_value_of_the_two_end_records_may_differ(member: str) -> None:
    full = {"on_disk": 0xFFFF, "count": 0xFFFF, "size": FULL, "offset": FULL}
    assert refusal(wide([TEXT, Entry("b")], end=full | {member: 1})) == "zip64-disagrees"


def test_the_two_end_records_may_not_differ() -> None:
    """A reader that knows the 64-bit record and one that does not would see different archives."""
    assert refusal(wide([Entry("a", b"text"), Entry("b")], end={"on_disk": 1, "count": 1})) == "zip64-disagrees"
