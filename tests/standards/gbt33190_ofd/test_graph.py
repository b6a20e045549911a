"""The walk from OFD.xml: all that can be reached, by whom, and what is wrong on the way."""

from __future__ import annotations

from collections import Counter

import pytest

from standards.errors import MalformedError
from standards.gbt33190_ofd import graph as graph_module
from standards.gbt33190_ofd import limits
from standards.gbt33190_ofd.container import Container
from standards.gbt33190_ofd.graph import Graph, Role, read_box
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import body, entry, part, plain_files


def graph_of(files: dict[str, bytes]) -> Graph:
    return Graph(Container(pack(files)))


def troubles(files: dict[str, bytes]) -> set[tuple[str, str, str]]:
    return {(trouble.code, trouble.path, trouble.reason) for trouble in graph_of(files).troubles}


@pytest.mark.clause("GB/T 33190-2016 7.4")
def test_every_part_is_reached() -> None:
    files = plain_files()
    files["Doc_0/Signs/Signatures.xml"] = part("Signatures")
    graph = graph_of(files)
    assert graph.troubles == ()
    (only,) = graph.bodies
    assert set(only.reached) == set(files) - {"OFD.xml", "Doc_0/Signs/Signatures.xml"}
    assert only.signatures == ["Doc_0/Signs/Signatures.xml"]
    assert not only.older
    assert only.pages == {"1": "Doc_0/Pages/Page_0/Content.xml", "2": "Doc_0/Pages/Page_1/Content.xml"}
    assert tuple(only.default_box or ()) == (0, 0, 210, 297)
    assert only.boxes == {"Doc_0/Pages/Page_1/Content.xml": (0, 0, 100, 100)}
    assert only.reached["Doc_0/Document.xml"].role is Role.DOCUMENT
    assert only.reached["Doc_0/Res/p.png"].by == ["Doc_0/DocumentRes.xml"]
    assert only.reached["Doc_0/Pages/Page_0/q.png"].by == ["Doc_0/Pages/Page_0/PageRes.xml"]


def test_the_entry_must_be_there() -> None:
    for files, code, reason in (
        ({"Doc_0/Document.xml": b""}, "OFD_ENTRY_MISSING", None),
        ({"OFD.xml": part("Other")}, "OFD_XML_MALFORMED", "root"),
        ({"OFD.xml": b"<a"}, "OFD_XML_MALFORMED", "syntax"),
    ):
        graph = graph_of(files)
        assert graph.failure is not None
        assert (graph.failure.code, graph.failure.facts.get("reason"), graph.bodies) == (code, reason, [])
    assert graph_of(plain_files(signatures=None)).failure is None


def test_an_entry_in_another_case_or_namespace_is_said() -> None:
    assert troubles({"ofd.XML": entry("")}) == {("OFD_LOCATION_VARIANT", "ofd.XML", "case")}
    assert troubles({"OFD.xml": b'<OFD xmlns="http://www.ofdspec.org"/>'}) == {
        ("OFD_NAMESPACE_VARIANT", "OFD.xml", "http://www.ofdspec.org")
    }


def test_elements_count_in_any_namespace() -> None:
    """A reader that ignores namespaces follows them."""
    files = plain_files(signatures=None)
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(
        b"</o:Pages>", b'<e:Page xmlns:e="urn:e" ID="9" BaseLoc="Evil.xml"/></o:Pages>'
    )
    files["Doc_0/Evil.xml"] = part("Page")
    assert "Doc_0/Evil.xml" in graph_of(files).bodies[0].reached


