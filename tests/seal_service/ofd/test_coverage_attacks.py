"""Attacks on what a signature covers and a reader shows, by name. None is ever valid, and what gives it away is named."""

from __future__ import annotations

import pytest

from crypto.report import Verdict
from tests.seal_service.ofd.documents import EVIL, LIST, PAGE, Signing, codes, replaced, sealed, sign, steps_of, verify
from tests.standards.gbt33190_ofd.parts import body, entry, part, plain_files

OPEN_ENTRY = Signing(leave_out=("OFD.xml",))


def test_a_changed_page() -> None:
    report = verify(replaced(PAGE, lambda data: data.replace(b"TextObject", b"PathObject")))
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert [(step.code, step.facts["path"]) for step in steps_of(report, "fail")] == [("REF_HASH_BAD", f"/{PAGE}")]
    (only,) = report.signatures
    assert (only.cryptographically_valid, only.document_intact) == (True, False)


def test_a_changed_part_whose_like_was_digested_before() -> None:
    """Digests of larger parts are remembered: of these very bytes, wherever they stand."""
    font, other = b"a" * 20_000, b"a" * 19_999 + b"b"
    files = sign({**plain_files(), "Doc_0/Res/f.ttf": font}, Signing())
    changed = {**files, "Doc_0/Res/f.ttf": other}
    for _ in range(2):
        assert verify(files).verdict is Verdict.VALID
        report = verify(changed)
        assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
        assert [(step.code, step.facts["path"]) for step in steps_of(report, "fail")] == [("REF_HASH_BAD", "/Doc_0/Res/f.ttf")]


def test_a_removed_page() -> None:
    files = sealed()
    del files[PAGE]
    report = verify(files)
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert "REF_MISSING" in codes(report, "fail")
    assert "OFD_PART_MISSING" in codes(report, "not-checked")


def test_a_missing_page_that_nobody_signed() -> None:
    files = sealed(leave_out=(PAGE,))
    del files[PAGE]
    report = verify(files)
    assert report.verdict is Verdict.INDETERMINATE
    assert codes(report, "not-checked") == {"OFD_PART_MISSING"}


def test_an_unsigned_page_that_can_be_reached() -> None:
    report = verify(sealed(leave_out=(PAGE,)))
    assert report.verdict is Verdict.INDETERMINATE
    assert [(step.facts["path"], step.facts["by"]) for step in steps_of(report, "not-checked")] == [(PAGE, "Doc_0/Document.xml")]


@pytest.mark.parametrize(
    "name",
    [
        "Doc_0/Document.xml",
        "Doc_0/Tpls/Tpl_0/Content.xml",
        "Doc_0/PublicRes.xml",
        "Doc_0/Pages/Page_0/PageRes.xml",
        "Doc_0/Pages/Page_0/q.png",
        "Doc_0/Res/f.ttf",
        "Doc_0/Res/c.icc",
        "Doc_0/Annots/Page_0/Annotation.xml",
        "Doc_0/Attachs/a.json",
        "Doc_0/Tags/t.xml",
        "Doc_0/Tags/t.xsd",
        "Doc_0/e.dat",
    ],
)
def test_any_part_left_out_is_named(name: str) -> None:
    report = verify(sealed(leave_out=(name,)))
    assert report.verdict is Verdict.INDETERMINATE
    assert [(step.code, step.facts["path"]) for step in steps_of(report, "not-checked")] == [("UNPROTECTED_REACHABLE", name)]


def test_signature_over_the_wrong_member() -> None:
    """The signature lists a harmless copy of the page that is shown."""
    files = {**plain_files(), "Doc_0/copy.xml": b"harmless"}
    report = verify(sign(files, Signing(leave_out=(PAGE,))))
    assert report.verdict is Verdict.INDETERMINATE
    assert codes(report, "not-checked") == {"UNPROTECTED_REACHABLE"}


