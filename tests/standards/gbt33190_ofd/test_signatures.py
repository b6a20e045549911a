"""Signatures.xml, Signature.xml and OFDEntries.xml as they stand in files."""

from __future__ import annotations

import pytest

from standards import gbt33560_oids as oids
from standards import gmt0099_ofd
from standards.errors import MalformedError
from standards.gbt33190_ofd import signatures as signatures_module
from standards.gbt33190_ofd.signatures import (
    DigestMethod,
    ListedSignature,
    ProtectedFile,
    StampPlace,
    read_digest_method,
    read_signature,
    read_signatures,
)
from standards.gbt33190_ofd.xml_parts import XmlNode, read_xml
from standards.gmt0099_ofd import IntegrityList, read_entries
from tests.standards.gbt33190_ofd.parts import part


def node(name: str, inner: str = "", **attributes: str) -> XmlNode:
    return read_xml(part(name, inner, **attributes))


def refusal(read: object, root: XmlNode) -> tuple[str, object]:
    with pytest.raises(MalformedError) as caught:
        read(root)  # type: ignore[operator]
    assert caught.value.code == "OFD_XML_MALFORMED"
    return str(caught.value.facts["reason"]), caught.value.facts.get("element")


@pytest.mark.clause("GB/T 33190-2016 18.1")
def test_the_list() -> None:
    inner = (
        '<o:MaxSignId>2</o:MaxSignId><o:Signature ID="s001" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/>'
        '<o:Signature ID="2" BaseLoc="Sign_1/Signature.xml"/><o:Signature Type="Sign" 基签名="2"/>'
    )
    assert read_signatures(node("Signatures", inner)) == (
        ListedSignature("s001", "Seal", "/Doc_0/Signs/Sign_0/Signature.xml", None),
        ListedSignature("2", None, "Sign_1/Signature.xml", None),
        ListedSignature("", "Sign", "", "2"),
    )
    assert read_signatures(node("Signatures")) == ()


def test_lists_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(read_signatures, node("Other")) == ("root", None)
    monkeypatch.setattr(signatures_module, "MAX_SIGNATURES", 1)
    assert refusal(read_signatures, node("Signatures", "<o:Signature/><o:Signature/>")) == ("too-many-signatures", None)


FULL = (
    '<o:SignedInfo><o:Provider ProviderName="p" Version="1"/><o:SignatureMethod>1.2.156.10197.1.501</o:SignatureMethod>'
    "<o:SignatureDateTime>20200817111329Z</o:SignatureDateTime>"
    '<o:References CheckMethod="SM3"><o:Reference FileRef="/a"><o:CheckValue>\n YWJj \n ZA== </o:CheckValue></o:Reference>'
    '<o:Reference FileRef="/b"><o:CheckValue>?</o:CheckValue></o:Reference><o:Reference/></o:References>'
    '<o:StampAnnot ID="1" PageRef="2" Boundary="0 0 9 9" Clip="0 0 3 9"/><o:StampAnnot/>'
    "<o:Seal><o:BaseLoc>Seal.esl</o:BaseLoc></o:Seal></o:SignedInfo><o:SignedValue>/v.dat</o:SignedValue>"
)


@pytest.mark.clause("GB/T 33190-2016 18.2")
def test_a_description() -> None:
    found = read_signature(node("Signature", FULL))
    assert found.provider == "p"
    assert found.signature_method == oids.SM2_WITH_SM3
    assert found.stated_time == "20200817111329Z"
    assert found.check_method == "SM3"
    assert found.references == (ProtectedFile("/a", b"abcd"), ProtectedFile("/b", None), ProtectedFile("", None))
    assert found.stamps == (StampPlace("1", "2", "0 0 9 9", "0 0 3 9"), StampPlace("", "", "", None))
    assert (found.seal_location, found.value_location) == ("Seal.esl", "/v.dat")


def test_a_description_with_nothing_in_it() -> None:
    found = read_signature(node("Signature", "<o:SignedInfo/>"))
    assert (found.provider, found.signature_method, found.stated_time, found.check_method) == ("", "", "", None)
    assert (found.references, found.stamps, found.seal_location, found.value_location) == ((), (), None, None)


def test_a_provider_in_child_elements() -> None:
    """As one vendor writes it."""
    inner = "<o:SignedInfo><o:Provider><o:ProviderName>iOFD</o:ProviderName></o:Provider><o:References/></o:SignedInfo>"
    assert read_signature(node("Signature", inner)).provider == "iOFD"
    assert read_signature(node("Signature", "<o:SignedInfo><o:Provider/></o:SignedInfo>")).provider == ""


@pytest.mark.parametrize("element", ["SignedInfo", "References", "Seal", "SignedValue", "SignatureMethod"])
def test_an_element_that_stands_twice_is_refused(element: str) -> None:
    start, end = FULL.index(f"<o:{element}"), FULL.index(f"</o:{element}>") + len(f"</o:{element}>")
    doubled = FULL[:end] + FULL[start:end] + FULL[end:]
    assert refusal(read_signature, node("Signature", doubled)) == ("repeated", element)


def test_descriptions_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(read_signature, node("Signatures")) == ("root", None)
    assert refusal(read_signature, node("Signature")) == ("missing", "SignedInfo")
    monkeypatch.setattr(signatures_module, "MAX_REFERENCES", 2)
    assert refusal(read_signature, node("Signature", FULL)) == ("too-many-references", None)
    monkeypatch.setattr(signatures_module, "MAX_REFERENCES", 3)
    monkeypatch.setattr(signatures_module, "MAX_STAMPS", 1)
    assert refusal(read_signature, node("Signature", FULL)) == ("too-many-references", None)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (None, DigestMethod(oids.MD5, is_alias=False)),
        ("md5", DigestMethod(oids.MD5, is_alias=False)),
        ("SHA1", DigestMethod(oids.SHA1, is_alias=False)),
        ("SM3", DigestMethod(oids.SM3, is_alias=False)),
        ("sm3 ", DigestMethod(oids.SM3, is_alias=False)),
        (oids.SM3, DigestMethod(oids.SM3, is_alias=False)),
        (oids.SM3 + ".1", DigestMethod(oids.SM3, is_alias=True)),
        (oids.SM3 + ".2", DigestMethod(oids.SM3, is_alias=True)),
        (oids.SHA256, DigestMethod(oids.SHA256, is_alias=False)),
        ("CRC32", None),
    ],
)
def test_digest_methods(stated: str | None, found: DigestMethod | None) -> None:
    assert read_digest_method(stated) == found


@pytest.mark.clause("GM/T 0099-2020 D.1")
def test_the_list_of_files() -> None:
    inner = '<o:SignedValueLoc>/s.dat</o:SignedValueLoc><o:FileList><o:File ID="1" FileLoc="/a"/><o:File>/b</o:File></o:FileList>'
    assert read_entries(node("DocEntries", inner)) == IntegrityList("/s.dat", ("/a", "/b"))


def test_lists_of_files_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    value, files = "<o:SignedValueLoc>/s.dat</o:SignedValueLoc>", "<o:FileList><o:File FileLoc='/a'/></o:FileList>"
    assert refusal(read_entries, node("OFD")) == ("root", None)
    assert refusal(read_entries, node("DocEntries", value)) == ("missing", "FileList")
    assert refusal(read_entries, node("OFDEntries", files)) == ("missing", "SignedValueLoc")
    monkeypatch.setattr(gmt0099_ofd, "MAX_REFERENCES", 0)
    assert refusal(read_entries, node("DocEntries", value + files)) == ("too-many-references", None)