def test_several_bodies_and_repeated_roots() -> None:
    files = plain_files(signatures=None)
    doubled = body().replace("</o:DocRoot>", "</o:DocRoot><o:DocRoot>Doc_1/Document.xml</o:DocRoot>")
    files["OFD.xml"] = entry(doubled + body("Doc_2/Document.xml"))
    files["Doc_1/Document.xml"] = files["Doc_2/Document.xml"] = part("Document")
    graph = graph_of(files)
    assert "Doc_1/Document.xml" in graph.bodies[0].reached
    assert list(graph.bodies[1].reached) == ["Doc_2/Document.xml"]
    assert {(trouble.code, trouble.reason) for trouble in graph.troubles} == {("OFD_PART_UNREADABLE", "repeated DocRoot")}


def test_more_bodies_or_versions_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "MAX_BODIES", 1)
    monkeypatch.setattr(graph_module, "MAX_VERSIONS", 1)
    versions = "<o:Versions>" + '<o:Version ID="v" Index="0" BaseLoc="v.xml"/>' * 2 + "</o:Versions>"
    files = {**plain_files(signatures=None), "OFD.xml": entry(body(extra=versions) + body()), "v.xml": part("DocVersion")}
    graph = graph_of(files)
    assert len(graph.bodies) == 1
    assert {(trouble.code, trouble.reason) for trouble in graph.troubles} == {
        ("OFD_TOO_MANY_PARTS", "DocBody"),
        ("OFD_TOO_MANY_PARTS", "Version"),
    }


def versioned(*current: str) -> dict[str, bytes]:
    def version(number: int) -> str:
        stated = f' Current="{current[number]}"' if current[number] else ""
        return f'<o:Version ID="v{number}" Index="{number}"{stated} BaseLoc="/Doc_0/v{number}.xml"/>'

    files = plain_files(signatures=None)
    files["OFD.xml"] = entry(body(extra=f"<o:Versions>{version(0)}{version(1)}</o:Versions>"))
    for number in (0, 1):
        listed = f"<o:FileList><o:File ID='1'>f{number}.dat</o:File></o:FileList><o:DocRoot>Document_{number}.xml</o:DocRoot>"
        files[f"Doc_0/v{number}.xml"] = part("DocVersion", listed)
        files[f"Doc_0/f{number}.dat"] = b"x"
        files[f"Doc_0/Document_{number}.xml"] = part("Document", f"<o:PublicRes>R{number}.xml</o:PublicRes>")
        files[f"Doc_0/R{number}.xml"] = part("Res", "<o:MediaFile>Res/p.png</o:MediaFile>")
    return files


@pytest.mark.clause("GB/T 33190-2016 19")
def test_the_current_version_counts_and_older_ones_are_kept_apart() -> None:
    first = {"Doc_0/v0.xml", "Doc_0/f0.dat", "Doc_0/Document_0.xml", "Doc_0/R0.xml"}
    second = {"Doc_0/v1.xml", "Doc_0/f1.dat", "Doc_0/Document_1.xml", "Doc_0/R1.xml"}
    (only,) = graph_of(versioned("", "true")).bodies
    assert second <= set(only.reached)
    assert "Doc_0/Document.xml" in only.reached
    assert set(only.older) == first


@pytest.mark.parametrize("current", [("", ""), ("true", "1"), ("false", "no")])
def test_where_no_version_or_several_are_current_all_of_them_are(current: tuple[str, str]) -> None:
    (only,) = graph_of(versioned(*current)).bodies
    assert {"Doc_0/R0.xml", "Doc_0/R1.xml"} <= set(only.reached)
    assert not only.older


def test_cover_pictures_are_reached() -> None:
    files = plain_files(signatures=None)
    files["OFD.xml"] = files["OFD.xml"].replace(b"</o:DocInfo>", b"<o:Cover>cover.png</o:Cover></o:DocInfo>")
    files["cover.png"] = b"x"
    assert graph_of(files).bodies[0].reached["cover.png"].by == ["OFD.xml"]


