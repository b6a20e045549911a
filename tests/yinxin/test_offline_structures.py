"""What the offline verifier reads of the structure of documents, in node, against what the server reads: rules and limits that few files reach."""

from __future__ import annotations

from dataclasses import replace

from licence_vault.copies import SaltedCopy, read_salted_copy
from seal_service.pdf.document import PdfDocument
from seal_service.pdf.permissions import read_permissions
from seal_service.pdf.syntax import Ref
from standards.errors import TrustError
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import Graph
from standards.uax9_plain_text import is_printable
from tests.licence_vault.test_verify import SALT
from tests.licence_vault.test_verify_copy import COPY
from tests.seal_service.pdf.documents import build, page_objects
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import body, entry, plain_files
from tests.yinxin.test_offline_modules import run


def test_what_a_signature_forbids_is_the_same_as_for_the_server() -> None:
    """Also where it says more than is read."""
    lock = b"<</Lock<</Type/SigFieldLock/Action/%b%b>>>>"
    documents = {
        5: b"<</Reference[" + b"<<>>" * 16 + b"<</TransformMethod/DocMDP/TransformParams<</P 3>>>>]>>",
        6: b"<</Reference[<</TransformMethod/DocMDP/TransformParams<</P 3>>>>]>>",
        7: lock % (b"Include", b"/Fields[" + b"(x)" * 10_001 + b"]"),
        8: lock % (b"Exclude", b""),
        9: lock % (b"Include", b"/Fields[(x)(y)]"),
        10: lock % (b"Exclude", b"/Fields[(x)(y)]"),
        11: lock % (b"Nothing", b"/Fields[(x)(y)]"),
    }
    content = build(page_objects() | documents)
    script = """
      const [{ PdfDocument }, { PdfRef }, { readPermissions, isLockedField }] = await Promise.all(
        ["pdf_document", "pdf_syntax", "pdf_permissions"].map(load));
      const document = PdfDocument.open(Uint8Array.from(given.content));
      return given.numbers.map((number) => {
        const dictionary = document.resolveDictionary(new PdfRef(number, 0));
        const found = readPermissions(document, dictionary, dictionary);
        return [found.level, found.isCertification, ["x", "z"].map((name) => isLockedField(found, name))];
      });
    """
    document, there = PdfDocument.open(content), []
    for number in documents:
        dictionary = document.resolve_dictionary(Ref(number)) or {}
        found = read_permissions(document, dictionary, dictionary)
        there.append([found.level, found.is_certification, [found.is_locked(name) for name in ("x", "z")]])
    everything, nothing = [True, True], [False, False]
    assert there[:4] == [[1, False, everything], [3, True, nothing], [None, False, everything], [None, False, everything]]
    assert there[4:] == [[None, False, [True, False]], [None, False, [False, True]], [None, False, everything]]
    assert run(script, {"content": list(content), "numbers": list(documents)}) == there


def test_what_does_not_fit_into_a_report_counts_as_for_the_server() -> None:
    """Missing pictures in OFD.xml up to the limit, in front of another document; locks and certifications of PDF behind what is read at most."""
    covers = "".join(f"<o:DocInfo><o:Cover>c{number}.png</o:Cover></o:DocInfo>" for number in range(1001))
    package = pack({**plain_files(signatures=None), "OFD.xml": entry(body(extra=covers) + body("..\\Doc_1/Document.xml"))})
    locks = [b"<</Fields[" + b"(x)" * 10_001 + b"(amount)]/Action/Include>>", b"<</Action/Include>>", b"<</Fields[(x)]/Action/Include>>"]
    certified = b"<</Reference[" + b"<<>>" * 16 + b"<</TransformMethod/DocMDP/TransformParams<</P 1>>>>]>>"
    form = build(page_objects() | {5: certified, **{6 + at: b"<</Lock" + lock + b">>" for at, lock in enumerate(locks)}})
    script = """
      const [{ fromHex }, { ZipContainer }, { OfdGraph }, { PdfDocument }, { PdfRef }, { isLockedField, readPermissions }] = await Promise.all(
        ["bytes", "zip", "ofd_graph", "pdf_document", "pdf_syntax", "pdf_permissions"].map(load));
      const troubles = new OfdGraph(new ZipContainer(fromHex(given.package))).troubles.map(({ code, path, by, reason }) => [code, path, by, reason]);
      const document = PdfDocument.open(fromHex(given.form));
      const objects = given.numbers.map((number) => document.resolveDictionary(new PdfRef(number, 0)));
      const found = [readPermissions(document, objects[0], new Map()), ...objects.slice(1).map((lock) => readPermissions(document, new Map(), lock))];
      return { troubles, permissions: found.map((each) => [each.level, isLockedField(each, "amount")]) };
    """
    found = run(script, {"package": package.hex(), "form": form.hex(), "numbers": [5, 6, 7, 8]})
    assert [tuple(each) for each in found["troubles"]] == [
        (each.code, each.path, each.by, each.reason) for each in Graph(Container(package)).troubles
    ]
    assert ["BAD_PATH", "..\\Doc_1/Document.xml", "OFD.xml", "backslash"] in found["troubles"]
    assert found["permissions"] == [[1, True], [None, True], [None, True], [None, False]]


def test_what_a_copy_may_say_is_the_same_as_for_the_server() -> None:
    """Also in the traditional script, in which offices of the region write their names: the copy would be one for the server, and none here."""
    good = ["示例区不动产登记窗口", "Ann Test", "ᠬᠣᠲᠠ\u202fᠶᠢᠨ", "ᠰᠠᠷ\u180eᠠ 示例", "ᠨ\u180b\u180eᠠ", "葛\U000e0100"]
    bad = [
        "a\u180eb",
        "ᠠ\u180e",
        "\u202fᠠ",
        "ᠰ\u180e\u202fᠠ",
        "ᠰ\u180e1",
        "ᠰᠠᠷ\u180eᠠ\u202e",
        "ᠰ\u200dᠠ",
        "示\u3000例",
        "a\u00a0b",
        "a\u2028b",
        " a",
        "a\x85",
    ]
    texts = good + bad
    copies = [SaltedCopy(replace(COPY, made_by=each), SALT).canonical() for each in texts]
    script = """
      const [{ fromHex }, { readSaltedCopy }, { isPrintable }] = await Promise.all(["bytes", "licence_data", "texts"].map(load));
      const read = (copy) => { try { return readSaltedCopy(fromHex(copy)).statement.made_by; } catch (error) { return [error.code, error.facts.place]; } };
      return { read: given.copies.map(read), printable: given.texts.map(isPrintable) };
    """

    def read_there(copy: bytes) -> str | list[object]:
        try:
            return read_salted_copy(copy).statement.made_by
        except TrustError as error:
            return [error.code, error.facts["place"]]

    there = [read_there(each) for each in copies]
    assert there == [*good, *([["LICENCE_DATA_MALFORMED", "$.copy.made_by"]] * len(bad))]
    found = run(script, {"copies": [each.hex() for each in copies], "texts": texts})
    assert found == {"read": there, "printable": [is_printable(each) for each in texts]}
