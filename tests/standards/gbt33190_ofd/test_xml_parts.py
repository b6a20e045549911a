"""XML of OFD parts: what is read, and what is refused by name."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.errors import MalformedError
from standards.gbt33190_ofd import xml_parts
from standards.gbt33190_ofd.xml_parts import NAMESPACE, read_xml

LAUGHS = "<!DOCTYPE a [<!ENTITY l0 'ha'>" + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12)) + "]>"


def refusal(data: bytes | str) -> tuple[str, object]:
    with pytest.raises(MalformedError) as caught:
        read_xml(data.encode() if isinstance(data, str) else data)
    return caught.value.code, caught.value.facts.get("reason")


def test_elements_attributes_and_text() -> None:
    root = read_xml(f'<o:OFD xmlns:o="{NAMESPACE}" A=" 1 "><o:B> x </o:B><B>y</B><o:C/><!-- c --></o:OFD>'.encode())
    assert (root.name, root.namespace, root.get("A"), root.get("B")) == ("OFD", NAMESPACE, "1", None)
    assert [(node.name, node.namespace, node.text) for node in root.children()] == [
        ("B", NAMESPACE, "x"),
        ("B", "", "y"),
        ("C", NAMESPACE, ""),
    ]
    assert [node.text for node in root.children("B")] == ["x", "y"]
    assert [node.name for node in root.descendants("C")] == ["C"]
    assert root.child("D") is None
    assert root.child("C") is not None
    with pytest.raises(MalformedError) as caught:
        root.child("B")
    assert caught.value.facts == {"reason": "repeated", "element": "B"}


@pytest.mark.parametrize("inner", ["<!-- c -->", "<?p i?>", "<b/>"])
def test_text_that_readers_put_together_differently_is_refused(inner: str) -> None:
    root = read_xml(f"<a>Doc_0/{inner}Evil.xml</a>".encode())
    with pytest.raises(MalformedError) as caught:
        _ = root.text
    assert caught.value.facts["reason"] == "mixed-content"


def test_character_data_sections_are_text() -> None:
    assert read_xml(b"<a>x<![CDATA[<y>]]>&amp;&#65;</a>").text == "x<y>&A"


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE a><a/>",
        "\ufeff\ufeff<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        '<?xml version="1.0"?>\ufeff<!DOCTYPE a><a/>',
        "<!doctype a><a/>",
        '<?xml version="1.0"?>\n<!-- x - y --><?p q?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><a/>',
        LAUGHS + "<a>&l11;</a>",
        LAUGHS + '<a b="&l11;"/>',
    ],
    ids=[
        "plain",
        "behind-marks",
        "behind-a-mark",
        "lower-case",
        "behind-comments",
        "xxe-file",
        "xxe-http",
        "xxe-parameter",
        "billion-laughs",
        "laughs-in-attribute",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_document_type_is_refused_by_name(document: str, codec: str) -> None:
    """Also in an encoding in which its bytes do not show."""
    assert refusal(document.encode(codec)) == ("OFD_XML_DOCTYPE", None)


def test_what_only_looks_like_a_document_type_is_text() -> None:
    assert read_xml(b"<a><![CDATA[<!DOCTYPE a>]]></a>").text == "<!DOCTYPE a>"
    assert read_xml(b"<!-- <!DOCTYPE a> --><a/>").name == "a"


def test_unknown_entities_are_syntax_errors() -> None:
    assert refusal("<a>&x;</a>") == ("OFD_XML_MALFORMED", "syntax")


def test_xinclude_is_refused_and_nothing_is_fetched() -> None:
    include = '<a xmlns:x="http://www.w3.org/2001/XInclude"><b><x:include href="file:///etc/passwd" parse="text"/></b></a>'
    assert refusal(include) == ("OFD_XML_XINCLUDE", None)


@pytest.mark.parametrize(
    "data",
    [
        "<a>印</a>".encode(),
        codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="UTF-8"?>' + "<a>印</a>".encode(),
        b"<?xml version='1.0' encoding='gb2312'?>" + "<a>印</a>".encode("gb18030"),
        b'<?xml version="1.0" encoding="GBK" standalone="yes"?>' + "<a>印</a>".encode("gb18030"),
        codecs.BOM_UTF16_LE + "<a>印</a>".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + '<?xml version="1.0" encoding="UTF-16"?><a>印</a>'.encode("utf-16-be"),
    ],
)
def test_encodings_in_use(data: bytes) -> None:
    assert read_xml(data).text == "印"


def test_other_encodings_are_refused() -> None:
    assert refusal('<?xml version="1.0" encoding="UTF-7"?><a/>') == ("OFD_XML_MALFORMED", "encoding")
    assert refusal(b"<a>\xff</a>") == ("OFD_XML_MALFORMED", "encoding")
    # A mark and a declaration that differ are two texts, but for what both read alike
    assert refusal(codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="GBK"?>' + "<a>印</a>".encode()) == ("OFD_XML_MALFORMED", "encoding")
    assert read_xml(codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="GBK"?><a>b</a>').text == "b"
    assert refusal(b"<?xml version='1.0' encoding='us-ascii'?><a>\xc3\xa9</a>") == ("OFD_XML_MALFORMED", "encoding")
    assert refusal(codecs.BOM_UTF16_LE + b"<\0a\0>\0\0\xd8<\0/\0a\0>\0") == ("OFD_XML_MALFORMED", "encoding")


@pytest.mark.parametrize("document", ["", "<a>", "<a/><b/>", "text", "<a b='1' b='2'/>", "<a>\0</a>", "<a:b/>", "<a" + "<a" * 9])
def test_what_is_not_well_formed(document: str) -> None:
    assert refusal(document) == ("OFD_XML_MALFORMED", "syntax")


def test_depth_is_bounded() -> None:
    assert refusal("<a>" * 20_000 + "</a>" * 20_000) == ("OFD_XML_MALFORMED", "syntax")


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_parts, "MAX_XML_BYTES", 40)
    assert refusal("<a>" + "x" * 40 + "</a>") == ("OFD_XML_MALFORMED", "too-large")
    monkeypatch.setattr(xml_parts, "MAX_XML_TAGS", 5)
    assert refusal("<a><b/><b/><b/><b/></a>") == ("OFD_XML_MALFORMED", "too-many-elements")
    monkeypatch.setattr(xml_parts, "MAX_XML_ATTRIBUTES", 2)
    assert refusal("<a b='1' c='2' d='3'/>") == ("OFD_XML_MALFORMED", "too-many-attributes")


def test_a_surrogate_cannot_be_smuggled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_parts, "_decode", lambda data: "<a>\ud800</a>")
    assert refusal(b"") == ("OFD_XML_MALFORMED", "encoding")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="<>a!-[]&;'\"=?/ \nDOCTYPE", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_xml(data)
    except MalformedError as error:
        assert error.code.startswith("OFD_XML_")
