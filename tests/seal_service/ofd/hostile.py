"""Documents made to exhaust a reader, and a child process in which verifying them is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.seal_service.measured import Verifiers
from tests.standards.gbt33190_ofd.archives import Entry, archive, deflate, local_record
from tests.standards.gbt33190_ofd.parts import NAMESPACE, body, entry, part, plain_files

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SECONDS = 10.0
MOST_MEGABYTES = 600
_VERIFIERS = Verifiers(
    "from seal_service.ofd.verify import verify_ofd",
    "verify_ofd",
    {"steps": "len(report.steps) + sum(len(signature.steps) for signature in report.signatures)"},
    timeout=120,
)
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"


def verify_in_child(path: str) -> dict[str, Any]:
    """The verdict, with processor seconds and peak memory of a process of its own (interpreter and modules included)."""
    return _VERIFIERS.verify(path)


def packed(files: dict[str, bytes]) -> bytes:
    return archive([Entry(name, data) for name, data in files.items()])


def signed_by(described: str) -> dict[str, bytes]:
    return {
        **plain_files(),
        "Doc_0/Signs/Signatures.xml": part("Signatures", f'<o:Signature BaseLoc="/{SIGNATURE}"/>'),
        SIGNATURE: part("Signature", f"<o:SignedInfo>{described}</o:SignedInfo>"),
    }


def references(names: list[str]) -> str:
    rows = "".join(f'<o:Reference FileRef="/{name}"><o:CheckValue>{"A" * 43}=</o:CheckValue></o:Reference>' for name in names)
    return f'<o:References CheckMethod="SM3">{rows}</o:References>'


def zeros_bomb() -> bytes:
    """One file of 1 GiB in one megabyte."""
    block = deflate(bytes(1 << 20))
    bomb = Entry("big.png", b"", packed=block * 1000, unpacked_bytes=1 << 30)
    files = signed_by(references(["big.png"]))
    return archive([*(Entry(name, data) for name, data in files.items()), bomb])


def many_small_bombs() -> bytes:
    """A thousand protected files of 8 MiB each, every one within its own limit, that share their packed data nowhere."""
    names = [f"Doc_0/Res/{number}.png" for number in range(300)]
    files = signed_by(references(names))
    data = bytes(8 << 20)
    block = deflate(data)
    bombs = [Entry(name, b"", packed=block, unpacked_bytes=len(data)) for name in names]
    return archive([*(Entry(name, content) for name, content in files.items()), *bombs])


def overlapping() -> bytes:
    """Two thousand names for one file."""
    sound = [Entry(name, data) for name, data in plain_files().items()]
    block = deflate(bytes(4 << 20))
    at = len(b"".join(local_record(each) for each in sound))
    kernel = Entry("kernel", b"", packed=block, packed_bytes=len(block), unpacked_bytes=4 << 20)
    copies = (replace(kernel, name=f"copy{number}", packed=b"", offset=at) for number in range(2000))
    return archive([*sound, kernel, *copies])


def many_entries() -> bytes:
    return archive(
        [*(Entry(name, data) for name, data in plain_files().items()), *(Entry(f"e{number}", method=0) for number in range(60_000))]
    )


def laughs() -> bytes:
    declaration = "<!DOCTYPE a [<!ENTITY l0 'ha'>" + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"
    return packed({"OFD.xml": (declaration + "<a>&l11;</a>").encode()})


def deep_elements() -> bytes:
    return packed({"OFD.xml": b"<a>" * 2_000_000})


def many_elements() -> bytes:
    return packed({"OFD.xml": f'<o:OFD xmlns:o="{NAMESPACE}">'.encode() + b"<a/>" * 900_000 + b"</o:OFD>"})


def many_attributes() -> bytes:
    stated = " ".join(f"a{number}=''" for number in range(900_000)).encode()
    return packed({"OFD.xml": b"<OFD " + stated + b"/>"})


def many_pages() -> bytes:
    """A page tree of a hundred thousand pages, all of them the same file."""
    files = plain_files()
    files["Doc_0/Document.xml"] = part("Document", '<o:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/>' * 100_000)
    return packed(files)


def many_bodies_and_missing_files() -> bytes:
    return packed({"OFD.xml": entry(body("missing.xml") * 5000)})


def many_references() -> bytes:
    return packed(signed_by(references(["Doc_0/Res/p.png"] * 60_000)))


def many_stamps() -> bytes:
    return packed(signed_by('<o:StampAnnot ID="1" PageRef="x" Boundary="0 0 1 1"/>' * 10_000))


def many_signatures() -> bytes:
    listed = "".join(f'<o:Signature BaseLoc="/{number}.xml"/>' for number in range(512))
    return packed({**plain_files(), "Doc_0/Signs/Signatures.xml": part("Signatures", listed)})


def long_locations() -> bytes:
    return packed({**plain_files(), "Doc_0/PublicRes.xml": part("Res", f"<o:MediaFile>{'../a/' * 2_000_000}</o:MediaFile>")})


def end_records() -> bytes:
    """Signatures of end records everywhere."""
    return b"PK\3\4" + b"PK\5\6" * 100_000


HOSTILE: dict[str, Callable[[], bytes]] = {
    made.__name__: made
    for made in (
        zeros_bomb,
        many_small_bombs,
        overlapping,
        many_entries,
        laughs,
        deep_elements,
        many_elements,
        many_attributes,
        many_pages,
        many_bodies_and_missing_files,
        many_references,
        many_stamps,
        many_signatures,
        long_locations,
        end_records,
    )
}