def test_a_page_smuggled_in_through_unprotected_annotations() -> None:
    name = "Doc_0/Annots/Annotations.xml"
    files = sealed(leave_out=(name,))
    files[name] = part("Annotations", '<o:Page PageID="1"><o:FileLoc>evil.xml</o:FileLoc></o:Page>')
    files["Doc_0/Annots/evil.xml"] = part("PageAnnot")
    report = verify(files)
    assert report.verdict is Verdict.INDETERMINATE
    assert {step.facts["path"] for step in steps_of(report, "not-checked")} == {name, "Doc_0/Annots/evil.xml"}


def test_version_switch_in_the_entry() -> None:
    """OFD.xml is outside the references, as with several vendors, and is made to show another document."""
    files = sign(plain_files(), OPEN_ENTRY)
    files["Doc_0/Document_1.xml"] = part("Document", '<o:Pages><o:Page ID="1" BaseLoc="Pages/evil.xml"/></o:Pages>')
    files["Doc_0/Pages/evil.xml"] = EVIL
    for switched in (
        body("Doc_0/Document_1.xml", signatures=f"/{LIST}"),
        body(signatures=f"/{LIST}", extra='<o:Versions><o:Version ID="v" Index="1" Current="true" BaseLoc="Doc_0/v.xml"/></o:Versions>'),
        body(signatures=f"/{LIST}", extra='<o:Versions><o:Version ID="v" Index="1" BaseLoc="Doc_0/v.xml"/></o:Versions>'),
        body(signatures=f"/{LIST}").replace("</o:DocRoot>", "</o:DocRoot><o:DocRoot>Doc_0/Document_1.xml</o:DocRoot>"),
        body("Doc_0/Document_1.xml") + body(signatures=f"/{LIST}"),
    ):
        evil = {**files, "OFD.xml": entry(switched), "Doc_0/v.xml": part("DocVersion", "<o:DocRoot>Document_1.xml</o:DocRoot>")}
        report = verify(evil)
        assert report.verdict is Verdict.INDETERMINATE
        paths = {step.facts["path"] for step in steps_of(report, "not-checked") if step.code == "UNPROTECTED_REACHABLE"}
        assert {"Doc_0/Document_1.xml", "Doc_0/Pages/evil.xml"} <= paths
        assert "OFD_ENTRY_UNPROTECTED" in codes(report, "warn")


def with_another_document(root: str) -> dict[str, bytes]:
    """OFD.xml, which is outside the references, names missing pictures up to every limit before it leads to another document."""
    covers = "".join(f"<o:DocInfo><o:Cover>c{number}.png</o:Cover></o:DocInfo>" for number in range(1001))
    named = entry(body(signatures=f"/{LIST}", extra=covers) + body(root))
    return {**sign(plain_files(), OPEN_ENTRY), "OFD.xml": named, "Doc_1/Document.xml": part("Document", "")}


def test_missing_files_without_number_hide_no_document_that_others_may_show() -> None:
    for root, verdict in ((r"..\Doc_1/Document.xml", Verdict.INVALID), ("Doc_1/Other.xml", Verdict.INDETERMINATE)):
        assert verify(with_another_document(root)).verdict is verdict


def test_a_root_that_readers_put_together_differently() -> None:
    files = sign(plain_files(), OPEN_ENTRY)
    files["OFD.xml"] = entry(body("Doc_0/Document<!-- -->_1.xml", signatures=f"/{LIST}"))
    report = verify(files)
    assert report.verdict is Verdict.INDETERMINATE
    assert "OFD_PART_UNREADABLE" in codes(report, "not-checked")


def test_a_protected_entry_cannot_be_switched() -> None:
    report = verify({**sealed(), "OFD.xml": entry(body("Doc_0/Document_1.xml", signatures=f"/{LIST}"))})
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)


def test_template_swap() -> None:
    report = verify(replaced("Doc_0/Tpls/Tpl_0/Content.xml", lambda _: EVIL))
    assert (report.verdict, report.tampered) == (Verdict.INVALID, True)
    assert codes(report, "fail") == {"REF_HASH_BAD"}