def test_cycles_end() -> None:
    files = plain_files(signatures=None)
    files["Doc_0/PublicRes.xml"] = part("Res", "<o:Fonts><o:Font><o:FontFile>/Doc_0/PublicRes.xml</o:FontFile></o:Font></o:Fonts>")
    files["Doc_0/Tpls/Tpl_0/Content.xml"] = part("Page", "<o:PageRes>Content.xml</o:PageRes>")
    versions = '<o:Versions><o:Version Current="true" BaseLoc="v.xml"/></o:Versions>'
    files["OFD.xml"] = entry(body("v.xml", extra=versions))
    files["v.xml"] = part(
        "DocVersion", "<o:DocRoot>v.xml</o:DocRoot><o:DocRoot>Doc_0/Document.xml</o:DocRoot><o:FileList><o:File>v.xml</o:File></o:FileList>"
    )
    assert "Doc_0/Tpls/Tpl_0/Content.xml" in graph_of(files).bodies[0].reached


def test_many_referrers_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "MAX_REFERRERS", 1)
    files = plain_files(signatures=None)
    files["Doc_0/PublicRes.xml"] = files["Doc_0/DocumentRes.xml"]
    assert graph_of(files).bodies[0].reached["Doc_0/Res/p.png"].by == ["Doc_0/PublicRes.xml"]


def test_what_is_missing_is_named() -> None:
    files = plain_files()
    for name in ("Doc_0/Pages/Page_1/Content.xml", "Doc_0/Res/p.png"):
        del files[name]
    assert troubles(files) == {
        ("OFD_PART_MISSING", "Doc_0/Pages/Page_1/Content.xml", "page"),
        ("OFD_PART_MISSING", "Doc_0/Res/p.png", "content"),
        ("OFD_PART_MISSING", "Doc_0/Signs/Signatures.xml", "signatures"),
    }


def test_what_cannot_be_read_is_named() -> None:
    files = plain_files(signatures=None)
    files["Doc_0/PublicRes.xml"] = b"<broken"
    files["Doc_0/Annots/Annotations.xml"] = b"<!DOCTYPE a><a/>"
    files["Doc_0/Tags/CustomTags.xml"] = part("CustomTags", "<o:CustomTag><o:FileLoc>t.x<!-- -->ml</o:FileLoc></o:CustomTag>")
    files["Doc_0/Attachs/Attachments.xml"] = part("Attachments", "<o:Attachment><o:FileLoc/></o:Attachment>")
    assert troubles(files) == {
        ("OFD_PART_UNREADABLE", "Doc_0/PublicRes.xml", "OFD_XML_MALFORMED syntax"),
        ("OFD_PART_REFUSED", "Doc_0/Annots/Annotations.xml", "OFD_XML_DOCTYPE"),
        ("OFD_PART_UNREADABLE", "Doc_0/Tags/CustomTags.xml", "mixed-content FileLoc"),
    }


def test_locations_that_lead_out_are_named() -> None:
    files = plain_files(signatures="../../outside.xml")
    files["Doc_0/DocumentRes.xml"] = part("Res", "<o:MediaFile>http://127.0.0.1/p.png</o:MediaFile>", BaseLoc="../../..")
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(b"/Doc_0/Pages/Page_1", b"Pages\\Page_1")
    assert troubles(files) == {
        ("BAD_PATH", "../../outside.xml", "parent-folder"),
        ("BAD_PATH", "http://127.0.0.1/p.png", "not-in-package"),
        ("BAD_PATH", "Pages\\Page_1/Content.xml", "backslash"),
    }


def test_a_store_outside_the_package_is_named() -> None:
    files = plain_files(signatures=None)
    files["Doc_0/DocumentRes.xml"] = part("Res", "<o:MediaFile>/Doc_0/Res/p.png</o:MediaFile>", BaseLoc="../../x")
    assert troubles(files) == {("BAD_PATH", "../../x", "parent-folder")}


