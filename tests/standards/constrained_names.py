"""Names and subtrees (RFC 5280, 4.2.1.10) with whether the name lies within; ``None`` where that cannot be told."""

from __future__ import annotations

import ipaddress
from typing import Final

from standards import x690_der as der
from standards.rfc5280_names import write_name

_TAGS: Final = {"mail": 0x81, "dns": 0x82, "uri": 0x86, "ip": 0x87}
SUBJECT: Final = write_name([("C", "CN"), ("CN", "somebody")])

CASES: Final[tuple[tuple[str, str, str, bool | None], ...]] = (
    ("mail", "x@a.example", "a.example", True),
    ("mail", "x@A.EXAMPLE", "a.example", True),
    ("mail", "x@b.a.example", "a.example", False),
    ("mail", "x@a.example", ".a.example", False),
    ("mail", "x@b.a.example", ".a.example", True),
    ("mail", "x@B.A.example", ".a.EXAMPLE", True),
    ("mail", "x@ba.example", ".a.example", False),
    ("mail", "x@ba.example", "a.example", False),
    ("mail", "x@a.example", "x@a.example", True),
    ("mail", "x@A.example", "x@a.EXAMPLE", True),
    ("mail", "y@a.example", "x@a.example", False),
    ("mail", "x@b.example", "x@a.example", False),
    ("mail", "X@a.example", "x@a.example", None),
    ("mail", "x@a.example", "", None),
    ("mail", "x@a.example", ".", None),
    ("mail", "x@a.example", "@a.example", None),
    ("mail", "x@a.example", "x@", None),
    ("mail", "x@a.example", "a..example", None),
    ("mail", "x@a.example", "x@a..example", None),
    ("mail", "a.example", "a.example", None),
    ("mail", "x@", "a.example", None),
    ("mail", "@a.example", "a.example", None),
    ("mail", "x@b.example@a.example", "a.example", None),
    ("mail", '"x@b.example"@a.example', "a.example", None),
    ("mail", "x@[192.0.2.1]", "a.example", None),
    ("mail", "x@a.example\0.b.example", ".b.example", None),
    ("mail", "x@a.example ", "a.example", None),
    ("mail", "x@a.example\n", "a.example", None),
    ("mail", "x@\u212a.example", "k.example", None),
    ("mail", "用户@a.example", "a.example", None),
    ("mail", "x y@a.example", "a.example", None),
    ("mail", "x@" + "a." * 127 + "example", "a.example", None),
    ("dns", "a.example", "a.example", True),
    ("dns", "A.example", "a.EXAMPLE", True),
    ("dns", "b.a.example", "a.example", True),
    ("dns", "c.b.a.example", "a.example", True),
    ("dns", "ba.example", "a.example", False),
    ("dns", "example", "a.example", False),
    ("dns", "b.a.example", ".a.example", True),
    ("dns", "a.example", ".a.example", None),
    ("dns", "b.example", ".a.example", False),
    ("dns", "a.example", "", True),
    ("dns", "*.a.example", "a.example", True),
    ("dns", "*.a.example", ".a.example", True),
    ("dns", "*.a.example", "b.a.example", None),
    ("dns", "*.a.example", "b.example", False),
    ("dns", "*.example", "a.example", None),
    ("dns", "b.*.example", "example", None),
    ("dns", "*", "example", None),
    ("dns", "a.example.", "a.example", None),
    ("dns", "", "a.example", None),
    ("dns", "", "", None),
    ("dns", "a.example", ".", None),
    ("dns", "a.example", "a.example.", None),
    ("dns", "a.example", "*.example", None),
    ("dns", "a.example\0b.example", "b.example", None),
    ("dns", "ban\u212a.example", "bank.example", None),
    ("dns", "甲.example", "example", None),
    ("dns", "-a.example", "example", None),
    ("dns", "a" * 64 + ".example", "example", None),
    ("dns", "a_b.example", "example", True),
    ("uri", "http://a.example", "a.example", True),
    ("uri", "HTTP://A.example:80/x?y#z", "a.example", True),
    ("uri", "http://a.example/目录", "a.example", True),
    ("uri", "http://a.example?x", "a.example", True),
    ("uri", "http://b.a.example/", "a.example", False),
    ("uri", "http://b.a.example/", ".a.example", True),
    ("uri", "http://a.example/", ".a.example", False),
    ("uri", "http://user:word@a.example/", "a.example", True),
    ("uri", "http://a.example@b.example/", "a.example", False),
    ("uri", "http://a.example@b.example/", "b.example", True),
    ("uri", "http://a.example@b.example@c.example/", "c.example", None),
    ("uri", "http://b.example\\@a.example/", "a.example", None),
    ("uri", "http://b.example/@a.example", "a.example", False),
    ("uri", "http://a.example\\.b.example/", "b.example", None),
    ("uri", "http://192.0.2.1/", "a.example", None),
    ("uri", "http://0x7f.1/", "0x7f.1", None),
    ("uri", "http://1.2.3.0x/", "a.example", None),
    ("uri", "http://[2001:db8::1]/", "a.example", None),
    ("uri", "http:///x", "a.example", None),
    ("uri", "http:a.example", "a.example", None),
    ("uri", "urn:a.example", "a.example", None),
    ("uri", "mailto:x@a.example", "a.example", None),
    ("uri", "a.example", "a.example", None),
    ("uri", "http://a.example:x/", "a.example", None),
    ("uri", "http://%61.example/", "a.example", None),
    ("uri", "http://a.example./", "a.example", None),
    ("uri", "http://a.example", "", None),
    ("uri", "http://a.example", "http://a.example", None),
    ("uri", "http://a.example", "a.example:80", None),
    ("uri", "http://a.example\t.b.example/", "b.example", None),
    ("ip", "192.0.2.1", "192.0.2.0/24", True),
    ("ip", "192.0.3.1", "192.0.2.0/24", False),
    ("ip", "192.0.2.1", "0.0.0.0/0", True),
    ("ip", "192.0.2.1", "192.0.2.1/32", True),
    ("ip", "192.0.2.2", "192.0.2.1/32", False),
    ("ip", "192.0.2.1", "192.0.2.77/24", True),
    ("ip", "2001:db8::1", "2001:db8::/32", True),
    ("ip", "2001:db9::1", "2001:db8::/32", False),
    ("ip", "2001:db8::1", "0.0.0.0/0", False),
    ("ip", "192.0.2.1", "::/0", False),
    ("ip", "::ffff:192.0.2.1", "192.0.2.0/24", None),
    ("ip", "c00002", "192.0.2.0/24", None),
    ("ip", "192.0.2.1", "c0000200ffff", None),
    ("ip", "192.0.2.1", "c0000200ff00ff00", None),
    ("ip", "192.0.2.1", "c000020000ffffff", None),
)


def _value(kind: str, text: str, *, is_base: bool) -> bytes:
    if kind != "ip":
        return text.encode()
    try:
        if not is_base:
            return ipaddress.ip_address(text).packed
        address = ipaddress.ip_interface(text)
        return address.packed + address.network.netmask.packed if "/" in text else bytes.fromhex(text)
    except ValueError:
        return bytes.fromhex(text)


def name_of(kind: str, text: str) -> bytes:
    """A GeneralName; addresses as text, or as hexadecimal digits where they are none."""
    return der.tlv(_TAGS[kind], _value(kind, text, is_base=False))


def base_of(kind: str, text: str) -> bytes:
    """A GeneralName as the base of a subtree."""
    return der.tlv(_TAGS[kind], _value(kind, text, is_base=True))


def constraints_value(kind: str, base: str, way: str) -> bytes:
    """NameConstraints with this one subtree, ``permitted`` or ``excluded``."""
    return der.sequence(der.tlv(0xA0 if way == "permitted" else 0xA1, der.sequence(base_of(kind, base))))
