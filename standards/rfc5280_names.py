"""RFC 5280, 4.1.2.4, 4.2.1.6 and 7.1: distinguished names and general names; RFC 4514: their text.

Names are kept as the bytes received. :func:`normalised` gives the form in which two names are compared when their bytes differ only in
the string type, letter case or spacing (7.1); values in which such folding could hide something are compared byte for byte.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from standards import gbt33560_oids as oids
from standards import x690_der as der
from standards.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from standards.x690_der import Node

MAX_NAME_BYTES: Final = 8192  # the longest real subjects take under 1 kB
MAX_NAME_ATTRIBUTES: Final = 64  # real names have under 12
MAX_GENERAL_NAMES: Final = 1000  # subjectAltName of the largest web certificates

OTHER_NAME: Final = 0
RFC822_NAME: Final = 1
DNS_NAME: Final = 2
DIRECTORY_NAME: Final = 4
URI: Final = 6
IP_ADDRESS: Final = 7
_GENERAL_NAME_TAGS: Final = {0xA0: 0, 0x81: 1, 0x82: 2, 0xA3: 3, 0xA4: 4, 0xA5: 5, 0x86: 6, 0x87: 7, 0x88: 8}

EMAIL_ADDRESS: Final = "1.2.840.113549.1.9.1"
_KEYWORDS: Final = {
    oids.COMMON_NAME: "CN",
    oids.SERIAL_NUMBER: "serialNumber",
    oids.COUNTRY: "C",
    oids.LOCALITY: "L",
    oids.STATE: "ST",
    oids.ORGANISATION: "O",
    oids.ORGANISATIONAL_UNIT: "OU",
    "2.5.4.9": "STREET",
    "2.5.4.4": "SN",
    "2.5.4.12": "title",
    "2.5.4.42": "GN",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    EMAIL_ADDRESS: "emailAddress",
}
_OIDS: Final = {keyword: oid for oid, keyword in _KEYWORDS.items()}
_PRINTABLE_ONLY: Final = frozenset({oids.COUNTRY, oids.SERIAL_NUMBER})  # RFC 5280, appendix A
_IA5_ONLY: Final = frozenset({EMAIL_ADDRESS, "0.9.2342.19200300.100.1.25"})
_TEXT_TAGS: Final = frozenset(
    {
        der.UTF8_STRING,
        der.NUMERIC_STRING,
        der.PRINTABLE_STRING,
        der.TELETEX_STRING,
        der.IA5_STRING,
        der.VISIBLE_STRING,
        der.UNIVERSAL_STRING,
        der.BMP_STRING,
    }
)
_FOLDED_TAGS: Final = frozenset({der.UTF8_STRING, der.PRINTABLE_STRING, der.BMP_STRING, der.IA5_STRING})
_UNSAFE_TO_FOLD: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})  # control, invisible, unassigned, private
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class NameAttribute:
    """One AttributeTypeAndValue. ``text`` is ``None`` where the value is no character string; ``value_der`` is the value as received."""

    oid: str
    text: str | None
    value_der: bytes
    value_tag: int


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One GeneralName: ``kind`` is its tag number; ``text`` for the string kinds, ``name_der`` for a directory name; ``raw`` as received."""

    kind: int
    text: str | None
    name_der: bytes | None
    raw: bytes


NameParts = tuple[tuple[NameAttribute, ...], ...]


def read_name(name_der: bytes) -> NameParts:
    """The relative distinguished names of a Name, in the order of the encoding (most general first).

    Raises ``NAME_TOO_LARGE``, ``NAME_MALFORMED`` or a DER code.
    """
    if len(name_der) > MAX_NAME_BYTES:
        raise MalformedError("NAME_TOO_LARGE", limit=MAX_NAME_BYTES, found=len(name_der))
    return _read_name(name_der)


@lru_cache(maxsize=1024)
def _read_name(name_der: bytes) -> NameParts:
    rdns, count = [], 0
    for rdn in der.read_der(name_der).children(der.SEQUENCE):
        attributes = []
        for pair in rdn.children(der.SET):
            parts = pair.children(der.SEQUENCE)
            count += 1
            if len(parts) != 2 or count > MAX_NAME_ATTRIBUTES:
                raise MalformedError("NAME_MALFORMED", elements=len(parts), attributes=count)
            value = parts[1]
            attributes.append(NameAttribute(parts[0].oid(), value.text() if value.tag in _TEXT_TAGS else None, value.raw, value.tag))
        if not attributes:
            raise MalformedError("NAME_MALFORMED", attributes=0)
        rdns.append(tuple(attributes))
    return tuple(rdns)


def write_name(attributes: Iterable[tuple[str, str]]) -> bytes:
    """A Name with one attribute in each relative name, most general first, as in ``[("C", "CN"), ("O", "..."), ("CN", "...")]``.

    Attribute types are keywords (``C ST L O OU CN serialNumber ...``) or dotted identifiers. Country and serial number become
    PrintableString, mail addresses and domain components IA5String, everything else UTF8String (RFC 5280, 4.1.2.4).
    """
    parts = []
    for keyword, text in attributes:
        oid = _OIDS.get(keyword, keyword)
        if oid in _PRINTABLE_ONLY:
            value = der.printable_string(text)
        elif oid in _IA5_ONLY:
            value = der.ia5_string(text)
        else:
            value = der.utf8_string(text)
        parts.append(der.tlv(der.SET, der.sequence(der.oid(oid), value)))
    return der.sequence(*parts)


