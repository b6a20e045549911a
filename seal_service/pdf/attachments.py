"""The files inside a PDF as one of its revisions has them (ISO 32000-1 7.11.4, ISO 19005-3 6.8).

What is read must be the same for every reader: a name that stands for two files, a file with two contents, a tree that runs in circles are
refused. Which revision is asked for decides what is protected; :func:`sealed_files` takes the one that a seal covers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from seal_service.attached_files import AttachedFiles, refused
from seal_service.pdf.byte_ranges import open_signed_revision
from seal_service.pdf.filters import decode_stream
from seal_service.pdf.form_fields import read_text
from seal_service.pdf.syntax import PdfString, Ref, Stream
from standards.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.report import SignatureReport
    from seal_service.pdf.byte_ranges import Coverage
    from seal_service.pdf.document import PdfDocument
    from seal_service.pdf.form_fields import SignatureField

MAX_NODES: Final = 256  # of the name tree; 64 files fit into one


def sealed_files(
    document: PdfDocument, coverages: Sequence[tuple[SignatureField, Coverage]], candidates: Sequence[SignatureReport]
) -> tuple[SignatureReport, dict[str, bytes]] | None:
    """The files that a seal protects, with the report of that seal; None where no candidate covers a revision.

    ``coverages``: what each signed field of the document covers. ``candidates``: reports of signatures over unchanged bytes, in the order of
    preference; the first whose field can be found counts.
    Later revisions must show the same files: a reader would show theirs.

    :raises TrustError: ``SEALED_FILES_REFUSED`` with the reason, ``PDF_*``.
    """
    if document.recovered or document.is_encrypted:
        raise refused("recovered" if document.recovered else "encrypted")
    fields = [each for each in document.signature_fields() if each.value_dict is not None]
    for report in candidates:
        named = [each for each in fields if each.name == report.name]
        if len(named) > 1:  # which of them is meant nobody can tell, and passing over all would leave what is inside unread
            raise refused("field", field=report.name[:64])
        known = [coverage for field, coverage in coverages if named and field is named[0]]
        if not known:
            continue
        signed, _ = open_signed_revision(document, known[0])
        if signed is None:
            continue
        files = read_attachments(signed)
        if signed is not document and _read_or_none(document) != files:
            raise refused("changed", field=report.name[:64])
        return report, files
    return None


def _read_or_none(document: PdfDocument) -> dict[str, bytes] | None:
    try:
        return read_attachments(document)
    except TrustError:
        return None


def read_attachments(document: PdfDocument) -> dict[str, bytes]:
    """The files of the catalog (name tree and /AF) by name, in the order of the tree.

    :raises TrustError: ``SEALED_FILES_REFUSED``, ``PDF_*``.
    """
    found = AttachedFiles()
    known: list[object] = []
    names = document.resolve_dictionary(document.root.get("Names")) or {}

    # 1. The name tree, whose keys are the names
    for key, value in _walk(document, names.get("EmbeddedFiles")):
        name, content = _read(document, value)
        if key != name:
            raise refused("name", name=_shown(name))
        found.add(name, content)
        known.append(value)

    # 2. Files associated with the document: the same ones, or further ones
    associated = document.resolve(document.root.get("AF"))
    if associated is not None and not isinstance(associated, list):
        raise refused("structure", at="AF")
    for value in associated or []:
        if type(value) is Ref and value in known:
            continue
        found.add(*_read(document, value))
        known.append(value)
    return found.files


def _shown(name: str) -> str:
    return name[:64].encode("ascii", "backslashreplace").decode("ascii")


def _walk(document: PdfDocument, root: object) -> list[tuple[str, object]]:
    """The entries of the tree (7.9.6), from the first to the last."""
    out: list[tuple[str, object]] = []
    waiting = [root]
    seen: set[Ref] = set()
    nodes = 0
    while waiting:
        held = waiting.pop()
        nodes += 1
        if nodes > MAX_NODES or (type(held) is Ref and held in seen):
            raise refused("tree")
        if type(held) is Ref:
            seen.add(held)
        node = document.resolve(held)
        if node is None and held is root:
            break
        if not isinstance(node, dict):
            raise refused("structure", at="EmbeddedFiles")
        kids, pairs = document.resolve(node.get("Kids")), document.resolve(node.get("Names"))
        if kids is not None and pairs is None and isinstance(kids, list):
            waiting += reversed(kids[: MAX_NODES + 1])
        elif kids is None and isinstance(pairs, list) and len(pairs) % 2 == 0:
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                out.append((_text(document, key), value))
        else:
            raise refused("structure", at="EmbeddedFiles")
    return out


def _text(document: PdfDocument, value: object) -> str:
    found = document.resolve(value)
    if not isinstance(found, PdfString):
        raise refused("structure", at="Filespec")
    return read_text(found)


def _read(document: PdfDocument, value: object) -> tuple[str, bytes]:
    """Name and content of a file specification; every entry that may hold one must say the same."""
    specification = document.resolve(value)
    if not isinstance(specification, dict):
        raise refused("structure", at="Filespec")
    names = {_text(document, specification[key]) for key in ("UF", "F") if key in specification}
    embedded = document.resolve(specification.get("EF"))
    if len(names) != 1 or not isinstance(embedded, dict) or any(key in specification for key in ("DOS", "Mac", "Unix", "FS")):
        raise refused("structure", at="Filespec")
    streams = set(embedded.values()) if all(type(each) is Ref for each in embedded.values()) else set()
    if len(streams) != 1 or not embedded.keys() <= {"F", "UF"}:
        raise refused("structure", at="EF")
    if any(type(each) is Ref and each in document.duplicate_keys for each in (value, *streams)):
        raise refused("structure", at="duplicate key")
    stream = document.resolve(next(iter(streams)))
    if not isinstance(stream, Stream) or "F" in stream.dictionary:  # /F: its data would stand in another file
        raise refused("structure", at="EmbeddedFile")
    (name,) = names
    content = decode_stream(stream, document.resolve, document.budget)
    parameters = document.resolve_dictionary(stream.dictionary.get("Params")) or {}
    size = document.resolve(parameters.get("Size"))
    if size is not None and size != len(content):
        raise refused("size", name=_shown(name))
    return name, content
