"""Members of packages that were unpacked before: what is remembered are bytes, never that a package was sound."""

from __future__ import annotations

import pytest

from standards.gbt33190_ofd import container as container_module
from standards.gbt33190_ofd.container import Container
from tests.standards.gbt33190_ofd.archives import Entry, archive, deflate
from tests.standards.gbt33190_ofd.test_container import read_refusal


def test_what_was_unpacked_before_is_proven_in_each_package() -> None:
    """Larger members are remembered by their packed bytes; size, checksum and the end of the data are those of the package at hand."""
    text = bytes(range(256)) * 100
    packed = deflate(text)
    cut, more = packed[:-1], packed + b"\0"
    for _ in range(2):
        assert Container(archive([Entry("a.xml", text)])).read("a.xml", 1 << 20) == text
        assert read_refusal(Entry("a.xml", text, checksum=1)) == "checksum"
        assert read_refusal(Entry("a.xml", text, unpacked_bytes=len(text) - 1)) == "size"
        assert read_refusal(Entry("a.xml", text, unpacked_bytes=len(text) + 1)) == "size"
        assert read_refusal(Entry("a.xml", text, packed=cut)) == "data-truncated"
        assert read_refusal(Entry("a.xml", text, packed=more)) == "data-behind-end"
        assert read_refusal(Entry("a.xml", text, packed=b"\xff" * 2000)) == "data"
    other = text[:-1] + b"x"
    assert Container(archive([Entry("a.xml", other)])).read("a.xml", 1 << 20) == other


@pytest.mark.parametrize("size", [container_module.REMEMBERED_BYTES, container_module.REMEMBERED_BYTES + 1, 200])
def test_members_of_every_size_read_the_same(size: int) -> None:
    text = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    for _ in range(2):
        assert Container(archive([Entry("a.xml", text)])).read("a.xml", 1 << 20) == text