def test_other_habits_of_resolving_are_followed_and_said() -> None:
    files = plain_files(signatures="Doc_0/signs/signatures.xml")
    files["Doc_0/Signs/Signatures.xml"] = part("Signatures")
    files["Doc_0/TPLS/Tpl_0/Content.xml"] = files.pop("Doc_0/Tpls/Tpl_0/Content.xml")
    files["Doc_0/Attachs/Attachments.xml"] = part("Attachments", "<o:FileLoc>Attachs/a.json</o:FileLoc>")
    files["Doc_0/PublicRes.xml"] = part("Res", "<o:FontFile>Res/f.ttf</o:FontFile>", BaseLoc="Res")
    del files["Doc_0/Res/c.icc"]
    graph = graph_of(files)
    assert {"Doc_0/TPLS/Tpl_0/Content.xml", "Doc_0/Attachs/a.json", "Doc_0/Res/f.ttf"} <= set(graph.bodies[0].reached)
    assert graph.bodies[0].signatures == ["Doc_0/Signs/Signatures.xml"]
    assert {(trouble.code, trouble.path, trouble.reason) for trouble in graph.troubles} == {
        ("OFD_LOCATION_VARIANT", "Doc_0/Signs/Signatures.xml", "case"),
        ("OFD_LOCATION_VARIANT", "Doc_0/TPLS/Tpl_0/Content.xml", "case"),
        ("OFD_LOCATION_VARIANT", "Doc_0/Attachs/a.json", "folder"),
        ("OFD_LOCATION_VARIANT", "Doc_0/Res/f.ttf", "folder"),
    }


def test_a_file_that_only_another_habit_finds_counts_as_reached_too() -> None:
    files = plain_files(signatures=None)
    files["Page_0/Annotation.xml"] = part("PageAnnot")
    assert "Page_0/Annotation.xml" in graph_of(files).bodies[0].reached


def test_resources_without_a_store_start_at_their_own_folder() -> None:
    for store in ("", ".", "./"):
        files = plain_files(signatures=None)
        files["Doc_0/DocumentRes.xml"] = part("Res", "<o:MediaFile>Res/p.png</o:MediaFile>", BaseLoc=store)
        assert not graph_of(files).troubles


def test_all_parts_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "MAX_XML_TOTAL_BYTES", 1500)
    found = troubles(plain_files(signatures=None))
    assert ("OFD_PART_UNREADABLE", "Doc_0/Tags/CustomTags.xml", "OFD_XML_MALFORMED total-too-large") in found


def test_troubles_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_module, "MAX_TROUBLES", 2)
    files = plain_files(signatures=None)
    files["Doc_0/Document.xml"] = part("Document", "".join(f'<o:Page BaseLoc="{number}"/>' for number in range(9)))
    assert len(graph_of(files).troubles) == 2


def test_attack_many_harmless_troubles_hide_none_that_decides() -> None:
    covers = "".join(f"<o:DocInfo><o:Cover>c{number}.png</o:Cover></o:DocInfo>" for number in range(limits.MAX_TROUBLES + 1))
    files = {
        **plain_files(signatures=None),
        "OFD.xml": entry(body(extra=covers) + body("..\\Doc_1/Document.xml") + body("Doc_1/Document.xml")),
    }
    found = [(trouble.code, trouble.reason) for trouble in graph_of(files).troubles]
    assert Counter(found) == {("OFD_PART_MISSING", "content"): 1000, ("BAD_PATH", "backslash"): 1, ("OFD_PART_MISSING", "document"): 1}


def test_pages_without_identifier_or_file_are_no_pages_for_stamps() -> None:
    files = plain_files(signatures=None)
    files["Doc_0/Document.xml"] = part("Document", '<o:Page BaseLoc="Pages/Page_0/Content.xml"/><o:Page ID="3" BaseLoc="none"/>')
    files["Doc_0/Pages/Page_0/Content.xml"] = part("Page", "<o:Area/><o:Area><o:PhysicalBox>wide</o:PhysicalBox></o:Area>")
    (only,) = graph_of(files).bodies
    assert (only.pages, only.boxes, only.default_box) == ({}, {}, None)