def name_text(name_der: bytes) -> str:
    r"""The name as RFC 4514 writes it, most specific first: ``CN=...,O=...,C=CN``.

    Control and invisible characters are written as ``\XX`` of their UTF-8 octets, so that a name cannot disguise itself on a screen
    or break a log line.
    """
    return ",".join("+".join(_attribute_text(attribute) for attribute in rdn) for rdn in reversed(read_name(name_der)))


def _attribute_text(attribute: NameAttribute) -> str:
    keyword = _KEYWORDS.get(attribute.oid)
    if keyword is None or attribute.text is None:
        return f"{keyword or attribute.oid}=#{attribute.value_der.hex()}"
    last = len(attribute.text) - 1
    return f"{keyword}=" + "".join(_escaped(char, i == 0, i == last) for i, char in enumerate(attribute.text))


def _escaped(char: str, first: bool, last: bool) -> str:  # noqa: FBT001 - the place of the character
    if char in '"+,;<>\\' or (char == "#" and first) or (char == " " and (first or last)):
        return "\\" + char
    if unicodedata.category(char) in _INVISIBLE:
        return "".join(f"\\{octet:02X}" for octet in char.encode("utf-8", "surrogatepass"))
    return char


def attribute_text(name_der: bytes, oid: str) -> str | None:
    """The text of the last (most specific) attribute of this type, or ``None``."""
    found = [attribute.text for rdn in read_name(name_der) for attribute in rdn if attribute.oid == oid]
    return found[-1] if found else None


@lru_cache(maxsize=1024)
def normalised(name_der: bytes) -> tuple[frozenset[tuple[str, str | bytes]], ...]:
    """The form of a name for comparison (RFC 5280, 7.1; RFC 4518): compatibility normalised, case folded, spaces compressed.

    Only UTF8, Printable, IA5 and BMP strings are folded. A value with control, invisible, private or unassigned characters, and any
    other type, stays its own bytes, so that it equals nothing but itself.
    """
    return tuple(frozenset((attribute.oid, _folded(attribute)) for attribute in rdn) for rdn in read_name(name_der))


def _folded(attribute: NameAttribute) -> str | bytes:
    text = attribute.text
    if text is None or attribute.value_tag not in _FOLDED_TAGS or any(unicodedata.category(char) in _UNSAFE_TO_FOLD for char in text):
        return attribute.value_der
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def is_same_name(one_der: bytes, other_der: bytes) -> bool:
    """Whether two names are the same: byte for byte, or in their normalised forms."""
    return one_der == other_der or normalised(one_der) == normalised(other_der)


def is_within(name_der: bytes, base_der: bytes) -> bool:
    """Whether a name lies in the subtree that begins at ``base_der`` (RFC 5280, 4.2.1.10, directoryName)."""
    base = normalised(base_der)
    return normalised(name_der)[: len(base)] == base


def may_be_within(name_der: bytes, base_der: bytes) -> bool:
    """Whether a name could lie in the subtree if values that are compared byte for byte, because folding is not safe, meant the same text."""
    name, base = normalised(name_der), normalised(base_der)
    return len(name) >= len(base) and all(_may_be_same(one, other) for one, other in zip(name, base, strict=False))


def _may_be_same(one: frozenset[tuple[str, str | bytes]], other: frozenset[tuple[str, str | bytes]]) -> bool:
    return one == other or (
        {oid for oid, _ in one} == {oid for oid, _ in other} and any(isinstance(value, bytes) for _, value in one ^ other)
    )


def read_general_name(node: Node) -> GeneralName:
    """One GeneralName. Kinds 3, 5 and 8, other names and addresses are kept as bytes only."""
    kind = _GENERAL_NAME_TAGS.get(node.tag)
    if kind is None:
        raise MalformedError("GENERAL_NAME_MALFORMED", tag=f"0x{node.tag:02x}")
    text = name_der = None
    if kind == DIRECTORY_NAME:
        name_der = node.only_child().raw
        read_name(name_der)
    elif kind in {RFC822_NAME, DNS_NAME, URI}:
        # Real URIs carry characters beyond ASCII (directory paths in Chinese), although IA5String forbids it.
        text = node.value.decode("utf-8", "backslashreplace")
    return GeneralName(kind, text, name_der, node.raw)


def read_general_names(nodes: list[Node]) -> tuple[GeneralName, ...]:
    """The elements of a GeneralNames sequence, at most :data:`MAX_GENERAL_NAMES`."""
    if len(nodes) > MAX_GENERAL_NAMES:
        raise MalformedError("GENERAL_NAMES_TOO_MANY", limit=MAX_GENERAL_NAMES, found=len(nodes))
    return tuple(read_general_name(node) for node in nodes)


def write_uri(uri: str) -> bytes:
    """GeneralName uniformResourceIdentifier of an ASCII address."""
    return der.tlv(0x80 | URI, uri.encode("ascii"))


def write_directory_name(name_der: bytes) -> bytes:
    """GeneralName directoryName around an encoded Name (explicit, because Name is a CHOICE)."""
    return der.explicit(DIRECTORY_NAME, name_der)
