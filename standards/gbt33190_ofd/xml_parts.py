"""Safe XML for the parts of OFD: no document type, no entities, no inclusion, no network, bounded size.

Text is decoded here and handed to the parser in one known encoding, so that no declaration hides from the checks before it. Elements are
found by local name in any namespace: the standard's is ``http://www.ofdspec.org/2016``, older writers have others or none, and what one
reader skips for its namespace another reads.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from standards.errors import MalformedError
from standards.gbt33190_ofd.limits import MAX_XML_ATTRIBUTES, MAX_XML_BYTES, MAX_XML_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE: Final = "http://www.ofdspec.org/2016"
PREFIX: Final = "ofd"
MALFORMED: Final = "OFD_XML_MALFORMED"
DOCTYPE: Final = "OFD_XML_DOCTYPE"
XINCLUDE: Final = "OFD_XML_XINCLUDE"
REFUSED: Final = frozenset({DOCTYPE, XINCLUDE})  # what no honest part has

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CODECS: Final = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "US-ASCII": "ascii",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
}
_DECLARATION: Final = re.compile(r"<\?xml\s[^<>]*\?>")
_ENCODING: Final = re.compile(rb"""<\?xml\s[^<>]*?\bencoding\s*=\s*["']([A-Za-z][\w.-]{0,39})["']""")
_PROLOG_ITEM: Final = re.compile(
    r"[\s\ufeff]+|<!--.*?-->|<\?.*?\?>", re.DOTALL
)  # of a "*+" before 3.11.5 Python forgets what is looked at ahead
_INCLUSION: Final = "{http://www.w3.org/2001/XInclude}*"
_WITHIN_BYTES: Final = 256  # of the declaration; honest ones have under 60


class XmlNode:
    """One element of a part."""

    __slots__ = ("_element",)

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    @property
    def name(self) -> str:
        """The local name."""
        return _local_name(self._element.tag)

    @property
    def namespace(self) -> str:
        """The namespace, empty where it is in none."""
        return str(self._element.tag).rpartition("}")[0].removeprefix("{")

    def get(self, name: str) -> str | None:
        """An attribute without namespace, its value without white space around it."""
        value = self._element.get(name)
        return None if value is None else str(value).strip()

    def readings(self, name: str) -> list[str]:
        """The values of the attributes of one local name, without namespace first: readers differ in which they take. As :meth:`get`."""
        plain = self.get(name)
        found = (value for key, value in self._element.attrib.items() if key != name and _local_name(key) == name)
        return ([] if plain is None else [plain]) + [str(value).strip() for value in found]

    @property
    def text(self) -> str:
        """The text of an element that holds nothing else, without white space around it.

        Raises ``OFD_XML_MALFORMED``, reason ``mixed-content``: with a comment or an element inside, readers disagree about the text.
        """
        return self.raw_text.strip()

    @property
    def raw_text(self) -> str:
        """The text as it stands, white space included: in a text object every space has its place. Raises as :attr:`text`."""
        if len(self._element):
            raise MalformedError(MALFORMED, reason="mixed-content", element=self.name)
        return str(self._element.text or "")

    def children(self, name: str | None = None) -> list[XmlNode]:
        """The elements directly inside, all or those of one local name."""
        pattern = "{*}" + ("*" if name is None else name)
        return [XmlNode(child) for child in self._element.iterchildren(pattern)]

    def child(self, name: str) -> XmlNode | None:
        """The one element of this name directly inside. Raises ``OFD_XML_MALFORMED``, reason ``repeated``, where there are several."""
        found = self.children(name)
        if len(found) > 1:
            raise MalformedError(MALFORMED, reason="repeated", element=name)
        return found[0] if found else None

    def add(self, name: str, text: str | None = None, **attributes: str) -> XmlNode:
        """A further element behind those inside, in the namespace of this one and under its prefix."""
        parent = self._element
        namespace, closing, _ = str(parent.tag).rpartition("}")
        element = etree.SubElement(parent, f"{namespace}{closing}{name}", attributes)
        element.text = text
        return XmlNode(element)

    def set_text(self, text: str) -> None:
        """Put ``text`` in the place of everything inside."""
        for child in list(self._element):
            self._element.remove(child)
        self._element.text = text

    def to_bytes(self) -> bytes:
        """The part this element is the root of, in UTF-8 with its declaration."""
        return bytes(etree.tostring(self._element.getroottree(), encoding="UTF-8", xml_declaration=True))

    def descendants(self, name: str) -> Iterator[XmlNode]:
        """The elements of one local name anywhere inside, this one included."""
        for element in self._element.iter("{*}" + name):
            yield XmlNode(element)


def _local_name(name: str | bytes) -> str:
    """Of a tag or an attribute, which lxml writes with its namespace in braces in front."""
    return str(name).rpartition("}")[2]


def new_part(name: str, **attributes: str) -> XmlNode:
    """The root of a new part, in the namespace of the standard under the usual prefix."""
    return XmlNode(etree.Element(etree.QName(NAMESPACE, name), attributes, nsmap={PREFIX: NAMESPACE}))


def read_xml(data: bytes) -> XmlNode:
    """The root element of a part.

    Raises :class:`MalformedError`: ``OFD_XML_DOCTYPE`` and ``OFD_XML_XINCLUDE`` by name, else ``OFD_XML_MALFORMED`` with ``reason``.
    """
    if len(data) > MAX_XML_BYTES:
        raise MalformedError(MALFORMED, reason="too-large", limit=MAX_XML_BYTES)
    text = _decode(data)
    declaration = _DECLARATION.match(text)
    if declaration is not None:
        _check_declaration(declaration[0])
        text = text[declaration.end() :]
    _check_prolog(text)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise MalformedError(MALFORMED, reason="encoding") from None
    if encoded.count(b"<") > MAX_XML_TAGS:
        raise MalformedError(MALFORMED, reason="too-many-elements", limit=MAX_XML_TAGS)
    if encoded.count(b"=") > MAX_XML_ATTRIBUTES:
        raise MalformedError(MALFORMED, reason="too-many-attributes", limit=MAX_XML_ATTRIBUTES)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(encoded, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedError(MALFORMED, reason="syntax", line=error.lineno or 0) from None
    if next(root.iter(_INCLUSION), None) is not None:
        raise MalformedError(XINCLUDE)
    return XmlNode(root)


def is_read_alike(data: bytes) -> bool:
    """Whether a part that was read is the same text to those who take every part for UTF-8, whatever it says: many readers do."""
    return data.isascii() or _codec_of(data)[0] == "utf-8"


def _decode(data: bytes) -> str:
    codec, content = _codec_of(data)
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        raise MalformedError(MALFORMED, reason="encoding") from None


def _codec_of(data: bytes) -> tuple[str, bytes]:
    """The encoding of a part by its byte order mark, else by its declaration, else UTF-8; and the part without its mark."""
    codec = "utf-8"
    mark = next((pair for pair in _MARKS if data.startswith(pair[0])), None)
    if mark is not None:
        data, codec = data[len(mark[0]) :], mark[1]
    stated = _ENCODING.match(data[:_WITHIN_BYTES])
    if stated is not None:
        name = stated.group(1).decode("ascii").upper()
        if mark is None and name not in _CODECS:
            raise MalformedError(MALFORMED, reason="encoding", found=name)
        if mark is not None and _CODECS.get(name) != codec and not data.isascii():
            # One reader follows the mark, another the declaration: with other characters than ASCII they read two texts
            raise MalformedError(MALFORMED, reason="encoding", found=name)
        codec = codec if mark is not None else _CODECS[name]
    return codec, data


def _check_declaration(text: str) -> None:
    """It states one encoding or none, and where that was looked for: another reader, who finds one elsewhere, would read another text."""
    said = text.encode()
    if len(said) > _WITHIN_BYTES or said.lower().count(b"encoding") != (0 if _ENCODING.match(said) is None else 1):
        raise MalformedError(MALFORMED, reason="encoding")


def _check_prolog(text: str) -> None:
    """A document type can stand only in front of the root element; anything that looks like one there is refused.

    A further byte order mark there is passed over, as the parser passes over it: it must not hide what stands behind it.
    """
    at = 0
    while (item := _PROLOG_ITEM.match(text, at)) is not None:
        at = item.end()
    if text[at : at + 9].upper() == "<!DOCTYPE":
        raise MalformedError(DOCTYPE)