@pytest.mark.parametrize("text", ["", "1 2 3", "1 2 3 x", "0 0 0 1", "0 0 1 -1", "0 0 inf 1", "nan 0 1 1", "0 0 1e9 1"])
def test_boxes_that_are_none(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_box(text)
    assert caught.value.facts["reason"] == "box"


def test_boxes() -> None:
    assert read_box(" -1.5 0  2,3 ") == (-1.5, 0, 2, 3)


TEMPLATE = "Doc_0/Tpls/Tpl_0/Content.xml"


def test_a_template_that_was_seen_before_leads_where_it_says_here() -> None:
    """What is remembered of one are its own words; to which files they lead, and what is wrong with them, is found out in each package."""
    files = {**plain_files(signatures=None), TEMPLATE: part("Page", "<o:PageRes>More.xml</o:PageRes>")}
    for _ in range(2):
        assert troubles(files) == {("OFD_PART_MISSING", "Doc_0/Tpls/Tpl_0/More.xml", "resources")}
    files["Doc_0/Tpls/Tpl_0/More.xml"] = part("Res", "<o:MediaFile>gone.png</o:MediaFile>")
    for _ in range(2):
        assert troubles(files) == {("OFD_PART_MISSING", "Doc_0/Tpls/Tpl_0/gone.png", "content")}
    files["Doc_0/Tpls/Tpl_0/gone.png"] = b"picture"
    reached = graph_of(files).bodies[0].reached
    assert reached["Doc_0/Tpls/Tpl_0/More.xml"].by == [TEMPLATE]
    assert reached["Doc_0/Tpls/Tpl_0/gone.png"].role is Role.CONTENT


def test_a_template_with_other_words_is_read_anew() -> None:
    for name in ("A", "B", "A"):
        files = {**plain_files(signatures=None), TEMPLATE: part("Page", f"<o:PageRes>{name}.xml</o:PageRes>")}
        assert troubles(files) == {("OFD_PART_MISSING", f"Doc_0/Tpls/Tpl_0/{name}.xml", "resources")}


def test_a_template_that_cannot_be_read_is_said_each_time() -> None:
    """Nothing is remembered of what was refused."""
    bare = part("Page")
    for content, code, reason in (
        (b"<a", "OFD_PART_UNREADABLE", "OFD_XML_MALFORMED syntax"),
        (b"<!DOCTYPE a>" + bare.split(b"\n")[1], "OFD_PART_REFUSED", "OFD_XML_DOCTYPE"),
        (part("Page", "<o:PageRes>a<o:b/></o:PageRes>"), "OFD_PART_UNREADABLE", "mixed-content PageRes"),
    ):
        for _ in range(2):
            found = troubles({**plain_files(signatures=None), TEMPLATE: content})
            assert {(each[0], each[2]) for each in found} == {(code, reason)}


def test_a_template_is_read_as_a_page_too_where_it_is_one() -> None:
    """The size of a page is asked of pages alone, so it must not be lost where the same file was a template first."""
    area = "<o:Area><o:PhysicalBox>0 0 50 60</o:PhysicalBox></o:Area>"
    files = {**plain_files(signatures=None), TEMPLATE: part("Page", area)}
    files["Doc_0/Document.xml"] = files["Doc_0/Document.xml"].replace(
        b"</o:Pages>", b'<o:Page ID="3" BaseLoc="Tpls/Tpl_0/Content.xml"/></o:Pages>'
    )
    for _ in range(2):
        assert graph_of(files).bodies[0].boxes[TEMPLATE] == (0, 0, 50, 60)


def test_large_templates_are_not_remembered() -> None:
    files = {**plain_files(signatures=None), TEMPLATE: part("Page", "<!--" + "x" * graph_module.REMEMBERED_BYTES + "-->")}
    before = graph_module._resources_of_template.cache_info().currsize
    assert not troubles(files)
    assert graph_module._resources_of_template.cache_info().currsize == before
